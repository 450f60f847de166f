//! Who changed a compute: what is recorded, when the Activity Log is asked, and what its entries show.

use std::time::Duration;

use jiff::Timestamp;
use synapse_spark_operator::api::v1alpha1::{
    ActivityLogResult, ActivityLogStatus, Applied, AttachmentStatus, LastDriftStatus, OperationKind,
};
use synapse_spark_operator::planner::activity_log::{Entry, Progress, last_change, question};
use synapse_spark_operator::planner::backoff::{ACTIVITY_LOG_DELAY, ACTIVITY_LOG_PATIENCE, ACTIVITY_LOG_WINDOW, CLOCK_SKEW};
use synapse_spark_operator::planner::status::last_drift::explained;
use synapse_spark_operator::planner::status::time::stored;
use synapse_spark_operator::planner::unexplained::{Change, Shown, Unexplained};
use synapse_spark_operator::planner::{Attached, Compute, Fault, FaultKind, Goal, Observed, Requeue, WriteResult, decide};

use crate::builders::{
    CREATED_ON, absent, accepted, after, attach, attached, compute, compute_id, detach, drifted, fault, in_sync, now, pool,
    ready_status, running, shows, status_after, with_policy,
};
use synapse_spark_operator::planner::{PoolReading, Progress as State};

const MINUTE: Duration = Duration::from_mins(1);
const OWN: &str = "00000000-0000-0000-0000-00000000000a";
/// The identity that the operator had before.
const FORMER: &str = "00000000-0000-0000-0000-00000000000f";
const OTHER: &str = "00000000-0000-0000-0000-00000000000b";

/// The status of an object whose drift was observed this long ago, and whose log was not asked.
fn open(ago: Duration) -> AttachmentStatus {
    let last_drift = LastDriftStatus {
        fields: vec!["identity.type".into()],
        observed_at: stored(now() - ago),
        in_sync_at: None,
        activity_log: None,
    };
    AttachmentStatus { last_drift: Some(last_drift), ..ready_status() }
}

/// The same in an observation, and what the log shows.
fn asked(observed: Observed, ago: Duration, found: Option<Result<Shown, Box<Fault>>>) -> Observed {
    let mut observed = observed;
    observed.object.unexplained = Some(Unexplained {
        observed_at: now() - ago,
        in_sync_at: None,
        is_detach: false,
        age: Some(ago),
        delay: ACTIVITY_LOG_DELAY,
        found,
    });
    observed
}

fn change(name: Option<&str>) -> Change {
    Change { at: now() - 20 * MINUTE, caller: OTHER.into(), name: name.map(ToOwned::to_owned) }
}

/// A compute that existed and is gone without a detach of ours.
fn vanished() -> Observed {
    let applied = Applied { created_on: compute(State::Succeeded).details.created_on, ..Applied::default() };
    Observed { applied: Some(applied), ..absent() }
}

fn fields(status: &AttachmentStatus) -> Vec<String> {
    status.last_drift.as_ref().map(|last| last.fields.clone()).unwrap_or_default()
}

#[test]
fn change_by_others_is_recorded_and_stays_after_its_correction() {
    let found = status_after(&ready_status(), &attach(), &shows(drifted()), Some(&WriteResult::Accepted(None)));
    assert_eq!(fields(&found), ["identity.type"]);
    assert_eq!(found.last_drift.as_ref().map(|last| last.observed_at.clone()), Some(stored(now())));
    let corrected = status_after(&found, &attach(), &in_sync(), None);
    assert!(corrected.drift.is_empty());
    assert_eq!(corrected.last_drift, found.last_drift);
}

