//! The program's output and exit codes.

#[path = "cli/import.rs"]
mod import;

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use azure_emulator::{Emulator, Options};
use serde_json::{Value, json};

const POOL: &str = "/subscriptions/6560575d-fa06-4e7d-95fb-f962e74efd7a/resourceGroups/yogi-res-group/providers/Microsoft.Synapse/workspaces/yogi-synapse-ws/bigDataPools/yogisparkpool";
const WORKSPACE: &str = "/subscriptions/6560575d-fa06-4e7d-95fb-f962e74efd7a/resourceGroups/yogi-res-group/providers/Microsoft.MachineLearningServices/workspaces/yogi-aml-ws";

/// The program, without the settings of the user who runs the tests.
fn program(args: &[&str], env: &[(&str, &str)], input: &str) -> Output {
    started(Path::new(env!("CARGO_BIN_EXE_synapse-spark-operator")), args, env, input)
}

fn started(file: &Path, args: &[&str], env: &[(&str, &str)], input: &str) -> Output {
    let mut child = Command::new(file)
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
        self.run(&[&["plan", "-f", "-"], args].concat(), manifest, secret)
    }

    fn run(&self, args: &[&str], input: &str, secret: &str) -> Output {
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
        program(args, &env, input)
    }

    /// The writes that were sent to Azure.
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
fn plan_shows_changes_without_making_them() {
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
fn plan_warns_that_it_does_not_use_the_service_account() {
    let azure = Azure::start();
    let out = azure.plan(&["-o", "json"], &manifest("  serviceAccountName: team\n"));
    serde_json::from_slice::<Value>(&out.stdout).expect("nothing but JSON where programs read");
    let said = text(&out.stderr);
    for words in ["my-spark-pool", "uses your own Azure credential", "not the one of ServiceAccount team"] {
        assert!(said.contains(words), "{words:?} is not in {said}");
    }
    assert!(!text(&azure.plan(&[], &manifest("")).stderr).contains("ServiceAccount"));
}

#[test]
fn plan_exits_with_1_and_the_reason_if_azure_gives_no_answer() {
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
fn the_program_exits_and_names_an_invalid_setting() {
    #[rustfmt::skip]
    let table: [Row; 10] = [
        (&["run", "--cloud", "mars"],                          &[],                                    "--cloud"),
        (&["run", "--resync-interval", "0"],                     &[],                                    "--resync-interval"),
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
    assert!(text(&out.stdout) == include_str!("../crds/synapsesparkattachments.yaml"), "crds/ is outdated: run `make generate`");
}

/// The program under another name.
fn linked(dir: &tempfile::TempDir, name: &str) -> std::path::PathBuf {
    let link = dir.path().join(name);
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_synapse-spark-operator"), &link).expect("a link");
    link
}

#[test]
fn under_the_name_of_a_plugin_the_program_is_a_kubectl_plugin() {
    let dir = tempfile::tempdir().expect("a folder");
    let plugin = linked(&dir, "kubectl-synapse");
    let shown = |args: &[&str]| text(&started(&plugin, args, &[], "").stdout);
    let help = shown(&["--help"]);
    assert!(help.contains("Usage: kubectl synapse <COMMAND>") && help.contains("reconcile"), "{help}");
    assert!(!help.lines().any(|line| line.starts_with("  run ")), "nobody runs the operator from kubectl: {help}");
    assert!(shown(&["status", "--help"]).contains("Usage: kubectl synapse status"));
    assert!(shown(&["--version"]).starts_with("kubectl-synapse "));
    let plain = text(&program(&["--help"], &[], "").stdout);
    assert!(plain.contains("Usage: synapse-spark-operator <COMMAND>"), "{plain}");
    assert!(["run", "plan", "status"].iter().all(|name| plain.lines().any(|line| line.starts_with(&format!("  {name} ")))));
}

#[test]
fn a_wrong_argument_exits_with_1_because_2_means_out_of_sync() {
    #[rustfmt::skip]
    let table = [
        (&[][..],                                    "Usage: synapse-spark-operator"),
        (&["status", "--nope"],                      "--nope"),
        (&["status", "nightly", "-A"],               "--all-namespaces"),
        (&["reconcile"],                             "<NAME>"),
        (&["reconcile", "n", "--timeout", "soon"],   "--timeout <DURATION>': write it like 90s"),
        (&["plan"],                                  "<NAME|--file <FILE>>"),
        (&["plan", "nightly", "-f", "-"],            "[NAME]"),
        (&["import", "--all", "-f", "-"],            "--all"),
        (&["pools", "-o", "yaml"],                   "--workspace <SUBSCRIPTION/GROUP/WORKSPACE>"),
        (&["pools", "--subscription", "mine"],       "must be a GUID"),
        (&["links"],                                 "--workspace <SUBSCRIPTION/GROUP/WORKSPACE>"),
        (&["links", "-w", "ws"],                     "write it as SUBSCRIPTION/GROUP/WORKSPACE"),
    ];
    for (args, words) in table {
        let out = program(args, &[], "");
        assert_eq!(out.status.code(), Some(1), "{args:?}");
        assert!(text(&out.stderr).contains(words), "{args:?}: {}", text(&out.stderr));
    }
}

#[test]
fn completions_are_scripts_for_the_name_in_use() {
    let dir = tempfile::tempdir().expect("a folder");
    let plugin = linked(&dir, "kubectl-synapse");
    for shell in ["bash", "zsh", "fish", "powershell"] {
        let script = text(&program(&["completion", shell], &[], "").stdout);
        assert!(script.contains("synapse-spark-operator") && script.contains("reconcile"), "{shell}: {script}");
        let script = text(&started(&plugin, &["completion", shell], &[], "").stdout);
        assert!(script.contains("kubectl-synapse") && !script.contains("synapse-spark-operator"), "{shell}: {script}");
        if shell == "bash" {
            let read = started(Path::new("/bin/bash"), &["-n"], &[], &script);
            assert!(read.status.success(), "{}", text(&read.stderr));
        }
    }
    // And what kubectl calls.
    let asked = linked(&dir, "kubectl_complete-synapse");
    let offers = |words: &[&str]| text(&started(&asked, words, &[("KUBECONFIG", "/nowhere")], "").stdout);
    let first = offers(&[""]);
    assert!(first.contains("status\tShow an attachment") && !first.contains("run\t") && first.ends_with(":4\n"), "{first}");
    assert_eq!(offers(&["status", "-o", ""]), "text\njson\n:4\n");
    assert!(offers(&["reconcile", "--t"]).starts_with("--timeout\t"));
    assert_eq!(offers(&["status", "x"]), ":4\n", "no cluster, no names, no error");
}

/// An API server that answers everything alike, as long as this process lives; the kubeconfig to it.
fn api_server(dir: &tempfile::TempDir, answer: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(answer.as_bytes());
            // Closed with something unread, it would be reset, and the answer lost.
            let _ = stream.shutdown(Shutdown::Write).and_then(|()| std::io::copy(&mut stream, &mut std::io::sink()));
        }
    });
    kubeconfig(dir, &format!("http://{address}"))
}

