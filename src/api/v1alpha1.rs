//! `SynapseSparkAttachment`, version `v1alpha1`: spec, status, admission rules and columns.
//!
//! Decoding is lenient where the schema is strict: an object that was stored
//! under other rules must still be decoded, or nobody could detach and delete
//! it. What the schema cannot say, [`crate::planner::goal`] checks.
//!
//! Longer than other files: the schema of the spec is read in one piece, with the text of `kubectl explain`.

mod rules;
mod status;

use std::collections::BTreeMap;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::{CustomResource, CustomResourceExt, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use status::*;

/// The desired state: a Synapse Spark pool that is attached to an Azure Machine Learning workspace.
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[kube(
    group = "synapse-spark.dev",
    version = "v1alpha1",
    kind = "SynapseSparkAttachment",
    plural = "synapsesparkattachments",
    namespaced,
    status = "AttachmentStatus",
    derive = "PartialEq",
    shortname = "ssa",
    category = "azure",
    category = "spark",
    selectable = ".spec.workspace.name",
    selectable = ".spec.workspace.subscriptionId",
    doc = "Attaches an Apache Spark pool of Azure Synapse to an Azure Machine Learning workspace, like az ml compute attach.",
    validation = rules::object_name(),
    validation = rules::object_name_as_compute(),
    validation = rules::compute_name_is_immutable(),
    printcolumn(name = "Ready", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].status"),
    printcolumn(name = "Reason", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].reason"),
    printcolumn(name = "Workspace", type_ = "string", json_path = ".spec.workspace.name"),
    printcolumn(name = "Pool", type_ = "string", json_path = ".status.pool.name"),
    printcolumn(name = "Compute", type_ = "string", json_path = ".status.computeName", priority = "1"),
    printcolumn(name = "Identity", type_ = "string", json_path = ".spec.identity.type", priority = "1"),
    printcolumn(name = "Principal ID", type_ = "string", json_path = ".status.identity.principalId", priority = "1"),
    printcolumn(name = "Role", type_ = "string", json_path = ".status.conditions[?(@.type==\"RoleAssigned\")].reason", priority = "1"),
    printcolumn(name = "Spark", type_ = "string", json_path = ".status.pool.sparkVersion", priority = "1"),
    printcolumn(name = "Node Size", type_ = "string", json_path = ".status.pool.nodeSize", priority = "1"),
    printcolumn(name = "Nodes", type_ = "integer", json_path = ".status.pool.nodeCount", priority = "1"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    printcolumn(name = "Message", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].message", priority = "1")
)]
#[x_kube(
    validation = rules::workspace_is_immutable(),
    validation = rules::has_a_pool(),
    validation = rules::has_one_pool(),
    validation = rules::pool_is_immutable(),
    validation = rules::role_needs_an_identity(),
    validation = rules::role_keeps_its_identity(),
    validation = rules::role_needs_a_linked_service()
)]
#[serde(rename_all = "camelCase")]
// Many fields: the schema of the custom resource.
pub struct SynapseSparkAttachmentSpec {
    /// The Azure Machine Learning workspace to attach to (az ml: --subscription, -g, -w). Immutable. Default: the annotation
    /// synapse-spark.dev/default-workspace of the namespace, which the operator writes here once.
    #[serde(default, skip_serializing_if = "Workspace::is_unset")]
    pub workspace: Workspace,

    /// The name of the compute in the workspace: 3 to 16 letters, digits and hyphens, starting with a letter and not ending with
    /// a hyphen, or with a hyphen and digits. Default: metadata.name. Immutable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 16))]
    #[x_kube(validation = rules::compute_name())]
    pub compute_name: Option<String>,

    /// The Azure resource ID of the Spark pool (az ml: `resource_id`):
    /// /subscriptions/…/resourceGroups/…/providers/Microsoft.Synapse/workspaces/…/bigDataPools/…
    /// Immutable, unless replacePolicy is Recreate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 400))]
    #[x_kube(validation = rules::pool_id_alone(), validation = rules::pool_id())]
    pub resource_id: Option<String>,

    /// An alternative to resourceId: a pool of the Synapse workspace that a linked service of the workspace points to. Azure
    /// no longer creates linked services.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub linked_service: Option<LinkedService>,

    /// The managed identity of the attachment, as which its jobs run. Default: the annotation
    /// synapse-spark.dev/default-identity of the namespace, which the operator writes here before it attaches; otherwise none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<Identity>,

    /// The role to assign to the identity in the Synapse workspace; its jobs fail without a role. Default: none is assigned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub synapse_role: Option<SynapseRole>,

