//! A compute in the format of Azure Resource Manager, which several tools share.
//!
//! Source: `Microsoft.MachineLearningServices/workspaces/computes` of <https://learn.microsoft.com/azure/templates>.

use std::collections::BTreeMap;

use serde_json::Value;

use super::super::manifest::ManifestBuilder;
use super::fields::{Fields, LOCAL_AUTH, LOCATION, Notes, identity, plain_id};
use crate::api::v1alpha1::Identity;
use crate::resource_id::WorkspaceId;

/// The resource type of a compute.
const TYPE: &str = "Microsoft.MachineLearningServices/workspaces/computes";

/// What Azure Resource Manager fills in.
const READ_ONLY: [&str; 6] =
    ["computeType", "provisioningState", "provisioningErrors", "createdOn", "modifiedOn", "isAttachedCompute"];

/// Whether it is the resource type of a compute.
pub(super) fn is_compute(kind: &str) -> bool {
    kind.eq_ignore_ascii_case(TYPE)
}

/// Whether it is the type of an attached Spark pool.
pub(super) fn is_spark(kind: &str) -> bool {
    kind.eq_ignore_ascii_case("SynapseSpark")
}

/// The type of a compute other than an attached Spark pool, which is skipped.
pub(super) fn other_type(body: &Value) -> Option<&str> {
    body["properties"]["computeType"].as_str().filter(|kind| !is_spark(kind))
}

/// What a manifest takes over from the body of a compute.
pub(super) struct Body {
    pub(super) pool: String,
    pub(super) identity: Option<Identity>,
    pub(super) description: Option<String>,
    pub(super) tags: BTreeMap<String, String>,
}

impl Body {
    /// Reads the fields of a body; the caller finishes them.
    pub(super) fn of(part: &mut Fields<'_>, notes: &mut Notes) -> Result<Self, String> {
        let field = part.field("properties");
        let mut properties = part.fields("properties")?.ok_or_else(|| format!("{field}: is missing"))?;
        properties.pass_over(&READ_ONLY);
        let pool = properties
            .text("resourceId")?
            .ok_or_else(|| format!("{}: is missing: the ID of the Spark pool", properties.field("resourceId")))?;
        let description = properties.text("description")?;
        let tags = part.tags("tags")?;
        let identity = match part.fields("identity")? {
            Some(wanted) => identity_of(wanted, notes)?,
            None => None,
        };
        part.leave_out("location", &Value::Null, notes, LOCATION);
        properties.leave_out("computeLocation", &Value::Null, notes, LOCATION);
        properties.leave_out("disableLocalAuth", &Value::Bool(false), notes, LOCAL_AUTH);
        properties.leave_out("properties", &Value::Null, notes, "it belongs to the pool, and is shown in status.pool");
        properties.finish(notes);
        Ok(Self { pool: plain_id(&pool), identity, description, tags })
    }

    pub(super) fn builder(self, place: &str, workspace: WorkspaceId, name: String) -> ManifestBuilder {
        let mut builder = ManifestBuilder::new(place, workspace, name, self.pool);
        (builder.identity, builder.description, builder.tags) = (self.identity, self.description, self.tags);
        builder
    }
}

fn identity_of(mut wanted: Fields<'_>, notes: &mut Notes) -> Result<Option<Identity>, String> {
    wanted.pass_over(&["principalId", "tenantId"]);
    let field = wanted.field("type");
    let kind = wanted.text("type")?;
    let ids = wanted.keys("userAssignedIdentities")?;
    wanted.finish(notes);
    identity(field.trim_end_matches(".type"), kind.as_deref(), ids)
}
