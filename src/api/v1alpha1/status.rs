//! The status of a `SynapseSparkAttachment`.
//!
//! Longer than other files: the schema of the status is read in one piece, with the text of `kubectl explain`.

mod drift;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use drift::*;

/// The state at the last observation. All of it can be rebuilt by observing again.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
// What the API server shows before the first observation: kstatus considers an object without observedGeneration current.
// Source: <https://github.com/fluxcd/kustomize-controller/issues/387>.
#[schemars(extend("default" = {"observedGeneration": -1}))]
// Many fields: the schema of the custom resource.
pub struct AttachmentStatus {
    /// The generation of the spec that this status describes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Ready is always present, Reconciling and Stalled only while true (kstatus), `RoleAssigned` with spec.synapseRole.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    pub conditions: Vec<Condition>,
    /// The Azure resource ID of the compute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compute_id: Option<String>,
    /// The name of the compute inside its workspace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compute_name: Option<String>,
    /// Azure's state of the compute: Creating, Succeeded, Failed, Deleting, …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provisioning_state: Option<String>,
    /// The Azure region of the compute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// When Azure created the compute, as Azure formats it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_on: Option<String>,
    /// When Azure last changed the compute, as Azure formats it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modified_on: Option<String>,
    /// The managed identity that Azure shows, with its principals.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<IdentityStatus>,
    /// The linked service that the spec names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub linked_service: Option<LinkedServiceStatus>,
    /// The Synapse role assignments of the identities. Those that this object created are revoked with the attachment.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub role_assignments: Vec<RoleAssignmentStatus>,
    /// The Spark pool of the attachment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pool: Option<PoolStatus>,
    /// Why Azure failed to attach or update the compute.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub provisioning_errors: Vec<ProvisioningError>,
    /// Set while the operator does not re-attach a missing compute, because many computes of its workspace are missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub safety_stop: Option<SafetyStop>,
    /// Set while a detach waits for jobs (spec.deletionGuard), and until the compute is detached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting_for_jobs: Option<WaitingForJobs>,
    /// The last operation that was requested; absent once it has succeeded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<OperationStatus>,
    /// When an attach or update was sent whose response was lost. Azure may still process it for ten minutes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unanswered_put_at: Option<Time>,
    /// The differences between spec and Azure; absent when there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub drift: Vec<DriftStatus>,
    /// The writes of the last day that corrected a tag or the description: after three that were overwritten, the operator waits
    /// for a day or until a reconcile is requested.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub corrections: Vec<CorrectionStatus>,
    /// The last change that others made to the compute while it was in sync, and who made it, according to Azure's Activity
    /// Log. It stays after the correction.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_drift: Option<LastDriftStatus>,
    /// What the operator last applied, so that changes by others are kept.
    #[serde(default, skip_serializing_if = "Applied::has_nothing_to_store")]
    pub applied: Option<Applied>,
    /// What was written for other manifests (spec.outputs).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outputs: Option<OutputsStatus>,
    /// What fails, and since when. The backoff between attempts grows with this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<FailureStatus>,
    /// When the operator expects that Azure's request limits allow the next request; absent unless the attachment waits for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queued_until: Option<Time>,
    /// The value of the annotation synapse-spark.dev/reconcile-requested-at that was handled last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_handled_reconcile_at: Option<String>,
    /// The value of the annotation synapse-spark.dev/force-requested-at that was handled last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_handled_force_at: Option<String>,
    /// When a force request last led to a write to the compute. Further force requests are ignored for five minutes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_forced_at: Option<Time>,
}

/// What was written for other manifests. The condition `OutputsWritten` shows whether it is there.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct OutputsStatus {
    /// The ConfigMap that the operator writes, or has still to delete.
    pub config_map_name: String,
}

/// Why a missing compute is not attached again.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct SafetyStop {
    /// When the stop began. The annotation synapse-spark.dev/allow-recreate with this value ends it.
    pub since: Time,
}

impl SafetyStop {
    /// The value of the annotation that ends this stop.
    #[must_use]
    pub fn token(&self) -> String {
        self.since.0.to_string()
    }
}

