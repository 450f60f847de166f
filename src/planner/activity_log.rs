//! Who changed a compute that was in sync: when the operator reads Azure's Activity Log, which part of it, and what the entries show.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::planner::backoff::{ACTIVITY_LOG_WINDOW, CLOCK_SKEW};
use crate::planner::decision::{Decision, Step};
use crate::planner::drift::is_in_sync;
use crate::planner::goal::Goal;
use crate::planner::observed::Observed;
use crate::planner::unexplained::{Change, Shown, Unexplained};
use crate::resource_id::ComputeId;

/// What is read of the Activity Log: the writes to a compute in a period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// The compute.
    pub compute: ComputeId,
    /// The beginning of the period.
    pub from: Timestamp,
    /// Its end.
    pub to: Timestamp,
    /// Whether only requests to detach it are of interest.
    pub is_detach: bool,
}

/// An entry of the Activity Log about a write to a compute. One request has several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its time.
    pub at: Timestamp,
    /// The correlation ID, which the entries of one request share.
    pub request: String,
    /// The object ID in Entra of the sender.
    pub caller: Option<String>,
    /// The sender's user principal name.
    pub name: Option<String>,
    /// Whether the request has the mark of this operator, whatever its identity was; none if the entry does not show it.
    pub is_marked: Option<bool>,
    /// Whether it is a request to detach the compute.
    pub is_detach: bool,
    /// What it reports about the request.
    pub outcome: Progress,
}

/// What an entry reports about its request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// Azure began to process it.
    Started,
    /// Azure accepted it, or carried it out.
    Accepted,
    /// Azure refused it, or failed to carry it out.
    Failed,
}

/// What to read now. Nothing before the change is corrected: until then other requests matter more.
#[must_use]
pub fn question(goal: &Goal, seen: &Observed, decision: &Decision) -> Option<Question> {
    let (Goal::Attached(goal), Step::Done) = (goal, &decision.step) else { return None };
    let unexplained = seen.object.unexplained.as_ref().filter(|one| one.due_in().is_zero() && is_in_sync(goal, seen))?;
    let longest = unexplained.observed_at.checked_sub(ACTIVITY_LOG_WINDOW).unwrap_or(Timestamp::MIN);
    // An earlier change was corrected before the compute was in sync.
    let from = unexplained.in_sync_at.map_or(longest, |in_sync| in_sync.max(longest));
    let to = unexplained.observed_at.checked_add(CLOCK_SKEW).unwrap_or(Timestamp::MAX);
    Some(Question { compute: goal.compute.clone(), from, to, is_detach: unexplained.is_detach })
}

/// The decision, with a reconcile when the Activity Log is to be read.
///
/// A read that is due is sent in this reconcile. If Azure does not answer, the next resync tries again.
#[must_use]
pub fn awaited(decision: Decision, seen: &Observed) -> Decision {
    let left = seen.object.unexplained.as_ref().map(Unexplained::due_in).unwrap_or_default();
    if decision.step != Step::Done || left.is_zero() {
        return decision;
    }
    Decision { requeue: decision.requeue.within(left), ..decision }
}

/// The last change by anybody else than the operator, whose identity has the object ID `own`.
///
/// The operator corrects a change right after it has observed it, so that its own requests are among the last entries. They have
/// its mark, and the object ID of the identity that it has now, unless it was given another one since. The mark alone excludes no
/// other caller if that object ID is known, because others can copy it. What Azure refused changed nothing.
#[must_use]
pub fn last_change(entries: &[Entry], own: Option<&str>) -> Shown {
    let mut requests: BTreeMap<&str, Vec<&Entry>> = BTreeMap::new();
    for entry in entries {
        requests.entry(&entry.request).or_default().push(entry);
    }
    let mut last: Option<(Timestamp, Shown)> = None;
    for all in requests.into_values().filter(|all| !is_refused(all)) {
        let (Some(at), Some(shown)) = (all.iter().map(|one| one.at).min(), of_others(&all, own)) else { continue };
        if last.as_ref().is_none_or(|(before, _)| *before < at) {
            last = Some((at, shown));
        }
    }
    last.map_or(Shown::NoEntry, |(_, shown)| shown)
}

fn is_refused(all: &[&Entry]) -> bool {
    let has = |outcome| all.iter().any(|one| one.outcome == outcome);
    has(Progress::Failed) && !has(Progress::Accepted)
}

/// What a request shows of others, by its entries; none if the operator sent it, or if it shows no sender.
fn of_others(all: &[&Entry], own: Option<&str>) -> Option<Shown> {
    let caller = all.iter().find_map(|one| one.caller.clone())?;
    let is_marked = all.iter().find_map(|one| one.is_marked);
    match (is_marked, own) {
        (_, Some(own)) if caller.eq_ignore_ascii_case(own) => None,
        // The operator sent it with an earlier identity, or others copied the mark: it is derived from nothing secret.
        (Some(true), Some(_)) => Some(Shown::Ambiguous),
        (Some(true), None) => None,
        // The operator's access token does not show its object ID, and the entry no mark.
        (None, None) => Some(Shown::Ambiguous),
        (Some(false), _) | (None, Some(_)) => {
            let at = all.iter().map(|one| one.at).min()?;
            Some(Shown::Change(Change { at, caller, name: all.iter().find_map(|one| one.name.clone()) }))
        }
    }
}
