//! The options that say which objects the operator manages, and with whose rights.

use clap::Args;

use crate::azure::{self, Credential};

/// Whose rights in Azure are used.
#[derive(Debug, Args)]
pub(super) struct Identity {
    /// Ask nothing of Azure as the operator itself: each attachment has to name a ServiceAccount of its namespace
    /// (spec.serviceAccountName), and one that does not is Stalled. The operator needs no credential then.
    #[arg(long, value_name = "BOOL", env = "REQUIRE_SERVICE_ACCOUNT", default_value_t = false, action = clap::ArgAction::Set, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub(super) require_service_account: bool,
}

impl Identity {
    /// What an object is told for which nobody may be asked.
    pub(super) fn nobody(&self) -> Option<Credential> {
        let message =
            "the operator runs with --require-service-account, and uses no identity of its own: set spec.serviceAccountName";
        let why = azure::Words { message: message.to_owned(), ..azure::Words::default() };
        self.require_service_account.then_some(Credential::Nobody(azure::Error::NoCredential(why)))
    }
}

/// Where the operator looks after objects, and what keeps others from doing so at the same time.
#[derive(Debug, Args)]
pub(super) struct Scope {
    /// The namespaces whose objects are looked after, with commas between them. Default: all.
    #[arg(long, value_name = "NAMESPACES", env = "WATCH_NAMESPACES", value_delimiter = ',')]
    watch_namespaces: Vec<String>,
    /// Hold a Lease before any write: of several replicas one works, the others stand by. Only without it, nothing keeps two
    /// operators from working at once.
    #[arg(long, value_name = "BOOL", env = "LEADER_ELECTION", default_value_t = true, action = clap::ArgAction::Set)]
    leader_election: bool,
    /// Where that Lease is; the same for all operators of a cluster. With --watch-namespaces there is one in each of them
    /// instead, and this one says whether an operator for all namespaces works: then that for some waits.
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

    /// The namespaces that have a Lease to hold before any write.
    pub(super) fn leases(&self) -> Vec<String> {
        match self.namespaces() {
            _ if !self.leader_election => Vec::new(),
            all if all.is_empty() => vec![self.leader_election_namespace.clone()],
            named => named,
        }
    }

    /// Where the Lease of an operator for all namespaces is, if this one is for some.
    pub(super) fn wider(&self) -> Option<&str> {
        (self.leader_election && !self.namespaces().is_empty()).then_some(&*self.leader_election_namespace)
    }
}
