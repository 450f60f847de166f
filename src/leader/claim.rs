//! What a Lease of a cluster-wide operator shows to such operators in other namespaces: that it is one, and whether it leads.

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::Lease;
use kube::ResourceExt;

/// On the Lease of each operator for all namespaces, so that one request finds them all.
pub(super) const SCOPE: &str = "synapse-spark.dev/scope";
/// The value of that label.
pub(super) const CLUSTER: &str = "cluster";
/// On such a Lease: that its holder is about to lead, or since when it leads.
const LEADS: &str = "synapse-spark.dev/leads-since";
/// The value of that annotation before the holder leads.
const CLAIMED: &str = "claimed";

/// Whether the holder of a cluster-wide operator's Lease leads. Only one of several may, each with a Lease of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Claim {
    /// It is a standby.
    #[default]
    Absent,
    /// It is about to lead, unless another one does.
    Claimed,
    /// It leads, since this time by its own clock: for people only.
    Leads(Timestamp),
}

impl Claim {
    /// What the annotation of a Lease shows. It outlasts the holder.
    pub(super) fn of(lease: &Lease) -> Self {
        match lease.annotations().get(LEADS).map(String::as_str) {
            None | Some("") => Self::Absent,
            Some(CLAIMED) => Self::Claimed,
            // Its meaning is unknown, so it is not safe to lead at the same time.
            Some(since) => Self::Leads(since.parse().unwrap_or(Timestamp::UNIX_EPOCH)),
        }
    }

    /// Writes it into the annotation of a Lease.
    pub(super) fn write(self, lease: &mut Lease) {
        let annotations = lease.annotations_mut();
        match self {
            Self::Absent => drop(annotations.remove(LEADS)),
            Self::Claimed => drop(annotations.insert(LEADS.to_owned(), CLAIMED.to_owned())),
            Self::Leads(since) => drop(annotations.insert(LEADS.to_owned(), since.to_string())),
        }
    }
}
