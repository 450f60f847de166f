//! The map as text: one row for each workspace and pool that attachments connect.

use maud::{Markup, html};

use super::graph::{Column, Connection, Graph};
use crate::cli::output::printable;
use crate::cli::ui::window::Query;

/// The most rows.
pub(super) const ROWS: usize = 50;
/// The most identities of a row.
const IDENTITIES: usize = 5;

/// The connections, those in trouble first. With a query, there are links to what it lists.
pub(super) fn table(graph: &Graph, links: Option<&Query>) -> Markup {
    let name = |column, index| &graph.node(column, index).end.name;
    let mut rows: Vec<_> = graph.connections.iter().collect();
    rows.sort_by_cached_key(|((workspace, pool), connection)| {
        let names = (name(Column::Workspace, *workspace).to_lowercase(), name(Column::Pool, *pool).to_lowercase());
        (connection.tally.rank(), names, (*workspace, *pool))
    });
    html! {
        table class="connections" {
            caption class="unseen" { "Connections" }
            thead {
                tr {
                    @for heading in ["Azure ML workspace", "Spark pool", "Synapse workspace", "Identities", "Attachments"] {
                        th scope="col" { (heading) }
                    }
                }
            }
            tbody {
                @for ((workspace, pool), connection) in rows.iter().take(ROWS) {
                    tr {
                        th scope="row" data-label="Workspace" { (end(graph, Column::Workspace, *workspace, links)) }
                        td data-label="Pool" { (end(graph, Column::Pool, *pool, links)) }
                        td data-label="Synapse" { bdi { (printable(&graph.node(Column::Pool, *pool).end.place)) } }
                        td data-label="Identities" { (identities(graph, connection, links)) }
                        td data-label="State" { span class={ "state " (connection.tally.tone().class()) } { (connection.tally.summary()) }
                            @if !connection.tally.reasons.is_empty() {
                                bdi { (printable(&connection.tally.reasons.iter().map(String::as_str).collect::<Vec<_>>().join(", "))) }
                            }
                        }
                    }
                }
            }
        }
        @if rows.len() > ROWS { p class="pager" { (rows.len() - ROWS) " more are not shown. Filter to see them." } }
    }
}

fn identities(graph: &Graph, connection: &Connection, links: Option<&Query>) -> Markup {
    html! {
        ul {
            @for (index, tally) in connection.identities.iter().take(IDENTITIES) {
                li { (end(graph, Column::Identity, *index, links)) " (" (tally.total) ")" }
            }
            @if connection.identities.len() > IDENTITIES { li { (connection.identities.len() - IDENTITIES) " more" } }
        }
    }
}

fn end(graph: &Graph, column: Column, index: usize, links: Option<&Query>) -> Markup {
    let end = &graph.node(column, index).end;
    html! {
        @match links {
            Some(query) => a href=(column.list(end, query)) title=[end.id.as_deref()] { bdi { (printable(&end.name)) } },
            None => bdi { (printable(&end.name)) },
        }
    }
}
