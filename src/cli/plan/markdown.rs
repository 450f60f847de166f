//! A plan as Markdown, for a comment on a pull request.
//!
//! Names, tags, descriptions and Azure's messages may be anyone's text. Each is inside of a code span, of a fenced block or of
//! the HTML element `code`, where neither Markdown nor HTML is rendered, no link is made, and no user is notified.

use std::fmt::Write as _;

use super::super::output::printable;
use super::result::{PlanResult, describe, text};

/// The first line, by which a pipeline finds the comment that it wrote before.
const MARKER: &str = "<!-- synapse-spark-plan -->";
/// The most bytes of a comment: GitHub accepts 65,536 characters, and Azure DevOps more.
const MAX_BYTES: usize = 60_000;
/// Of these, the most for rows of the table.
const MAX_ROWS_BYTES: usize = 30_000;

/// All plans: a table of the attachments that are not in sync, and the details of each of them.
pub(super) fn markdown(plans: &[PlanResult]) -> String {
    let open: Vec<_> = plans.iter().filter(|plan| plan.has_to_do() || !plan.is_answered).collect();
    let entries: Vec<_> = open.iter().map(|plan| Entry::of(plan)).collect();
    comment(plans.len(), &entries)
}

/// One attachment that is not in sync.
struct Entry {
    name: String,
    step: &'static str,
    reason: &'static str,
    /// The fields that change.
    fields: Vec<String>,
    /// The plan as text.
    details: String,
}

impl Entry {
    fn of(plan: &PlanResult) -> Self {
        let meta = &plan.object.metadata;
        let name = [&meta.namespace, &meta.name].map(|part| part.as_deref().unwrap_or_default()).join("/");
        let step = if plan.is_answered { describe(plan) } else { "unknown: no usable answer of Azure" };
        Self {
            name,
            step,
            reason: plan.changes.decision.cause.reason().as_str(),
            fields: plan.changes.drift.iter().map(|drift| drift.field.to_string()).collect(),
            details: text(plan),
        }
    }

    fn row(&self) -> String {
        let fields: Vec<_> = self.fields.iter().map(|field| cell(field)).collect();
        format!("| {} | {} | {} | {} |\n", cell(&self.name), self.step, self.reason, fields.join(", "))
    }

    fn block(&self) -> String {
        let name = html(&self.name);
        format!("\n<details>\n<summary><code>{name}</code>: {}</summary>\n\n{}\n</details>\n", self.step, fenced(&self.details))
    }
}

fn comment(all: usize, entries: &[Entry]) -> String {
    let mut text = format!("{MARKER}\n### Plan for Spark pool attachments\n\n");
    if entries.is_empty() {
        let _ = writeln!(text, "Nothing to do: all {all} attachments are in sync with Azure.");
        return text;
    }
    let _ = writeln!(text, "Not in sync with Azure: {} of {all} attachments.\n", entries.len());
    text += "| attachment | step | reason | changes |\n|---|---|---|---|\n";
    let rows = within(&mut text, MAX_ROWS_BYTES, entries.iter().map(Entry::row));
    let blocks = within(&mut text, MAX_BYTES, entries.iter().take(rows).map(Entry::block));
    for (left, what) in [(entries.len() - rows, "rows"), (entries.len() - blocks, "details")] {
        if left > 0 {
            let _ = writeln!(text, "\nThe {what} of {left} attachments are left out, because a comment has a limited length.");
        }
    }
    text
}

/// Appends the parts that fit, in their order. Returns how many they are.
fn within(text: &mut String, bytes: usize, parts: impl Iterator<Item = String>) -> usize {
    let mut count = 0;
    for part in parts {
        if text.len() + part.len() > bytes {
            break;
        }
        *text += &part;
        count += 1;
    }
    count
}

