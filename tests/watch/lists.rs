//! What one LIST of a workspace changes at once: how many computes are missing, and which have no object.

use std::sync::Arc;
use std::time::Duration;

use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;
use serde_json::{Value, json};
use synapse_spark_operator::controller::{Options, Readiness, run};

use super::in_process::{Api, Azure, context, object};
use super::{nothing, until};

const OBJECTS: usize = 60;
/// So few missing computes of sixty are attached again.
const FEW: usize = OBJECTS / 5;
/// Two resyncs come within this time.
const RESYNCS: Duration = Duration::from_mins(12);

fn name(number: usize) -> String {
    format!("compute-{number:03}")
}

/// A controller that runs until the test ends, with its Kubernetes, its Azure and its metrics.
struct World {
    api: Api,
    azure: Arc<Azure>,
    registry: Registry,
}

impl World {
    /// With attachments of one workspace that are in sync.
    async fn with(objects: usize, namespaces: &[&str]) -> Self {
        let world = Self::begun(objects, namespaces, Azure::default());
        world.until_all(objects, "Attached").await;
        world
    }

    /// With attachments that are being attached.
    fn begun(objects: usize, namespaces: &[&str], azure: Azure) -> Self {
        let (api, azure, mut registry) = (Api::streaming(), Arc::new(azure), Registry::default());
        (0..objects).for_each(|number| api.put(object("team-a", &name(number), &nothing())));
        let namespaces = namespaces.iter().map(|name| (*name).to_owned()).collect();
        let options = Options { concurrency: 32, namespaces, readiness: Arc::new(Readiness::default()) };
        let context = Arc::new(context(api.client(), azure.clone(), &mut registry));
        tokio::spawn(run(api.client(), context, options, std::future::pending()));
        Self { api, azure, registry }
    }

    fn all_are(&self, objects: usize, reason: &str) -> bool {
        (0..objects).all(|number| self.api.reason("team-a", &name(number)).as_deref() == Some(reason))
    }

    async fn until_all(&self, objects: usize, reason: &str) {
        until(&format!("{objects} are {reason}"), || self.all_are(objects, reason)).await;
    }

