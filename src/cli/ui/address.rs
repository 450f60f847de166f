//! The addresses of the pages about one attachment.

use serde::{Deserialize, Serialize};

use super::super::selection::ObjectKey;
use super::window::Query;

/// The attachment that a page is about, as the parameters of its address.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Subject {
    pub(super) namespace: String,
    pub(super) name: String,
    /// The parameters of the list that led here, for the way back.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) list: String,
}

impl Subject {
    pub(super) fn of(key: &ObjectKey, query: &Query) -> Self {
        Self { namespace: key.namespace.clone(), name: key.name.clone(), list: query.parameters() }
    }

    pub(super) fn key(&self) -> ObjectKey {
        ObjectKey { namespace: self.namespace.clone(), name: self.name.clone() }
    }

    /// The page with its details.
    pub(super) fn details(&self) -> String {
        format!("/details?{}", self.parameters())
    }

    /// The page of a change. `action` is one of [`super::change::Action`], as addresses name it.
    pub(super) fn change(&self, action: &str) -> String {
        format!("/change?{}&action={action}", self.parameters())
    }

    /// The list, as it was left.
    pub(super) fn back(&self) -> String {
        if self.list.is_empty() { "/list".to_owned() } else { format!("/list?{}", self.list) }
    }

    pub(super) fn parameters(&self) -> String {
        // Text can always be encoded.
        serde_urlencoded::to_string(self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_back_keeps_the_filters() {
        let query = Query { reason: "PoolNotFound".to_owned(), name: "a&b=c#d".to_owned(), ..Query::default() };
        let key = ObjectKey { namespace: "team-a".to_owned(), name: "one".to_owned() };
        let address = Subject::of(&key, &query).details();
        let (_, parameters) = address.split_once('?').expect("parameters");
        let read: Subject = serde_urlencoded::from_str(parameters).expect("a subject");
        assert_eq!(read.key(), key);
        let (_, list) = read.back().split_once('?').map(|(path, list)| (path.to_owned(), list.to_owned())).expect("filters");
        assert_eq!(serde_urlencoded::from_str::<Query>(&list).expect("filters"), query);
        assert_eq!(Subject::of(&key, &Query::default()).back(), "/list");
    }
}
