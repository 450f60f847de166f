//! A `WorkspacesCompute` of Azure Service Operator, of any version.
//!
//! Source: `v2/api/machinelearningservices` of <https://github.com/Azure/azure-service-operator>.

use serde_json::Value;

use super::super::manifest::ManifestBuilder;
use super::fields::{Fields, LOCAL_AUTH, LOCATION, Notes, identity, note_order, plain_id};
use super::kubernetes::{Metadata, POLICY, RESOURCE_ID, group_kind, shown};
use crate::api::v1alpha1::{DeletionPolicy, Identity};
use crate::resource_id::{ComputeId, WorkspaceId};

/// Whether it is a compute of Azure Service Operator, of whatever type.
pub(super) fn is(document: &Value) -> bool {
    group_kind(document) == Some(("machinelearningservices.azure.com", "WorkspacesCompute"))
}

/// The type of a compute other than a Spark pool, which is skipped.
pub(super) fn other_type(document: &Value) -> Option<&str> {
    let properties = document["spec"]["properties"].as_object()?;
    (!properties.contains_key("synapseSpark")).then(|| properties.keys().next().map_or("none", String::as_str))
}

pub(super) fn convert(
    document: &Value,
    workspace: Option<&WorkspaceId>,
    place: &str,
    notes: &mut Notes,
) -> Result<ManifestBuilder, String> {
    let mut object = Fields::of(document)?;
    let metadata = Metadata::of(&mut object, notes)?;
    let mut spec = object.fields("spec")?.ok_or("spec: is missing")?;
    let name = spec.text("azureName")?.unwrap_or_else(|| metadata.name.clone());
    let known = metadata.annotation(RESOURCE_ID).or_else(|| shown(document, "/status/id"));
    let known = known.and_then(|id| ComputeId::parse(&plain_id(id)).ok());
    let workspace = owner(&mut spec, known.as_ref().map(ComputeId::workspace), workspace, notes)?;
    let mut properties = spec.fields("properties")?.ok_or("spec.properties: is missing")?;
    let mut spark = properties.fields("synapseSpark")?.ok_or("spec.properties.synapseSpark: is missing")?;
    spark.pass_over(&["computeType"]);
    let pool = match spark.fields("resourceReference")? {
        Some(reference) => by_id(reference, shown(document, "/status/properties/synapseSpark/resourceId"), notes)?,
        None => return Err("spec.properties.synapseSpark.resourceReference: is missing: write the pool's ID as armId".to_owned()),
    };
    let mut builder = ManifestBuilder::new(place, workspace, name, plain_id(&pool));
    builder.namespace.clone_from(&metadata.namespace);
    builder.description = spark.text("description")?;
    builder.tags = spec.tags("tags")?;
    if let Some(wanted) = spec.fields("identity")? {
        builder.identity = identity_of(wanted, &assigned(document), notes)?;
    }
    spec.leave_out("location", &Value::Null, notes, LOCATION);
    spark.leave_out("computeLocation", &Value::Null, notes, LOCATION);
    spark.leave_out("disableLocalAuth", &Value::Bool(false), notes, LOCAL_AUTH);
    spark.leave_out("properties", &Value::Null, notes, "it belongs to the pool, and is shown in status.pool");
    policy(metadata.annotation(POLICY), &mut builder, notes);
    spark.finish(notes);
    properties.finish(notes);
    spec.finish(notes);
    object.finish(notes);
    Ok(builder)
}

/// The user-assigned identities that Azure showed for the compute, in its order.
fn assigned(document: &Value) -> Vec<String> {
    let map = document.pointer("/status/identity/userAssignedIdentities").and_then(Value::as_object);
    map.into_iter().flat_map(|map| map.keys().map(|id| plain_id(id))).collect()
}

fn identity_of(mut wanted: Fields<'_>, assigned: &[String], notes: &mut Notes) -> Result<Option<Identity>, String> {
    let kind = wanted.text("type")?;
    let mut references = Vec::new();
    for mut one in wanted.list("userAssignedIdentities")? {
        let field = one.field("reference");
        let mut reference = one.fields("reference")?.ok_or_else(|| format!("{field}: is missing"))?;
        reference.pass_over(&["group", "kind"]);
        let (id, name) = (reference.text("armId")?, reference.text("name")?.unwrap_or_default());
        references.push(Reference { field: reference.field("name"), id: id.as_deref().map(plain_id), name });
        reference.finish(notes);
        one.finish(notes);
    }
    let list = wanted.field("userAssignedIdentities");
    wanted.finish(notes);
    let (ids, is_ordered) = resolved(references, assigned)?;
    let identity = identity("spec.identity", kind.as_deref(), ids)?;
    if !is_ordered {
        note_order(notes, &list, identity.as_ref());
    }
    Ok(identity)
}

