//! Corrections of a field that something else keeps rewriting: the operator limits how often it writes.

use std::time::Duration;

use crate::planner::backoff::{CORRECTION_PAUSES, CORRECTIONS_COUNT_FOR};

/// Writes of the last day that gave a field this value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Correction {
    /// The field, as the status names it.
    pub field: String,
    /// The value that was written.
    pub want: String,
    /// How many writes there were.
    pub writes: u32,
    /// How long ago the last one was sent; none if that time lies in the future.
    pub age: Option<Duration>,
}

impl Correction {
    /// For how long the field is not corrected again; zero if it is corrected now.
    #[must_use]
    pub fn pause(&self) -> Duration {
        pause_after(self.writes).saturating_sub(self.age.unwrap_or_default())
    }
}

/// The pause after so many writes.
fn pause_after(writes: u32) -> Duration {
    match (writes, usize::try_from(writes.saturating_sub(1))) {
        (0, _) => Duration::ZERO,
        (_, Ok(before)) => CORRECTION_PAUSES.get(before).copied().unwrap_or(CORRECTIONS_COUNT_FOR),
        (_, Err(_)) => CORRECTIONS_COUNT_FOR,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn third_write_that_does_not_last_is_the_last_of_a_day() {
        let pause = |writes, age| Correction { field: String::new(), want: String::new(), writes, age }.pause().as_secs();
        let ago = |seconds| Some(Duration::from_secs(seconds));
        #[rustfmt::skip]
        let table = [
            (1, ago(0), 60), (1, ago(59), 1), (1, ago(60), 0),
            (2, ago(0), 300),
            (3, ago(0), 86_400), (3, ago(86_400), 0),
            (4, ago(0), 86_400), (u32::MAX, ago(0), 86_400),
            // A time in the future counts as now.
            (1, None, 60),
        ];
        for (writes, age, wanted) in table {
            assert_eq!(pause(writes, age), wanted, "{writes} {age:?}");
        }
    }
}
