//! `SynapseSparkAttachment`, version `v1alpha1`: spec, status, admission rules and columns.
//!
//! Decoding is lenient where the schema is strict: an object that was stored
//! under other rules must still be decoded, or nobody could detach and delete
//! it. What the schema cannot say, [`crate::planner::goal`] checks.
//!
//! Longer than other files: the schema of the spec is read in one piece, with the text of `kubectl explain`.

mod status;

use std::collections::BTreeMap;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::{CustomResource, CustomResourceExt, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use status::*;

/// The desired state: a Synapse Spark pool, attached to an Azure Machine Learning workspace.
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
    doc = "An Apache Spark pool of Azure Synapse, attached to an Azure Machine Learning workspace: what az ml compute attach does, as an object.",
    validation = Rule::new("size(self.metadata.name) <= 63").message("metadata.name must have at most 63 characters"),
    validation = Rule::new("has(self.spec.computeName) || self.metadata.name.matches('^[a-z][a-z0-9-]{1,14}[a-z0-9]$') && !self.metadata.name.matches('-[0-9]+$')")
        .message("metadata.name can't be a compute name (3-16 letters, digits and '-', a letter first, a letter or digit last, not ending in -<digits>); set spec.computeName"),
    validation = Rule::new("(has(self.spec.computeName) ? self.spec.computeName : self.metadata.name) == (has(oldSelf.spec.computeName) ? oldSelf.spec.computeName : oldSelf.metadata.name)")
        .message("spec.computeName is immutable: create another object; spec.deletionPolicy: Retain on this one keeps its compute"),
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
    validation = Rule::new("self.workspace.subscriptionId.lowerAscii() == oldSelf.workspace.subscriptionId.lowerAscii() && self.workspace.resourceGroup == oldSelf.workspace.resourceGroup && self.workspace.name == oldSelf.workspace.name")
        .message("spec.workspace is immutable: create another object; spec.deletionPolicy: Retain on this one keeps its compute").field_path(".workspace"),
    validation = Rule::new("has(self.resourceId) != has(self.linkedService)").message("spec.resourceId: Required, or spec.linkedService instead of it; not both"),
    validation = Rule::new("self.replacePolicy == 'Recreate' || (has(self.resourceId) && has(oldSelf.resourceId) ? self.resourceId.lowerAscii() == oldSelf.resourceId.lowerAscii() : has(self.linkedService) && has(oldSelf.linkedService) && self.linkedService == oldSelf.linkedService)")
        .message("spec.resourceId changes only under spec.replacePolicy: Recreate, which detaches the old pool first; and so does spec.linkedService"),
    validation = Rule::new("!has(self.synapseRole) || has(self.identity) && self.identity.type != 'None'")
        .message("spec.synapseRole needs spec.identity, which receives the role"),
    validation = Rule::new("!has(self.synapseRole) || !self.synapseRole.linkedService || has(self.linkedService)")
        .message("spec.synapseRole.linkedService needs spec.linkedService, whose identity receives the role")
)]
#[serde(rename_all = "camelCase")]
// Many fields: the schema of the custom resource.
pub struct SynapseSparkAttachmentSpec {
    /// The Azure Machine Learning workspace to attach to (az ml: --subscription, -g, -w). Immutable.
    pub workspace: Workspace,

    /// The name of the compute inside the workspace: 3-16 letters, digits and '-', a letter first, not ending in
    /// a dash and digits. Default: metadata.name. Immutable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 16))]
    #[x_kube(validation = Rule::new("self.matches('^[A-Za-z][A-Za-z0-9-]{1,14}[A-Za-z0-9]$') && !self.matches('-[0-9]+$')")
        .message("spec.computeName must have 3-16 letters, digits and '-', a letter first, a letter or digit last, and not end in -<digits>"))]
    pub compute_name: Option<String>,

    /// The Azure resource ID of the Spark pool (az ml: `resource_id`):
    /// /subscriptions/…/resourceGroups/…/providers/Microsoft.Synapse/workspaces/…/bigDataPools/…
    /// Changes only under replacePolicy: Recreate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 400))]
    #[x_kube(validation = Rule::new("!self.endsWith('/') || self.startsWith('http')")
        .message(Message::Expression("'spec.resourceId must not end with a slash: write ' + self.substring(0, size(self) - 1)".into())),
        validation = Rule::new("!self.startsWith('http') || self.find('(?i)/subscriptions/.*/bigDataPools/[a-z0-9]+') == ''")
        .message(Message::Expression("'spec.resourceId must be a resource ID, and not an address of the portal: write ' + self.find('(?i)/subscriptions/.*/bigDataPools/[a-z0-9]+')".into())),
        validation = Rule::new("self.matches(r'(?i)^/subscriptions/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/resourceGroups/[-\\p{L}\\p{Nd}_.()]{1,90}/providers/Microsoft.Synapse/workspaces/[-a-z0-9_]{1,50}/bigDataPools/[a-z0-9]{1,15}$')")
        .message("spec.resourceId must be the ID of a Synapse Spark pool: /subscriptions/<guid>/resourceGroups/<group>/providers/Microsoft.Synapse/workspaces/<workspace>/bigDataPools/<pool>"))]
    pub resource_id: Option<String>,

    /// Instead of resourceId: a pool of the Synapse workspace that a linked service of the workspace points to. Azure no
    /// longer creates linked services.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub linked_service: Option<LinkedService>,

    /// The managed identity of the attachment, as which its jobs run. Absent: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<Identity>,

    /// The role in the Synapse workspace that the identity gets; without a role its jobs fail. Absent: none is assigned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub synapse_role: Option<SynapseRole>,

    /// The description of the compute. Absent: the existing description stays.
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

    /// Whether the pool may be replaced by another resourceId: Never (default: it is immutable) or Recreate (detach, then
    /// attach the other pool; a system-assigned identity gets a new principal).
    #[serde(default)]
    pub replace_policy: ReplacePolicy,

    /// Whether to adopt a compute of that name that exists and has no owner: Never, `IfSamePool` (default) or
    /// Always (with replacePolicy: Recreate also one of another pool).
    #[serde(default)]
    pub adoption_policy: AdoptionPolicy,

    /// true: observe and report, write nothing to Azure.
    #[serde(default)]
    pub suspend: bool,

    /// A ServiceAccount of this namespace, whose identity in Microsoft Entra ID (workload identity's annotations) is used
    /// for this object. Absent: the operator's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 253))]
    #[x_kube(validation = Rule::new("self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$')")
        .message("spec.serviceAccountName must name a ServiceAccount of this namespace: lower-case letters, digits, '-' and '.'"))]
    pub service_account_name: Option<String>,
}

