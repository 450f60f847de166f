//! The rows of several runs: a row that is measured again replaces its former figures.

use super::row::Row;

/// The kinds in the order of the page.
pub const KINDS: [&str; 14] = [
    "storm",
    "principals",
    "detach",
    "failover",
    "change",
    "silent-roles",
    "silent-pool",
    "drift",
    "rate",
    "latency",
    "memory",
    "rest",
    "rest-few",
    "restart",
];

/// All rows that were measured, in the order of the page.
#[derive(Clone, Debug, Default)]
pub struct Ledger(Vec<Row>);

impl Ledger {
    /// Reads those of earlier runs.
    ///
    /// # Errors
    ///
    /// The text is not JSON of rows.
    pub fn read(json: &str) -> serde_json::Result<Self> {
        let mut ledger = Self::default();
        for row in serde_json::from_str::<Vec<Row>>(json)? {
            ledger.put(row);
        }
        Ok(ledger)
    }

    /// As JSON.
    pub fn json(&self) -> String {
        serde_json::to_string_pretty(&self.0).expect("rows are JSON")
    }

    /// Adds a row, in the place of the one that has its name and controller.
    pub fn put(&mut self, row: Row) {
        self.0.retain(|other| (&other.name, &other.controller) != (&row.name, &row.controller));
        self.0.push(row);
        self.0.sort_by(|one, other| place(one).cmp(&place(other)));
    }

    pub fn rows(&self) -> &[Row] {
        &self.0
    }

    /// The names of the controllers; the operator is the first.
    pub fn controllers(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.0.iter().map(|row| row.controller.as_str()).collect();
        names.sort_by_key(|name| (*name != "operator", *name));
        names.dedup();
        names
    }

    /// The row of a name and a controller.
    pub fn find(&self, name: &str, controller: &str) -> Option<&Row> {
        self.0.iter().find(|row| row.name == name && row.controller == controller)
    }

    /// The names of the rows, in the order of the page.
    pub fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.0.iter().map(|row| row.name.as_str()).collect();
        names.dedup();
        names
    }
}

fn place(row: &Row) -> (usize, usize, usize, &str, bool, &str) {
    let kind = KINDS.iter().position(|kind| *kind == row.kind).unwrap_or(KINDS.len());
    (kind, row.objects, row.principals, &row.name, row.controller != "operator", &row.controller)
}
