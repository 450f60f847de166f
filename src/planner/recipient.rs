//! The object to which another one hands its compute over.

use std::fmt;

use uuid::Uuid;

use crate::planner::owner::{Owner, TRANSFERRED};

/// The longest namespace, and by admission the longest name of an object.
const MAX_NAME: usize = 63;

/// The object to which another one hands its compute over. It may not exist yet.
///
/// Printed as `cluster/namespace/name`, which is also how the annotation spells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient {
    /// The UID of the `kube-system` namespace of its cluster.
    cluster: String,
    namespace: String,
    name: String,
}

/// What the owner tag of a compute shows of the recipient.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Receipt {
    /// The compute is handed over to it, and not adopted yet.
    HandedOver,
    /// It has adopted the compute.
    Adopted,
}

impl Recipient {
    /// Parses the annotation of an object.
    ///
    /// # Errors
    ///
    /// What is wrong, and how to write it.
    pub fn parse(text: &str, giver: &Owner) -> Result<Self, String> {
        let form =
            "<cluster>/<namespace>/<name>, where <cluster> is the UID of the namespace kube-system of the recipient's cluster";
        let [cluster, namespace, name]: [&str; 3] =
            text.split('/').collect::<Vec<_>>().try_into().map_err(|_| format!("{text:?} must be {form}"))?;
        // Tags are compared by their text, and Kubernetes spells UIDs in lower case.
        if Uuid::try_parse(cluster).map(|uid| uid.hyphenated().to_string()).as_deref() != Ok(cluster) {
            return Err(format!("{cluster:?} is not the UID of a cluster; write {form}"));
        }
        if !is_label(namespace) {
            return Err(format!("{namespace:?} cannot be a namespace; write {form}"));
        }
        if !(name.len() <= MAX_NAME && name.split('.').all(is_label)) {
            return Err(format!("{name:?} cannot be the name of a SynapseSparkAttachment; write {form}"));
        }
        if (cluster, namespace, name) == (&giver.cluster, &giver.namespace, &giver.name) {
            return Err(format!("{text:?} is this object itself; remove the annotation, or name another object"));
        }
        let [cluster, namespace, name] = [cluster, namespace, name].map(ToOwned::to_owned);
        Ok(Self { cluster, namespace, name })
    }

    /// The owner tag of a compute that is handed over to it.
    #[must_use]
    pub fn tag(&self) -> String {
        format!("{self}/{TRANSFERRED}")
    }

    /// What this owner tag shows of it; none if the tag names another object.
    #[must_use]
    pub fn receipt(&self, tag: &str) -> Option<Receipt> {
        let [cluster, namespace, name, last] = Owner::parts(tag)?;
        let is_same = (cluster, namespace, name) == (&self.cluster, &self.namespace, &self.name);
        is_same.then_some(if last == TRANSFERRED { Receipt::HandedOver } else { Receipt::Adopted })
    }
}

/// A label of a DNS name, as Kubernetes demands it of names.
fn is_label(text: &str) -> bool {
    let is_end = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    text.len() <= MAX_NAME && text.starts_with(is_end) && text.ends_with(is_end) && text.chars().all(|c| is_end(c) || c == '-')
}

impl fmt::Display for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.cluster, self.namespace, self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLUSTER: &str = "0b5d1f5e-3c1c-4c55-9a4e-1f2a3b4c5d6e";

    fn giver() -> Owner {
        let [namespace, name, uid] = ["team-a", "nightly", "2-b"].map(ToOwned::to_owned);
        Owner { cluster: CLUSTER.to_owned(), namespace, name, uid }
    }

    #[test]
    fn the_annotation_names_cluster_namespace_and_name_of_another_object() {
        let table = [
            (format!("{CLUSTER}/team-b/nightly"), None),
            (format!("{CLUSTER}/team-a/renamed.v2"), None),
            ("team-b/nightly".to_owned(), Some("must be <cluster>/<namespace>/<name>")),
            ("prod/team-b/nightly".to_owned(), Some("is not the UID of a cluster")),
            (format!("{}/team-b/nightly", CLUSTER.replace('-', "")), Some("is not the UID of a cluster")),
            (format!("{}/team-b/nightly", CLUSTER.to_uppercase()), Some("is not the UID of a cluster")),
            (format!("{CLUSTER}/team_b/nightly"), Some("cannot be a namespace")),
            (format!("{CLUSTER}//nightly"), Some("cannot be a namespace")),
            (format!("{CLUSTER}/team-b/Nightly"), Some("cannot be the name")),
            (format!("{CLUSTER}/team-b/a..b"), Some("cannot be the name")),
            (format!("{CLUSTER}/team-b/a.-b"), Some("cannot be the name")),
            (format!("{CLUSTER}/team-b/{}", "n".repeat(64)), Some("cannot be the name")),
            (format!("{CLUSTER}/team-b/nightly/uid"), Some("must be <cluster>/<namespace>/<name>")),
            (format!("{CLUSTER}/team-a/nightly"), Some("is this object itself")),
            (String::new(), Some("must be <cluster>/<namespace>/<name>")),
        ];
        for (text, wrong) in table {
            match (Recipient::parse(&text, &giver()), wrong) {
                (Ok(recipient), None) => assert_eq!(recipient.to_string(), text),
                (Err(why), Some(part)) => assert!(why.contains(part), "{text}: {why}"),
                (parsed, _) => panic!("{text}: {parsed:?}"),
            }
        }
    }

    #[test]
    fn a_tag_shows_whether_the_recipient_has_adopted_the_compute() {
        let recipient = Recipient::parse(&format!("{CLUSTER}/team-b/nightly"), &giver()).expect("a recipient");
        let table = [
            (recipient.tag(), Some(Receipt::HandedOver)),
            (format!("{CLUSTER}/team-b/nightly/3-c"), Some(Receipt::Adopted)),
            (format!("{CLUSTER}/team-b/another/3-c"), None),
            (giver().to_string(), None),
            ("anything".to_owned(), None),
        ];
        for (tag, receipt) in table {
            assert_eq!(recipient.receipt(&tag), receipt, "{tag}");
        }
    }
}
