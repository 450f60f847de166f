//! What there is in Azure, and what becomes of it.
//!
//! A pure state machine: every step is told the time, and operations end when
//! the world is next looked at after they are due.

mod add;
mod attach;
mod identity;
mod job;
mod link;
mod plan;
mod pool;
mod role;
pub(crate) mod seed;

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

pub(crate) use attach::{Started, Wanted};
pub(crate) use job::Job;
pub(crate) use link::LINK_TYPE;
pub(crate) use pool::{POOL_TYPE, SYNAPSE_TYPE};
pub(crate) use role::{ADMINISTRATOR, Grant, Role};

use crate::exchange::Refusal;
use crate::fault::Failure;
use crate::id;
use crate::settings::Settings;
use seed::{Identity, Issuer, LinkedService, Pool, Principal, Subscription, Workspace};

/// An ended operation is remembered so long; then its URL is gone (INF).
const OPERATION_MEMORY: Duration = Duration::from_hours(24);

/// A compute: the body of its GET, and what is being done to it.
#[derive(Debug)]
pub(crate) struct Compute {
    pub(crate) body: Value,
    /// The order of LIST.
    pub(crate) created: u64,
    pub(crate) operation: Option<Uuid>,
}

/// What an operation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    Attach,
    Detach,
}

/// How far it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    Running,
    Succeeded,
    Failed(Failure),
}

/// What `Azure-AsyncOperation` points at.
#[derive(Debug)]
pub(crate) struct Operation {
    pub(crate) verb: Verb,
    pub(crate) compute: String,
    pub(crate) progress: Progress,
    /// A test asked for this end.
    doomed: Option<Failure>,
}

/// An access token that was given out.
#[derive(Clone, Debug)]
pub(crate) struct Token {
    pub(crate) tenant: String,
    pub(crate) client: String,
    pub(crate) object: String,
    pub(crate) audience: String,
    pub(crate) expires: Timestamp,
}

/// Everything there is. The keys of the maps are folded IDs.
#[derive(Debug, Default)]
pub(crate) struct World {
    salt: Uuid,
    counter: u64,
    pub(crate) issuers: BTreeMap<String, Issuer>,
    pub(crate) principals: Vec<Principal>,
    pub(crate) subscriptions: BTreeMap<String, Subscription>,
    pub(crate) groups: BTreeMap<String, String>,
    pub(crate) workspaces: BTreeMap<String, Workspace>,
    pub(crate) synapse: BTreeMap<String, Workspace>,
    pub(crate) pools: BTreeMap<String, Pool>,
    pub(crate) identities: BTreeMap<String, Identity>,
    pub(crate) computes: BTreeMap<String, Compute>,
    pub(crate) links: BTreeMap<String, LinkedService>,
    pub(crate) jobs: BTreeMap<String, Job>,
    /// Versions of components, codes and environments.
    pub(crate) assets: BTreeMap<String, Value>,
    /// By workspace and GUID.
    pub(crate) grants: BTreeMap<(String, String), Grant>,
    pub(crate) operations: HashMap<Uuid, Operation>,
    due: BTreeSet<(Timestamp, Uuid)>,
    jobs_due: BTreeSet<(Timestamp, String)>,
    ended: VecDeque<(Timestamp, Uuid)>,
    tokens: HashMap<String, Token>,
}

impl World {
    /// An empty world; the salt tells its GUIDs from those of another.
    pub(crate) fn new(salt: Uuid) -> Self {
        Self { salt, ..Self::default() }
    }

    /// A GUID that wasn't there before, and is the same in the next run.
    pub(crate) fn guid(&mut self) -> Uuid {
        self.counter += 1;
        Uuid::new_v5(&self.salt, &self.counter.to_be_bytes())
    }

