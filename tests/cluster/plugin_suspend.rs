//! `kubectl synapse suspend`, `resume`, and `plan` of a suspended object.

use serde_json::{Value, json};

use super::attach::wait_to_be_younger;
use super::plugin::{has, synapse, synapse_with_azure};
use crate::support::World;

/// An attachment that is ready and then suspended, and the output of the command.
fn suspended(name: &str) -> (World, String, String) {
    let world = World::new(name);
    world.apply("nightly", "one", &["tags: {team: data}"]);
    world.ready("nightly");
    let (code, out, hint) = synapse(&world, &["suspend", "nightly"]);
    assert_eq!(code, Some(0), "{out}{hint}");
    (world, out, hint)
}

#[test]
fn suspend_sets_the_field_and_warns_of_gitops() {
    let (world, out, hint) = suspended("suspend");
    has(&out, &["spec.suspend is true"]);
    has(&hint, &["GitOps"]);
    assert_eq!(world.object("nightly").expect("it is there")["spec"]["suspend"], true);
}

#[test]
fn status_of_a_suspended_object_shows_its_drift_and_how_to_resume() {
    let (world, ..) = suspended("suspend-drift");
    world.change_compute("nightly", &json!({"tags": {"team": "other"}}));
    world.ready_shows("nightly", "False", "Suspended");
    let (code, out, _) = synapse(&world, &["status", "nightly"]);
    assert_eq!(code, Some(2));
    let command = format!("kubectl synapse resume nightly -n {}", world.namespace);
    has(&out, &["Suspended: Suspended", &command, "drift      tags.team: other -> data"]);
    assert_eq!(world.writes("nightly"), ["PUT"]);
}

#[test]
fn resume_corrects_the_drift() {
    let (world, ..) = suspended("resume");
    world.change_compute("nightly", &json!({"tags": {"team": "other"}}));
    world.ready_shows("nightly", "False", "Suspended");
    let (code, out, hint) = synapse(&world, &["resume", "nightly"]);
    assert_eq!(code, Some(0), "{out}{hint}");
    world.ready("nightly");
    assert_eq!(world.compute("nightly").expect("it is there")["tags"]["team"], "data");
}

#[test]
fn resume_names_the_gitops_tool_that_manages_the_object() {
    let (world, ..) = suspended("resume-flux");
    let labels = ["kustomize.toolkit.fluxcd.io/name=pools", "kustomize.toolkit.fluxcd.io/namespace=flux"];
    world.kubectl(&[&["label", "ssa", "nightly"][..], &labels].concat());
    let (code, out, hint) = synapse(&world, &["resume", "nightly", "-o", "json"]);
    assert_eq!(code, Some(0), "{out}{hint}");
    let answer: Value = serde_json::from_str(&out).expect("JSON");
    let tool = "the Flux Kustomization flux/pools";
    assert_eq!(answer, json!({"namespace": world.namespace, "name": "nightly", "suspend": false, "managedBy": tool}));
    has(&hint, &[&format!("warning: {tool} will revert spec.suspend")]);
}

/// `plan NAME` with a credential of its own: the exit code, and the plan.
fn planned(world: &World, name: &str) -> (Option<i32>, Value) {
    let (code, out, complaint) = synapse_with_azure(world, &["plan", name, "-o", "json"]);
    let all: Value = serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}{complaint}"));
    (code, all["plans"][0].clone())
}

#[test]
fn plan_of_an_object_of_the_cluster_shows_its_drift() {
    let world = World::new("planned");
    world.apply("nightly", "one", &["tags: {team: data}"]);
    world.ready("nightly");
    synapse(&world, &["suspend", "nightly"]);
    // The compute is recognised as its own, in this cluster.
    let (code, shown) = planned(&world, "nightly");
    assert_eq!((code, &shown["reason"]), (Some(0), &json!("Suspended")), "{shown}");
    world.change_compute("nightly", &json!({"tags": {"team": "other"}}));
    let (_, shown) = planned(&world, "nightly");
    assert_eq!(shown["changes"], json!([{"field": "tags.team", "want": "data", "have": "other"}]), "{shown}");
}

#[test]
fn plan_of_a_younger_claimant_matches_the_operators_status() {
    let world = World::new("planned-twice");
    // It claims the compute, and attaches nothing.
    world.apply("older", "nosuch", &["computeName: shared"]);
    world.stalled("older", "PoolNotFound");
    wait_to_be_younger(&world, "older");
    world.apply("younger", "one", &["computeName: shared"]);
    let message = world.stalled("younger", "Duplicate");
    let (_, shown) = planned(&world, "younger");
    assert_eq!((&shown["reason"], &shown["step"]), (&json!("Duplicate"), &json!("Wait")), "{shown}");
    assert!(shown["message"].as_str().is_some_and(|plan| message.starts_with(plan.trim_end_matches('.'))), "{shown}\n{message}");
    assert_eq!(planned(&world, "older").1["reason"], "PoolNotFound");
}