/// The Azure Machine Learning workspace.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Workspace {
    /// The subscription's GUID, in lower case: --watch-subscriptions selects objects by this text.
    #[schemars(length(max = 36))]
    #[x_kube(validation = Rule::new("self.matches('^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$')")
        .message("spec.workspace.subscriptionId must be a GUID, as az account show --query id prints it"),
        validation = Rule::new("self == self.lowerAscii()")
        .message(Message::Expression("'spec.workspace.subscriptionId must be in lower case: write ' + self.lowerAscii()".into())))]
    pub subscription_id: String,

    /// The resource group's name.
    #[schemars(length(max = 90))]
    #[x_kube(validation = Rule::new("self.matches(r'^[-\\p{L}\\p{Nd}_.()]{0,89}[-\\p{L}\\p{Nd}_()]$')")
        .message("spec.workspace.resourceGroup must have 1-90 letters, digits and -_.(), and not end in '.'"))]
    pub resource_group: String,

    /// The workspace's name.
    #[schemars(length(max = 33))]
    #[x_kube(validation = Rule::new("self.matches('^[a-zA-Z0-9][a-zA-Z0-9_-]{2,32}$')")
        .message("spec.workspace.name must have 3-33 letters, digits, '_' and '-', a letter or digit first"))]
    pub name: String,
}

/// A pool that is reached through a linked service of the workspace.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct LinkedService {
    /// The linked service's name.
    #[schemars(length(max = 50), regex(pattern = "^[a-zA-Z0-9][-a-zA-Z0-9_]*$"))]
    pub name: String,

    /// The Spark pool's name, in the Synapse workspace that is linked.
    #[schemars(length(max = 15), regex(pattern = "^[a-zA-Z0-9]+$"))]
    pub pool_name: String,
}

/// A role in the Synapse workspace.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct SynapseRole {
    /// Synapse Administrator, Synapse Compute Operator, or a role's GUID.
    #[schemars(length(max = 36))]
    #[x_kube(validation = Rule::new("self in ['Synapse Administrator', 'Synapse Compute Operator'] || self.matches('^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$')")
        .message("spec.synapseRole.name must be Synapse Administrator, Synapse Compute Operator, or a role's GUID"))]
    pub name: String,

    /// The scope of the role: Pool (default) or Workspace.
    #[serde(default)]
    pub scope: RoleScope,

    /// true: also assign Apache Spark Administrator in the Synapse workspace to the linked service's own identity.
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
#[x_kube(validation = Rule::new("self.type.contains('UserAssigned') == (has(self.userAssignedIdentities) && size(self.userAssignedIdentities) > 0)")
    .message("spec.identity.userAssignedIdentities needs one identity or more with a UserAssigned type, and none with SystemAssigned or None"))]
#[serde(rename_all = "camelCase")]
pub struct Identity {
    /// `SystemAssigned`, `UserAssigned`, "SystemAssigned,UserAssigned" or None.
    #[serde(rename = "type")]
    pub kind: IdentityType,

    /// The user-assigned identities, 50 at most. Order is kept: Azure ML submits jobs as the first by default.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 50))]
    #[x_kube(validation = Rule::new("self.all(a, self.exists_one(b, a.resourceId.lowerAscii() == b.resourceId.lowerAscii()))")
        .message("spec.identity.userAssignedIdentities names an identity twice (case does not count)"))]
    pub user_assigned_identities: Vec<UserAssignedIdentity>,
}

/// A user-assigned managed identity.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct UserAssignedIdentity {
    /// Its Azure resource ID: /subscriptions/…/providers/Microsoft.ManagedIdentity/userAssignedIdentities/…
    #[schemars(length(max = 400))]
    #[x_kube(validation = Rule::new("self.matches(r'(?i)^/subscriptions/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/resourceGroups/[-\\p{L}\\p{Nd}_.()]{1,90}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/[-a-z0-9_]{3,128}$')")
        .message("resourceId must be the ID of a user-assigned identity: /subscriptions/<guid>/resourceGroups/<group>/providers/Microsoft.ManagedIdentity/userAssignedIdentities/<name>"))]
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

/// Whether to adopt a compute of that name that exists and has no owner.
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

/// The schema of `tags`: a bound for each value, and a rule for the names.
fn tags_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({
        "type": "object",
        "maxProperties": 49,
        "additionalProperties": {"type": "string", "maxLength": 256},
        "x-kubernetes-validations": [
            {
                "rule": "self.all(k, size(k) > 0 && size(k) <= 512 && !k.matches('[<>%&\\\\\\\\?/]'))",
                "message": "spec.tags: a tag's name must have 1-512 characters and none of <>%&\\?/",
            },
            {
                "rule": "self.all(k, k.lowerAscii() != 'synapse-spark-operator-owner')",
                "message": "spec.tags: synapse-spark-operator-owner is the operator's own tag",
            },
        ],
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
