//! The status of a `SynapseSparkAttachment`.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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
    /// Ready always; Reconciling and Stalled only while true (kstatus); `RoleAssigned` with spec.synapseRole; `PoolAvailable`.
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
    /// The linked service that the spec goes through.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub linked_service: Option<LinkedServiceStatus>,
    /// The Synapse role assignments of the identities. Those that this object created are revoked with the attachment.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub role_assignments: Vec<RoleAssignmentStatus>,
    /// The Spark pool behind the attachment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pool: Option<PoolStatus>,
    /// Why Azure failed to attach or update the compute.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub provisioning_errors: Vec<ProvisioningError>,
    /// The operation that was last asked for; absent once it is known to have come right.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<OperationStatus>,
    /// When an earlier attach or update was sent whose answer was lost. For ten minutes Azure may still carry it out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unanswered_put_at: Option<Time>,
    /// What differs between spec and Azure; absent when nothing does.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub drift: Vec<DriftStatus>,
    /// What the operator last put there, so that what others put there survives.
    #[serde(default, skip_serializing_if = "Applied::says_nothing")]
    pub applied: Option<Applied>,
    /// What fails, and since when. The pauses between attempts grow with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<FailureStatus>,
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

/// A linked service of the workspace.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct LinkedServiceStatus {
    /// The linked service's name.
    pub name: String,
    /// The Azure resource ID of the Synapse workspace that is linked.
    pub resource_id: String,
    /// The object ID of its own identity in Entra.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub principal_id: Option<String>,
}

/// A role assignment in a Synapse workspace.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct RoleAssignmentStatus {
    /// The assignment's GUID.
    pub assignment_id: String,
    /// The role's GUID.
    pub role_id: String,
    /// The principal that holds the role: an object ID in Entra.
    pub principal_id: String,
    /// The scope: workspaces/… or workspaces/…/bigDataPools/…
    pub scope: String,
    /// Pending, Assigned, `PreExisting` or Denied.
    #[serde(default)]
    pub phase: RolePhase,
    /// When Synapse confirmed it. It takes effect some minutes later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assigned_at: Option<Time>,
}

/// How far a role assignment has come.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RolePhase {
    /// It is about to be requested, or was requested without an answer.
    #[default]
    Pending,
    /// This object created it, or Synapse shows that the principal holds the role.
    Assigned,
    /// Synapse says that it existed before, and may not be asked under which GUID.
    PreExisting,
    /// Every request for it was refused: it never existed.
    Denied,
    /// A word that this version does not know: taken as [`Self::Pending`].
    #[serde(other)]
    #[schemars(skip)]
    Unknown,
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

/// The write that Azure was last asked for.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct OperationStatus {
    /// What it does: Attach, Update or Detach.
    pub kind: OperationKind,
    /// true: it is about to be sent, or its answer was not heard.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub pending: bool,
    /// Path and query of Azure's operation; never a host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// When it was sent, or was about to be.
    pub started_at: Time,
}

/// What fails, and since when.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct FailureStatus {
    /// When it began to fail, without a success since.
    pub since: Time,
    /// When the last attempt failed.
    pub last_attempt: Time,
    /// What fails: Observe, Put, Detach, `AssignRole` or `RevokeRole`.
    pub step: FailedStep,
    /// true: Azure or Entra refused the last attempt.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub refused: bool,
}

/// What can fail.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FailedStep {
    /// Reading the compute, or what it depends on.
    Observe,
    /// Attaching or updating the compute.
    Put,
    /// Detaching the compute.
    Detach,
    /// Assigning a role in the Synapse workspace.
    AssignRole,
    /// Revoking a role in the Synapse workspace.
    RevokeRole,
    /// A word that this version does not know.
    #[serde(other)]
    #[schemars(skip)]
    Unknown,
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

impl Applied {
    /// Whether there is nothing to store.
    ///
    /// Server-side apply takes an empty object in place of an earlier one for null, which the schema refuses.
    #[expect(clippy::ref_option, reason = "the signature that serde asks for")]
    fn says_nothing(applied: &Option<Self>) -> bool {
        applied.as_ref().is_none_or(|applied| *applied == Self::default())
    }
}
