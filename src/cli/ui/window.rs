//! The part of the attachments that a page shows: filtered, sorted, counted and cut.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::store::Attachment;

/// The rows of a page.
pub(super) const ROWS: usize = 50;

/// What to sort by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Column {
    #[default]
    Name,
    Namespace,
    Reason,
    Workspace,
    Pool,
    Since,
}

impl Column {
    /// As the parameters of an address name it.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Namespace => "namespace",
            Self::Reason => "reason",
            Self::Workspace => "workspace",
            Self::Pool => "pool",
            Self::Since => "since",
        }
    }
}

/// What a page shows, as the parameters of its address.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Query {
    /// A part of the name, in any case; so are the next four. The last three may also be a whole resource ID.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) namespace: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) workspace: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) pool: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) identity: String,
    /// The whole reason; empty for all.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) reason: String,
    #[serde(skip_serializing_if = "is_default")]
    pub(super) sort: Column,
    #[serde(skip_serializing_if = "is_default")]
    pub(super) descending: bool,
    /// The row to begin with, counted from 0.
    #[serde(skip_serializing_if = "is_default")]
    pub(super) from: usize,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// What a page shows.
#[derive(Debug)]
pub(super) struct Window<'a> {
    /// The visible ones.
    pub(super) rows: Vec<&'a Attachment>,
    /// The index of the first visible one.
    pub(super) from: usize,
    /// How many there are with this reason.
    pub(super) total: usize,
    /// How many there are by reason, with the other filters only.
    pub(super) reasons: BTreeMap<&'a str, usize>,
}

impl Query {
    /// Those that are selected, and how many there are by reason, with the other filters only.
    pub(super) fn selected<'a>(
        &self,
        all: impl Iterator<Item = &'a Attachment>,
    ) -> (Vec<&'a Attachment>, BTreeMap<&'a str, usize>) {
        let wanted = [&self.name, &self.namespace, &self.workspace, &self.pool, &self.identity];
        let [name, namespace, workspace, pool, identity] = wanted.map(|part| part.trim().to_lowercase());
        let mut reasons = BTreeMap::new();
        let mut rows = Vec::new();
        for one in all {
            let is_wanted = (name.is_empty() || one.key.name.to_lowercase().contains(&name))
                && (namespace.is_empty() || one.key.namespace.to_lowercase().contains(&namespace))
                && (workspace.is_empty() || one.workspace_end().matches(&workspace))
                && (pool.is_empty() || one.pool_end().matches(&pool))
                && (identity.is_empty() || one.identity_ends().iter().any(|end| end.matches(&identity)));
            if !is_wanted {
                continue;
            }
            *reasons.entry(one.reason.as_str()).or_default() += 1;
            if self.reason.is_empty() || one.reason == self.reason {
                rows.push(one);
            }
        }
        (rows, reasons)
    }

    /// The part of these that the page shows.
    pub(super) fn window<'a>(&self, all: impl Iterator<Item = &'a Attachment>) -> Window<'a> {
        let (mut rows, reasons) = self.selected(all);
        let total = rows.len();
        // A page that has become shorter shows its last part.
        let from = if self.from < total { self.from } else { total.saturating_sub(1) } / ROWS * ROWS;
        let visible = (from + ROWS).min(total);
        // Only those before the end of the window need an order.
        if visible < total {
            rows.select_nth_unstable_by(visible, |one, other| self.order(one, other));
            rows.truncate(visible);
        }
        rows.sort_unstable_by(|one, other| self.order(one, other));
        Window { rows: rows.split_off(from), from, total, reasons }
    }

    fn order(&self, one: &Attachment, other: &Attachment) -> Ordering {
        let by_column = match self.sort {
            Column::Name => one.key.name.cmp(&other.key.name),
            Column::Namespace => one.key.namespace.cmp(&other.key.namespace),
            Column::Reason => one.reason.cmp(&other.reason),
            Column::Workspace => one.workspace().cmp(other.workspace()),
            Column::Pool => one.pool.cmp(&other.pool),
            // The newest change first.
            Column::Since => other.since.cmp(&one.since),
        };
        let by_column = if self.descending { by_column.reverse() } else { by_column };
        by_column.then_with(|| (&one.key.name, &one.key.namespace).cmp(&(&other.key.name, &other.key.namespace)))
    }

    /// The same, by another column; or by the same one in the other direction.
    pub(super) fn ordered_by(self, column: Column) -> Self {
        Self { sort: column, descending: self.sort == column && !self.descending, from: 0, ..self }
    }

    /// The parameters of an address, without those that are as by default.
    pub(super) fn parameters(&self) -> String {
        // Text, numbers and names of columns can always be encoded.
        serde_urlencoded::to_string(self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
