//! What the views of many attachments share: the fields that filter them, and whether they are up to date.

use std::collections::BTreeMap;

use axum::http::HeaderName;
use maud::{Markup, html};

use super::super::context::Context;
use super::super::store::{Connection, Content};
use super::super::window::Query;
use crate::cli::output::printable;

/// The script of the page puts this address into the browser's.
pub(super) const ADDRESS: HeaderName = HeaderName::from_static("hx-replace-url");

/// The fields of a form that filters, and its button.
pub(super) fn fields(context: &Context, query: &Query) -> Markup {
    html! {
        div class="filters" {
            (field("name", "Name", &query.name))
            @if context.selection.is_of_all_namespaces() { (field("namespace", "Namespace", &query.namespace)) }
            (field("workspace", "Workspace", &query.workspace))
            (field("pool", "Pool", &query.pool))
            (field("identity", "Identity", &query.identity))
            button type="submit" { "Filter" }
        }
    }
}

fn field(name: &str, label: &str, value: &str) -> Markup {
    html! {
        label {
            span { (label) }
            input type="search" name=(name) value=(value) autocomplete="off" spellcheck="false";
        }
    }
}

/// How many there are of each reason. Choosing one filters by it.
pub(super) fn reasons(reasons: &BTreeMap<&str, usize>, query: &Query) -> Markup {
    let all: usize = reasons.values().sum();
    // The one that is chosen stays, so that it can be seen.
    let is_gone = !query.reason.is_empty() && !reasons.contains_key(query.reason.as_str());
    let chosen = is_gone.then_some((query.reason.as_str(), 0));
    html! {
        fieldset class="reasons" {
            legend { "Reason" }
            (choice("", "All", all, query))
            @for (reason, count) in reasons.iter().map(|(reason, count)| (*reason, *count)).chain(chosen) {
                (choice(reason, reason, count, query))
            }
        }
    }
}

fn choice(reason: &str, label: &str, count: usize, query: &Query) -> Markup {
    html! {
        label {
            input type="radio" name="reason" id={ "reason-" (reason) } value=(reason) checked[query.reason == reason];
            span { bdi { (label) } " " b { (count) } }
        }
    }
}

/// What is not as in the cluster, and why.
pub(super) fn banners(known: &Content) -> Markup {
    html! {
        @match &known.connection {
            Connection::Live => {}
            Connection::Loading => { p class="banner calm" role="status" { "Reading the attachments…" } }
            Connection::Lost(why) => {
                p class="banner" role="status" {
                    "The attachments cannot be followed, and what is shown may be outdated: " bdi { (printable(why)) } " Retrying."
                }
            }
        }
        @for line in known.undecodable.values() { p class="note" { bdi { (line) } } }
    }
}

/// Why nothing is shown; nothing while the first list is being read.
pub(super) fn nothing(known: &Content) -> Markup {
    html! {
        @if known.connection == Connection::Live {
            p class="empty" { @if known.attachments.is_empty() { "There are no attachments." } @else { "No attachment matches." } }
        }
    }
}

/// What the view is about, as the command line selected it.
pub(super) fn place(context: &Context) -> Markup {
    html! {
        bdi { (context.cluster.server) }
        " · " bdi { (context.namespace().map_or_else(|| "all namespaces".to_owned(), |namespace| format!("namespace {namespace}"))) }
        @if let Some(selector) = context.selection.selector() { " · labels " bdi { (selector) } }
        @for name in context.selection.names() { " · " bdi { (name) } }
    }
}
