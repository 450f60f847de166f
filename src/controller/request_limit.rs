//! How often a user can make the operator reconcile one object.
//!
//! Each reconcile that a user requests reads from Azure, and all objects share the limits of a subscription. So one
//! object gets one such reconcile in five seconds, whatever its user changes in a loop. The last change is never dropped:
//! its reconcile comes later.

use tokio::time::Instant;

use crate::planner::backoff::{REQUEST_INTERVAL, SPEC_BURST};

/// What a user changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    /// The spec.
    Spec,
    /// The annotation that requests a reconcile.
    Request,
    /// The finalizer, or the annotation for the deletion.
    Other,
}

impl Change {
    /// How many changes are let through at once.
    const fn burst(self) -> u32 {
        match self {
            Self::Request => 1,
            Self::Spec | Self::Other => SPEC_BURST,
        }
    }
}

/// The limits of one object.
#[derive(Debug, Default)]
pub(super) struct RequestLimit {
    /// Of each kind of change: when its full burst is available again.
    full_at: [Option<Instant>; 3],
}

impl RequestLimit {
    /// Admits a reconcile for this change.
    ///
    /// # Errors
    ///
    /// When it may begin, if that is not now.
    pub(super) fn admit(&mut self, change: Change, now: Instant) -> Result<(), Instant> {
        let full_at = &mut self.full_at[change as usize];
        let from = full_at.map_or(now, |at| at.max(now));
        match from.checked_sub(REQUEST_INTERVAL * (change.burst() - 1)) {
            Some(at) if at > now => Err(at),
            _ => {
                *full_at = Some(from + REQUEST_INTERVAL);
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// For changes at these times, in milliseconds: when the reconcile of each may begin.
    fn admitted(changes: &[(Change, u64)]) -> Vec<u128> {
        let (mut limit, start) = (RequestLimit::default(), Instant::now());
        let mut begins = Vec::new();
        for (change, ms) in changes {
            let now = start + Duration::from_millis(*ms);
            begins.push((limit.admit(*change, now).err().unwrap_or(now) - start).as_millis());
        }
        begins
    }

    #[test]
    fn requests_are_admitted_once_in_five_seconds() {
        use Change::Request;
        let changes = [(Request, 0), (Request, 100), (Request, 4_999), (Request, 5_000), (Request, 5_100), (Request, 30_000)];
        assert_eq!(admitted(&changes), [0, 5_000, 5_000, 5_000, 10_000, 30_000]);
    }

    #[test]
    fn three_changes_of_the_spec_are_admitted_at_once() {
        use Change::{Request, Spec};
        let changes = [(Spec, 0), (Spec, 1), (Spec, 2), (Spec, 3), (Spec, 5_000), (Spec, 5_001), (Spec, 60_000), (Spec, 60_001)];
        assert_eq!(admitted(&changes), [0, 1, 2, 5_000, 5_000, 10_000, 60_000, 60_001]);
        assert_eq!(admitted(&[(Request, 0), (Request, 1), (Spec, 2)]), [0, 5_000, 2], "each kind has its own limit");
    }
}
