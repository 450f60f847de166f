//! The command line: the subcommands, and which module executes each.
//!
//! The modules of this folder are the only readers of the environment.

mod allow_recreate;
mod args;
mod attachment_watch;
mod audit;
mod bundle;
mod changes;
mod check;
mod completion;
mod confirmation;
mod crd;
mod duration;
mod events;
mod explained;
mod import;
mod input;
mod installation;
mod interrupt;
mod kube;
mod links;
mod logs;
mod manifest;
mod output;
mod plan;
mod plugin;
mod pools;
mod proxy;
mod reconcile;
mod run;
mod scope;
mod selection;
mod status;
mod suspend;
mod transfer;
mod try_job;
#[cfg(feature = "ui")]
mod ui;
mod version;
mod view;
mod workspace;

use std::collections::BTreeSet;
use std::ffi::OsString;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use plugin::Program;

/// Attaches Apache Spark pools of Azure Synapse to Azure Machine Learning workspaces, as Kubernetes objects.
#[derive(Debug, Parser)]
#[command(name = "synapse-spark-operator", version, max_term_width = 110)]
pub struct Cli {
    #[arg(skip)]
    program: Program,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the operator: reconcile the `SynapseSparkAttachment` objects of a cluster.
    Run(Box<run::Run>),
    /// Show what the operator would do with a manifest or an attachment. Changes nothing.
    ///
    /// Exit code 0: nothing to do; 2: something to do; 1: no plan could be computed.
    Plan(Box<plan::PlanArgs>),
    /// Print manifests for Spark pools that another tool attaches, or that are attached to a workspace now. Changes nothing.
    ///
    /// What cannot be converted, and what applying a manifest would change of a compute that exists, is reported on standard
    /// error, one line each. If one document is invalid, nothing is printed and the exit code is 1.
    Import(Box<import::Import>),
    /// List the Synapse Spark pools that you may attach, and where they are attached already. Changes nothing.
    ///
    /// With -o yaml it prints a manifest for each pool, to attach it to --workspace. What you may not read is left out and
    /// reported on standard error.
    Pools(Box<pools::Pools>),
    /// List the linked services of an Azure ML workspace, through which SDK v1 attached pools. Changes nothing.
    ///
    /// Azure no longer creates linked services: attach a pool by its resourceId instead. That ID is the Synapse workspace of
    /// the linked service, followed by /bigDataPools/ and the name of the pool.
    Links(Box<links::Links>),
    /// List orphaned computes: their owner tag names an attachment of this cluster that does not exist. Changes nothing.
    ///
    /// It lists the computes of the workspaces with your own identity in Azure, and reads the attachments with your permissions
    /// in the cluster. Each orphaned compute is shown with the commands that detach it or adopt it again; computes of other
    /// clusters are shown as such. A compute that was kept on purpose (deletionPolicy: Retain, on-delete=abandon) is listed
    /// until an attachment owns it again.
    ///
    /// Exit code 0: there is no orphaned compute; 2: there is at least one; 1: it could not be determined.
    Audit(Box<audit::Audit>),
    /// Show an attachment: its state, its spec, what Azure shows, and what to do next; or list attachments.
    ///
    /// A single attachment is shown in full, several are a table. Without a name, it lists all attachments of the namespace.
    ///
    /// Exit code 0: every attachment shown is Ready; 2: at least one is not; 1: the state could not be read.
    Status(status::Status),
    /// Show the events of an attachment, the newest last.
    Events(events::Events),
    /// Show the log of the operator that leads, or what it logs about an attachment.
    Logs(logs::Logs),
    /// Request reconciles at once, and wait until the attachments are Ready or Stalled.
    ///
    /// Exit code 0: each is Ready, or was deleted and is gone; 2: at least one is Stalled, or suspended and out of sync; 1: a
    /// state could not be read, or the time limit was reached. With several attachments, the worst result determines the exit
    /// code.
    Reconcile(reconcile::Reconcile),
    /// Set spec.suspend: the operator observes and reports, and writes nothing to Azure.
    Suspend(suspend::Suspend),
    /// Clear spec.suspend: the operator writes to Azure again.
    Resume(suspend::Suspend),
    /// Let the operator attach computes again that are missing together with many others of their workspace.
    ///
    /// Such a safety stop is shown by the condition `SafetyStop`. Find out first why the computes are missing.
    AllowRecreate(allow_recreate::AllowRecreate),
    /// Write a support bundle: an archive with what a bug report needs, without secrets. Changes nothing.
    ///
    /// It contains the versions, the custom resource definition, the attachments and their events, and of the operator the
    /// Deployments, pods, Leases, events, logs and metrics. It is read with your permissions in the cluster; what cannot be read
    /// is listed in the bundle. Values of environment variables that the operator does not define, and what looks like a token or
    /// a password, are replaced by REDACTED.
    Bundle(bundle::Bundle),
    /// Hand computes over to other attachments: of another name, in another namespace, or in another cluster.
    ///
    /// It shows a plan, asks for confirmation, annotates the attachments, and waits until the operator has changed the owner tag
    /// of each compute; nothing else of the computes changes, and they are not detached. The former attachments can then be
    /// deleted. With --take, attachments get the computes of owners that are gone.
    ///
    /// Exit code 0: every compute is handed over; 2: at least one is not, and its attachment shows why; 1: the result could not
    /// be determined, or the time limit was reached.
    Transfer(Box<transfer::Transfer>),
    /// Submit a small Spark job through an attachment, and wait until it has shown that jobs run.
    ///
    /// The job counts to a hundred, writes one object to the default datastore of the workspace, reads it and deletes it. The
    /// command submits it with your own identity in Azure; the operator submits no jobs. It starts a Spark session, which is
    /// billed, and therefore asks for confirmation.
    ///
    /// Exit code 0: the job completed; 2: it failed, and the output names the cause; 1: it could not be determined, because the
    /// job could not be submitted, was canceled, or reached the time limit.
    Try(Box<try_job::Try>),
    /// Show attachments in the browser, on a page of this machine that follows the cluster. Changes nothing.
    ///
    /// The page has your permissions in the cluster and no others. Only this machine can reach it, and only with the link that is
    /// printed, which is valid once, for 60 seconds; Enter prints another one, for another tab. It ends on Ctrl-C, or when no page
    /// has been open for 30 minutes.
    #[cfg(feature = "ui")]
    Ui(Box<ui::Ui>),
    /// Check whether the operator that is installed can work: its replicas and version, its leader, the custom resource
    /// definition, and the permissions of its ServiceAccount. Changes nothing.
    ///
    /// With --pre, check with your own identity whether an operator could run here: Kubernetes, the definition, permissions,
    /// Microsoft Entra ID and Azure Resource Manager. It takes the options of `run`. With --require-service-account it also
    /// checks whether it may create tokens for every ServiceAccount; permissions for individual names are not checked.
    ///
    /// With NAME --for-jobs, check with your own identity in Azure whether Spark jobs can run on an attachment, by the
    /// requirements of Microsoft's documents. What is missing is shown with the command that adds it.
    ///
    /// Exit code 0: all is well; 1: a check failed, and the output names it; 2: none failed, but you may not read what a check
    /// needs.
    Check(Box<check::Check>),
    /// Print the version of this program, and those of the operators that are installed in the cluster.
    Version(version::Version),
    /// Print the custom resource definition, for kubectl apply -f -.
    Crd,
    /// Print a completion script for a shell.
    Completion(completion::Completion),
    /// What kubectl asks for its own completion, under another name of the program.
    #[command(skip)]
    Candidates(Vec<OsString>),
}

