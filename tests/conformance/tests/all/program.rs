//! The program: its exit codes, and what it says before it writes.

use std::process::{Command, Output};

const POOL: &str = "/subscriptions/6560575d-fa06-4e7d-95fb-f962e74efd7a/resourceGroups/g/providers/Microsoft.Synapse/workspaces/s/bigDataPools/p";

fn program(folder: &std::path::Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_azure-conformance"));
    command.arg("--out").arg(folder);
    for name in ["AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET", "AZURE_ACCESS_TOKEN", "SYNAPSE_ACCESS_TOKEN"] {
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
