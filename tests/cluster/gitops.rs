//! Scripts and GitOps tools never take the status of a former spec for that of the current one.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::World;

/// `kubectl wait` for Ready, which only checks the current status.
fn is_ready(world: &World, name: &str) -> Result<String, String> {
    let object = format!("ssa/{name}");
    world.plane().kubectl(&["wait", "-n", &world.namespace, &object, "--for=condition=Ready", "--timeout=0"], "")
}

fn team(world: &World, compute: &str) -> Value {
    world.compute(compute).expect("it is there")["tags"]["team"].clone()
}

/// A ready object and a new one; no operator has seen what changed since in either.
fn unseen(name: &str) -> World {
    let world = World::alone(name, Duration::from_secs(1));
    world.apply("nightly", "one", &["tags: {team: data}"]);
    world.ready("nightly");
    is_ready(&world, "nightly").expect("it is ready");
    world.operator().kill();
    world.apply("new", "one", &[]);
    world.patch("nightly", &json!({"spec": {"tags": {"team": "ml"}}}));
    world
}

#[test]
fn kubectl_wait_does_not_take_ready_of_a_former_spec_for_the_current_one() {
    let world = unseen("wait-former");
    assert_eq!(world.condition("nightly", "Ready").expect("it was ready")["status"], "True");
    for name in ["nightly", "new"] {
        let complaint = is_ready(&world, name).expect_err("no operator has seen it");
        assert!(complaint.contains("condition not met"), "{complaint}");
    }
    // A JSON path does not compare generations: docs/waiting.md.
    let path = "--for=jsonpath={.status.conditions[?(@.type==\"Ready\")].status}=True";
    world.kubectl(&["wait", "ssa/nightly", path, "--timeout=0"]);
}

#[test]
fn status_of_a_new_object_is_not_current_for_kstatus() {
    let world = World::without_operator("wait-new", Duration::ZERO);
    world.apply("new", "one", &[]);
    assert_eq!(world.object("new").expect("it is there")["status"], json!({"observedGeneration": -1}));
}

#[test]
fn kubectl_wait_that_began_before_the_operator_returns_when_azure_has_finished() {
    let world = unseen("wait-early");
    std::thread::scope(|scope| {
        let changed = scope.spawn(|| {
            world.ready("nightly");
            team(&world, "nightly")
        });
        let attached = scope.spawn(|| {
            world.ready("new");
            world.compute("new").expect("it is attached")["properties"]["provisioningState"].clone()
        });
        world.restart();
        assert_eq!(changed.join().expect("it waits"), "ml");
        assert_eq!(attached.join().expect("it waits"), "Succeeded");
    });
}

#[test]
fn kubectl_wait_after_a_change_returns_when_the_change_is_in_azure() {
    let world = World::alone("wait", Duration::from_secs(1));
    world.apply("nightly", "one", &["tags: {team: '0'}"]);
    world.ready("nightly");
    for turn in 1..=5 {
        let wanted = turn.to_string();
        world.patch("nightly", &json!({"spec": {"tags": {"team": wanted}}}));
        world.ready("nightly");
        assert_eq!(team(&world, "nightly"), wanted);
    }
}

/// A request does not change the generation.
#[test]
fn handled_reconcile_request_means_that_the_correction_has_begun() {
    let world = World::alone("wait", Duration::from_secs(1));
    world.apply("nightly", "one", &["tags: {team: '5'}"]);
    world.ready("nightly");
    world.change_compute("nightly", &json!({"tags": {"team": "sales"}}));
    world.kubectl(&["annotate", "ssa", "nightly", "synapse-spark.dev/reconcile-requested-at=now"]);
    world.wait("nightly", "jsonpath={.status.lastHandledReconcileAt}=now");
    world.ready("nightly");
    assert_eq!(team(&world, "nightly"), "5");
}

#[test]
fn settings_for_argo_cd_are_a_patch_of_its_config_map() {
    let world = World::new("argocd");
    world.kubectl(&["create", "configmap", "argocd-cm", "--from-literal=application.instanceLabelKey=app"]);
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/argocd/argocd-cm.yaml");
    let patch =
        std::fs::read_to_string(file).expect("a patch").replace("namespace: argocd", &format!("namespace: {}", world.namespace));
    world.kubectl(&["patch", "configmap", "argocd-cm", "--patch", &patch]);
    let all: Value = serde_json::from_str(&world.kubectl(&["get", "configmap", "argocd-cm", "-o", "json"])).expect("JSON");
    let data = all["data"].as_object().expect("a map");
    assert_eq!(data.len(), 3, "what was there stays: {:?}", data.keys());
    let health = data["resource.customizations.health.synapse-spark.dev_SynapseSparkAttachment"].as_str().expect("a script");
    assert!(health.contains("\"Degraded\""), "{health}");
}
