//! `spec.deletionGuard`: the detach waits for the jobs that use the compute.

use serde_json::{Value, json};

use super::plugin::{has, synapse};
use crate::support::World;

const GUARD: &str = "deletionGuard: WhenIdle";

/// A job of Azure Machine Learning that runs until it is removed. Gives its ID.
fn job(world: &World, name: &str, properties: &Value) -> String {
    let id = format!("{}/jobs/{name}", world.workspace());
    let mut job = json!({"id": id, "properties": properties});
    job["properties"]["status"] = json!("Running");
    world.add(&json!({"jobs": [job]}));
    id
}

#[test]
// Longer than other functions: one world for all ways in which the wait ends.
fn deleted_object_is_detached_when_its_jobs_have_ended_or_the_time_has_passed() {
    let world = World::new("jobs");
    for name in ["ended", "expired", "released"] {
        world.apply(name, "one", &[GUARD]);
    }
    world.apply("moved", "one", &[GUARD, "replacePolicy: Recreate"]);
    let spark = |compute: &str| json!({"jobType": "Spark", "computeId": world.id(compute)});
    let ended = job(&world, "etl-nightly", &spark("ended"));
    for compute in ["expired", "released"] {
        job(&world, &format!("etl-{compute}"), &spark(compute));
    }
    let step = json!({"prepare": {"type": "spark", "computeId": world.id("moved")}});
    let pipeline = job(&world, "pipeline-1", &json!({"jobType": "Pipeline", "jobs": step}));
    for name in ["ended", "expired", "released", "moved"] {
        world.ready(name);
    }
    for name in ["ended", "expired", "released"] {
        world.delete(name);
    }
    world.patch("moved", &json!({"spec": {"resourceId": world.pool("two")}}));

    let message = world.ready_shows("ended", "False", "WaitingForJobs");
    has(
        &message,
        &[
            "Waiting until no job uses compute ended",
            "1 job has not ended: etl-nightly (Running)",
            "set spec.deletionGuard to None",
        ],
    );
    assert!(world.condition("ended", "Reconciling").is_some());
    let (code, out, complaint) = synapse(&world, &["status", "ended"]);
    has(&out, &["Reconciling: WaitingForJobs", "jobs       etl-nightly (Running)"]);
    assert_eq!(complaint, "", "{code:?} {out}");
    world.remove(&ended);
    world.request_reconcile("ended");
    world.gone("ended");

    // The wait began a day ago.
    world.ready_shows("expired", "False", "WaitingForJobs");
    let since = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(25);
    let since =
        json!({"status": {"waitingForJobs": {"since": jiff::Timestamp::from_second(since.as_second()).expect("a time")}}});
    world.kubectl(&["patch", "ssa", "expired", "--subresource=status", "--type=merge", "--patch", &since.to_string()]);
    world.request_reconcile("expired");
    world.event("expired", "DeletionGuardTimedOut", "although jobs have not ended: etl-expired (Running)");
    world.gone("expired");

    world.ready_shows("released", "False", "WaitingForJobs");
    world.patch("released", &json!({"spec": {"deletionGuard": "None"}}));
    world.gone("released");

    world.ready_shows("moved", "False", "WaitingForJobs");
    assert_eq!(world.writes("moved"), ["PUT"], "the pipeline has not ended");
    world.remove(&pipeline);
    world.request_reconcile("moved");
    world.ready("moved");
    assert_eq!(world.writes("moved"), ["PUT", "DELETE", "PUT"]);
    for name in ["ended", "expired", "released"] {
        assert_eq!(world.writes(name), ["PUT", "DELETE"], "{name}");
    }
}

#[test]
fn deleted_object_waits_while_its_jobs_may_not_be_read() {
    let world = World::new("jobs-403");
    let refusal = json!({
        "path": format!("{}/jobs", world.workspace()), "status": 403, "code": "AuthorizationFailed",
        "message": "does not have authorization to perform action", "times": 1000,
    });
    world.fault("GET", "nightly", &refusal);
    world.apply("nightly", "one", &[GUARD]);
    world.ready("nightly");
    let asked = || world.requests().iter().filter(|one| one.path.ends_with("/jobs")).count();
    assert_eq!(asked(), 0, "jobs are read only for a detach");
    world.delete("nightly");
    let message = world.stalled("nightly", "JobsUnreadable");
    has(&message, &["Cannot read the jobs that use compute nightly", "Microsoft.MachineLearningServices/workspaces/jobs/read"]);
    assert_eq!(world.writes("nightly"), ["PUT"]);
    world.kubectl(&["annotate", "ssa", "nightly", "synapse-spark.dev/on-delete=abandon"]);
    world.gone("nightly");
    assert!(world.compute("nightly").is_some());
}
