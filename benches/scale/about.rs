//! What was measured.

use std::process::Command;

/// The operator's program.
pub fn operator() -> String {
    std::env::var("OPERATOR_BINARY").unwrap_or_else(|_| env!("CARGO_BIN_EXE_synapse-spark-operator").to_owned())
}

/// How the operator was built: `make bench` copies its release build to a folder of its own.
pub fn profile() -> &'static str {
    if operator().contains("debug") { "debug" } else { "release" }
}

/// The commit that is checked out; with a mark if files were changed.
pub fn commit() -> String {
    let head = output("git", &["rev-parse", "--short=10", "HEAD"]);
    let is_changed = !output("git", &["status", "--porcelain", "--untracked-files=no"]).is_empty();
    head + if is_changed { " (changed)" } else { "" }
}

/// Today, in UTC.
pub fn date() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%d").to_string()
}

/// What a program prints; nothing if it is not there.
fn output(program: &str, args: &[&str]) -> String {
    let done = Command::new(program).args(args).current_dir(env!("CARGO_MANIFEST_DIR")).output();
    done.map_or_else(|_| String::new(), |done| String::from_utf8_lossy(&done.stdout).trim().to_owned())
}
