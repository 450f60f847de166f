//! What one LIST of a workspace changes at once: how many computes are missing.

use std::sync::Arc;
use std::time::Duration;

use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;
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
    /// With attachments of one workspace at rest.
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

    /// The value of a metric.
    fn value(&self, name: &str) -> String {
        let mut text = String::new();
        encode(&mut text, &self.registry).expect("text");
        let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        value.unwrap_or_else(|| panic!("{name} is always there")).to_owned()
    }
}

#[tokio::test(start_paused = true)]
async fn no_compute_is_attached_again_when_a_list_lacks_all_and_most_reads_are_not_answered() {
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
async fn a_list_that_lacks_all_stops_nothing_while_the_computes_are_there() {
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
async fn a_few_computes_that_a_list_lacks_are_attached_again() {
    let world = World::with(OBJECTS, &[]).await;
    let writes = world.azure.writes();
    (0..FEW).for_each(|number| world.azure.remove(&name(number)));
    tokio::time::sleep(RESYNCS).await;
    assert_eq!(world.azure.writes(), writes + FEW);
    world.until_all(OBJECTS, "Attached").await;
}