    /// Ends the operations and moves the jobs that are due, in the order of time.
    pub(crate) fn settle(&mut self, now: Timestamp, settings: &Settings) {
        loop {
            let operation = self.due.first().map(|(due, _)| *due).filter(|due| *due <= now);
            let job = self.jobs_due.first().map(|(due, _)| *due).filter(|due| *due <= now);
            if operation.is_some_and(|due| job.is_none_or(|other| due <= other))
                && let Some((due, operation)) = self.due.pop_first()
            {
                self.end(due, operation);
                self.ended.push_back((due, operation));
            } else if job.is_some()
                && let Some((due, job)) = self.jobs_due.pop_first()
            {
                self.advance(due, &job, settings);
            } else {
                break;
            }
        }
        let old = now.checked_sub(OPERATION_MEMORY).unwrap_or(Timestamp::MIN);
        while let Some((_, operation)) = self.ended.pop_front_if(|(due, _)| *due < old) {
            self.operations.remove(&operation);
        }
    }

    fn begin(&mut self, due: Timestamp, verb: Verb, compute: String, doomed: Option<Failure>) -> Uuid {
        let operation = self.guid();
        if let Some(compute) = self.computes.get_mut(&compute) {
            compute.operation = Some(operation);
        }
        self.operations.insert(operation, Operation { verb, compute, progress: Progress::Running, doomed });
        self.due.insert((due, operation));
        operation
    }

    fn end(&mut self, due: Timestamp, id: Uuid) {
        let Some(operation) = self.operations.get_mut(&id) else {
            return;
        };
        let (verb, key, doomed) = (operation.verb, operation.compute.clone(), operation.doomed.take());
        let progress = match (doomed, self.computes.get(&key)) {
            (Some(failure), _) => Progress::Failed(failure),
            (None, Some(compute)) if verb == Verb::Attach => self.outcome(&compute.body),
            (None, _) => Progress::Succeeded,
        };
        if let Some(operation) = self.operations.get_mut(&id) {
            operation.progress = progress.clone();
        }
        // Somebody may have taken it away meanwhile, and put another in its place.
        let Some(mut compute) = self.computes.remove(&key) else {
            return;
        };
        if compute.operation != Some(id) {
            self.computes.insert(key, compute);
            return;
        }
        if (verb, &progress) == (Verb::Detach, &Progress::Succeeded) {
            return;
        }
        compute.operation = None;
        let filled = self.filled(&compute.body);
        let properties = &mut compute.body["properties"];
        properties["modifiedOn"] = json!(timestamp(due));
        match progress {
            Progress::Failed(failure) => {
                // The compute stays, as Failed (REAL, of another type of compute).
                properties["provisioningState"] = json!("Failed");
                properties["provisioningErrors"] = json!([{"error": {"code": failure.code, "message": failure.message}}]);
            }
            Progress::Succeeded | Progress::Running => {
                properties["provisioningState"] = json!("Succeeded");
                if let Some(filled) = filled {
                    properties["properties"] = filled;
                }
            }
        }
        self.computes.insert(key, compute);
    }

    /// Begins to detach; none if there is nothing to detach.
    pub(crate) fn detach(
        &mut self,
        now: Timestamp,
        duration: Duration,
        key: &str,
        doomed: Option<Failure>,
    ) -> Result<Option<Uuid>, Refusal> {
        let Some(compute) = self.computes.get_mut(key) else {
            return Ok(None);
        };
        if compute.operation.is_some() {
            return Err(busy(&compute.body));
        }
        compute.body["properties"]["provisioningState"] = json!("Deleting");
        Ok(Some(self.begin(later(now, duration), Verb::Detach, key.to_owned(), doomed)))
    }

    /// The computes of a workspace, in the order in which they were created (INF).
    pub(crate) fn computes_of(&self, workspace: &str) -> Vec<&Value> {
        let prefix = format!("{workspace}/computes/");
        let range = self.computes.range(prefix.clone()..);
        let mut found: Vec<_> = range.take_while(|(key, _)| key.starts_with(&prefix)).map(|(_, c)| c).collect();
        found.sort_by_key(|c| c.created);
        found.into_iter().map(|c| &c.body).collect()
    }

    /// Remembers a token, and forgets those that nobody can have any more.
    pub(crate) fn give(&mut self, now: Timestamp, text: String, token: Token) {
        let old = now.checked_sub(OPERATION_MEMORY).unwrap_or(Timestamp::MIN);
        self.tokens.retain(|_, t| t.expires > old);
        self.tokens.insert(text, token);
    }

    pub(crate) fn token(&self, text: &str) -> Option<&Token> {
        self.tokens.get(text)
    }

