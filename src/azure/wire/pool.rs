//! Spark pools, as Machine Learning and Synapse show them.

use serde::Deserialize;

use crate::azure::wire::null::or_default;

/// The snapshot of a pool that Azure ML shows in a `SynapseSpark` compute.
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

/// `GET …/bigDataPools/{pool}` of Synapse: only what is read.
///
/// Source: `Microsoft.Synapse` 2021-06-01, `BigDataPoolResourceInfo`.
#[derive(Debug, Clone, Deserialize, Default, PartialEq)]
#[serde(default, rename_all = "camelCase")]
pub struct SparkPool {
    /// The resource ID, in any case.
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
