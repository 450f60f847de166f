//! The report: Markdown for people, JSON for programs.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::run::Run;
use crate::verdict::{self, Finding, Judged, JudgedSetting, Verdict};

/// What is seen of a row is shown in the table up to this length.
const LONGEST: usize = 1000;

/// Everything that a report shows.
#[derive(Debug)]
pub struct Report {
    /// What was probed: `Azure, public cloud`.
    pub asked: String,
    /// When.
    pub at: String,
    /// Every row of the evidence table.
    pub rows: Vec<Judged>,
    /// Every setting of the emulator.
    pub settings: Vec<JudgedSetting>,
    /// The probes that went wrong, and why.
    pub broken: Vec<(String, String)>,
    /// What could not be removed.
    pub left: Vec<String>,
    /// Whether the run was interrupted.
    pub interrupted: bool,
}

/// How many rows have which verdict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// The same as the emulator.
    pub confirmed: usize,
    /// The same as the emulator with a setting.
    pub with_setting: usize,
    /// Different.
    pub otherwise: usize,
    /// Not checked.
    pub not_asked: usize,
}

impl Report {
    /// Compares a run with the emulator.
    ///
    /// # Errors
    ///
    /// If the emulator in this process cannot be probed.
    pub async fn of(run: &Run, asked: &str, at: &str) -> Result<Self, String> {
        let rows = verdict::rows(run).await?;
        let settings = verdict::settings(&rows);
        Ok(Self {
            asked: asked.to_owned(),
            at: at.to_owned(),
            rows,
            settings,
            broken: run.broken().map(|(probe, why)| (probe.to_owned(), why.to_owned())).collect(),
            left: run.left.iter().map(ToString::to_string).collect(),
            interrupted: run.interrupted,
        })
    }

    /// How many rows have which verdict.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for row in &self.rows {
            *match row.verdict() {
                Verdict::AsEmulator => &mut counts.confirmed,
                Verdict::AsEmulatorWith(..) => &mut counts.with_setting,
                Verdict::Otherwise => &mut counts.otherwise,
                Verdict::NotAsked(_) => &mut counts.not_asked,
            } += 1;
        }
        counts
    }

    /// 0: all checked rows are the same as the emulator; 2: a row differs; 1: a probe went wrong, something could not be
    /// removed, or the run was interrupted.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        let counts = self.counts();
        if self.interrupted || !self.broken.is_empty() || !self.left.is_empty() {
            1
        } else if counts.with_setting + counts.otherwise > 0 {
            2
        } else {
            0
        }
    }

    /// The summary in a few lines.
    #[must_use]
    pub fn summary(&self) -> String {
        let Counts { confirmed, with_setting, otherwise, not_asked } = self.counts();
        let mut text = format!(
            "{} rows: {confirmed} same as the emulator, {with_setting} same as the emulator with another setting, {otherwise} different, {not_asked} not checked.\n",
            self.rows.len()
        );
        if self.interrupted {
            text.push_str("The run was interrupted.\n");
        }
        for (probe, why) in &self.broken {
            let _ = writeln!(text, "The probe {probe} ended early: {why}.");
        }
        for left in &self.left {
            let _ = writeln!(text, "Could not be removed: {left}. Remove it by hand.");
        }
        text
    }

    /// The report as Markdown.
    #[must_use]
    pub fn markdown(&self) -> String {
        let mut text =
            format!("# Conformance of the emulator\n\nChecked: {}. Date: {}.\n\n{}", self.asked, self.at, self.summary());
        text.push_str("\n## Rows that differ\n\n");
        self.differing(&mut text);
        text.push_str("\n## Settings\n\n| setting | default | verdict |\n|---|---|---|\n");
        for setting in &self.settings {
            let _ = writeln!(
                text,
                "| `{}` | {} | {} |",
                setting.key,
                cell(&verdict::plain(&setting.default)),
                cell(&setting.verdict)
            );
        }
        text.push_str("\n## Rows that were not checked\n\n");
        for row in &self.rows {
            if let Verdict::NotAsked(why) = row.verdict() {
                let _ = writeln!(text, "- {}: {why}", row.behaviour);
            }
        }
        text.push_str("\n## All rows\n\n| behaviour | evidence so far | verdict | observed |\n|---|---|---|---|\n");
        for row in &self.rows {
            let facts: Vec<String> = row.findings.iter().filter_map(facts).collect();
            let _ = writeln!(
                text,
                "| {} | {} | {} | {} |",
                row.behaviour,
                row.evidence,
                cell(&verdicts(row)),
                cell(&facts.join("; "))
            );
        }
        text
    }

    fn differing(&self, text: &mut String) {
        let before = text.len();
        for row in &self.rows {
            for finding in row.findings.iter().filter(|f| matches!(f.verdict, Verdict::AsEmulatorWith(..) | Verdict::Otherwise)) {
                let _ = writeln!(text, "- {} ({}; probe `{}`): {}", row.behaviour, row.evidence, finding.probe, finding.verdict);
                for (fact, azure, emulator) in verdict::differences(finding) {
                    let _ = writeln!(text, "  - {fact}: Azure {azure}; emulator {emulator}");
                }
            }
        }
        if text.len() == before {
            text.push_str("None.\n");
        }
    }

    /// The report as JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        let finding = |f: &Finding| json!({"probe": f.probe, "verdict": f.verdict.to_string(), "azure": f.azure, "emulator": f.emulator, "leftOut": f.left_out});
        let row = |row: &Judged| {
            json!({
                "behaviour": row.behaviour, "evidence": row.evidence, "verdict": row.verdict().to_string(),
                "findings": row.findings.iter().map(finding).collect::<Vec<_>>(),
            })
        };
        let setting = |s: &JudgedSetting| json!({"key": s.key, "default": s.default, "verdict": s.verdict});
        let counts = self.counts();
        json!({
            "asked": self.asked,
            "at": self.at,
            "counts": {
                "asTheEmulator": counts.confirmed, "withASetting": counts.with_setting, "otherwise": counts.otherwise, "notAsked": counts.not_asked,
            },
            "interrupted": self.interrupted,
            "broken": self.broken.iter().map(|(probe, why)| json!({"probe": probe, "why": why})).collect::<Vec<_>>(),
            "left": self.left,
            "settings": self.settings.iter().map(setting).collect::<Vec<_>>(),
            "rows": self.rows.iter().map(row).collect::<Vec<_>>(),
        })
    }
}

fn verdicts(row: &Judged) -> String {
    let of = |f: &Finding| match f.left_out {
        Some(left_out) => format!("{} (left out: {left_out})", f.verdict),
        None => f.verdict.to_string(),
    };
    row.findings.iter().map(of).collect::<Vec<_>>().join("; ")
}

/// The facts of a finding in one line; none if Azure was not probed.
fn facts(finding: &Finding) -> Option<String> {
    if matches!(finding.verdict, Verdict::NotAsked(_)) {
        return None;
    }
    let facts = finding.azure.as_object()?.iter().map(|(fact, value)| format!("{fact}: {}", verdict::plain(value)));
    let text = facts.collect::<Vec<_>>().join(", ");
    Some(if text.len() > LONGEST { format!("in report.json, probe {}", finding.probe) } else { text })
}

/// A text in a cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace(['\r', '\n'], " ")
}
