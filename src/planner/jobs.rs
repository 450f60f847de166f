//! Whether Spark jobs can run on an attachment: what Microsoft's documents require, checked against what Azure shows.
//!
//! The table is in `checks`. It affects no decision: nothing is attached, updated or detached because of it.

pub mod checks;
mod commands;
mod conclusion;
pub mod facts;
mod identity;
mod network;
pub mod outcome;
pub mod read;
pub mod rights;
mod runtime;
mod storage_roles;

#[cfg(test)]
mod tests;

pub use checks::{CHECKS, Check, CheckResult, check};
pub use conclusion::{Conclusion, brief, unanswered};
pub use facts::Facts;
pub use outcome::{Fix, Outcome, Verdict};
