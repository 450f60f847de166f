//! Waiting for Azure's request limits.

use std::time::Duration;

/// An object that waits for its turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Queued {
    /// When its turn is expected, from now.
    pub wait: Duration,
    /// How long it has waited already.
    pub waited: Duration,
    /// Whether it waits to write, and not to read.
    pub is_write: bool,
}
