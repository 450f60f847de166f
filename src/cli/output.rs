//! Output: JSON for programs; labels, tables and colours for users.
//!
//! Colours go through `anstream`, which leaves them out where there is no terminal and where `NO_COLOR` is set.

use std::fmt::Write as _;
use std::io::{IsTerminal, Write as _};
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use clap::ValueEnum;

/// In sync.
pub(super) const GOOD: Style = AnsiColor::Green.on_default();
/// In progress, or suspended.
pub(super) const UNDECIDED: Style = AnsiColor::Yellow.on_default();
/// Intervention is needed.
pub(super) const BAD: Style = AnsiColor::Red.on_default().bold();
/// Labels.
const LABEL: Style = Style::new().dimmed();
const PLAIN: Style = Style::new();

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Output {
    Text,
    Json,
}

/// Writes to standard output.
pub(super) fn print(text: &str) -> Result<(), String> {
    match anstream::stdout().write_all(text.as_bytes()) {
        // The reader has closed the pipe (`| head`).
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(format!("standard output: {error}")),
        _ => Ok(()),
    }
}

/// Writes a remark to standard error, so that programs that read standard output do not see it.
pub(super) fn remark(text: &str) {
    // If this fails, there is nowhere left to report it.
    let _ = writeln!(anstream::stderr(), "{text}");
}

/// Progress of a command that takes its time, for the user at a terminal.
pub(super) fn progress(text: &str) {
    if std::io::stderr().is_terminal() {
        remark(&printable(text));
    }
}

pub(super) fn styled(style: Style, text: &str) -> String {
    format!("{style}{}{style:#}", printable(text))
}

/// A text from elsewhere, without control characters that would move the cursor or change the colours of a terminal.
pub(super) fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// `field: have -> want`.
pub(super) fn change(field: &str, have: &str, want: &str) -> String {
    let shown =
        |value: &str| if value.is_empty() { "(nothing)".to_owned() } else { crate::planner::status::shortened(value, 200) };
    format!("{field}: {} -> {}", shown(have), shown(want))
}

/// How long ago, in the one or two units that matter, as kubectl shows ages.
pub(super) fn age(age: Duration) -> String {
    let seconds = age.as_secs();
    match (seconds / 86_400, seconds / 3_600, seconds / 60) {
        (_, _, 0..=1) => format!("{seconds}s"),
        (_, 0..=2, minutes) => format!("{minutes}m"),
        (0..=1, hours, _) => format!("{hours}h"),
        (days, ..) => format!("{days}d"),
    }
}

/// Lines with a label in front; one that repeats is left out.
#[derive(Default)]
pub(super) struct Lines {
    text: String,
    last: &'static str,
}

impl Lines {
    pub(super) fn row(&mut self, label: &'static str, text: &str) {
        let shown = if self.last == label { "" } else { label };
        self.last = label;
        let _ = writeln!(self.text, "  {LABEL}{shown:<9}{LABEL:#}  {}", printable(text));
    }

    pub(super) fn finish(self) -> String {
        self.text
    }
}

/// A cell without a colour.
pub(super) fn plain(text: &str) -> (Style, String) {
    (PLAIN, text.to_owned())
}

/// Columns as wide as their widest cell so far; the last one as long as it is.
pub(super) struct Table {
    head: Vec<(Style, String)>,
    widths: Vec<usize>,
}

impl Table {
    pub(super) fn new(head: &[&str]) -> Self {
        let head: Vec<_> = head.iter().map(|title| plain(title)).collect();
        let widths = head.iter().map(|(_, title)| title.chars().count()).collect();
        Self { head, widths }
    }

    /// The head and these rows.
    pub(super) fn with_head(&mut self, rows: &[Vec<(Style, String)>]) -> String {
        self.widen(rows);
        let head = self.line(&self.head);
        head + &self.rows(rows)
    }

    /// Further rows, below those that were made before.
    pub(super) fn rows(&mut self, rows: &[Vec<(Style, String)>]) -> String {
        self.widen(rows);
        rows.iter().map(|row| self.line(row)).collect()
    }

    fn widen(&mut self, rows: &[Vec<(Style, String)>]) {
        for row in rows {
            for ((_, cell), width) in row.iter().zip(&mut self.widths) {
                *width = (*width).max(cell.chars().count());
            }
        }
    }

    fn line(&self, row: &[(Style, String)]) -> String {
        let mut line = String::new();
        for ((style, cell), width) in row.iter().zip(&self.widths) {
            // The style does not cover the blanks, and the blanks are counted without the style.
            let blanks = " ".repeat(width - cell.chars().count() + 3);
            line += &styled(*style, cell);
            line += &blanks;
        }
        format!("{}\n", line.trim_end())
    }
}

/// A table of all these rows.
pub(super) fn table(head: &[&str], rows: &[Vec<(Style, String)>]) -> String {
    Table::new(head).with_head(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_short() {
        #[rustfmt::skip]
        let table = [
            (0, "0s"), (119, "119s"), (120, "2m"), (10_799, "179m"), (10_800, "3h"), (172_799, "47h"), (172_800, "2d"),
        ];
        for (seconds, shown) in table {
            assert_eq!(age(Duration::from_secs(seconds)), shown);
        }
    }

    #[test]
    fn columns_are_aligned_with_and_without_colours() {
        let row = |style, name: &str, state: &str| vec![(style, name.to_owned()), (PLAIN, state.to_owned())];
        let shown = table(&["NAME", "STATE"], &[row(BAD, "späte", "Stalled"), row(PLAIN, "a\u{1b}[2J", "Ready")]);
        let plain = anstream::adapter::strip_str(&shown).to_string();
        assert_eq!(plain, "NAME    STATE\nspäte   Stalled\na [2J   Ready\n");
    }
}
