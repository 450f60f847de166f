//! What one LIST of a workspace shows of its computes.

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use serde_json::value::RawValue;
#[cfg(test)]
use serde_json::value::to_raw_value;
use tokio::time::Instant;

use crate::azure::wire;
use crate::resource_id::{ComputeId, WorkspaceId};

/// A view keeps no more computes: those that it leaves out are read one by one.
const MAX_COMPUTES: usize = 20_000;

/// A question for a compute that may be answered together with others of its workspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ask {
    /// How old the answer may be.
    pub max_age: Duration,
    /// How many computes of the workspace are being requested now, including this one.
    pub sharers: usize,
    /// How old a LIST may be to be a sufficient answer if it lacks the compute. `None`: no LIST is sufficient, and the compute is
    /// read.
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

/// What one LIST of a workspace showed.
#[derive(Debug)]
pub struct View {
    began: Instant,
    /// By name, in lower case. Each is decoded on demand: all of them decoded would need many times the memory.
    computes: HashMap<String, Box<RawValue>>,
    /// The hashes of the names of computes of other types.
    others: HashSet<u64>,
    /// Whether it has every Spark compute of the LIST.
    is_complete: bool,
}

/// What a view shows of a compute.
#[derive(Debug)]
pub(super) enum Shown<'a> {
    /// This is its state, not decoded.
    Present(&'a RawValue),
    /// The LIST does not have it, which is a sufficient answer.
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

    /// Adds an element of the LIST. Of two that have the same name, the one that was read later counts.
    ///
    /// Of computes of other types only a hash is kept, since a workspace may have thousands: they are read when they are needed.
    /// What cannot be a compute of this workspace is left out.
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

    /// What it shows of a compute for a request that was made at this time, and whose last write of the compute ended before
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

/// The hash of a name, where the name itself is not needed.
pub(super) fn hash(name: &str) -> u64 {
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

#[cfg(test)]
mod tests;
