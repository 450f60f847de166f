//! Publishes events, and counts those that are repeated.

use std::sync::{Mutex, PoisonError};

use kube::Client;
use kube::runtime::events::{Recorder, Reporter};

/// kube's recorder keeps each event for six minutes, and searches all of them for each new one: with thousands of events these
/// take most of the operator's memory, and much of its CPU time. So it is replaced after this many.
const MAX_EVENTS: u32 = 64;

/// kube's recorder, which is replaced before it keeps too many events. An event that is repeated after that is
/// published as a new one.
pub(crate) struct Recorders {
    client: Client,
    controller: &'static str,
    current: Mutex<(Recorder, u32)>,
}

impl Recorders {
    /// Publishes in the name of this controller.
    pub(crate) fn new(client: Client, controller: &'static str) -> Self {
        let first = recorder(&client, controller);
        Self { client, controller, current: Mutex::new((first, 0)) }
    }

    /// The recorder for the next event.
    pub(crate) fn current(&self) -> Recorder {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if current.1 == MAX_EVENTS {
            *current = (recorder(&self.client, self.controller), 0);
        }
        current.1 += 1;
        current.0.clone()
    }
}

fn recorder(client: &Client, controller: &str) -> Recorder {
    Recorder::new(client.clone(), Reporter { controller: controller.to_owned(), instance: None })
}
