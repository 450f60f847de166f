//! Workspaces and computes of Machine Learning, as received.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use crate::azure::wire::identity::Identity;
use crate::azure::wire::null::or_default;
use crate::azure::wire::pool::Pool;
use crate::unmanaged::Unmanaged;

/// `GET …/workspaces/{ws}`: only what is read.
#[derive(Debug, Clone, Deserialize)]
pub struct Workspace {
    /// The Azure region.
    pub location: String,
    /// What it consists of.
    #[serde(default, deserialize_with = "or_default")]
    pub properties: WorkspaceProperties,
}

/// The properties of a workspace.
#[derive(Debug, Clone, Deserialize, Default, PartialEq)]
#[serde(default, rename_all = "camelCase")]
pub struct WorkspaceProperties {
    /// The ID of the storage account that it was created with.
    pub storage_account: Option<String>,
    /// Where the hosts of Machine Learning in its region are listed.
    pub discovery_url: Option<String>,
}

/// A compute of a workspace.
#[derive(Debug, Clone, Deserialize, Default, PartialEq)]
#[serde(default, rename_all = "camelCase")]
pub struct Compute {
    /// The resource ID, in any case.
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
    /// What depends on the type of compute.
    #[serde(deserialize_with = "or_default")]
    pub properties: Properties,
    /// Who created and changed it; absent in most answers.
    pub system_data: Option<SystemData>,
    /// What a PUT sends back unchanged: from a GET only, since a LIST may be older.
    #[serde(skip)]
    pub unmanaged: Unmanaged,
}

impl Compute {
    /// A compute as a GET shows it, with everything that a PUT has to send back.
    ///
    /// # Errors
    ///
    /// If a field has another type than Azure gives it.
    pub fn of(shown: &Value) -> Result<Self, serde_json::Error> {
        Ok(Self { unmanaged: Unmanaged::of(shown), ..Self::deserialize(shown)? })
    }
}

/// Azure Resource Manager's record of who writes a resource: `systemData` of the common types of its specifications.
#[derive(Debug, Clone, Deserialize, Default, PartialEq)]
#[serde(default, rename_all = "camelCase")]
pub struct SystemData {
    last_modified_by: Option<String>,
    last_modified_by_type: Option<String>,
}

impl SystemData {
    /// Kind and ID of the identity that wrote it last, as `Application 1111…`.
    #[must_use]
    pub fn last_modified_by(&self) -> Option<String> {
        let by = self.last_modified_by.as_deref().filter(|by| !by.is_empty())?;
        Some(format!("{} {by}", self.last_modified_by_type.as_deref().unwrap_or("identity")))
    }
}

/// The properties that all types of compute share, and those of a Spark pool.
#[derive(Debug, Clone, Deserialize, Default, PartialEq)]
#[serde(default, rename_all = "camelCase")]
pub struct Properties {
    /// `SynapseSpark` or another type, including unknown ones.
    #[serde(deserialize_with = "or_default")]
    pub compute_type: String,
    /// The ARM ID of what is attached.
    pub resource_id: Option<String>,
    /// The text for people.
    pub description: Option<String>,
    /// `Creating`, `Succeeded`, … or an unknown state.
    pub provisioning_state: Option<String>,
    /// Errors in one of several shapes; see [`errors_of`](crate::azure::wire::errors_of).
    pub provisioning_errors: Option<Value>,
    /// A time with 6 or 7 digits of a second and an offset, as text.
    pub created_on: Option<String>,
    /// As `created_on`.
    pub modified_on: Option<String>,
    /// A snapshot of the pool; empty where another type of compute has another shape here.
    #[serde(rename = "properties", deserialize_with = "of_this_shape")]
    pub pool: Pool,
}

/// What identifies a compute of a LIST. The rest of it is decoded on demand, as a [`Compute`].
#[derive(Debug, Clone, Deserialize, Default)]
#[serde(default)]
pub struct ListedCompute {
    /// The resource ID, in any case.
    #[serde(deserialize_with = "or_default")]
    pub id: String,
    /// The name inside the workspace.
    #[serde(deserialize_with = "or_default")]
    pub name: String,
    /// Its type.
    #[serde(deserialize_with = "or_default")]
    pub properties: TypeOfCompute,
}

/// The properties of a [`ListedCompute`].
#[derive(Debug, Clone, Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
pub struct TypeOfCompute {
    /// `SynapseSpark` or another type, including unknown ones.
    #[serde(deserialize_with = "or_default")]
    pub compute_type: String,
}

/// Reads a value of another shape like an absent field.
fn of_this_shape<'de, D: Deserializer<'de>, T: DeserializeOwned + Default>(from: D) -> Result<T, D::Error> {
    Ok(serde_json::from_value(Value::deserialize(from)?).unwrap_or_default())
}
