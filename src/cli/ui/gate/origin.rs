//! Whether a request that may change something comes from a page of this program.
//!
//! No other page can have the secret of [`super::super::session`], so this is the second lock.

use axum::http::{HeaderMap, StatusCode, header};

use super::refusal::Refusal;

/// Checks the origin, how the browser classifies the request, and the type of its body.
pub(super) fn check(headers: &HeaderMap) -> Result<(), Refusal> {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    let own = format!("http://{}", text("host").unwrap_or_default());
    if !text("origin").is_some_and(|origin| origin.eq_ignore_ascii_case(&own)) {
        return Err((StatusCode::FORBIDDEN, "The request does not come from this page.\n"));
    }
    // Browsers that are too old to send it send an origin.
    if !matches!(text("sec-fetch-site"), None | Some("same-origin" | "none")) {
        return Err((StatusCode::FORBIDDEN, "The request comes from another site.\n"));
    }
    if text(header::CONTENT_TYPE.as_str()) != Some("application/json") {
        return Err((StatusCode::UNSUPPORTED_MEDIA_TYPE, "The body has to be application/json.\n"));
    }
    Ok(())
}
