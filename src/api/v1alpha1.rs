//! `SynapseSparkAttachment`, version `v1alpha1`: spec, status, admission rules and columns.
//!
//! Decoding is lenient where the schema is strict: an object that was stored
//! under other rules must still be decoded, or nobody could detach and delete
//! it. What the schema cannot say, [`crate::plan::goal`] checks.

use std::collections::BTreeMap;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::{CustomResource, CustomResourceExt, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What is wanted: a Synapse Spark pool, attached to an Azure Machine Learning workspace.
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
    doc = "An Apache Spark pool of Azure Synapse, attached to an Azure Machine Learning workspace: what az ml compute attach does, as an object.",
    validation = Rule::new("size(self.metadata.name) <= 63").message("metadata.name must have at most 63 characters"),
    validation = Rule::new("has(self.spec.computeName) || self.metadata.name.matches('^[a-z][a-z0-9-]{1,14}[a-z0-9]$') && !self.metadata.name.matches('-[0-9]+$')")
        .message("metadata.name can't be a compute name (3-16 letters, digits and '-', a letter first, a letter or digit last, not ending in -<digits>); set spec.computeName"),
    printcolumn(name = "Ready", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].status"),
    printcolumn(name = "Reason", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].reason"),
    printcolumn(name = "Workspace", type_ = "string", json_path = ".spec.workspace.name"),
    printcolumn(name = "Pool", type_ = "string", json_path = ".status.pool.name"),
    printcolumn(name = "Compute", type_ = "string", json_path = ".status.computeName", priority = "1"),
    printcolumn(name = "Identity", type_ = "string", json_path = ".spec.identity.type", priority = "1"),
    printcolumn(name = "Principal ID", type_ = "string", json_path = ".status.identity.principalId", priority = "1"),
    printcolumn(name = "Spark", type_ = "string", json_path = ".status.pool.sparkVersion", priority = "1"),
    printcolumn(name = "Node Size", type_ = "string", json_path = ".status.pool.nodeSize", priority = "1"),
    printcolumn(name = "Nodes", type_ = "integer", json_path = ".status.pool.nodeCount", priority = "1"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[x_kube(
    validation = Rule::new("self.workspace == oldSelf.workspace").message("spec.workspace is immutable: delete the object and make another").field_path(".workspace"),
    validation = Rule::new("has(self.computeName) == has(oldSelf.computeName) && (!has(self.computeName) || self.computeName == oldSelf.computeName)")
        .message("spec.computeName is immutable: delete the object and make another"),
    validation = Rule::new("self.replacePolicy == 'Recreate' || self.resourceId.lowerAscii() == oldSelf.resourceId.lowerAscii()")
        .message("spec.resourceId changes only under spec.replacePolicy: Recreate, which detaches the old pool first").field_path(".resourceId")
)]
#[serde(rename_all = "camelCase")]
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
    #[schemars(length(max = 400))]
    #[x_kube(validation = Rule::new("self.matches('(?i)^/subscriptions/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/resourceGroups/[-a-z0-9_.()]{1,90}/providers/Microsoft.Synapse/workspaces/[-a-z0-9_]{1,50}/bigDataPools/[a-z0-9]{1,15}$')")
        .message("spec.resourceId must be the ID of a Synapse Spark pool: /subscriptions/<guid>/resourceGroups/<group>/providers/Microsoft.Synapse/workspaces/<workspace>/bigDataPools/<pool>"))]
    pub resource_id: String,

    /// The managed identity of the attachment, as which its jobs run. Absent: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<Identity>,

    /// A text for people, kept on the compute. Absent: what is there stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub description: Option<String>,

    /// Tags of the compute. Tags that others put there are kept. One more, synapse-spark-operator-owner, is the
    /// operator's own.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(length(max = 50), schema_with = "tags_schema")]
    pub tags: BTreeMap<String, String>,

    /// What happens in Azure when this object is deleted: Detach (default) or Retain.
    #[serde(default)]
    pub deletion_policy: DeletionPolicy,

    /// Whether another resourceId may be put in place: Never (default: it is immutable) or Recreate (detach, then
    /// attach the other pool; a system-assigned identity gets a new principal).
    #[serde(default)]
    pub replace_policy: ReplacePolicy,

    /// What to do with a compute of that name that is already there and nobody's: Never, `IfSamePool` (default) or
    /// Always (with replacePolicy: Recreate also one of another pool).
    #[serde(default)]
    pub adoption_policy: AdoptionPolicy,

    /// true: look and report, write nothing to Azure.
    #[serde(default)]
    pub suspend: bool,
}

