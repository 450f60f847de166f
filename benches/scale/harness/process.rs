//! What a process takes of the machine, as Linux tells it.

use std::fs::read_to_string;

/// The kernel's ticks in a second, which are the same on every Linux.
const TICKS: f64 = 100.0;

/// What a process has taken until now.
#[derive(Clone, Copy, Debug, Default)]
pub struct Usage {
    /// Seconds of CPU, in the program and in the kernel.
    pub cpu: f64,
    /// `VmRSS` in MiB.
    pub rss: f64,
    /// `VmHWM` in MiB: the highest that `VmRSS` ever was.
    pub peak: f64,
}

/// Of a process that runs; None if it doesn't.
pub fn usage(pid: i32) -> Option<Usage> {
    let status = read_to_string(format!("/proc/{pid}/status")).ok()?;
    let mib = |key: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(key))?;
        line.split_whitespace().nth(1)?.parse::<f64>().ok().map(|kib| kib / 1024.0)
    };
    Some(Usage { cpu: cpu(&read_to_string(format!("/proc/{pid}/stat")).ok()?)?, rss: mib("VmRSS")?, peak: mib("VmHWM")? })
}

/// The seconds of CPU in a line of `/proc/PID/stat`.
pub fn cpu(stat: &str) -> Option<f64> {
    // The name in parentheses may hold spaces; utime and stime are the 12th and 13th field behind it.
    let fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11).take(2);
    Some(fields.filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / TICKS)
}
