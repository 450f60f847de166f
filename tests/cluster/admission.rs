//! What the API server accepts and refuses by schema and rules alone; each refusal names the field.

use std::collections::BTreeSet;

use kube::api::{DynamicObject, Patch, PatchParams, PostParams};
use serde_json::json;

use super::admission_cases::{SUBSCRIPTION, changed, names, of_identity, of_words, policies, pools, roles, tags, workspaces};
use crate::support::{World, block_on};

fn check(name: &str, refusal: Option<&[&str]>, answer: &Result<(), String>) -> Option<String> {
    match (refusal, answer) {
        (None, Ok(())) => None,
        (None, Err(said)) => Some(format!("{name}: should be accepted, but: {said}")),
        (Some(_), Ok(())) => Some(format!("{name}: should be refused, but is accepted")),
        (Some(words), Err(said)) => {
            let missing: Vec<_> = words.iter().filter(|word| !said.contains(**word)).collect();
            (!missing.is_empty()).then(|| format!("{name}: refused, but {missing:?} is not in: {said}"))
        }
    }
}

fn said(error: &kube::Error) -> String {
    match error {
        kube::Error::Api(status) => status.message.clone(),
        other => panic!("the API server does not answer: {other}"),
    }
}

#[test]
fn new_object_is_accepted_or_refused_with_the_field() {
    let world = World::new("create");
    let cases: Vec<_> =
        [names(), workspaces(), pools(), of_identity(), roles(), of_words(), policies()].into_iter().flatten().collect();
    let dry = PostParams { dry_run: true, ..PostParams::default() };
    let mut seen = BTreeSet::new();
    let mut wrong = Vec::new();
    for case in &cases {
        assert!(seen.insert(&case.name), "{} is there twice", case.name);
        let object: DynamicObject = serde_json::from_value(changed(&case.changes)).expect("an object");
        let answer = block_on(world.attachments().create(&dry, &object)).map(|_| ()).map_err(|error| said(&error));
        wrong.extend(check(&case.name, case.refusal.as_deref(), &answer));
    }
    assert!(wrong.is_empty(), "{} of {} cases:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
    let refusals: Vec<_> = cases.iter().filter_map(|case| Some((&case.name, case.refusal.as_ref()?))).collect();
    assert!(refusals.len() >= 100, "{} mistakes", refusals.len());
    let silent: Vec<_> = refusals.iter().filter(|(_, says)| says.len() < 2).collect();
    assert!(silent.is_empty(), "not with the field and what is wrong with it: {silent:?}");
}

#[test]
fn unknown_field_is_refused_under_strict_validation() {
    let world = World::new("strict");
    let apply =
        |line: &str| world.plane().kubectl(&["apply", "--dry-run=server", "-f", "-"], &world.manifest("nightly", "one", &[line]));
    assert_eq!(apply("suspend: true").map(|_| ()), Ok(()));
    for (line, field) in [
        ("sparkVersion: '3.4'", "spec.sparkVersion"),
        ("identity: {type: SystemAssigned, principalId: x}", "spec.identity.principalId"),
        ("synapseRole: {name: Synapse Administrator, principalId: x}", "spec.synapseRole.principalId"),
        ("serviceAccount: x", "spec.serviceAccount"),
        ("resourceID: x", "spec.resourceID"),
        ("resource_id: x", "spec.resource_id"),
        ("tag: {a: b}", "spec.tag"),
    ] {
        let complaint = apply(line).expect_err(line);
        assert!(complaint.contains(&format!("unknown field \"{field}\"")), "{complaint}");
    }
}

#[test]
// Longer than other functions: a table with one row per case.
fn changed_object_is_accepted_or_refused_with_the_field() {
    let world = World::new("change");
    world.apply("plain", "one", &["suspend: true"]);
    world.apply("named", "one", &["suspend: true", "computeName: spark"]);
    world.apply("recreate", "one", &["suspend: true", "replacePolicy: Recreate"]);
    let role = ["suspend: true", "identity: {type: SystemAssigned}", "synapseRole: {name: Synapse Administrator}"];
    world.apply("role", "one", &role);
    let (two, shout) = (world.pool("two"), world.pool("one").to_uppercase());
    let immutable = Some(&["spec.computeName is immutable"][..]);
    let workspace = Some(&["spec.workspace is immutable"][..]);
    let only = Some(&["spec.resourceId and spec.linkedService are immutable, unless spec.replacePolicy is Recreate"][..]);
    let cases = [
        ("plain", json!({"workspace": {"name": "other-ws"}}), workspace),
        ("plain", json!({"workspace": {"resourceGroup": "other"}}), workspace),
        ("plain", json!({"workspace": {"subscriptionId": SUBSCRIPTION}}), workspace),
        ("plain", json!({"workspace": {"subscriptionId": world.subscription.replace("4000", "4ABC")}}), workspace),
        ("plain", json!({"workspace": null}), workspace),
        ("role", json!({"identity": null}), Some(&["spec.synapseRole needs spec.identity"][..])),
        ("role", json!({"identity": null, "synapseRole": null}), None),
        ("plain", json!({"computeName": "plain"}), None),
        ("plain", json!({"computeName": "other"}), immutable),
        ("named", json!({"computeName": "other"}), immutable),
        ("named", json!({"computeName": null}), immutable),
        ("named", json!({"computeName": "spark"}), None),
        ("plain", json!({"resourceId": two}), only),
        ("plain", json!({"resourceId": shout}), None),
        ("plain", json!({"resourceId": two, "replacePolicy": "Recreate"}), None),
        ("plain", json!({"replacePolicy": "Recreate"}), None),
        ("recreate", json!({"resourceId": two}), None),
        ("recreate", json!({"replacePolicy": "Never"}), None),
        ("recreate", json!({"resourceId": two, "replacePolicy": "Never"}), only),
        ("recreate", json!({"resourceId": two, "replacePolicy": null}), only),
        ("recreate", json!({"workspace": {"name": "other-ws"}}), workspace),
        ("plain", json!({"identity": {"type": "SystemAssigned"}}), None),
        ("plain", json!({"tags": {"a": "b"}, "description": "x"}), None),
        ("plain", json!({"deletionPolicy": "Retain", "adoptionPolicy": "Never", "suspend": false}), None),
        ("plain", json!({"tags": {"a/b": "c"}}), Some(&["spec.tags"][..])),
        ("plain", json!({"tags": tags(49)}), None),
        ("plain", json!({"tags": tags(50)}), Some(&["spec.tags", "49"])),
        ("plain", json!({"tags": {"Synapse-Spark-Operator-Owner": "me"}}), Some(&["is reserved for the operator"])),
        ("plain", json!({"resourceId": format!("{two}/")}), Some(&["must not end with a slash: write /subscriptions/"])),
    ];
    let dry = PatchParams { dry_run: true, ..PatchParams::default() };
    let mut wrong = Vec::new();
    for (name, spec, refusal) in &cases {
        let patch = Patch::Merge(json!({"spec": spec}));
        let answer = block_on(world.attachments().patch(name, &dry, &patch)).map(|_| ()).map_err(|error| said(&error));
        wrong.extend(check(&format!("{name}, {spec}"), *refusal, &answer));
    }
    assert!(wrong.is_empty(), "{} of {} cases:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}
