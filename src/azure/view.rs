//! What LISTs of workspaces showed of their computes, for a few seconds, and whether to send another one.

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use serde_json::value::RawValue;
#[cfg(test)]
use serde_json::value::to_raw_value;
use tokio::time::Instant;

use crate::azure::cache::{Freshness, TtlCache};
use crate::azure::error::Error;
use crate::azure::list_hook::ListHook;
use crate::azure::single_flight::SingleFlight;
use crate::azure::wire;
use crate::resource_id::{ComputeId, WorkspaceId};

/// A compute changes at any time, so nothing that was observed is kept for longer.
pub(super) const COMPUTE_TTL: Duration = Duration::from_secs(10);
/// The number of pages changes seldom. Without it, a LIST is taken to have one.
const PAGES_TTL: Duration = Duration::from_hours(1);
/// A right to LIST is rarely granted within minutes.
const REFUSED_TTL: Duration = Duration::from_mins(10);
/// Those who asked within this time are taken for those who ask next: changes of many objects come one after the other.
const RECENT: Duration = Duration::from_secs(2);
/// A view keeps no more computes: those that it leaves out are read one by one.
const MAX_COMPUTES: usize = 20_000;

/// A question for a compute that may be answered together with others of its workspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ask {
    /// How old the answer may be.
    pub max_age: Duration,
    /// How many computes of the workspace are asked for now, this one among them.
    pub sharers: usize,
    /// How old a LIST may be whose lack of the compute is enough of an answer. `None`: no LIST is, and the compute is read.
    ///
    /// A page of a LIST may be out of date, and one that is removed between two pages hides another.
    pub listed_absence: Option<Duration>,
}

/// Where an observation comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// A LIST of the workspace, which may have answered others, too.
    List,
    /// A GET of the compute.
    Get,
    /// An earlier GET of the compute.
    Cache,
}

impl Source {
    /// All of them.
    pub(super) const ALL: [Self; 3] = [Self::List, Self::Get, Self::Cache];

    /// The value in metrics.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::List => "list",
            Self::Get => "get",
            Self::Cache => "cache",
        }
    }
}

/// What to send for those who ask now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Request {
    /// One LIST of the workspace, for all.
    List,
    /// A GET for each.
    Get,
}

/// What costs fewer requests. At the same cost a GET: its answer is smaller, and shows also what does not exist.
pub(super) const fn cheaper(sharers: usize, pages: usize) -> Request {
    if pages < sharers { Request::List } else { Request::Get }
}

/// What one LIST of a workspace showed.
#[derive(Debug)]
pub struct View {
    began: Instant,
    /// By name, in lower case. Each is decoded when it is asked for: decoded, all would need many times the memory.
    computes: HashMap<String, Box<RawValue>>,
    /// The hashes of the names of computes of other types.
    others: HashSet<u64>,
    /// Whether it has every Spark compute of the LIST.
    is_complete: bool,
}

/// What a view says of a compute.
#[derive(Debug)]
pub(super) enum Shown<'a> {
    /// This is its state, not decoded.
    Present(&'a RawValue),
    /// The LIST does not have it, which is enough of an answer.
    Absent,
    /// The LIST does not have it, which proves nothing.
    Missing,
    /// It is older than it may be.
    Outdated,
}

impl View {
    /// An empty view of a LIST that began at this time.
    pub(super) fn new(began: Instant) -> Self {
        Self { began, computes: HashMap::new(), others: HashSet::new(), is_complete: true }
    }

    /// A view of a LIST that began at this time and showed these.
    #[cfg(test)]
    pub(crate) fn of(workspace: &WorkspaceId, began: Instant, computes: impl IntoIterator<Item = serde_json::Value>) -> Self {
        let mut view = Self::new(began);
        computes.into_iter().for_each(|one| view.add(workspace, to_raw_value(&one).expect("JSON")));
        view
    }

    /// When its LIST began.
    #[must_use]
    pub const fn began(&self) -> Instant {
        self.began
    }