/// The Azure Machine Learning workspace.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Workspace {
    /// The subscription's GUID.
    #[schemars(length(max = 36))]
    #[x_kube(validation = Rule::new("self.matches('^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$')")
        .message("spec.workspace.subscriptionId must be a GUID, as az account show --query id prints it"))]
    pub subscription_id: String,

    /// The resource group's name.
    #[schemars(length(max = 90))]
    #[x_kube(validation = Rule::new("self.matches('^[-a-zA-Z0-9_.()]{0,89}[-a-zA-Z0-9_()]$')")
        .message("spec.workspace.resourceGroup must have 1-90 letters, digits and -_.(), and not end in '.'"))]
    pub resource_group: String,

    /// The workspace's name.
    #[schemars(length(max = 33))]
    #[x_kube(validation = Rule::new("self.matches('^[a-zA-Z0-9][a-zA-Z0-9_-]{2,32}$')")
        .message("spec.workspace.name must have 3-33 letters, digits, '_' and '-', a letter or digit first"))]
    pub name: String,
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
    #[x_kube(validation = Rule::new("self.matches('(?i)^/subscriptions/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/resourceGroups/[-a-z0-9_.()]{1,90}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/[-a-z0-9_]{3,128}$')")
        .message("resourceId must be the ID of a user-assigned identity: /subscriptions/<guid>/resourceGroups/<group>/providers/Microsoft.ManagedIdentity/userAssignedIdentities/<name>"))]
    pub resource_id: String,
}

/// The kinds of managed identity, as Azure spells them.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdentityType {
    /// No managed identity.
    None,
    /// An identity of the compute itself, which lives and dies with the attachment.
    SystemAssigned,
    /// Identities of their own.
    UserAssigned,
    /// Both.
    #[serde(rename = "SystemAssigned,UserAssigned")]
    Both,
    /// A word that this version does not know.
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
    /// Azure is left as it is.
    Retain,
    /// A word that this version does not know: taken as [`Self::Detach`], so that nothing leaks.
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
    /// A word that this version does not know: taken as [`Self::Never`].
    #[serde(other)]
    #[schemars(skip)]
    Unknown,
}

/// What to do with a compute of that name that is there already and nobody's.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AdoptionPolicy {
    /// Leave it alone.
    Never,
    /// Take it over if it is attached to the pool of the spec.
    #[default]
    IfSamePool,
    /// Take it over.
    Always,
    /// A word that this version does not know: taken as [`Self::Never`].
    #[serde(other)]
    #[schemars(skip)]
    Unknown,
}

