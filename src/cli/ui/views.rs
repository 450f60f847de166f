//! The views. Each is a module of its own with the routes below `/views`; here it is declared, with its page.
//!
//! A page at `/NAME` is the frame of [`super::shell`], into which its script loads `/views/NAME` with the secret of the page. An
//! element with attributes of htmx carries the [`super::gate::Nonce`] of its answer as `hx-nonce`, or they are ignored.

mod change;
mod details;
mod filter;
mod list;
mod map;

use std::sync::Arc;

use axum::Router;

use super::context::Context;

/// The paths of the pages. `/` is that of the list.
pub(super) const PAGES: [&str; 5] = ["/", "/list", "/details", "/change", "/map"];
/// What the head of each page leads to, and its name.
pub(super) const NAVIGATION: [(&str, &str); 2] = [("/list", "Attachments"), ("/map", "Map")];

/// The routes below `/views`.
pub(super) fn routes() -> Router<Arc<Context>> {
    Router::new().merge(list::routes()).merge(details::routes()).merge(change::routes()).merge(map::routes())
}