impl Cli {
    /// Reads the command line.
    ///
    /// # Errors
    ///
    /// The exit code, where everything is said: help, the version, or what is wrong with an argument. A wrong argument
    /// ends with 1 and not with clap's 2, which means here that an attachment is not in sync.
    pub fn from_args(args: impl Iterator<Item = OsString>) -> Result<Self, u8> {
        let args: Vec<_> = args.collect();
        let program = Program::called(args.first().map(OsString::as_os_str));
        if program == Program::PluginCompletion {
            return Ok(Self { program, command: Command::Candidates(args) });
        }
        let mut command = command(program);
        let parsed = command.try_get_matches_from_mut(args).and_then(|matches| {
            check::Check::validate(&mut command, &matches)?;
            Self::from_arg_matches(&matches)
        });
        match parsed {
            Ok(cli) => Ok(Self { program, ..cli }),
            Err(error) => {
                // If this fails, there is nowhere left to report it.
                let _ = error.print();
                Err(u8::from(error.use_stderr()))
            }
        }
    }

    /// Does what was asked. Gives the exit code.
    ///
    /// # Errors
    ///
    /// One line that names the setting, or what failed.
    pub async fn execute(self) -> Result<u8, String> {
        match self.command {
            Command::Run(run) => Box::pin(run.execute()).await,
            Command::Plan(plan) => Box::pin(plan.execute()).await,
            Command::Import(import) => import.execute().await,
            Command::Pools(pools) => pools.execute().await,
            Command::Links(links) => links.execute().await,
            Command::Audit(audit) => audit.execute(self.program).await,
            Command::Status(status) => status.execute(self.program).await,
            Command::Events(events) => events.execute().await,
            Command::Logs(logs) => logs.execute().await,
            Command::Version(version) => version.execute().await,
            Command::Reconcile(reconcile) => reconcile.execute(self.program).await,
            Command::Suspend(suspend) => suspend.execute(true).await,
            Command::Resume(suspend) => suspend.execute(false).await,
            Command::AllowRecreate(allow) => allow.execute().await,
            Command::Transfer(transfer) => Box::pin(transfer.execute(self.program)).await,
            Command::Try(one) => Box::pin(one.execute(self.program)).await,
            #[cfg(feature = "ui")]
            Command::Ui(ui) => Box::pin(ui.execute(self.program)).await,
            Command::Completion(completion) => completion.execute(self.program, command(self.program)),
            Command::Candidates(words) => completion::candidates(words, command(self.program)),
            Command::Bundle(bundle) => bundle.execute(&variables()).await,
            Command::Check(check) => check.execute().await,
            Command::Crd => crd::execute(),
        }
    }
}

/// The environment variables of `run` whose values are no secrets.
fn variables() -> BTreeSet<String> {
    let command = Cli::command();
    let run = command.get_subcommands().filter(|command| command.get_name() == "run");
    let named = run.flat_map(clap::Command::get_arguments).filter_map(|option| option.get_env()?.to_str());
    named.filter(|name| !name.ends_with("SECRET")).map(ToOwned::to_owned).collect()
}

/// The command line as the program with this name shows it.
fn command(program: Program) -> clap::Command {
    program.adapt(Cli::command())
}
