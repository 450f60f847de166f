//! Where the job runs and what it writes to: the compute of an attachment, its pool, and the default datastore.

use kube::ResourceExt;

use super::super::explained::explained;
use super::super::output::remark;
use super::super::plugin::Program;
use super::super::view::{State, View};
use crate::api::SynapseSparkAttachment;
use crate::azure::{Client, Freshness};
use crate::resource_id::{ComputeId, PoolId};

/// What the job needs of Azure, as the caller can read it.
pub(super) struct Target {
    pub(super) namespace: String,
    pub(super) name: String,
    pub(super) compute: ComputeId,
    /// The pool, for people.
    pool: String,
    /// The name of the default datastore.
    pub(super) datastore: String,
}

impl Target {
    /// Reads the compute, the pool and the datastore with the identity of the caller.
    pub(super) async fn of(client: &Client, object: &SynapseSparkAttachment, program: Program) -> Result<Self, String> {
        let (namespace, name) = (object.namespace().unwrap_or_default(), object.name_any());
        let typed = program.typed();
        let view = View::of(object, program);
        let status = object.status.as_ref();
        let Some(id) = status.and_then(|status| status.compute_id.as_deref()) else {
            return Err(format!("{namespace}/{name} has no compute yet. To see why, run {typed} status {name}"));
        };
        if view.state != State::Ready {
            remark(&format!("warning: {namespace}/{name} is not Ready: {}", view.message));
        }
        if let Some(account) = &object.spec.service_account_name {
            remark(&format!("The job is submitted with your own Azure credential, not with that of ServiceAccount {account}"));
        }
        let compute = ComputeId::parse(id).map_err(|error| error.to_string())?;
        let found = client.compute(&compute, Freshness::Now).await;
        let found = found.map_err(|error| format!("the compute {compute} cannot be read: {}", explained(&error)))?;
        let found =
            found.ok_or_else(|| format!("the compute {compute} does not exist. To see why, run {typed} status {name}"))?;
        let properties = found.properties;
        match properties.provisioning_state.as_deref() {
            _ if properties.compute_type != "SynapseSpark" => {
                return Err(format!("the compute {compute} is of the type {}", properties.compute_type));
            }
            Some("Succeeded") => {}
            state => {
                let state = state.unwrap_or("unknown");
                return Err(format!("the compute {compute} is in the state {state}; a job needs one in the state Succeeded"));
            }
        }
        let of_status = status.and_then(|status| status.pool.as_ref()).and_then(|pool| pool.spark_version.clone());
        let pool = pool(client, properties.resource_id.as_deref().unwrap_or_default(), of_status).await;
        let datastore = client.default_datastore(compute.workspace(), Freshness::Now).await;
        let datastore = datastore.map_err(|error| {
            format!("the default datastore of workspace {} cannot be read: {}", compute.workspace().name(), explained(&error))
        })?;
        let datastore = datastore.ok_or_else(|| format!("workspace {} has no default datastore", compute.workspace().name()))?;
        Ok(Self { namespace, name, compute, pool, datastore: datastore.name })
    }

    /// What is used, and as whom, on one line.
    pub(super) fn plan(&self, runs_as: &str) -> String {
        let Self { namespace, name, compute, pool, .. } = self;
        format!(
            "{namespace}/{name}: a Spark job on the compute {} of workspace {}, which is {pool}, as {runs_as}:",
            compute.name(),
            compute.workspace().name(),
        )
    }
}

/// The pool and its version of Spark, which is that of the job. The caller need not be allowed to read pools.
async fn pool(client: &Client, id: &str, of_status: Option<String>) -> String {
    let Ok(pool) = PoolId::parse(id) else { return format!("the pool {id}") };
    let version = match client.pool(&pool, Freshness::Now).await {
        Ok(Some(found)) => found.properties.spark_version,
        Ok(None) => return format!("the pool {} (it does not exist)", pool.name()),
        Err(_) => of_status,
    };
    format!("the pool {} with Spark {}", pool.name(), version.as_deref().unwrap_or("of an unknown version"))
}
