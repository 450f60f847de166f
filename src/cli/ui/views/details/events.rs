//! The events of the attachment, followed while its page is open.

use maud::{Markup, html};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::super::super::address::Subject;
use super::super::super::context::Context;
use super::super::super::parts::{ago, copyable};
use crate::cli::events::{fields_of, follow};
use crate::cli::output::printable;
use crate::cli::view::EventView;

/// The events that a page keeps: the newest ones.
const KEPT: usize = 100;

/// What is known of the events.
#[derive(Default)]
pub(super) struct Known {
    is_read: bool,
    /// The newest last.
    events: Vec<EventView>,
    /// Why they are not followed.
    why_not: Option<String>,
}

impl Known {
    fn add(&mut self, events: &[EventView]) {
        self.is_read = true;
        for event in events {
            // One that is repeated replaces what it repeats.
            self.events.retain(|one| !is_repeated(one, event));
            self.events.push(event.clone());
        }
        let too_many = self.events.len().saturating_sub(KEPT);
        self.events.drain(..too_many);
    }
}

/// Whether the second one is the first one, seen again.
fn is_repeated(one: &EventView, other: &EventView) -> bool {
    let what = |one: &EventView| (one.kind.clone(), one.reason.clone(), one.message.clone());
    one.last_seen <= other.last_seen && what(one) == what(other)
}

/// Follows the events until it is dropped.
pub(super) struct Events {
    known: watch::Receiver<Known>,
    _task: JoinSet<()>,
}

impl Events {
    pub(super) fn follow(context: &Context, subject: &Subject) -> Self {
        let (send, known) = watch::channel(Known::default());
        let cluster = context.cluster.of(&subject.namespace);
        let fields = fields_of(&subject.name);
        let mut task = JoinSet::new();
        task.spawn(async move {
            let report = |events: &[EventView], _: bool| {
                send.send_modify(|known| known.add(events));
                Ok(())
            };
            if let Err(why) = follow(&cluster, &fields, report).await {
                send.send_modify(|known| known.why_not = Some(why));
            }
        });
        Self { known, _task: task }
    }

    pub(super) fn known(&self) -> watch::Receiver<Known> {
        self.known.clone()
    }
}

/// The events, the newest first.
pub(super) fn events(known: &Known) -> Markup {
    html! {
        h2 { "Events" }
        @if let Some(why) = &known.why_not { p class="note" { bdi { (printable(why)) } } }
        @if known.events.is_empty() {
            @if known.is_read { p class="faint" { "There are none. Kubernetes keeps events for an hour by default." } }
            @else if known.why_not.is_none() { p class="faint" { "Reading the events…" } }
        } @else {
            table {
                thead {
                    tr { th scope="col" { "Last seen" } th scope="col" { "Type" } th scope="col" { "Reason" } th scope="col" { "Message" } }
                }
                tbody { @for one in known.events.iter().rev() { (row(one)) } }
            }
        }
    }
}

fn row(one: &EventView) -> Markup {
    html! {
        tr {
            td data-label="Last seen" { @if let Some(seen) = one.last_seen { (ago(seen)) } }
            td data-label="Type" { span class=(if one.kind == "Warning" { "undecided" } else { "" }) { bdi { (one.kind) } } }
            th scope="row" data-label="Reason" { bdi { (one.reason) } }
            td class="message" data-label="Message" {
                bdi { (printable(&one.message)) }
                @if let Some(id) = &one.correlation_id { div { "Correlation ID " (copyable("the correlation ID", id)) } }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn event(reason: &str, minute: u8) -> EventView {
        let event = json!({"metadata": {}, "involvedObject": {}, "type": "Normal", "reason": reason, "message": "m",
            "lastTimestamp": format!("2026-01-01T00:{minute:02}:00Z")});
        EventView::of(serde_json::from_value(event).expect("an event"))
    }

    #[test]
    fn repeated_events_are_shown_once_and_the_newest_are_kept() {
        let mut known = Known::default();
        known.add(&[event("Attaching", 1), event("Attached", 2)]);
        known.add(&[event("Attaching", 3)]);
        let reasons: Vec<_> = known.events.iter().map(|one| one.reason.as_str()).collect();
        assert_eq!(reasons, ["Attached", "Attaching"]);
        let many: Vec<_> = (0..150).map(|number| event(&number.to_string(), 4)).collect();
        known.add(&many);
        assert_eq!((known.events.len(), known.events[KEPT - 1].reason.as_str()), (KEPT, "149"));
    }
}