/// A detach that waits, or has waited, for jobs.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct WaitingForJobs {
    /// Since when.
    pub since: Time,
    /// When the compute is detached even if jobs have not ended.
    pub until: Time,
    /// How many jobs had not ended when they were last read.
    #[serde(default, skip_serializing_if = "drift::is_zero")]
    #[schemars(extend("format" = "int32"))]
    pub count: u32,
    /// The first of these jobs, five at most.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub jobs: Vec<JobStatus>,
    /// Whether spec.deletionGuardTimeout has passed before the jobs had ended.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub timed_out: bool,
}

/// A job that uses the compute.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct JobStatus {
    /// The job's name.
    pub name: String,
    /// Azure's state of the job.
    pub status: String,
}

/// The managed identity that Azure shows.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct IdentityStatus {
    /// Azure's type of the identity.
    #[serde(rename = "type")]
    pub kind: String,
    /// The object ID of the system-assigned identity in Entra, which needs a role in the Synapse workspace.
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
    /// Whether Synapse refused to revoke it when the object was deleted; the deletion then no longer waits for that.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub revocation_refused: bool,
}

/// The phase of a role assignment.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RolePhase {
    /// The request is about to be sent, or had no answer.
    #[default]
    Pending,
    /// This object created it, or Synapse shows that the principal holds the role.
    Assigned,
    /// Synapse reports that it existed before, and the operator may not read its GUID.
    PreExisting,
    /// Every request for it was denied, so it never existed.
    Denied,
    /// A value that this version does not support: read and stored as [`Self::Pending`], since the assignment may exist.
    #[serde(other, rename(serialize = "Pending"))]
    #[schemars(skip)]
    Unknown,
}

/// The Spark pool of the attachment.
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
    /// The number of nodes, if the pool does not scale automatically.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node_count: Option<i32>,
    /// The automatic scaling of the pool.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auto_scale: Option<AutoScale>,
    /// The automatic pause of the pool.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auto_pause: Option<AutoPause>,
}

/// The automatic scaling of the pool.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct AutoScale {
    /// Whether it is enabled.
    pub enabled: bool,
    /// The minimum number of nodes.
    pub min_node_count: i32,
    /// The maximum number of nodes.
    pub max_node_count: i32,
}

/// The automatic pause of the pool.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct AutoPause {
    /// Whether it is enabled.
    pub enabled: bool,
    /// The number of idle minutes before the pool pauses.
    pub delay_in_minutes: i32,
}

/// One of Azure's errors.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct ProvisioningError {
    /// Azure's code.
    pub code: String,
    /// Azure's message.
    pub message: String,
}

/// The last write that was requested from Azure.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct OperationStatus {
    /// What it does: Attach, Update, Detach or Transfer.
    pub kind: OperationKind,
    /// Whether it is about to be sent, or its answer was lost.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub pending: bool,
    /// Path and query of Azure's operation; never a host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The pool that an attach or update names: a compute of another pool is not the one that it created.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pool: Option<String>,
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
    /// Whether Azure or Entra refused the last attempt.
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
    /// A value that this version does not support: read and stored as [`Self::Observe`], which keeps the time.
    #[serde(other, rename(serialize = "Observe"))]
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
    /// Hands the compute over to another object: changes nothing but its owner tag.
    Transfer,
    /// A value that this version does not support: read and stored as [`Self::Update`], which proves no ownership.
    #[serde(other, rename(serialize = "Update"))]
    #[schemars(skip)]
    Unknown,
}

/// What the operator last applied in Azure.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Applied {
    /// The names of the tags that the operator set and may remove.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// The user-assigned identities, in the order in which they were sent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub identities: Vec<String>,
    /// Whether Azure then showed them in that order. If not, a different order is not drift.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_kept: Option<bool>,
    /// When Azure created the compute that this object owns: distinguishes it from a later one of that name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_on: Option<String>,
    /// Whether the operator set the description and may remove it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub description: bool,
}

impl Applied {
    /// Whether there is nothing to store.
    ///
    /// Server-side apply takes an empty object in place of an earlier one for null, which the schema refuses.
    #[expect(clippy::ref_option, reason = "the signature that serde asks for")]
    fn has_nothing_to_store(applied: &Option<Self>) -> bool {
        applied.as_ref().is_none_or(|applied| *applied == Self::default())
    }
}
