//! `spec.deletionGuard`: a detach waits for the jobs on the compute, for a limited time.

use std::time::Duration;

use jiff::Timestamp;
use synapse_spark_operator::api::Reason;
use synapse_spark_operator::api::v1alpha1::{
    AdoptionPolicy, AttachmentStatus, FailedStep, JobStatus, OperationKind, RolePhase, WaitingForJobs,
};
use synapse_spark_operator::planner::goal::Policy;
use synapse_spark_operator::planner::invalid::Invalid;
use synapse_spark_operator::planner::status::time::stored;
use synapse_spark_operator::planner::status::{condition, status};
use synapse_spark_operator::planner::{
    Attached, Compute, Detached, FaultKind, Finding, Goal, Job, Jobs, Observed, Ownership, Progress, Recipient, Report, Requeue,
    Step, WriteResult, decide,
};

use crate::builders::{
    absent, accepted, after, attached, check, compute, detached, failure, fault, in_sync, now, of_other_pool, ours, owner,
    ready_status, recorded, report, role, running, seen, shows, status_after, unheard, unknown,
};

const TIMEOUT: Duration = Duration::from_hours(1);
const MINUTE: Duration = Duration::from_mins(1);

fn deletion() -> Detached {
    Detached { waits_for_jobs: Some(TIMEOUT), ..detached() }
}

fn replacement(suspend: bool) -> Goal {
    let policy = Policy { replace: true, adopt: AdoptionPolicy::IfSamePool, suspend, waits_for_jobs: Some(TIMEOUT) };
    Goal::Attached(Attached { policy, ..attached() })
}

fn two() -> Finding<Jobs> {
    let job = |name: &str, status: &str| Job { name: name.into(), status: status.into() };
    Finding::Present(Jobs { count: 2, first: vec![job("nightly", "Running"), job("hourly", "Queued")] })
}

/// This observation with these jobs, of an object that has waited for so long.
fn with(jobs: Finding<Jobs>, waited: Duration, mut observed: Observed) -> Observed {
    observed.object.waited_for_jobs = waited;
    Observed { jobs: Some(jobs), ..observed }
}

#[test]
fn a_detach_waits_until_no_job_uses_the_compute_or_the_time_has_passed() {
    use FaultKind::{Forbidden, Queued, Unavailable};
    let (goal, unguarded) = (Goal::Detached(deletion()), Goal::Detached(detached()));
    let (replaces, suspended) = (replacement(false), replacement(true));
    let (zero, almost) = (Duration::ZERO, TIMEOUT.saturating_sub(Duration::from_secs(1)));
    let other = || shows(of_other_pool(Progress::Succeeded));
    #[rustfmt::skip]
    check(vec![
        ("the jobs were not read",                 &goal,      in_sync(),                                             "Wait",   Reason::WaitingForJobs),
        ("no job uses it",                         &goal,      with(Finding::Absent, zero, in_sync()),                "Detach", Reason::Detaching),
        ("two jobs use it",                        &goal,      with(two(), zero, in_sync()),                          "Wait",   Reason::WaitingForJobs),
        ("shortly before the time-out",            &goal,      with(two(), almost, in_sync()),                        "Wait",   Reason::WaitingForJobs),
        ("at the time-out",                        &goal,      with(two(), TIMEOUT, in_sync()),                       "Detach", Reason::Detaching),
        ("at the time-out, before they were read", &goal,      Observed { jobs: None, ..with(two(), TIMEOUT, in_sync()) }, "Wait", Reason::WaitingForJobs),
        ("they may not be read",                   &goal,      with(unknown(Forbidden), zero, in_sync()),             "Wait",   Reason::JobsUnreadable),
        ("they may not be read, at the time-out",  &goal,      with(unknown(Forbidden), TIMEOUT, in_sync()),          "Detach", Reason::Detaching),
        ("Azure is silent",                        &goal,      with(unknown(Unavailable(None)), almost, in_sync()),   "Wait",   Reason::JobsUnreadable),
        ("the request waits for its turn",         &goal,      with(unknown(Queued(MINUTE)), zero, in_sync()),        "Wait",   Reason::Queued),
        ("the spec wants no wait",                 &unguarded, with(two(), zero, in_sync()),                          "Detach", Reason::Detaching),
        ("another pool replaces it",               &replaces,  with(two(), zero, other()),                            "Wait",   Reason::WaitingForJobs),
        ("the same, without jobs",                 &replaces,  with(Finding::Absent, zero, other()),                  "Detach", Reason::Replacing),
        ("the same, at the time-out",              &replaces,  with(two(), TIMEOUT, other()),                         "Detach", Reason::Replacing),
        ("the same, suspended",                    &suspended, with(two(), zero, other()),                            "Wait",   Reason::Suspended),
        ("it is in sync",                          &replaces,  with(two(), zero, in_sync()),                          "Done",   Reason::Attached),
    ]);
}

