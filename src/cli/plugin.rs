//! The names under which the program can be started, each a symbolic link to the same file.
//!
//! kubectl finds a plugin by its file name, and calls a second one for completions.
//! Sources: <https://kubernetes.io/docs/tasks/extend-kubectl/kubectl-plugins/>, and `plugin_completion.go` in
//! <https://github.com/kubernetes/kubectl/tree/master/pkg/cmd/plugin>.

use std::ffi::OsStr;
use std::path::Path;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Program {
    #[default]
    Operator,
    /// `kubectl synapse`
    Plugin,
    /// What kubectl calls to complete `kubectl synapse`.
    PluginCompletion,
}

impl Program {
    /// The program by the name that it was started with.
    pub(super) fn called(argv0: Option<&OsStr>) -> Self {
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

    /// The command line of the operator, as this program shows it.
    pub(super) fn adapt(self, command: clap::Command) -> clap::Command {
        if self == Self::Operator {
            return command;
        }
        command
            .name(self.file())
            .bin_name(self.typed())
            .about("Show the state of Synapse Spark attachments, and request reconciles.")
            // The operator is not run from kubectl.
            .mut_subcommand("run", |run| run.hide(true))
    }
}