#[test]
fn only_a_change_by_others_counts() {
    let other_pool = Compute { pool: PoolReading::Pool(pool("other")), ..compute(State::Succeeded) };
    let new_spec = Goal::Attached(Attached { description: Some("new".into()), ..attached() });
    let never_ready = AttachmentStatus::default();
    let older_spec = AttachmentStatus { observed_generation: Some(0), ..ready_status() };
    let suspended = with_policy(attached().policy.adopt, false, true);
    let sent = Some(WriteResult::Accepted(None));
    let refused = Some(WriteResult::Failed(fault(FaultKind::Forbidden)));
    let detached = after(accepted(OperationKind::Detach, MINUTE, running()), vanished());
    #[rustfmt::skip]
    let table = vec![
        // case                                     before            goal         observed              written        fields
        ("nothing differs",                         ready_status(),   attach(),    in_sync(),            None,          &[][..]),
        ("somebody changed the compute",            ready_status(),   attach(),    shows(drifted()),     sent.clone(),  &["identity.type"]),
        ("the correction is refused",               ready_status(),   attach(),    shows(drifted()),     refused,       &["identity.type"]),
        ("it is suspended",                         ready_status(),   suspended,   shows(drifted()),     None,          &["identity.type"]),
        ("the compute has another pool",            ready_status(),   attach(),    shows(other_pool),    None,          &["resourceId"]),
        ("the spec was changed",                    older_spec,       new_spec,    in_sync(),            sent.clone(),  &[]),
        ("it was not in sync before",               never_ready,      attach(),    shows(drifted()),     sent.clone(),  &[]),
        ("the compute is missing for the first time", ready_status(), attach(),    vanished(),           None,          &[]),
        ("somebody detached it, it is attached",    ready_status(),   attach(),    vanished(),           sent.clone(),  &["compute"]),
        ("the operator detached it",                ready_status(),   attach(),    detached,             sent.clone(),  &[]),
        ("it is attached for the first time",       AttachmentStatus::default(), attach(), absent(),     sent,          &[]),
    ];
    for (case, before, goal, observed, written, expected) in table {
        // Only a decision that writes has a result.
        let written = written.filter(|_| decide(&goal, &observed).step.write().is_some());
        let next = status_after(&before, &goal, &observed, written.as_ref());
        assert_eq!(fields(&next), expected, "{case}");
    }
}

#[test]
fn log_is_asked_once_the_change_is_corrected_and_the_log_shows_it() {
    let due = ACTIVITY_LOG_DELAY;
    #[rustfmt::skip]
    let table = vec![
        // case                              goal      observed                                       asked
        ("there was no change",              attach(), in_sync(),                                     false),
        ("the log lags behind",              attach(), asked(in_sync(), due.saturating_sub(MINUTE), None),          false),
        ("it is due",                        attach(), asked(in_sync(), due, None),                   true),
        ("it is long due",                   attach(), asked(in_sync(), 100 * due, None),             true),
        ("it is not corrected",              attach(), asked(shows(drifted()), due, None),            false),
        ("the compute is missing",           attach(), asked(vanished(), due, None),                  false),
        ("the object is being deleted",      detach(), asked(in_sync(), due, None),                   false),
    ];
    for (case, goal, observed, expected) in table {
        let question = question(&goal, &observed, &decide(&goal, &observed));
        assert_eq!(question.is_some(), expected, "{case}");
    }
    let observed = asked(in_sync(), due, None);
    let question = question(&attach(), &observed, &decide(&attach(), &observed)).expect("it is due");
    assert_eq!((question.compute, question.to), (compute_id(), now() - due + CLOCK_SKEW));
    assert_eq!(question.to.duration_since(question.from).unsigned_abs(), ACTIVITY_LOG_WINDOW + CLOCK_SKEW);
    assert!(!question.is_detach);
}

#[test]
fn log_is_read_from_the_time_at_which_the_compute_was_in_sync_and_for_a_day_at_most() {
    let due = ACTIVITY_LOG_DELAY;
    let observed_at = now() - due;
    #[rustfmt::skip]
    let table = [
        ("it is unknown",             None,                                    observed_at - ACTIVITY_LOG_WINDOW),
        ("a minute before",           Some(observed_at - MINUTE),              observed_at - MINUTE),
        ("longer ago than a day",     Some(observed_at - 2 * ACTIVITY_LOG_WINDOW), observed_at - ACTIVITY_LOG_WINDOW),
    ];
    for (case, in_sync_at, from) in table {
        let mut observed = asked(in_sync(), due, None);
        let unexplained = observed.object.unexplained.as_mut().expect("it is there");
        (unexplained.in_sync_at, unexplained.is_detach) = (in_sync_at, true);
        let question = question(&attach(), &observed, &decide(&attach(), &observed)).expect("it is due");
        assert_eq!((question.from, question.is_detach), (from, true), "{case}");
    }
}

