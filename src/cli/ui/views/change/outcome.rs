//! What a change would do, or what became of it.

use kube::ResourceExt as _;
use maud::{Markup, html};

use super::super::super::change::{Action, Change, Refusal};
use super::super::super::diff::{self, Line};
use super::super::super::gate::Nonce;
use super::super::super::manifest;
use super::super::super::parts::code_block;
use super::super::super::write::Outcome;
use super::form;
use crate::api::v1alpha1::DeletionPolicy;
use crate::api::{ON_DELETE, SynapseSparkAttachment};
use crate::cli::duration;
use crate::cli::output::printable;
use crate::planner::active_jobs;

/// The outcome of a dry run, with the form that confirms it; or why there is none.
pub(super) fn shown(change: &Change, outcome: &Outcome, nonce: &Nonce) -> Markup {
    match outcome {
        Outcome::Refused(refusals) if change.action == Action::Edit => form::edit(change, refusals, nonce),
        outcome => html! { (form::head(change)) (body(change, outcome, &[], nonce)) },
    }
}

/// The same, with something that the user entered and that does not fit.
pub(super) fn refused(change: &Change, outcome: &Outcome, refusal: &Refusal, nonce: &Nonce) -> Markup {
    html! { (form::head(change)) (body(change, outcome, std::slice::from_ref(refusal), nonce)) }
}

/// The same, of another object than the user saw.
pub(super) fn changed_meanwhile(change: &Change, outcome: &Outcome, nonce: &Nonce) -> Markup {
    html! {
        (form::head(change))
        p class="banner" role="alert" {
            "The attachment was changed meanwhile, and nothing was written. This is what the change would do to it as it is now."
        }
        (body(change, outcome, &[], nonce))
    }
}

/// What was done.
pub(super) fn done(change: &Change, outcome: &Outcome) -> Markup {
    html! {
        (form::head(change))
        p class="banner calm" role="status" {
            @if matches!(outcome, Outcome::Deleted { .. }) { "The attachment is being deleted." } @else { "The API server has stored the change." }
            " " a href=(change.subject().details()) { "Follow it" }
        }
        @if let Outcome::Patched { before, after } = outcome { (difference(&manifest::complete(before), &manifest::complete(after))) }
    }
}

fn body(change: &Change, outcome: &Outcome, refusals: &[Refusal], nonce: &Nonce) -> Markup {
    html! {
        @match outcome {
            Outcome::Patched { before, after } => {
                @let (old, new) = (manifest::complete(before), manifest::complete(after));
                @if old == new { p class="banner calm" role="status" { "This changes nothing."
                        @if change.action == Action::Edit { " " a href=(change.subject().change(change.action.name())) { "Edit again" } } } }
                @else { (effect(change.action)) (difference(&old, &new)) (form::confirm(change, refusals, nonce)) }
            }
            Outcome::Deleted { before } => {
                (detach(before))
                (difference(&manifest::complete(before), ""))
                (form::confirm(change, refusals, nonce))
            }
            Outcome::Managed { tool, before, after } => {
                p class="banner" role="status" {
                    bdi { (printable(tool)) } " manages this attachment and would revert the change, so the page does not write it. "
                    @if after.is_some() { "Copy the manifest, and change it there." } @else { "Remove it there." }
                }
                @let new = after.as_ref().map(|after| manifest::text(after)).unwrap_or_default();
                (difference(&manifest::text(before), &new))
                @if !new.is_empty() { h2 { "Manifest" } (code_block("the manifest", &new)) }
            }
            Outcome::Gone => { p class="banner" role="alert" { "The attachment was deleted, and nothing was written." } }
            Outcome::Changed => { p class="banner" role="alert" { "The attachment was changed again, and nothing was written. Load the page again." } }
            Outcome::Refused(refusals) => { @for one in refusals { (form::line(one)) } }
            Outcome::Failed(why) => { p class="banner" role="alert" { bdi { (printable(why)) } } }
        }
    }
}

fn effect(action: Action) -> Markup {
    html! {
        @match action {
            Action::Suspend => { p { "The operator observes and reports, and writes nothing to Azure. A deletion waits, too." } }
            Action::Resume => { p { "The operator writes to Azure again." } }
            Action::Reconcile => { p { "The operator reads Azure at once, and corrects what differs from the spec." } }
            Action::Edit | Action::Detach => {}
        }
    }
}

/// What a deletion does.
fn detach(object: &SynapseSparkAttachment) -> Markup {
    let spec = &object.spec;
    html! {
        p { "This deletes the object from the cluster. The Spark pool is not deleted." }
        ul {
            @if let Some(value) = object.annotations().get(ON_DELETE) {
                li { "Because of the annotation " code { (ON_DELETE) "=" bdi { (printable(value)) } } ", the compute stays in Azure if the value is abandon." }
            } @else if spec.deletion_policy == DeletionPolicy::Retain {
                li { "Because of " code { "deletionPolicy: Retain" } ", the compute stays attached in Azure." }
            } @else {
                li { "The operator revokes the role assignments that it made, and detaches the compute from the workspace." }
                @match active_jobs::timeout(spec) {
                    Some(longest) => {
                        li { "Because of the deletion guard, the detach waits until the jobs that use the compute have ended, for " (duration::shown(longest)) " at most." }
                    }
                    None => { li { "There is no deletion guard: jobs that use the compute fail." } }
                }
            }
            @if spec.suspend { li { "The attachment is suspended: the deletion waits until it is resumed." } }
        }
    }
}

fn difference(old: &str, new: &str) -> Markup {
    html! {
        pre class="diff" tabindex="0" role="region" aria-label="The change of the manifest" {
            @for line in diff::lines(old, new) {
                @match line {
                    Line::Kept(text) => { "  " (text) "\n" }
                    Line::Removed(text) => { del { "- " (text) } "\n" }
                    Line::Added(text) => { ins { "+ " (text) } "\n" }
                }
            }
        }
    }
}
