//! The condition `JobsReady`, and that nothing else depends on it.

use synapse_spark_operator::api::Reason;
use synapse_spark_operator::api::v1alpha1::AttachmentStatus;
use synapse_spark_operator::planner::jobs::Conclusion;
use synapse_spark_operator::planner::status::{condition, status};
use synapse_spark_operator::planner::{Attached, Decision, FaultKind, Goal, ObjectState, Observed, Progress, decide};

use crate::builders::{absent, attached, detach, drifted, in_sync, ours, report, shows, unknown};

fn goal(checks_jobs: bool) -> Goal {
    Goal::Attached(Attached { checks_jobs, ..attached() })
}

fn known(status: &'static str, reason: Reason, message: &str) -> Conclusion {
    Conclusion::Known { status, reason, message: message.to_owned() }
}

fn failed() -> Conclusion {
    known("False", Reason::JobChecksFailed, "1 of 13 checks failed: synapse-role")
}

fn passed() -> Conclusion {
    known("True", Reason::JobChecksPassed, "13 checks passed")
}

fn unanswered(is_lasting: bool) -> Conclusion {
    Conclusion::Unanswered { checks: vec!["compute", "identity"], is_lasting }
}

fn with(observed: Observed, job_checks: Option<Conclusion>) -> Observed {
    Observed { object: ObjectState { job_checks, ..observed.object }, ..observed }
}

fn next(previous: &AttachmentStatus, goal: &Goal, observed: &Observed) -> (AttachmentStatus, Decision) {
    let decision = decide(goal, observed);
    (status(previous, &report(goal, observed, &decision, None)), decision)
}

/// The status and the reason of the condition.
fn shown(status: &AttachmentStatus) -> Option<(&str, &str)> {
    condition(status, "JobsReady").map(|one| (one.status.as_str(), one.reason.as_str()))
}

#[test]
fn the_condition_shows_the_last_checks_and_is_gone_without_them() {
    let not_answered = |is_lasting| Some(unanswered(is_lasting));
    let unreadable = Some(("Unknown", "JobChecksUnreadable"));
    let one_absence = || Observed { absent_for: None, ..absent() };
    let was_failed = Some(("False", "JobChecksFailed"));
    #[rustfmt::skip]
    let table = vec![
        // case                         goal         observed                                           before           then
        ("not wanted",                  goal(false), with(in_sync(), None),                             None,            None),
        ("switched off",                goal(false), with(in_sync(), Some(failed())),                   Some(failed()),  None),
        ("switched off, Azure silent",  goal(false), shows_nothing(),                                   Some(failed()),  None),
        ("not made yet",                goal(true),  with(in_sync(), None),                             None,            None),
        ("passed",                      goal(true),  with(in_sync(), Some(passed())),                   Some(failed()),  Some(("True", "JobChecksPassed"))),
        ("failed",                      goal(true),  with(in_sync(), Some(failed())),                   None,            was_failed),
        ("after a restart",             goal(true),  with(in_sync(), None),                             Some(failed()),  was_failed),
        ("not answered at first",       goal(true),  with(in_sync(), not_answered(false)),              None,            unreadable),
        ("not answered later",          goal(true),  with(in_sync(), not_answered(false)),              Some(failed()),  was_failed),
        ("not answered for long",       goal(true),  with(in_sync(), not_answered(true)),               Some(passed()),  unreadable),
        ("an identity has changed",     goal(true),  with(in_sync(), Some(Conclusion::SubjectChanged)), Some(passed()),  Some(("Unknown", "JobChecksPending"))),
        ("Azure silent",                goal(true),  shows_nothing(),                                   Some(failed()),  was_failed),
        ("being corrected",             goal(true),  shows(drifted()),                                  Some(failed()),  was_failed),
        ("absent once",                 goal(true),  one_absence(),                                     Some(failed()),  was_failed),
        ("detached by others",          goal(true),  absent(),                                          Some(failed()),  None),
        ("being deleted",               detach(),    in_sync(),                                         Some(failed()),  was_failed),
    ];
    for (case, goal, observed, before, then) in table {
        let mut observed = observed;
        // It was attached.
        let previous =
            before.map(|before| next(&AttachmentStatus::default(), &self::goal(true), &with(in_sync(), Some(before))).0);
        observed.applied = previous.as_ref().and_then(|previous| previous.applied.clone());
        let (status, _) = next(&previous.unwrap_or_default(), &goal, &observed);
        assert_eq!(shown(&status), then, "{case}: {status:?}");
    }
}

fn shows_nothing() -> Observed {
    Observed { compute: unknown(FaultKind::Unavailable(None)), ..in_sync() }
}

#[test]
fn no_decision_and_no_other_part_of_the_status_depends_on_the_checks() {
    let all = [in_sync(), shows_nothing(), absent(), shows(drifted()), ours(Progress::Working), ours(Progress::Failed)];
    for observed in all {
        let (before, decision) = next(&AttachmentStatus::default(), &goal(true), &observed);
        for conclusion in [passed(), failed(), unanswered(true), Conclusion::SubjectChanged] {
            let (mut status, other) = next(&AttachmentStatus::default(), &goal(true), &with(observed.clone(), Some(conclusion)));
            status.conditions.retain(|one| one.type_ != "JobsReady");
            assert_eq!((decision.clone(), &before), (other, &status));
        }
        assert_eq!(decision, decide(&goal(false), &observed));
    }
}

#[test]
fn a_condition_that_is_reported_already_is_no_change() {
    for conclusion in [passed(), failed()] {
        let (status, _) = next(&AttachmentStatus::default(), &goal(true), &with(in_sync(), Some(conclusion.clone())));
        let shown = condition(&status, "JobsReady");
        assert!(conclusion.is_reported_by(shown) && unanswered(false).is_reported_by(shown));
        assert!(!conclusion.is_reported_by(None) && !unanswered(false).is_reported_by(None));
        assert!(!unanswered(true).is_reported_by(shown) && !Conclusion::SubjectChanged.is_reported_by(shown));
        assert!(!known("True", Reason::JobChecksPassed, "another").is_reported_by(shown));
        let again = next(&status, &goal(true), &with(in_sync(), Some(conclusion))).0;
        assert_eq!(status, again);
    }
}

#[test]
fn a_condition_of_an_earlier_generation_is_unknown_until_the_checks_are_made() {
    let (before, _) = next(&AttachmentStatus::default(), &goal(true), &with(in_sync(), Some(passed())));
    let pending = Some(("Unknown", "JobChecksPending"));
    let unreadable = Some(("Unknown", "JobChecksUnreadable"));
    #[rustfmt::skip]
    let table = [
        ("being updated",        shows(drifted()),                          pending),
        ("not checked yet",      with(in_sync(), None),                     pending),
        ("Azure silent",         shows_nothing(),                           pending),
        ("checked",              with(in_sync(), Some(failed())),           Some(("False", "JobChecksFailed"))),
        ("the same is checked",  with(shows(drifted()), Some(passed())),    Some(("True", "JobChecksPassed"))),
        ("not answered",         with(in_sync(), Some(unanswered(false))),  unreadable),
    ];
    for (case, mut observed, then) in table {
        observed.applied = before.applied.clone();
        let decision = decide(&goal(true), &observed);
        let goal = goal(true);
        let mut report = report(&goal, &observed, &decision, None);
        report.object.generation = report.object.generation.map(|generation| generation + 1);
        let status = status(&before, &report);
        assert_eq!(shown(&status), then, "{case}");
        let generation = condition(&status, "JobsReady").and_then(|one| one.observed_generation);
        assert_eq!(generation, report.object.generation, "{case}");
    }
}
