//! Why something cannot be read, in the planner's terms.

use crate::azure::Error;
use crate::controller::observe::fault::fault;
use crate::planner::jobs::read::Unreadable;

/// Azure did not show what this permission is needed for.
pub(super) fn unreadable(permission: &'static str) -> impl Fn(Error) -> Unreadable {
    move |error| {
        let text = error.to_string();
        Unreadable { permission, error: text, is_refusal: fault(error).kind.is_answer() }
    }
}

/// What is not there, although something else names it.
pub(super) fn absent(permission: &'static str, what: &dyn std::fmt::Display) -> Unreadable {
    Unreadable { permission, error: format!("{what} does not exist"), is_refusal: true }
}
