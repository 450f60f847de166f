//! Who holds a Lease, as seen by this process.

/// Who holds a Lease, as seen by this process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LeaseState {
    /// This process holds it.
    Held,
    /// Another process holds it and renews it. This process is a standby.
    HeldBy(String),
    /// Another operator manages some of the same subscriptions. This process does not write meanwhile.
    Overlap(String),
    /// Kubernetes refuses the request or does not answer, so the holder is unknown.
    Unknown(String),
}

/// Reports a state each time that it changes.
pub(super) struct StateReporter<F> {
    /// The name of the Lease in messages.
    lease: String,
    last: Option<LeaseState>,
    on_change: F,
}

impl<F: Fn(&str, LeaseState)> StateReporter<F> {
    pub(super) fn new(lease: String, on_change: F) -> Self {
        Self { lease, last: None, on_change }
    }

    pub(super) fn report(&mut self, state: LeaseState) {
        if self.last.as_ref() != Some(&state) {
            (self.on_change)(&self.lease, state.clone());
            self.last = Some(state);
        }
    }
}
