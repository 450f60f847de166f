//! The conformance kit as a program: `make conformance`.

use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use azure_conformance::client::Azure;
use azure_conformance::cloud::Cloud;
use azure_conformance::expectation;
use azure_conformance::report::Report;
use azure_conformance::run;
use azure_conformance::target::{self, Credential, Target};
use azure_conformance::transport::Transport;
use azure_emulator::{Emulator, Options};
use clap::Parser;
use serde_json::Value;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Notify;

/// Compares a real Azure subscription with the emulator: sends the same requests to both, and reports for each row of
/// the emulator's evidence table, and for each of its settings, whether they answer the same.
///
/// Without --subscription it asks an emulator that it starts itself, which tests this kit and says nothing about Azure.
///
/// Credentials are read from the environment: `AZURE_TENANT_ID`, `AZURE_CLIENT_ID` and `AZURE_CLIENT_SECRET`, or
/// `AZURE_ACCESS_TOKEN` (`az account get-access-token`) and, for the roles of Synapse, `SYNAPSE_ACCESS_TOKEN`
/// (`az account get-access-token --resource https://dev.azuresynapse.net`).
///
/// Exit codes: 0 everything that was asked is as the emulator, 2 something differs, 1 the run could not be completed.
#[derive(Debug, Parser)]
#[command(name = "azure-conformance", version)]
struct Arguments {
    /// ID of the subscription to ask; without it an emulator is asked
    #[arg(long, value_name = "GUID", requires = "resource_group", requires = "workspace", requires = "pool")]
    subscription: Option<String>,
    /// Resource group of the Machine Learning workspace
    #[arg(long, value_name = "NAME")]
    resource_group: Option<String>,
    /// Machine Learning workspace
    #[arg(long, value_name = "NAME")]
    workspace: Option<String>,
    /// ID of the Synapse Spark pool to attach: /subscriptions/…/bigDataPools/NAME
    #[arg(long, value_name = "ID")]
    pool: Option<String>,
    /// ID of another Spark pool; without it one row is not asked
    #[arg(long, value_name = "ID")]
    other_pool: Option<String>,
    /// IDs of one or two user-assigned managed identities, with a comma between them; without them some rows are not asked
    #[arg(long, value_name = "ID", value_delimiter = ',')]
    identity: Vec<String>,
    /// The cloud
    #[arg(long, value_enum, default_value = "public")]
    cloud: Cloud,
    /// Ask only what needs no write
    #[arg(long)]
    read_only: bool,
    /// Write to the subscription without asking at the terminal
    #[arg(long)]
    yes: bool,
    /// Folder for the report and the recordings
    #[arg(long, value_name = "FOLDER", default_value = "target/conformance")]
    out: PathBuf,
    /// Settings of the emulator that is asked without --subscription, as JSON
    #[arg(long, value_name = "JSON", default_value = "{}", conflicts_with = "subscription",
          value_parser = |text: &str| serde_json::from_str::<Value>(text))]
    emulator_settings: Value,
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// The credentials of the environment.
fn credential() -> Result<Credential, String> {
    let secret = (variable("AZURE_TENANT_ID"), variable("AZURE_CLIENT_ID"), variable("AZURE_CLIENT_SECRET"));
    if let (Some(tenant), Some(client), Some(secret)) = secret {
        return Ok(Credential::Secret { tenant, client, secret });
    }
    let advice = "Set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET, or AZURE_ACCESS_TOKEN to the output of \
                  `az account get-access-token --query accessToken --output tsv`";
    let arm = variable("AZURE_ACCESS_TOKEN").ok_or_else(|| format!("There are no credentials. {advice}"))?;
    Ok(Credential::Tokens { arm, synapse: variable("SYNAPSE_ACCESS_TOKEN") })
}

/// The subscription that the arguments name.
fn real(arguments: &Arguments, subscription: &str) -> Result<Target, String> {
    let given = |value: &Option<String>| value.clone().unwrap_or_default();
    let workspace = format!(
        "/subscriptions/{subscription}/resourceGroups/{}/providers/Microsoft.MachineLearningServices/workspaces/{}",
        given(&arguments.resource_group),
        given(&arguments.workspace)
    );
    let (pool, cloud) = (given(&arguments.pool), arguments.cloud);
    let synapse = target::part(&pool, "workspaces").unwrap_or_default();
    Target {
        arm: cloud.arm().to_owned(),
        authority: cloud.authority().to_owned(),
        synapse: cloud.synapse(synapse),
        synapse_resource: cloud.synapse_resource().to_owned(),
        regional: None,
        cloud,
        workspace,
        pool: pool.clone(),
        other_pool: arguments.other_pool.clone().filter(|id| !id.is_empty()),
        identities: arguments.identity.iter().filter(|id| !id.is_empty()).cloned().collect(),
        credential: credential()?,
        poll: Duration::from_secs(10),
        patience: Duration::from_mins(30),
    }
    .checked()
}