/// A reference to an identity: by its ID, or by the name of another object.
struct Reference {
    field: String,
    id: Option<String>,
    name: String,
}

/// The IDs of all references, and whether their order is certain.
///
/// The status has the IDs without the names of their objects. An object's name is usually the name in Azure, too; if it is
/// not, an identity cannot be matched to its reference, but all of them together are those of the status.
fn resolved(mut references: Vec<Reference>, assigned: &[String]) -> Result<(Vec<String>, bool), String> {
    let is = |id: &str, other: &str| id.eq_ignore_ascii_case(other);
    let name = |id: &str| id.rsplit('/').next().unwrap_or_default().to_owned();
    let mut left: Vec<&String> =
        assigned.iter().filter(|id| !references.iter().flat_map(|one| &one.id).any(|other| is(id, other))).collect();
    for one in references.iter_mut().filter(|one| one.id.is_none()) {
        let found: Vec<_> = left.iter().enumerate().filter(|(_, id)| is(&name(id), &one.name)).map(|(at, _)| at).collect();
        if let [at] = found[..] {
            one.id = Some(left.remove(at).clone());
        }
    }
    let open: Vec<_> = references.iter_mut().filter(|one| one.id.is_none()).collect();
    let is_ordered = open.len() < 2;
    if open.len() == left.len() {
        open.into_iter().zip(left).for_each(|(one, id)| one.id = Some(id.clone()));
    } else if let Some(one) = open.first() {
        return Err(by_name(&one.field, &one.name));
    }
    Ok((references.into_iter().filter_map(|one| one.id).collect(), is_ordered))
}

/// The workspace: by its ID, as Azure showed it, or from the command line.
fn owner(
    spec: &mut Fields<'_>,
    known: Option<&WorkspaceId>,
    named: Option<&WorkspaceId>,
    notes: &mut Notes,
) -> Result<WorkspaceId, String> {
    let Some(mut owner) = spec.fields("owner")? else {
        return known.or(named).cloned().ok_or_else(|| "spec.owner: is missing: name the workspace with --workspace".to_owned());
    };
    owner.pass_over(&["group", "kind"]);
    let (id, name) = (owner.text("armId")?, owner.text("name")?);
    owner.finish(notes);
    if let Some(id) = id {
        return WorkspaceId::parse(&plain_id(&id)).map_err(|error| format!("spec.owner.armId: {error}"));
    }
    let name = name.unwrap_or_default();
    if let Some(found) = known.or(named) {
        if known.is_none() {
            notes.add("spec.owner.name", &format!("{name} is another object; it is taken to be the workspace of --workspace."));
        }
        return Ok(found.clone());
    }
    Err(format!(
        "spec.owner.name: {name} is another object, which has the workspace: name it with --workspace SUBSCRIPTION/GROUP/WORKSPACE, or write spec.owner.armId"
    ))
}

/// The ID that a reference holds, or that Azure showed for it.
fn by_id(mut reference: Fields<'_>, shown: Option<&str>, notes: &mut Notes) -> Result<String, String> {
    reference.pass_over(&["group", "kind"]);
    let field = reference.field("name");
    let (id, name) = (reference.text("armId")?, reference.text("name")?.unwrap_or_default());
    reference.finish(notes);
    id.or_else(|| shown.map(ToOwned::to_owned)).ok_or_else(|| by_name(&field, &name))
}

fn by_name(field: &str, name: &str) -> String {
    format!(
        "{field}: {name} is another object, which has the ID: write it as armId in its place, or import the output of kubectl get workspacescompute -o yaml, whose status has the ID"
    )
}

fn policy(policy: Option<&str>, builder: &mut ManifestBuilder, notes: &mut Notes) {
    let field = format!("metadata.annotations.{POLICY}");
    match policy {
        None | Some("manage" | "run") => {}
        Some("detach-on-delete" | "skip-delete") => builder.deletion = DeletionPolicy::Retain,
        Some(policy) => {
            // Azure Service Operator treats an unknown value as skip.
            builder.deletion = DeletionPolicy::Retain;
            builder.suspend = true;
            notes.add(
                &field,
                &format!(
                    "{policy} is converted to suspend: true and deletionPolicy: Retain. Remove both to let the operator write to Azure."
                ),
            );
        }
    }
}
