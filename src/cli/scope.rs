//! The options for the objects that the operator manages, and for its identity in Azure.

use std::collections::BTreeSet;

use clap::Args;

use super::workspace::subscription;
use crate::azure::{self, Credential};
use crate::controller::Shard;
use crate::leader;
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
    /// A shard: manage only the attachments whose spec.workspace.subscriptionId is one of these, separated by commas. The
    /// operator holds a Lease for each subscription, and works only next to a default shard that excludes them. Cannot be
    /// combined with --watch-namespaces.
    #[arg(long, value_name = "GUIDS", env = "WATCH_SUBSCRIPTIONS", value_delimiter = ',')]
    watch_subscriptions: Vec<String>,
    /// The default shard: manage the attachments of all subscriptions but these, which have shards of their own. Cannot be
    /// combined with --watch-namespaces or --watch-subscriptions.
    #[arg(long, value_name = "GUIDS", env = "WATCH_SUBSCRIPTIONS_EXCEPT", value_delimiter = ',')]
    watch_subscriptions_except: Vec<String>,
    /// Require a Lease before any write: of several replicas one leads, and the others stand by. Without leader election,
    /// nothing prevents two operators from writing at the same time.
    #[arg(long, value_name = "BOOL", env = "LEADER_ELECTION", default_value_t = true, action = clap::ArgAction::Set)]
    leader_election: bool,
    /// The namespace of that Lease. Default: the operator's own. Operators for all namespaces that are installed in several
    /// namespaces find each other by the label synapse-spark.dev/scope=cluster of their Leases, and only one of them leads. With
    /// --watch-namespaces, the operator holds a Lease in each of those namespaces instead, and waits while an operator for all
    /// namespaces leads. Shards hold their Leases in this namespace, and read that of the default shard.
    #[arg(long, value_name = "NAMESPACE", env = "LEADER_ELECTION_NAMESPACE")]
    leader_election_namespace: Option<String>,
}

impl Scope {
    /// The namespaces that are named, each once.
    pub(super) fn namespaces(&self) -> Vec<String> {
        named(&self.watch_namespaces).collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// What the operator manages, for a log line.
    pub(super) fn managed(&self) -> String {
        let listed = |what: &str, all: &[String]| (!all.is_empty()).then(|| format!("{what} {}", all.join(", ")));
        listed("namespaces", &self.namespaces())
            .or_else(|| listed("subscriptions", &self.watch_subscriptions))
            .or_else(|| listed("all subscriptions but", &self.watch_subscriptions_except))
            .unwrap_or_else(|| "all namespaces".to_owned())
    }

    /// Which objects the operator manages, by their subscription.
    ///
    /// # Errors
    ///
    /// Which option is wrong, as text.
    pub(super) fn shard(&self) -> Result<Shard, String> {
        let only = subscriptions("--watch-subscriptions", &self.watch_subscriptions)?;
        let except = subscriptions("--watch-subscriptions-except", &self.watch_subscriptions_except)?;
        let refused = |one: &str, other: &str| Err(format!("{one} cannot be combined with {other}: use one of them"));
        match (only.is_empty(), except.is_empty()) {
            (true, true) => Ok(Shard::All),
            (false, false) => refused("--watch-subscriptions-except", "--watch-subscriptions"),
            _ if !self.namespaces().is_empty() => {
                refused("--watch-namespaces", "--watch-subscriptions or --watch-subscriptions-except")
            }
            (false, true) => Ok(Shard::Only(only)),
            (true, false) => Ok(Shard::Except(except)),
        }
    }

    /// The namespace of the Lease of a cluster-wide operator or a shard; `own` is the namespace that this process runs in.
    fn lease_namespace<'a>(&'a self, own: &'a str) -> &'a str {
        self.leader_election_namespace.as_deref().filter(|given| !given.is_empty()).unwrap_or(own)
    }

    /// The Leases that this operator must hold before any write: namespace and name of each.
    pub(super) fn leases(&self, shard: &Shard, own: &str) -> Vec<LeaseKey> {
        let of = |namespace: &str, subscription: Option<&String>| LeaseKey {
            namespace: namespace.to_owned(),
            subscription: subscription.cloned(),
        };
        match shard {
            _ if !self.leader_election => Vec::new(),
            Shard::Only(subscriptions) => subscriptions.iter().map(|one| of(self.lease_namespace(own), Some(one))).collect(),
            Shard::All | Shard::Except(_) => match self.namespaces() {
                all if all.is_empty() => vec![of(self.lease_namespace(own), None)],
                named => named.iter().map(|namespace| of(namespace, None)).collect(),
            },
        }
    }

    /// Whether this operator is for some namespaces, and holds a Lease in each of them.
    pub(super) fn is_for_namespaces(&self) -> bool {
        self.leader_election && !self.namespaces().is_empty()
    }

    /// The namespace of the Lease of the default shard, if this operator is a shard of some subscriptions.
    pub(super) fn default_shard_lease<'a>(&'a self, shard: &Shard, own: &'a str) -> Option<&'a str> {
        (self.leader_election && matches!(shard, Shard::Only(_))).then(|| self.lease_namespace(own))
    }
}

/// A Lease that an operator must hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LeaseKey {
    pub(super) namespace: String,
    /// None: the Lease of the namespace or of the whole cluster.
    pub(super) subscription: Option<String>,
}

