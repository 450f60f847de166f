//! The verdicts, if the emulator itself is probed.

use azure_conformance::report::Report;
use azure_conformance::verdict::Verdict;
use serde_json::json;

use crate::support::report;

fn verdict(report: &Report, behaviour: &str) -> Verdict {
    report.rows.iter().find(|row| row.behaviour == behaviour).expect(behaviour).verdict()
}

fn setting<'a>(report: &'a Report, key: &str) -> &'a str {
    &report.settings.iter().find(|setting| setting.key == key).expect(key).verdict
}

#[tokio::test]
async fn the_emulator_matches_itself() {
    let report = report(&json!({})).await;
    let counts = report.counts();
    assert_eq!((counts.with_setting, counts.otherwise), (0, 0), "{}", report.markdown());
    assert!(counts.confirmed >= 60, "the probes of the operator's own requests: {counts:?}");
    assert_eq!((report.exit_code(), &report.broken, &report.left), (0, &Vec::new(), &Vec::new()));
}

#[tokio::test]
async fn a_setting_of_the_emulator_is_recognized() {
    let report = report(&json!({"absentIdentity": "keep"})).await;
    let expected = Verdict::AsEmulatorWith("absentIdentity", json!("keep"));
    assert_eq!(verdict(&report, "a PUT without `identity` removes it"), expected);
    assert_eq!((report.counts().with_setting, report.counts().otherwise, report.exit_code()), (1, 0, 2), "{}", report.markdown());
    let text = report.markdown();
    assert!(text.contains("as the emulator with absentIdentity=keep"), "{text}");
    assert_eq!(setting(&report, "absentIdentity"), "as absentIdentity=keep");
    assert_eq!(setting(&report, "tagsVisibleAtEnd"), "as the default, false");
}

#[tokio::test]
async fn several_settings_are_recognized_at_once() {
    let settings = json!({
        "tagsVisibleAtEnd": true, "wrongLocation": "ignore", "sortIdentities": true, "lowercaseResourceGroups": false,
        "staleLists": "30s", "linkedServicesCreatable": true, "doubleNestedErrors": true, "throttleProfile": "hourly",
        "operationRetryAfter": 7, "pageSize": 100, "tagLimit": 15, "tagRules": false, "unknownKeys": "ignore",
        "detachedOperation": "notFound", "absentAssignee": "accept", "identityDeletion": "0s",
    });
    let report = report(&settings).await;
    for (key, value) in settings.as_object().expect("an object") {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        assert_eq!(setting(&report, key), format!("as {key}={value}"), "{}", report.markdown());
    }
    assert_eq!((report.left.len(), report.exit_code()), (0, 2));
}

#[tokio::test]
async fn stale_reads_affect_no_other_row() {
    for stale in [json!({"staleReads": "30s"}), json!({"staleReads": "45s", "operationDuration": "10s"})] {
        let report = report(&stale).await;
        let expected = Verdict::AsEmulatorWith("staleReads", json!("30s"));
        assert_eq!(verdict(&report, "whether a read right after a write shows the write"), expected, "{}", report.markdown());
        assert_eq!((report.counts().with_setting, report.counts().otherwise), (1, 0), "{}", report.markdown());
    }
}

#[tokio::test]
async fn a_difference_that_no_setting_explains_is_shown() {
    let report = report(&json!({"tagLimit": 20})).await;
    assert_eq!(verdict(&report, "more than 50 tags: 400 `InvalidTags`"), Verdict::Otherwise);
    let text = report.markdown();
    assert!(text.contains("  - 50 tags: Azure 400 InvalidTags; emulator 201"), "{text}");
    assert!(setting(&report, "tagLimit").starts_with("neither as the default"), "{text}");
    assert_eq!(report.json()["counts"]["otherwise"], 1);
}
