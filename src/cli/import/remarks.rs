//! Compares each manifest with the compute that it describes, as Azure showed it: what applying it would change.

use jiff::Timestamp;
use serde_json::Value;

use super::super::changes::{Changes, NO_CLUSTER, goal_of, in_cluster, owner_of};
use super::super::manifest::ManifestBuilder;
use crate::api::v1alpha1::AttachmentStatus;
use crate::azure::wire;
use crate::controller::observe::compute;
use crate::planner::roles::observed::Roles;
use crate::planner::{Dependencies, Finding, Goal, OWNER_TAG, ObjectState, Observed, Step, decide};

/// One line for each change, and for each value that an update keeps although the manifest cannot name it.
pub(super) fn all(builders: &[ManifestBuilder], manifests: &[Value]) -> Result<Vec<String>, String> {
    let mut lines = Vec::new();
    for (builder, manifest) in builders.iter().zip(manifests) {
        if let Some(shown) = &builder.shown {
            let of_one = about(&changes(manifest, shown)?);
            lines.extend(of_one.into_iter().map(|line| format!("{}: {line}", builder.place)));
        }
    }
    Ok(lines)
}

fn about(changes: &Changes) -> Vec<String> {
    let mut lines = Vec::new();
    if changes.is_ownership_alone() && !changes.drift.is_empty() {
        lines.push(format!("applying the manifest changes only the owner tag, tags.{OWNER_TAG}"));
    } else {
        if !matches!(changes.decision.step, Step::Put(_)) || changes.drift.is_empty() {
            lines.push(format!("{}: {}", changes.decision.cause.reason(), changes.message));
        }
        lines.extend(changes.lines().map(|line| format!("change {line}")));
    }
    lines.extend(changes.kept.iter().map(|line| format!("keep {line}")));
    lines
}

/// What `plan` would decide about a manifest, by what Azure has shown already.
fn changes(manifest: &Value, shown: &wire::Compute) -> Result<Changes, String> {
    let object = serde_json::from_value(manifest.clone()).map_err(|error| error.to_string())?;
    let mut object = in_cluster(object, None);
    let mut goal = goal_of(&object, NO_CLUSTER)?;
    if let Some((cluster, uid)) = owner_of(shown, goal.owner()) {
        object.metadata.uid = Some(uid);
        goal = goal_of(&object, &cluster)?;
    }
    let observed = observed(shown, &goal);
    let decision = decide(&goal, &observed);
    Ok(Changes::of((&object, &goal), &observed, decision, Timestamp::now()))
}

/// What is known without a request: the compute, and nothing of its dependencies.
fn observed(shown: &wire::Compute, goal: &Goal) -> Observed {
    Observed {
        object: ObjectState { has_finalizer: true, ..ObjectState::default() },
        compute: Finding::Present(compute(shown, goal.owner(), &AttachmentStatus::default())),
        absent_for: None,
        operation: None,
        applied: None,
        failure: None,
        dependencies: Dependencies::default(),
        roles: Roles::default(),
        jobs: None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::super::manifest::manifests;
    use super::*;
    use crate::resource_id::WorkspaceId;

    const POOL: &str = "/subscriptions/6560575d-fa06-4e7d-95fb-f962e74efd7a/resourceGroups/rg/providers/Microsoft.Synapse/workspaces/s/bigDataPools/p";

    /// The remarks about a manifest with a description, for a compute of this description, state and owner.
    fn lines(description: &str, state: &str, owner: Option<&str>) -> Vec<String> {
        let workspace = WorkspaceId::new("6560575d-fa06-4e7d-95fb-f962e74efd7a", "rg", "ws1").expect("an ID");
        let mut builder = ManifestBuilder::new("file", workspace, "spark".to_owned(), POOL.to_owned());
        builder.description = Some("nightly".to_owned());
        let shown = json!({
            "name": "spark", "tags": {"synapse-spark-operator-owner": owner},
            "properties": {
                "computeType": "SynapseSpark", "resourceId": POOL, "provisioningState": state,
                "description": description, "disableLocalAuth": true,
            },
        });
        builder.shown = Some(Box::new(wire::Compute::of(&shown).expect("a compute")));
        let builders = [builder];
        let made = manifests(&builders).expect("good");
        all(&builders, &made).expect("it is judged")
    }

    #[test]
    fn every_change_and_every_kept_value_is_reported() {
        let kept = "file: keep properties.disableLocalAuth: true";
        let alone = "file: applying the manifest changes only the owner tag, tags.synapse-spark-operator-owner";
        let (of_owner, of_text) = (
            "file: change tags.synapse-spark-operator-owner: (nothing) -> no-cluster/default/spark/",
            "file: change description: daily -> nightly",
        );
        #[rustfmt::skip]
        let table = [
            ("in sync",            "nightly", "Succeeded", None,                        &[alone, kept][..]),
            ("another text",       "daily",   "Succeeded", None,                        &[of_owner, of_text, kept]),
            ("its own",            "nightly", "Succeeded", Some("c/default/spark/u"),   &["file: Attached: "]),
            ("its own, changed",   "daily",   "Succeeded", Some("c/default/spark/u"),   &[of_text, kept]),
            ("another's",          "daily",   "Succeeded", Some("c/team-a/spark/u"),    &["file: OwnedByAnother: "]),
            ("being created",      "nightly", "Creating",  None,                        &["file: Adopting: "]),
        ];
        for (case, description, state, owner, wanted) in table {
            let lines = lines(description, state, owner);
            assert_eq!(lines.len(), wanted.len(), "{case}: {lines:#?}");
            assert!(lines.iter().zip(wanted).all(|(line, wanted)| line.starts_with(wanted)), "{case}: {lines:#?}");
        }
    }
}
