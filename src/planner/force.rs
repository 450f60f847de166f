//! A user's request to send the compute to Azure although nothing differs.
//!
//! Azure may hold what it does not show, such as the principal of an identity that was created again under its name.

use std::time::Duration;

use crate::planner::backoff::FORCE_INTERVAL;

/// Such a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Force {
    /// Whether there is one that was not handled yet.
    pub is_requested: bool,
    /// How long ago the last one led to a write; none if none did. Zero if that time lies in the future.
    pub last: Option<Duration>,
}

impl Force {
    /// Whether a write is to be sent for it.
    #[must_use]
    pub fn is_due(self) -> bool {
        self.is_requested && self.last.is_none_or(|ago| ago >= FORCE_INTERVAL)
    }
}
