//! The operator's process: killed and terminated, its probes and metrics, and an object that it cannot decode.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{DEADLINE, World};

/// The duration of an attach or a detach in these tests.
const AT_WORK: Duration = Duration::from_secs(3);

/// Waits for the first write of a kind to a compute.
fn written(world: &World, compute: &str, method: &str) {
    world.until(&format!("there is a {method}"), || world.writes(compute).iter().any(|one| one == method).then_some(()));
}

/// Waits until the status has the operation.
fn at_work(world: &World, name: &str, kind: &str) {
    world.wait(name, &format!("jsonpath={{.status.operation.kind}}={kind}"));
}

/// Kills the operator and starts another.
fn kill_and_restart(world: &World) {
    world.operator().kill();
    world.restart();
}

#[test]
fn operator_killed_before_the_answer_to_a_put_attaches_after_the_restart() {
    let world = World::alone("kill-put", AT_WORK);
    // Nothing has recorded yet that the PUT was accepted.
    world.fault("PUT", "nightly", &json!({"delay": "2s"}));
    world.apply("nightly", "one", &[]);
    written(&world, "nightly", "PUT");
    kill_and_restart(&world);
    world.ready("nightly");
    assert!(world.writes("nightly").len() <= 2, "{:?}", world.writes("nightly"));
    assert_eq!(world.computes(), 1);
}

#[test]
fn operator_killed_during_an_attach_sends_no_second_put() {
    let world = World::alone("kill-attach", AT_WORK);
    world.apply("nightly", "one", &[]);
    at_work(&world, "nightly", "Attach");
    kill_and_restart(&world);
    world.ready("nightly");
    assert_eq!(world.writes("nightly"), ["PUT"]);
    assert_eq!(world.computes(), 1);
}

#[test]
fn operator_killed_before_the_answer_to_a_delete_detaches_after_the_restart() {
    let world = World::alone("kill-delete", AT_WORK);
    world.apply("nightly", "one", &[]);
    world.ready("nightly");
    world.fault("DELETE", "nightly", &json!({"delay": "2s"}));
    world.delete("nightly");
    written(&world, "nightly", "DELETE");
    world.operator().kill();
    assert!(world.object("nightly").is_some(), "it has its finalizer");
    world.restart();
    world.gone("nightly");
    let writes = world.writes("nightly");
    assert_eq!(writes.iter().filter(|method| *method == "PUT").count(), 1, "{writes:?}");
    assert_eq!(world.computes(), 0);
}

#[test]
fn operator_killed_during_a_detach_sends_no_second_delete() {
    let world = World::alone("kill-detach", AT_WORK);
    world.apply("nightly", "one", &[]);
    world.ready("nightly");
    world.delete("nightly");
    at_work(&world, "nightly", "Detach");
    kill_and_restart(&world);
    world.gone("nightly");
    assert_eq!(world.writes("nightly"), ["PUT", "DELETE"]);
    assert_eq!(world.computes(), 0);
}

#[test]
fn sigterm_ends_the_process_after_the_operation_is_recorded() {
    let world = World::alone("sigterm", AT_WORK);
    // The reconcile that waits for an answer ends first, and records the operation.
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
fn server_answers_the_probes_and_nothing_else() {
    let world = World::new("probes");
    for (path, code) in [("/livez", 200), ("/readyz", 200), ("/nothing", 404)] {
        assert_eq!(world.operator().get(path).map(|(code, _)| code), Some(code), "{path}");
    }
}

#[test]
fn metrics_have_every_family_and_no_label_of_an_object() {
    let world = World::new("metrics");
    world.fault("PUT", "nightly", &json!({"status": 429, "retryAfter": 1}));
    world.apply("nightly", "one", &[]);
    world.ready("nightly");
    let (status, text) = world.operator().get("/metrics").expect("it answers");
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
// Longer than other functions: each line of the setup is a way in which an object cannot be decoded.
fn object_that_cannot_be_decoded_is_counted_and_stops_no_other() {
    let world = World::without_operator("unreadable", Duration::ZERO);
    // Stored under a definition that accepted everything.
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