#[test]
fn jobs_keep_nothing_but_a_detach() {
    let goal = |change: fn(&mut Detached)| {
        let mut goal = deletion();
        change(&mut goal);
        Goal::Detached(goal)
    };
    let (usual, retained, suspended) = (goal(|_| {}), goal(|goal| goal.retain = true), goal(|goal| goal.suspend = true));
    let handed_over = goal(|goal| {
        goal.transfer_to =
            Some(Recipient::parse("0b5d1f5e-3c1c-4c55-9a4e-1f2a3b4c5d6e/team-b/pool", &owner()).expect("a recipient"));
    });
    let of_another = shows(Compute { owner: Ownership::Another("them".into()), ..compute(Progress::Succeeded) });
    let detaching = after(accepted(OperationKind::Detach, MINUTE, running()), ours(Progress::Deleting));
    let lost = after(unheard(OperationKind::Attach, MINUTE), absent());
    #[rustfmt::skip]
    check(vec![
        ("it is to be retained",             &retained,    in_sync(),   "RemoveFinalizer", Reason::Retained),
        ("it is to be handed over",          &handed_over, in_sync(),   "Put",             Reason::Transferring),
        ("it is suspended",                  &suspended,   in_sync(),   "Wait",            Reason::Suspended),
        ("it belongs to another object",     &usual,       of_another,  "RemoveFinalizer", Reason::Retained),
        ("it is gone",                       &usual,       absent(),    "RemoveFinalizer", Reason::Detached),
        ("Azure is detaching it",            &usual,       detaching,   "Wait",            Reason::Detaching),
        ("an attach of it has no answer",    &usual,       lost,        "Wait",            Reason::WaitingForWrite),
    ]);
}

#[test]
fn jobs_keep_the_role_that_they_need() {
    let one = role("now");
    let mut observed = with(two(), Duration::ZERO, in_sync());
    observed.roles.recorded = vec![recorded(&one, RolePhase::Assigned, Some(TIMEOUT))];
    let goal = Goal::Detached(deletion());
    assert_eq!(decide(&goal, &observed).step, Step::Wait);
    observed.jobs = Some(Finding::Absent);
    // A job that begins after they were read needs the role until the compute is gone.
    assert_eq!(decide(&goal, &observed).step.name(), "Detach");
    observed.failure = Some(failure(FailedStep::Detach, MINUTE, MINUTE));
    assert_eq!(decide(&goal, &observed).step.name(), "Detach", "nor is it revoked before a further attempt");
    let gone = Observed { roles: observed.roles, failure: observed.failure, ..absent() };
    assert_eq!(decide(&goal, &gone).step, Step::RevokeRole(one));
    let unguarded = Observed { failure: None, ..gone };
    let unguarded = Observed { compute: in_sync().compute, ..unguarded };
    assert_eq!(
        decide(&Goal::Detached(detached()), &unguarded).step.name(),
        "RevokeRole",
        "without the guard it is revoked first"
    );
}

#[test]
fn the_jobs_are_read_again_at_the_time_out_at_the_latest() {
    let goal = Goal::Detached(deletion());
    #[rustfmt::skip]
    let table = [
        // waited  pause
        (0,        5),
        (60,       60),
        (1000,     300),
        (3_590,    10),
        (3_599,    1),
    ];
    for (waited, pause) in table {
        let decision = decide(&goal, &with(two(), Duration::from_secs(waited), in_sync()));
        assert_eq!(decision.requeue, Requeue::After(Duration::from_secs(pause)), "{waited}");
        assert_eq!(decision.needs_jobs(), None, "they were read");
        let unread = Observed { jobs: None, ..with(two(), Duration::from_secs(waited), in_sync()) };
        assert_eq!(decide(&goal, &unread).needs_jobs(), Some(Duration::from_secs(pause) / 2), "{waited}");
    }
}

