//! The map: which identities, Azure Machine Learning workspaces and Spark pools the attachments connect, and where it fails.

mod graph;
mod layout;
mod picture;
mod table;
mod tally;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Query as Parameters, State};
use axum::response::{Html, IntoResponse};
use axum::routing::get;
use maud::{Markup, html};
use serde::Deserialize;

use super::super::context::Context;
use super::super::gate::Nonce;
use super::super::store::Content;
use super::super::stream::stream;
use super::super::window::Query;
use super::filter::{ADDRESS, banners, fields, nothing, place, reasons};
use graph::Graph;
use layout::Layout;

pub(super) fn routes() -> Router<Arc<Context>> {
    Router::new().route("/map", get(view)).route("/map/content", get(filtered)).route("/map/stream", get(followed))
}

/// How the connections are shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Form {
    #[default]
    Picture,
    Table,
}

#[derive(Debug, Clone, Copy, Deserialize)]
struct Shown {
    #[serde(default, rename = "as")]
    form: Form,
}

/// The parameters of the address of this page.
fn parameters(form: Form, query: &Query) -> String {
    let form = if form == Form::Table { "as=table" } else { "" };
    [form, &query.parameters()].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("&")
}

/// The whole view.
async fn view(
    State(context): State<Arc<Context>>,
    nonce: Nonce,
    Parameters(Shown { form }): Parameters<Shown>,
    Parameters(query): Parameters<Query>,
) -> Html<String> {
    let view = html! {
        h1 { "Map" }
        p class="place" { (place(&context)) }
        form id="filter" role="search" hx-get="/views/map/content" hx-target="#map" hx-swap="outerHTML" hx-sync="this:replace"
            hx-trigger="submit, change changed, input changed delay:300ms" hx-nonce=(nonce.as_str()) {
            (fields(&context, &query))
            fieldset class="reasons" {
                legend { "Show as" }
                @for (value, label, is_chosen) in [("picture", "Picture", form == Form::Picture), ("table", "Table", form == Form::Table)] {
                    label {
                        input type="radio" name="as" id={ "as-" (value) } value=(value) checked[is_chosen];
                        span { (label) }
                    }
                }
            }
            (section(&context, &nonce, form, &query))
        }
    };
    Html(view.into_string())
}

/// The map, after a change of the form.
async fn filtered(
    State(context): State<Arc<Context>>,
    nonce: Nonce,
    Parameters(Shown { form }): Parameters<Shown>,
    Parameters(query): Parameters<Query>,
) -> impl IntoResponse {
    let address = match parameters(form, &query) {
        parameters if parameters.is_empty() => "/map".to_owned(),
        parameters => format!("/map?{parameters}"),
    };
    ([(ADDRESS, address)], Html(section(&context, &nonce, form, &query).into_string()))
}

/// The map, whenever it changes.
async fn followed(
    State(context): State<Arc<Context>>,
    Parameters(Shown { form }): Parameters<Shown>,
    Parameters(query): Parameters<Query>,
) -> impl IntoResponse {
    stream(context, move |_, known| content(known, form, &query))
}

/// The part of the view that is kept up to date. What is inside has no attributes of htmx.
fn section(context: &Context, nonce: &Nonce, form: Form, query: &Query) -> Markup {
    html! {
        section id="map" aria-label="Map" hx-sse:connect={ "/views/map/stream?" (parameters(form, query)) }
            hx-target="this" hx-swap="innerMorph" hx-nonce=(nonce.as_str()) {
            (content(&context.store.subscribe().borrow(), form, query))
        }
    }
}

fn content(known: &Content, form: Form, query: &Query) -> Markup {
    let (selected, counts) = query.selected(known.attachments.values());
    let graph = Graph::of(&selected);
    html! {
        (banners(known))
        (reasons(&counts, query))
        @if selected.is_empty() {
            (nothing(known))
        } @else if form == Form::Picture {
            (picture::picture(&Layout::of(&graph), query))
            // The same facts for those who cannot see the picture, which has the links.
            div class="unseen" { (table::table(&graph, None)) }
        } @else {
            (table::table(&graph, Some(query)))
        }
    }
}

#[cfg(test)]
mod tests;
