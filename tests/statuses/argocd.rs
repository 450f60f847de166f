//! The files that Argo CD's own repository requires next to the scripts, and the same scripts as settings of Argo CD.

use std::path::Path;

use serde_json::{Value, json};
use synapse_spark_operator::api::v1alpha1::definition;
use synapse_spark_operator::api::{RECONCILE_REQUESTED_AT, Reason};

use crate::catalogue::{Shown, Wish, verdict};
use crate::committed;
use crate::found::{FOUND, State};
use crate::specs::{DELETED_AT, GENERATION, object};

/// The folder for this kind in Argo CD's own repository.
const FOLDER: &str = "deploy/argocd/resource_customizations/synapse-spark.dev/SynapseSparkAttachment";

/// The name of a file, an object as Argo CD reads it, and the health that Argo CD is to show.
type Case = (&'static str, Value, Value);

/// The states of which `health.lua` is tested with an object.
#[rustfmt::skip]
const STATES: [(&str, State); 10] = [
    ("healthy",                            (Reason::Attached,         Wish::Attached,  Shown::Ready)),
    ("healthy_while_azure_is_unavailable", (Reason::AzureUnavailable, Wish::Attached,  Shown::Ready)),
    ("progressing",                        (Reason::Attaching,        Wish::Attached,  Shown::Reconciling)),
    ("progressing_unknown",                (Reason::AzureUnavailable, Wish::Attached,  Shown::Unknown)),
    ("degraded",                           (Reason::AttachFailed,     Wish::Attached,  Shown::Stalled)),
    ("degraded_while_suspended",           (Reason::OwnedByAnother,   Wish::Suspended, Shown::Stalled)),
    ("suspended",                          (Reason::Suspended,        Wish::Suspended, Shown::Ready)),
    ("suspended_not_in_sync",              (Reason::Suspended,        Wish::Suspended, Shown::NotReady)),
    ("transferred",                        (Reason::Transferred,      Wish::Attached,  Shown::NotReady)),
    ("deleted",                            (Reason::Detaching,        Wish::Deleted,   Shown::Reconciling)),
];

/// One object for each path through `health.lua`.
fn cases() -> Vec<Case> {
    let of_state = |(name, state): &(&'static str, State)| {
        let object = serde_json::to_value(&FOUND.states[state]).expect("an object is JSON");
        let ready = &object["status"]["conditions"][0];
        let text = format!("{}: {}", ready["reason"].as_str().expect("a reason"), ready["message"].as_str().expect("a text"));
        let field = if state.1 == Wish::Deleted { "deletionMessage" } else { "message" };
        let health = json!({"status": verdict(state.1, state.2).0, field: text});
        (*name, object, health)
    };
    STATES.iter().map(of_state).chain(unobserved()).collect()
}

/// Objects whose status does not speak of them: a new one as the API server shows it, and two with a status of before.
fn unobserved() -> [Case; 3] {
    let attached = serde_json::to_value(&FOUND.states[&STATES[0].1]).expect("an object is JSON");
    let mut new = object(Wish::Attached, &json!({}));
    new.metadata.generation = Some(1);
    new.metadata.finalizers = None;
    let mut new = serde_json::to_value(&new).expect("an object is JSON");
    let schema = serde_json::to_value(definition()).expect("a definition is JSON");
    let schema = &schema["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
    new["status"] = schema["properties"]["status"].get("default").cloned().unwrap_or_else(|| json!({}));
    let mut changed = attached;
    changed["metadata"]["generation"] = (GENERATION + 1).into();
    let mut deleted = changed.clone();
    deleted["metadata"]["deletionTimestamp"] = DELETED_AT.into();
    let waiting = |field: &str, text: &str| json!({"status": "Progressing", field: text});
    [
        ("progressing_new", new, waiting("message", "Waiting for the operator to observe generation 1")),
        ("progressing_changed", changed, waiting("message", "Waiting for the operator to observe generation 4")),
        ("deleted_just_now", deleted, waiting("deletionMessage", "Waiting for the operator to detach the compute")),
    ]
}

fn yaml(value: &Value) -> String {
    serde_saphyr::to_string(value).expect("JSON is YAML")
}

#[test]
fn committed_health_tests_of_argo_cd_are_the_generated_ones() {
    let cases = cases();
    for (name, object, _) in &cases {
        committed(&format!("{FOLDER}/testdata/{name}.yaml"), &yaml(object));
    }
    let test = |(name, _, health): &Case| json!({"healthStatus": health, "inputPath": format!("testdata/{name}.yaml")});
    let tests: Vec<_> = cases.iter().map(test).collect();
    committed(&format!("{FOLDER}/health_test.yaml"), &yaml(&json!({"tests": tests})));
}

#[test]
fn committed_action_tests_of_argo_cd_are_the_generated_ones() {
    let attached = serde_json::to_value(&FOUND.states[&STATES[0].1]).expect("an object is JSON");
    let (mut reconciled, mut suspended) = (attached.clone(), attached.clone());
    reconciled["metadata"]["annotations"] = json!({RECONCILE_REQUESTED_AT: "2027-01-15T08:01:00Z"});
    suspended["spec"]["suspend"] = true.into();
    for (name, object) in [("attached", &attached), ("reconciled", &reconciled), ("suspended", &suspended)] {
        committed(&format!("{FOLDER}/actions/testdata/{name}.yaml"), &yaml(object));
    }
}

/// The customization of the kind as settings: the same scripts, under the keys of `argocd-cm`.
#[test]
fn committed_settings_of_argo_cd_are_the_generated_ones() {
    let script = |path: &str, by: usize| {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(FOLDER).join(path);
        let text = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let indent = " ".repeat(by);
        text.lines().map(|line| if line.is_empty() { "\n".to_owned() } else { format!("{indent}{line}\n") }).collect::<String>()
    };
    let action =
        |name: &str| format!("    - name: {name}\n      action.lua: |\n{}", script(&format!("actions/{name}/action.lua"), 8));
    let settings = format!(
        "# A patch of the existing ConfigMap: docs/gitops-argocd.md.
apiVersion: v1
kind: ConfigMap
metadata:
  name: argocd-cm
  namespace: argocd
data:
  resource.customizations.health.synapse-spark.dev_SynapseSparkAttachment: |
{}  resource.customizations.actions.synapse-spark.dev_SynapseSparkAttachment: |
    discovery.lua: |
{}    definitions:
{}{}{}",
        script("health.lua", 4),
        script("actions/discovery.lua", 6),
        action("reconcile"),
        action("suspend"),
        action("resume"),
    );
    committed("deploy/argocd/argocd-cm.yaml", &settings);
}