/// What the status records after a reconcile at this time.
fn recorded_at(at: Timestamp, previous: &AttachmentStatus, goal: &Goal, observed: &Observed) -> AttachmentStatus {
    let decision = decide(goal, observed);
    let intent = WriteResult::Intent;
    let written = decision.step.write().map(|_| (&decision, &intent));
    status(previous, &Report { now: at, ..report(goal, observed, &decision, written) })
}

fn later(by: Duration) -> Timestamp {
    now().checked_add(by).expect("a time")
}

#[test]
fn the_status_records_when_the_wait_began_and_for_what() {
    let goal = Goal::Detached(deletion());
    let waiting = recorded_at(now(), &ready_status(), &goal, &with(two(), Duration::ZERO, in_sync()));
    let job = |name: &str, status: &str| JobStatus { name: name.into(), status: status.into() };
    let expected = WaitingForJobs {
        since: stored(now()),
        until: stored(later(TIMEOUT)),
        count: 2,
        jobs: vec![job("nightly", "Running"), job("hourly", "Queued")],
        timed_out: false,
    };
    assert_eq!(waiting.waiting_for_jobs, Some(expected.clone()));
    let message = &condition(&waiting, "Ready").expect("it is there").message;
    let words = format!(
        "Waiting until no job uses compute pool in workspace w, and until {} at the latest; 2 jobs have not ended: nightly (Running), hourly (Queued). To detach the compute now, ",
        later(TIMEOUT)
    );
    assert!(message.starts_with(&words), "{message}");

    // Nothing is written while the jobs go on.
    let again = recorded_at(later(MINUTE), &waiting, &goal, &with(two(), MINUTE, in_sync()));
    assert_eq!(again, waiting);
    // Without an answer, or before its turn, the wait goes on.
    let silent = recorded_at(later(MINUTE), &waiting, &goal, &seen(true, unknown(FaultKind::Unavailable(None))));
    assert_eq!(silent.waiting_for_jobs.map(|wait| wait.since), Some(expected.since.clone()));
    // A time in the future begins the wait again.
    let past = now().checked_sub(TIMEOUT).expect("a time");
    let restarted = recorded_at(past, &waiting, &goal, &with(two(), Duration::ZERO, in_sync()));
    assert_eq!(restarted.waiting_for_jobs.map(|wait| wait.since), Some(stored(past)));
    // Without the guard, there is none.
    let unguarded = recorded_at(later(MINUTE), &waiting, &Goal::Detached(detached()), &in_sync());
    assert_eq!(unguarded.waiting_for_jobs, None);
}

#[test]
fn a_detach_that_fails_does_not_begin_the_wait_again() {
    let goal = Goal::Detached(deletion());
    let waiting = recorded_at(now(), &ready_status(), &goal, &with(two(), Duration::ZERO, in_sync()));
    let detaching = recorded_at(later(TIMEOUT), &waiting, &goal, &with(two(), TIMEOUT, in_sync()));
    let wait = detaching.waiting_for_jobs.clone().expect("it is recorded");
    assert!(wait.timed_out, "{wait:?}");
    assert_eq!((wait.since, wait.jobs), (stored(now()), Vec::new()));
    let refused =
        Observed { failure: Some(failure(FailedStep::Detach, MINUTE, MINUTE)), ..with(two(), TIMEOUT + MINUTE, in_sync()) };
    assert_eq!(decide(&goal, &refused).step.name(), "Detach");
    // Without jobs, nothing has timed out.
    let idle = recorded_at(later(MINUTE), &waiting, &goal, &with(Finding::Absent, MINUTE, in_sync()));
    assert!(!idle.waiting_for_jobs.expect("it is recorded").timed_out);
}