    /// The Spark computes that it has and that can be decoded, each with its name in lower case.
    pub fn computes(&self) -> impl Iterator<Item = (&str, wire::Compute)> {
        self.computes.iter().filter_map(|(name, raw)| Some((name.as_str(), serde_json::from_str(raw.get()).ok()?)))
    }

    /// Whether the LIST shows a compute of this name, which is in lower case; `None` if the view left out a part of the LIST.
    #[must_use]
    pub fn shows(&self, name: &str) -> Option<bool> {
        let is_shown = self.computes.contains_key(name) || self.others.contains(&hash(name));
        (is_shown || self.is_complete).then_some(is_shown)
    }

    /// Takes in an element of the LIST. Of two that have the same name, the one that was read later counts.
    ///
    /// Of computes of other types only a hash is kept, since a workspace may have thousands: whoever asks for one reads it. What
    /// cannot be a compute of this workspace is left out.
    pub(super) fn add(&mut self, workspace: &WorkspaceId, compute: Box<RawValue>) {
        let Ok(element) = serde_json::from_str::<wire::ListedCompute>(compute.get()) else { return };
        let is_spark = element.properties.compute_type.eq_ignore_ascii_case("SynapseSpark");
        let Some(name) = name_in(workspace, &element) else { return };
        if !is_spark {
            self.computes.remove(&name);
            self.others.insert(hash(&name));
        } else if self.computes.len() < MAX_COMPUTES || self.computes.contains_key(&name) {
            self.others.remove(&hash(&name));
            self.computes.insert(name, compute);
        } else {
            self.is_complete = false;
        }
    }

    /// What it says of a compute to someone who asked at this time, and whose last write of the compute ended before
    /// `after_write`.
    pub(super) fn shown(&self, id: &ComputeId, ask: &Ask, asked: Instant, after_write: Option<Instant>) -> Shown<'_> {
        let is_recent = |max_age| self.began + max_age >= asked;
        let name = id.name().to_ascii_lowercase();
        match self.computes.get(&name) {
            _ if after_write.is_some_and(|after| self.began < after) => Shown::Outdated,
            Some(compute) if is_recent(ask.max_age) => Shown::Present(compute),
            None if self.others.contains(&hash(&name)) => Shown::Missing,
            None if ask.listed_absence.is_some_and(is_recent) => Shown::Absent,
            None if is_recent(ask.max_age) => Shown::Missing,
            Some(_) | None => Shown::Outdated,
        }
    }
}

fn hash(name: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    name.hash(&mut hasher);
    hasher.finish()
}

/// The name of an element in lower case, if it is of this workspace.
fn name_in(workspace: &WorkspaceId, element: &wire::ListedCompute) -> Option<String> {
    let id = if element.id.is_empty() {
        workspace.compute(&element.name).ok()?
    } else {
        ComputeId::parse(&element.id).ok().filter(|id| id.workspace() == workspace)?
    };
    Some(id.name().to_ascii_lowercase())
}

/// What is known of the LISTs of a workspace.
#[derive(Debug, Clone, Copy)]
enum Listing {
    /// The last one had this many pages.
    Pages(usize),
    /// It is refused, or cannot be used.
    Refused,
}

/// The views of all workspaces. They belong to one identity: another one may not be allowed to see them.
#[derive(Debug)]
pub(super) struct Views {
    current: Mutex<HashMap<WorkspaceId, Arc<View>>>,
    listings: TtlCache<WorkspaceId, Listing>,
    /// Which computes of a workspace were read one by one, by the hashes of their names; and since when.
    alone: TtlCache<WorkspaceId, (Instant, HashSet<u64>)>,
    /// LISTs that have failed, and may succeed the next time.
    failures: TtlCache<WorkspaceId, Error>,
    pub(super) on_list: ListHook<View>,
    /// An answer is `None` where LIST is refused.
    pub(super) flights: SingleFlight<WorkspaceId, Option<Arc<View>>, Error>,
}

