//! Decides the next step for one object, and why.
//!
//! Pure: no clock, no network, no environment (see `clippy.toml`). Everything
//! that a decision depends on is an argument, so every decision can be a unit test.
//!
//! ```text
//!   Goal (the desired state)      ─┐
//!                                  ├─► decide() ─► Decision { step, cause, requeue }
//!   Observed (what exists)       ──┘
//! ```
//!
//! One step per reconcile. Azure's writes take minutes and may be lost, so a
//! list of steps would be stale before its second entry; the next reconcile
//! observes again.

pub mod active_jobs;
pub mod activity_log;
mod annotations;
mod attach;
pub mod backoff;
pub mod brake;
pub mod cause;
pub mod compute;
pub mod compute_spec;
pub mod correction;
pub mod decision;
pub mod defaults;
pub mod dependencies;
mod detach;
pub mod drift;
pub mod finding;
pub mod force;
mod gates;
pub mod goal;
pub mod identity;
pub mod invalid;
pub mod jobs;
pub mod observed;
pub mod operation;
pub mod outputs;
pub mod owner;
pub mod priority;
pub mod queue;
pub mod recipient;
pub mod roles;
pub mod status;
pub mod unexplained;
pub mod write;

pub use active_jobs::{Job, Jobs};
pub use backoff::{FailureHistory, Requeue};
pub use cause::{Cause, Health, Suspension};
pub use compute::{Compute, PoolReading, Progress};
pub use compute_spec::ComputeSpec;
pub use correction::Correction;
pub use decision::{Decision, Step};
pub use dependencies::{Dependencies, LinkedService, SparkPool};
pub use drift::{Drift, Field};
pub use finding::{Fault, FaultKind, Finding};
pub use goal::{Attached, Detached, Goal, PoolReference};
pub use identity::{Identity, ObservedIdentity};
pub use observed::{ObjectState, Observed};
pub use operation::{Operation, Outcome};
pub use owner::{OWNER_TAG, Owner, Ownership};
pub use priority::Priority;
pub use queue::Queued;
pub use recipient::Recipient;
pub use roles::goal::RoleAssignment;
pub use status::Report;
pub use write::{NoEffect, Write, WriteResult};

/// Decides the next step. Total: every goal and every observation has one.
///
/// A fault of Azure is a finding, not an error, so what the user reads while
/// Azure is down is decided, and tested, here too.
#[must_use]
pub fn decide(goal: &Goal, seen: &Observed) -> Decision {
    match goal {
        Goal::Attached(goal) => attach::decide(goal, seen),
        Goal::Detached(goal) => detach::decide(goal, seen),
    }
}
