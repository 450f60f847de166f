//! The condition `JobsReady`, from the outcomes of the checks.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

use crate::api::Reason;
use crate::planner::jobs::checks::CheckResult;
use crate::planner::jobs::outcome::{Fix, Verdict};
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
        /// What is missing, and how to fix it. It contains no number that changes with time, such as the days left.
        message: String,
    },
    /// Nothing is known to be missing, and Azure has not answered every request: the next attempt may find something else.
    Unanswered {
        /// The checks that need these answers; none if it is not known.
        checks: Vec<&'static str>,
        /// Whether what was known before is no longer valid.
        is_lasting: bool,
    },
    /// What is checked has changed, and has not been checked yet.
    SubjectChanged,
}

impl Conclusion {
    /// What the results of all checks show together.
    #[must_use]
    pub fn of(results: &[CheckResult]) -> Self {
        let (missing, unread) = (having(results, Verdict::Missing), having(results, Verdict::NotReadable));
        let is_answered = |one: &CheckResult| one.outcome.unreadable.as_ref().is_none_or(|why| why.is_refusal);
        let checks: Vec<_> = results.iter().filter(|one| !is_answered(one)).map(|one| one.check.id).collect();
        // What is missing is known, whatever Azure answers to the rest.
        if missing.is_empty() && !checks.is_empty() {
            return Self::Unanswered { checks, is_lasting: false };
        }
        let warnings = having(results, Verdict::Warning);
        let total = results.len();
        match (missing.first(), unread.first()) {
            (Some(first), _) => {
                let message = format!("{} of {total} checks failed: {}. {}", missing.len(), ids(&missing), explained(first));
                Self::known("False", Reason::JobChecksFailed, message)
            }
            (None, Some(first)) => {
                let mut message =
                    format!("{} of {total} checks could not be completed: {}. {}", unread.len(), ids(&unread), text(first));
                let needed = permissions(&unread);
                if !needed.is_empty() {
                    message = format!("{message}. The operator's identity needs: {needed}");
                }
                Self::known("Unknown", Reason::JobChecksUnreadable, message + &fix(first))
            }
            (None, None) => {
                let (passed, other) = (having(results, Verdict::Ok).len(), having(results, Verdict::NotApplicable).len());
                let mut message = format!("{passed} {} passed", if passed == 1 { "check" } else { "checks" });
                if other > 0 {
                    message = format!("{message}, {other} {} not apply", if other == 1 { "does" } else { "do" });
                }
                if !warnings.is_empty() {
                    message = format!("{message}; with a warning: {}", ids(&warnings));
                }
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
        let Some(shown) = shown else { return false };
        let is_same = |status: &str, reason: Reason, message: &str| {
            (shown.status.as_str(), shown.reason.as_str(), shown.message.as_str()) == (status, reason.as_str(), message)
        };
        match self {
            Self::Known { status, reason, message } => is_same(status, *reason, message),
            Self::Unanswered { is_lasting: false, .. } => true,
            Self::Unanswered { checks, .. } => is_same("Unknown", Reason::JobChecksUnreadable, &unanswered(checks)),
            Self::SubjectChanged => shown.reason == Reason::JobChecksPending.as_str(),
        }
    }
}

/// The message for checks that Azure has not answered.
#[must_use]
pub fn unanswered(checks: &[&str]) -> String {
    match checks {
        [] => "Azure has not answered what the checks need; retrying with backoff".to_owned(),
        _ => format!("Azure has not answered what these checks need: {}; retrying with backoff", checks.join(", ")),
    }
}

/// The message for an event, which has less space: without the commands, which must not be cut.
#[must_use]
pub fn brief(message: &str) -> String {
    match message.split_once(". ") {
        Some((checks, _)) => format!("{checks}; the condition JobsReady shows what to do"),
        None => message.to_owned(),
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
    format!("{}: {}{}", result.check.id, text(result), fix(result))
}

fn fix(CheckResult { outcome, .. }: &CheckResult) -> String {
    match &outcome.fix {
        Some(Fix::Command(command)) => format!(". Run: {command}"),
        Some(Fix::Advice(advice)) => format!(". {advice}"),
        None => String::new(),
    }
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
    use crate::planner::jobs::outcome::Outcome;

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
            (vec![ok(), Outcome::not_applicable("none"), ok()],        "True",    "2 checks passed, 1 does not apply"),
            (vec![ok(), warning(), ok()],                              "True",    "2 checks passed; with a warning: identity"),
            (vec![ok(), missing("no role."), ok()],                    "False",   "1 of 3 checks failed: identity. identity: no role. Run: az role assignment create --role x"),
            (vec![warning(), advice, missing("b")],                    "False",   "2 of 3 checks failed: identity, synapse-role. identity: no network. Attach another pool"),
            (vec![unread("a/read", true), missing("no role")],         "False",   "1 of 2 checks failed: identity. identity: no role. Run: az role assignment create --role x"),
            (vec![unread("a/read", true), ok(), unread("a/read", true), unread("b/read", true)], "Unknown",
                "3 of 4 checks could not be completed: compute, synapse-role, datastore-contributor. AuthorizationFailed: no. The operator's identity needs: a/read; b/read"),
            (vec![ok(), Outcome::undecided("a group has it", Fix::Command("az x".to_owned()))], "Unknown", "1 of 2 checks could not be completed: identity. a group has it. Run: az x"),
        ];
        for (outcomes, expected, text) in table {
            let Conclusion::Known { status, message, .. } = Conclusion::of(&results(outcomes)) else { panic!("{text}") };
            assert_eq!((status, message.as_str()), (expected, text));
        }
    }

    #[test]
    fn what_is_missing_shows_at_once_and_nothing_else_is_concluded_without_all_answers() {
        for others in [ok(), unread("a/read", true)] {
            let expected = Conclusion::Unanswered { checks: vec!["identity"], is_lasting: false };
            assert_eq!(Conclusion::of(&results(vec![others, unread("b/read", false)])), expected);
        }
        let found = Conclusion::of(&results(vec![unread("b/read", false), missing("no role"), ok()]));
        let Conclusion::Known { status: "False", message, .. } = found else { panic!("{found:?}") };
        assert!(message.starts_with("1 of 3 checks failed: identity. "), "{message}");
    }

    #[test]
    fn an_event_names_the_failed_checks_and_has_no_part_of_a_command() {
        let outcomes = vec![missing(&"no role ".repeat(90)), ok(), missing("b")];
        let Conclusion::Known { message, .. } = Conclusion::of(&results(outcomes)) else { panic!("it is known") };
        assert_eq!(brief(&message), "2 of 3 checks failed: compute, synapse-role; the condition JobsReady shows what to do");
        assert_eq!(brief("13 checks passed"), "13 checks passed");
    }

    #[test]
    fn a_long_text_of_azure_is_cut_and_a_command_is_not() {
        let command = format!("az x {}", "y".repeat(900));
        let outcome = Outcome::missing("ü".repeat(5_000), Fix::Command(command.clone()));
        let Conclusion::Known { message, .. } = Conclusion::of(&results(vec![outcome])) else { panic!("it is known") };
        assert!(message.ends_with(&format!("…. Run: {command}")) && message.chars().count() < 1_500, "{message}");
    }
}
