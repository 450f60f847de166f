//! The list of attachments.

mod table;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Query as Parameters, State};
use axum::response::{Html, IntoResponse};
use axum::routing::get;
use maud::{Markup, html};
use serde::Deserialize;

use super::super::context::Context;
use super::super::gate::Nonce;
use super::super::rights;
use super::super::stream::stream;
use super::super::window::{Column, Query};
use super::filter::{ADDRESS, fields, place};

/// What changes attachments, here or with kubectl.
const WRITES: [&str; 3] = ["create", "patch", "delete"];

pub(super) fn routes() -> Router<Arc<Context>> {
    Router::new().route("/list", get(view)).route("/list/table", get(filtered)).route("/list/stream", get(followed))
}

/// The whole view.
async fn view(State(context): State<Arc<Context>>, nonce: Nonce, Parameters(query): Parameters<Query>) -> Html<String> {
    let missing = rights::missing(&context.cluster, context.namespace(), &WRITES).await;
    let view = html! {
        h1 { "Attachments" }
        p class="place" { (place(&context)) }
        @if !missing.is_empty() {
            p class="note" {
                "You may not "
                (missing.iter().map(|one| one.verb).collect::<Vec<_>>().join(", "))
                " attachments " (scope(&context)) ". Ask the administrator of the cluster for these verbs on "
                code { "synapsesparkattachments.synapse-spark.dev" } "."
                @for one in missing.iter().filter(|one| !one.why.is_empty()) { " " bdi { (one.verb) ": " (one.why) } }
            }
        }
        form id="filter" role="search" hx-get="/views/list/table" hx-target="#list" hx-swap="outerHTML" hx-sync="this:replace"
            hx-trigger="submit, change changed, input changed delay:300ms" hx-nonce=(nonce.as_str()) {
            (fields(&context, &query))
            (section(&context, &nonce, &query))
        }
    };
    Html(view.into_string())
}

/// The column of the heading that was clicked.
#[derive(Deserialize)]
struct Order {
    order: Option<Column>,
}

/// The table, after a change of the form.
async fn filtered(
    State(context): State<Arc<Context>>,
    nonce: Nonce,
    Parameters(Order { order }): Parameters<Order>,
    Parameters(query): Parameters<Query>,
) -> impl IntoResponse {
    let query = match order {
        Some(column) => query.ordered_by(column),
        None => query,
    };
    let address = match query.parameters() {
        parameters if parameters.is_empty() => "/list".to_owned(),
        parameters => format!("/list?{parameters}"),
    };
    ([(ADDRESS, address)], Html(section(&context, &nonce, &query).into_string()))
}

/// The table, whenever it changes.
async fn followed(State(context): State<Arc<Context>>, Parameters(query): Parameters<Query>) -> impl IntoResponse {
    stream(context, move |context, known| table::table(context, known, &query))
}

/// The part of the view that is kept up to date. What is inside has no attributes of htmx.
fn section(context: &Context, nonce: &Nonce, query: &Query) -> Markup {
    html! {
        section id="list" aria-label="Attachments" hx-sse:connect={ "/views/list/stream?" (query.parameters()) }
            hx-target="this" hx-swap="innerMorph" hx-nonce=(nonce.as_str()) {
            (table::table(context, &context.store.subscribe().borrow(), query))
        }
    }
}

fn scope(context: &Context) -> String {
    context.namespace().map_or_else(|| "in all namespaces".to_owned(), |namespace| format!("in namespace {namespace}"))
}
