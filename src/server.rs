//! `/livez`, `/readyz` and `/metrics`.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Router, extract::State};
use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;
use tokio::net::TcpListener;

use crate::controller::Readiness;

/// What the server reports.
#[derive(Debug, Clone)]
pub struct ServerState {
    /// All metrics.
    pub registry: Arc<Registry>,
    /// The reasons why the program is not ready.
    pub readiness: Arc<Readiness>,
}

/// Binds the address. Separate from [`serve`], so that an invalid one ends the program at its start.
///
/// # Errors
///
/// The I/O error if the address cannot be bound.
pub async fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    TcpListener::bind(address).await
}

/// Binds this port of all addresses: of IPv6, which includes IPv4; and of IPv4 alone where there is no IPv6.
///
/// # Errors
///
/// The I/O error if the port cannot be bound.
pub async fn listen_everywhere(port: u16) -> io::Result<TcpListener> {
    match listen((Ipv6Addr::UNSPECIFIED, port).into()).await {
        Err(error) if error.kind() != io::ErrorKind::AddrInUse => listen((Ipv4Addr::UNSPECIFIED, port).into()).await,
        bound => bound,
    }
}

/// Answers until the program ends.
///
/// # Errors
///
/// The I/O error of the listener.
pub async fn serve(listener: TcpListener, state: ServerState) -> io::Result<()> {
    let router = Router::new()
        .route("/livez", get(async || "ok\n"))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .with_state(state);
    axum::serve(listener, router).await
}

async fn readyz(State(state): State<ServerState>) -> impl IntoResponse {
    match state.readiness.text() {
        text if text.is_empty() => (StatusCode::OK, "ok\n".to_owned()),
        text => (StatusCode::SERVICE_UNAVAILABLE, format!("{text}\n")),
    }
}

async fn metrics(State(state): State<ServerState>) -> impl IntoResponse {
    let mut text = String::new();
    match encode(&mut text, &state.registry) {
        Ok(()) => (StatusCode::OK, [(header::CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], text),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, [(header::CONTENT_TYPE, "text/plain")], error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpStream;

    use super::*;

    #[tokio::test]
    async fn both_families_are_served_where_the_machine_has_both() {
        let has_ipv6 = listen((Ipv6Addr::LOCALHOST, 0).into()).await.is_ok();
        let listener = listen_everywhere(0).await.expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.expect("IPv4");
        if has_ipv6 {
            TcpStream::connect((Ipv6Addr::LOCALHOST, port)).await.expect("IPv6");
        }
        let again = listen_everywhere(port).await.map(drop);
        assert_eq!(again.map_err(|error| error.kind()), Err(io::ErrorKind::AddrInUse), "a port that is in use");
    }
}