    /// The description of the compute. Default: an existing description is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub description: Option<String>,

    /// Tags of the compute, 49 at most. Tags that others set are kept. The operator adds one of its own,
    /// synapse-spark-operator-owner.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(length(max = 49), schema_with = "tags_schema")]
    pub tags: BTreeMap<String, String>,

    /// What happens in Azure when this object is deleted: Detach (default) or Retain.
    #[serde(default)]
    pub deletion_policy: DeletionPolicy,

    /// Whether a detach, on deletion or for replacePolicy: Recreate, waits for the jobs of the workspace that use the compute:
    /// None (default) or `WhenIdle`.
    #[serde(default, skip_serializing_if = "DeletionGuard::is_none")]
    pub deletion_guard: DeletionGuard,

    /// How long a detach waits for jobs with deletionGuard: `WhenIdle`, from 1m to 168h. Default: 24h.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 20))]
    #[x_kube(validation = rules::deletion_guard_timeout())]
    pub deletion_guard_timeout: Option<String>,

    /// Whether the pool may be replaced by a change of resourceId: Never (default) or Recreate, which detaches the compute and
    /// attaches the other pool; a system-assigned identity then gets a new principal.
    #[serde(default)]
    pub replace_policy: ReplacePolicy,

    /// Whether to adopt an existing compute of this name that has no owner: Never, `IfSamePool` (default) or Always, which
    /// with replacePolicy: Recreate also adopts one that is attached to another pool.
    #[serde(default)]
    pub adoption_policy: AdoptionPolicy,

    /// If true, the condition `JobsReady` shows whether Spark jobs can run: the operator reads about once an hour what Microsoft's
    /// documents require, and names what is missing. Its identity needs more permissions for that. Default: false, no condition.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub job_checks: bool,

    /// If true, the operator observes and reports, but writes nothing to Azure.
    #[serde(default)]
    pub suspend: bool,

    /// Where the operator writes values that other manifests need, such as the principal ID. Default: nowhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outputs: Option<Outputs>,

    /// A ServiceAccount of this namespace. The operator uses its identity in Microsoft Entra ID, as annotated for workload
    /// identity, for this object. Default: the operator's own identity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 253))]
    #[x_kube(validation = rules::service_account())]
    pub service_account_name: Option<String>,
}

/// The Azure Machine Learning workspace.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Workspace {
    /// The subscription's GUID, in lower case, because --watch-subscriptions compares it as text.
    #[schemars(length(max = 400))]
    #[x_kube(validation = rules::subscription_alone(), validation = rules::subscription(), validation = rules::subscription_case())]
    pub subscription_id: String,

    /// The resource group's name.
    #[schemars(length(max = 400))]
    #[x_kube(validation = rules::group_alone(), validation = rules::group())]
    pub resource_group: String,

    /// The workspace's name.
    #[schemars(length(max = 400))]
    #[x_kube(validation = rules::workspace_name_alone(), validation = rules::workspace_name())]
    pub name: String,
}

impl Workspace {
    /// Whether the spec names no workspace.
    #[must_use]
    pub fn is_unset(&self) -> bool {
        *self == Self::default()
    }
}

/// A pool that is found through a linked service of the workspace.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct LinkedService {
    /// The linked service's name.
    #[schemars(length(max = 50))]
    #[x_kube(validation = rules::linked_service())]
    pub name: String,

    /// The name of the Spark pool in the linked Synapse workspace.
    #[schemars(length(max = 15))]
    #[x_kube(validation = rules::linked_pool())]
    pub pool_name: String,
}

/// Where values are written for other manifests.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Outputs {
    /// The name of a ConfigMap of this namespace. The operator creates it once the compute is attached, keeps it up to date, and
    /// deletes it with the attachment. It never changes one that it has not created. Requires the chart's outputs.enabled.
    #[schemars(length(max = 253))]
    #[x_kube(validation = rules::config_map_name())]
    pub config_map_name: String,
}

/// A role in the Synapse workspace.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct SynapseRole {
    /// Synapse Administrator, Synapse Compute Operator, or a role's GUID.
    #[schemars(length(max = 36))]
    #[x_kube(validation = rules::role())]
    pub name: String,

    /// The scope of the role: Pool (default) or Workspace.
    #[serde(default)]
    pub scope: RoleScope,

    /// If true, Apache Spark Administrator is also assigned in the Synapse workspace, to the linked service's own identity.
    #[serde(default)]
    pub linked_service: bool,
}

