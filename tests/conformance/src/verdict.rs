//! Row by row: what Azure does, compared with what the emulator does.

use serde_json::{Value, json};

use crate::expectation::{self, Expected};
use crate::gaps::{self, Setting};
use crate::run::{Outcome, Run};
use crate::seen::{Failure, Seen};
use crate::table::{self, Row};

/// How Azure and the emulator compare.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// They answer the same.
    AsEmulator,
    /// They answer the same with this setting of the emulator.
    AsEmulatorWith(&'static str, Value),
    /// They answer differently.
    Otherwise,
    /// The row was not checked against Azure.
    NotAsked(String),
}

impl std::fmt::Display for Verdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::AsEmulator => f.write_str("same as the emulator"),
            Self::AsEmulatorWith(setting, value) => write!(f, "same as the emulator with {setting}={}", plain(value)),
            Self::Otherwise => f.write_str("different"),
            Self::NotAsked(why) => write!(f, "not checked: {why}"),
        }
    }
}

/// JSON, a string without its quotes.
#[must_use]
pub fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// What one probe found out about one row.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The probe.
    pub probe: &'static str,
    /// The settings that it distinguishes.
    pub settings: &'static [&'static str],
    /// What it does not show of the row.
    pub left_out: Option<&'static str>,
    /// The facts of Azure.
    pub azure: Value,
    /// The facts of the emulator.
    pub emulator: Value,
    /// How they compare.
    pub verdict: Verdict,
}

/// A row of the evidence table.
#[derive(Clone, Debug)]
pub struct Judged {
    /// The first column.
    pub behaviour: String,
    /// The second one.
    pub evidence: String,
    /// What the probes found out; without a probe, the reason why there is none.
    pub findings: Vec<Finding>,
}

impl Judged {
    /// The verdict of the whole row: of all findings, the one that differs most from the emulator.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        let rank = |verdict: &Verdict| match verdict {
            Verdict::NotAsked(_) => 0,
            Verdict::AsEmulator => 1,
            Verdict::AsEmulatorWith(..) => 2,
            Verdict::Otherwise => 3,
        };
        let all = self.findings.iter().map(|finding| &finding.verdict);
        all.max_by_key(|verdict| rank(verdict)).cloned().unwrap_or_else(|| Verdict::NotAsked("no probe names the row".to_owned()))
    }
}

/// Every row, in the order of the table.
///
/// # Errors
///
/// If the emulator in this process cannot be probed.
pub async fn rows(run: &Run) -> Result<Vec<Judged>, String> {
    let mut expected = Vec::new();
    for outcome in &run.outcomes {
        expected.push((outcome, expectation::of(outcome.probe).await?));
    }
    let judged = table::evidence(table::README).into_iter().map(|(behaviour, evidence)| {
        let mut findings: Vec<Finding> = expected
            .iter()
            .flat_map(|(outcome, expected)| {
                let rows = outcome.probe.rows.iter().filter(|row| row.text == behaviour);
                rows.map(|row| finding(outcome, row, expected)).collect::<Vec<_>>()
            })
            .collect();
        if let Some((_, why)) = gaps::ROWS.iter().find(|(text, _)| *text == behaviour) {
            findings.push(gap(why));
        }
        Judged { behaviour, evidence, findings }
    });
    Ok(judged.collect())
}

fn gap(why: &str) -> Finding {
    Finding {
        probe: "none",
        settings: &[],
        left_out: None,
        azure: Value::Null,
        emulator: Value::Null,
        verdict: Verdict::NotAsked(why.to_owned()),
    }
}

fn finding(outcome: &Outcome, row: &Row, expected: &[Expected]) -> Finding {
    let azure = outcome.seen.part(row.facts);
    let usual = expected.first().map(|usual| usual.seen.part(row.facts)).unwrap_or_default();
    let missing = |seen: &Seen| row.facts.iter().any(|fact| seen.get(fact).is_none());
    let verdict = match &outcome.failure {
        Some(Failure::NotAsked(why) | Failure::Broken(why)) if missing(&outcome.seen) => Verdict::NotAsked(why.clone()),
        _ if azure == usual => Verdict::AsEmulator,
        _ => {
            let of_row = expected.iter().filter_map(|one| Some((one.setting.as_ref()?, one.seen.part(row.facts))));
            let mut fitting = of_row.filter(|((key, _), facts)| row.settings.contains(key) && *facts == azure);
            fitting.next().map_or(Verdict::Otherwise, |((key, value), _)| Verdict::AsEmulatorWith(key, value.clone()))
        }
    };
    Finding { probe: outcome.probe.id, settings: row.settings, left_out: row.left_out, azure, emulator: usual, verdict }
}

/// What Azure does, in terms of a setting of the emulator.
#[derive(Clone, Debug)]
pub struct JudgedSetting {
    /// Its name.
    pub key: &'static str,
    /// Its value unless it is set.
    pub default: Value,
    /// In words.
    pub verdict: String,
}

/// Every setting.
#[must_use]
pub fn settings(rows: &[Judged]) -> Vec<JudgedSetting> {
    let defaults = expectation::defaults();
    gaps::SETTINGS
        .iter()
        .map(|(key, setting)| {
            let default = defaults[*key].clone();
            let verdict = match setting {
                Setting::NotAsked(why) => format!("not checked: {why}"),
                Setting::Values(_) => of_setting(key, &default, rows),
            };
            JudgedSetting { key, default, verdict }
        })
        .collect()
}

fn of_setting(key: &str, default: &Value, rows: &[Judged]) -> String {
    let findings: Vec<&Finding> = rows.iter().flat_map(|row| &row.findings).filter(|f| f.settings.contains(&key)).collect();
    let with = findings.iter().find_map(|f| match &f.verdict {
        Verdict::AsEmulatorWith(setting, value) if *setting == key => Some(value),
        _ => None,
    });
    if let Some(value) = with {
        return format!("as {key}={}", plain(value));
    }
    if findings.iter().any(|f| f.verdict == Verdict::Otherwise) {
        return "neither as the default nor as another value that was compared; see the rows".to_owned();
    }
    if findings.iter().any(|f| matches!(f.verdict, Verdict::AsEmulator | Verdict::AsEmulatorWith(..))) {
        return format!("as the default, {}", plain(default));
    }
    let why = findings.iter().find_map(|f| match &f.verdict {
        Verdict::NotAsked(why) => Some(why.as_str()),
        _ => None,
    });
    format!("not checked: {}", why.unwrap_or("no probe distinguishes its values"))
}

/// The facts that differ, by name: Azure's and the emulator's.
#[must_use]
pub fn differences(finding: &Finding) -> Vec<(String, String, String)> {
    let facts = finding.azure.as_object().into_iter().flatten();
    let differ = facts.filter(|(fact, value)| finding.emulator.get(fact.as_str()) != Some(value));
    differ.map(|(fact, value)| (fact.clone(), plain(value), plain(finding.emulator.get(fact).unwrap_or(&json!(null))))).collect()
}
