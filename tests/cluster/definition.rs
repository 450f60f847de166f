//! The definition itself, as the API server takes it.

use std::time::Duration;

use serde_json::Value;

use crate::support::{ACCOUNT, DEADLINE, Operator, Plane, World};

const SHIPPED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/crds");

/// A definition that lacks a field, as before the field was introduced, until this is dropped.
struct Older(&'static Plane);

impl Older {
    fn without(world: &World, field: &str) -> Self {
        let plane = world.plane();
        let printed = plane.must(&["create", "--dry-run=client", "--validate=false", "-o", "json", "-f", SHIPPED]);
        let mut definition: Value = serde_json::from_str(&printed).expect("kubectl prints JSON");
        let mut path: Vec<_> = field.split('.').collect();
        let last = path.pop().expect("a path");
        let schema = &mut definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
        let parent = path.iter().fold(schema, |schema, name| &mut schema["properties"][*name]);
        parent["properties"].as_object_mut().expect("fields").remove(last).expect("it was there");
        plane.kubectl(&["replace", "-f", "-"], &definition.to_string()).expect("a definition");
        let older = Self(plane);
        world.until("the schema is published without it", || plane.kubectl(&["explain", &format!("ssa.{field}")], "").err());
        older
    }
}

impl Drop for Older {
    fn drop(&mut self) {
        let _ = self.0.kubectl(&["replace", "-f", SHIPPED], "");
    }
}

/// Waits until the operator is not ready, and `/readyz` has this text.
fn not_ready(world: &World, words: &str) {
    world.until(&format!("/readyz says {words:?}"), || {
        world.operator().get("/readyz").filter(|(code, text)| *code == 503 && text.contains(words))
    });
    let (_, metrics) = world.operator().get("/metrics").expect("it answers");
    assert!(metrics.contains("synapse_spark_operator_definition_missing_fields 1\n"), "{metrics}");
}

fn is_ready_again(world: &World) {
    world.until("it is ready", || world.operator().get("/readyz").filter(|(code, _)| *code == 200));
}

#[test]
fn definition_without_a_field_that_is_only_shown_leaves_it_out_of_the_status() {
    let world = World::alone("older-shown", Duration::ZERO);
    let older = Older::without(&world, "status.pool");
    world.apply("nightly", "one", &[]);
    world.ready("nightly");
    assert_eq!(world.object("nightly").expect("it exists")["status"]["pool"], Value::Null);
    not_ready(&world, "lacks status.pool;");
    world.delete("nightly");
    world.gone("nightly");
    assert_eq!(world.writes("nightly"), ["PUT", "DELETE"]);

    drop(older);
    is_ready_again(&world);
    world.apply("second", "one", &[]);
    world.ready("second");
    assert_eq!(world.object("second").expect("it exists")["status"]["pool"]["name"], "one");
}

#[test]
fn definition_without_a_field_of_the_write_intent_blocks_every_write_to_azure() {
    let world = World::alone("older-intent", Duration::ZERO);
    world.apply("kept", "one", &[]);
    world.ready("kept");
    let older = Older::without(&world, "status.operation.pending");
    world.apply("nightly", "two", &[]);
    assert_eq!(world.operator().ended(DEADLINE), Some(1), "{}", world.operator().log(""));
    let log = world.operator().log("operator ended");
    assert!(log.contains("lacks status.operation.pending"), "{log}");

    let lead_alone = ["--leader-election", "false"];
    world.put_operator(Operator::start_as(ACCOUNT, world.plane(), world.azure(), &lead_alone));
    world.delete("kept");
    not_ready(&world, "nothing is written to Azure: the custom resource definition in the cluster is older");
    let binding = format!("{}-check", world.namespace);
    let account = format!("--serviceaccount={}:default", world.namespace);
    world.plane().must(&["create", "clusterrolebinding", &binding, "--clusterrole=synapse-spark-operator", &account]);
    let said = world.until("check reaches the definition", || {
        let (_, said) = world.program("default", &["check", "--pre"]);
        said.contains("definition: ").then_some(said)
    });
    world.plane().must(&["delete", "clusterrolebinding", &binding]);
    assert!(said.contains("FAIL     definition: the custom resource definition in the cluster is older"), "{said}");
    assert!(said.contains("lacks status.operation.pending;"), "{said}");
    assert_eq!((world.writes("kept"), world.writes("nightly")), (vec!["PUT".to_owned()], Vec::new()));

    drop(older);
    is_ready_again(&world);
    world.gone("kept");
    world.ready("nightly");
}

#[test]
fn api_server_establishes_the_definition() {
    let world = World::new("definition");
    let printed = world.plane().must(&["get", "crd", "synapsesparkattachments.synapse-spark.dev", "-o", "json"]);
    let crd: Value = serde_json::from_str(&printed).expect("kubectl prints JSON");
    let conditions = crd["status"]["conditions"].as_array().expect("it has conditions");
    let status = |kind: &str| conditions.iter().find(|one| one["type"] == kind).map(|one| one["status"].clone());
    assert_eq!(status("Established"), Some("True".into()));
    assert_eq!(status("NamesAccepted"), Some("True".into()));
    assert_eq!(status("NonStructuralSchema"), None);
}

#[test]
fn kubectl_accepts_the_short_names_and_selectable_fields() {
    let world = World::new("names");
    let listed = world.plane().must(&["api-resources", "--api-group=synapse-spark.dev", "-o", "wide"]);
    for word in ["synapsesparkattachments", "ssa", "azure", "spark", "SynapseSparkAttachment"] {
        assert!(listed.contains(word), "{word} is not in\n{listed}");
    }
    world.kubectl(&["get", "azure"]);
    world.kubectl(&["get", "ssa", "--field-selector", "spec.workspace.name=ml-ws"]);
}

#[test]
fn kubectl_explains_every_field() {
    let world = World::new("explain");
    let explain = |field: &str| world.plane().must(&["explain", field]);
    for (field, words) in [
        ("ssa", "like az ml compute attach"),
        ("ssa.spec.identity", "The managed identity of the attachment"),
        ("ssa.spec.identity.userAssignedIdentities", "Order is kept"),
        ("ssa.spec.replacePolicy", "Recreate"),
        ("ssa.spec.workspace.subscriptionId", "GUID"),
        ("ssa.status.identity.principalId", "object ID"),
    ] {
        let said = explain(field).split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(said.contains(words), "kubectl explain {field} does not say {words:?}:\n{said}");
    }
    let all = world.plane().must(&["explain", "--recursive=false", "ssa.spec"]);
    assert!(!all.contains("<no description>"), "{all}");
}

#[test]
fn definition_is_deleted_only_with_the_annotation_that_allows_it() {
    let world = World::new("guard");
    let definition = "crd/synapsesparkattachments.synapse-spark.dev";
    let delete = |words: &[&str]| world.plane().kubectl(words, "");
    let single = ["delete", definition, "--dry-run=server"];
    // Not one after the other, as kubectl does it.
    let all = ["delete", "--raw", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions?dryRun=All"];
    for words in [&single[..], &all[..]] {
        let refusal = delete(words).expect_err("the policy refuses it");
        for says in ["deletes every SynapseSparkAttachment", "detaches their Spark pools", "kubectl annotate crd"] {
            assert!(refusal.contains(says), "{says:?} is not in: {refusal}");
        }
    }
    world.plane().must(&["annotate", definition, "synapse-spark.dev/allow-delete=true"]);
    let allowed = [delete(&single), delete(&all)];
    world.plane().must(&["annotate", definition, "synapse-spark.dev/allow-delete-"]);
    assert!(allowed.iter().all(Result::is_ok), "{allowed:?}");
}
