//! The definition itself, as the API server takes it.

use serde_json::Value;

use crate::support::World;

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
fn kubectl_knows_the_names_and_selectable_fields_of_the_kind() {
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
        ("ssa", "what az ml compute attach does"),
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
