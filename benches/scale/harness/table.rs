//! The result: one table for people, and JSON for programs.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};

use super::bound::Requests;

/// What was measured of one row.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Row {
    pub name: String,
    pub controller: String,
    pub objects: usize,
    pub workspaces: usize,
    /// Seconds that an operation of Azure lasts.
    pub operation: f64,
    /// Whether all objects were done in time.
    pub finished: bool,
    pub done: usize,
    /// From the start of the controller, or from the deletion, until the last object was done.
    pub seconds: f64,
    /// The least time that Azure's limits allow, for one read and one write of each object.
    pub bound: Option<f64>,
    /// The least time for the requests that were sent, without an operation.
    pub bound_of_sent: Option<f64>,
    #[serde(serialize_with = "kinds")]
    pub sent: Requests,
    pub requests: BTreeMap<String, u64>,
    pub throttled: u64,
    pub kubernetes: BTreeMap<String, u64>,
    /// Seconds of CPU of the controller.
    pub cpu: f64,
    /// Of the controller at the end, in MiB.
    pub rss: f64,
    pub peak: f64,
    /// The objects that showed a failure; Azure has none.
    pub false_words: usize,
    pub failures: BTreeMap<String, usize>,
    /// The objects that said that Azure throttles, or that they wait for their turn.
    pub waited: usize,
    /// Other figures.
    pub more: BTreeMap<String, f64>,
}

fn kinds<S: Serializer>(requests: &Requests, to: S) -> Result<S::Ok, S::Error> {
    BTreeMap::from([("reads", requests.reads), ("writes", requests.writes), ("deletes", requests.deletes)]).serialize(to)
}

impl Row {
    /// How many requests there were to ARM.
    pub fn total(&self) -> u64 {
        self.sent.reads + self.sent.writes + self.sent.deletes
    }

    /// How often a status was written.
    pub fn statuses(&self) -> u64 {
        let of = self.kubernetes.iter().filter(|(write, _)| write.ends_with("synapsesparkattachments/status"));
        of.map(|(_, count)| count).sum()
    }

    fn cells(&self) -> Vec<String> {
        let time = if self.finished {
            format!("{:.0} s", self.seconds)
        } else {
            format!("unfinished: {} of {} in {:.0} s", self.done, self.objects, self.seconds)
        };
        let bound = self.bound.map_or("–".to_owned(), |bound| format!("{bound:.0} s"));
        let factor = self.bound.filter(|_| self.finished).map_or("–".to_owned(), |b| format!("{:.2}", self.seconds / b));
        let sent = format!("{} ({} / {} / {})", self.total(), self.sent.reads, self.sent.writes, self.sent.deletes);
        vec![
            self.name.clone(),
            self.controller.clone(),
            time,
            bound,
            factor,
            sent,
            self.throttled.to_string(),
            self.statuses().to_string(),
            format!("{:.1}", self.cpu),
            format!("{:.1} / {:.1}", self.rss, self.peak),
            self.false_words.to_string(),
            self.more.iter().map(|(name, value)| format!("{name} {value:.1}")).collect::<Vec<_>>().join(", "),
        ]
    }
}

const HEADS: [&str; 12] = [
    "row",
    "controller",
    "time",
    "bound",
    "time / bound",
    "requests (reads / writes / deletes)",
    "429",
    "status writes",
    "CPU-s",
    "RSS / peak, MiB",
    "objects with a false failure",
    "besides",
];

/// One Markdown table of all rows.
pub fn markdown(rows: &[Row]) -> String {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let head = line(&HEADS.map(str::to_owned));
    let rule = line(&HEADS.map(|_| "---".to_owned()));
    let rows: String = rows.iter().map(|row| line(&row.cells())).collect();
    head + &rule + &rows
}
