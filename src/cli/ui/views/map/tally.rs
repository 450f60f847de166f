//! How many attachments there are, and how many of them are in trouble.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use crate::cli::ui::store::Attachment;
use crate::cli::view::State;

/// How many attachments there are, and how they are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) total: usize,
    pub(super) stalled: usize,
    /// Neither ready nor stalled: in progress, suspended or not observed yet.
    pub(super) unready: usize,
    /// The reasons of those that are stalled.
    pub(super) reasons: BTreeSet<String>,
}

/// The worst state of some attachments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Tone {
    Good,
    Undecided,
    Bad,
}

impl Tone {
    /// The class that colours it.
    pub(super) const fn class(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Undecided => "undecided",
            Self::Bad => "bad",
        }
    }
}

impl Tally {
    pub(super) fn count(&mut self, one: &Attachment) {
        self.total += 1;
        match one.state {
            State::Ready => {}
            State::Stalled => {
                self.stalled += 1;
                if !self.reasons.contains(&one.reason) {
                    self.reasons.insert(one.reason.clone());
                }
            }
            State::Reconciling | State::Suspended | State::Unseen | State::Deleted => self.unready += 1,
        }
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.total += other.total;
        self.stalled += other.stalled;
        self.unready += other.unready;
        self.reasons.extend(other.reasons.iter().cloned());
    }

    pub(super) fn tone(&self) -> Tone {
        match (self.stalled, self.unready) {
            (0, 0) => Tone::Good,
            (0, _) => Tone::Undecided,
            _ => Tone::Bad,
        }
    }

    /// Orders by trouble: the most first.
    pub(super) fn rank(&self) -> (Reverse<Tone>, Reverse<usize>) {
        (Reverse(self.tone()), Reverse(self.stalled))
    }

    /// How many there are and how they are, without the reasons.
    pub(super) fn summary(&self) -> String {
        match (self.total, self.stalled, self.unready) {
            (1, 0, 0) => "1 attachment".to_owned(),
            (1, 0, _) => "not ready".to_owned(),
            (1, ..) => "stalled".to_owned(),
            (total, 0, 0) => format!("{total} attachments"),
            (total, 0, unready) => format!("{unready} of {total} not ready"),
            (total, stalled, 0) => format!("{stalled} of {total} stalled"),
            (total, stalled, unready) => format!("{stalled} of {total} stalled, {unready} not ready"),
        }
    }

    /// The same, with the reasons of those that are stalled.
    pub(super) fn text(&self) -> String {
        let reasons: Vec<_> = self.reasons.iter().map(String::as_str).collect();
        if reasons.is_empty() { self.summary() } else { format!("{}: {}", self.summary(), reasons.join(", ")) }
    }
}
