//! Which subscriptions of Azure the holder of a Lease manages. Annotations of the Lease show it, so that operators whose
//! subscriptions overlap find each other.

use std::collections::BTreeSet;
use std::fmt;

use k8s_openapi::api::coordination::v1::Lease;
use kube::ResourceExt;

/// On the Lease of a subscription: all subscriptions of the shard that holds it.
const ONLY: &str = "synapse-spark.dev/subscriptions";
/// On the Lease of the whole cluster: the subscriptions that its holder leaves to shards.
const EXCEPT: &str = "synapse-spark.dev/subscriptions-except";

/// Which subscriptions of Azure the holder of a Lease manages: with both empty, all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Coverage {
    only: BTreeSet<String>,
    except: BTreeSet<String>,
}

impl Coverage {
    pub(super) fn only(subscriptions: &[String]) -> Self {
        Self { only: subscriptions.iter().cloned().collect(), except: BTreeSet::new() }
    }

    pub(super) fn except(subscriptions: &[String]) -> Self {
        Self { only: BTreeSet::new(), except: subscriptions.iter().cloned().collect() }
    }

    /// What the annotations of a Lease show. They outlast its holder.
    pub(super) fn of(lease: &Lease) -> Self {
        let listed = |key: &str| {
            let text = lease.annotations().get(key).map(String::as_str).unwrap_or_default();
            text.split(',').filter(|one| !one.is_empty()).map(ToOwned::to_owned).collect()
        };
        Self { only: listed(ONLY), except: listed(EXCEPT) }
    }

    /// Writes it into the annotations of a Lease.
    pub(super) fn write(&self, lease: &mut Lease) {
        for (key, listed) in [(ONLY, &self.only), (EXCEPT, &self.except)] {
            if listed.is_empty() {
                lease.annotations_mut().remove(key);
            } else {
                lease.annotations_mut().insert(key.to_owned(), joined(listed));
            }
        }
    }

    /// Whether it leaves anything to shards.
    pub(super) fn has_shards(&self) -> bool {
        !self.except.is_empty()
    }

    /// How the shards to which this operator leaves subscriptions are named in messages.
    pub(super) fn shards(&self) -> String {
        format!("an installation with shards for {} (delete the Lease once none of them runs)", joined(&self.except))
    }

    /// The subscriptions of a shard that it does not leave to that shard.
    pub(super) fn overlap<'a>(&'a self, shard: &'a Self) -> Vec<&'a str> {
        shard.only.difference(&self.except).map(String::as_str).collect()
    }

    /// Whether it includes a subscription that the former one left to shards.
    pub(super) fn includes_more_than(&self, former: &Self) -> bool {
        !former.except.is_subset(&self.except)
    }

    /// The option that a default shard needs for this shard.
    pub(super) fn needed_option(&self) -> String {
        format!("--watch-subscriptions-except={}", joined(&self.only))
    }
}

fn joined(subscriptions: &BTreeSet<String>) -> String {
    subscriptions.iter().map(String::as_str).collect::<Vec<_>>().join(",")
}

impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.only.is_empty(), self.except.is_empty()) {
            (true, true) => f.write_str("all subscriptions"),
            (true, false) => write!(f, "all subscriptions except {}", joined(&self.except)),
            (false, _) => write!(f, "subscriptions {}", joined(&self.only)),
        }
    }
}
