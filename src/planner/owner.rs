//! The owner of a compute, by its owner tag.

use std::fmt;

use crate::api::v1alpha1::Applied;

/// The tag of a compute that names the object that owns it.
///
/// It has no `/`, which Azure refuses in a tag's name.
pub const OWNER_TAG: &str = "synapse-spark-operator-owner";

/// What the owner tag of a compute has in the place of the UID after the compute was handed over to an object, until that object
/// adopts it: the former owner does not know the UID, since the object may not exist yet, or exist in another cluster. No UID of
/// Kubernetes is spelled like this.
pub const TRANSFERRED: &str = "transferred";

/// The object that owns a compute, as the owner tag spells it.
///
/// Printed as `cluster/namespace/name/uid`, 201 characters at most, inside the
/// 256 of a tag's value (a namespace and, by admission, the name have 63 at most).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// The UID of the cluster's `kube-system` namespace.
    pub cluster: String,
    /// The object's namespace.
    pub namespace: String,
    /// The object's name.
    pub name: String,
    /// The object's UID.
    pub uid: String,
}

impl Owner {
    /// The four parts of an owner tag: cluster, namespace, name and UID; none if it is not one that the operator writes.
    #[must_use]
    pub fn parts(tag: &str) -> Option<[&str; 4]> {
        // The characters of names and UIDs in Kubernetes. Everyone who may tag the compute can write others, which must not get
        // into a URL or a command line.
        let is_name = |part: &&str| {
            part.starts_with(|c: char| c.is_ascii_alphanumeric())
                && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"-.".contains(&b))
        };
        let parts: Vec<_> = tag.splitn(5, '/').collect();
        <[&str; 4]>::try_from(parts).ok().filter(|parts| parts.iter().all(is_name))
    }

    /// Who owns a compute with this tag.
    ///
    /// The same name in the same cluster under another UID is a former object
    /// of that name, which no longer exists, so the compute has no owner.
    #[must_use]
    pub fn of_tag(&self, tag: &str) -> Ownership {
        match tag.rsplit_once('/') {
            _ if tag == self.to_string() => Ownership::Ours,
            Some((place, last)) if place == format!("{}/{}/{}", self.cluster, self.namespace, self.name) => {
                if last == TRANSFERRED { Ownership::Transferred } else { Ownership::Unowned }
            }
            _ => Ownership::Another(tag.to_owned()),
        }
    }

    /// Name and UID of the object that a tag names, if it is one of the same namespace under another name.
    ///
    /// If that object no longer exists, this one may be the same under a new name. What a tag of another namespace or cluster names
    /// is never free, whether it exists or not: who may write there is not known here.
    #[must_use]
    pub fn predecessor<'a>(&self, tag: &'a str) -> Option<(&'a str, &'a str)> {
        let [cluster, namespace, name, uid] = Self::parts(tag)?;
        let is_another = cluster == self.cluster && namespace == self.namespace && name != self.name;
        (is_another && uid != TRANSFERRED).then_some((name, uid))
    }

    /// Who owns a compute with this owner tag, or none, that Azure created at this time.
    ///
    /// A compute without the tag is still ours if it is the one that the status records as created by this object.
    #[must_use]
    pub fn of_compute(&self, tag: Option<&str>, created_on: Option<&str>, applied: Option<&Applied>) -> Ownership {
        let recorded = applied.and_then(|applied| applied.created_on.as_deref());
        match tag {
            Some(tag) => self.of_tag(tag),
            None if recorded.is_some() && recorded == created_on => Ownership::Ours,
            None => Ownership::Unowned,
        }
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}/{}", self.cluster, self.namespace, self.name, self.uid)
    }
}

/// Who owns a compute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ownership {
    /// This object.
    Ours,
    /// No object: the compute was attached by hand, or by an object that no longer exists.
    Unowned,
    /// No object yet: the former owner handed it over to this one, which has not adopted it.
    Transferred,
    /// Another object or cluster, as the tag spells it.
    Another(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_object_of_the_same_namespace_under_another_name_is_a_predecessor() {
        let [cluster, namespace, name, uid] = ["1-a", "team-a", "nightly", "2-b"].map(ToOwned::to_owned);
        let owner = Owner { cluster, namespace, name, uid };
        #[rustfmt::skip]
        let table = [
            ("1-a/team-a/former/9-z",         Some(("former", "9-z"))),
            ("1-a/team-a/nightly/9-z",        None),
            ("1-a/team-b/former/9-z",         None),
            ("other/team-a/former/9-z",       None),
            ("1-a/team-a/former/transferred", None),
            ("1-a/team-a/former",             None),
            ("1-a/team-a/../9-z",             None),
        ];
        for (tag, predecessor) in table {
            assert_eq!(owner.predecessor(tag), predecessor, "{tag:?}");
        }
    }

    #[test]
    fn an_owner_tag_has_four_parts_with_the_characters_of_names_and_uids() {
        #[rustfmt::skip]
        let table = [
            ("1-a/team-a/nightly/2-b",        true),
            ("1-a/team-a/nightly.v2/2-b",     true),
            ("1-a/team-a/nightly",            false),
            ("1-a/team-a/nightly/2-b/more",   false),
            ("1-a//nightly/2-b",              false),
            ("1-a/team-a/../2-b",             false),
            ("1-a/team-a/x\ncurl evil/2-b",   false),
            ("1-a/team-a/x;y/2-b",            false),
            ("1-a/team-a/x?y/2-b",            false),
            ("1-a/team-ä/nightly/2-b",        false),
        ];
        for (tag, is_one) in table {
            assert_eq!(Owner::parts(tag).is_some(), is_one, "{tag:?}");
        }
    }
}
