//! The program: its exit codes, and what it prints before it writes.

use std::process::{Command, Output};

use azure_conformance::expectation::{CLIENT, SECRET, TENANT};
use serde_json::{Value, json};

use crate::support::emulator;

const POOL: &str = "/subscriptions/6560575d-fa06-4e7d-95fb-f962e74efd7a/resourceGroups/g/providers/Microsoft.Synapse/workspaces/s/bigDataPools/p";

fn program(folder: &std::path::Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_azure-conformance"));
    command.arg("--out").arg(folder);
    for name in [
        "AZURE_TENANT_ID",
        "AZURE_CLIENT_ID",
        "AZURE_CLIENT_SECRET",
        "AZURE_ACCESS_TOKEN",
        "SYNAPSE_ACCESS_TOKEN",
        "AZURE_CA_FILE",
    ] {
        command.env_remove(name);
    }
    command
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&[output.stdout.as_slice(), output.stderr.as_slice()].concat()).into_owned()
}

#[test]
fn a_real_subscription_needs_credentials_and_a_confirmation() {
    let folder = tempfile::tempdir().expect("a folder");
    let arguments =
        ["--subscription", "6560575d-fa06-4e7d-95fb-f962e74efd7a", "--resource-group", "g", "--workspace", "w", "--pool", POOL];
    let output = program(folder.path()).args(arguments).output().expect("it runs");
    assert!(output.status.code() == Some(1) && text(&output).contains("az account get-access-token"), "{}", text(&output));

    let output =
        program(folder.path()).args(arguments).env("AZURE_ACCESS_TOKEN", "x").stdin(std::process::Stdio::null()).output();
    let output = output.expect("it runs");
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    assert!(text(&output).contains("This run creates") && text(&output).contains("Nothing was written"), "{}", text(&output));
    assert!(!folder.path().join("report.md").exists());
}

#[test]
fn what_is_missing_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = program(folder.path()).args(["--subscription", "x"]).output().expect("it runs");
    assert!(output.status.code() == Some(1) && text(&output).contains("--pool <ID>"), "{}", text(&output));
    let arguments = ["--subscription", "x", "--resource-group", "g", "--workspace", "w", "--pool", "sparkpool"];
    let output = program(folder.path()).args(arguments).env("AZURE_ACCESS_TOKEN", "x").output().expect("it runs");
    assert!(output.status.code() == Some(1) && text(&output).contains("bigDataPools/NAME"), "{}", text(&output));
    let output = program(folder.path()).arg("--help").output().expect("it runs");
    assert!(output.status.success() && text(&output).contains("Exit codes:"), "{}", text(&output));
}

#[test]
fn a_difference_has_an_exit_code_of_its_own() {
    let folder = tempfile::tempdir().expect("a folder");
    let settings = ["--read-only", "--emulator-settings", r#"{"pageSize": 10}"#];
    let output = program(folder.path()).args(settings).output().expect("it runs");
    assert_eq!(output.status.code(), Some(2), "{}", text(&output));
    let report = std::fs::read_to_string(folder.path().join("report.md")).expect("a report");
    assert!(report.contains("as the emulator with pageSize=10"), "{report}");
    assert!(folder.path().join("report.json").exists() && folder.path().join("recordings").is_dir());
}

/// The program with a subscription that is an emulator's, as a real one is given.
fn subscription(folder: &std::path::Path, emulator: &azure_emulator::Emulator) -> Command {
    let mut command = program(folder);
    let group = "/subscriptions/6560575d-fa06-4e7d-95fb-f962e74efd7a/resourceGroups/yogi-res-group/providers";
    command.args(["--subscription", "6560575d-fa06-4e7d-95fb-f962e74efd7a", "--resource-group", "yogi-res-group"]);
    command.args(["--workspace", "yogi-aml-ws", "--yes", "--poll-interval", "50ms", "--read-delay", "0s"]);
    command.arg("--pool").arg(format!("{group}/Microsoft.Synapse/workspaces/yogi-synapse-ws/bigDataPools/yogisparkpool"));
    command.env("AZURE_RESOURCE_MANAGER_ENDPOINT", emulator.endpoint()).env("AZURE_AUTHORITY_HOST", emulator.endpoint());
    command.env("AZURE_SYNAPSE_ENDPOINT", emulator.synapse()).env("AZURE_CA_FILE", emulator.ca_file());
    command
}

fn verdict(folder: &std::path::Path, behaviour: &str) -> String {
    let text = std::fs::read_to_string(folder.join("report.json")).expect("a report");
    let report: Value = serde_json::from_str(&text).expect("JSON");
    let row = report["rows"].as_array().into_iter().flatten().find(|row| row["behaviour"] == behaviour).expect(behaviour).clone();
    row["verdict"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_is_probed_with_a_client_secret() {
    let folder = tempfile::tempdir().expect("a folder");
    // discoveryUrl must not lead to a real host of Azure.
    let emulator = emulator(folder.path(), json!({"ownDiscovery": true, "absentIdentity": "keep"})).await;
    let secret = [("AZURE_TENANT_ID", TENANT), ("AZURE_CLIENT_ID", CLIENT), ("AZURE_CLIENT_SECRET", SECRET)];
    let mut command = subscription(folder.path(), &emulator);
    let output = tokio::task::spawn_blocking(move || command.envs(secret).output()).await.expect("no panic").expect("it runs");
    assert_eq!(output.status.code(), Some(2), "{}", text(&output));
    assert_eq!(verdict(folder.path(), "a PUT without `identity` removes it"), "same as the emulator with absentIdentity=keep");
    assert_eq!(verdict(folder.path(), "Entra's other codes and statuses"), "same as the emulator");
    assert!(
        verdict(folder.path(), "the order of user-assigned identities is preserved").contains("IDENTITY=ID,ID"),
        "two identities were not given"
    );
    let discovery = verdict(folder.path(), "`discoveryUrl`, and computes at `/rp/workspaces/subscriptions/…`");
    assert!(discovery.contains("no token is sent there"), "{discovery}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_is_probed_with_access_tokens() {
    let folder = tempfile::tempdir().expect("a folder");
    let emulator = emulator(folder.path(), json!({"ownDiscovery": true})).await;
    let azure = crate::support::client(&emulator, &folder.path().join("token"));
    let fields = azure_conformance::client::credentials(CLIENT, SECRET, &azure.arm_scope());
    let token = azure.token(TENANT, fields).await.expect("an answer").body["access_token"].as_str().expect("a token").to_owned();
    let mut command = subscription(folder.path(), &emulator);
    command.env("AZURE_ACCESS_TOKEN", &token);
    let output = tokio::task::spawn_blocking(move || command.output()).await.expect("no panic").expect("it runs");
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    assert!(verdict(folder.path(), "Entra's other codes and statuses").contains("needs AZURE_TENANT_ID"));
    assert!(
        verdict(folder.path(), "roles of Synapse: names, GUIDs, assignable scopes, data actions of two")
            .contains("SYNAPSE_ACCESS_TOKEN")
    );
    let recordings =
        std::fs::read_dir(folder.path().join("recordings")).expect("a folder").map(|entry| entry.expect("an entry").path());
    assert!(recordings.into_iter().all(|file| !std::fs::read_to_string(&file).expect("text").contains(&token)));
}
