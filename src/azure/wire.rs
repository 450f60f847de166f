//! ARM's JSON as sent and received.
//!
//! Reading is lenient: what the service may leave out is optional, unknown
//! fields are passed over, and unknown states, types of compute and spellings
//! survive as the words they are. Sources: the `Microsoft.MachineLearningServices`
//! specification (2025-12-01 and before), and real recordings (`tests/fixtures`).

use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value, json};

/// `GET …/workspaces/{ws}`: the part that we read.
#[derive(Debug, Clone, Deserialize)]
pub struct Workspace {
    /// The Azure region.
    pub location: String,
}

/// A compute of a workspace.
#[derive(Debug, Clone, Deserialize, Default, PartialEq)]
#[serde(default, rename_all = "camelCase")]
pub struct Compute {
    /// The resource ID, in whatever case.
    #[serde(deserialize_with = "or_default")]
    pub id: String,
    /// The name inside the workspace.
    #[serde(deserialize_with = "or_default")]
    pub name: String,
    /// The Azure region.
    pub location: Option<String>,
    /// `null` right after a create, `{}` later, or absent.
    #[serde(deserialize_with = "or_default")]
    pub tags: Map<String, Value>,
    /// Absent where there is none.
    pub identity: Option<Identity>,
    /// What the type of compute says of itself.
    #[serde(deserialize_with = "or_default")]
    pub properties: Properties,
}

/// The properties that all types of compute share, and those of a Spark pool.
#[derive(Debug, Clone, Deserialize, Default, PartialEq)]
#[serde(default, rename_all = "camelCase")]
pub struct Properties {
    /// `SynapseSpark`, or another type, also one that we have never heard of.
    #[serde(deserialize_with = "or_default")]
    pub compute_type: String,
    /// The ARM ID of what is attached.
    pub resource_id: Option<String>,
    /// The text for people.
    pub description: Option<String>,
    /// `Creating`, `Succeeded`, …, also one that we have never heard of.
    pub provisioning_state: Option<String>,
    /// Errors in one of several shapes; see [`errors_of`].
    pub provisioning_errors: Option<Value>,
    /// 6 or 7 digits of a second, and an offset: kept as text.
    pub created_on: Option<String>,
    /// As `created_on`.
    pub modified_on: Option<String>,
    /// What the service says of the pool behind; another shape for other types of compute.
    pub properties: Option<Value>,
}

/// A managed identity, as received.
#[derive(Debug, Clone, Deserialize, Default, PartialEq)]
#[serde(default, rename_all = "camelCase")]
pub struct Identity {
    /// `SystemAssigned`, `Systemassigned`, `SystemAssigned, UserAssigned`, …
    #[serde(rename = "type", deserialize_with = "or_default")]
    pub kind: String,
    /// The system-assigned identity's object ID.
    pub principal_id: Option<String>,
    /// Its tenant.
    pub tenant_id: Option<String>,
    /// By resource ID, in the order of the wire.
    #[serde(deserialize_with = "or_default")]
    pub user_assigned_identities: Map<String, Value>,
}

impl Identity {
    /// Whether the words of `type` hold this one, whatever their case and spaces.
    ///
    /// azure-ai-ml 1.35.2 sends `"Systemassigned"` and `"Systemassigned,Userassigned"` for what Python code gives it.
    #[must_use]
    pub fn has(&self, word: &str) -> bool {
        self.kind.split(',').any(|part| part.trim().eq_ignore_ascii_case(word))
    }
}

/// What Azure ML says of the pool behind a `SynapseSpark` compute.
#[derive(Debug, Clone, Deserialize, Default, PartialEq)]
#[serde(default, rename_all = "camelCase")]
pub struct Pool {
    /// The pool's name.
    pub pool_name: Option<String>,
    /// The Synapse workspace's name.
    pub workspace_name: Option<String>,
    /// The version of Spark.
    pub spark_version: Option<String>,
    /// The size of a node.
    pub node_size: Option<String>,
    /// The family of sizes.
    pub node_size_family: Option<String>,
    /// The number of nodes.
    pub node_count: Option<i32>,
    /// Scaling.
    pub auto_scale_properties: Option<AutoScale>,
    /// Pausing.
    pub auto_pause_properties: Option<AutoPause>,
}

/// `autoScaleProperties`.
#[derive(Debug, Clone, Deserialize, Default, PartialEq)]
#[serde(default, rename_all = "camelCase")]
pub struct AutoScale {
    /// Whether the pool scales by itself.
    pub enabled: bool,
    /// The fewest nodes.
    pub min_node_count: i32,
    /// The most nodes.
    pub max_node_count: i32,
}

