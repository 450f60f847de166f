//! The details of one attachment.

mod azure;
mod content;
mod events;

use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::extract::{Query as Parameters, State};
use axum::response::{Html, IntoResponse};
use axum::routing::get;
use maud::html;

use super::super::address::Subject;
use super::super::context::Context;
use super::super::gate::Nonce;
use super::super::rights;
use super::super::stream::stream_with;
use content::{Page, content};
use events::{Events, Known};

pub(super) fn routes() -> Router<Arc<Context>> {
    Router::new().route("/details", get(view)).route("/details/stream", get(followed))
}

/// The whole view.
async fn view(State(context): State<Arc<Context>>, nonce: Nonce, Parameters(subject): Parameters<Subject>) -> Html<String> {
    let stream = format!("/views/details/stream?{}", subject.parameters());
    let page = page(&context, subject).await;
    let view = html! {
        p class="back" { a href=(page.subject.back()) { "All attachments" } }
        h1 { bdi { (page.subject.name) } }
        p class="place" { bdi { (context.cluster.server) } " · namespace " bdi { (page.subject.namespace) } }
        div id="details" hx-sse:connect=(stream) hx-target="this" hx-swap="innerMorph" hx-nonce=(nonce.as_str()) {
            (content(&page, &context, &context.store.subscribe().borrow(), &Known::default()))
        }
    };
    Html(view.into_string())
}

async fn page(context: &Context, subject: Subject) -> Page {
    let missing = rights::missing(&context.cluster, Some(&subject.namespace), &["patch", "delete"]).await;
    Page { subject, missing, shown: OnceLock::new() }
}

/// What is inside of the view, whenever it changes. It has no attributes of htmx.
async fn followed(State(context): State<Arc<Context>>, Parameters(subject): Parameters<Subject>) -> impl IntoResponse {
    let events = Events::follow(&context, &subject);
    let page = page(&context, subject).await;
    stream_with(context, events.known(), move |context, known, of_it| {
        // They are followed for as long as this is kept.
        let _ = &events;
        content(&page, context, known, of_it)
    })
}

#[cfg(test)]
mod tests;