#[test]
fn time_at_which_the_compute_was_in_sync_is_recorded_as_far_as_the_status_shows_it() {
    let sent = Some(WriteResult::Accepted(None));
    let ready = ready_status().conditions[0].last_transition_time.clone();
    let created: Timestamp = CREATED_ON.parse().expect("a time");
    let mut ahead = ready_status();
    ahead.conditions[0].last_transition_time = stored(now() + MINUTE);
    let unreadable = Observed { applied: Some(Applied { created_on: Some("then".into()), ..Applied::default() }), ..absent() };
    #[rustfmt::skip]
    let table = [
        ("since it was Ready",                 ready_status(), shows(drifted()), Some(ready)),
        ("its clock was ahead",                ahead,          shows(drifted()), None),
        ("since the lost compute was created", ready_status(), vanished(),       Some(stored(created))),
        ("its time cannot be read",            ready_status(), unreadable,       None),
    ];
    for (case, before, observed, expected) in table {
        let last = status_after(&before, &attach(), &observed, sent.as_ref()).last_drift.expect("a change");
        assert_eq!(last.in_sync_at, expected, "{case}");
        let mut next = asked(in_sync(), MINUTE, None);
        next.object.has_finalizer = true;
        let kept = status_after(&AttachmentStatus { last_drift: Some(last.clone()), ..ready_status() }, &attach(), &next, None);
        assert_eq!(kept.last_drift, Some(last), "{case}: it stays");
    }
}

#[test]
fn object_is_reconciled_when_the_question_is_due() {
    let requeue = |ago| decide(&attach(), &asked(in_sync(), ago, None)).requeue;
    assert_eq!(decide(&attach(), &in_sync()).requeue, Requeue::Resync, "nothing is scheduled without a change");
    assert_eq!(requeue(MINUTE), Requeue::ResyncWithin(ACTIVITY_LOG_DELAY.saturating_sub(MINUTE)));
    assert_eq!(requeue(ACTIVITY_LOG_DELAY), Requeue::Resync, "it is asked in this reconcile, and then again at a resync");
    let seconds = |requeue: Requeue, resync| requeue.pause(Duration::from_secs(resync)).as_secs();
    assert_eq!((seconds(requeue(MINUTE), 300), seconds(requeue(MINUTE), 3600)), (300, 14 * 60));
}

#[test]
fn what_the_log_shows_is_recorded_once() {
    use ActivityLogResult::{Ambiguous, Found, NoEntry, NotReadable};
    let unknown = |kind| Err(Box::new(fault(kind)));
    let (due, given_up) = (ACTIVITY_LOG_DELAY, ACTIVITY_LOG_DELAY + ACTIVITY_LOG_PATIENCE);
    let silent = || unknown(FaultKind::Unavailable(None));
    #[rustfmt::skip]
    let table = vec![
        ("it names the caller",               due,      Some(Ok(Shown::Change(change(None)))),         Some(Found)),
        ("it has no entry",                   due,      Some(Ok(Shown::NoEntry)),                      Some(NoEntry)),
        ("it does not show whose they are",   due,      Some(Ok(Shown::Ambiguous)),                    Some(Ambiguous)),
        ("the operator may not read it",      due,      Some(unknown(FaultKind::Forbidden)),           Some(NotReadable)),
        ("Azure rejects the request",         due,      Some(unknown(FaultKind::Rejected)),            Some(NotReadable)),
        ("it gives no answer",                due,      Some(silent()),                                None),
        ("the request has to wait",           due,      Some(unknown(FaultKind::Queued(MINUTE))),      None),
        ("it has given no answer for long",   given_up, Some(silent()),                                Some(NotReadable)),
        ("it was not asked",                  due,      None,                                          None),
    ];
    for (case, ago, found, expected) in table {
        let next = status_after(&open(ago), &attach(), &asked(in_sync(), ago, found), None);
        let last = next.last_drift.clone().expect("it stays");
        assert_eq!(last.activity_log.as_ref().map(|log| log.result), expected, "{case}");
        assert_eq!(last.fields, ["identity.type"], "{case}");
        if expected.is_some() {
            let later = status_after(&next, &attach(), &in_sync(), None);
            assert_eq!(later, next, "{case}: nothing is written again");
        }
    }
}

