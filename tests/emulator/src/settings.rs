//! The settings: durations, sizes, and alternatives where Azure's behaviour is not known.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::api_versions;
use crate::limits::{Hourly, Limit, Limits, ThrottleProfile};

/// What a PUT without `identity` does to a compute that has one (NF).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum AbsentIdentity {
    /// It stays.
    Keep,
    /// It is removed, because a PUT replaces the whole resource.
    Remove,
}

/// How a PUT is handled whose `location` is not that of the workspace (NF for a new compute).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum WrongLocation {
    /// It is refused.
    Refuse,
    /// The compute gets the location of the workspace.
    Ignore,
}

/// How an attach is handled whose pool is not `Succeeded` (NF).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum UnusablePool {
    /// The operation fails, as it does without a pool.
    Fail,
    /// It is attached.
    Attach,
}

/// How keys of a body are handled that the specification does not have (NF).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum UnknownKeys {
    /// The request is refused.
    Refuse,
    /// They are dropped.
    Ignore,
}

/// How a role assignment is handled whose principal or pool does not exist (NF).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum AbsentAssignee {
    /// It is refused.
    Refuse,
    /// It is accepted.
    Accept,
}

/// How an operation is answered when its compute is gone: both have been observed (REAL, of other types).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum DetachedOperation {
    /// How it ended.
    Kept,
    /// 404.
    NotFound,
}

/// Everything that `PATCH /_emulator/settings` can change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
// Many fields: one per switch.
pub struct Settings {
    /// The duration of the operation of a PUT or DELETE of a compute.
    #[serde(with = "duration")]
    pub operation_duration: Duration,
    /// The duration of a job or a step; null: that of an operation.
    #[serde(with = "duration::optional")]
    pub job_duration: Option<Duration>,
    /// By how much the Activity Log lags behind (DOC: minutes; 10 to 15 in Log Analytics without a diagnostic setting).
    #[serde(with = "duration")]
    pub activity_log_lag: Duration,
    /// The number of items on a page of LIST (the service's number is NF).
    pub page_size: usize,
    /// Whether user-assigned identities are returned in sorted order, instead of as sent (NF).
    pub sort_identities: bool,
    /// Whether the keys of user-assigned identities are returned with `/resourcegroups/` (DOC).
    pub lowercase_resource_groups: bool,
    /// What a PUT without `identity` does.
    pub absent_identity: AbsentIdentity,
    /// Whether the tags of a PUT show only when its operation ends, and until then those from before (NF).
    pub tags_visible_at_end: bool,
    /// How long after a write GET and LIST still show the compute as it was before (NF); zero: not at all.
    #[serde(with = "duration")]
    pub stale_reads: Duration,
    /// The same of LIST alone, where it is longer: a GET shows more than a LIST (NF).
    #[serde(with = "duration")]
    pub stale_lists: Duration,
    /// How a PUT with another region is handled.
    pub wrong_location: WrongLocation,
    /// The maximum number of tags of a compute (DOC: 50, for resources; whether it applies to computes is NF).
    pub tag_limit: usize,
    /// Whether the names and values of tags are checked (DOC, for resources; whether it applies to computes is NF).
    pub tag_rules: bool,
    /// How keys are handled that the specification does not have.
    pub unknown_keys: UnknownKeys,
    /// How long after a detach the system-assigned identity of the compute is still being deleted, so that another of its
    /// name can't have one (REAL of other types: some 150 s).
    #[serde(with = "duration")]
    pub identity_deletion: Duration,
    /// How an attach is handled whose pool is not `Succeeded`.
    pub unusable_pool: UnusablePool,
    /// How an operation is answered when its compute is gone.
    pub detached_operation: DetachedOperation,
    /// Whether reading an operation requires permission (DOC: the action exists; whether it is required is NF).
    pub operation_rights: bool,
    /// Whether PUT and DELETE return the URL of their operation; otherwise only the compute shows the progress.
    pub operation_header: bool,
    /// The API versions that each provider serves: those of the specification, and those that Microsoft's clients send.
    pub api_versions: BTreeMap<String, Vec<String>>,
    /// Whether a failed operation has `error.error` (SDK: v1's client handles it) instead of `error`.
    pub double_nested_errors: bool,
    /// Whether a PUT creates a linked service. Azure no longer creates new ones (DOC); the text of the refusal is INF.
    pub linked_services_creatable: bool,
    /// The time after its PUT until a Synapse role takes effect for jobs (DOC: some minutes).
    #[serde(with = "duration")]
    pub role_propagation: Duration,
    /// How a role assignment is handled whose principal or pool does not exist.
    pub absent_assignee: AbsentAssignee,
    /// How long after an attach a new principal can't be assigned a role (DOC of Azure's own roles: minutes).
    #[serde(with = "duration")]
    pub principal_propagation: Duration,
    /// Whether `discoveryUrl` of a Machine Learning workspace is that of the emulator, instead of the host that it has in Azure.
    pub own_discovery: bool,
    /// Whether requests to ARM are limited.
    pub throttling: bool,
    /// How they are counted.
    pub throttle_profile: ThrottleProfile,
    /// The sizes of the token buckets.
    pub throttle: Limits,
    /// The limits for an hour.
    pub hourly: Hourly,
    /// The bucket with which the resource providers override ARM's limit, and replace its headers by their own (DOC).
    pub provider_limit: Option<Limit>,
    /// The seconds of `Retry-After` on PUT, DELETE and operations; the service sends none (REAL).
    pub operation_retry_after: Option<u64>,
    /// The resources for which the tenant issues tokens, in addition to Azure's.
    pub known_resources: Vec<String>,
    /// The lifetime of an access token.
    #[serde(with = "duration")]
    pub token_lifetime: Duration,
    /// The maximum number of requests in the journal; the oldest are removed first.
    pub journal_size: usize,
    /// The approximate maximum size of the journal's requests in bytes.
    pub journal_bytes: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            operation_duration: Duration::from_secs(2),
            job_duration: None,
            activity_log_lag: Duration::from_mins(15),
            page_size: 50,
            sort_identities: false,
            lowercase_resource_groups: true,
            absent_identity: AbsentIdentity::Remove,
            tags_visible_at_end: false,
            stale_reads: Duration::ZERO,
            stale_lists: Duration::ZERO,
            wrong_location: WrongLocation::Refuse,
            tag_limit: 50,
            tag_rules: true,
            unknown_keys: UnknownKeys::Refuse,
            identity_deletion: Duration::from_secs(150),
            unusable_pool: UnusablePool::Fail,
            detached_operation: DetachedOperation::Kept,
            operation_rights: false,
            operation_header: true,
            api_versions: api_versions::served(),
            double_nested_errors: false,
            linked_services_creatable: false,
            role_propagation: Duration::ZERO,
            absent_assignee: AbsentAssignee::Refuse,
            principal_propagation: Duration::ZERO,
            own_discovery: false,
            throttling: true,
            throttle_profile: ThrottleProfile::default(),
            throttle: Limits::default(),
            hourly: Hourly::default(),
            provider_limit: None,
            operation_retry_after: None,
            known_resources: Vec::new(),
            token_lifetime: Duration::from_secs(3599),
            journal_size: 100_000,
            journal_bytes: 64 * 1024 * 1024,
        }
    }
}

