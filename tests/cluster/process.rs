//! The program itself: killed, asked to end, asked how it is, and with an object that it cannot read.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{DEADLINE, World};

/// How long Azure is at an attach or a detach here.
const AT_WORK: Duration = Duration::from_secs(3);

/// Waits for the first write of a kind to a compute.
fn written(world: &World, compute: &str, method: &str) {
    world.until(&format!("there is a {method}"), || world.writes(compute).iter().any(|one| one == method).then_some(()));
}

/// Waits until the object knows of the operation.
fn at_work(world: &World, name: &str, kind: &str) {
    world.wait(name, &format!("jsonpath={{.status.operation.kind}}={kind}"));
}

#[test]
fn killed_in_the_middle_of_an_attach_it_comes_to_the_same_end() {
    let world = World::alone("kill", AT_WORK);
    // Before the answer of the PUT is there: nobody has noted that it was asked for.
    world.fault("PUT", "unanswered", &json!({"delay": "2s"}));
    world.apply("unanswered", "one", &[]);
    written(&world, "unanswered", "PUT");
    world.operator().kill();
    world.restart();
    world.ready("unanswered");
    assert!(world.writes("unanswered").len() <= 2, "{:?}", world.writes("unanswered"));

    // While Azure is at it.
    world.apply("noted", "one", &[]);
    at_work(&world, "noted", "Attach");
    world.operator().kill();
    world.restart();
    world.ready("noted");
    assert_eq!(world.writes("noted"), ["PUT"]);
    assert_eq!(world.computes(), 2);
}

#[test]
fn killed_in_the_middle_of_a_detach_it_comes_to_the_same_end() {
    let world = World::alone("kill", AT_WORK);
    for name in ["unanswered", "noted"] {
        world.apply(name, "one", &[]);
    }
    for name in ["unanswered", "noted"] {
        world.ready(name);
    }
    world.fault("DELETE", "unanswered", &json!({"delay": "2s"}));
    world.delete("unanswered");
    written(&world, "unanswered", "DELETE");
    world.operator().kill();
    assert!(world.object("unanswered").is_some(), "it has its finalizer");
    world.restart();
    world.gone("unanswered");

    world.delete("noted");
    at_work(&world, "noted", "Detach");
    world.operator().kill();
    world.restart();
    world.gone("noted");
    assert_eq!(world.writes("noted"), ["PUT", "DELETE"]);
    let writes = world.writes("unanswered");
    assert_eq!(writes.iter().filter(|method| *method == "PUT").count(), 1, "{writes:?}");
    assert_eq!(world.computes(), 0);
}

#[test]
fn sigterm_ends_it_while_azure_is_at_work() {
    let world = World::alone("sigterm", AT_WORK);
    // The pass that waits for an answer comes to its end, and notes what it asked for.
    world.fault("PUT", "nightly", &json!({"delay": "1s"}));
    world.apply("nightly", "one", &[]);
    written(&world, "nightly", "PUT");
    let code = world.operator().terminate(DEADLINE);
    assert_eq!(code, Some(0), "{}", world.operator().log(""));
    let operation = world.object("nightly").expect("it is there")["status"]["operation"].clone();
    assert_eq!(operation["kind"], "Attach");
    assert!(operation["path"].as_str().is_some_and(|path| path.starts_with("/subscriptions/")), "no host: {operation}");
    world.restart();
    world.ready("nightly");
    assert_eq!(world.writes("nightly"), ["PUT"]);
}

#[test]
fn it_tells_how_it_is() {
    let world = World::new("metrics");
    world.fault("PUT", "nightly", &json!({"status": 429, "retryAfter": 1}));
    world.apply("nightly", "one", &[]);
    world.ready("nightly");
    let get = |path: &str| world.operator().get(path).expect("it answers");
    assert_eq!(get("/livez").0, 200);
    assert_eq!(get("/readyz").0, 200);
    assert_eq!(get("/nothing").0, 404);
    let (status, text) = get("/metrics");
    assert_eq!(status, 200);
    for name in [
        "reconcile_total{step=\"Put\",result=\"success\"}",
        "reconcile_duration_seconds_count",
        "azure_requests_total{operation=\"put\",code=\"201\"}",
        "azure_request_duration_seconds_bucket",
        "azure_throttled_seconds_total{kind=\"write\"}",
        "azure_token_requests_total{result=\"success\"}",
        "attachments{condition=\"Ready\",reason=\"Attached\"}",
        "undecodable_objects 0",
        "build_info{version=",
        "reconcile_panics_total 0",
        "drift_detected_total",
    ] {
        assert!(text.contains(&format!("synapse_spark_operator_{name}")), "{name} is not in\n{text}");
    }
    assert!(text.ends_with("# EOF\n"));
    assert!(!text.contains(&world.namespace) && !text.contains(&world.subscription), "labels are bounded");
}

#[test]
fn an_object_that_does_not_decode_stops_nobody_else() {
    let world = World::alone("unreadable", Duration::ZERO);
    world.operator().kill();
    // Stored under a definition that let everything in.
    let definition = concat!(env!("CARGO_MANIFEST_DIR"), "/crds");
    let strict = world.plane().must(&["create", "--dry-run=client", "--validate=false", "-o", "json", "-f", definition]);
    let mut loose: Value = serde_json::from_str(&strict).expect("kubectl prints JSON");
    let version = &mut loose["spec"]["versions"][0];
    version["schema"]["openAPIV3Schema"] = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
    version.as_object_mut().expect("a version").remove("selectableFields");
    world.plane().kubectl(&["replace", "-f", "-"], &loose.to_string()).expect("a definition");
    let unreadable = json!({
        "apiVersion": "synapse-spark.dev/v1alpha1",
        "kind": "SynapseSparkAttachment",
        "metadata": {"name": "unreadable", "namespace": world.namespace},
        "spec": {"workspace": "yogi-aml-ws", "resourceId": 7},
    });
    world.until("the loose definition is in force", || {
        world.plane().kubectl(&["create", "--validate=false", "-f", "-"], &unreadable.to_string()).ok()
    });
    world.plane().must(&["replace", "-f", definition]);
    world.until("the strict definition is in force", || {
        let again = unreadable.to_string().replace("\"unreadable\"", "\"again\"");
        world.plane().kubectl(&["create", "--validate=false", "--dry-run=server", "-f", "-"], &again).err()
    });

    world.restart();
    world.apply("nightly", "one", &[]);
    world.ready("nightly");
    world.delete("nightly");
    world.gone("nightly");
    let undecodable = |count: u32| {
        world.until(&format!("{count} are undecodable"), || {
            let (_, metrics) = world.operator().get("/metrics")?;
            metrics.contains(&format!("synapse_spark_operator_undecodable_objects {count}.0\n")).then_some(())
        });
    };
    undecodable(1);
    let log = world.operator().log("unreadable");
    assert!(log.contains("cannot be decoded"), "{log}");
    world.kubectl(&["delete", "ssa", "unreadable", "--timeout=30s"]);
    undecodable(0);
}
