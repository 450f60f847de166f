//! LIST, page by page.

use std::borrow::Borrow;

use serde_json::{Value, json};
use url::form_urlencoded;

use super::Call;
use crate::azure::Azure;
use crate::exchange::{Answer, Refusal};

/// One page of these; only its own values are copied. It begins after the number of values on the previous pages (NF), so that
/// values are skipped if some of those were deleted meanwhile. `nextLink` is absolute, has the other parameters of the request,
/// and is absent on the last page (SPEC; SDK v1 breaks on a null).
pub(super) fn page(
    azure: &Azure,
    call: &Call<'_>,
    path: &str,
    all: impl IntoIterator<Item = impl Borrow<Value>>,
) -> Result<Answer, Refusal> {
    page_by("$skip", azure, call, path, all)
}

/// The same with another name of the continuation token.
pub(super) fn page_by(
    token: &str,
    azure: &Azure,
    call: &Call<'_>,
    path: &str,
    all: impl IntoIterator<Item = impl Borrow<Value>>,
) -> Result<Answer, Refusal> {
    let skip = match call.request.query_value(token) {
        None => 0,
        Some(text) => {
            text.parse::<usize>().map_err(|_| Refusal::user_error(format!("The continuation token '{text}' is not valid.")))?
        }
    };
    let size = azure.settings.page_size;
    let mut rest = all.into_iter().skip(skip);
    let page: Vec<Value> = rest.by_ref().take(size).map(|value| value.borrow().clone()).collect();
    let mut body = json!({"value": page});
    if rest.next().is_some() {
        let next = skip.saturating_add(size);
        // What the first request asks for holds for all pages.
        let others = form_urlencoded::parse(call.request.query.as_bytes())
            .filter(|(key, _)| ![token, "api-version"].iter().any(|one| key.eq_ignore_ascii_case(one)));
        let others = form_urlencoded::Serializer::new(String::new()).extend_pairs(others).finish();
        let others = if others.is_empty() { others } else { format!("&{others}") };
        body["nextLink"] = json!(format!("{}{path}?api-version={}{others}&{token}={next}", call.origin, call.version));
    }
    Ok(Answer::json(200, &body))
}
