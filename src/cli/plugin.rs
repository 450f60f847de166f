//! The names under which the program can be started, each a symbolic link to the same file.
//!
//! kubectl finds a plugin by its file name, and asks a second one what a half-typed command line may become.
//! Sources: <https://kubernetes.io/docs/tasks/extend-kubectl/kubectl-plugins/>, and `plugin_completion.go` in
//! <https://github.com/kubernetes/kubectl/tree/master/pkg/cmd/plugin>.

use std::ffi::OsString;
use std::path::Path;

use clap::{CommandFactory, FromArgMatches};

use super::{Cli, Command};

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Program {
    #[default]
    Operator,
    /// `kubectl synapse`
    Plugin,
    /// What kubectl asks when somebody presses Tab after `kubectl synapse`.
    PluginCompletion,
}

impl Program {
    fn called(argv0: Option<&OsString>) -> Self {
        match argv0.map(Path::new).and_then(Path::file_name).and_then(|name| name.to_str()) {
            Some("kubectl-synapse") => Self::Plugin,
            Some("kubectl_complete-synapse") => Self::PluginCompletion,
            _ => Self::Operator,
        }
    }

    /// What a user types to get here.
    pub(super) const fn typed(self) -> &'static str {
        match self {
            Self::Operator => "synapse-spark-operator",
            Self::Plugin | Self::PluginCompletion => "kubectl synapse",
        }
    }

    /// The file's name, as shells complete it.
    pub(super) const fn file(self) -> &'static str {
        match self {
            Self::Operator => "synapse-spark-operator",
            Self::Plugin | Self::PluginCompletion => "kubectl-synapse",
        }
    }

    pub(super) fn command(self) -> clap::Command {
        let command = Cli::command();
        if self == Self::Operator {
            return command;
        }
        command
            .name(self.file())
            .bin_name(self.typed())
            .about("Tells how attachments of Synapse Spark pools are, and asks their operator to act.")
            // Nobody runs the operator from kubectl.
            .mut_subcommand("run", |run| run.hide(true))
    }
}

impl Cli {
    /// Reads the command line.
    ///
    /// # Errors
    ///
    /// The exit code, where everything is said: help, the version, or what is wrong with an argument. A wrong argument
    /// ends with 1 and not with clap's 2, which means here that something is not as asked.
    pub fn from_args(args: impl Iterator<Item = OsString>) -> Result<Self, u8> {
        let args: Vec<_> = args.collect();
        let program = Program::called(args.first());
        if program == Program::PluginCompletion {
            return Ok(Self { program, command: Command::Candidates(args) });
        }
        let parsed = program.command().try_get_matches_from(args).and_then(|matches| Self::from_arg_matches(&matches));
        match parsed {
            Ok(cli) => Ok(Self { program, ..cli }),
            Err(error) => {
                // Nobody is left to tell if this fails.
                let _ = error.print();
                Err(u8::from(error.use_stderr()))
            }
        }
    }
}
