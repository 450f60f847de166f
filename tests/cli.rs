//! The program's words and exit codes: what a user at a terminal gets.

use std::io::Write;
use std::process::{Command, Output, Stdio};

use azure_emulator::{Emulator, Options};
use serde_json::{Value, json};

const POOL: &str = "/subscriptions/6560575d-fa06-4e7d-95fb-f962e74efd7a/resourceGroups/yogi-res-group/providers/Microsoft.Synapse/workspaces/yogi-synapse-ws/bigDataPools/yogisparkpool";
const WORKSPACE: &str = "/subscriptions/6560575d-fa06-4e7d-95fb-f962e74efd7a/resourceGroups/yogi-res-group/providers/Microsoft.MachineLearningServices/workspaces/yogi-aml-ws";

/// The program, without any setting of whoever runs the tests.
fn program(args: &[&str], env: &[(&str, &str)], input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_synapse-spark-operator"))
        .args(args)
        .env_clear()
        .envs(env.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    // A program that does not read it has ended before.
    let _ = child.stdin.take().expect("a pipe").write_all(input.as_bytes());
    child.wait_with_output().expect("the program ends")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

struct Azure {
    runtime: tokio::runtime::Runtime,
    emulator: Emulator,
    _dir: tempfile::TempDir,
}

impl Azure {
    fn start() -> Self {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let dir = tempfile::tempdir().expect("a folder");
        let emulator = runtime.block_on(Emulator::start(Options::in_dir(dir.path()))).expect("it starts");
        Self { runtime, emulator, _dir: dir }
    }

    fn plan(&self, args: &[&str], manifest: &str) -> Output {
        self.plan_with(args, manifest, "emulator-secret-not-a-real-one")
    }

    fn plan_with(&self, args: &[&str], manifest: &str, secret: &str) -> Output {
        let endpoint = self.emulator.endpoint();
        let ca = self.emulator.ca_file().display().to_string();
        let env = [
            ("AZURE_RESOURCE_MANAGER_ENDPOINT", endpoint),
            ("AZURE_AUTHORITY_HOST", endpoint),
            ("AZURE_CA_FILE", &ca),
            ("AZURE_TENANT_ID", "72f988bf-0000-4000-8000-000000000001"),
            ("AZURE_CLIENT_ID", "11111111-2222-3333-4444-555555555555"),
            ("AZURE_CLIENT_SECRET", secret),
        ];
        program(&[&["plan", "-f", "-"], args].concat(), &env, manifest)
    }

    /// The writes that Azure was asked for.
    fn writes(&self) -> usize {
        let azure = self.emulator.azure();
        let azure = azure.lock().expect("no holder panics");
        azure.journal(0).filter(|entry| ["PUT", "DELETE", "PATCH"].contains(&entry.method.as_str())).count()
    }

    fn seed(&self, compute: &Value) {
        let seed = azure_emulator::Seed::from_json(json!({"computes": [compute]})).expect("a seed");
        self.emulator.azure().lock().expect("no holder panics").seed(jiff::Timestamp::UNIX_EPOCH, seed).expect("it fits");
    }
}

impl Drop for Azure {
    fn drop(&mut self) {
        let _guard = self.runtime.enter();
    }
}

fn manifest(more: &str) -> String {
    format!(
        "apiVersion: synapse-spark.dev/v1alpha1\nkind: SynapseSparkAttachment\nmetadata: {{name: my-spark-pool, namespace: team-a}}\nspec:\n  workspace: {{subscriptionId: 6560575d-fa06-4e7d-95fb-f962e74efd7a, resourceGroup: yogi-res-group, name: yogi-aml-ws}}\n  resourceId: {POOL}\n{more}"
    )
}

fn compute(name: &str, tags: &Value) -> Value {
    json!({
        "id": format!("{WORKSPACE}/computes/{name}"), "name": name, "location": "eastus2", "tags": tags,
        "properties": {"computeType": "SynapseSpark", "resourceId": POOL, "provisioningState": "Succeeded"},
    })
}

#[test]
fn plan_tells_what_would_change_and_changes_nothing() {
    let azure = Azure::start();
    azure.seed(&compute("another-name", &json!({})));
    let wanted = manifest("  identity: {type: SystemAssigned}\n  tags: {team: data}\n");
    let out = azure.plan(&[], &wanted);
    let shown = text(&out.stdout);
    assert_eq!(out.status.code(), Some(2), "{shown}{}", text(&out.stderr));
    for words in [
        "team-a/my-spark-pool",
        "no compute of that name",
        "attach (PUT)",
        "identity.type: None -> SystemAssigned",
        "tags.team: (nothing) -> data",
        "already, as another-name",
    ] {
        assert!(shown.contains(words), "{words:?} is not in:\n{shown}");
    }
    // What an object of that name owns is its own, though a manifest has no UID.
    azure.seed(&compute(
        "my-spark-pool",
        &json!({"synapse-spark-operator-owner": "cluster/team-a/my-spark-pool/uid", "team": "data"}),
    ));
    let out = azure.plan(&["-o", "json"], &manifest("  tags: {team: data}\n"));
    let plans: Value = serde_json::from_slice(&out.stdout).expect("JSON");
    assert_eq!(
        (out.status.code(), &plans["plans"][0]["reason"], &plans["plans"][0]["somethingToDo"]),
        (Some(0), &json!("Attached"), &json!(false)),
        "{plans}"
    );
    let out = azure.plan(&["-o", "json"], &manifest("  tags: {team: other}\n"));
    let plans: Value = serde_json::from_slice(&out.stdout).expect("JSON");
    assert_eq!(plans["plans"][0]["changes"], json!([{"field": "tags.team", "want": "other", "have": "data"}]), "{plans}");
    assert_eq!(out.status.code(), Some(2));
    assert_eq!(azure.writes(), 0, "it changes nothing");
}

#[test]
fn plan_that_cannot_tell_ends_with_1_and_says_why() {
    let azure = Azure::start();
    let nowhere = manifest("").replace("yogi-aml-ws", "nope-ws");
    let table = [
        ("a wrong secret", azure.plan_with(&[], &manifest(""), "wrong"), "AADSTS7000215"),
        ("no workspace", azure.plan(&[], &nowhere), "WorkspaceNotFound"),
        ("another kind", azure.plan(&[], "kind: Pod"), "must be SynapseSparkAttachment"),
        ("no YAML", azure.plan(&[], "a: ["), "line 1"),
        ("nothing", azure.plan(&[], ""), "no SynapseSparkAttachment"),
        ("a bad ID", azure.plan(&[], &manifest("").replace("bigDataPools", "sqlPools")), "spec.resourceId"),
    ];
    for (case, out, words) in table {
        assert_eq!(out.status.code(), Some(1), "{case}: {}", text(&out.stdout));
        assert!(text(&out.stderr).contains(words), "{case}: {}", text(&out.stderr));
    }
}

/// Arguments, environment, and the setting that is named.
type Row = (&'static [&'static str], &'static [(&'static str, &'static str)], &'static str);

#[test]
fn a_wrong_setting_ends_the_program_and_is_named() {
    #[rustfmt::skip]
    let table: [Row; 10] = [
        (&["run", "--cloud", "mars"],                          &[],                                    "--cloud"),
        (&["run", "--look-interval", "0"],                     &[],                                    "--look-interval"),
        (&["run", "--concurrency", "0"],                       &[],                                    "--concurrency"),
        (&["run", "--metrics-address", "x"],                   &[],                                    "--metrics-address"),
        (&["run", "--log", "=,="],                             &[],                                    "--log"),
        (&["run", "--arm-endpoint", "http://arm"],             &[],                                    "--arm-endpoint"),
        (&["run", "--authority-host", "https://h/path"],       &[],                                    "--authority-host"),
        (&["run", "--azure-ca-file", "/nowhere"],              &[],                                    "--azure-ca-file"),
        (&["run", "--credential", "workload-identity"],        &[("AZURE_TENANT_ID", "t"), ("AZURE_CLIENT_ID", "c")], "--federated-token-file"),
        (&["run"],                                             &[("AZURE_CLIENT_SECRET", "s-e-c-r-e-t")], "--tenant-id"),
    ];
    for (args, env, setting) in table {
        let out = program(args, env, "");
        let said = text(&out.stderr);
        assert!(!out.status.success() && said.contains(setting), "{args:?}: {said}");
        assert!(!said.contains("s-e-c-r-e-t"), "{said}");
    }
}

#[test]
fn crd_prints_the_definition() {
    let out = program(&["crd"], &[], "");
    assert!(
        text(&out.stdout) == include_str!("../crds/synapsesparkattachments.yaml"),
        "crds/ is behind the code: run `make generate`"
    );
}
