//! 429 of resource providers: they hold back a compute, then its workspace, then the bucket.
//!
//! A provider's 429 "reports a temporary problem" of a resource and has nothing to do with ARM's buckets
//! (<https://learn.microsoft.com/azure/azure-resource-manager/management/request-limits-and-throttling>).

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::time::Duration;

use tokio::time::Instant;

use crate::azure::throttle::key::{Key, Principal};
use crate::azure::throttle::resource::Resource;

/// Refusals within this time belong together.
const TOGETHER: Duration = Duration::from_secs(10);
/// This many refusals in a workspace hold it back.
const OF_WORKSPACE: usize = 2;
/// This many workspaces with refusals hold back the bucket.
const WORKSPACES: usize = 3;
/// How many refusals are kept: more than these numbers need.
const MAX_REFUSALS: usize = 1_000;
/// How many paths are held back: with one more, the bucket is closed.
const MAX_HELD: usize = 10_000;

#[derive(Debug)]
struct Refusal {
    at: Instant,
    principal: Principal,
    path: String,
}

/// What is held back, for each principal.
#[derive(Debug, Default)]
pub(super) struct Holds {
    until: HashMap<(Principal, String), Instant>,
    refusals: VecDeque<Refusal>,
}

impl Holds {
    /// How long requests for this resource are held back; none if they may be sent.
    pub(super) fn held_for(&self, principal: &Principal, resource: &Resource, now: Instant) -> Option<Duration> {
        if self.until.is_empty() {
            return None;
        }
        let paths = [Some(&resource.path), resource.workspace.as_ref()].into_iter().flatten();
        let left =
            |path: &String| self.until.get(&(principal.clone(), path.clone())).map(|until| until.saturating_duration_since(now));
        paths.filter_map(left).max().filter(|left| !left.is_zero())
    }

    /// A provider refused a request for this resource, and requires this pause. Returns whether the bucket is to be closed, too.
    pub(super) fn refused(&mut self, key: &Key, resource: &Resource, pause: Duration, now: Instant) -> bool {
        let principal = &key.principal;
        let workspace = resource.workspace.as_ref().unwrap_or(&resource.path);
        let is_recent = |refusal: &Refusal| now.saturating_duration_since(refusal.at) < TOGETHER;
        while self.refusals.front().is_some_and(|oldest| !is_recent(oldest)) || self.refusals.len() >= MAX_REFUSALS {
            self.refusals.pop_front();
        }
        self.refusals.push_back(Refusal { at: now, principal: principal.clone(), path: workspace.clone() });
        let of_principal = || self.refusals.iter().filter(|refusal| refusal.principal == *principal).map(|refusal| &refusal.path);
        let is_repeated = of_principal().filter(|path| *path == workspace).count() >= OF_WORKSPACE;
        let is_everywhere = of_principal().collect::<BTreeSet<_>>().len() >= WORKSPACES;
        self.until.retain(|_, until| *until > now);
        if self.until.len() >= MAX_HELD {
            return true;
        }
        let until = now.checked_add(pause).unwrap_or(now);
        for path in std::iter::once(&resource.path).chain(is_repeated.then_some(workspace)) {
            let held = self.until.entry((principal.clone(), path.clone())).or_insert(until);
            *held = until.max(*held);
        }
        is_everywhere
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::azure::throttle::key::Scope;
    use crate::azure::throttle::kind::Kind;

    /// Seconds, workspace and compute of each.
    type Refusals<'a> = &'a [(u64, &'a str, &'a str)];

    fn compute(workspace: &str, name: &str) -> Resource {
        Resource::of(&format!("/subscriptions/s/providers/ml/workspaces/{workspace}/computes/{name}"))
    }

    fn key(principal: u64) -> Key {
        Key { principal: Principal::Opaque(principal), scope: Scope::of("s"), kind: Kind::Write }
    }

    #[test]
    fn provider_holds_back_the_compute_then_the_workspace_then_the_bucket() {
        let (start, seconds) = (Instant::now(), Duration::from_secs);
        // The refusals, by seconds, workspace and compute; then what is held back.
        #[rustfmt::skip]
        let table: [(&str, Refusals<'_>, [bool; 4]); 6] = [
            //                                                                                 w/a    w/b    v/a    bucket
            ("one",                        &[(0, "w", "a")],                                   [true,  false, false, false]),
            ("a second within 10 s",       &[(0, "w", "a"), (9, "w", "a")],                    [true,  true,  false, false]),
            ("of another compute",         &[(0, "w", "a"), (9, "w", "b")],                    [true,  true,  false, false]),
            ("a second after 10 s",        &[(0, "w", "a"), (10, "w", "a")],                   [true,  false, false, false]),
            ("three workspaces",           &[(0, "w", "a"), (4, "v", "b"), (9, "u", "c")],     [true,  false, false, true]),
            ("three within 20 s",          &[(0, "w", "a"), (9, "v", "b"), (11, "u", "c")],    [true,  false, false, false]),
        ];
        for (case, refusals, expected) in table {
            let mut holds = Holds::default();
            let (mut now, mut closes) = (start, false);
            for (at, workspace, name) in refusals {
                now = start + seconds(*at);
                closes = holds.refused(&key(1), &compute(workspace, name), seconds(60), now);
            }
            let held = |resource: Resource| holds.held_for(&key(1).principal, &resource, now).is_some();
            let found = [held(compute("w", "a")), held(compute("w", "b")), held(compute("v", "a")), closes];
            assert_eq!(found, expected, "{case}");
            assert_eq!(holds.held_for(&key(2).principal, &compute("w", "a"), now), None, "{case}: another principal");
        }
    }

    #[test]
    fn hold_ends_with_its_pause_and_is_forgotten() {
        let (now, seconds) = (Instant::now(), Duration::from_secs);
        let mut holds = Holds::default();
        holds.refused(&key(1), &compute("w", "a"), seconds(7), now);
        let held = |holds: &Holds, at| holds.held_for(&key(1).principal, &compute("w", "a"), now + seconds(at));
        assert_eq!(held(&holds, 2), Some(seconds(5)));
        assert_eq!(held(&holds, 7), None);
        holds.refused(&key(1), &compute("v", "a"), Duration::MAX, now + seconds(8));
        assert!(holds.until.len() == 1 && held(&holds, 8).is_none(), "a pause too long for the clock holds nothing back");
    }
}
