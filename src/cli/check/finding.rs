//! What a check found, as text and as JSON.

use anstyle::Style;
use serde_json::{Value, json};

use super::super::output::{BAD, GOOD, UNDECIDED, printable, styled};

/// What one check found.
#[derive(Debug)]
pub(super) struct Finding {
    pub(super) check: &'static str,
    pub(super) outcome: Outcome,
}

/// How a check ended, and its message.
#[derive(Debug)]
pub(super) enum Outcome {
    Ok(String),
    /// It works, and there is something to know.
    Warning(String),
    /// The user may not read what the check needs.
    Unknown(String),
    Failed(String),
}

impl Finding {
    /// A check that succeeded or failed.
    pub(super) fn of(check: &'static str, result: Result<String, String>) -> Self {
        Self { check, outcome: result.map_or_else(Outcome::Failed, Outcome::Ok) }
    }

    pub(super) fn is_ok(&self) -> bool {
        matches!(self.outcome, Outcome::Ok(_))
    }

    fn parts(&self) -> (&'static str, Style, &str) {
        match &self.outcome {
            Outcome::Ok(message) => ("ok", GOOD, message),
            Outcome::Warning(message) => ("warning", UNDECIDED, message),
            Outcome::Unknown(message) => ("unknown", UNDECIDED, message),
            Outcome::Failed(message) => ("FAIL", BAD, message),
        }
    }

    pub(super) fn line(&self) -> String {
        let (label, style, message) = self.parts();
        let blanks = " ".repeat(9 - label.len());
        format!("{}{blanks}{}: {}\n", styled(style, label), self.check, printable(message))
    }

    pub(super) fn json(&self) -> Value {
        let (label, _, message) = self.parts();
        json!({"check": self.check, "result": label.to_lowercase(), "message": message})
    }
}
