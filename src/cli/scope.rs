//! The options for the objects that the operator manages, and for its identity in Azure.

use clap::Args;

use crate::azure::{self, Credential};
use crate::service_error::ServiceError;

/// The identity that is used in Azure.
#[derive(Debug, Args)]
pub(super) struct Identity {
    /// Use no identity of the operator itself: each attachment must name a ServiceAccount of its namespace
    /// (spec.serviceAccountName), otherwise it is Stalled. The operator then needs no credential.
    #[arg(long, value_name = "BOOL", env = "REQUIRE_SERVICE_ACCOUNT", default_value_t = false, action = clap::ArgAction::Set, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub(super) require_service_account: bool,
}

impl Identity {
    /// The credential of an operator without an identity: its error names what to set.
    pub(super) fn unavailable(&self) -> Option<Credential> {
        let message =
            "the operator runs with --require-service-account and has no identity of its own: set spec.serviceAccountName";
        let why = ServiceError { message: message.to_owned(), ..ServiceError::default() };
        self.require_service_account.then_some(Credential::Unavailable(azure::Error::CredentialUnavailable(why)))
    }
}

/// Which attachments the operator manages, and what prevents two operators from managing the same ones.
#[derive(Debug, Args)]
pub(super) struct Scope {
    /// The namespaces whose attachments the operator manages, separated by commas. Default: all namespaces.
    #[arg(long, value_name = "NAMESPACES", env = "WATCH_NAMESPACES", value_delimiter = ',')]
    watch_namespaces: Vec<String>,
    /// Require a Lease before any write: of several replicas one leads, and the others stand by. Without leader election,
    /// nothing prevents two operators from writing at the same time.
    #[arg(long, value_name = "BOOL", env = "LEADER_ELECTION", default_value_t = true, action = clap::ArgAction::Set)]
    leader_election: bool,
    /// The namespace of that Lease, which must be the same for all operators of a cluster. With --watch-namespaces, the
    /// operator holds a Lease in each of those namespaces instead. It then reads the Lease of this namespace to see whether
    /// an operator for all namespaces leads, and waits while one does.
    #[arg(long, value_name = "NAMESPACE", env = "LEADER_ELECTION_NAMESPACE", default_value = "kube-system")]
    leader_election_namespace: String,
}

impl Scope {
    /// The namespaces that are named, each once.
    pub(super) fn namespaces(&self) -> Vec<String> {
        let mut named: Vec<_> =
            self.watch_namespaces.iter().map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect();
        named.sort();
        named.dedup();
        named
    }

    /// The namespaces whose Leases this operator must hold before any write.
    pub(super) fn leases(&self) -> Vec<String> {
        match self.namespaces() {
            _ if !self.leader_election => Vec::new(),
            all if all.is_empty() => vec![self.leader_election_namespace.clone()],
            named => named,
        }
    }

    /// The namespace of the Lease of a cluster-wide operator, if this operator is for some namespaces.
    pub(super) fn cluster_wide_lease(&self) -> Option<&str> {
        (self.leader_election && !self.namespaces().is_empty()).then_some(&*self.leader_election_namespace)
    }
}
