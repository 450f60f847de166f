//! The page for people: the goals and whether they were reached, the figures, the plots.

use super::goal::{broken, goals};
use super::ledger::Ledger;
use super::plot::Plot;
use super::row::Row;
use super::table::{markdown, time};
use super::text::{count, head, line};

/// What surrounds the tables.
const TEMPLATE: &str = include_str!("../page.md");

/// The page. `about` has the machine, the versions and the date, a list item each.
pub fn page(ledger: &Ledger, about: &[String]) -> String {
    let about = about.iter().map(|item| format!("- {item}")).collect::<Vec<_>>().join("\n");
    let images: Vec<String> =
        plots(ledger).into_iter().map(|(file, plot)| format!("![{}](benchmarks/{file}.svg)", plot.title)).collect();
    let images = if images.is_empty() { "No row was measured with several sizes.".to_owned() } else { images.join("\n\n") };
    let parts = [
        ("goals", table(ledger)),
        ("short", short(ledger)),
        ("plots", images),
        ("figures", markdown(ledger.rows())),
        ("about", about),
    ];
    let mut page = TEMPLATE.to_owned();
    for (name, text) in parts {
        page = page.replace(&format!("{{{{{name}}}}}"), text.trim_end());
    }
    page
}

/// The plots that there are rows for, with the names of their files.
pub fn plots(ledger: &Ledger) -> Vec<(&'static str, Plot)> {
    #[expect(clippy::cast_precision_loss, reason = "a number of requests is small")]
    let all = [
        ("memory", "Memory at rest", "MiB", of("memory", |row| row.rss)),
        ("cpu", "CPU until all are Ready, without limits of Azure", "seconds", of("rate", |row| row.cpu)),
        (
            "requests",
            "Requests until all are Ready, without limits of Azure",
            "requests",
            of("rate", |row| row.sent.total() as f64),
        ),
    ];
    let drawn = all.into_iter().map(|(file, title, axis, points)| {
        let lines = ledger.controllers().into_iter().map(|name| (name.to_owned(), points(ledger, name)));
        let lines = lines.filter(|(_, points)| !points.is_empty()).collect();
        (file, Plot { title: title.to_owned(), axis: axis.to_owned(), lines })
    });
    drawn.filter(|(_, plot)| plot.svg().is_some()).collect()
}

/// A figure of a controller's rows of a kind, over the number of attachments.
type Points = Box<dyn Fn(&Ledger, &str) -> Vec<(f64, f64)>>;

fn of(kind: &'static str, figure: impl Fn(&Row) -> f64 + 'static) -> Points {
    Box::new(move |ledger, controller| {
        let rows = ledger.rows().iter().filter(|row| row.kind == kind && row.controller == controller && row.finished);
        #[expect(clippy::cast_precision_loss, reason = "a number of objects is small")]
        let points = rows.map(|row| (row.objects as f64, figure(row)));
        // Logarithmic axes have no zero.
        points.filter(|(x, y)| *x > 0.0 && *y > 0.0).collect()
    })
}

/// Each goal of each row, and what each controller reached.
fn table(ledger: &Ledger) -> String {
    let controllers = ledger.controllers();
    let names = ["row", "goal"].into_iter().map(str::to_owned).chain(controllers.iter().map(|name| (*name).to_owned()));
    let mut table = head(&names.collect::<Vec<_>>());
    for name in ledger.names() {
        let rows: Vec<Option<&Row>> = controllers.iter().map(|controller| ledger.find(name, controller)).collect();
        let Some(first) = rows.iter().flatten().next().filter(|row| !goals(row).is_empty()) else { continue };
        let mut title = title(first);
        let mut add = |goal: String, cells: Vec<String>| {
            table += &line(&[vec![std::mem::take(&mut title), goal], cells].concat());
        };
        for (number, goal) in goals(first).iter().enumerate() {
            add(goal.text(), rows.iter().map(|row| row.map_or("–".to_owned(), |row| verdict(row, number))).collect());
        }
        add("conditions".to_owned(), rows.iter().map(|row| row.map_or("–".to_owned(), conditions)).collect());
    }
    table
}

/// The figure for a goal of a row, and whether it was reached.
fn verdict(row: &Row, number: usize) -> String {
    let goals = goals(row);
    let Some(goal) = goals.get(number) else { return "–".to_owned() };
    let shown = goal.shown().unwrap_or_else(|| time(row));
    match () {
        () if !broken(row).is_empty() => format!("{shown}; does not count"),
        () if goal.is_reached() => format!("{shown}; reached"),
        () => format!("**{shown}; not reached**"),
    }
}

fn conditions(row: &Row) -> String {
    let broken = broken(row);
    if broken.is_empty() { "hold".to_owned() } else { format!("**{}**", broken.join(", ")) }
}

/// What of the operator's goals was not reached: an item for each row.
fn short(ledger: &Ledger) -> String {
    let rows = ledger.rows().iter().filter(|row| row.controller == "operator");
    let items: Vec<String> = rows
        .filter_map(|row| {
            let broken = broken(row).into_iter().map(|condition| format!("does not count ({condition})"));
            let missed = goals(row).into_iter().filter(|goal| !goal.is_reached());
            let missed = missed.map(|goal| format!("{}, measured: {}", goal.text(), goal.shown().unwrap_or_else(|| time(row))));
            let parts: Vec<String> = broken.chain(missed).collect();
            (!parts.is_empty()).then(|| format!("- {}: {}.", title(row), parts.join("; ")))
        })
        .collect();
    if items.is_empty() { "The operator reached all goals of the rows that were measured.".to_owned() } else { items.join("\n") }
}

/// A row in words.
fn title(row: &Row) -> String {
    let things = |number: usize, one: &str| format!("{} {one}{}", count(number), if number == 1 { "" } else { "s" });
    let mut parts = vec![things(row.objects, "attachment")];
    if row.objects > 0 {
        parts.push(things(row.workspaces, "workspace"));
        parts.push(things(row.subscriptions, "subscription"));
    }
    if row.principals > 1 {
        parts.push(things(row.principals, "principal"));
    }
    if row.operation > 0.0 {
        parts.push(format!("operation {} s", row.operation));
    }
    format!("{}: {}", row.kind, parts.join(", "))
}
