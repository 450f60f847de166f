//! The picture of the map, as SVG. What is in trouble differs by colour, by shape and by its text.

use maud::{Markup, html};

use super::graph::{Column, Node};
use super::layout::{BOX, Content, Layout, Line, Place, WIDTH};
use super::tally::{Tally, Tone};
use crate::cli::output::printable;
use crate::cli::ui::window::Query;
use crate::planner::status::shortened;

/// The letters that fit into a box, of its name and of the line below.
const NAME: usize = 26;
const BELOW: usize = 34;
/// With more lines than this, only those in trouble have their counts beside them.
const LABELLED: usize = 24;

pub(super) fn picture(layout: &Layout<'_>, query: &Query) -> Markup {
    let height = layout.height;
    html! {
        (legend())
        div class="canvas" role="region" aria-label="Picture" tabindex="0" {
            svg class="map" viewBox={ "0 0 " (WIDTH) " " (height) } width=(WIDTH) height=(height) role="group" aria-label="Identities, workspaces and Spark pools" {
                g aria-hidden="true" {
                    @for column in Column::ALL { (heading(column)) }
                    @for (name, x, y) in &layout.groups { (group(name, *x, *y)) }
                    @for line in &layout.lines { (curve(layout, line)) }
                    @for line in &layout.lines { (label(layout, line)) }
                }
                @for place in &layout.places { (place_of(place, query)) }
            }
        }
    }
}

/// What the shapes mean.
fn legend() -> Markup {
    html! {
        ul class="legend" {
            @for (tone, text) in [(Tone::Bad, "Stalled"), (Tone::Undecided, "Not ready"), (Tone::Good, "All ready")] {
                li class=(tone.class()) { svg width="16" height="16" viewBox="0 0 16 16" aria-hidden="true" { (shape(tone, 8, 8)) } span { (text) } }
            }
        }
    }
}

/// A triangle, a diamond or a disc.
fn shape(tone: Tone, x: usize, y: usize) -> Markup {
    let path = match tone {
        Tone::Bad => format!("M{x} {}l8 14h-16z", y - 7),
        Tone::Undecided => format!("M{x} {}l6 6l-6 6l-6-6z", y - 6),
        Tone::Good => format!("M{} {y}a5 5 0 1 0 10 0a5 5 0 1 0-10 0z", x - 5),
    };
    html! { path class={ "shape " (tone.class()) } d=(path) {} }
}

fn heading(column: Column) -> Markup {
    let (x, name) = match column {
        Column::Identity => (0, "Managed identities"),
        Column::Workspace => (1, "Azure ML workspaces"),
        Column::Pool => (2, "Spark pools"),
    };
    let x = 4 + x * (WIDTH - BOX.0 - 8) / 2;
    html! { text class="heading" x=(x) y="16" { (name) } }
}

fn group(name: &str, x: usize, y: usize) -> Markup {
    let text = if name.is_empty() { "Unknown Synapse workspace".to_owned() } else { format!("Synapse workspace {name}") };
    html! { text class="group" x=(x) y=(y + 18) { (shortened(&printable(&text), BELOW + 2)) title { (printable(&text)) } } }
}

fn curve(layout: &Layout<'_>, line: &Line) -> Markup {
    let (from, to) = (&layout.places[line.from], &layout.places[line.to]);
    let (start, end) = (from.x + BOX.0, to.x);
    let (middle, (above, below)) = (usize::midpoint(start, end), line.heights);
    // The width grows with the number of digits of the count.
    let width = 1.5 + f64::from(line.tally.total.checked_ilog2().unwrap_or_default().min(8)) * 0.75;
    let ends = format!("{} – {}", name(from), name(to));
    // Attachments with several identities that have no box would be counted several times.
    let is_exact = [from, to].iter().all(|place| matches!(place.content, Content::One(_)));
    html! {
        path class={ "line " (line.tally.tone().class()) } stroke-width=(width)
            d={ "M" (start) " " (above) "C" (middle) " " (above) " " (middle) " " (below) " " (end) " " (below) } {
            title { (printable(&ends)) @if is_exact { ": " (printable(&line.tally.text())) } }
        }
    }
}

