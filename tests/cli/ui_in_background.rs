//! `ui` as a background job of a shell.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::process::{Command, Stdio};
use std::time::Duration;

use super::no_cluster::kubeconfig;

/// What the page's program answers first; none if it does not answer, as a stopped one.
fn answer(address: &str) -> Option<String> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(10))).ok()?;
    stream.write_all(format!("GET / HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n").as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let _ = stream.shutdown(Shutdown::Both);
    answer.lines().next().map(ToOwned::to_owned)
}

#[test]
fn a_background_job_is_not_stopped_by_its_terminal() {
    let dir = tempfile::tempdir().expect("a folder");
    // A shell with job control on a terminal: the job has a process group of its own, and the shell's has the terminal.
    let job = r#""$PROGRAM" ui --no-open & read -r _; kill -INT $!; kill -CONT $!; wait"#;
    let mut terminal = Command::new("script")
        .args(["--quiet", "--command", &format!("bash -mc '{job}'"), "/dev/null"])
        .env("PROGRAM", env!("CARGO_BIN_EXE_synapse-spark-operator"))
        .env("KUBECONFIG", kubeconfig(&dir, "http://127.0.0.1:1"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("script, of util-linux");
    let mut lines = BufReader::new(terminal.stdout.take().expect("a pipe")).lines().map_while(Result::ok);
    let link = lines.find(|line| line.starts_with("http://127.0.0.1:")).expect("a link");
    let address = link.trim_start_matches("http://").split('/').next().expect("an address").to_owned();
    // It reads its input at about the time of the first answer.
    let answers: Vec<_> = (0..10).map(|_| answer(&address)).take_while(Option::is_some).flatten().collect();
    let mut input = terminal.stdin.take().expect("a pipe");
    input.write_all(b"\n").expect("the shell reads");
    assert_eq!(answers.len(), 10, "it was stopped: {answers:?}");
    assert!(answers[9].starts_with("HTTP/1.1 "), "{answers:?}");
    lines.for_each(drop);
    terminal.wait().expect("it ends");
}