/// A code span in a cell of a table. A pipe would end the cell, also in a code span, and can be escaped in one only where no
/// backslash precedes it: a broken bar stands for it.
fn cell(text: &str) -> String {
    let text = visible(text).replace('|', "\u{a6}");
    let fence = "`".repeat(longest_run(&text) + 1);
    // One blank at each end is not rendered. Without it a backtick at the end would be a part of the fence.
    format!("{fence} {} {fence}", if text.trim().is_empty() { "-" } else { &text })
}

/// A block of code that ends only where its text ends.
fn fenced(text: &str) -> String {
    let fence = "`".repeat(longest_run(text).max(2) + 1);
    let lines: Vec<_> = text.lines().map(visible).collect();
    format!("{fence}text\n{}\n{fence}\n", lines.join("\n"))
}

/// A text in HTML.
fn html(text: &str) -> String {
    visible(text).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// A text without control characters, and without those that change the direction in which the rest is shown.
fn visible(text: &str) -> String {
    printable(text).replace(|one| matches!(one, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'), " ")
}

/// The number of backticks in the longest sequence of them.
fn longest_run(text: &str) -> usize {
    text.split(|one| one != '`').map(str::len).max().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(name: &str, field: &str, details: &str) -> Entry {
        let (name, details) = (name.to_owned(), details.to_owned());
        Entry { name, step: "attach (PUT)", reason: "Attaching", fields: vec![field.to_owned()], details }
    }

    #[test]
    fn comment_has_a_row_and_collapsed_details_for_each_attachment_that_is_not_in_sync() {
        let text = comment(3, &[entry("team-a/nightly", "tags.team", "team-a/nightly\n  step     attach (PUT)\n")]);
        let expected = "<!-- synapse-spark-plan -->
### Plan for Spark pool attachments

Not in sync with Azure: 1 of 3 attachments.

| attachment | step | reason | changes |
|---|---|---|---|
| ` team-a/nightly ` | attach (PUT) | Attaching | ` tags.team ` |

<details>
<summary><code>team-a/nightly</code>: attach (PUT)</summary>

```text
team-a/nightly
  step     attach (PUT)
```

</details>
";
        assert_eq!(text, expected);
        assert!(comment(3, &[]).ends_with("\nNothing to do: all 3 attachments are in sync with Azure.\n"));
    }

    #[test]
    fn text_of_others_stays_inside_of_its_code() {
        for (given, in_cell) in [
            ("plain", "` plain `"),
            ("a|b\\|c", "` a\u{a6}b\\\u{a6}c `"),
            ("`x` <img src=y>", "`` `x` <img src=y> ``"),
            ("```", "```` ``` ````"),
            ("@everyone #1\nhttps://evil.example", "` @everyone #1 https://evil.example `"),
            ("\u{1b}[2J\u{202e}", "`  [2J  `"),
            (" ", "` - `"),
        ] {
            assert_eq!(cell(given), in_cell, "{given:?}");
        }
        assert_eq!(fenced("a\n````\n</details>\nb"), "`````text\na\n````\n</details>\nb\n`````\n");
        assert_eq!(fenced("a"), "```text\na\n```\n");
        assert_eq!(html("</code></summary>\n\n# &\""), "&lt;/code&gt;&lt;/summary&gt;  # &amp;&quot;");
    }

    #[test]
    fn comment_of_many_attachments_is_as_long_as_a_comment_may_be() {
        let few: Vec<_> = (0..100).map(|at| entry(&format!("team/{at}"), "pool", &"x".repeat(2_000))).collect();
        let text = comment(100, &few);
        assert!(text.len() < 61_000 && text.matches("<details>").count() > 20, "{}", text.len());
        assert!(text.contains("` team/99 `"), "each has a row");
        assert!(text.ends_with(" attachments are left out, because a comment has a limited length.\n"), "{text}");
        let many: Vec<_> = (0..5_000).map(|at| entry(&format!("team/{at}"), "pool", "x")).collect();
        let text = comment(5_000, &many);
        assert!(text.len() < 61_000 && text.contains("The rows of "), "{}", text.len());
    }
}