/// The scope of a role in the Synapse workspace.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RoleScope {
    /// The Spark pool alone.
    #[default]
    Pool,
    /// The whole Synapse workspace.
    Workspace,
    /// A value that this version does not support: taken as [`Self::Pool`], the smaller scope.
    #[serde(other)]
    #[schemars(skip)]
    Unknown,
}

/// The managed identity of the attachment.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[x_kube(validation = rules::identities_are_given(), validation = rules::identities_are_of_the_type())]
#[serde(rename_all = "camelCase")]
pub struct Identity {
    /// `SystemAssigned`, `UserAssigned`, "SystemAssigned,UserAssigned" or None.
    #[serde(rename = "type")]
    pub kind: IdentityType,

    /// The user-assigned identities, 50 at most. Order is kept: Azure ML submits jobs as the first one by default.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 50))]
    #[x_kube(validation = rules::identities_are_unique())]
    pub user_assigned_identities: Vec<UserAssignedIdentity>,
}

/// A user-assigned managed identity.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct UserAssignedIdentity {
    /// Its Azure resource ID: /subscriptions/…/providers/Microsoft.ManagedIdentity/userAssignedIdentities/…
    #[schemars(length(max = 400))]
    #[x_kube(validation = rules::identity_id_alone(), validation = rules::identity_id())]
    pub resource_id: String,
}

/// The kinds of managed identity, as Azure spells them.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdentityType {
    /// No managed identity.
    None,
    /// An identity of the compute itself, which is created and deleted with the attachment.
    SystemAssigned,
    /// Identities that exist independently of the compute.
    UserAssigned,
    /// Both.
    #[serde(rename = "SystemAssigned,UserAssigned")]
    Both,
    /// A value that this version does not support.
    #[serde(other)]
    #[schemars(skip)]
    Unknown,
}

/// What happens in Azure when the object is deleted.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DeletionPolicy {
    /// The compute is detached.
    #[default]
    Detach,
    /// The compute stays attached.
    Retain,
    /// A value that this version does not support: taken as [`Self::Detach`], so that no compute is left behind.
    #[serde(other)]
    #[schemars(skip)]
    Unknown,
}

/// Whether a detach waits for jobs.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DeletionGuard {
    /// The compute is detached at once.
    #[default]
    None,
    /// The compute is detached when no job uses it, or after spec.deletionGuardTimeout.
    WhenIdle,
    /// A value that this version does not support: taken as [`Self::WhenIdle`], whose wait ends.
    #[serde(other, rename(serialize = "WhenIdle"))]
    #[schemars(skip)]
    Unknown,
}

impl DeletionGuard {
    /// Whether a detach waits for nothing.
    #[must_use]
    pub const fn is_none(&self) -> bool {
        matches!(self, Self::None)
    }
}

/// Whether the attached pool may be replaced by another.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReplacePolicy {
    /// The pool stays.
    #[default]
    Never,
    /// Detach, then attach the other pool.
    Recreate,
    /// A value that this version does not support: taken as [`Self::Never`].
    #[serde(other)]
    #[schemars(skip)]
    Unknown,
}

/// Whether to adopt an existing compute that has no owner.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AdoptionPolicy {
    /// Do not adopt it.
    Never,
    /// Adopt it if it is attached to the pool of the spec.
    #[default]
    IfSamePool,
    /// Adopt it.
    Always,
    /// A value that this version does not support: taken as [`Self::Never`].
    #[serde(other)]
    #[schemars(skip)]
    Unknown,
}

/// The schema of `tags`: a bound for each value, and rules for the names.
fn tags_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({
        "type": "object",
        "maxProperties": 49,
        "additionalProperties": {"type": "string", "maxLength": 256},
        "x-kubernetes-validations": rules::tags(),
    })
}

/// The definition of the custom resource, as `kubectl apply` takes it.
///
/// No field is `nullable`: so the API server takes an explicit null as absent,
/// which is what the decoding and the rules do too.
///
/// # Panics
///
/// Never: the definition is generated at compile time, and tests use it.
#[must_use]
pub fn definition() -> CustomResourceDefinition {
    fn forget_nullable(value: &mut serde_json::Value) {
        match value {
            serde_json::Value::Object(map) => {
                map.shift_remove("nullable");
                map.values_mut().for_each(forget_nullable);
            }
            serde_json::Value::Array(items) => items.iter_mut().for_each(forget_nullable),
            _ => {}
        }
    }
    let mut value = serde_json::to_value(SynapseSparkAttachment::crd()).expect("a definition is JSON");
    forget_nullable(&mut value);
    serde_json::from_value(value).expect("it was a definition before")
}
