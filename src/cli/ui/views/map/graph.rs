//! What attachments connect: identities, workspaces and pools, each once, and how many attachments there are between two of them.

use std::collections::{BTreeMap, HashMap};

use super::tally::Tally;
use crate::cli::ui::ends::End;
use crate::cli::ui::store::Attachment;
use crate::cli::ui::window::Query;

/// The columns, from left to right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Column {
    Identity,
    Workspace,
    Pool,
}

impl Column {
    pub(super) const ALL: [Self; 3] = [Self::Identity, Self::Workspace, Self::Pool];

    /// What one of it is called, as the name of a link begins.
    pub(super) const fn kind(self) -> &'static str {
        match self {
            Self::Identity => "Identity",
            Self::Workspace => "Workspace",
            Self::Pool => "Spark pool",
        }
    }

    /// What some of it are called, within a sentence.
    pub(super) const fn plural(self) -> &'static str {
        match self {
            Self::Identity => "identities",
            Self::Workspace => "workspaces",
            Self::Pool => "Spark pools",
        }
    }

    /// The address of the list with those of a query that concern this end.
    pub(super) fn list(self, end: &End, query: &Query) -> String {
        let mut query = query.clone();
        let field = match self {
            Self::Identity => &mut query.identity,
            Self::Workspace => &mut query.workspace,
            Self::Pool => &mut query.pool,
        };
        end.filter().clone_into(field);
        format!("/list?{}", query.parameters())
    }
}

/// An identity, a workspace or a pool, and the attachments that concern it.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) end: End,
    pub(super) tally: Tally,
}

/// The attachments between a workspace and a pool.
#[derive(Debug, Default)]
pub(super) struct Connection {
    pub(super) tally: Tally,
    /// Those with each identity, by its index.
    pub(super) identities: BTreeMap<usize, Tally>,
}

/// What attachments connect.
#[derive(Debug)]
pub(super) struct Graph {
    /// Those of each column, in the order of [`Column::ALL`].
    pub(super) nodes: [Vec<Node>; 3],
    /// By the indices of the workspace and of the pool.
    pub(super) connections: BTreeMap<(usize, usize), Connection>,
}

impl Graph {
    pub(super) fn of(attachments: &[&Attachment]) -> Self {
        let mut nodes: [Vec<Node>; 3] = Default::default();
        let mut indices: [HashMap<String, usize>; 3] = Default::default();
        let mut connections = BTreeMap::<_, Connection>::new();
        let mut index = |column: Column, end: End, one: &Attachment| {
            let nodes = &mut nodes[column as usize];
            let index = *indices[column as usize].entry(end.key()).or_insert(nodes.len());
            if index == nodes.len() {
                nodes.push(Node { end, tally: Tally::default() });
            }
            nodes[index].tally.count(one);
            index
        };
        for one in attachments {
            let workspace = index(Column::Workspace, one.workspace_end(), one);
            let pool = index(Column::Pool, one.pool_end(), one);
            let connection = connections.entry((workspace, pool)).or_default();
            connection.tally.count(one);
            for identity in one.identity_ends() {
                let identity = index(Column::Identity, identity, one);
                connection.identities.entry(identity).or_default().count(one);
            }
        }
        Self { nodes, connections }
    }

    pub(super) fn node(&self, column: Column, index: usize) -> &Node {
        &self.nodes[column as usize][index]
    }
}
