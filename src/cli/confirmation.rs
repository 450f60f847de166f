//! Whether to carry out what a command has shown.

use std::io::IsTerminal as _;

use clap::Args;

use super::output::remark;

/// Whether to carry out what the plan shows.
#[derive(Debug, Args)]
pub(super) struct Confirmation {
    /// Do not ask for confirmation.
    #[arg(short, long)]
    yes: bool,
    /// Show what would happen, and change nothing.
    #[arg(long, conflicts_with = "yes")]
    dry_run: bool,
}

impl Confirmation {
    /// Whether to go on after the plan. A dry run ends here.
    pub(super) fn is_given(&self, question: &str) -> Result<bool, String> {
        if self.dry_run || self.yes {
            return Ok(!self.dry_run);
        }
        if !std::io::stdin().is_terminal() {
            return Err(
                "nothing changed: confirmation requires a terminal. Add --yes, or --dry-run to show only the plan".to_owned()
            );
        }
        remark(&format!("{question} [y/N]"));
        let mut answer = String::new();
        std::io::stdin().read_line(&mut answer).map_err(|error| format!("standard input: {error}"))?;
        match answer.trim() {
            "y" | "Y" | "yes" => Ok(true),
            _ => Err("nothing changed".to_owned()),
        }
    }
}