    pub(crate) fn principal(&self, tenant: &str, client: &str) -> Option<&Principal> {
        self.principals.iter().find(|p| p.tenant_id.eq_ignore_ascii_case(tenant) && p.client_id.eq_ignore_ascii_case(client))
    }

    /// Whether anything in the world is of this tenant.
    pub(crate) fn has_tenant(&self, tenant: &str) -> bool {
        self.principals.iter().any(|p| p.tenant_id.eq_ignore_ascii_case(tenant))
            || self.subscriptions.values().any(|s| s.tenant_id.as_ref().is_some_and(|t| t.eq_ignore_ascii_case(tenant)))
    }

    /// The tenant of the subscription that this resource lies in.
    pub(crate) fn tenant_of(&self, resource: &str) -> Option<&str> {
        let subscription = self.subscriptions.get(&id::fold(id::subscription(resource)?))?;
        subscription.tenant_id.as_deref()
    }

    /// Takes away this resource and everything below it, and says how many that was.
    pub(crate) fn remove(&mut self, resource: &str) -> usize {
        let scope = id::fold(resource);
        let before = self.len();
        self.subscriptions.retain(|key, _| !id::is_within(&format!("/subscriptions/{key}"), &scope));
        self.groups.retain(|key, _| !id::is_within(key, &scope));
        self.workspaces.retain(|key, _| !id::is_within(key, &scope));
        self.synapse.retain(|key, _| !id::is_within(key, &scope));
        self.pools.retain(|key, _| !id::is_within(key, &scope));
        self.identities.retain(|key, _| !id::is_within(key, &scope));
        self.computes.retain(|key, _| !id::is_within(key, &scope));
        self.links.retain(|key, _| !id::is_within(key, &scope));
        self.jobs.retain(|key, _| !id::is_within(key, &scope));
        self.assets.retain(|key, _| !id::is_within(key, &scope));
        self.grants.retain(|(key, guid), _| !id::is_within(&format!("{key}/roleassignments/{guid}"), &scope));
        before - self.len()
    }

    fn len(&self) -> usize {
        self.subscriptions.len()
            + self.groups.len()
            + self.workspaces.len()
            + self.synapse.len()
            + self.pools.len()
            + self.identities.len()
            + self.computes.len()
            + self.links.len()
            + self.jobs.len()
            + self.assets.len()
            + self.grants.len()
    }
}

/// 409 while something is at work; the service's text is NF (INF from AML's other conflicts).
fn busy(compute: &Value) -> Refusal {
    let name = compute["name"].as_str().unwrap_or_default();
    let state = compute["properties"]["provisioningState"].as_str().unwrap_or_default();
    Refusal::new(
        409,
        "Conflict",
        format!("The compute '{name}' is currently being processed by another command ({state}). Try again when it has ended."),
    )
}

pub(crate) fn later(now: Timestamp, duration: Duration) -> Timestamp {
    now.checked_add(duration).unwrap_or(Timestamp::MAX)
}

/// A time as the service writes it: seven digits, of which a last zero falls off, and `+00:00` (REAL).
pub(crate) fn timestamp(at: Timestamp) -> String {
    let ticks = format!("{:07}", at.subsec_nanosecond().max(0) / 100);
    let digits = ticks.strip_suffix('0').unwrap_or(&ticks);
    format!("{}.{digits}+00:00", at.strftime("%Y-%m-%dT%H:%M:%S"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_seven_digits_or_six() {
        let at = |text: &str| timestamp(text.parse().expect("a time"));
        assert_eq!(at("2022-08-30T19:56:28.2261097Z"), "2022-08-30T19:56:28.2261097+00:00");
        assert_eq!(at("2022-08-30T19:56:59.264095Z"), "2022-08-30T19:56:59.264095+00:00");
        assert_eq!(at("2022-08-30T19:56:59Z"), "2022-08-30T19:56:59.000000+00:00");
    }

    #[test]
    fn guids_repeat_with_the_salt() {
        let (mut one, mut same, mut other) = (World::new(Uuid::nil()), World::new(Uuid::nil()), World::new(Uuid::max()));
        let first = one.guid();
        assert_eq!(first, same.guid());
        assert_ne!(first, other.guid());
        assert_ne!(first, one.guid());
    }
}
