//! Differences between spec and Azure: those that exist, the last one that others made, and the writes that corrected them.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One difference between spec and Azure.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct DriftStatus {
    /// The field of the spec.
    pub field: String,
    /// The value in the spec.
    pub want: String,
    /// What Azure shows.
    pub have: String,
    /// How many times in the last day the operator wrote this value and it was overwritten.
    #[serde(default, skip_serializing_if = "is_zero")]
    #[schemars(extend("format" = "int32"))]
    pub writes: u32,
    /// Since when they differ.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Time>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
pub(super) const fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// A change that others made to the compute while it was in sync.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct LastDriftStatus {
    /// The fields of the spec that differed; compute if the compute was detached.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<String>,
    /// When the operator observed it.
    pub observed_at: Time,
    /// A time before it at which the compute was in sync: the change was made later. Absent if no such time is known; then the
    /// Activity Log is read for the 24 hours before the observation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_sync_at: Option<Time>,
    /// What Azure's Activity Log shows of it; absent until the operator has read the log, 15 minutes later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub activity_log: Option<ActivityLogStatus>,
}

/// What Azure's Activity Log shows of a change.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct ActivityLogStatus {
    /// Found, `NoEntry` (of another caller than the operator), Ambiguous (the operator cannot tell whether it sent the request
    /// itself) or `NotReadable`.
    pub result: ActivityLogResult,
    /// The object ID in Entra of the caller that changed the compute last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caller: Option<String>,
    /// The caller's user principal name; only with the operator's setting --activity-log-names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caller_name: Option<String>,
    /// When Azure received the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed_at: Option<Time>,
}

/// Whether the Activity Log shows a change.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActivityLogResult {
    /// It shows who changed the compute.
    Found,
    /// It has no entry of another caller than the operator.
    NoEntry,
    /// It has entries that may be the operator's own or those of others: the operator's access token has no object ID.
    Ambiguous,
    /// The operator may not read it, or it gave no answer.
    NotReadable,
    /// A value that this version does not support: read and stored as [`Self::NoEntry`], which names nobody.
    #[serde(other, rename(serialize = "NoEntry"))]
    #[schemars(skip)]
    Unknown,
}

/// Writes that corrected a field of the compute.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct CorrectionStatus {
    /// The field of the spec.
    pub field: String,
    /// The value that was written.
    pub want: String,
    /// How many writes there were.
    #[schemars(extend("format" = "int32"))]
    pub writes: u32,
    /// When the last one was sent.
    pub last_write_at: Time,
}
