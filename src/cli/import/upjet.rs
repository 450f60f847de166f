//! A `SynapseSpark` of Crossplane's provider for Azure, which is generated from Terraform's.
//!
//! Source: `apis/machinelearningservices` of <https://github.com/crossplane-contrib/provider-upjet-azure>.

use serde_json::Value;

use super::super::manifest::ManifestBuilder;
use super::fields::{Fields, LOCAL_AUTH, LOCATION, Notes, identity, note_order, plain_id};
use super::kubernetes::{EXTERNAL_NAME, Metadata, PAUSED, WHO_ASKS, group_kind, shown};
use crate::api::v1alpha1::DeletionPolicy;
use crate::resource_id::WorkspaceId;

const WORKSPACE: &str = "machineLearningWorkspaceId";
const POOL: &str = "synapseSparkPoolId";

/// Whether it is an attached Spark pool of Crossplane: cluster-wide (`…azure.upbound.io`) or namespaced
/// (`…azure.m.upbound.io`).
pub(super) fn is(document: &Value) -> bool {
    group_kind(document).is_some_and(|(group, kind)| {
        kind == "SynapseSpark" && group.starts_with("machinelearning") && group.ends_with(".upbound.io")
    })
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
    let name = metadata.annotation(EXTERNAL_NAME).unwrap_or(&metadata.name).to_owned();
    // What the provider sends: the one, and what only the other has.
    let nothing = Value::Object(serde_json::Map::new());
    let mut wanted = spec.fields("forProvider")?.ok_or("spec.forProvider: is missing")?;
    let mut first = Fields::of(&nothing)?;
    if let Some(part) = spec.fields("initProvider")? {
        first = part;
    }
    let both = &mut [&mut wanted, &mut first];

    let workspace = match id(both, document, WORKSPACE)? {
        Some(id) => WorkspaceId::parse(&id).map_err(|error| format!("spec.forProvider.{WORKSPACE}: {error}"))?,
        None => workspace.cloned().ok_or_else(|| format!("{}, or name the workspace with --workspace", missing(WORKSPACE)))?,
    };
    let pool = id(both, document, POOL)?.ok_or_else(|| missing(POOL))?;
    let mut builder = ManifestBuilder::new(place, workspace, name, pool);
    builder.namespace.clone_from(&metadata.namespace);
    for part in both.iter_mut() {
        add(&mut builder, part, notes)?;
    }
    policies(&mut spec, metadata.annotation(PAUSED), &mut builder, notes)?;
    wanted.finish(notes);
    first.finish(notes);
    spec.finish(notes);
    object.finish(notes);
    Ok(builder)
}

/// Adds the fields of one of the two parts that an earlier part does not have.
fn add(builder: &mut ManifestBuilder, part: &mut Fields<'_>, notes: &mut Notes) -> Result<(), String> {
    let (description, tags) = (part.text("description")?, part.tags("tags")?);
    builder.description = builder.description.take().or(description);
    for (name, value) in tags {
        builder.tags.entry(name).or_insert(value);
    }
    // A list of one in v1beta1, a mapping in v1beta2.
    let identities = match part.list("identity") {
        Ok(list) => list,
        Err(_) => part.fields("identity")?.into_iter().collect(),
    };
    for mut one in identities {
        let field = one.field("identityIds");
        let (kind, ids) = (one.text("type")?, one.texts("identityIds")?);
        one.finish(notes);
        if builder.identity.is_none() {
            builder.identity = identity(field.trim_end_matches(".identityIds"), kind.as_deref(), ids)?;
            note_order(notes, &field, builder.identity.as_ref());
        }
    }
    part.leave_out("location", &Value::Null, notes, LOCATION);
    part.leave_out("localAuthEnabled", &Value::Bool(true), notes, LOCAL_AUTH);
    Ok(())
}

/// An ID: as it is written, else as the provider has found it out.
fn id(both: &mut [&mut Fields<'_>; 2], document: &Value, key: &str) -> Result<Option<String>, String> {
    let (reference, selector) = (format!("{key}Ref"), format!("{key}Selector"));
    let mut written = None;
    for part in both.iter_mut() {
        part.pass_over(&[&reference, &selector]);
        written = written.or(part.text(key)?);
    }
    Ok(written.as_deref().or_else(|| shown(document, &format!("/status/atProvider/{key}"))).map(plain_id))
}

fn missing(key: &str) -> String {
    format!(
        "spec.forProvider.{key}: is missing, and a reference to another object cannot be resolved: add the field, or import the output of kubectl get synapsespark -o yaml"
    )
}

/// Source: <https://docs.crossplane.io/latest/managed-resources/managed-resources/>.
fn policies(spec: &mut Fields<'_>, paused: Option<&str>, builder: &mut ManifestBuilder, notes: &mut Notes) -> Result<(), String> {
    if spec.text("deletionPolicy")?.as_deref() == Some("Orphan") {
        builder.deletion = DeletionPolicy::Retain;
    }
    // An empty list allows nothing, not everything.
    let is_limited = spec.take("managementPolicies").is_some();
    let policies = spec.texts("managementPolicies")?;
    let may = |word: &str| !is_limited || policies.iter().any(|one| one == "*" || one == word);
    if !may("Delete") {
        builder.deletion = DeletionPolicy::Retain;
    }
    if !may("Create") || !may("Update") || paused == Some("true") {
        builder.suspend = true;
        let field = if paused == Some("true") { "metadata.annotations.crossplane.io/paused" } else { "spec.managementPolicies" };
        notes.add(field, "is converted to suspend: true. Remove it to let the operator write to Azure.");
    }
    spec.leave_out("providerConfigRef", &Value::Null, notes, WHO_ASKS);
    spec.leave_out("writeConnectionSecretToRef", &Value::Null, notes, "the same information is in the status");
    Ok(())
}
