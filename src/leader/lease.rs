//! The Lease object: how this process reads it, and what it writes into it.

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use kube::api::{Api, ListParams, PostParams};
use kube::{Client, ResourceExt};

use super::claim::{CLUSTER, Claim, SCOPE};
use super::coverage::Coverage;
use super::timing::LEASE_DURATION;

/// The name of the Lease of a namespace, or of the whole cluster.
pub const NAME: &str = "synapse-spark-operator";

/// The name of the Lease of one subscription of Azure.
#[must_use]
pub fn subscription_lease(subscription: &str) -> String {
    format!("{NAME}-{subscription}")
}

/// A Lease, read and written under the identity of this process.
#[derive(Clone)]
pub struct LeaseClient {
    kube: Client,
    leases: Api<Lease>,
    namespace: String,
    name: String,
    identity: String,
    coverage: Coverage,
    /// Whether it is the Lease of an operator for all namespaces, by which such operators find each other.
    is_cluster_wide: bool,
    /// The claim that it shows to them.
    claim: Claim,
}

impl LeaseClient {
    /// The Lease [`NAME`] of a namespace. No other process may use the same `identity`, not even an earlier one of the same pod.
    #[must_use]
    pub fn new(kube: Client, namespace: &str, identity: &str) -> Self {
        Self {
            leases: Api::namespaced(kube.clone(), namespace),
            kube,
            namespace: namespace.to_owned(),
            name: NAME.to_owned(),
            identity: identity.to_owned(),
            coverage: Coverage::default(),
            is_cluster_wide: false,
            claim: Claim::Absent,
        }
    }

    /// The same Lease, for an operator for all namespaces: others of that kind find it.
    #[must_use]
    pub fn of_cluster_wide_operator(self) -> Self {
        Self { is_cluster_wide: true, ..self }
    }

    /// What the Lease shows to other operators for all namespaces from the next write on.
    pub(super) fn claim(&mut self, claim: Claim) {
        self.claim = claim;
    }

    /// The Leases of all operators for all namespaces, as they are now.
    pub(super) async fn list_cluster_wide(&self) -> Result<Vec<Lease>, kube::Error> {
        let all = Api::<Lease>::all(self.kube.clone());
        // Without a resource version the answer is consistent: it has each write that ended before the request.
        Ok(all.list(&ListParams::default().labels(&format!("{SCOPE}={CLUSTER}"))).await?.items)
    }

    /// The same Lease, for a default shard: it excludes these subscriptions.
    #[must_use]
    pub fn excluding(self, subscriptions: &[String]) -> Self {
        Self { coverage: Coverage::except(subscriptions), ..self }
    }

    /// The Lease of a subscription, for a shard of these subscriptions.
    #[must_use]
    pub fn of_subscription(self, subscription: &str, shard: &[String]) -> Self {
        Self { name: subscription_lease(subscription), coverage: Coverage::only(shard), ..self }
    }

    /// The namespace of the Lease.
    #[must_use]
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// The name of the Lease in messages.
    pub(super) fn title(&self) -> String {
        format!("the Lease {}", self.path())
    }

    /// Its namespace and name.
    pub(super) fn path(&self) -> String {
        format!("{}/{}", self.namespace, self.name)
    }

    /// What the operator manages that holds the Lease under this identity.
    pub(super) fn coverage(&self) -> &Coverage {
        &self.coverage
    }

    /// Whether this is the identity of this process.
    pub(super) fn is_own(&self, identity: &str) -> bool {
        self.identity == identity
    }

    pub(super) async fn get(&self) -> Result<Option<Lease>, kube::Error> {
        self.leases.get_opt(&self.name).await
    }

    /// Creates the Lease with this process as its holder.
    pub(super) async fn create(&self) -> Result<Lease, kube::Error> {
        let metadata = ObjectMeta { name: Some(self.name.clone()), ..ObjectMeta::default() };
        let lease = self.held(Lease { metadata, ..Lease::default() });
        self.leases.create(&PostParams::default(), &lease).await
    }

    /// Makes this process the holder of this version of the Lease, or renews it.
    pub(super) async fn hold(&self, lease: Lease) -> Result<Lease, kube::Error> {
        self.leases.replace(&self.name, &PostParams::default(), &self.held(lease)).await
    }

    /// Removes this process as the holder of this version of the Lease.
    pub(super) async fn release(&self, lease: Lease) -> Result<Lease, kube::Error> {
        let mut lease = self.held(lease);
        if let Some(spec) = &mut lease.spec {
            spec.holder_identity = None;
            // As client-go does: a client that only compares the times sees an expired Lease.
            spec.lease_duration_seconds = Some(1);
        }
        self.leases.replace(&self.name, &PostParams::default(), &lease).await
    }

    fn held(&self, mut lease: Lease) -> Lease {
        self.claim.write(&mut lease);
        if self.is_cluster_wide {
            lease.labels_mut().insert(SCOPE.to_owned(), CLUSTER.to_owned());
        } else {
            lease.labels_mut().remove(SCOPE);
        }
        // A standby leaves what the last leader showed: its shards must not take a standby for a default shard that excludes them.
        if !self.is_cluster_wide || matches!(self.claim, Claim::Leads(_)) {
            self.coverage.write(&mut lease);
        }
        let now = MicroTime(Timestamp::now());
        let spec = lease.spec.get_or_insert_with(LeaseSpec::default);
        if spec.holder_identity.as_ref() != Some(&self.identity) {
            spec.acquire_time = Some(now.clone());
            spec.lease_transitions = Some(spec.lease_transitions.map_or(0, |before| before.saturating_add(1)));
        }
        spec.holder_identity = Some(self.identity.clone());
        spec.lease_duration_seconds = i32::try_from(LEASE_DURATION.as_secs()).ok();
        spec.renew_time = Some(now);
        lease
    }
}

/// The holder of a Lease, if there is one.
pub(super) fn holder(lease: &Lease) -> Option<String> {
    lease.spec.as_ref()?.holder_identity.clone().filter(|holder| !holder.is_empty())
}
