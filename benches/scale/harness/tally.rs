//! What was asked of Azure and of Kubernetes.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Seek, SeekFrom};
use std::path::PathBuf;

use azure_emulator::{Counted, Counters};
use serde_json::Value;

use super::bound::Requests;
use super::stage::Stage;

/// Counts from a moment on.
pub struct Tally {
    audit_log: PathBuf,
    from: u64,
}

impl Tally {
    /// Counts from now on.
    pub fn start(stage: &Stage) -> Self {
        stage.azure.control("DELETE", "counters", None);
        let audit_log = stage.audit_log();
        let from = std::fs::metadata(&audit_log).map_or(0, |file| file.len());
        Self { audit_log, from }
    }

    /// What service accounts wrote to Kubernetes: `patch synapsesparkattachments/status` and how often.
    pub fn kubernetes(&self) -> BTreeMap<String, u64> {
        let mut writes = BTreeMap::new();
        let Ok(mut file) = File::open(&self.audit_log) else {
            return writes;
        };
        file.seek(SeekFrom::Start(self.from)).expect("a file can be sought in");
        for line in BufReader::new(file).lines().map_while(Result::ok) {
            // The last line may not be whole yet.
            if let Some(write) = serde_json::from_str(&line).ok().and_then(|event| write(&event)) {
                *writes.entry(write).or_default() += 1;
            }
        }
        writes
    }
}

/// What an event of the audit log wrote, unless it only read.
fn write(event: &Value) -> Option<String> {
    let verb = event["verb"].as_str().filter(|verb| !["get", "list", "watch"].contains(verb))?;
    let of = &event["objectRef"];
    let resource = of["resource"].as_str()?;
    Some(match of["subresource"].as_str() {
        Some(subresource) => format!("{verb} {resource}/{subresource}"),
        None => format!("{verb} {resource}"),
    })
}

/// The requests to ARM by the kinds that it counts apart; tokens are Entra's.
pub fn requests(counters: &Counters) -> Requests {
    let of = |methods: &[&str]| counters.count(|c| c.kind != "token" && methods.contains(&c.method.as_str()));
    Requests { reads: of(&["GET", "HEAD"]), writes: of(&["PUT", "POST", "PATCH"]), deletes: of(&["DELETE"]) }
}

/// The requests by method and what they asked for: `PUT compute`; those that were refused with their status: `PUT compute 429`.
pub fn by_kind(counters: &Counters) -> BTreeMap<String, u64> {
    let mut all = BTreeMap::new();
    for (counted, count) in counters.iter() {
        let Counted { method, kind, status, .. } = counted;
        let name = match status {
            Some(200..400) => format!("{method} {kind}"),
            Some(status) => format!("{method} {kind} {status}"),
            None => format!("{method} {kind} unanswered"),
        };
        *all.entry(name).or_default() += count;
    }
    all
}
