//! The server: which paths there are, and which of them require the secret of a page.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, Json, Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Router, ServiceExt};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tower::Layer;

use super::context::Context;
use super::{assets, gate, shell, views};

/// Answers until the program ends.
///
/// # Errors
///
/// The I/O error of the listener, as text.
pub(super) async fn serve(listener: TcpListener, port: u16, context: Arc<Context>) -> Result<(), String> {
    // Around the router and not inside it, so that a refusal does not depend on the path.
    let guarded = from_fn_with_state(port, gate::guard).layer(router(context));
    let service = ServiceExt::<Request>::into_make_service(guarded);
    axum::serve(listener, service).await.map_err(|error| format!("the server ended: {error}"))
}

fn router(context: Arc<Context>) -> Router {
    // Everything below /views requires the secret, also what does not exist.
    let views = views::routes().fallback(async || StatusCode::NOT_FOUND).layer(from_fn_with_state(context.clone(), signed_in));
    let pages = views::PAGES.iter().fold(Router::new(), |router, path| router.route(path, get(shell::page)));
    pages
        .merge(assets::routes())
        .route("/session", post(sign_in).layer(DefaultBodyLimit::max(1024)))
        .nest("/views", views)
        .with_state(context)
}

/// The secret of a link.
#[derive(Deserialize)]
struct Link {
    token: String,
}

/// The secret of a page.
#[derive(Serialize)]
struct Session {
    bearer: String,
}

/// Exchanges the secret of a link for that of a page.
async fn sign_in(State(context): State<Arc<Context>>, Json(link): Json<Link>) -> Response {
    match context.sessions.exchange(&link.token) {
        Ok(Some(bearer)) => Json(Session { bearer }).into_response(),
        Ok(None) => (StatusCode::UNAUTHORIZED, "The link was used, or is older than 60 seconds.\n").into_response(),
        Err(why) => (StatusCode::INTERNAL_SERVER_ERROR, why).into_response(),
    }
}

/// Lets through what carries the secret of a page.
async fn signed_in(State(context): State<Arc<Context>>, request: Request, next: Next) -> Response {
    let authorization = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    match authorization.and_then(|value| value.strip_prefix("Bearer ")) {
        Some(bearer) if context.sessions.admits(bearer) => next.run(request).await,
        _ => (StatusCode::UNAUTHORIZED, "The page is not signed in.\n").into_response(),
    }
}
