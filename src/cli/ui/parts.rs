//! Parts that views share.

use jiff::Timestamp;
use maud::{Markup, html};

use super::super::output::{age, printable};
use super::super::view::State;
use crate::planner::status::time::elapsed;

/// How long ago this was. The time is in its title.
pub(super) fn ago(time: Timestamp) -> Markup {
    html! { time datetime=(time) title=(time) { (age(elapsed(time, Timestamp::now()).unwrap_or_default())) } }
}

/// The colour of a state. Its name is always beside it.
pub(super) fn tone(state: State) -> &'static str {
    match state {
        State::Ready => "good",
        State::Stalled => "bad",
        State::Reconciling | State::Suspended | State::Unseen | State::Deleted => "undecided",
    }
}

/// An ID with a button that copies it.
pub(super) fn copyable(name: &str, text: &str) -> Markup {
    html! { span class="copyable" { code { bdi { (printable(text)) } } " " (copy(name)) } }
}

/// Several lines of code, with a button that copies them.
pub(super) fn code_block(name: &str, text: &str) -> Markup {
    html! {
        div class="code" {
            // It scrolls, so it can be reached by keyboard.
            pre tabindex="0" role="region" aria-label=(name) { (text) }
            (copy(name))
        }
    }
}

/// Copies the element before it.
fn copy(name: &str) -> Markup {
    html! { button type="button" class="copy" data-copy="previous" aria-label={ "Copy " (name) } { "Copy" } }
}
