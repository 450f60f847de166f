//! How the answers are read that the checks rest on.

use std::time::Duration;

use tokio::time::timeout;

use super::unreadable::unreadable;
use crate::azure::{Error, Freshness};
use crate::planner::jobs::read::{Read, Unreadable};

/// How answers are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reads {
    /// How old they may be.
    pub freshness: Freshness,
    /// The longest wait for one.
    pub patience: Duration,
}

impl Reads {
    /// As it is now. A request has its own time limit, and the wait for Azure's request limits, too.
    pub const NOW: Self = Self { freshness: Freshness::Now, patience: Duration::from_hours(1) };

    /// The answer, or why there is none: it needs this permission, or does not come in time.
    pub(super) async fn answer<T>(self, permission: &'static str, request: impl Future<Output = Result<T, Error>>) -> Read<T> {
        let late = || Unreadable {
            permission,
            error: format!("Azure did not answer within {} seconds", self.patience.as_secs()),
            is_refusal: false,
        };
        let answer = timeout(self.patience, request).await.map_err(|_| late())?;
        answer.map_err(unreadable(permission))
    }
}
