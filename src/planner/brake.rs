//! The safety stop: if many computes of a workspace are missing at once, none of them is attached again automatically.
//!
//! A single missing compute was probably detached by hand, and is attached again. Many at once have another cause: a workspace
//! that was created again under its name, a restore, or an incomplete answer of Azure. Attaching all of them would make it worse.

/// This many missing computes never cause a stop: they may have been detached by hand.
const ALWAYS_RECREATED: usize = 10;
/// If more than one in this many computes of a workspace is missing, that causes a stop.
const ONE_IN: usize = 5;

/// How many computes of one workspace are attached, as one identity sees them, and how many of them are missing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Losses {
    /// Computes that were attached when they were last observed, or that are missing now.
    pub attached: usize,
    /// Those of them that are missing.
    pub missing: usize,
}

impl Losses {
    /// Whether too many are missing to attach any of them again.
    #[must_use]
    pub const fn are_excessive(self) -> bool {
        let share = self.attached / ONE_IN;
        self.missing > if share > ALWAYS_RECREATED { share } else { ALWAYS_RECREATED }
    }
}

/// Whether the compute of an object may be attached again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Safety {
    /// The losses of its workspace.
    pub losses: Losses,
    /// Whether the status shows a stop already.
    pub is_stopped: bool,
    /// Whether the user allows to attach it again after this stop.
    pub is_allowed: bool,
}

impl Safety {
    /// Whether the compute is not attached again. A stop outlasts a restart, and lasts until the compute shows or the user
    /// allows it.
    #[must_use]
    pub const fn stops(self) -> bool {
        !self.is_allowed && (self.is_stopped || self.losses.are_excessive())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_ten_and_a_fifth_are_excessive() {
        #[rustfmt::skip]
        let table = [
            // attached  missing  excessive
            (1,          1,       false),
            (10,         10,      false),
            (11,         11,      true),
            (50,         10,      false),
            (50,         11,      true),
            (100,        20,      false),
            (100,        21,      true),
            (1000,       200,     false),
            (1000,       201,     true),
        ];
        for (attached, missing, excessive) in table {
            assert_eq!(Losses { attached, missing }.are_excessive(), excessive, "{missing} of {attached}");
        }
    }

    #[test]
    fn a_stop_lasts_until_the_user_allows_it() {
        let few = Losses { attached: 100, missing: 1 };
        let many = Losses { attached: 100, missing: 90 };
        #[rustfmt::skip]
        let table = [
            // losses  stopped before  allowed  stops
            (few,      false,          false,   false),
            (many,     false,          false,   true),
            (few,      true,           false,   true),
            (many,     true,           true,    false),
        ];
        for (losses, is_stopped, is_allowed, stops) in table {
            assert_eq!(Safety { losses, is_stopped, is_allowed }.stops(), stops, "{losses:?} {is_stopped} {is_allowed}");
        }
    }
}