/// `autoPauseProperties`.
#[derive(Debug, Clone, Deserialize, Default, PartialEq)]
#[serde(default, rename_all = "camelCase")]
pub struct AutoPause {
    /// Whether the pool pauses by itself.
    pub enabled: bool,
    /// After so many idle minutes.
    pub delay_in_minutes: i32,
}

impl Compute {
    /// What the service says of the pool; empty for another shape.
    #[must_use]
    pub fn pool(&self) -> Pool {
        self.properties.properties.clone().and_then(|inner| serde_json::from_value(inner).ok()).unwrap_or_default()
    }
}

/// `GET …/bigDataPools/{pool}` of Synapse: the part that we read.
///
/// Source: `Microsoft.Synapse` 2021-06-01, `BigDataPoolResourceInfo`.
#[derive(Debug, Clone, Deserialize, Default, PartialEq)]
#[serde(default, rename_all = "camelCase")]
pub struct SparkPool {
    /// The resource ID, in whatever case.
    #[serde(deserialize_with = "or_default")]
    pub id: String,
    /// The pool's name.
    #[serde(deserialize_with = "or_default")]
    pub name: String,
    /// The Azure region.
    pub location: Option<String>,
    /// State, size and version.
    #[serde(deserialize_with = "or_default")]
    pub properties: SparkPoolProperties,
}

/// The properties of a Spark pool. Names differ from those that Machine Learning has for the same.
#[derive(Debug, Clone, Deserialize, Default, PartialEq)]
#[serde(default, rename_all = "camelCase")]
pub struct SparkPoolProperties {
    /// `Provisioning`, `Succeeded`, `Failed`, `Deleting`, …
    pub provisioning_state: Option<String>,
    /// The version of Spark.
    pub spark_version: Option<String>,
    /// The size of a node.
    pub node_size: Option<String>,
    /// The family of sizes.
    pub node_size_family: Option<String>,
    /// The number of nodes.
    pub node_count: Option<i32>,
    /// Scaling.
    pub auto_scale: Option<AutoScale>,
    /// Pausing.
    pub auto_pause: Option<AutoPause>,
}

/// `GET …/linkedServices/{name}` of Machine Learning: the part that we read.
///
/// Source: `Microsoft.MachineLearningServices` 2020-09-01-preview, `LinkedServiceResponse`.
#[derive(Debug, Clone, Deserialize, Default, PartialEq)]
#[serde(default, rename_all = "camelCase")]
pub struct LinkedService {
    /// The name inside the workspace.
    #[serde(deserialize_with = "or_default")]
    pub name: String,
    /// Its own identity.
    pub identity: Option<Identity>,
    /// Where it leads.
    #[serde(deserialize_with = "or_default")]
    pub properties: LinkedServiceProperties,
}

/// The properties of a linked service.
#[derive(Debug, Clone, Deserialize, Default, PartialEq)]
#[serde(default, rename_all = "camelCase")]
pub struct LinkedServiceProperties {
    /// The ID of what is linked: a Synapse workspace.
    #[serde(deserialize_with = "or_default")]
    pub linked_service_resource_id: String,
}

/// A page of `GET /roleAssignments` of Synapse's data plane.
///
/// Source: Synapse data plane 2020-12-01, `RoleAssignmentDetailsList`.
#[derive(Debug, Clone, Deserialize, Default)]
#[serde(default)]
pub struct RoleAssignments {
    /// The assignments of this page.
    #[serde(deserialize_with = "or_default")]
    pub value: Vec<RoleAssignment>,
}

/// A role assignment of Synapse.
#[derive(Debug, Clone, Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
pub struct RoleAssignment {
    /// Its GUID.
    #[serde(deserialize_with = "or_default")]
    pub id: String,
    #[serde(deserialize_with = "or_default")]
    role_definition_id: String,
    #[serde(deserialize_with = "or_default")]
    principal_id: String,
    #[serde(deserialize_with = "or_default")]
    scope: String,
}

impl RoleAssignment {
    /// Whether it assigns this role to this principal on this scope.
    pub(crate) fn is(&self, wanted: &RoleAssignmentRequest) -> bool {
        self.role_definition_id.eq_ignore_ascii_case(&wanted.role)
            && self.principal_id.eq_ignore_ascii_case(&wanted.principal)
            && self.scope.eq_ignore_ascii_case(&wanted.scope)
    }
}

