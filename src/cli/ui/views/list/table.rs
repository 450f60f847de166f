//! The table of the list: counts by reason, the visible rows, and the way to the others.

use maud::{Markup, html};

use super::super::super::address::Subject;
use super::super::super::context::Context;
use super::super::super::parts::{ago, tone};
use super::super::super::store::{Attachment, Content};
use super::super::super::window::{Column, Query, ROWS, Window};
use super::super::filter::{banners, nothing, reasons};
use crate::cli::output::printable;
use crate::planner::status::shortened;

/// The letters of a message; the full text is in its title.
const WIDEST: usize = 220;

/// The table of what is known.
pub(super) fn table(context: &Context, known: &Content, query: &Query) -> Markup {
    let window = query.window(known.attachments.values());
    let has_namespaces = context.selection.is_of_all_namespaces();
    html! {
        (banners(known))
        input type="hidden" name="sort" value=(query.sort.name());
        @if query.descending { input type="hidden" name="descending" value="true"; }
        (reasons(&window.reasons, query))
        @if window.rows.is_empty() {
            (nothing(known))
        } @else {
            table {
                thead {
                    tr {
                        (heading(Column::Name, "Name", query))
                        @if has_namespaces { (heading(Column::Namespace, "Namespace", query)) }
                        (heading(Column::Reason, "State", query))
                        (heading(Column::Since, "Since", query))
                        (heading(Column::Workspace, "Workspace", query))
                        (heading(Column::Pool, "Pool", query))
                        th scope="col" { "Message" }
                    }
                }
                tbody { @for one in &window.rows { (row(one, has_namespaces, query)) } }
            }
            (pager(&window))
        }
    }
}

fn heading(column: Column, label: &str, query: &Query) -> Markup {
    let order = (query.sort == column).then_some(if query.descending { "descending" } else { "ascending" });
    html! {
        th scope="col" aria-sort=[order] {
            button type="submit" name="order" id={ "order-" (column.name()) } value=(column.name()) { (label) }
        }
    }
}

fn row(one: &Attachment, has_namespaces: bool, query: &Query) -> Markup {
    let message = printable(&one.message);
    html! {
        tr id={ "row-" (one.key.namespace) "/" (one.key.name) } {
            th scope="row" data-label="Name" { a href=(Subject::of(&one.key, query).details()) { bdi { (one.key.name) } } }
            @if has_namespaces { td data-label="Namespace" { bdi { (one.key.namespace) } } }
            td data-label="State" {
                span class={ "state " (tone(one.state)) } { (format!("{:?}", one.state)) }
                " " bdi class="reason" { (one.reason) }
            }
            td data-label="Since" {
                @if let Some(since) = one.since { (ago(since)) }
            }
            td data-label="Workspace" { bdi { (one.workspace()) } }
            td data-label="Pool" { bdi { (one.pool) } }
            td class="message" data-label="Message" title=(message) { bdi { (shortened(&message, WIDEST)) } }
        }
    }
}

fn pager(window: &Window<'_>) -> Markup {
    let (first, last) = (window.from + 1, window.from + window.rows.len());
    let button = |id: &str, label: &str, from: Option<usize>| {
        html! { button type="submit" name="from" id=(id) value=[from] disabled[from.is_none()] { (label) } }
    };
    html! {
        div class="pager" {
            span { (first) "–" (last) " of " (window.total) }
            @if window.total > ROWS {
                (button("page-previous", "Previous", window.from.checked_sub(ROWS)))
                (button("page-next", "Next", Some(last).filter(|last| *last < window.total)))
            }
        }
    }
}