#[test]
fn changed_or_deleted_object_cancels_the_question() {
    let changed = AttachmentStatus { observed_generation: Some(0), ..open(MINUTE) };
    assert_eq!(status_after(&changed, &attach(), &in_sync(), None).last_drift, None);
    assert_eq!(status_after(&changed, &detach(), &in_sync(), None).last_drift, None);
    let mut answered = changed;
    let log = ActivityLogStatus { result: ActivityLogResult::NoEntry, caller: None, caller_name: None, changed_at: None };
    answered.last_drift.as_mut().expect("it is there").activity_log = Some(log);
    assert_eq!(status_after(&answered, &attach(), &in_sync(), None).last_drift, answered.last_drift, "an answer stays");
}

#[test]
fn time_in_the_future_is_replaced() {
    let mut before = open(MINUTE);
    before.last_drift.as_mut().expect("it is there").observed_at = stored(now() + 24 * 60 * MINUTE);
    let next = status_after(&before, &attach(), &in_sync(), None);
    assert_eq!(next.last_drift.expect("it stays").observed_at, stored(now()));
}

fn entry(minutes_ago: u32, request: &str, caller: Option<&str>, outcome: Progress) -> Entry {
    let at = now() - minutes_ago * MINUTE;
    let caller = caller.map(ToOwned::to_owned);
    Entry { at, request: request.into(), caller, name: None, is_marked: None, is_detach: false, outcome }
}

/// An entry that shows whether its request has the operator's mark.
fn marked(minutes_ago: u32, request: &str, caller: &str, is_marked: bool) -> Entry {
    Entry { is_marked: Some(is_marked), ..entry(minutes_ago, request, Some(caller), Progress::Accepted) }
}

#[test]
fn own_requests_are_recognized_by_their_mark_or_by_the_identity() {
    use Progress::Accepted;
    let found =
        |caller: &str, minutes: u32| Shown::Change(Change { at: now() - minutes * MINUTE, caller: caller.into(), name: None });
    let (plain, own) = (|minutes, request, caller| entry(minutes, request, Some(caller), Accepted), Some(OWN));
    #[rustfmt::skip]
    let table = vec![
        ("its own",                                     own,  vec![marked(1, "b", OWN, true), marked(9, "a", OTHER, false)],   found(OTHER, 9)),
        ("its own, or a copy of its mark",              own,  vec![marked(1, "b", FORMER, true), marked(9, "a", OTHER, false)], Shown::Ambiguous),
        ("a copy of its mark before its own",           own,  vec![marked(1, "b", OWN, true), marked(9, "a", OTHER, true)],    Shown::Ambiguous),
        ("another change after its own, with another identity", own, vec![marked(9, "a", FORMER, true), marked(1, "b", OTHER, false)], found(OTHER, 1)),
        ("its identity, used by another tool",          own,  vec![marked(1, "b", OWN, false)],                                Shown::NoEntry),
        ("one entry of a request has the mark",         own,  vec![plain(1, "b", FORMER), marked(1, "b", FORMER, true)],       Shown::Ambiguous),
        ("an identity without a mark is another's",     own,  vec![plain(1, "b", FORMER)],                                     found(FORMER, 1)),
        ("the own ID is unknown, the marks show",       None, vec![marked(1, "b", FORMER, true), marked(9, "a", OTHER, false)], found(OTHER, 9)),
        ("the own ID is unknown, and there is no mark", None, vec![plain(1, "b", FORMER)],                                     Shown::Ambiguous),
        ("the last one is doubtful",                    None, vec![plain(1, "b", FORMER), marked(9, "a", OTHER, false)],       Shown::Ambiguous),
        ("a doubtful one is earlier",                   None, vec![plain(9, "a", FORMER), marked(1, "b", OTHER, false)],       found(OTHER, 1)),
        ("the own ID is unknown, and there is none",    None, vec![],                                                          Shown::NoEntry),
    ];
    for (case, own, entries, expected) in table {
        assert_eq!(last_change(&entries, own), expected, "{case}");
    }
}