/// The schema of `tags`: a bound for each value, and a rule for the names.
fn tags_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({
        "type": "object",
        "maxProperties": 50,
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

/// What is, as far as the last look saw. All of it can be found again by looking.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
// What the API server shows before the first look: kstatus takes an object without an observed generation for done.
// Source: <https://github.com/fluxcd/kustomize-controller/issues/387>.
#[schemars(extend("default" = {"observedGeneration": -1}))]
pub struct AttachmentStatus {
    /// The generation of the spec that this status speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Ready always; Reconciling and Stalled only while true (kstatus).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    pub conditions: Vec<Condition>,
    /// The Azure resource ID of the compute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compute_id: Option<String>,
    /// The name of the compute inside its workspace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compute_name: Option<String>,
    /// Azure's word for the state of the compute: Creating, Succeeded, Failed, Deleting, …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provisioning_state: Option<String>,
    /// The Azure region of the compute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// When Azure made the compute, in Azure's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_on: Option<String>,
    /// When Azure last changed the compute, in Azure's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modified_on: Option<String>,
    /// The managed identity that Azure shows, with its principals.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<IdentityStatus>,
    /// The Spark pool behind the attachment, as Azure ML shows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pool: Option<PoolStatus>,
    /// Why Azure failed to attach or update the compute.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub provisioning_errors: Vec<ProvisioningError>,
    /// The operation that was last asked for; absent once it is known to have come right.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<OperationStatus>,
    /// What differs between spec and Azure; absent when nothing does.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub drift: Vec<DriftStatus>,
    /// What the operator last put there, so that what others put there survives.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub applied: Option<Applied>,
    /// Since when it fails; absent while it does not. The pauses between tries grow with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failing_since: Option<Time>,
    /// Echo of the annotation synapse-spark.dev/reconcile-requested-at, once it has been acted on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_handled_reconcile_at: Option<String>,
}

/// The managed identity that Azure shows.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct IdentityStatus {
    /// Azure's word for the kind of identity.
    #[serde(rename = "type")]
    pub kind: String,
    /// The object ID of the system-assigned identity in Entra: who needs a role in the Synapse workspace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub principal_id: Option<String>,
    /// The Entra tenant of the system-assigned identity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant_id: Option<String>,
    /// The user-assigned identities, in the order of the spec.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub user_assigned: Vec<UserAssignedStatus>,
}

/// A user-assigned identity that Azure shows.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct UserAssignedStatus {
    /// Its Azure resource ID.
    pub resource_id: String,
    /// Its object ID in Entra.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub principal_id: Option<String>,
    /// Its application (client) ID in Entra.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
}

/// The Spark pool behind the attachment.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct PoolStatus {
    /// The pool's name.
    pub name: String,
    /// The Synapse workspace that the pool belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workspace_name: Option<String>,
    /// The version of Apache Spark.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spark_version: Option<String>,
    /// The size of a node: Small, Medium, Large, …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node_size: Option<String>,
    /// The family of node sizes: `MemoryOptimized`, …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node_size_family: Option<String>,
    /// How many nodes, where the pool does not scale by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node_count: Option<i32>,
    /// How the pool scales by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auto_scale: Option<AutoScale>,
    /// When the pool pauses by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auto_pause: Option<AutoPause>,
}

/// How the pool scales by itself.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct AutoScale {
    /// Whether it does.
    pub enabled: bool,
    /// At least so many nodes.
    pub min_node_count: i32,
    /// At most so many nodes.
    pub max_node_count: i32,
}

/// When the pool pauses by itself.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct AutoPause {
    /// Whether it does.
    pub enabled: bool,
    /// After so many minutes without work.
    pub delay_in_minutes: i32,
}

/// One of Azure's errors.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct ProvisioningError {
    /// Azure's code.
    pub code: String,
    /// Azure's words.
    pub message: String,
}

/// An operation that Azure is at.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct OperationStatus {
    /// What it does: Attach, Update or Detach.
    pub kind: OperationKind,
    /// Path and query of Azure's operation; never a host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// When it was asked for.
    pub started_at: Time,
}

/// What an operation does.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq)]
pub enum OperationKind {
    /// Attaches the pool.
    Attach,
    /// Changes an attached compute in place.
    Update,
    /// Detaches the compute.
    Detach,
    /// A word that this version does not know.
    #[serde(other)]
    #[schemars(skip)]
    Unknown,
}

/// One difference between spec and Azure.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct DriftStatus {
    /// The field of the spec.
    pub field: String,
    /// What the spec says.
    pub want: String,
    /// What Azure shows.
    pub have: String,
}

/// What the operator last put into Azure.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Applied {
    /// The names of the tags that are ours to take away again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// The user-assigned identities, in the order in which they were sent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub identities: Vec<String>,
    /// Whether Azure showed them in that order afterwards: only then can another order be seen as drift.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_kept: Option<bool>,
    /// When Azure made the compute that we own, in Azure's words: tells it from a later one of that name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_on: Option<String>,
    /// Whether the description is ours to take away again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub description: bool,
}

/// The definition of the custom resource, as `kubectl apply` takes it.
///
/// No field is `nullable`: so the API server takes an explicit null as absent,
/// which is what the decoding and the rules do too.
///
/// # Panics
///
/// Never on a definition that the tests have seen: it is made at compile time.
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
