//! An incoming request, and requests that a fault delays.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::exchange::Request;
use crate::fault::Failure;

/// One request, and when it is processed.
#[derive(Debug)]
pub(crate) struct Incoming<'a> {
    pub(crate) request: &'a Request,
    /// When it arrived. The token is checked at this time.
    pub(crate) received: Timestamp,
    /// When it is processed: after `received` only if a fault has `processAfter`.
    pub(crate) now: Timestamp,
    /// The failure with which the operation ends, if a fault has `failOperation`.
    pub(crate) doomed: Option<Failure>,
}

/// A request whose client got no answer, or an error, and which is processed later.
#[derive(Debug)]
pub(crate) struct HeldBack {
    pub(crate) due: Timestamp,
    pub(crate) received: Timestamp,
    /// Its number in the journal.
    pub(crate) seq: u64,
    pub(crate) request: Request,
}

/// The delayed requests, in the order in which they are due.
#[derive(Debug, Default)]
pub(crate) struct Queue(BTreeMap<(Timestamp, u64), HeldBack>);

impl Queue {
    pub(crate) fn add(&mut self, request: HeldBack) {
        self.0.insert((request.due, request.seq), request);
    }

    /// Takes out the first request that is due.
    pub(crate) fn take_due(&mut self, now: Timestamp) -> Option<HeldBack> {
        let first = self.0.first_entry().filter(|entry| entry.key().0 <= now)?;
        Some(first.remove())
    }
}
