//! The operator's program, as Kubernetes would start it: its own account, its own environment, nothing else.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use super::audit::{ACCOUNT, NAMESPACE};
use super::azure::{Azure, CLIENT, TENANT};
use super::plane::Plane;
use super::{DEADLINE, block_on, number, poll, tail};

/// Starts the program, prints its pid, and finally its exit code. When its own standard input ends, which the system sees to
/// when the test's process ends, it ends the program.
const GUARD: &str = r#"exec 3<&0
"$@" </dev/null >/dev/null 3<&- &
pid=$!
echo $pid
( read -r _ <&3; kill -KILL $pid ) >/dev/null 2>&1 &
watcher=$!
wait $pid
echo $?
kill $watcher"#;

/// The operator's program: the one of the same build, unless `OPERATOR_BINARY` names another.
fn program() -> String {
    std::env::var("OPERATOR_BINARY").unwrap_or_else(|_| env!("CARGO_BIN_EXE_synapse-spark-operator").to_owned())
}

/// Gives a program the environment of the operator's pod, and nothing else.
pub fn as_in_a_pod<'a>(command: &'a mut Command, azure: &Azure, kubeconfig: &Path, token: &Path) -> &'a mut Command {
    command
        .env_clear()
        .env("KUBECONFIG", kubeconfig)
        .env("AZURE_CLIENT_ID", CLIENT)
        .env("AZURE_TENANT_ID", TENANT)
        .env("AZURE_FEDERATED_TOKEN_FILE", token)
        .env("AZURE_AUTHORITY_HOST", azure.endpoint())
        .env("AZURE_RESOURCE_MANAGER_ENDPOINT", azure.endpoint())
        .env("AZURE_SYNAPSE_ENDPOINT", azure.synapse())
        .env("AZURE_CA_FILE", azure.ca_file())
}

/// A running operator. It ends by SIGKILL when this is dropped.
pub struct Operator {
    guard: Child,
    lines: Receiver<i32>,
    pid: i32,
    started: Instant,
    log: PathBuf,
    address: String,
}

impl Operator {
    /// Starts a single operator, and waits until it has listed all objects.
    pub fn start(plane: &Plane, azure: &Azure) -> Self {
        // Without leader election, so that the successor of a killed one need not wait for the Lease to expire.
        Self::start_as(ACCOUNT, plane, azure, &["--leader-election", "false"]).ready()
    }

    /// Starts one of several, which elect a leader, and waits until it is the leader or a standby.
    pub fn replica(plane: &Plane, azure: &Azure, name: &str) -> Self {
        Self::start_as(ACCOUNT, plane, azure, &["--pod-name", name]).ready()
    }

    /// Starts one of an account, with settings of its own. It may have to wait for others.
    pub fn start_as(account: &str, plane: &Plane, azure: &Azure, settings: &[&str]) -> Self {
        Self::spawn(account, plane, azure, &[&["--resync-interval", "1"], settings].concat())
    }

    /// Starts one with these settings and no others, and waits until it has listed all objects.
    pub fn measured(plane: &Plane, azure: &Azure, settings: &[&str]) -> Self {
        Self::spawn(ACCOUNT, plane, azure, settings).ready()
    }

    /// Starts another version's program as a single operator, and waits until it has listed all objects.
    pub fn of_program(program: &str, plane: &Plane, azure: &Azure) -> Self {
        let settings = ["--resync-interval", "1", "--leader-election", "false"];
        Self::spawn_program(program, ACCOUNT, plane, azure, &settings).ready()
    }

    fn spawn(account: &str, plane: &Plane, azure: &Azure, settings: &[&str]) -> Self {
        Self::spawn_program(&program(), account, plane, azure, settings)
    }

    fn spawn_program(program: &str, account: &str, plane: &Plane, azure: &Azure, settings: &[&str]) -> Self {
        let file = |name: &str| plane.folder.join(format!("operator-{}.{name}", number()));
        let (kubeconfig, token, log) = (file("kubeconfig"), file("token"), file("log"));
        plane.account(account, &kubeconfig, &token);
        // It was free a moment ago; the operator could not report which port it chose itself.
        let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port");
        let started = Instant::now();
        let mut guard = as_in_a_pod(&mut Command::new("/bin/sh"), azure, &kubeconfig, &token)
            .args(["-c", GUARD, "guard", program, "run"])
            .env("LEADER_ELECTION_NAMESPACE", NAMESPACE)
            .args(["--metrics-address", &free.to_string()])
            .args(settings)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(std::fs::File::create(&log).expect("a log"))
            .spawn()
            .expect("/bin/sh starts");
        let (send, lines) = channel();
        let said = BufReader::new(guard.stdout.take().expect("it is piped"));
        std::thread::spawn(move || {
            for line in said.lines().map_while(Result::ok) {
                let _ = send.send(line.trim().parse().expect("the guard prints numbers"));
            }
        });
        let pid = lines.recv_timeout(DEADLINE).expect("the guard prints the pid");
        let operator = Self { guard, lines, pid, started, log, address: free.to_string() };
        operator.answers("/livez");
        operator
    }

    /// Waits until it is ready.
    pub fn ready(self) -> Self {
        self.answers("/readyz");
        self
    }

    /// When its process began.
    pub fn started(&self) -> Instant {
        self.started
    }

    /// The number of its process.
    pub fn pid(&self) -> i32 {
        self.pid
    }

    fn answers(&self, path: &str) {
        let is_well = poll(DEADLINE, || (self.get(path)?.0 == 200).then_some(()));
        assert!(is_well.is_some(), "{path} is not 200:\n{}", self.log(""));
    }

    /// A request to its own server. `None` if it does not answer.
    pub fn get(&self, path: &str) -> Option<(u16, String)> {
        block_on(async {
            let answer = reqwest::get(format!("http://{}{path}", self.address)).await.ok()?;
            Some((answer.status().as_u16(), answer.text().await.ok()?))
        })
    }

    /// The last lines of its log that contain a word.
    pub fn log(&self, word: &str) -> String {
        tail(&self.log, word)
    }

    /// All of its log.
    pub fn whole_log(&self) -> String {
        std::fs::read_to_string(&self.log).expect("it has a log")
    }

    /// SIGKILL, and waits for the end.
    pub fn kill(&mut self) {
        drop(self.guard.stdin.take());
        let _ = self.guard.wait();
    }

    /// Sends SIGTERM; returns the exit code, if it ends in time.
    pub fn terminate(&self, longest: Duration) -> Option<i32> {
        self.signal("TERM");
        self.ended(longest)
    }

    /// The exit code, if it ends in time.
    pub fn ended(&self, longest: Duration) -> Option<i32> {
        self.lines.recv_timeout(longest).ok()
    }

    /// Sends it a signal.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("/bin/sh").args(["-c", &format!("kill -{name} $0"), &self.pid.to_string()]).status();
        assert!(sent.expect("/bin/sh starts").success(), "the operator was gone before SIG{name}:\n{}", self.log(""));
    }
}

impl Drop for Operator {
    fn drop(&mut self) {
        self.kill();
    }
}
