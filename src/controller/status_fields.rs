//! The status belongs to the operator alone.
//!
//! Server-side apply removes a field that is no longer applied only if no other field manager owns it. A status that was
//! edited (`kubectl edit --subresource=status`) or restored from a backup would keep those fields forever. An object such as
//! `failure` would then lack required fields, and the API server would reject the status. So the operator takes over the
//! ownership of these fields:
//! <https://kubernetes.io/docs/reference/using-api/server-side-apply/#transferring-ownership>.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{FieldsV1, ManagedFieldsEntry};
use kube::api::{Api, Patch, PatchParams};
use kube::{Resource, ResourceExt};
use serde_json::{Value, json};

use crate::api::SynapseSparkAttachment;
use crate::controller::context::{Context, Error, FIELD_MANAGER};

/// Makes the operator the only manager of the fields of an object's status. Returns the object's new resource version, or none if
/// no other manager had any, or the object is gone.
///
/// # Errors
///
/// [`Error`] if Kubernetes refuses it, or the object has changed since it was read.
pub(super) async fn take_over(ctx: &Context, object: &SynapseSparkAttachment) -> Result<Option<String>, Error> {
    let api = Api::<SynapseSparkAttachment>::namespaced(ctx.kube.clone(), &object.namespace().unwrap_or_default());
    let live = api.get_metadata_opt(&object.name_any()).await.map_err(Error::refused("to read the object's field managers"))?;
    let Some(live) = live.filter(|live| live.meta().resource_version == object.metadata.resource_version) else {
        return Err(Error::Conflict);
    };
    let Some(entries) = with_one_manager(live.managed_fields()) else { return Ok(None) };
    let operations = json!([
        {"op": "test", "path": "/metadata/resourceVersion", "value": live.resource_version()},
        {"op": "replace", "path": "/metadata/managedFields", "value": entries},
    ]);
    ctx.ensure_leader()?;
    let patch: Patch<SynapseSparkAttachment> = Patch::Json(serde_json::from_value(operations).expect("it is a JSON patch"));
    let patched = api.patch_metadata(&object.name_any(), &PatchParams::default(), &patch).await;
    patched.map(|object| object.resource_version()).map_err(Error::refused("to take over the fields of the status"))
}

/// The entries with those of the status merged into the operator's; none if there is nothing to merge.
fn with_one_manager(entries: &[ManagedFieldsEntry]) -> Option<Vec<ManagedFieldsEntry>> {
    let (of_status, mut others): (Vec<_>, Vec<_>) =
        entries.iter().cloned().partition(|entry| entry.subresource.as_deref() == Some("status"));
    let is_foreign = |entry: &ManagedFieldsEntry| {
        entry.manager.as_deref() != Some(FIELD_MANAGER) || entry.operation.as_deref() != Some("Apply")
    };
    if !of_status.iter().any(is_foreign) {
        return None;
    }
    let mut fields = json!({});
    for FieldsV1(more) in of_status.iter().filter_map(|entry| entry.fields_v1.clone()) {
        merge(&mut fields, more);
    }
    let first = of_status.into_iter().next()?;
    others.push(ManagedFieldsEntry {
        manager: Some(FIELD_MANAGER.to_owned()),
        operation: Some("Apply".to_owned()),
        fields_v1: Some(FieldsV1(fields)),
        ..first
    });
    Some(others)
}

/// The union of two sets of fields. Each key of a set is a field, and its value the set of the fields below it.
fn merge(fields: &mut Value, more: Value) {
    let (Value::Object(fields), Value::Object(more)) = (fields, more) else { return };
    for (field, below) in more {
        merge(fields.entry(field).or_insert_with(|| json!({})), below);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(manager: &str, operation: &str, subresource: Option<&str>, fields: Value) -> ManagedFieldsEntry {
        ManagedFieldsEntry {
            manager: Some(manager.to_owned()),
            operation: Some(operation.to_owned()),
            subresource: subresource.map(str::to_owned),
            fields_v1: Some(FieldsV1(fields)),
            ..ManagedFieldsEntry::default()
        }
    }

    #[test]
    fn merges_the_status_fields_of_all_managers() {
        let spec = entry("kubectl", "Update", None, json!({"f:spec": {"f:suspend": {}}}));
        let ours = entry(FIELD_MANAGER, "Apply", Some("status"), json!({"f:status": {"f:failure": {"f:since": {}}}}));
        let edited =
            entry("kubectl-edit", "Update", Some("status"), json!({"f:status": {"f:failure": {"f:step": {}}, "f:drift": {}}}));
        let both = json!({"f:status": {"f:failure": {"f:since": {}, "f:step": {}}, "f:drift": {}}});
        assert_eq!(
            with_one_manager(&[spec.clone(), ours.clone(), edited]),
            Some(vec![spec.clone(), entry(FIELD_MANAGER, "Apply", Some("status"), both)])
        );
        assert_eq!(with_one_manager(&[spec, ours]), None);
    }
}
