//! Commands that run until the user, a signal or a time limit ends them.

use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};

/// Listens for SIGTERM and SIGINT from now on. Gives the name of the first.
pub(super) fn shutdown_signal() -> Result<impl Future<Output = &'static str>, String> {
    let listen = |kind| signal(kind).map_err(|error| format!("signals: {error}"));
    let (mut terminate, mut interrupt) = (listen(SignalKind::terminate())?, listen(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => "SIGTERM",
            _ = interrupt.recv() => "SIGINT",
        }
    })
}

/// Runs `work` until Ctrl-C or the time limit, or until it fails by itself.
pub(super) async fn until_interrupted(
    timeout: Option<Duration>,
    work: impl Future<Output = Result<(), String>>,
) -> Result<(), String> {
    let limit = async {
        match timeout {
            Some(timeout) => tokio::time::sleep(timeout).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        ended = work => ended,
        pressed = tokio::signal::ctrl_c() => pressed.map_err(|error| format!("signals: {error}")),
        () = limit => Ok(()),
    }
}