impl Views {
    pub(super) fn new() -> Self {
        Self {
            current: Mutex::default(),
            listings: TtlCache::new(PAGES_TTL),
            alone: TtlCache::new(RECENT),
            failures: TtlCache::new(COMPUTE_TTL),
            on_list: ListHook::default(),
            flights: SingleFlight::new(Error::concerns_all),
        }
    }

    /// The last view of a workspace, unless it has expired.
    pub(super) fn current(&self, workspace: &WorkspaceId) -> Option<Arc<View>> {
        self.lock().get(workspace).filter(|view| !is_expired(view)).cloned()
    }

    /// What to send for this compute and this many who ask now, given which others have just been read one by one.
    pub(super) fn request(&self, id: &ComputeId, sharers: usize) -> Request {
        let workspace = id.workspace();
        // Some of them are due at the same time as this one, and count there, too.
        let sharers = sharers.max(self.read_alone(id).1.len() + 1);
        if let Some(Listing::Refused) = self.listings.get(workspace, Freshness::Within(REFUSED_TTL)) {
            return Request::Get;
        }
        match self.listings.get(workspace, Freshness::Within(PAGES_TTL)) {
            Some(Listing::Pages(pages)) => cheaper(sharers, pages),
            Some(Listing::Refused) | None => cheaper(sharers, 1),
        }
    }

    /// This compute is about to be read alone.
    pub(super) fn reads_alone(&self, id: &ComputeId) {
        let (since, mut names) = self.read_alone(id);
        names.insert(hash(&id.name().to_ascii_lowercase()));
        self.alone.insert(id.workspace(), since, (since, names));
    }

    /// Which other computes of its workspace have just been read one by one, and since when.
    fn read_alone(&self, id: &ComputeId) -> (Instant, HashSet<u64>) {
        let recent = self.alone.get(id.workspace(), Freshness::Within(RECENT));
        let (since, mut names) = recent.unwrap_or_else(|| (Instant::now(), HashSet::new()));
        names.remove(&hash(&id.name().to_ascii_lowercase()));
        (since, names)
    }

    /// Keeps a view until it expires, whether or not anybody asks for the workspace again.
    pub(super) fn keep(self: &Arc<Self>, workspace: &WorkspaceId, view: &Arc<View>, pages: usize) {
        self.on_list.call(workspace, view);
        self.listings.insert(workspace, view.began, Listing::Pages(pages));
        let mut current = self.lock();
        if current.get(workspace).is_none_or(|known| known.began <= view.began) {
            current.insert(workspace.clone(), view.clone());
        }
        drop(current);
        let (views, expires) = (Arc::downgrade(self), view.began + COMPUTE_TTL);
        tokio::spawn(async move {
            // A millisecond later, since the clock of timers is no finer.
            tokio::time::sleep_until(expires + Duration::from_millis(1)).await;
            if let Some(views) = views.upgrade() {
                views.lock().retain(|_, view| !is_expired(view));
            }
        });
    }

    /// A LIST of this workspace has just failed. It is the answer of all who ask for now, whether or not they waited for it.
    pub(super) fn failed(&self, workspace: &WorkspaceId, error: &Error) {
        self.failures.insert(workspace, Instant::now(), error.clone());
    }

    /// The failure of a LIST that is no longer ago than this.
    pub(super) fn failure(&self, workspace: &WorkspaceId, max_age: Duration) -> Option<Error> {
        self.failures.get(workspace, Freshness::Within(max_age))
    }

    /// LIST of this workspace is refused, or cannot be used.
    pub(super) fn refused(&self, workspace: &WorkspaceId, began: Instant) {
        self.listings.insert(workspace, began, Listing::Refused);
        self.lock().remove(workspace);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<WorkspaceId, Arc<View>>> {
        self.current.lock().expect("no thread panics while it holds the lock")
    }

    /// How many views there are.
    #[cfg(test)]
    fn len(&self) -> usize {
        self.lock().len()
    }
}

fn is_expired(view: &View) -> bool {
    view.began.elapsed() > COMPUTE_TTL
}

#[cfg(test)]
mod tests;
