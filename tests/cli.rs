//! The program's output and exit codes: what a user at a terminal gets.

#[path = "cli/import.rs"]
mod import;
#[path = "cli/import_aso.rs"]
mod import_aso;
#[path = "cli/import_attached.rs"]
mod import_attached;
#[path = "cli/import_azapi.rs"]
mod import_azapi;
#[path = "cli/import_plan.rs"]
mod import_plan;
#[path = "cli/import_resource.rs"]
mod import_resource;
#[path = "cli/import_template.rs"]
mod import_template;
#[path = "cli/import_terraform.rs"]
mod import_terraform;
#[path = "cli/import_text.rs"]
mod import_text;
#[path = "cli/logs.rs"]
mod logs;
#[path = "cli/no_cluster.rs"]
mod no_cluster;
#[path = "cli/plan.rs"]
mod plan;
#[path = "cli/ui_in_background.rs"]
mod ui_in_background;
#[path = "cli/untrusted.rs"]
mod untrusted;

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

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
    // A program that does not read its input may have ended already.
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
        let (ca, synapse) = (self.emulator.ca_file().display().to_string(), self.emulator.synapse());
        let env = [
            ("AZURE_RESOURCE_MANAGER_ENDPOINT", endpoint),
            ("AZURE_AUTHORITY_HOST", endpoint),
            ("AZURE_SYNAPSE_ENDPOINT", &synapse),
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

fn compute(name: &str, tags: &Value) -> Value {
    json!({
        "id": format!("{WORKSPACE}/computes/{name}"), "name": name, "location": "eastus2", "tags": tags,
        "properties": {"computeType": "SynapseSpark", "resourceId": POOL, "provisioningState": "Succeeded"},
    })
}

/// Arguments, environment, and the setting that is named.
type Row = (&'static [&'static str], &'static [(&'static str, &'static str)], &'static str);

#[test]
fn the_program_names_an_invalid_setting_and_exits() {
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
        (&["reconcile"],                             "<NAME|--all|--selector <SELECTOR>>"),
        (&["reconcile", "-A"],                       "<NAME|--all|--selector <SELECTOR>>"),
        (&["suspend", "n", "--all"],                 "cannot be used with"),
        (&["suspend", "n", "-l", "a=b"],             "cannot be used with"),
        (&["resume", "--all", "-l", "a=b"],          "cannot be used with"),
        (&["resume", "-l", ""],                      "is empty; use --all"),
        (&["status", "--all", "-A", "-n", "team-a"], "cannot be used with"),
        (&["status", "--timeout", "1m"],             "--watch"),
        (&["events"],                                "<NAME>"),
        (&["check", "--client-id", "x"],             "--client-id needs --pre"),
        (&["check", "nightly"],                      "--for-jobs"),
        (&["check", "--for-jobs"],                   "<NAME>"),
        (&["check", "n", "--for-jobs", "--pre"],     "cannot be used with"),
        (&["check", "n", "--for-jobs", "--watch-namespaces", "a"], "--watch-namespaces needs --pre"),
        (&["reconcile", "n", "--timeout", "soon"],   "--timeout <DURATION>': write it like 90s"),
        (&["plan"],                                  "<NAME|--file <FILE>>"),
        (&["plan", "nightly", "-f", "-"],            "[NAME]"),
        (&["import", "--all", "-f", "-"],            "--all"),
        (&["pools", "-o", "yaml"],                   "--workspace <SUBSCRIPTION/GROUP/WORKSPACE>"),
        (&["pools", "--subscription", "mine"],       "must be a GUID"),
        (&["audit", "-w", "ws"],                     "write it as SUBSCRIPTION/GROUP/WORKSPACE"),
        (&["audit", "-A", "-n", "team-a"],           "--all-namespaces"),
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
    // The program that kubectl calls for completions.
    let asked = linked(&dir, "kubectl_complete-synapse");
    let offers = |words: &[&str]| text(&started(&asked, words, &[("KUBECONFIG", "/nowhere")], "").stdout);
    let first = offers(&[""]);
    assert!(first.contains("status\tShow an attachment") && !first.contains("run\t") && first.ends_with(":4\n"), "{first}");
    assert_eq!(offers(&["status", "-o", ""]), "text\njson\n:4\n");
    assert_eq!(offers(&["version", "-o", ""]), "text\njson\n:4\n");
    assert!(offers(&["reconcile", "--t"]).starts_with("--timeout\t"));
    assert_eq!(offers(&["status", "x"]), ":4\n", "no cluster, no names, no error");
}

/// An HTTP server that sends this answer to every request, and the number of requests.
fn server(answer: &str) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let (address, requests) = (listener.local_addr().expect("an address"), Arc::new(AtomicUsize::new(0)));
    let (count, answer) = (requests.clone(), answer.to_owned());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            count.fetch_add(1, Ordering::Relaxed);
            let mut head = [0; 8192];
            let _ = stream.read(&mut head);
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    (format!("http://{address}"), requests)
}

#[test]
fn managed_identity_is_requested_without_the_proxy() {
    let token = r#"{"access_token": "t", "expires_on": "4102444800", "resource": "https://management.azure.com", "token_type": "Bearer"}"#;
    let json = |body: &str| {
        let length = body.len();
        format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
        )
    };
    let ((endpoint, of_endpoint), (proxy, of_proxy)) = (server(&json(token)), server(&json("{}")));
    let env = [
        ("IDENTITY_ENDPOINT", endpoint.as_str()),
        ("IDENTITY_HEADER", "secret"),
        ("HTTP_PROXY", proxy.as_str()),
        ("http_proxy", proxy.as_str()),
    ];
    // Nothing listens there: it ends once it has a token.
    let shown = program(&["links", "--workspace", WORKSPACE, "--arm-endpoint", "https://127.0.0.1:1"], &env, "");
    let sent = (of_endpoint.load(Ordering::Relaxed), of_proxy.load(Ordering::Relaxed));
    assert_eq!(sent, (1, 0), "{}", text(&shown.stderr));
}
