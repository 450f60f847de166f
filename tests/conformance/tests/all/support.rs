//! An emulator behind TLS, and a run against it.

use std::path::Path;
use std::time::Duration;

use azure_conformance::client::Azure;
use azure_conformance::expectation;
use azure_conformance::report::Report;
use azure_conformance::run::{self, Run};
use azure_conformance::transport::{IN_PROCESS, Transport, Trust};
use azure_emulator::{Emulator, Options};
use serde_json::Value;
use tokio::sync::Notify;

/// An emulator whose operations take a moment, so that a read can come before their end.
pub(crate) async fn emulator(folder: &Path, settings: Value) -> Emulator {
    let options = Options {
        seed: expectation::seeds().expect("a good seed"),
        operation_duration: Duration::from_millis(200),
        settings: expectation::quick(&settings),
        ..Options::in_dir(folder)
    };
    Emulator::start(options).await.expect("it starts")
}

/// The client of this emulator, which records into this folder.
pub(crate) fn client(emulator: &Emulator, recordings: &Path) -> Azure {
    let target = expectation::emulated(emulator.endpoint(), Duration::from_millis(50));
    let transport = Transport::https(Trust::Only(emulator.ca_pem())).expect("a client");
    Azure::new(target, transport, Some(recordings)).expect("the folder can be written")
}

/// The client of an emulator in this process, which records nothing.
pub(crate) async fn in_process(settings: &Value) -> Azure {
    let transport = Transport::in_process(settings, expectation::seeds().expect("a good seed")).expect("known settings");
    let target = expectation::emulated(IN_PROCESS, Duration::from_millis(500));
    let azure = Azure::new(target, transport, None).expect("no folder is needed");
    azure.open().await.expect("the workspace is there");
    azure
}

/// A whole run against an emulator in this process with these settings.
pub(crate) async fn run(settings: &Value) -> Run {
    run::run(&in_process(settings).await, false, &Notify::new(), |_| {}).await
}

pub(crate) async fn report(settings: &Value) -> Report {
    Report::of(&run(settings).await, "a test", "2026-01-02").await.expect("the emulator can be asked")
}
