//! Pages of a list.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::azure::wire::null::or_default;

/// A page of a LIST. An element that cannot be decoded is skipped; the rest of the page is read.
#[derive(Debug, Clone, Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
pub struct Page {
    /// The elements of this page, as they came.
    #[serde(deserialize_with = "or_default")]
    value: Vec<Box<RawValue>>,
    /// Where the next page is; absent, null or empty on the last one.
    pub next_link: Option<String>,
}

impl Page {
    /// Whether the page has no elements.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.value.is_empty()
    }

    /// The elements of this page.
    pub fn elements<T: serde::de::DeserializeOwned>(self) -> impl Iterator<Item = T> {
        self.value.into_iter().filter_map(|one| serde_json::from_str(one.get()).ok())
    }

    /// The elements of this page, not decoded.
    pub(in crate::azure) fn raw(self) -> impl Iterator<Item = Box<RawValue>> {
        self.value.into_iter()
    }
}
