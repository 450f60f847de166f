//! A change of one attachment: shown as a difference of its manifest, and then confirmed.

mod form;
mod outcome;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Json, Query as Parameters, State};
use axum::response::Html;
use axum::routing::{get, post};
use maud::Markup;

use super::super::change::{Action, Change, Refusal};
use super::super::context::Context;
use super::super::gate::Nonce;
use super::super::write::{Mode, Outcome, make, read};

pub(super) fn routes() -> Router<Arc<Context>> {
    Router::new()
        .route("/change", get(view))
        .route("/change/form", post(edited_again))
        .route("/change/preview", post(previewed))
        .route("/change/confirmed", post(confirmed))
}

/// The form of a change, or what a change without a form would do.
async fn view(State(context): State<Arc<Context>>, nonce: Nonce, Parameters(change): Parameters<Change>) -> Html<String> {
    let page = match read(&context.cluster.of(&change.namespace), &change).await {
        Ok(object) if change.action == Action::Edit => form::edit(&change.seen(&object), &[], &nonce),
        Ok(object) => preview(&context, change.of(&object), &nonce).await,
        Err(outcome) => outcome::shown(&change, &outcome, &nonce),
    };
    Html(page.into_string())
}

async fn edited_again(nonce: Nonce, Json(change): Json<Change>) -> Html<String> {
    Html(form::edit(&change, &[], &nonce).into_string())
}

async fn previewed(State(context): State<Arc<Context>>, nonce: Nonce, Json(change): Json<Change>) -> Html<String> {
    Html(preview(&context, change, &nonce).await.into_string())
}

/// What the change would do. The API server checks it and stores nothing.
async fn preview(context: &Context, change: Change, nonce: &Nonce) -> Markup {
    match make(&context.cluster.of(&change.namespace), &change, Mode::DryRun).await {
        Outcome::Changed => again(context, change, nonce).await,
        outcome => outcome::shown(&change, &outcome, nonce),
    }
}

/// What the change would do to the object as it is now, which is not what the user saw.
async fn again(context: &Context, change: Change, nonce: &Nonce) -> Markup {
    let cluster = context.cluster.of(&change.namespace);
    let (change, outcome) = match read(&cluster, &change).await {
        Ok(object) => {
            let change = change.of(&object);
            let outcome = make(&cluster, &change, Mode::DryRun).await;
            (change, outcome)
        }
        Err(outcome) => (change, outcome),
    };
    outcome::changed_meanwhile(&change, &outcome, nonce)
}

/// Makes the change.
async fn confirmed(State(context): State<Arc<Context>>, nonce: Nonce, Json(change): Json<Change>) -> Html<String> {
    let is_named = change.action != Action::Detach || change.typed.trim() == change.name;
    let mode = if is_named { Mode::Write } else { Mode::DryRun };
    let page = match make(&context.cluster.of(&change.namespace), &change, mode).await {
        Outcome::Changed => again(&context, change, &nonce).await,
        outcome @ Outcome::Deleted { .. } if !is_named => {
            let message = format!("Enter {} to confirm", change.name);
            outcome::refused(&change, &outcome, &Refusal { field: "typed".to_owned(), message }, &nonce)
        }
        outcome @ (Outcome::Patched { .. } | Outcome::Deleted { .. }) => outcome::done(&change, &outcome),
        outcome => outcome::shown(&change, &outcome, &nonce),
    };
    Html(page.into_string())
}
