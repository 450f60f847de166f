//! The Spark pool, as its own GET and as the compute that attaches it show it.

use serde_json::{Value, json};

use super::{Progress, World, seed::Pool};
use crate::fault::Failure;
use crate::id;
use crate::settings::{UnusablePool, merge};

/// ARM's type name of a Spark pool.
pub(crate) const POOL_TYPE: &str = "Microsoft.Synapse/workspaces/bigDataPools";

/// ARM's type name of the workspace that contains it.
pub(crate) const SYNAPSE_TYPE: &str = "Microsoft.Synapse/workspaces";

impl World {
    /// The result of attaching this compute.
    ///
    /// How the service answers for a pool that does not exist, or is not `Succeeded`, is NF; that the compute stays as Failed is
    /// REAL of other types.
    pub(super) fn outcome(&self, compute: &Value, unusable: UnusablePool) -> Progress {
        let Some(id) = pool_id(compute) else {
            return Progress::Succeeded;
        };
        let failed = |message| Progress::Failed(Failure::new("UserError", message));
        match self.pools.get(&id::fold(id)) {
            None => failed(format!("The Synapse Spark pool '{id}' was not found.")),
            Some(pool) if unusable == UnusablePool::Fail && pool.provisioning_state != "Succeeded" => {
                failed(format!("The Synapse Spark pool '{id}' is in the state '{}'.", pool.provisioning_state))
            }
            Some(_) => Progress::Succeeded,
        }
    }

    /// The inner properties, which the service fills from the pool (SPEC, DOC).
    pub(super) fn filled(&self, compute: &Value) -> Option<Value> {
        let at = pool_id(compute)?;
        let pool = self.pools.get(&id::fold(at))?;
        let (scale, pause) = (&pool.auto_scale, &pool.auto_pause);
        // Without autoscale the counts are 0 (DOC).
        let nodes = |count| if scale.enabled { count } else { 0 };
        Some(json!({
            "autoScaleProperties": {"minNodeCount": nodes(scale.min_node_count), "maxNodeCount": nodes(scale.max_node_count), "enabled": scale.enabled},
            "autoPauseProperties": {"delayInMinutes": pause.delay_in_minutes, "enabled": pause.enabled},
            "sparkVersion": pool.spark_version,
            "nodeCount": pool.node_count,
            "nodeSize": pool.node_size,
            "nodeSizeFamily": pool.node_size_family,
            // The specification does not define whose subscription, group and workspace these are: Synapse's (INF).
            "subscriptionId": id::subscription(at),
            "resourceGroup": id::part(at, "resourceGroups"),
            "workspaceName": id::part(at, "workspaces"),
            "poolName": id::name(at),
        }))
    }

    /// The body of the pool's own GET (SPEC). Its location is its workspace's, unless the seed has another one.
    pub(crate) fn pool_body(&self, pool: &Pool) -> Value {
        let workspace = pool.id.rsplitn(3, '/').last().unwrap_or_default();
        let location = pool.location.as_ref().or_else(|| Some(&self.synapse.get(&id::fold(workspace))?.location));
        json!({
            "id": pool.id,
            "name": id::name(&pool.id),
            "type": POOL_TYPE,
            "location": location,
            "tags": pool.tags,
            "properties": {
                "provisioningState": pool.provisioning_state,
                "sparkVersion": pool.spark_version,
                "nodeCount": pool.node_count,
                "nodeSize": pool.node_size,
                "nodeSizeFamily": pool.node_size_family,
                "autoScale": pool.auto_scale,
                "autoPause": pool.auto_pause,
                "dynamicExecutorAllocation": pool.dynamic_executor_allocation,
                "isComputeIsolationEnabled": false,
                "isAutotuneEnabled": false,
                "sessionLevelPackagesEnabled": false,
                "cacheSize": 0,
                "creationDate": pool.creation_date,
            }
        })
    }

    /// Merges JSON into a pool, in the format of a seed, like a change by another client. An attached compute shows the old
    /// values (INF).
    pub(crate) fn change_pool(&mut self, key: &str, patch: &Value) -> Option<Result<Value, String>> {
        let pool = self.pools.get_mut(key)?;
        let mut changed = json!(pool);
        merge(&mut changed, patch);
        Some(serde_json::from_value(changed).map_err(|e| e.to_string()).and_then(|changed: Pool| {
            if id::fold(&changed.id) != key {
                return Err("the id of a pool can't be changed".into());
            }
            *pool = changed;
            Ok(json!(pool))
        }))
    }
}

/// The pool of a Synapse Spark compute; none of other types.
fn pool_id(compute: &Value) -> Option<&str> {
    let properties = &compute["properties"];
    properties["computeType"].as_str().filter(|t| t.eq_ignore_ascii_case("SynapseSpark"))?;
    properties["resourceId"].as_str()
}
