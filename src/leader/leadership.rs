//! Whether this process may write to Azure.

use super::held::HeldLease;
use super::renewal::Renewal;

/// Whether this process may write to Azure. Cheap to clone, and to be asked right before each write.
#[derive(Clone)]
pub struct Leadership {
    renewals: Vec<Renewal>,
}

impl Leadership {
    /// Leads while all these Leases are held. Without any Lease (leader election is off), it always leads.
    #[must_use]
    pub fn of(leases: &[HeldLease]) -> Self {
        Self { renewals: leases.iter().map(HeldLease::renewal).collect() }
    }

    /// Whether all Leases are certainly still held.
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.renewals.iter().all(|renewal| !renewal.until_deadline().is_zero())
    }
}
