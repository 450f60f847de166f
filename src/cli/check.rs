//! `check`: whether an installed operator can work, or with --pre, whether one could work here. Changes nothing.

mod definition;
mod finding;
mod permissions;
mod preflight;
mod running;

use clap::parser::ValueSource;
use clap::{ArgMatches, Args, Command, Error, error::ErrorKind};
use serde_json::json;

use super::args::AzureArgs;
use super::installation::OperatorArgs;
use super::output::{Output, print};
use super::scope::{Identity, Scope};
use finding::{Finding, Outcome};
use preflight::Preflight;

#[derive(Debug, Args)]
pub(crate) struct Check {
    /// Check with your own identity and the options of `run` whether an operator could run here: before it is installed, or as
    /// its ServiceAccount, as helm test does.
    #[arg(long)]
    pre: bool,
    /// The output format.
    #[arg(short, long, default_value = "text", value_enum)]
    output: Output,
    #[command(flatten)]
    operator: OperatorArgs,
    #[command(flatten)]
    options: RunOptions,
}

/// The options of `run` that decide what the operator needs.
#[derive(Debug, Args)]
#[command(next_help_heading = "Options of --pre")]
struct RunOptions {
    #[command(flatten)]
    azure: AzureArgs,
    #[command(flatten)]
    identity: Identity,
    #[command(flatten)]
    scope: Scope,
}

impl Check {
    /// Refuses an option of `run` without --pre: an operator that is installed has its own settings.
    pub(super) fn validate(command: &mut Command, matches: &ArgMatches) -> Result<(), Error> {
        let Some(("check", check)) = matches.subcommand() else { return Ok(()) };
        let options = RunOptions::augment_args(Command::new("options"));
        let given = |id: &str| check.value_source(id) == Some(ValueSource::CommandLine);
        match options.get_arguments().find(|arg| given(arg.get_id().as_str())).and_then(clap::Arg::get_long) {
            Some(option) if !check.get_flag("pre") => Err(command.error(
                ErrorKind::MissingRequiredArgument,
                format!("--{option} needs --pre: without it, the settings of the operator that is installed are checked"),
            )),
            _ => Ok(()),
        }
    }

    pub(crate) async fn execute(self) -> Result<u8, String> {
        let found = if self.pre {
            let RunOptions { azure, identity, scope } = &self.options;
            preflight::check(&Preflight { context: &self.operator.context, azure, identity, scope }).await?
        } else {
            running::check(&self.operator).await?
        };
        print(&match self.output {
            Output::Text => found.iter().map(Finding::line).collect(),
            Output::Json => format!("{:#}\n", json!({"checks": found.iter().map(Finding::json).collect::<Vec<_>>()})),
        })?;
        let count = |wanted: fn(&Outcome) -> bool| found.iter().filter(|one| wanted(&one.outcome)).count();
        let failed = count(|outcome| matches!(outcome, Outcome::Failed(_)));
        let unknown = count(|outcome| matches!(outcome, Outcome::Unknown(_)));
        match (failed, unknown) {
            (0, 0) => Ok(0),
            (0, unknown) => {
                super::output::remark(&format!("{unknown} of {} checks could not be completed", found.len()));
                Ok(2)
            }
            (failed, _) => Err(format!("{failed} of {} checks failed", found.len())),
        }
    }
}
