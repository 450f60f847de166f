//! Imports what is attached to a workspace now, so that its adoption changes only its owner.

use super::super::explained::explained;
use super::super::manifest::{ManifestBuilder, manifests};
use super::super::output::progress;
use super::imported::Imported;
use crate::api::v1alpha1::AttachmentStatus;
use crate::azure::{self, Freshness, wire};
use crate::controller::observe::{compute, spec_identity};
use crate::planner::{OWNER_TAG, Owner, Ownership, Progress};
use crate::resource_id::WorkspaceId;

/// Every attached Spark pool of a workspace; those that have an owner only if `all` are wanted.
pub(super) async fn all(client: &azure::Client, workspace: &WorkspaceId, all: bool) -> Result<Imported, String> {
    let listed = client
        .computes(workspace)
        .await
        .map_err(|error| format!("{workspace}: its computes cannot be listed: {}", explained(&error)))?;
    let mut imported = Imported::default();
    let listed: Vec<_> = listed.into_iter().filter(is_spark).collect();
    for (at, one) in listed.iter().enumerate() {
        let place = format!("compute {}", one.name);
        progress(&format!("Reading {place} ({} of {}).", at + 1, listed.len()));
        let id = match workspace.compute(&one.name) {
            Ok(id) => id,
            Err(error) => {
                imported.notes.push(format!("{place}: skipped: {error}"));
                continue;
            }
        };
        // Read one by one: a list may have less of an identity than the compute itself.
        match client.compute(&id, Freshness::Now).await {
            Ok(Some(one)) => match builder(&one, workspace, &place, all, &mut imported.notes) {
                Ok(builder) => imported.builders.push(builder),
                Err(why) => imported.notes.push(format!("{place}: skipped: {why}")),
            },
            Ok(None) => imported.notes.push(format!("{place}: skipped: it was deleted in the meantime")),
            Err(error) => return Err(format!("{place}: {}", explained(&error))),
        }
    }
    Ok(imported)
}

fn is_spark(compute: &wire::Compute) -> bool {
    compute.properties.compute_type.eq_ignore_ascii_case("SynapseSpark")
}

fn builder(
    one: &wire::Compute,
    workspace: &WorkspaceId,
    place: &str,
    all: bool,
    notes: &mut Vec<String>,
) -> Result<ManifestBuilder, String> {
    // A placeholder, so that every owner is another one.
    let nameless = Owner { cluster: String::new(), namespace: String::new(), name: String::new(), uid: String::new() };
    let shown = compute(one, &nameless, &AttachmentStatus::default());
    if let Ownership::Another(owner) = &shown.owner
        && !all
    {
        return Err(format!("it belongs to {owner} (cluster/namespace/name/uid). To print its manifest anyway, add --all."));
    }
    match shown.progress {
        Progress::Deleting => return Err("it is being detached".to_owned()),
        Progress::Failed => {
            notes.push(format!("{place}: its state is {}; the operator will attach it again.", shown.details.state));
        }
        _ => {}
    }
    let identity = spec_identity(one).map_err(|why| format!("{why}, and a manifest without it would remove the identity"))?;
    let pool = shown.pool.id().ok_or("Azure does not report which pool it is attached to")?;
    let mut builder = ManifestBuilder::new(place, workspace.clone(), one.name.clone(), pool.to_string());
    builder.identity = Some(identity);
    builder.description = shown.description.clone().filter(|text| !text.is_empty());
    builder.tags = shown.tags.clone();
    builder.tags.retain(|name, _| !name.eq_ignore_ascii_case(OWNER_TAG));
    builder.adopts = true;
    builder.shown = Some(Box::new(one.clone()));
    manifests(std::slice::from_ref(&builder)).map_err(|wrong| wrong.join("; "))?;
    Ok(builder)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::api::v1alpha1::IdentityType;

    #[test]
    fn an_identity_that_is_not_understood_is_not_lost() {
        let (sub, types) = ("/subscriptions/6560575d-fa06-4e7d-95fb-f962e74efd7a", "providers/Microsoft.ManagedIdentity");
        let user = format!("{sub}/resourceGroups/rg/{types}/userAssignedIdentities/zeta");
        let workspace = WorkspaceId::new("6560575d-fa06-4e7d-95fb-f962e74efd7a", "rg", "ws1").expect("an ID");
        let pool = format!("{sub}/resourceGroups/rg/providers/Microsoft.Synapse/workspaces/s/bigDataPools/p");
        // An identity of type None has to be explicit: the namespace may have a default.
        let (none, both) = (Some(IdentityType::None), Some(IdentityType::Both));
        #[rustfmt::skip]
        let table = [
            ("none",                json!(null),                                                        Ok(none)),
            ("None",                json!({"type": "None"}),                                            Ok(none)),
            ("SDK's words",         json!({"type": "Systemassigned,Userassigned", "userAssignedIdentities": {&user: {}}}), Ok(both)),
            ("ARM's words",         json!({"type": "SystemAssigned, UserAssigned", "userAssignedIdentities": {&user: {}}}), Ok(both)),
            ("another type",        json!({"type": "Federated"}),                                       Err(())),
            ("one besides",         json!({"type": "SystemAssigned,Federated"}),                        Err(())),
            ("another kind of ID",  json!({"type": "UserAssigned", "userAssignedIdentities": {&user: {}, "/tenants/t/agents/a": {}}}), Err(())),
            ("one that is hidden",  json!({"type": "UserAssigned", "userAssignedIdentities": {}}),      Err(())),
            ("one of no type",      json!({"type": "SystemAssigned", "userAssignedIdentities": {&user: {}}}), Err(())),
        ];
        for (case, identity, wanted) in table {
            let one = json!({
                "id": format!("{workspace}/computes/spark"), "name": "spark", "identity": identity,
                "properties": {"computeType": "SynapseSpark", "resourceId": pool, "provisioningState": "Succeeded"},
            });
            let one: wire::Compute = serde_json::from_value(one).expect("a compute");
            let made = builder(&one, &workspace, "compute spark", false, &mut Vec::new());
            let kind = made.as_ref().map(|builder| builder.identity.as_ref().map(|one| one.kind)).map_err(|_| ());
            assert_eq!(kind, wanted, "{case}: {made:?}");
            if case == "another kind of ID" {
                assert!(
                    made.is_err_and(|why| why.starts_with("identity.userAssignedIdentities: \"/tenants/t/agents/a\" is not"))
                );
            }
        }
    }
}
