//! The condition `JobsReady`, from the outcomes of the checks.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

use crate::api::Reason;
use crate::planner::jobs::checks::CheckResult;
use crate::planner::jobs::outcome::{Fix, Outcome, Verdict};
use crate::planner::jobs::read::Unreadable;

/// What the checks show together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Conclusion {
    /// The condition.
    Known {
        /// `True`, `False` or `Unknown`.
        status: &'static str,
        /// Why.
        reason: Reason,
        /// What is missing, and how to mend it. It contains no number that changes by itself, such as days that are left.
        message: String,
    },
    /// Azure has not answered every request: the next attempt may find something else.
    Unanswered,
}

impl Conclusion {
    /// What the results of all checks show together.
    #[must_use]
    pub fn of(results: &[CheckResult]) -> Self {
        if results.iter().filter_map(|one| one.outcome.unreadable.as_ref()).any(|why| !why.is_refusal) {
            return Self::Unanswered;
        }
        let (missing, unread) = (having(results, Verdict::Missing), having(results, Verdict::NotReadable));
        let warnings = having(results, Verdict::Warning);
        let total = results.len();
        match (missing.first(), unread.first()) {
            (Some(first), _) => {
                let message = format!("{} of {total} checks failed: {}. {}", missing.len(), ids(&missing), explained(first));
                Self::known("False", Reason::JobChecksFailed, message)
            }
            (None, Some(first)) => {
                let message = format!(
                    "{} of {total} checks could not be completed: {}. {}. The operator's identity needs: {}",
                    unread.len(),
                    ids(&unread),
                    text(first),
                    permissions(&unread)
                );
                Self::known("Unknown", Reason::JobChecksUnreadable, message)
            }
            (None, None) if warnings.is_empty() => {
                Self::known("True", Reason::JobChecksPassed, format!("None of {total} checks failed"))
            }
            (None, None) => {
                let message = format!("None of {total} checks failed; with a warning: {}", ids(&warnings));
                Self::known("True", Reason::JobChecksPassed, message)
            }
        }
    }

    fn known(status: &'static str, reason: Reason, message: String) -> Self {
        Self::Known { status, reason, message }
    }

    /// Whether a reconcile that reports this changes nothing, given the condition that the status has now.
    #[must_use]
    pub fn is_reported_by(&self, shown: Option<&Condition>) -> bool {
        match (self, shown) {
            (Self::Known { status, reason, message }, Some(shown)) => {
                (shown.status.as_str(), shown.reason.as_str(), &shown.message) == (*status, reason.as_str(), message)
            }
            (Self::Unanswered, shown) => shown.is_some(),
            (Self::Known { .. }, None) => false,
        }
    }
}

fn having(results: &[CheckResult], verdict: Verdict) -> Vec<&CheckResult> {
    results.iter().filter(|one| one.outcome.verdict == verdict).collect()
}

fn ids(results: &[&CheckResult]) -> String {
    results.iter().map(|one| one.check.id).collect::<Vec<_>>().join(", ")
}

/// The longest part that comes from Azure. A command is never cut, since it could not be run then.
const MAX_TEXT: usize = 400;

fn text(CheckResult { outcome, .. }: &CheckResult) -> String {
    let error = outcome.unreadable.as_ref().map_or(&outcome.message, |why| &why.error);
    let mut letters = error.trim_end_matches('.').chars();
    let text: String = letters.by_ref().take(MAX_TEXT).collect();
    if letters.next().is_some() { format!("{text}…") } else { text }
}

/// What is missing, and the command or the advice.
fn explained(result: &CheckResult) -> String {
    let Outcome { fix, .. } = &result.outcome;
    let fix = match fix {
        Some(Fix::Command(command)) => format!(". Run: {command}"),
        Some(Fix::Advice(advice)) => format!(". {advice}"),
        None => String::new(),
    };
    format!("{}: {}{fix}", result.check.id, text(result))
}

/// Each permission that is missing, once.
fn permissions(results: &[&CheckResult]) -> String {
    let mut all: Vec<&str> = Vec::new();
    for Unreadable { permission, .. } in results.iter().filter_map(|one| one.outcome.unreadable.as_ref()) {
        if !all.contains(permission) {
            all.push(permission);
        }
    }
    all.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::planner::jobs::checks::CHECKS;

    fn results(outcomes: Vec<Outcome>) -> Vec<CheckResult> {
        CHECKS.iter().zip(outcomes).map(|(check, outcome)| CheckResult { check, outcome }).collect()
    }

    fn ok() -> Outcome {
        Outcome::ok("fine")
    }

    fn missing(what: &str) -> Outcome {
        Outcome::missing(what, Fix::Command("az role assignment create --role x".to_owned()))
    }

    fn unread(permission: &'static str, is_refusal: bool) -> Outcome {
        Outcome::from(&Unreadable { permission, error: "AuthorizationFailed: no.".to_owned(), is_refusal })
    }

    #[test]
    fn the_condition_names_what_is_missing_and_the_command_or_what_cannot_be_read_and_the_permission() {
        let advice = Outcome::missing("no network", Fix::Advice("Attach another pool".to_owned()));
        let warning = || Outcome::warning("ends in 30 days", None);
        #[rustfmt::skip]
        let table = [
            (vec![ok(), Outcome::not_applicable("none"), ok()],        "True",    "None of 3 checks failed"),
            (vec![ok(), warning(), ok()],                              "True",    "None of 3 checks failed; with a warning: identity"),
            (vec![ok(), missing("no role."), ok()],                    "False",   "1 of 3 checks failed: identity. identity: no role. Run: az role assignment create --role x"),
            (vec![warning(), advice, missing("b")],                    "False",   "2 of 3 checks failed: identity, synapse-role. identity: no network. Attach another pool"),
            (vec![unread("a/read", true), missing("no role")],         "False",   "1 of 2 checks failed: identity. identity: no role. Run: az role assignment create --role x"),
            (vec![unread("a/read", true), ok(), unread("a/read", true), unread("b/read", true)], "Unknown",
                "3 of 4 checks could not be completed: compute, synapse-role, datastore-contributor. AuthorizationFailed: no. The operator's identity needs: a/read; b/read"),
        ];
        for (outcomes, expected, text) in table {
            let Conclusion::Known { status, message, .. } = Conclusion::of(&results(outcomes)) else { panic!("{text}") };
            assert_eq!((status, message.as_str()), (expected, text));
        }
    }

    #[test]
    fn nothing_is_concluded_while_azure_has_not_answered_everything() {
        for others in [ok(), missing("no role"), unread("a/read", true)] {
            assert_eq!(Conclusion::of(&results(vec![others, unread("b/read", false)])), Conclusion::Unanswered);
        }
    }

    #[test]
    fn a_long_text_of_azure_is_cut_and_a_command_is_not() {
        let command = format!("az x {}", "y".repeat(900));
        let outcome = Outcome::missing("ü".repeat(5_000), Fix::Command(command.clone()));
        let Conclusion::Known { message, .. } = Conclusion::of(&results(vec![outcome])) else { panic!("it is known") };
        assert!(message.ends_with(&format!("…. Run: {command}")) && message.chars().count() < 1_500, "{message}");
    }
}