impl LeaseKey {
    /// The name of the Lease.
    pub(super) fn name(&self) -> String {
        self.subscription.as_deref().map_or_else(|| leader::NAME.to_owned(), leader::subscription_lease)
    }
}

/// The values of an option, without empty ones: an environment variable may be empty.
fn named(values: &[String]) -> impl Iterator<Item = String> {
    values.iter().map(|one| one.trim().to_owned()).filter(|one| !one.is_empty())
}

/// GUIDs in lower case, as the API server selects objects by their text.
fn subscriptions(option: &str, values: &[String]) -> Result<BTreeSet<String>, String> {
    let parsed = named(values).map(|one| subscription(&one).map_err(|why| format!("{option} {one}: {why}")));
    parsed.map(|one| one.map(|id| id.to_ascii_lowercase())).collect()
}

#[cfg(test)]
mod tests {
    use clap::{Args as _, Command, FromArgMatches};

    use super::*;

    const A: &str = "aaaaaaaa-0000-4000-8000-000000000001";
    const B: &str = "bbbbbbbb-0000-4000-8000-000000000002";

    /// Options, and what they give: the shard, namespace and name of each Lease, the namespace of the default shard's.
    type Row<'a> = (&'a [&'a str], Shard, &'a [(&'a str, &'a str)], Option<&'a str>);

    fn scope(args: &[&str]) -> Scope {
        let command = Scope::augment_args(Command::new("run").no_binary_name(true));
        Scope::from_arg_matches(&command.try_get_matches_from(args).expect("options")).expect("a scope")
    }

    #[test]
    fn options_give_the_shard_and_its_leases() {
        let (upper, both) = (format!("{},", A.to_uppercase()), format!("{B},{A}"));
        let (a, b) = (format!("synapse-spark-operator-{A}"), format!("synapse-spark-operator-{B}"));
        let of = |ids: &[&str]| ids.iter().map(ToString::to_string).collect();
        #[rustfmt::skip]
        let table: [Row<'_>; 7] = [
            (&[],                                          Shard::All,                &[("own", "synapse-spark-operator")], None),
            (&["--watch-namespaces=b,a"],                  Shard::All,                &[("a", "synapse-spark-operator"), ("b", "synapse-spark-operator")], None),
            (&["--watch-subscriptions", &upper],           Shard::Only(of(&[A])),     &[("own", &a)], Some("own")),
            (&["--watch-subscriptions", &both],            Shard::Only(of(&[A, B])),  &[("own", &a), ("own", &b)], Some("own")),
            (&["--leader-election-namespace=given"],       Shard::All,                &[("given", "synapse-spark-operator")], None),
            (&["--leader-election=false"],                 Shard::All,                &[], None),
            (&["--watch-subscriptions-except", &both],     Shard::Except(of(&[A, B])), &[("own", "synapse-spark-operator")], None),
        ];
        for (args, shard, leases, default_shard) in table {
            let scope = scope(args);
            assert_eq!(scope.shard().as_ref(), Ok(&shard), "{args:?}");
            let needed: Vec<_> = scope.leases(&shard, "own").iter().map(|one| (one.namespace.clone(), one.name())).collect();
            let needed: Vec<_> = needed.iter().map(|(namespace, name)| (&**namespace, &**name)).collect();
            assert_eq!((&needed[..], scope.default_shard_lease(&shard, "own")), (leases, default_shard), "{args:?}");
        }
    }

    #[test]
    fn options_that_exclude_each_other_are_refused() {
        #[rustfmt::skip]
        let table: [(&[&str], &str); 4] = [
            (&["--watch-subscriptions", A, "--watch-subscriptions-except", B], "--watch-subscriptions-except cannot be combined"),
            (&["--watch-subscriptions", A, "--watch-namespaces", "a"],         "--watch-namespaces cannot be combined"),
            (&["--watch-subscriptions-except", A, "--watch-namespaces", "a"],  "--watch-namespaces cannot be combined"),
            (&["--watch-subscriptions", "mine"],                               "--watch-subscriptions mine: must be a GUID"),
        ];
        for (args, why) in table {
            let refusal = scope(args).shard().expect_err(why);
            assert!(refusal.contains(why), "{args:?}: {refusal}");
        }
    }

    #[test]
    fn without_leader_election_there_is_no_lease() {
        let scope = scope(&["--leader-election=false", "--watch-subscriptions", A]);
        let shard = scope.shard().expect("a shard");
        assert_eq!((scope.leases(&shard, "own"), scope.default_shard_lease(&shard, "own")), (Vec::new(), None));
    }
}
