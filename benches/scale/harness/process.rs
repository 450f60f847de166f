//! The CPU time and memory of a process, from /proc.

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

/// How much a figure grows in this many seconds, by the straight line that is closest to all its samples. Each has the second at
/// which it was taken.
pub fn growth(samples: &[(f64, f64)], seconds: f64) -> f64 {
    let mean = |of: fn(&(f64, f64)) -> f64| samples.iter().map(of).sum::<f64>() / samples.iter().map(|_| 1.0).sum::<f64>();
    let (at, value) = (mean(|sample| sample.0), mean(|sample| sample.1));
    let spread: f64 = samples.iter().map(|sample| (sample.0 - at).powi(2)).sum();
    let together: f64 = samples.iter().map(|sample| (sample.0 - at) * (sample.1 - value)).sum();
    if spread > 0.0 { together / spread * seconds } else { 0.0 }
}