    /// Waits until so many orphans are counted: two LISTs show them.
    async fn until_orphans(&self, count: &str) {
        let counted = async {
            while self.value("orphaned_computes") != count {
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        };
        tokio::time::timeout(RESYNCS, counted).await.unwrap_or_else(|_| panic!("not {count} orphans"));
    }

    /// The value of a metric.
    fn value(&self, name: &str) -> String {
        let mut text = String::new();
        encode(&mut text, &self.registry).expect("text");
        let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        value.unwrap_or_else(|| panic!("{name} is always there")).to_owned()
    }
}

#[tokio::test(start_paused = true)]
async fn no_compute_is_attached_again_when_a_list_is_empty_and_most_reads_are_not_answered() {
    let world = World::with(OBJECTS, &[]).await;
    let writes = world.azure.writes();
    (FEW..OBJECTS).for_each(|number| world.azure.silence_reads(&name(number)));
    world.azure.hide(true, true);
    tokio::time::sleep(RESYNCS).await;
    assert_eq!(world.azure.writes(), writes, "no write");
    assert!(world.all_are(FEW, "SafetyStop"));
    assert_eq!(world.value("safety_stops"), format!("{FEW}.0"));
    world.azure.hide(false, false);
    tokio::time::sleep(RESYNCS).await;
    assert!(world.all_are(OBJECTS, "Attached"));
    assert_eq!(world.value("safety_stops"), "0.0");
    assert_eq!(world.azure.writes(), writes, "the stop ends when the computes show");
}

#[tokio::test(start_paused = true)]
async fn an_empty_list_causes_no_safety_stop_while_reads_show_the_computes() {
    let world = World::with(OBJECTS, &[]).await;
    let writes = world.azure.writes();
    world.azure.hide(true, false);
    for _ in 0..60 {
        tokio::time::sleep(RESYNCS / 60).await;
        assert!(world.all_are(OBJECTS, "Attached"));
    }
    assert_eq!(world.azure.writes(), writes);
}

#[tokio::test(start_paused = true)]
async fn a_few_missing_computes_are_attached_again() {
    let world = World::with(OBJECTS, &[]).await;
    let writes = world.azure.writes();
    (0..FEW).for_each(|number| world.azure.remove(&name(number)));
    tokio::time::sleep(RESYNCS).await;
    assert_eq!(world.azure.writes(), writes + FEW);
    world.until_all(OBJECTS, "Attached").await;
}

/// A compute with this owner tag.
fn owned(tag: &str) -> Value {
    json!({
        "name": "left-over", "tags": {"synapse-spark-operator-owner": tag},
        "properties": {"computeType": "SynapseSpark", "provisioningState": "Succeeded"},
    })
}

#[tokio::test(start_paused = true)]
async fn a_compute_without_its_object_is_counted_until_it_is_detached() {
    let world = World::with(2, &[]).await;
    assert_eq!(world.value("orphaned_computes"), "0", "each compute has its object");
    world.azure.add("left-over", owned("cluster/team-a/gone/uid"));
    world.until_orphans("1").await;
    tokio::time::sleep(RESYNCS).await;
    assert_eq!(world.value("orphaned_computes"), "1", "it is counted once");
    assert_eq!(world.azure.count("DELETE", "left-over"), 0, "and left alone");
    world.azure.remove("left-over");
    world.until_orphans("0").await;
}

#[tokio::test(start_paused = true)]
async fn a_compute_is_an_orphan_only_if_its_object_is_removed_by_force() {
    let deleted = "2026-01-02T00:00:00Z";
    #[rustfmt::skip]
    let table = [
        // case             change of the object                                                                                   counted
        ("by force",        json!({"metadata": {"deletionTimestamp": deleted, "finalizers": []}}),                                 "1"),
        ("Retain",          json!({"metadata": {"deletionTimestamp": deleted}, "spec": {"deletionPolicy": "Retain"}}),             "0"),
        ("abandon",         json!({"metadata": {"deletionTimestamp": deleted, "annotations": {"synapse-spark.dev/on-delete": "abandon"}}}), "0"),
        ("a detach",        json!({"metadata": {"deletionTimestamp": deleted}}),                                                   "0"),
    ];
    for (case, change, counted) in table {
        let world = World::with(3, &[]).await;
        world.api.change("team-a", &name(0), &change);
        tokio::time::sleep(RESYNCS).await;
        assert_eq!(world.value("orphaned_computes"), counted, "{case}");
        assert_eq!(world.azure.count("DELETE", &name(0)), usize::from(case == "a detach"), "{case}");
    }
}

#[tokio::test(start_paused = true)]
async fn no_compute_is_an_orphan_while_many_are_attached_and_detached() {
    let world = World::begun(OBJECTS, &[], Azure::paging(Duration::from_mins(1), OBJECTS / 2));
    until("all are attached", || {
        assert_eq!(world.value("orphaned_computes"), "0");
        world.all_are(OBJECTS, "Attached")
    })
    .await;
    for number in 0..OBJECTS {
        world.api.change("team-a", &name(number), &json!({"metadata": {"deletionTimestamp": "2026-01-02T00:00:00Z"}}));
    }
    until("all are gone", || {
        assert_eq!(world.value("orphaned_computes"), "0");
        world.api.is_empty()
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_compute_whose_object_may_exist_is_not_counted() {
    #[rustfmt::skip]
    let table = [
        // case                                watched            tag                                     counted
        ("no object",                          &["team-a"][..],   "cluster/team-a/gone/uid",              "1"),
        ("another object of that name",        &["team-a"],       "cluster/team-a/compute-000/uid",       "1"),
        ("its object exists",                  &[],               "cluster/team-a/compute-000/team-a-compute-000", "0"),
        ("in a namespace that is not watched", &["team-a"],       "cluster/team-b/gone/uid",              "0"),
        ("of another cluster",                 &["team-a"],       "another/team-a/gone/uid",              "0"),
    ];
    for (case, namespaces, tag, counted) in table {
        let world = World::with(2, namespaces).await;
        world.azure.add("left-over", owned(tag));
        tokio::time::sleep(RESYNCS).await;
        assert_eq!(world.value("orphaned_computes"), counted, "{case}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_object_that_cannot_be_decoded_still_owns_its_compute() {
    let world = World::with(3, &[]).await;
    world.api.change("team-a", &name(0), &json!({"spec": {"tags": 7}}));
    tokio::time::sleep(RESYNCS).await;
    assert_eq!(world.value("orphaned_computes"), "0");
}
