//! What every reconcile needs.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Namespace;
use kube::api::Api;
use kube::{Client, ResourceExt};
use tokio::time::Instant;

use crate::api::SynapseSparkAttachment;
use crate::azure;
use crate::controller::activity_log::ActivityLog;
use crate::controller::claims::Claims;
use crate::controller::definition::Definition;
use crate::controller::identity::Identities;
use crate::controller::job_checks::JobChecks;
use crate::controller::key::Key;
use crate::controller::losses::Workspaces;
use crate::controller::memory::Memory;
use crate::controller::metrics::Metrics;
use crate::controller::orphans::Orphans;
use crate::controller::recorders::Recorders;
use crate::controller::shard::Shard;
use crate::controller::stored::Stored;
use crate::controller::ticks::Ticks;
use crate::planner::backoff::SPARK_VERSION_WARNING;

/// The name under which the operator owns the fields of the status.
pub const FIELD_MANAGER: &str = "synapse-spark-operator";

/// Why a reconcile ended early, without a status that reports it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Kubernetes refused a request.
    #[error("Kubernetes refused {action}")]
    Refused {
        /// The request.
        action: &'static str,
        /// Its answer.
        #[source]
        source: kube::Error,
    },
    /// The object has changed since it was read: nothing is written based on an old version.
    #[error("the object has changed since it was read")]
    Conflict,
    /// Another process may already lead: this one is about to terminate.
    #[error("the Lease is lost; no further writes")]
    NotLeader,
}

impl Error {
    /// Kubernetes refused this.
    pub(crate) fn refused(action: &'static str) -> impl FnOnce(kube::Error) -> Self {
        move |source| Self::Refused { action, source }
    }

    /// Whether the API server refuses a field that its definition does not declare.
    pub(crate) fn is_undeclared_field(&self) -> bool {
        matches!(self, Self::Refused { source: kube::Error::Api(refusal), .. } if refusal.message.contains("field not declared in schema"))
    }

    /// Whether the API server refuses the object that would result.
    pub(crate) fn is_invalid(&self) -> bool {
        matches!(self, Self::Refused { source: kube::Error::Api(refusal), .. } if refusal.code == 422)
    }
}

/// What every reconcile needs.
pub struct Context {
    /// Kubernetes, for requests: with timeouts.
    pub kube: Client,
    /// Azure, with the operator's own identity.
    pub(crate) azure: Arc<azure::Client>,
    /// Azure, with the identities of `ServiceAccounts` that objects name.
    pub(crate) identities: Identities,
    /// The UID of the cluster's `kube-system` namespace.
    pub cluster: String,
    /// The time between two observations of what is in sync.
    pub resync: Duration,
    /// How many days before the end of its support a version of Spark is reported.
    pub spark_version_warning: u16,
    /// When Azure's Activity Log is read to find who changed a compute.
    pub activity_log: ActivityLog,
    /// What the controller keeps per object.
    pub objects: Objects,
    /// The metrics.
    pub metrics: Metrics,
    /// Leadership, shard and events.
    pub(crate) process: Process,
}

/// What the controller keeps per object.
#[derive(Debug, Default)]
pub struct Objects {
    /// Which objects claim which compute, and which share a role assignment.
    pub claims: Claims,
    /// What is kept in memory from one reconcile to the next.
    pub(crate) memory: Memory,
    /// How many computes of each workspace are missing.
    pub(crate) workspaces: Workspaces,
    /// Which objects exist, and which computes have none.
    pub(crate) orphans: Orphans,
    /// What the checks for Spark jobs showed.
    pub(crate) job_checks: Arc<JobChecks>,
    /// When each object is due.
    pub(crate) ticks: Arc<Ticks>,
}

/// Whether this process may write, by which clock, for which objects, over which definition, and as whom it publishes events.
pub(crate) struct Process {
    time_to_write: Box<dyn Fn() -> Option<Duration> + Send + Sync>,
    wall_clock: Box<dyn Fn() -> Timestamp + Send + Sync>,
    shard: Shard,
    pub(crate) definition: Arc<Definition>,
    pub(crate) recorders: Recorders,
}

impl Context {
    /// Creates the context.
    #[must_use]
    pub fn new(kube: Client, azure: azure::Client, cluster: String, resync: Duration, metrics: Metrics) -> Self {
        let recorders = Recorders::new(kube.clone(), FIELD_MANAGER);
        metrics.resync_interval.set(resync.as_secs_f64());
        metrics.spark_version_warning.set(SPARK_VERSION_WARNING.into());
        let objects = Objects::default();
        metrics.watch_queue(&objects.ticks);
        Self {
            kube,
            azure: Arc::new(azure.with_mark(&cluster)),
            identities: Identities::new(None),
            cluster,
            resync,
            spark_version_warning: SPARK_VERSION_WARNING,
            activity_log: ActivityLog::default(),
            objects,
            metrics,
            process: Process {
                time_to_write: Box::new(|| Some(Duration::MAX)),
                wall_clock: Box::new(Timestamp::now),
                shard: Shard::All,
                definition: Arc::default(),
                recorders,
            },
        }
    }

