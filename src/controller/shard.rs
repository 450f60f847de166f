//! Which objects this process manages, by the subscription of their workspace.
//!
//! Azure's limits count by subscription, and a compute belongs to one: so all objects that claim one compute are in one shard.

use std::collections::BTreeSet;

use crate::api::SynapseSparkAttachment;
use crate::planner::invalid::Invalid;

/// The field that the watches select by.
const FIELD: &str = "spec.workspace.subscriptionId";

/// Which objects this process manages. The subscriptions are GUIDs in lower case.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Shard {
    /// All.
    #[default]
    All,
    /// Those of these subscriptions.
    Only(BTreeSet<String>),
    /// Those of all subscriptions but these: the default shard.
    Except(BTreeSet<String>),
}

impl Shard {
    /// The field selectors of the watches that together show the objects of this shard. Field selectors have no "or", so
    /// each subscription needs a watch.
    #[must_use]
    pub fn selectors(&self) -> Vec<Option<String>> {
        match self {
            Self::All => vec![None],
            Self::Only(subscriptions) => subscriptions.iter().map(|one| Some(format!("{FIELD}={one}"))).collect(),
            Self::Except(subscriptions) => {
                let all: Vec<_> = subscriptions.iter().map(|one| format!("{FIELD}!={one}")).collect();
                vec![Some(all.join(","))]
            }
        }
    }

    /// Whether an object is in this shard. As the API server selects: by the text, with its case.
    pub(super) fn has(&self, object: &SynapseSparkAttachment) -> bool {
        let subscription = &object.spec.workspace.subscription_id;
        match self {
            Self::All => true,
            Self::Only(subscriptions) => subscriptions.contains(subscription),
            Self::Except(subscriptions) => !subscriptions.contains(subscription),
        }
    }

    /// Whether the objects whose workspaces are in this subscription are in this shard, unless they are stored with capitals.
    pub(super) fn has_subscription(&self, subscription: &str) -> bool {
        let subscription = subscription.to_ascii_lowercase();
        match self {
            Self::All => true,
            Self::Only(subscriptions) => subscriptions.contains(&subscription),
            Self::Except(subscriptions) => !subscriptions.contains(&subscription),
        }
    }

    /// Refuses an object that was stored before capitals were refused, if its subscription has a shard: the watch of that
    /// shard does not show it, and two shards must not attach computes of one subscription. A deleted object is detached.
    ///
    /// # Errors
    ///
    /// [`Invalid`] with the value to write instead.
    pub(super) fn admit(&self, object: &SynapseSparkAttachment) -> Result<(), Invalid> {
        let subscription = object.spec.workspace.subscription_id.to_ascii_lowercase();
        let is_deleted = object.metadata.deletion_timestamp.is_some();
        match self {
            Self::Except(subscriptions) if !is_deleted && self.has(object) && subscriptions.contains(&subscription) => {
                let why = format!("must be in lower case, since a shard selects objects by this text: write {subscription}");
                Err(Invalid { field: FIELD, why })
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

    use super::*;

    fn object(subscription: &str) -> SynapseSparkAttachment {
        let mut object = SynapseSparkAttachment::new("spark", crate::api::v1alpha1::SynapseSparkAttachmentSpec::default());
        object.spec.workspace.subscription_id = subscription.to_owned();
        object
    }

    fn of(subscriptions: &[&str]) -> BTreeSet<String> {
        subscriptions.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn every_object_is_in_one_shard_and_capitals_are_refused_where_a_shard_misses_them() {
        let shards = [Shard::Only(of(&["a", "b"])), Shard::Only(of(&["c"])), Shard::Except(of(&["a", "b", "c"]))];
        #[rustfmt::skip]
        let table = [
            //    has                    admits                has its subscription
            ("a",  [true, false, false], [true, true, true],   [true, false, false]),
            ("c",  [false, true, false], [true, true, true],   [false, true, false]),
            ("d",  [false, false, true], [true, true, true],   [false, false, true]),
            ("A",  [false, false, true], [true, true, false],  [true, false, false]),
            ("D",  [false, false, true], [true, true, true],   [false, false, true]),
        ];
        for (subscription, has, admits, has_subscription) in table {
            let object = object(subscription);
            assert_eq!(shards.each_ref().map(|shard| shard.has(&object)), has, "{subscription}");
            assert_eq!(shards.each_ref().map(|shard| shard.admit(&object).is_ok()), admits, "{subscription}");
            let lists = shards.each_ref().map(|shard| shard.has_subscription(subscription));
            assert_eq!(lists, has_subscription, "{subscription}");
            assert!(Shard::All.has(&object) && Shard::All.admit(&object).is_ok(), "{subscription}");
        }
    }

    #[test]
    fn a_deleted_object_in_capitals_is_detached() {
        let mut object = object("A");
        object.metadata.deletion_timestamp = Some(Time(Timestamp::UNIX_EPOCH));
        assert_eq!(Shard::Except(of(&["a"])).admit(&object), Ok(()));
    }

    #[test]
    fn each_subscription_has_a_watch_and_the_rest_has_one() {
        assert_eq!(Shard::All.selectors(), [None]);
        let field = "spec.workspace.subscriptionId";
        assert_eq!(Shard::Only(of(&["a", "b"])).selectors(), [Some(format!("{field}=a")), Some(format!("{field}=b"))]);
        assert_eq!(Shard::Except(of(&["a", "b"])).selectors(), [Some(format!("{field}!=a,{field}!=b"))]);
    }
}