impl Settings {
    /// These settings with a JSON merge patch (RFC 7396) applied.
    ///
    /// # Errors
    ///
    /// The text names the unknown key, or the invalid value.
    pub fn patched(&self, patch: &Value) -> Result<Self, String> {
        if !patch.is_object() {
            return Err("the settings are a JSON object".into());
        }
        let mut whole = serde_json::to_value(self).map_err(|e| e.to_string())?;
        merge(&mut whole, patch);
        let settings: Self = serde_json::from_value(whole).map_err(|e| e.to_string())?;
        if settings.page_size == 0 {
            return Err("pageSize must be at least 1".into());
        }
        Ok(settings)
    }
}

/// Applies a JSON merge patch (RFC 7396).
pub(crate) fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(changes) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(serde_json::Map::new());
    }
    let Some(map) = target.as_object_mut() else {
        return;
    };
    for (key, change) in changes {
        if change.is_null() {
            map.shift_remove(key);
        } else {
            merge(map.entry(key.clone()).or_insert(Value::Null), change);
        }
    }
}

/// Reads `300ms`, `2s`, `5m` or `1h`.
///
/// # Errors
///
/// The text has the given value and the accepted ones.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let unknown = || format!("{text:?} is no duration: say 300ms, 2s, 5m or 1h");
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().map_err(|_| unknown())?;
    let millis = match unit {
        "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return Err(unknown()),
    };
    number.checked_mul(millis).map(Duration::from_millis).ok_or_else(unknown)
}

/// Durations as text, for serde.
pub(crate) mod duration {
    use super::{Duration, parse_duration};
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(crate) fn serialize<S: Serializer>(value: &Duration, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&format!("{}ms", value.as_millis()))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
        parse_duration(&String::deserialize(from)?).map_err(D::Error::custom)
    }

    /// The same, or null.
    pub(crate) mod optional {
        use super::{Deserialize, Deserializer, Duration, Error, Serializer, parse_duration};

        #[expect(clippy::ref_option, reason = "serde asks for it so")]
        pub(crate) fn serialize<S: Serializer>(value: &Option<Duration>, to: S) -> Result<S::Ok, S::Error> {
            match value {
                Some(value) => super::serialize(value, to),
                None => to.serialize_none(),
            }
        }

        pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Duration>, D::Error> {
            Option::<String>::deserialize(from)?.map(|text| parse_duration(&text).map_err(D::Error::custom)).transpose()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn durations_have_a_unit() {
        assert_eq!(parse_duration("300ms"), Ok(Duration::from_millis(300)));
        assert_eq!(parse_duration("5m"), Ok(Duration::from_mins(5)));
        assert!(parse_duration("5").is_err());
        assert!(parse_duration("s").is_err());
    }

    #[test]
    fn a_patch_with_an_unknown_key_is_refused_and_the_key_named() {
        let refused = Settings::default().patched(&json!({"pageSise": 3})).expect_err("no such setting");
        assert!(refused.contains("pageSise"), "{refused}");
    }

    #[test]
    fn null_resets_a_setting() {
        let set = Settings::default().patched(&json!({"operationRetryAfter": 7, "operationDuration": "300ms"})).expect("known");
        assert_eq!((set.operation_retry_after, set.operation_duration), (Some(7), Duration::from_millis(300)));
        assert_eq!(set.patched(&json!({"operationRetryAfter": null})).expect("known").operation_retry_after, None);
    }
}
