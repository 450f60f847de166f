//! Text as Azure compares it.

use std::cmp::Ordering;
use std::hash::{Hash, Hasher};

/// Text that compares without regard to case, like Azure's: character by character, by its simple upper case.
#[derive(Debug, Clone)]
pub(super) struct Folded(pub(super) String);

impl Folded {
    fn folded(&self) -> impl Iterator<Item = char> {
        self.0.chars().map(fold)
    }
}

/// A character's upper case, if that is one character: `ß` stays.
fn fold(letter: char) -> char {
    let mut upper = letter.to_uppercase();
    match (upper.next(), upper.next()) {
        (Some(one), None) => one,
        _ => letter,
    }
}

impl PartialEq for Folded {
    fn eq(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0) || !self.0.is_ascii() && self.folded().eq(other.folded())
    }
}
impl Eq for Folded {}
impl Hash for Folded {
    fn hash<H: Hasher>(&self, state: &mut H) {
        for letter in self.folded() {
            letter.hash(state);
        }
    }
}
impl PartialOrd for Folded {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Folded {
    fn cmp(&self, other: &Self) -> Ordering {
        self.folded().cmp(other.folded())
    }
}
