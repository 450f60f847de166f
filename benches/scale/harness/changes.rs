//! Rows in which one attachment is affected while others keep the controller busy, or do nothing.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};

use super::bound::Requests;
use super::estate::{Estate, Shape};
use super::field::{Field, Setting};
use super::row::Row;
use super::rows::storm_of;
use super::stage::Rules;
use crate::support::{block_on, poll};

/// How many attachments a row changes at most.
const CHANGED: usize = 10;
/// How many healthy attachments the row of the silent workspace makes, one after the other.
const HEALTHY: usize = 5;
/// A request to a silent workspace has no answer for longer than any row lasts.
const SILENT: &str = "3600s";
/// The least number of seconds between two attempts to observe what the silent row waits for.
const HANGS_WITHIN: Duration = Duration::from_mins(2);

/// Attachments that are Ready are changed while others are attached: how long until the PUT of each.
pub fn change(name: &str, setting: Setting<'_>) -> Row {
    let stage = setting.stage(name);
    let ready = Estate::new(&format!("{name}-ready"), Shape::new(CHANGED, 1)).lettered('c');
    let estate = Estate::new(name, setting.shape);
    ready.set_up(&stage);
    estate.set_up(&stage);
    ready.make(&stage);
    stage.apply(Rules { operation: Duration::ZERO, limits: None });
    let (field, _) = Field::start(stage, estate, setting);
    let are_ready = poll(setting.longest, || (field.observer.seen().ready.len() == CHANGED).then_some(()));
    are_ready.expect("the attachments that are changed become Ready");
    field.stage.apply(setting.rules);
    let begin = field.begin();
    field.estate.make(&field.stage);
    let count = setting.shape.objects as u64;
    let least = Requests { reads: count, writes: count, deletes: 0 };
    // While the writes of the others wait for Azure's limits.
    let attaching = field.row(name, &begin, least).bound.unwrap_or_default() - setting.rules.operation.as_secs_f64();
    let pause = Duration::from_secs_f64(0.08 * attaching).max(Duration::from_millis(200));
    let changed = (0..CHANGED).map(|number| change_one(&field, &ready, number, pause)).collect::<Vec<_>>();
    let of_storm = |name: &&String| field.estate.has(name);
    let mut row = field.until(name, &begin, least, |seen| seen.ready.iter().filter(of_storm).count());
    let puts = field.puts();
    let put = |(name, at): &(String, Timestamp)| puts.iter().find(|put| put.0 == *name && put.1 >= *at).map(|put| put.1);
    let took = changed.iter().filter_map(|one| Some(put(one)?.duration_since(one.1).as_secs_f64())).collect::<Vec<_>>();
    row.finished &= took.len() == CHANGED;
    row.more.insert("longest, s".to_owned(), took.iter().copied().fold(0.0, f64::max));
    row.more.insert("median, s".to_owned(), median(took));
    row
}

/// Changes an attachment and waits for a while. Gives its name and when it was changed.
fn change_one(field: &Field<'_>, estate: &Estate, number: usize, pause: Duration) -> (String, Timestamp) {
    let (name, api) = (estate.object_name(number), estate.api(&field.stage, number));
    let patch = Patch::Merge(json!({"spec": {"description": format!("change {number}")}}));
    let at = Timestamp::now();
    block_on(async {
        api.patch(&name, &PatchParams::default(), &patch).await.expect("the attachment can be changed");
        tokio::time::sleep(pause).await;
    });
    (name, at)
}

/// What of a Synapse workspace is silent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Silent {
    /// Its data plane, which has the role assignments.
    DataPlane,
    /// Azure Resource Manager's GET of its pools.
    Pools,
}

impl Silent {
    /// The fault, with a Synapse workspace that never answers.
    fn fault(self, synapse: &str) -> Value {
        match self {
            Self::DataPlane => json!({"path": format!("/synapse/{synapse}"), "delay": SILENT, "times": 1_000_000}),
            Self::Pools => {
                json!({"method": "GET", "path": format!("/workspaces/{synapse}0/bigDataPools"), "delay": SILENT, "times": 1_000_000})
            }
        }
    }

    /// The requests that hang, as the counters name them.
    fn kind(self) -> &'static str {
        match self {
            Self::DataPlane => "roleAssignment",
            Self::Pools => "pool",
        }
    }
}