#[expect(clippy::print_stdout, reason = "a program's progress")]
fn show(line: &str) {
    println!("{line}");
}

/// What a run that writes will create, and whether it may.
fn confirmed(arguments: &Arguments, azure: &Azure) -> Result<(), String> {
    if arguments.read_only {
        show("Read-only: nothing is written to the subscription.");
        return Ok(());
    }
    show(&format!(
        "This run creates in the Machine Learning workspace about 15 computes named {0}…, one after the other, all of which attach the \
         Spark pool; a linked service {0}… and a job {0}… of a compute that does not exist, both of which Azure is expected to refuse; \
         and in the Synapse workspace role assignments for the identity of one of these computes. It detaches and deletes all of it at its \
         end, also after an error or Ctrl-C. It starts no Spark session and changes nothing that it did not create.",
        azure.prefix
    ));
    if arguments.yes {
        return Ok(());
    }
    if std::io::stdin().is_terminal() {
        let mut stdout = std::io::stdout();
        write!(stdout, "Continue? [yes/no] ").and_then(|()| stdout.flush()).map_err(|e| e.to_string())?;
        let mut answer = String::new();
        std::io::stdin().read_line(&mut answer).map_err(|e| e.to_string())?;
        if answer.trim() == "yes" {
            return Ok(());
        }
    }
    Err("Nothing was written. Confirm with --yes (make: CONFIRM=yes), or ask with --read-only (make: READ_ONLY=yes)".to_owned())
}

/// Notifies of Ctrl-C and SIGTERM, each time.
fn stop_on_signals() -> std::io::Result<Arc<Notify>> {
    let (stop, mut interrupt, mut terminate) =
        (Arc::new(Notify::new()), signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let notify = Arc::clone(&stop);
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            show("Interrupted: removing what the run created. Interrupt again to leave it.");
            notify.notify_one();
        }
    });
    Ok(stop)
}

/// Asks, compares, writes the report.
async fn asked(arguments: &Arguments, azure: &Azure, what: &str, stop: &Notify) -> Result<u8, String> {
    azure.open().await.map_err(|failure| failure.to_string())?;
    let run = run::run(azure, arguments.read_only, stop, show).await;
    show("asking the emulator the same");
    let report = Report::of(&run, what, &jiff::Timestamp::now().strftime("%Y-%m-%d").to_string()).await?;
    let json = serde_json::to_string_pretty(&report.json()).map_err(|e| e.to_string())?;
    for (name, text) in [("report.md", report.markdown()), ("report.json", json + "\n")] {
        let file = arguments.out.join(name);
        std::fs::write(&file, text).map_err(|e| format!("Cannot write {}: {e}", file.display()))?;
    }
    show(&format!(
        "\n{}The report is {}; the recordings are next to it.",
        report.summary(),
        arguments.out.join("report.md").display()
    ));
    Ok(report.exit_code())
}

async fn started(arguments: &Arguments) -> Result<u8, String> {
    let recordings = arguments.out.join("recordings");
    let stop = stop_on_signals().map_err(|e| e.to_string())?;
    if let Some(subscription) = arguments.subscription.as_deref().filter(|guid| !guid.is_empty()) {
        let azure = Azure::new(real(arguments, subscription)?, Transport::https(None)?, Some(&recordings))?;
        confirmed(arguments, &azure)?;
        return asked(arguments, &azure, &format!("Azure, cloud {:?}", arguments.cloud), &stop).await;
    }
    show("No SUBSCRIPTION is given: an emulator is asked, which tests this kit and says nothing about Azure.");
    let options = Options {
        seed: expectation::seeds()?,
        operation_duration: Duration::from_millis(500),
        settings: arguments.emulator_settings.clone(),
        ..Options::in_dir(arguments.out.join("emulator"))
    };
    let emulator = Emulator::start(options).await.map_err(|e| format!("Cannot start the emulator: {e}"))?;
    let target = expectation::emulated(emulator.endpoint(), Duration::from_millis(50));
    let azure = Azure::new(target, Transport::https(Some(emulator.ca_pem()))?, Some(&recordings))?;
    let code = asked(arguments, &azure, "the emulator, which says nothing about Azure", &stop).await;
    emulator.stop().await;
    code
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Not clap's exit code, which is that of a difference here.
            let _ = error.print();
            return ExitCode::from(u8::from(error.use_stderr()));
        }
    };
    match started(&arguments).await {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "error: {error}");
            ExitCode::from(1)
        }
    }
}