/// The count of a line, in its middle.
fn label(layout: &Layout<'_>, line: &Line) -> Markup {
    let is_bad = line.tally.tone() == Tone::Bad;
    let text = match &line.tally {
        tally if is_bad && tally.total > 1 => format!("▲ {} of {}", tally.stalled, tally.total),
        tally if is_bad => format!("▲ {}", tally.total),
        tally => tally.total.to_string(),
    };
    let is_shown = is_bad || line.tally.total > 1 && layout.lines.len() <= LABELLED;
    let width = 14 + 8 * text.chars().count();
    let (from, to) = (&layout.places[line.from], &layout.places[line.to]);
    let (x, y) = (usize::midpoint(from.x + BOX.0, to.x), usize::midpoint(line.heights.0, line.heights.1));
    html! {
        @if is_shown {
            g class={ "count " (line.tally.tone().class()) } {
                rect x=(x - width / 2) y=(y - 10) width=(width) height="20" rx="10" {}
                text x=(x) y=(y + 4) text-anchor="middle" { (text) }
            }
        }
    }
}

fn name(place: &Place<'_>) -> String {
    match &place.content {
        Content::One(node) => node.end.name.clone(),
        Content::Others { count, .. } => format!("{count} more {}", place.column.plural()),
    }
}

fn place_of(place: &Place<'_>, query: &Query) -> Markup {
    match &place.content {
        Content::One(node) => one(place, node, query),
        Content::Others { count, stalled } => {
            let tally = Tally { stalled: *stalled, ..Tally::default() };
            let below = if *stalled > 0 {
                format!("{stalled} of them with stalled attachments")
            } else {
                "without stalled attachments".to_owned()
            };
            let link = Link { id: format!("{}-others", place.column.kind()), address: format!("/list?{}", query.parameters()) };
            let text = Text {
                title: format!("{}: {below}", name(place)),
                name: format!("{count} more {}", place.column.plural()),
                below,
            };
            boxed(place, tally.tone(), "node others", &link, &text)
        }
    }
}

fn one(place: &Place<'_>, node: &Node, query: &Query) -> Markup {
    let (end, kind) = (&node.end, place.column.kind());
    let within = if end.place.is_empty() { String::new() } else { format!(" in {}", end.place) };
    let title = format!("{kind} {}{within}: {}", end.name, node.tally.text());
    // Percent-encoded, since an ID may have no spaces.
    let id = serde_urlencoded::to_string([(kind, end.key())]).unwrap_or_default();
    let link = Link { id, address: place.column.list(end, query) };
    boxed(place, node.tally.tone(), "node", &link, &Text { title, name: end.name.clone(), below: node.tally.text() })
}

struct Link {
    id: String,
    address: String,
}

struct Text {
    title: String,
    name: String,
    below: String,
}

fn boxed(place: &Place<'_>, tone: Tone, class: &str, link: &Link, text: &Text) -> Markup {
    let (title, name) = (printable(&text.title), printable(&text.name));
    html! {
        a id=(link.id) class={ (class) " " (tone.class()) } href=(link.address) {
            // It is also the name of the link, so what the box shows of it is not read again.
            title { (title) }
            rect class="frame" x=(place.x) y=(place.y) width=(BOX.0) height=(BOX.1) rx="8" {}
            // What is too long for the box is cut off by this, also if its letters are wide.
            svg x=(place.x) y=(place.y) width=(BOX.0 - 8) height=(BOX.1) aria-hidden="true" {
                (shape(tone, 20, BOX.1 / 2))
                text class="name" x="40" y="22" { (shortened(&name, NAME)) }
                text class="below" x="40" y="40" { (shortened(&printable(&text.below), BELOW)) }
            }
        }
    }
}
