//! Every row of the emulator's evidence table, and every setting, is checked or has a reason why not.

use std::collections::BTreeSet;

use azure_conformance::gaps::{self, Setting};
use azure_conformance::table::{README, evidence};
use azure_conformance::{expectation, probes};

/// A row of the table that this is for, in the message of a test that fails.
const HELP: &str =
    "name it in a probe of tests/conformance/src/probes, or in tests/conformance/src/gaps.rs with the reason why not";

#[test]
fn every_row_is_probed_or_has_a_reason() {
    let table: BTreeSet<String> = evidence(README).into_iter().map(|(behaviour, _)| behaviour).collect();
    assert!(table.len() > 60, "the table was found: {}", table.len());
    let probed: BTreeSet<String> = probes::all().iter().flat_map(|probe| probe.rows).map(|row| row.text.to_owned()).collect();
    let gaps: BTreeSet<String> = gaps::ROWS.iter().map(|(text, _)| (*text).to_owned()).collect();
    for row in &table {
        assert!(probed.contains(row) || gaps.contains(row), "no probe asks about the row {row:?}: {HELP}");
    }
    for row in probed.union(&gaps) {
        assert!(table.contains(row), "the evidence table of tests/emulator/README.md has no row {row:?}");
    }
    assert_eq!(probed.intersection(&gaps).collect::<Vec<_>>(), [""; 0], "asked and not asked");
}

#[test]
fn every_setting_is_distinguished_or_has_a_reason() {
    let known: BTreeSet<&str> = gaps::SETTINGS.iter().map(|(key, _)| *key).collect();
    let defaults = expectation::defaults();
    let settings: BTreeSet<&str> = defaults.as_object().expect("an object").keys().map(String::as_str).collect();
    for setting in &settings {
        assert!(
            known.contains(setting),
            "no probe distinguishes the values of {setting:?}: add it to SETTINGS in tests/conformance/src/gaps.rs"
        );
    }
    assert_eq!(known, settings);
    let named: BTreeSet<&str> = probes::all().iter().flat_map(|probe| probe.rows).flat_map(|row| row.settings).copied().collect();
    let with_values = gaps::SETTINGS.iter().filter(|(_, setting)| matches!(setting, Setting::Values(_)));
    assert_eq!(
        with_values.map(|(key, _)| *key).collect::<BTreeSet<_>>(),
        named,
        "what has values is named by a row, and what is named has values"
    );
}

#[tokio::test]
async fn every_fact_is_observed_and_every_value_of_a_setting_is_distinguished() {
    let mut shows = BTreeSet::new();
    for probe in probes::all() {
        let expected = expectation::of(probe).await.expect("the emulator can be asked");
        let usual = &expected[0];
        assert_eq!(usual.failure, None, "{}", probe.id);
        for fact in probe.rows.iter().flat_map(|row| row.facts) {
            assert!(usual.seen.get(fact).is_some(), "the probe {} does not see {fact:?}", probe.id);
        }
        for other in &expected[1..] {
            let (key, value) = other.setting.as_ref().expect("a setting");
            let rows = probe.rows.iter().filter(|row| row.settings.contains(key));
            if rows.into_iter().any(|row| other.seen.part(row.facts) != usual.seen.part(row.facts)) {
                shows.insert((*key, value.to_string()));
            }
        }
    }
    for (key, setting) in gaps::SETTINGS {
        let Setting::Values(values) = setting else { continue };
        for value in *values {
            let value: serde_json::Value = serde_json::from_str(value).expect("JSON");
            assert!(shows.contains(&(*key, value.to_string())), "no probe sees a difference with {key}={value}");
        }
    }
}
