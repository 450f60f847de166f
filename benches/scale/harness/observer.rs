//! Every version of each object's status while a row runs: a wrong status that is later corrected would not show at the end.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Instant;

use futures::TryStreamExt;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::ResourceExt;
use kube::api::Api;
use kube::runtime::watcher::{self, Event, watcher};
use synapse_spark_operator::api::SynapseSparkAttachment;
use tokio::task::JoinHandle;

use crate::support::spawn;

/// The reasons of an attachment that is not Ready and whose work goes on as it should. All others report a failure.
const IN_PROGRESS: [&str; 13] = [
    "Attached",
    "AddingFinalizer",
    "Attaching",
    "Adopting",
    "Updating",
    "Replacing",
    "AssigningRole",
    "Detaching",
    "Detached",
    "WaitingForWrite",
    "Queued",
    "Throttled",
    "Creating",
];

/// What was seen so far.
#[derive(Debug, Default)]
pub struct Seen {
    pub present: BTreeSet<String>,
    pub ready: BTreeSet<String>,
    /// The objects that ever showed a failure.
    pub failed: BTreeSet<String>,
    /// How often each reason of a failure was seen.
    pub failures: BTreeMap<String, usize>,
    /// The objects whose status ever reported throttling, or waiting for the request budget.
    pub waited: BTreeSet<String>,
    /// The last change of `ready` or `present`.
    pub changed: Option<Instant>,
}

impl Seen {
    fn note(&mut self, object: &SynapseSparkAttachment) {
        let name = object.name_any();
        let conditions = object.status.as_ref().map_or(&[][..], |status| &status.conditions);
        let of = |kind: &str| conditions.iter().find(|condition| condition.type_ == kind);
        for reason in [of("Stalled"), of("Ready")].into_iter().flatten().filter_map(failure) {
            self.failed.insert(name.clone());
            *self.failures.entry(reason.to_owned()).or_default() += 1;
        }
        if of("Ready").is_some_and(|ready| ["Throttled", "Queued"].contains(&ready.reason.as_str())) {
            self.waited.insert(name.clone());
        }
        let is_ready = of("Ready").is_some_and(|ready| ready.status == "True");
        let changed = if is_ready { self.ready.insert(name.clone()) } else { self.ready.remove(&name) };
        if changed | self.present.insert(name) {
            self.changed = Some(Instant::now());
        }
    }

    /// Clears the recorded failures before the next row.
    pub fn forget_failures(&mut self) {
        self.failed.clear();
        self.failures.clear();
        self.waited.clear();
    }

    fn gone(&mut self, name: &str) {
        self.ready.remove(name);
        self.present.remove(name);
        self.changed = Some(Instant::now());
    }
}

/// The reason, if the condition reports a failure.
pub fn failure(condition: &Condition) -> Option<&str> {
    let reason = condition.reason.as_str();
    let fails = match condition.type_.as_str() {
        "Stalled" => condition.status == "True",
        _ => condition.status != "True" && !IN_PROGRESS.contains(&reason),
    };
    fails.then_some(reason)
}

/// A watch of its own, until it is dropped.
pub struct Observer {
    seen: Arc<Mutex<Seen>>,
    task: JoinHandle<()>,
}

impl Observer {
    pub fn start(api: Api<SynapseSparkAttachment>) -> Self {
        let seen = Arc::new(Mutex::new(Seen::default()));
        let to = seen.clone();
        let watching = async move {
            let events = watcher(api, watcher::Config::default());
            let noted = events.try_for_each(|event| {
                let mut seen = to.lock().expect("no holder panics");
                match event {
                    Event::Apply(object) | Event::InitApply(object) => seen.note(&object),
                    Event::Delete(object) => seen.gone(&object.name_any()),
                    Event::Init | Event::InitDone => {}
                }
                drop(seen);
                futures::future::ready(Ok(()))
            });
            noted.await.expect("the watch of a test's own API server lasts");
        };
        Self { seen, task: spawn(watching) }
    }

    pub fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().expect("no holder panics")
    }
}

impl Drop for Observer {
    fn drop(&mut self) {
        self.task.abort();
    }
}
