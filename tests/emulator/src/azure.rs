//! The one entry: a request and the time in, an answer out.

use jiff::Timestamp;
use uuid::Uuid;

use crate::exchange::{Answer, Connection, Request};
use crate::fault::{Effect, Fault, Faults};
use crate::journal::{Entry, Journal};
use crate::settings::Settings;
use crate::throttle::Throttle;
use crate::world::World;
use crate::world::seed::Seed;
use crate::{arm, control, entra, synapse};

/// The stand-in, without sockets and without a clock.
#[derive(Debug)]
pub struct Azure {
    pub(crate) endpoint: String,
    pub(crate) world: World,
    pub(crate) settings: Settings,
    pub(crate) throttle: Throttle,
    pub(crate) faults: Faults,
    pub(crate) journal: Journal,
}

impl Azure {
    /// An empty world behind this endpoint, such as `https://127.0.0.1:8443`.
    ///
    /// Links are made from the request's `Host` where there is one, else from the endpoint.
    #[must_use]
    pub fn new(endpoint: &str) -> Self {
        Self::salted(endpoint, Uuid::nil())
    }

    /// The same, whose GUIDs and tokens aren't those of any other.
    #[must_use]
    pub fn salted(endpoint: &str, salt: Uuid) -> Self {
        Self {
            endpoint: endpoint.trim_end_matches('/').into(),
            world: World::new(salt),
            settings: Settings::default(),
            throttle: Throttle::default(),
            faults: Faults::default(),
            journal: Journal::default(),
        }
    }

    /// Adds to the world.
    ///
    /// # Errors
    ///
    /// The text names the ID that isn't one.
    pub fn seed(&mut self, now: Timestamp, seed: Seed) -> Result<(), String> {
        self.world.add(now, seed)
    }

    /// What can be set, without the control API.
    pub fn settings_mut(&mut self) -> &mut Settings {
        &mut self.settings
    }

    /// Adds a fault, without the control API; gives its number.
    pub fn add_fault(&mut self, fault: Fault) -> u64 {
        self.faults.add(fault)
    }

    /// What was asked after this number, oldest first.
    pub fn journal(&self, since: u64) -> impl Iterator<Item = &Entry> {
        self.journal.since(since)
    }

    /// Answers one request.
    pub fn answer(&mut self, now: Timestamp, request: &Request) -> Answer {
        self.world.settle(now, &self.settings);
        let segments = request.segments();
        if segments.first().is_some_and(|s| s == "_emulator") {
            return control::answer(self, now, request, &segments);
        }
        let effect = self.faults.take(&request.method, &request.path).unwrap_or_default();
        let (answer, principal) = self.processed(now, request, &segments, &effect);
        self.note(now, request, &segments, &answer, principal);
        answer
    }

    fn processed(&mut self, now: Timestamp, request: &Request, segments: &[String], effect: &Effect) -> (Answer, Option<String>) {
        if effect.reset {
            return (Answer { connection: Connection::Reset, ..Answer::empty(0) }, None);
        }
        let of_synapse = synapse::target(request, segments);
        let of_entra = of_synapse.is_none() && entra::is_for(segments);
        if let Some(answer) = effect.answer(of_entra) {
            return (arm::marked(self, now, request, answer), arm::asker(self, request));
        }
        let (mut answer, principal) = if let Some((workspace, path)) = of_synapse {
            synapse::answer(self, now, request, &workspace, path)
        } else if of_entra {
            entra::answer(self, now, request, segments)
        } else {
            arm::answer(self, now, request, segments, effect.fail_operation.clone())
        };
        if let Some(delay) = effect.delay {
            answer.delay = delay.0;
        }
        if effect.lost_answer {
            answer.connection = Connection::Lost;
        }
        (answer, principal)
    }

    fn note(&mut self, now: Timestamp, request: &Request, segments: &[String], answer: &Answer, principal: Option<String>) {
        let secret = entra::is_for(segments) && synapse::target(request, segments).is_none();
        let body = if secret { None } else { serde_json::from_slice(&request.body).ok() };
        let bearer = request.header("Authorization").is_some_and(|a| a.starts_with("Bearer "));
        let entry = Entry {
            seq: self.journal.next(),
            at: now,
            method: request.method.clone(),
            host: request.header("Host").map(str::to_owned),
            path: request.path.clone(),
            query: request.query.clone(),
            status: (answer.connection != Connection::Reset).then_some(answer.status),
            principal,
            client_request_id: request.header("x-ms-client-request-id").map(str::to_owned),
            correlation_id: answer.header("x-ms-correlation-request-id").map(str::to_owned),
            body: body.unwrap_or_default(),
            authorization: bearer.then_some("Bearer"),
        };
        self.journal.push(entry, self.settings.journal_size);
    }

    /// Where the one who asks finds this: links have to stay on the host that was asked.
    pub(crate) fn origin(&self, request: &Request) -> String {
        request.header("Host").map_or_else(|| self.endpoint.clone(), |host| format!("https://{host}"))
    }
}
