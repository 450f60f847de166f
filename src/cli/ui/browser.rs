//! Opens a link in the user's browser.

use std::process::{Command, Stdio};

/// Opens a link.
///
/// # Errors
///
/// There is no browser that the user could see, or it cannot be started, as text.
pub(super) fn open(link: &str) -> Result<(), String> {
    let opener = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    if is_set("SSH_CONNECTION") {
        return Err("this is a session of SSH".to_owned());
    }
    if !cfg!(target_os = "macos") && !is_set("DISPLAY") && !is_set("WAYLAND_DISPLAY") {
        return Err("there is no graphical session".to_owned());
    }
    let started = Command::new(opener).arg(link).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    // The process is left alone: some of these programs run as long as the browser does.
    started.map(drop).map_err(|error| format!("{opener}: {error}"))
}
