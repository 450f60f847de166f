//! Who holds a Lease, as far as this process can tell.

/// Who holds a Lease, as far as this process can tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LeaseState {
    /// This process holds it.
    Held,
    /// Another process holds it and renews it. This process stands by.
    HeldBy(String),
    /// Kubernetes refuses the request or does not answer, so nobody can tell.
    Unknown(String),
}

/// Passes a state on each time that it changes.
pub(super) struct StateReporter<F> {
    /// What the Lease is called in messages.
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