#[test]
fn last_change_is_that_of_the_last_caller_but_the_operator() {
    use Progress::{Accepted, Failed, Started};
    let (own, other) = (Some(OWN), Some(OTHER));
    let third = Some("00000000-0000-0000-0000-00000000000c");
    let upper = OWN.to_ascii_uppercase();
    let at = |minutes: u32| -> Timestamp { now() - minutes * MINUTE };
    #[rustfmt::skip]
    let table = vec![
        ("no entry",                   vec![],                                                                                       None),
        ("the operator alone",         vec![entry(9, "a", own, Accepted), entry(8, "b", Some(&upper), Accepted)],                    None),
        ("another, then the operator", vec![entry(1, "b", own, Accepted), entry(9, "a", other, Accepted)],                           Some((OTHER, at(9)))),
        ("the last of two",            vec![entry(9, "a", third, Accepted), entry(5, "b", other, Accepted)],                         Some((OTHER, at(5)))),
        ("the time of the first entry of a request", vec![entry(5, "a", other, Accepted), entry(9, "a", other, Started)],            Some((OTHER, at(9)))),
        ("a refused request is none",  vec![entry(9, "a", other, Accepted), entry(5, "b", third, Started), entry(5, "b", third, Failed)], Some((OTHER, at(9)))),
        ("one that failed later is",   vec![entry(9, "a", other, Accepted), entry(7, "a", other, Failed)],                           Some((OTHER, at(9)))),
        ("without a caller",           vec![entry(9, "a", None, Accepted)],                                                          None),
    ];
    for (case, entries, expected) in table {
        let expected =
            expected.map_or(Shown::NoEntry, |(caller, at)| Shown::Change(Change { at, caller: caller.to_owned(), name: None }));
        assert_eq!(last_change(&entries, Some(OWN)), expected, "{case}");
    }
}

#[test]
fn texts_name_the_change_and_its_caller() {
    use ActivityLogResult::{Ambiguous, Found, NoEntry, NotReadable};
    let log = |result, name: Option<&str>| ActivityLogStatus {
        result,
        caller: (result == ActivityLogResult::Found).then(|| OTHER.to_owned()),
        caller_name: name.map(ToOwned::to_owned),
        changed_at: (result == ActivityLogResult::Found).then(|| stored(now())),
    };
    let text = |fields: &[&str], activity_log| {
        let fields = fields.iter().map(|&one| one.to_owned()).collect();
        explained(&LastDriftStatus { fields, observed_at: stored(now()), in_sync_at: Some(stored(now())), activity_log })
    };
    #[rustfmt::skip]
    let table = [
        (&["tags.team", "description"][..], Some(log(Found, None)),
            Some("tags.team, description changed by 00000000-0000-0000-0000-00000000000b at 2027-01-15T08:00:00Z (Activity Log)")),
        (&["compute"], Some(log(Found, Some("ann@contoso.com"))),
            Some("compute detached by 00000000-0000-0000-0000-00000000000b (ann@contoso.com) at 2027-01-15T08:00:00Z (Activity Log)")),
        (&["compute"], Some(log(NoEntry, None)), Some("compute detached; the Activity Log has no entry of another caller")),
        (&["tags.team"], Some(log(NotReadable, None)), Some("tags.team changed; the operator may not read the Activity Log, or had no answer")),
        (&["tags.team"], Some(log(Ambiguous, None)),
            Some("tags.team changed; the Activity Log has entries, and the operator cannot tell whether they are its own")),
        (&["tags.team"], None, None),
    ];
    for (fields, log, expected) in table {
        assert_eq!(text(fields, log).as_deref(), expected, "{fields:?}");
    }
    let since_unknown = LastDriftStatus {
        fields: vec!["tags.team".into()],
        observed_at: stored(now()),
        in_sync_at: None,
        activity_log: Some(log(Found, None)),
    };
    let said = explained(&since_unknown).expect("it was found");
    assert!(said.ends_with(" (Activity Log; an earlier change is possible)"), "{said}");
}

#[test]
fn fault_of_the_log_leaves_the_attachment_in_sync() {
    let observed = asked(in_sync(), ACTIVITY_LOG_DELAY, Some(Err(Box::new(fault(FaultKind::Forbidden)))));
    let next = status_after(&open(ACTIVITY_LOG_DELAY), &attach(), &observed, None);
    assert_eq!((&next.conditions, &next.failure), (&ready_status().conditions, &None));
}
