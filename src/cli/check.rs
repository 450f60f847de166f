//! `check`: whether an installed operator can work; with --pre, whether one could work here; with --for-jobs, whether Spark jobs
//! can run on an attachment. Changes nothing.

mod definition;
mod finding;
pub(super) mod jobs;
mod permissions;
mod preflight;
mod running;

use clap::parser::ValueSource;
use clap::{ArgMatches, Args, Command, Error, ValueEnum, error::ErrorKind};
use serde_json::{Value, json};

use super::args::AzureArgs;
use super::installation::OperatorArgs;
use super::kube::ClusterArgs;
use super::manifest::yaml;
use super::output::print;
use super::scope::{Identity, Scope};
use finding::{Finding, Outcome};
use preflight::Preflight;

#[derive(Debug, Args)]
pub(crate) struct Check {
    /// The attachment whose jobs are checked; needs --for-jobs.
    #[arg(requires = "for_jobs")]
    name: Option<String>,
    /// Check with your own identity what Microsoft's documents require for Spark jobs on this attachment: its identity and the
    /// roles of that, networks, and the version of Spark.
    #[arg(long, requires = "name", conflicts_with_all = ["pre", "operator_namespace"])]
    for_jobs: bool,
    /// Check with your own identity and the options of `run` whether an operator could run here: before it is installed, or as
    /// its ServiceAccount, as helm test does.
    #[arg(long)]
    pre: bool,
    /// The output format.
    #[arg(short, long, default_value = "text", value_enum)]
    output: Format,
    /// The namespace of the attachment. Default: that of the context.
    #[arg(short, long, value_name = "NAME", help_heading = "Cluster", requires = "for_jobs")]
    namespace: Option<String>,
    #[command(flatten)]
    operator: OperatorArgs,
    #[command(flatten)]
    options: RunOptions,
}

/// How the checks are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
    Yaml,
}

impl Format {
    fn print(self, text: impl FnOnce() -> String, json: &Value) -> Result<(), String> {
        print(&match self {
            Self::Text => text(),
            Self::Json => format!("{json:#}\n"),
            Self::Yaml => yaml(std::slice::from_ref(json))?,
        })
    }
}

/// The options of `run` that decide what the operator needs.
#[derive(Debug, Args)]
#[command(next_help_heading = "Options of --pre; those for Azure also of --for-jobs")]
struct RunOptions {
    #[command(flatten)]
    azure: AzureArgs,
    #[command(flatten)]
    identity: Identity,
    #[command(flatten)]
    scope: Scope,
}

impl Check {
    /// Refuses an option of `run` without --pre: an operator that is installed has its own settings. --for-jobs needs those for
    /// Azure.
    pub(super) fn validate(command: &mut Command, matches: &ArgMatches) -> Result<(), Error> {
        let Some(("check", check)) = matches.subcommand() else { return Ok(()) };
        let options = RunOptions::augment_args(Command::new("options"));
        let of_azure = AzureArgs::augment_args(Command::new("options"));
        let is_of_azure = |id: &clap::Id| of_azure.get_arguments().any(|arg| arg.get_id() == id);
        let is_wrong = |id: &clap::Id| {
            let is_given = check.value_source(id.as_str()) == Some(ValueSource::CommandLine);
            is_given && !check.get_flag("pre") && !(check.get_flag("for_jobs") && is_of_azure(id))
        };
        match options.get_arguments().find(|arg| is_wrong(arg.get_id())).and_then(clap::Arg::get_long) {
            Some(option) => Err(command.error(
                ErrorKind::MissingRequiredArgument,
                format!("--{option} needs --pre: without it, the settings of the operator that is installed are checked"),
            )),
            None => Ok(()),
        }
    }

    pub(crate) async fn execute(self) -> Result<u8, String> {
        let RunOptions { azure, identity, scope } = &self.options;
        if let Some(name) = &self.name {
            let cluster = ClusterArgs { namespace: self.namespace, context: self.operator.context };
            let checks = jobs::JobChecks::of(name, &cluster, azure).await?;
            self.output.print(|| checks.text(), &checks.json())?;
            return checks.exit_code();
        }
        let found = if self.pre {
            preflight::check(&Preflight { context: &self.operator.context, azure, identity, scope }).await?
        } else {
            running::check(&self.operator).await?
        };
        let json = json!({"checks": found.iter().map(Finding::json).collect::<Vec<_>>()});
        self.output.print(|| found.iter().map(Finding::line).collect(), &json)?;
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
