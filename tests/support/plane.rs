//! A control plane: etcd, kube-apiserver and kube-controller-manager, and kubectl as its administrator.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;

use kube::config::{KubeConfigOptions, Kubeconfig};
use serde_json::Value;

use super::{DEADLINE, audit, block_on, folder, poll, record, tail};

static SHARED: LazyLock<Plane> = LazyLock::new(|| Plane::start("shared", &record::audit_log("shared")).install());
static SECOND: LazyLock<Plane> = LazyLock::new(|| Plane::start("second", &record::audit_log("second")).install());
static BARE: LazyLock<Plane> = LazyLock::new(|| Plane::start("bare", &record::audit_log("bare")));

/// A control plane. It ends when this process does.
pub struct Plane {
    /// Where its files are, and ours.
    pub folder: PathBuf,
    /// The issuer of its service accounts' tokens.
    pub issuer: String,
    /// The keys of those.
    pub keys: Value,
    /// Kubernetes, as its administrator.
    pub kube: kube::Client,
    /// The administrator's.
    pub kubeconfig: PathBuf,
    /// The program.
    pub kubectl: PathBuf,
    /// Its standard input is closed by the system when this process ends: that ends the control plane.
    _child: Child,
}

fn program() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/control-plane/bin/control-plane")
}

impl Plane {
    /// The one that all tests share, with the shipped manifests installed.
    pub fn shared() -> &'static Self {
        &SHARED
    }

    /// The one for tests that take turns, with the shipped manifests installed.
    pub fn second() -> &'static Self {
        &SECOND
    }

    /// One without the shipped manifests.
    pub fn bare() -> &'static Self {
        &BARE
    }

    /// A new one, with the shipped manifests installed; its audit log is `audit.log` in its folder. It ends when this is
    /// dropped.
    pub fn own(name: &str) -> Self {
        Self::start(name, &folder(name).join("audit.log")).install()
    }

    fn start(name: &str, audit_log: &Path) -> Self {
        for program in ["control-plane", "etcd", "kube-apiserver", "kube-controller-manager", "kubectl"] {
            let there = self::program().with_file_name(program).is_file();
            assert!(there, "tests/control-plane/bin/{program} is missing: run make plane");
        }
        let folder = folder(name);
        let log = folder.join("control-plane.log");
        // The folder is removed when the control plane has ended, which is after the end of this process.
        let mut child = Command::new("/bin/sh")
            .args(["-c", r#""$0" up --dir "$1/state" --audit-log "$2"; rm -rf "$1"; rmdir "$(dirname "$1")" 2>/dev/null"#])
            .args([program().as_path(), &folder, audit_log])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(std::fs::File::create(&log).expect("a log"))
            .spawn()
            .expect("/bin/sh starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("it is piped")).read_line(&mut line).expect("it is text");
        let facts: Value =
            serde_json::from_str(&line).unwrap_or_else(|_| panic!("the control plane did not start:\n{}", tail(&log, "")));
        let path = |key: &str| PathBuf::from(facts[key].as_str().expect("the line has it"));
        let keys = std::fs::read(path("jwks")).expect("the keys are there");
        let kubeconfig = path("kubeconfig");
        let kube = block_on(async {
            let file = Kubeconfig::read_from(&kubeconfig).expect("a kubeconfig");
            let config = kube::Config::from_custom_kubeconfig(file, &KubeConfigOptions::default()).await.expect("a kubeconfig");
            kube::Client::try_from(config).expect("a client")
        });
        Self {
            issuer: facts["issuer"].as_str().expect("the line has it").to_owned(),
            keys: serde_json::from_slice(&keys).expect("the keys are JSON"),
            kube,
            kubectl: path("kubectl"),
            kubeconfig,
            folder,
            _child: child,
        }
    }

    /// Installs the shipped manifests: definition, account, permissions. Without a node, no pod runs.
    fn install(self) -> Self {
        self.must(&[
            "apply",
            "-f",
            Path::new(env!("CARGO_MANIFEST_DIR")).join(audit::MANIFEST).to_str().expect("a path of text"),
        ]);
        self.must(&["wait", "--for=condition=Established", "crd/synapsesparkattachments.synapse-spark.dev", "--timeout=30s"]);
        // Discovery and the schemas follow a moment later.
        let is_known = poll(DEADLINE, || self.kubectl(&["explain", "ssa"], "").ok());
        assert!(is_known.is_some(), "the API server does not explain the definition");
        self
    }

    /// The administrator's kubeconfig.
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// Writes an operator's kubeconfig, and its token for Entra, which trusts one account only.
    pub fn account(&self, account: &str, kubeconfig: &Path, token: &Path) {
        self.kubeconfig_of(audit::NAMESPACE, account, kubeconfig);
        self.token_of(audit::NAMESPACE, audit::ACCOUNT, token);
        // The authorizer applies permissions a moment after they are stored.
        let user = format!("--as=system:serviceaccount:{}:{account}", audit::NAMESPACE);
        let may = poll(DEADLINE, || self.kubectl(&["auth", "can-i", "get", "namespaces/kube-system", &user], "").ok());
        assert!(may.is_some(), "{account} may not see kube-system");
    }

    /// Writes the token of a ServiceAccount for Entra.
    pub fn token_of(&self, namespace: &str, account: &str, out: &Path) {
        self.write("token", [namespace, account], out, &["--audience", "api://AzureADTokenExchange"]);
    }

    /// Writes the kubeconfig of a ServiceAccount: its rights and no more.
    pub fn kubeconfig_of(&self, namespace: &str, account: &str, out: &Path) {
        self.write("kubeconfig", [namespace, account], out, &[]);
    }

    fn write(&self, what: &str, [namespace, account]: [&str; 2], out: &Path, more: &[&str]) {
        let done = Command::new(program())
            .arg(what)
            .arg("--admin")
            .arg(&self.kubeconfig)
            .args(["--namespace", namespace, "--service-account", account])
            .arg("--out")
            .arg(out)
            .args(more)
            .output()
            .expect("it starts");
        assert!(done.status.success(), "control-plane {what}: {}", String::from_utf8_lossy(&done.stderr));
    }

    /// Runs kubectl with this standard input. Returns its output, or its errors.
    pub fn kubectl(&self, args: &[&str], input: &str) -> Result<String, String> {
        self.run(&self.kubectl, args, input)
    }

    /// Runs a program as the administrator, with this standard input.
    pub fn run(&self, program: &Path, args: &[&str], input: &str) -> Result<String, String> {
        let mut child = Command::new(program)
            .args(args)
            .env_clear()
            .env("HOME", &self.folder)
            .env("KUBECONFIG", &self.kubeconfig)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}", program.display()));
        // It may end before it has read all of it.
        let _ = child.stdin.take().expect("it is piped").write_all(input.as_bytes());
        let done = child.wait_with_output().expect("it ends");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        if done.status.success() { Ok(text(&done.stdout)) } else { Err(text(&done.stderr)) }
    }

    /// Runs kubectl, which has to succeed.
    pub fn must(&self, args: &[&str]) -> String {
        self.kubectl(args, "").unwrap_or_else(|complaint| panic!("kubectl {}: {complaint}", args.join(" ")))
    }
}
