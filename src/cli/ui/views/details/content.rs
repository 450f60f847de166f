//! What the details show.

use std::sync::OnceLock;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::ResourceExt as _;
use maud::{Markup, html};

use super::super::super::address::Subject;
use super::super::super::change::Action;
use super::super::super::context::Context;
use super::super::super::manifest;
use super::super::super::parts::{ago, code_block, tone};
use super::super::super::rights::Missing;
use super::super::super::store::{Attachment, Connection, Content};
use super::azure;
use super::events::{Known, events};
use crate::api::v1alpha1::DriftStatus;
use crate::cli::output::printable;
use crate::cli::view::View;
use crate::planner::status::last_drift::explained;

/// A page while it is open.
pub(super) struct Page {
    pub(super) subject: Subject,
    /// What its user may not do.
    pub(super) missing: Vec<Missing>,
    /// The UID of the first attachment that it showed.
    pub(super) shown: OnceLock<String>,
}

/// What is known of the attachment of this page.
pub(super) fn content(page: &Page, context: &Context, known: &Content, of_it: &Known) -> Markup {
    let key = page.subject.key();
    let found = known.attachments.values().find(|one| one.key == key);
    html! {
        @if let Connection::Lost(why) = &known.connection {
            p class="banner" role="status" {
                "The attachment cannot be followed, and what is shown may be outdated: " bdi { (printable(why)) } " Retrying."
            }
        }
        @match found {
            Some(one) => {
                @if page.shown.get_or_init(|| one.object.uid().unwrap_or_default()) != &one.object.uid().unwrap_or_default() {
                    p class="banner" role="status" { "The attachment was deleted, and another one was created with its name." }
                }
                (attachment(one, page, context, of_it))
            }
            None => {
                @if let Some(line) = known.undecodable.get(&key) { p class="banner" { bdi { (line) } } }
                @else if known.connection == Connection::Loading { p class="banner calm" role="status" { "Reading the attachment…" } }
                @else if page.shown.get().is_some() { p class="banner" role="status" { "The attachment was deleted." } }
                @else { p class="banner" role="status" { "There is no such attachment, or the command line selects others." } }
                section { (events(of_it)) }
            }
        }
    }
}

fn attachment(one: &Attachment, page: &Page, context: &Context, of_it: &Known) -> Markup {
    let view = View::of(&one.object, context.program);
    let status = one.object.status.as_ref();
    let conditions = status.map(|status| status.conditions.as_slice()).unwrap_or_default();
    html! {
        section class="summary" aria-label="State" { (summary(one, &view)) }
        (actions(one, page))
        section { (self::conditions(conditions)) }
        section { (drift(&view)) }
        section { (azure::compute(&view)) }
        @if let Some(operation) = &view.operation { section { (azure::operation(operation)) } }
        @if let Some(pool) = &view.found.pool { section { (azure::pool(pool)) } }
        @if !view.found.role_assignments.is_empty() { section { (azure::roles(&view.found.role_assignments)) } }
        @if let Some(jobs) = &view.waiting_for_jobs { section { (azure::jobs(jobs)) } }
        section { (events(of_it)) }
        section { h2 { "Manifest" } (code_block("the manifest", &manifest::text(&one.object))) }
    }
}

/// The state, the cause, and what to do.
fn summary(one: &Attachment, view: &View) -> Markup {
    html! {
        p {
            span class={ "state " (tone(view.state)) } { (format!("{:?}", view.state)) }
            @if let Some(reason) = &view.reason { ": " bdi class="reason" { (reason) } }
            @if let Some(since) = one.since { ", for " (ago(since)) }
        }
        p { bdi { (printable(&view.message)) } }
        @if let Some(failure) = &view.failure { p { "Failing for " (ago(failure.since.0)) "." } }
        @if let Some(deleted) = &view.deletion_timestamp { p { "Deleted " (ago(deleted.0)) " ago; waiting for finalizers." } }
        @if !view.advice.is_empty() { p class="advice" { bdi { (printable(&view.advice)) } } }
        @if let Some(command) = &view.command { (code_block("the command", command)) }
    }
}

/// What can be done. What its user may not do is disabled, with the reason.
fn actions(one: &Attachment, page: &Page) -> Markup {
    let is_missing = |action: Action| page.missing.iter().any(|one| one.verb == action.verb());
    html! {
        nav class="actions" aria-label="Actions" {
            @for action in Action::of(one.object.spec.suspend) {
                @if is_missing(action) { button type="button" disabled aria-describedby="missing" { (action.label()) } }
                @else { a class="button" href=(page.subject.change(action.name())) { (action.label()) } }
            }
        }
        @if !page.missing.is_empty() {
            p id="missing" class="note" {
                "You may not " (page.missing.iter().map(|one| one.verb).collect::<Vec<_>>().join(" or "))
                " attachments in namespace " bdi { (page.subject.namespace) } ". Ask the administrator of the cluster for these verbs on "
                code { "synapsesparkattachments.synapse-spark.dev" } "."
                @for one in page.missing.iter().filter(|one| !one.why.is_empty()) { " " bdi { (one.verb) ": " (printable(&one.why)) } }
            }
        }
        @if let Some(tool) = &one.managed_by {
            p class="note" {
                bdi { (printable(tool)) } " manages this attachment: change it there. For changes of the manifest, the page shows the manifest to copy, and writes nothing."
            }
        }
    }
}

fn conditions(conditions: &[Condition]) -> Markup {
    html! {
        h2 { "Conditions" }
        @if conditions.is_empty() { p class="faint" { "The operator has not reported any." } }
        @else {
            table {
                thead {
                    tr {
                        th scope="col" { "Type" } th scope="col" { "Status" } th scope="col" { "Reason" } th scope="col" { "Since" }
                        th scope="col" { "Message" }
                    }
                }
                tbody {
                    @for one in conditions {
                        tr {
                            th scope="row" data-label="Type" { bdi { (one.type_) } }
                            td data-label="Status" { bdi { (one.status) } }
                            td data-label="Reason" { bdi { (one.reason) } }
                            td data-label="Since" { (ago(one.last_transition_time.0)) }
                            td class="message" data-label="Message" { bdi { (printable(&one.message)) } }
                        }
                    }
                }
            }
        }
    }
}

/// What differs between the spec and the compute.
fn drift(view: &View) -> Markup {
    html! {
        h2 { "Spec and compute" }
        @if view.drift.is_empty() { p class="faint" { "The operator reports no difference." } }
        @else {
            table {
                thead { tr { th scope="col" { "Field" } th scope="col" { "Spec" } th scope="col" { "Observed" } th scope="col" { "Since" } } }
                tbody { @for one in &view.drift { (difference(one)) } }
            }
        }
        @if let Some(who) = view.last_drift.as_ref().and_then(explained) { p { "Last change by others: " bdi { (printable(&who)) } } }
    }
}

fn difference(one: &DriftStatus) -> Markup {
    let value = |value: &str| html! { @if value.is_empty() { "(nothing)" } @else { bdi { (printable(value)) } } };
    html! {
        tr {
            th scope="row" data-label="Field" { bdi { (one.field) } }
            td data-label="Spec" { (value(&one.want)) }
            td data-label="Observed" { (value(&one.have)) }
            td data-label="Since" { @if let Some(since) = &one.since { (ago(since.0)) } }
        }
    }
}
