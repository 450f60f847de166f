//! The machine and the versions of what was measured.

use std::fs::read_to_string;
use std::path::Path;
use std::process::Command;

/// The operator's program.
pub fn operator() -> String {
    std::env::var("OPERATOR_BINARY").unwrap_or_else(|_| env!("CARGO_BIN_EXE_synapse-spark-operator").to_owned())
}

/// How the operator was built: `make bench` copies a build with the profile of the image, a release build, to a folder of its own.
pub fn profile() -> &'static str {
    if operator().contains("debug") { "debug" } else { "release" }
}

/// The commit that is checked out; with a mark if files were changed.
pub fn commit() -> String {
    let head = output("git", &["rev-parse", "--short=10", "HEAD"]);
    let is_changed = !output("git", &["status", "--porcelain", "--untracked-files=no"]).is_empty();
    head + if is_changed { " (changed)" } else { "" }
}

/// All of it, an item each.
pub fn about() -> Vec<String> {
    let programs = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/control-plane/bin");
    let of = |program: &str| output(&programs.join(program).display().to_string(), &["--version"]);
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let kernel = read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    // What follows is the build's, and not the version.
    let kernel = kernel.split('-').next().unwrap_or_default();
    vec![
        format!("Machine: {}, {cores} cores, {} of memory, Linux {}", cpu(), memory(), kernel.trim()),
        format!("Operator: {} ({} build, as in the image)", output(&operator(), &["--version"]), profile()),
        format!("Kubernetes: {}", of("kube-apiserver").trim_start_matches("Kubernetes ")),
        format!("etcd: {}", of("etcd").lines().next().unwrap_or_default().trim_start_matches("etcd Version: ")),
        format!("Rust: {}", output("rustc", &["--version"]).trim_start_matches("rustc ")),
        format!("Date: {}", date()),
    ]
}

/// Today, in UTC.
pub fn date() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%d").to_string()
}

fn cpu() -> String {
    let all = read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = all.lines().find(|line| line.starts_with("model name")).and_then(|line| line.split(": ").nth(1));
    model.unwrap_or(std::env::consts::ARCH).to_owned()
}

fn memory() -> String {
    let all = read_to_string("/proc/meminfo").unwrap_or_default();
    let kib = all.lines().find_map(|line| line.strip_prefix("MemTotal:")?.split_whitespace().next()?.parse::<u64>().ok());
    format!("{} GiB", kib.unwrap_or_default().div_ceil(1024 * 1024))
}

/// What a program prints; nothing if it is not there.
fn output(program: &str, args: &[&str]) -> String {
    let done = Command::new(program).args(args).current_dir(env!("CARGO_MANIFEST_DIR")).output();
    done.map_or_else(|_| String::new(), |done| String::from_utf8_lossy(&done.stdout).trim().to_owned())
}
