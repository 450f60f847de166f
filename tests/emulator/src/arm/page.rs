//! LIST, page by page.

use std::borrow::Borrow;

use serde_json::{Value, json};

use super::Call;
use crate::azure::Azure;
use crate::exchange::{Answer, Refusal};

/// One page of these; only its own values are copied. It begins after the number of values on the previous pages (NF), so that
/// values are skipped if some of those were deleted meanwhile. `nextLink` is absolute, and absent on the last page (SPEC; SDK v1
/// breaks on a null).
pub(super) fn page(
    azure: &Azure,
    call: &Call<'_>,
    path: &str,
    all: impl IntoIterator<Item = impl Borrow<Value>>,
) -> Result<Answer, Refusal> {
    let skip = match call.request.query_value("$skip") {
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
        body["nextLink"] = json!(format!("{}{path}?api-version={}&$skip={next}", call.origin, call.version));
    }
    Ok(Answer::json(200, &body))
}
