//! What a request must be before it is routed, and the headers of every answer.
//!
//! The port is open to every user of the machine, and to every web page that a browser of it shows. So the name of the host has to
//! be this machine's, which a page that rebinds its own name to 127.0.0.1 cannot achieve; and a request that changes something has
//! to come from this page. That a request may read is checked by [`super::server`], by its secret.

mod headers;
mod host;
mod origin;
mod refusal;

use axum::extract::{Request, State};
use axum::http::{Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

pub(super) use headers::Nonce;
use refusal::Refusal;

/// Refuses what no page of this program sends, and secures what is answered.
pub(super) async fn guard(State(port): State<u16>, mut request: Request, next: Next) -> Response {
    let nonce = Nonce::new();
    request.extensions_mut().insert(nonce.clone());
    let answer = match check(&request, port) {
        Ok(()) => next.run(request).await,
        Err(refusal) => refusal.into_response(),
    };
    headers::secured(answer, &nonce)
}

fn check(request: &Request, port: u16) -> Result<(), Refusal> {
    if request.uri().authority().is_some() {
        return Err((StatusCode::BAD_REQUEST, "This is not a proxy.\n"));
    }
    host::check(request.headers(), port)?;
    if request.headers().contains_key(header::UPGRADE) {
        return Err((StatusCode::BAD_REQUEST, "The protocol cannot be changed.\n"));
    }
    match *request.method() {
        Method::GET => Ok(()),
        Method::POST => origin::check(request.headers()),
        _ => Err((StatusCode::METHOD_NOT_ALLOWED, "Only GET and POST are allowed.\n")),
    }
}
