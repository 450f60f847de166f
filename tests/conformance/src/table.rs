//! What a probe is, and the tables of the emulator's README that the probes answer.

use std::pin::Pin;

use crate::client::Azure;
use crate::seen::{Failure, Seen};
use crate::target::{Credential, Target};

/// A running probe.
pub type Asking<'a> = Pin<Box<dyn Future<Output = Result<(), Failure>> + Send + 'a>>;

/// A question to an Azure: some requests, and the facts that their answers show.
#[derive(Debug)]
pub struct Probe {
    /// Its name in the report and in the names of the recordings.
    pub id: &'static str,
    /// What it sends, for the reader of the report.
    pub sends: &'static str,
    /// Whether it writes to Azure.
    pub writes: bool,
    /// What it cannot do without.
    pub needs: &'static [Need],
    /// The rows of the evidence table that its facts answer.
    pub rows: &'static [Row],
    /// Sends the requests.
    pub ask: for<'a> fn(&'a Azure, &'a mut Seen) -> Asking<'a>,
}

/// A row of the evidence table, and the facts of a probe that answer it.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// The first column, exactly.
    pub text: &'static str,
    /// The facts.
    pub facts: &'static [&'static str],
    /// The settings whose values these facts distinguish.
    pub settings: &'static [&'static str],
    /// What of the row the facts do not show, and why.
    pub left_out: Option<&'static str>,
}

/// A row and its facts.
#[must_use]
pub const fn row(text: &'static str, facts: &'static [&'static str]) -> Row {
    Row { text, facts, settings: &[], left_out: None }
}

impl Row {
    /// The facts distinguish the values of these settings.
    #[must_use]
    pub const fn distinguishes(self, settings: &'static [&'static str]) -> Self {
        Self { settings, ..self }
    }

    /// The facts do not show this.
    #[must_use]
    pub const fn without(self, left_out: &'static str) -> Self {
        Self { left_out: Some(left_out), ..self }
    }
}

/// What a probe cannot do without.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// A client secret, to request tokens.
    Secret,
    /// A token for Synapse's data plane.
    SynapseToken,
    /// A second Spark pool.
    OtherPool,
    /// A user-assigned managed identity.
    Identity,
    /// Two of them.
    TwoIdentities,
}

impl Need {
    /// What to set, if the target lacks it.
    #[must_use]
    pub fn missing(self, target: &Target) -> Option<&'static str> {
        let has_secret = matches!(target.credential, Credential::Secret { .. });
        let has_synapse = has_secret || matches!(&target.credential, Credential::Tokens { synapse: Some(_), .. });
        let (met, what) = match self {
            Self::Secret => (has_secret, "needs AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET"),
            Self::SynapseToken => (has_synapse, "needs SYNAPSE_ACCESS_TOKEN or AZURE_CLIENT_SECRET"),
            Self::OtherPool => (target.other_pool.is_some(), "needs a second Spark pool: OTHER_POOL"),
            Self::Identity => (!target.identities.is_empty(), "needs a user-assigned managed identity: IDENTITY"),
            Self::TwoIdentities => (target.identities.len() > 1, "needs two user-assigned managed identities: IDENTITY=ID,ID"),
        };
        (!met).then_some(what)
    }
}

/// The README of the emulator, as it was when this was compiled.
pub const README: &str = include_str!("../../emulator/README.md");

/// The rows of the evidence table: behaviour and evidence.
#[must_use]
pub fn evidence(readme: &str) -> Vec<(String, String)> {
    rows(readme, "| behaviour | evidence |")
}

/// The table below this heading: the first two columns.
fn rows(readme: &str, heading: &str) -> Vec<(String, String)> {
    let body = readme.lines().skip_while(|line| *line != heading).skip(2).take_while(|line| line.starts_with('|'));
    body.filter_map(|line| {
        let mut cells = line.trim_matches('|').split(" | ").map(|cell| cell.trim().to_owned());
        Some((cells.next()?, cells.next().unwrap_or_default()))
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_ends_where_its_lines_end() {
        let text = "| a | b |\n\n| behaviour | evidence |\n|---|---|\n| one, `x` | REAL |\n| two | NF: `y` |\n\n| three | no |";
        let found = evidence(text);
        assert_eq!(found, [("one, `x`".to_owned(), "REAL".to_owned()), ("two".to_owned(), "NF: `y`".to_owned())]);
    }
}