fn kubeconfig(dir: &tempfile::TempDir, server: &str) -> String {
    let file = dir.path().join(format!("kubeconfig-{}", server.replace(['/', ':'], "-")));
    let config = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "here",
        "clusters": [{"name": "c", "cluster": {"server": server}}],
        "users": [{"name": "u", "user": {}}],
        "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u", "namespace": "team-a"}}],
    });
    std::fs::write(&file, config.to_string()).expect("a kubeconfig");
    file.display().to_string()
}

/// Literal answers of an API server: for an unknown group, and for two kinds of missing permissions.
const NO_GROUP: &str = "HTTP/1.1 404 Not Found\r\ncontent-type: text/plain; charset=utf-8\r\nconnection: close\r\ncontent-length: 19\r\n\r\n404 page not found\n";
const UNAUTHORIZED: &str = "HTTP/1.1 401 Unauthorized\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: 125\r\n\r\n{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"metadata\":{},\"status\":\"Failure\",\"message\":\"Unauthorized\",\"reason\":\"Unauthorized\",\"code\":401}";
const NOT_KUBERNETES: &str =
    "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\nconnection: close\r\ncontent-length: 15\r\n\r\n<h1>Login</h1>\n";

#[test]
fn connection_errors_come_with_advice() {
    let dir = tempfile::tempdir().expect("a folder");
    let unused = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port");
    let dead = kubeconfig(&dir, &format!("http://{unused}"));
    #[rustfmt::skip]
    let table = [
        ("no kubeconfig",   "/nowhere".to_owned(),                  &[][..],               &["cannot load a kubeconfig", "--kubeconfig or --context"][..]),
        ("no such file",    dead.clone(),                           &["--kubeconfig", "/nowhere"], &["cannot load a kubeconfig", "/nowhere"]),
        ("no such context", dead.clone(),                           &["--context", "there"], &["cannot load a kubeconfig", "there"]),
        ("nobody answers",  dead,                                   &[],                   &["no answer from the API server", "Connection refused", "Check that the cluster is running"]),
        ("not installed",   api_server(&dir, NO_GROUP),             &[],                   &["has no synapsesparkattachments.synapse-spark.dev", "Install it"]),
        ("unknown user",    api_server(&dir, UNAUTHORIZED),         &[],                   &["rejects your credentials", "Log in again"]),
        ("a proxy's page",  api_server(&dir, NOT_KUBERNETES),       &[],                   &["expected value"]),
    ];
    for (case, kubeconfig, more, words) in table {
        for command in
            [&["status"][..], &["status", "nightly"], &["reconcile", "nightly"], &["suspend", "nightly"], &["plan", "nightly"]]
        {
            let out = program(&[command, more].concat(), &[("KUBECONFIG", &kubeconfig)], "");
            let said = text(&out.stderr);
            assert_eq!(out.status.code(), Some(1), "{case}: {said}");
            assert!(words.iter().all(|word| said.contains(word)), "{case}, {command:?}: {said}");
            assert_eq!(said.lines().count(), 1, "{case}: {said}");
        }
    }
}
