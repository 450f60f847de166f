//! The table of attachments: a row each.

use std::io::IsTerminal;

use anstyle::Style;
use jiff::Timestamp;

use super::super::output::{Table, plain};
use super::super::selection::Selection;
use super::super::view::View;
use crate::planner::status::shortened;

/// On a terminal a row has the beginning of the message; `status NAME` and a pipe have all of it.
const WIDEST: usize = 80;

/// Rows whose columns keep their widths.
pub(super) struct Rows {
    has_namespaces: bool,
    widest: usize,
    table: Table,
}

impl Rows {
    pub(super) fn new(selection: &Selection) -> Self {
        let has_namespaces = selection.is_of_all_namespaces();
        let head = ["NAMESPACE", "NAME", "STATE", "REASON", "SINCE", "POOL", "WHY"];
        Self {
            has_namespaces,
            widest: if std::io::stdout().is_terminal() { WIDEST } else { usize::MAX },
            table: Table::new(&head[usize::from(!has_namespaces)..]),
        }
    }

    /// The head and a row for each attachment.
    pub(super) fn table(&mut self, views: &[View], now: Timestamp) -> String {
        let rows: Vec<_> = views.iter().map(|view| self.cells(view, now)).collect();
        self.table.with_head(&rows)
    }

    /// One more row.
    pub(super) fn row(&mut self, view: &View, now: Timestamp) -> String {
        let row = self.cells(view, now);
        self.table.rows(&[row])
    }

    fn cells(&self, view: &View, now: Timestamp) -> Vec<(Style, String)> {
        let mut row = vec![
            plain(&view.name),
            (view.style(), format!("{:?}", view.state)),
            plain(view.reason.as_deref().unwrap_or("-")),
            plain(&view.since(now)),
            plain(&view.pool()),
            plain(&shortened(&view.message, self.widest)),
        ];
        if self.has_namespaces {
            row.insert(0, plain(&view.namespace));
        }
        row
    }
}