    /// With a tenant for `ServiceAccounts` that name none.
    #[must_use]
    pub fn with_default_tenant(self, tenant: Option<String>) -> Self {
        Self { identities: Identities::new(tenant), ..self }
    }

    /// Reports a version of Spark so many days before its support ends.
    #[must_use]
    pub fn with_spark_version_warning(self, days: u16) -> Self {
        self.metrics.spark_version_warning.set(i64::from(days));
        Self { spark_version_warning: days, ..self }
    }

    /// With these settings of the Activity Log.
    #[must_use]
    pub fn with_activity_log(self, activity_log: ActivityLog) -> Self {
        Self { activity_log, ..self }
    }

    /// Writes nothing, neither to Azure nor to Kubernetes, while this returns none; otherwise it returns for how long this process
    /// may still write.
    #[must_use]
    pub fn with_write_gate(self, time_to_write: impl Fn() -> Option<Duration> + Send + Sync + 'static) -> Self {
        let process = Process { time_to_write: Box::new(time_to_write), ..self.process };
        Self { process, ..self }
    }

    /// Takes the time of reconciles from this clock instead of the system's: one that agrees with a paused clock of the runtime.
    #[must_use]
    pub fn with_wall_clock(self, wall_clock: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        let process = Process { wall_clock: Box::new(wall_clock), ..self.process };
        Self { process, ..self }
    }

    /// Reconciles only the objects of this shard.
    #[must_use]
    pub fn with_shard(self, shard: Shard) -> Self {
        let process = Process { shard, ..self.process };
        Self { process, ..self }
    }

    /// Writes a status only with the fields of this definition.
    #[must_use]
    pub fn with_definition(self, definition: Arc<Definition>) -> Self {
        let process = Process { definition, ..self.process };
        Self { process, ..self }
    }

    /// Which objects are reconciled, by their subscription.
    pub(crate) fn shard(&self) -> &Shard {
        &self.process.shard
    }

    /// The time of day.
    pub(crate) fn now(&self) -> Timestamp {
        (self.process.wall_clock)()
    }

    /// Called right before each write. Returns when the write must have ended; none if there is no limit.
    ///
    /// # Errors
    ///
    /// [`Error::NotLeader`] unless this process may write just now.
    pub(crate) fn ensure_leader(&self) -> Result<Option<Instant>, Error> {
        let left = (self.process.time_to_write)().ok_or(Error::NotLeader)?;
        Ok(Instant::now().checked_add(left))
    }

    /// Whether a missing access token is the operator's own problem.
    pub(crate) fn uses_own_identity(&self, object: &SynapseSparkAttachment) -> bool {
        object.spec.service_account_name.is_none() && !self.azure.is_unavailable()
    }

    /// Reads an object live; none if it is gone, or cannot be decoded any longer.
    ///
    /// # Errors
    ///
    /// [`Error`] if Kubernetes refuses it.
    pub(crate) async fn read(&self, object: &SynapseSparkAttachment) -> Result<Option<SynapseSparkAttachment>, Error> {
        let live = self.api(object).get_opt(&object.name_any()).await.map_err(Error::refused("to read the object"))?;
        Ok(live.and_then(|stored| stored.0.ok()))
    }

    /// An object is gone: it no longer waits for anything.
    pub(crate) fn forget(&self, key: &Key) {
        self.objects.memory.forget(key);
        self.objects.workspaces.forget(key);
        self.objects.ticks.forget(key);
        self.objects.job_checks.forget(key);
        let (namespace, name) = key.parts();
        self.azure.withdraw(&azure::Object { namespace: namespace.to_owned(), name: name.to_owned() });
    }

    /// The objects of an object's namespace.
    pub(crate) fn api(&self, object: &SynapseSparkAttachment) -> Api<Stored> {
        Api::namespaced(self.kube.clone(), &object.namespace().unwrap_or_default())
    }
}

/// The identity of this cluster: it distinguishes its objects from those of other clusters.
///
/// # Errors
///
/// [`Error`] if Kubernetes does not show its `kube-system` namespace.
pub async fn cluster_uid(kube: &Client) -> Result<String, Error> {
    let namespace =
        Api::<Namespace>::all(kube.clone()).get("kube-system").await.map_err(Error::refused("to read namespace kube-system"))?;
    Ok(namespace.uid().unwrap_or_default())
}

/// By how much this process' clock differs from the API server's: positive if it is ahead. `None` if it is unknown.
pub async fn clock_ahead(kube: &Client) -> Option<jiff::SignedDuration> {
    let request = http::Request::get("/version").body(kube::client::Body::empty()).ok()?;
    let answer = kube.send(request).await.ok()?;
    let date = answer.headers().get(http::header::DATE)?.to_str().ok()?;
    let theirs = jiff::fmt::rfc2822::parse(date).ok()?.timestamp();
    Some(Timestamp::now().duration_since(theirs))
}
