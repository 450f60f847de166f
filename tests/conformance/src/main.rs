//! The conformance kit as a program: `make conformance`.

mod arguments;

use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use arguments::{Arguments, real};
use azure_conformance::client::Azure;
use azure_conformance::expectation;
use azure_conformance::report::Report;
use azure_conformance::run;
use azure_conformance::transport::{Transport, Trust};
use azure_emulator::{Emulator, Options};
use clap::Parser;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Notify;

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
    Err("Nothing was written. Confirm with --yes (make: CONFIRM=yes), or run it with --read-only (make: READ_ONLY=yes)"
        .to_owned())
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

/// Runs the probes, compares, and writes the report.
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

/// The way to a real Azure.
fn transport(arguments: &Arguments) -> Result<Transport, String> {
    let Some(file) = arguments.azure_ca_file.as_ref().filter(|file| !file.as_os_str().is_empty()) else {
        return Transport::https(Trust::System);
    };
    let pem = std::fs::read_to_string(file).map_err(|e| format!("Cannot read {}: {e}", file.display()))?;
    Transport::https(Trust::SystemAnd(&pem))
}

async fn started(arguments: &Arguments) -> Result<u8, String> {
    let recordings = arguments.out.join("recordings");
    let stop = stop_on_signals().map_err(|e| e.to_string())?;
    if let Some(subscription) = arguments.subscription.as_deref().filter(|guid| !guid.is_empty()) {
        let target = real(arguments, subscription)?;
        let what = format!("Azure, cloud {:?}, API version {}", target.cloud, target.version);
        let azure = Azure::new(target, transport(arguments)?, Some(&recordings))?;
        confirmed(arguments, &azure)?;
        return asked(arguments, &azure, &what, &stop).await;
    }
    show("SUBSCRIPTION is not set: running against an emulator. This tests the program, but shows nothing about Azure.");
    let options = Options {
        seed: expectation::seeds()?,
        operation_duration: Duration::from_millis(500),
        settings: expectation::quick(&arguments.emulator_settings),
        ..Options::in_dir(arguments.out.join("emulator"))
    };
    let emulator = Emulator::start(options).await.map_err(|e| format!("Cannot start the emulator: {e}"))?;
    let target = expectation::emulated(emulator.endpoint(), Duration::from_millis(50));
    let azure = Azure::new(target, Transport::https(Trust::Only(emulator.ca_pem()))?, Some(&recordings))?;
    let code = asked(arguments, &azure, "the emulator, which shows nothing about Azure", &stop).await;
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
