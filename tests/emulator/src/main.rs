//! The emulator as a program, for demos and for clients in other languages.

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use azure_emulator::{Emulator, Options, Seed, parse_duration};
use clap::Parser;
use serde_json::Value;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

/// An emulator of Azure: Entra's token endpoint, Azure Resource Manager's Machine Learning and Synapse, and Synapse's roles
///
/// When it is ready it prints one line of JSON: {"endpoint", "authority", "synapse", "ca"}. Trust the certificate in `ca`, use
/// `endpoint` for Azure Resource Manager, `authority` for Entra, and `synapse` for the data plane of a workspace. Without --seed there is a workspace yogi-aml-ws, a Spark pool
/// yogisparkpool, and a client with a secret: see `GET /_emulator/world` and seeds/default.json. It ends on SIGTERM and SIGINT.
#[derive(Debug, Parser)]
#[command(name = "azure-emulator", version)]
struct Arguments {
    /// Address to listen on; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Host name that clients use instead of the address; they must be able to resolve it
    #[arg(long, value_name = "HOST")]
    name: Option<String>,
    /// Folder that gets ca.pem [default: azure-emulator in the folder for temporary files]
    #[arg(long)]
    dir: Option<PathBuf>,
    /// JSON file with the resources in Azure; may be repeated, later files add to earlier ones
    #[arg(long = "seed", value_name = "FILE")]
    seeds: Vec<PathBuf>,
    /// Duration of an attach or detach, such as 300ms, 2s or 5m
    #[arg(long, value_name = "DURATION", default_value = "2s", value_parser = parse_duration)]
    operation_duration: Duration,
    /// JSON object with other settings, such as '{"tagsVisibleAtEnd": true, "staleReads": "2s"}'; README.md lists them
    #[arg(long, value_name = "JSON", default_value = "{}", value_parser = |text: &str| serde_json::from_str::<Value>(text))]
    settings: Value,
    /// End when standard input is closed, so as not to outlive the program that started it
    #[arg(long)]
    exit_with_stdin: bool,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments = Arguments::parse();
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let emulator = Emulator::start(Options {
        listen: arguments.listen,
        name: arguments.name,
        dir: std::path::absolute(arguments.dir.unwrap_or_else(|| std::env::temp_dir().join("azure-emulator")))?,
        seed: arguments.seeds.iter().map(|file| Seed::from_file(file)).collect::<Result<_, _>>()?,
        operation_duration: arguments.operation_duration,
        settings: arguments.settings,
    })
    .await?;

    let (endpoint, synapse, ca) = (emulator.endpoint(), emulator.synapse(), emulator.ca_file());
    let ready = serde_json::json!({"endpoint": endpoint, "authority": endpoint, "synapse": synapse, "ca": ca});
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "{ready}")?;
    stdout.flush()?;
    drop(stdout);

    let (closed, stdin) = oneshot::channel::<()>();
    let mut open = Some(closed);
    if let Some(closed) = open.take_if(|_| arguments.exit_with_stdin) {
        std::thread::spawn(move || {
            // The input is ignored; only its end matters.
            let _read = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
            drop(closed);
        });
    }
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        _ = stdin => {}
    }
    drop(open);
    emulator.stop().await;
    // The thread that reads standard input would delay the shutdown of the runtime.
    std::process::exit(0);
}