/// A Synapse workspace gives no answer: how long the attach of healthy attachments takes, that use another, and how long without
/// the silent one.
pub fn silence(name: &str, setting: Setting<'_>, silent: Silent) -> Row {
    let (_, without) = healthy(&format!("{name}-without"), setting, None);
    let (mut row, with) = healthy(name, setting, Some(silent));
    row.more.insert("with, s".to_owned(), with);
    row.more.insert("without, s".to_owned(), without);
    row.more.insert("with / without".to_owned(), with / without);
    row
}

/// The median time of healthy attachments, next to those whose Synapse workspace may be silent.
fn healthy(name: &str, setting: Setting<'_>, silent: Option<Silent>) -> (Row, f64) {
    let stage = setting.stage(name);
    let role = json!({"synapseRole": {"name": "Synapse Compute Operator"}});
    let estate = Estate::new(name, setting.shape).on("silent-synapse").with(role.clone());
    let healthy = Estate::new(&format!("{name}-ok"), Shape::new(HEALTHY, 1)).lettered('h').with(role);
    estate.set_up(&stage);
    healthy.set_up(&stage);
    if let Some(silent) = silent {
        stage.fault(&silent.fault("silent-synapse"));
    }
    estate.make(&stage);
    let (field, begin) = Field::start(stage, estate, setting);
    let waited_for = silent.map_or("roleAssignment", Silent::kind);
    let hangs = || (field.stage.azure.counters().count(|one| one.kind.starts_with(waited_for)) > 0).then_some(());
    poll(HANGS_WITHIN, hangs).expect("the Synapse workspace is asked");
    let took: Vec<f64> = (0..HEALTHY).filter_map(|number| attach(&field, &healthy, number)).collect();
    let mut row = field.row(name, &begin, Requests::default());
    (row.finished, row.done, row.seconds) = (took.len() == HEALTHY, took.len(), begin.at.elapsed().as_secs_f64());
    row.false_words = field.observer.seen().failed.iter().filter(|name| healthy.has(name)).count();
    (row, median(took))
}

/// Makes an attachment. Gives the seconds until it is Ready.
fn attach(field: &Field<'_>, estate: &Estate, number: usize) -> Option<f64> {
    let (begin, name) = (Instant::now(), estate.object_name(number));
    block_on(estate.create(&field.stage.plane.kube, number)).expect("the object is valid and new");
    let is_ready = || field.observer.seen().ready.contains(&name).then(|| begin.elapsed().as_secs_f64());
    poll(field.setting.longest, is_ready)
}

/// Computes are changed behind the controller's back: how long until each is as its object wants it.
pub fn drift(name: &str, setting: Setting<'_>, rules: Rules) -> Row {
    let estate = Estate::new(name, setting.shape).with(json!({"tags": {"team": "scale"}}));
    let (field, attach) = storm_of(name, setting, estate);
    assert!(attach.finished, "{} of {} are Ready", attach.done, attach.objects);
    field.stage.apply(rules);
    field.quiet();
    let begin = field.begin();
    let count = CHANGED.min(setting.shape.objects);
    let compute = |number: usize| format!("compute?id={}", field.estate.compute_id(number));
    for number in 0..count {
        let drift = json!({"tags": {"team": "other"}});
        field.stage.azure.control("PATCH", &compute(number), Some(&drift)).expect("the compute is there");
    }
    let is_right = |number: &usize| {
        let shown = field.stage.azure.control("GET", &compute(*number), None).expect("the compute is there");
        shown["tags"]["team"] == "scale" && shown["properties"]["provisioningState"] == "Succeeded"
    };
    let right = || (0..count).filter(is_right).count();
    let ended = field.watched(name, &begin, 3 * setting.interval + rules.operation, || (right() == count).then_some(()));
    let took = begin.at.elapsed().as_secs_f64();
    let mut row = field.row(name, &begin, Requests::default());
    (row.finished, row.done, row.seconds) = (ended.is_some(), setting.shape.objects - (count - right()), took);
    (row.operation, row.bound, row.bound_of_sent) = (rules.operation.as_secs_f64(), None, None);
    row.more.insert("longest, s".to_owned(), took);
    row
}

/// The middle one of some figures; none of none.
fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or_default()
}
