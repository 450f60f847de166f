//! The change of a condition that Ready does not depend on.

use crate::api::Reason;

/// The change of a condition.
pub(super) enum Change {
    Set {
        status: &'static str,
        reason: Reason,
        message: String,
    },
    /// Nothing was observed: it stays as it was.
    Keep,
    Remove,
}

pub(super) fn set(status: &'static str, reason: Reason, message: impl Into<String>) -> Change {
    Change::Set { status, reason, message: message.into() }
}
