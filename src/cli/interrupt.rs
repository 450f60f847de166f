//! Commands that run until the user or a time limit ends them.

use std::time::Duration;

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
