//! The figures of all rows, as a Markdown table.

use super::row::Row;
use super::text::{figure, head, line};

const HEADS: [&str; 14] = [
    "row",
    "controller",
    "time",
    "bound",
    "time / bound",
    "requests (reads / writes / deletes)",
    "429",
    "status writes",
    "CPU-s",
    "RSS / peak, MiB",
    "objects with a false failure",
    "other figures",
    "commit",
    "date",
];

/// The time until the end, or how far the row came.
pub fn time(row: &Row) -> String {
    if row.finished {
        format!("{} s", figure(row.seconds))
    } else {
        format!("unfinished: {} of {} in {:.0} s", row.done, row.objects, row.seconds)
    }
}

fn cells(row: &Row) -> Vec<String> {
    let bound = row.bound.map_or("–".to_owned(), |bound| format!("{bound:.0} s"));
    let factor = row.bound.filter(|bound| row.finished && *bound > 0.0);
    let sent = row.sent;
    vec![
        row.name.clone(),
        row.controller.clone(),
        time(row),
        bound,
        factor.map_or("–".to_owned(), |bound| format!("{:.2}", row.seconds / bound)),
        format!("{} ({} / {} / {})", sent.total(), sent.reads, sent.writes, sent.deletes),
        row.throttled.to_string(),
        row.statuses().to_string(),
        format!("{:.1}", row.cpu),
        format!("{:.1} / {:.1}", row.rss, row.peak),
        row.false_words.to_string(),
        row.more.iter().map(|(name, value)| format!("{name}: {}", figure(*value))).collect::<Vec<_>>().join("; "),
        row.commit.clone(),
        row.date.clone(),
    ]
}

/// One Markdown table of all rows.
pub fn markdown(rows: &[Row]) -> String {
    let rows: String = rows.iter().map(|row| line(&cells(row))).collect();
    head(&HEADS.map(str::to_owned)) + &rows
}