#[test]
fn a_wait_that_ended_without_a_detach_does_not_shorten_the_next() {
    let other = || shows(of_other_pool(Progress::Succeeded));
    let never = Policy { replace: false, adopt: AdoptionPolicy::IfSamePool, suspend: false, waits_for_jobs: Some(TIMEOUT) };
    let kept = Goal::Attached(Attached { policy: never, ..attached() });
    let unknown = Invalid { field: "metadata.annotations[synapse-spark.dev/on-delete]", why: "unknown".to_owned() };
    let mut duplicate = other();
    duplicate.object.older_claimant = Some("team-a/older".to_owned());
    #[rustfmt::skip]
    let table = [
        ("the deletion is suspended",         Goal::Detached(deletion()), Goal::Detached(Detached { suspend: true, ..deletion() }),               in_sync()),
        ("the annotation has no meaning",     Goal::Detached(deletion()), Goal::Detached(Detached { unknown_annotation: Some(unknown), ..deletion() }), in_sync()),
        ("the replacement is suspended",      replacement(false),         replacement(true),                                                      other()),
        ("the pool is no longer replaced",    replacement(false),         kept,                                                                   other()),
        ("an older object claims the compute", replacement(false),        replacement(false),                                                     duplicate),
    ];
    for (case, goal, next, observed) in table {
        let seen = if matches!(goal, Goal::Detached(_)) { in_sync() } else { other() };
        let waiting = recorded_at(now(), &ready_status(), &goal, &with(two(), Duration::ZERO, seen));
        assert!(waiting.waiting_for_jobs.is_some(), "{case}");
        let ended = recorded_at(later(MINUTE), &waiting, &next, &observed);
        assert_eq!(ended.waiting_for_jobs, None, "{case}");
    }
}

#[test]
fn the_time_runs_while_the_request_for_the_jobs_waits_for_its_turn() {
    let goal = Goal::Detached(deletion());
    let mut observed = with(unknown(FaultKind::Queued(MINUTE)), Duration::ZERO, in_sync());
    observed.object.queued_for = MINUTE;
    let queued = recorded_at(now(), &ready_status(), &goal, &observed);
    assert_eq!(queued.waiting_for_jobs.map(|wait| wait.since), Some(stored(now())));
}

#[test]
fn a_deletion_does_not_wait_anew_because_one_observation_does_not_show_the_compute() {
    let goal = Goal::Detached(deletion());
    let waiting = recorded_at(now(), &ready_status(), &goal, &with(two(), Duration::ZERO, in_sync()));
    let absent = recorded_at(later(MINUTE), &waiting, &goal, &absent());
    assert_eq!(absent.waiting_for_jobs.map(|wait| wait.since), Some(stored(now())));
}

#[test]
fn the_next_replacement_waits_as_long_as_the_first() {
    let goal = replacement(false);
    let other = || shows(of_other_pool(Progress::Succeeded));
    let waiting = recorded_at(now(), &ready_status(), &goal, &with(two(), Duration::ZERO, other()));
    assert!(waiting.waiting_for_jobs.is_some());
    let ends = [
        ("the spec names the former pool again", in_sync(), None),
        ("the compute is detached", after(accepted(OperationKind::Detach, MINUTE, running()), absent()), None),
        ("Azure is silent", seen(true, unknown(FaultKind::Unavailable(None))), Some(stored(now()))),
    ];
    for (case, observed, since) in ends {
        let next = recorded_at(later(MINUTE), &waiting, &goal, &observed);
        assert_eq!(next.waiting_for_jobs.map(|wait| wait.since), since, "{case}");
    }
}

#[test]
fn jobs_that_cannot_be_read_are_a_failure_only_if_azure_refuses() {
    let goal = Goal::Detached(deletion());
    for (kind, stalled) in [(FaultKind::Forbidden, true), (FaultKind::Unavailable(None), false)] {
        let observed = with(Finding::Unknown(fault(kind)), Duration::ZERO, in_sync());
        let status = status_after(&ready_status(), &goal, &observed, None);
        assert_eq!(condition(&status, "Stalled").is_some(), stalled, "{kind:?}");
        let wait = status.waiting_for_jobs.expect("it is recorded");
        assert_eq!((wait.count, wait.until), (0, stored(later(TIMEOUT))));
        let message = &status.conditions[0].message;
        for words in ["Cannot read the jobs that use compute pool", "Microsoft.MachineLearningServices/workspaces/jobs/read"] {
            assert!(message.contains(words), "{message}");
        }
    }
}
