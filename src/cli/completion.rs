//! Completions: a script for a shell, and the answer to kubectl, which completes for its plugins itself.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::time::Duration;

use clap::{ArgMatches, Args, FromArgMatches};
use clap_complete::engine::{ArgValueCandidates, CompletionCandidate, complete};
use clap_complete::{Shell, generate};
use kube::ResourceExt;
use kube::api::ListParams;
use tokio::runtime::Handle;

use super::kube::ClusterArgs;
use super::output::print;
use super::plugin::Program;

#[derive(Debug, Args)]
pub(super) struct Completion {
    /// The shell.
    #[arg(value_enum)]
    shell: Shell,
}

impl Completion {
    pub(super) fn execute(&self, program: Program, mut command: clap::Command) -> Result<u8, String> {
        let mut script = Vec::new();
        generate(self.shell, &mut command, program.file(), &mut script);
        print(&String::from_utf8_lossy(&script)).map(|()| 0)
    }
}

/// The time limit of a completion.
const TIME_LIMIT: Duration = Duration::from_secs(3);

/// The subcommands whose first argument is the name of an attachment.
const TAKES_A_NAME: [&str; 11] =
    ["plan", "check", "status", "events", "logs", "reconcile", "suspend", "resume", "allow-recreate", "transfer", "ui"];

/// kubectl passes the words after `kubectl synapse`, the last one incomplete. It expects one candidate per line, a tab before
/// its description, and finally a directive: 4 is "do not offer files".
/// Source: <https://github.com/spf13/cobra/blob/main/site/content/completions/_index.md>.
pub(super) fn candidates(words: Vec<OsString>, mut command: clap::Command) -> Result<u8, String> {
    let started = words.last().is_some_and(|word| word.to_string_lossy().starts_with('-'));
    let typed = command.clone().ignore_errors(true).try_get_matches_from(&words).ok();
    let subcommand = typed.as_ref().and_then(ArgMatches::subcommand).filter(|(name, _)| TAKES_A_NAME.contains(name));
    let cluster = subcommand.and_then(|(_, matches)| ClusterArgs::from_arg_matches(matches).ok()).unwrap_or_default();
    for name in TAKES_A_NAME {
        let cluster = cluster.clone();
        command = command
            .mut_subcommand(name, |one| one.mut_arg("name", |arg| arg.add(ArgValueCandidates::new(move || names(&cluster)))));
    }
    let last = words.len().saturating_sub(1);
    // It is no error if nothing matches: there is nothing to offer.
    let found = complete(&mut command, words, last, None).unwrap_or_default();
    let mut text = String::new();
    for one in found {
        let value = one.get_value().to_string_lossy();
        // Options are offered only once one has been started.
        if started || !value.starts_with('-') {
            let help = one.get_help().map(|help| format!("\t{}", help.to_string().lines().next().unwrap_or_default()));
            let _ = writeln!(text, "{value}{}", help.unwrap_or_default());
        }
    }
    print(&format!("{text}:4\n")).map(|()| 0)
}

/// The names of the attachments. None on an error, which a shell could not show during completion.
fn names(args: &ClusterArgs) -> Vec<CompletionCandidate> {
    let listed = tokio::task::block_in_place(|| {
        Handle::current().block_on(async {
            let cluster = args.connect().await.ok()?;
            let (attachments, all) = (cluster.attachments(), ListParams::default());
            tokio::time::timeout(TIME_LIMIT, attachments.list_metadata(&all)).await.ok()?.ok()
        })
    });
    listed.into_iter().flatten().map(|one| CompletionCandidate::new(one.name_any())).collect()
}
