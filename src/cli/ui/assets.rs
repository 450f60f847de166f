//! The scripts and the style of the pages, inside the program. Those of htmx were fetched by `build.rs`.

use axum::Router;
use axum::http::header;
use axum::routing::get;

/// Why htmx could not be fetched when the program was built; empty if it was.
const LACKING: &str = include_str!(concat!(env!("OUT_DIR"), "/lacking.txt"));

/// The scripts, in the order in which pages load them.
const SCRIPTS: [(&str, &str); 4] = [
    ("/assets/page.js", include_str!("assets/page.js")),
    ("/assets/htmx.js", include_str!(concat!(env!("OUT_DIR"), "/htmx.min.js"))),
    ("/assets/hx-csp.js", include_str!(concat!(env!("OUT_DIR"), "/hx-csp.min.js"))),
    ("/assets/hx-sse.js", include_str!(concat!(env!("OUT_DIR"), "/hx-sse.min.js"))),
];
/// The path of the style.
pub(super) const STYLE: &str = "/assets/style.css";

/// Checks that the program was built with all of them.
///
/// # Errors
///
/// Why they are missing, with advice.
pub(super) fn are_complete() -> Result<(), String> {
    if LACKING.is_empty() { Ok(()) } else { Err(format!("this program was built without the scripts of the page: {LACKING}")) }
}

/// The paths of the scripts, in their order.
pub(super) fn scripts() -> impl Iterator<Item = &'static str> {
    SCRIPTS.iter().map(|(path, _)| *path)
}

/// The routes of the files.
pub(super) fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    let style = [(STYLE, "text/css; charset=utf-8", include_str!("assets/style.css"))];
    let scripts = SCRIPTS.map(|(path, text)| (path, "text/javascript; charset=utf-8", text));
    scripts.into_iter().chain(style).fold(Router::new(), |router, (path, kind, text)| {
        router.route(path, get(async move || ([(header::CONTENT_TYPE, kind)], text)))
    })
}