/// A role to a principal on a scope, as the data plane of Synapse names them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RoleAssignmentRequest {
    /// The Synapse workspace's name.
    pub workspace: String,
    /// The role's GUID.
    pub role: String,
    /// The principal's object ID in Entra.
    pub principal: String,
    /// `workspaces/{workspace}`, or `workspaces/{workspace}/bigDataPools/{pool}`.
    pub scope: String,
}

impl RoleAssignmentRequest {
    /// The body of the request that assigns the role.
    #[must_use]
    pub fn body(&self) -> Value {
        json!({
            "roleId": self.role,
            "principalId": self.principal,
            "scope": self.scope,
            "principalType": "ServicePrincipal",
        })
    }
}

/// A page of a LIST. An element that cannot be read is passed over, not the page.
#[derive(Debug, Clone, Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
pub struct Page {
    /// The elements of this page, as they came.
    #[serde(deserialize_with = "or_default")]
    value: Vec<Value>,
    /// Where the next page is; absent, null or empty on the last one.
    pub next_link: Option<String>,
}

impl Page {
    /// The elements of this page.
    pub fn elements<T: serde::de::DeserializeOwned>(self) -> impl Iterator<Item = T> {
        self.value.into_iter().filter_map(|one| serde_json::from_value(one).ok())
    }
}

/// What a PUT carries.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Put {
    /// The workspace's region.
    pub location: String,
    /// The pool's ID.
    pub resource_id: String,
    /// Left out when `None`.
    pub description: Option<String>,
    /// Left out when `None`.
    pub identity: Option<PutIdentity>,
    /// All of them: what is left out here goes.
    pub tags: Vec<(String, String)>,
}

/// The identity that a PUT carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PutIdentity {
    /// `None`, `SystemAssigned`, `UserAssigned` or `SystemAssigned,UserAssigned`.
    pub kind: &'static str,
    /// The resource IDs of user-assigned identities, in order.
    pub user: Vec<String>,
}

impl Put {
    /// The body, as azure-ai-ml sends it: no name, no null, identities in order.
    #[must_use]
    pub fn body(&self) -> Value {
        let mut properties = json!({"computeType": "SynapseSpark", "resourceId": self.resource_id});
        if let Some(description) = &self.description {
            properties["description"] = json!(description);
        }
        let mut body = json!({"location": self.location, "properties": properties});
        if let Some(identity) = &self.identity {
            body["identity"] = json!({"type": identity.kind});
            if !identity.user.is_empty() {
                let ids: Map<_, _> = identity.user.iter().map(|id| (id.clone(), json!({}))).collect();
                body["identity"]["userAssignedIdentities"] = Value::Object(ids);
            }
        }
        if !self.tags.is_empty() {
            body["tags"] = Value::Object(self.tags.iter().map(|(name, value)| (name.clone(), json!(value))).collect());
        }
        body
    }
}

/// Code and message of an error, out of any of the shapes that the service has:
/// `{"error":{…}}`, `{"error":{"error":{…}}}`, or the error itself.
#[must_use]
pub fn error_of(body: &[u8]) -> Option<(String, String)> {
    serde_json::from_slice::<Value>(body).ok().and_then(|value| error_in(&value))
}

/// As [`error_of`], of JSON that is read already.
#[must_use]
pub fn error_in(value: &Value) -> Option<(String, String)> {
    let mut at = value;
    // `error` may stand in `error`: azureml-core's `_get_operation_state` reads it so. Deeper is nobody's shape.
    for _ in 0..3 {
        match at.get("error") {
            Some(inner) if inner.is_object() => at = inner,
            _ => break,
        }
    }
    let details = at.get("details").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    // The first of the details speaks where the error itself is silent.
    let said = |key: &str| {
        let own = at.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
        own.or_else(|| details.iter().find_map(|detail| detail.get(key)?.as_str())).unwrap_or_default().to_owned()
    };
    let (code, message) = (said("code"), said("message"));
    (!code.is_empty() || !message.is_empty()).then_some((code, message))
}

/// All errors of `provisioningErrors`, as code and message.
#[must_use]
pub fn errors_of(errors: Option<&Value>) -> Vec<(String, String)> {
    match errors {
        Some(Value::Array(all)) => all.iter().filter_map(error_in).collect(),
        Some(one) => error_in(one).into_iter().collect(),
        None => Vec::new(),
    }
}

/// Null is as good as absent.
fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(from: D) -> Result<T, D::Error> {
    Option::<T>::deserialize(from).map(Option::unwrap_or_default)
}
