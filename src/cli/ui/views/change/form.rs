//! The forms of a change.

use maud::{Markup, html};

use super::super::super::change::{Action, Change, Refusal};
use super::super::super::gate::Nonce;
use crate::cli::output::printable;

/// The types of an identity, as the spec and as the page name them.
const IDENTITIES: [(&str, &str); 5] = [
    ("", "Not set"),
    ("None", "None"),
    ("SystemAssigned", "System-assigned"),
    ("UserAssigned", "User-assigned"),
    ("SystemAssigned,UserAssigned", "System-assigned and user-assigned"),
];

/// The head of each of these pages.
pub(super) fn head(change: &Change) -> Markup {
    let subject = change.subject();
    html! {
        p class="back" { a href=(subject.details()) { "Details of " bdi { (change.name) } } }
        // htmx sets the focus there, which would be lost with the form that was sent.
        h1 tabindex="-1" autofocus { (change.action.label()) ": " bdi { (change.name) } }
        p class="place" { "namespace " bdi { (change.namespace) } }
    }
}

/// The form of the identity and the tags, with what was refused at its field.
pub(super) fn edit(change: &Change, refusals: &[Refusal], nonce: &Nonce) -> Markup {
    html! {
        (head(change))
        @for one in refusals.iter().filter(|one| !is_of(one, "spec.identity") && !is_of(one, "spec.tags")) { (line(one)) }
        form class="edit" hx-post="/views/change/preview" hx-target="#view" hx-swap="innerHTML" hx-nonce=(nonce.as_str()) {
            (identifiers(change))
            label {
                span { "Managed identity" }
                select name="identity" aria-describedby="refused-identity" {
                    @for (value, label) in IDENTITIES { option value=(value) selected[change.identity == value] { (label) } }
                }
            }
            label {
                span { "User-assigned identities" }
                textarea name="identities" rows="4" spellcheck="false" aria-describedby="refused-identity help-identities" {
                    "\n" (change.identities)
                }
            }
            p id="help-identities" class="faint" { "One resource ID per line. Azure ML submits jobs as the first one by default." }
            (at("refused-identity", "spec.identity", refusals))
            label {
                span { "Tags" }
                textarea name="tags" rows="4" spellcheck="false" aria-describedby="refused-tags help-tags" { "\n" (change.tags) }
            }
            p id="help-tags" class="faint" { "One tag per line: name=value" }
            (at("refused-tags", "spec.tags", refusals))
            button type="submit" { "Show the change" }
        }
    }
}

/// The form that confirms a change.
pub(super) fn confirm(change: &Change, refusals: &[Refusal], nonce: &Nonce) -> Markup {
    html! {
        form class="edit" hx-post="/views/change/confirmed" hx-target="#view" hx-swap="innerHTML" hx-nonce=(nonce.as_str()) {
            (identifiers(change))
            @for (name, value) in [("identity", &change.identity), ("identities", &change.identities), ("tags", &change.tags)] {
                input type="hidden" name=(name) value=(value);
            }
            @if change.action == Action::Detach {
                label {
                    span { "Enter the name of the attachment" }
                    input name="typed" autocomplete="off" spellcheck="false" aria-describedby="refused-name";
                }
                (at("refused-name", "typed", refusals))
            }
            div class="actions" {
                button type="submit" class=(if change.action == Action::Detach { "danger" } else { "primary" }) {
                    @if change.action == Action::Edit { "Apply" } @else { (change.action.label()) }
                }
                @if change.action == Action::Edit {
                    button type="button" hx-post="/views/change/form" hx-target="#view" hx-swap="innerHTML"
                        hx-nonce=(nonce.as_str()) { "Edit again" }
                }
            }
        }
    }
}

/// What the other requests repeat.
fn identifiers(change: &Change) -> Markup {
    let values = [
        ("namespace", change.namespace.as_str()),
        ("name", &change.name),
        ("list", &change.list),
        ("action", change.action.name()),
        ("uid", &change.uid),
        ("generation", &change.generation),
    ];
    html! { @for (name, value) in values { input type="hidden" name=(name) value=(value); } }
}

fn is_of(refusal: &Refusal, field: &str) -> bool {
    refusal.field.strip_prefix(field).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

/// What was refused of a field.
fn at(id: &str, field: &str, refusals: &[Refusal]) -> Markup {
    html! {
        div id=(id) { @for one in refusals.iter().filter(|one| is_of(one, field)) { p class="refused" role="alert" { bdi { (printable(&one.message)) } } } }
    }
}

/// What was refused of a field that has no place on the page.
pub(super) fn line(one: &Refusal) -> Markup {
    html! { p class="banner" role="alert" { code { bdi { (printable(&one.field)) } } ": " bdi { (printable(&one.message)) } } }
}
