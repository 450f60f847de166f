//! The outcome of a check.

use crate::planner::jobs::read::Unreadable;

/// The outcome of a check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Whether the requirement is met.
    pub verdict: Verdict,
    /// What was found, with its IDs.
    pub message: String,
    /// How to meet the requirement.
    pub fix: Option<Fix>,
    /// Why the requirement could not be checked.
    pub unreadable: Option<Unreadable>,
}

/// Whether a requirement is met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is met.
    Ok,
    /// Jobs may fail, or will at a later time.
    Warning,
    /// It is not met: jobs fail.
    Missing,
    /// Azure does not show what the check needs, in most cases for want of a permission.
    NotReadable,
    /// The requirement does not concern this attachment.
    NotApplicable,
}

/// How to meet a requirement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fix {
    /// A command that can be run as it is.
    Command(String),
    /// A sentence, where no single command is enough.
    Advice(String),
}

impl Outcome {
    /// The requirement is met.
    pub fn ok(message: impl Into<String>) -> Self {
        Self { verdict: Verdict::Ok, message: message.into(), fix: None, unreadable: None }
    }

    /// Jobs may fail.
    pub fn warning(message: impl Into<String>, fix: Option<Fix>) -> Self {
        Self { verdict: Verdict::Warning, message: message.into(), fix, unreadable: None }
    }

    /// The requirement is not met.
    pub fn missing(message: impl Into<String>, fix: Fix) -> Self {
        Self { verdict: Verdict::Missing, message: message.into(), fix: Some(fix), unreadable: None }
    }

    /// Azure does not show whether the requirement is met, and no permission would change that.
    pub fn undecided(message: impl Into<String>, fix: Fix) -> Self {
        Self { verdict: Verdict::NotReadable, message: message.into(), fix: Some(fix), unreadable: None }
    }

    /// The requirement does not concern this attachment.
    pub fn not_applicable(message: impl Into<String>) -> Self {
        Self { verdict: Verdict::NotApplicable, message: message.into(), fix: None, unreadable: None }
    }
}

impl From<&Unreadable> for Outcome {
    fn from(why: &Unreadable) -> Self {
        let message = format!("{} (needs {})", why.error, why.permission);
        Self { verdict: Verdict::NotReadable, message, fix: None, unreadable: Some(why.clone()) }
    }
}
