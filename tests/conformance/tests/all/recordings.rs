//! A whole run over TLS, and what is left of its inputs in the files that it writes.

use std::fs;
use std::path::Path;

use azure_conformance::expectation::{CLIENT, GROUP, SECRET, TENANT};
use azure_conformance::report::Report;
use azure_conformance::run;
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::support::{client, emulator};

fn texts(of: &Path) -> Vec<(String, String)> {
    let files = fs::read_dir(of).expect("a folder").map(|entry| entry.expect("an entry").path());
    files.map(|file| (file.display().to_string(), fs::read_to_string(&file).expect("text"))).collect()
}

/// The GUIDs in a text that are neither placeholders nor those of built-in roles of Synapse.
fn guids(text: &str, roles: &str) -> Vec<String> {
    let is_guid = |part: &&str| {
        part.len() == 36
            && part
                .bytes()
                .enumerate()
                .all(|(at, b)| if [8, 13, 18, 23].contains(&at) { b == b'-' } else { b.is_ascii_hexdigit() })
    };
    let words = text.split(|c: char| !c.is_ascii_hexdigit() && c != '-').filter(is_guid);
    words.filter(|guid| !guid.starts_with("00000000-0000-0000-0000-") && !roles.contains(guid)).map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn recordings_of_a_whole_run_name_nothing_of_the_subscription() {
    let folder = tempfile::tempdir().expect("a folder");
    let emulator = emulator(folder.path(), json!({})).await;
    let recordings = folder.path().join("recordings");
    let azure = client(&emulator, &recordings);
    azure.open().await.expect("the workspace is there");
    let run = run::run(&azure, false, &Notify::new(), |_| {}).await;
    let report = Report::of(&run, "a test", "2026-01-02").await.expect("the emulator can be asked");
    assert_eq!(report.exit_code(), 0, "over TLS as in process: {}", report.markdown());

    let world: Value = serde_json::from_str(include_str!("../../../emulator/seeds/default.json")).expect("JSON");
    let object = world["principals"][0]["objectId"].as_str().expect("an ID").to_owned();
    let subscription = GROUP.split('/').nth(2).expect("a subscription");
    let names = ["yogi", "othersparkpool", "cluster1", "127.0.0.1", "eyJ", azure.prefix.as_str()];
    let mut texts = texts(&recordings);
    assert!(texts.len() > 200, "{}", texts.len());
    texts.push(("report.md".to_owned(), report.markdown()));
    texts.push(("report.json".to_owned(), report.json().to_string()));
    let roles = include_str!("../../../emulator/fixtures/real/synapse-role-definitions-2021-10-20.json");
    for (file, text) in &texts {
        let lower = text.to_lowercase();
        for secret in [TENANT, CLIENT, SECRET, object.as_str(), subscription].iter().chain(&names) {
            assert!(!lower.contains(&secret.to_lowercase()), "{file} contains {secret}: {text}");
        }
        assert_eq!(guids(text, roles), [""; 0], "{file}: {text}");
    }
    let attach = texts.iter().find(|(file, _)| file.ends_with("-attach-put.json")).expect("a PUT");
    let recorded: Value = serde_json::from_str(&attach.1).expect("JSON");
    assert_eq!(recorded["request"]["body"]["properties"]["computeType"], "SynapseSpark", "what is no secret stays: {recorded}");
    assert_eq!(recorded["answer"]["status"], 201);
    assert!(recorded["answeredAfterSeconds"].is_u64(), "{recorded}");
    emulator.stop().await;
}
