//! The entry point: it takes a request and the time, and returns an answer.

use jiff::Timestamp;
use uuid::Uuid;

use crate::activity_log::ActivityLog;
use crate::counters::Counters;
use crate::exchange::{Answer, Connection, Request};
use crate::fault::{Effect, Fault, Faults};
use crate::incoming::{HeldBack, Incoming, Queue};
use crate::journal::{Entry, Journal, Late};
use crate::settings::Settings;
use crate::throttle::Throttle;
use crate::world::seed::Seed;
use crate::world::{World, later};
use crate::{arm, blob, control, entra, history, sdk_v1, synapse};

/// The emulator, without sockets and without a clock.
#[derive(Debug)]
pub struct Azure {
    pub(crate) endpoint: String,
    pub(crate) world: World,
    pub(crate) settings: Settings,
    pub(crate) throttle: Throttle,
    pub(crate) faults: Faults,
    pub(crate) journal: Journal,
    pub(crate) counters: Counters,
    pub(crate) activity_log: ActivityLog,
    held_back: Queue,
}

impl Azure {
    /// An empty world behind this endpoint, such as `https://127.0.0.1:8443`.
    ///
    /// Links are built from the request's `Host` if there is one, or from the endpoint.
    #[must_use]
    pub fn new(endpoint: &str) -> Self {
        Self::salted(endpoint, Uuid::nil())
    }

    /// The same, with GUIDs and tokens that no other world has.
    #[must_use]
    pub fn salted(endpoint: &str, salt: Uuid) -> Self {
        Self {
            endpoint: endpoint.trim_end_matches('/').into(),
            world: World::new(salt),
            settings: Settings::default(),
            throttle: Throttle::default(),
            faults: Faults::default(),
            journal: Journal::default(),
            counters: Counters::default(),
            activity_log: ActivityLog::default(),
            held_back: Queue::default(),
        }
    }

    /// Adds to the world.
    ///
    /// # Errors
    ///
    /// The text names the invalid ID.
    pub fn seed(&mut self, now: Timestamp, seed: Seed) -> Result<(), String> {
        self.world.add(now, seed)
    }

    /// The settings, without the control API.
    pub fn settings_mut(&mut self) -> &mut Settings {
        &mut self.settings
    }

    /// Adds a fault, without the control API, and returns its number.
    pub fn add_fault(&mut self, fault: Fault) -> u64 {
        self.faults.add(fault)
    }

    /// Revokes every token that was issued, without the control API.
    pub fn revoke_tokens(&mut self) {
        self.world.revoke_tokens();
    }

    /// The requests after this sequence number, oldest first.
    pub fn journal(&self, since: u64) -> impl Iterator<Item = &Entry> {
        self.journal.since(since)
    }

    /// The number of requests since the counters were last reset.
    #[must_use]
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Answers one request.
    pub fn answer(&mut self, now: Timestamp, request: &Request) -> Answer {
        self.catch_up(now);
        let segments = request.segments();
        if segments.first().is_some_and(|s| s == "_emulator") {
            return control::answer(self, now, request, &segments);
        }
        let effect = self.faults.take(now, request).unwrap_or_default();
        let (answer, principal) = self.affected(now, request, &segments, &effect);
        let due = effect.process_after.map(|pause| later(now, pause.0));
        let seq = self.note(now, request, &answer, principal, due);
        if let Some(due) = due {
            self.held_back.add(HeldBack { due, received: now, seq, request: request.clone() });
        }
        answer
    }

    /// Processes everything that was due since the last request, each at its own time: requests that a fault delayed, and
    /// operations.
    fn catch_up(&mut self, now: Timestamp) {
        while let Some(HeldBack { due, received, seq, request }) = self.held_back.take_due(now) {
            self.world.settle(due, &self.settings);
            let incoming = Incoming { request: &request, received, now: due, doomed: None };
            let (answer, _) = self.processed(&incoming, &request.segments());
            self.journal.was_processed(seq, answer.status);
        }
        self.world.settle(now, &self.settings);
    }

    /// The answer to a request, to which a fault may apply.
    fn affected(&mut self, now: Timestamp, request: &Request, segments: &[String], effect: &Effect) -> (Answer, Option<String>) {
        let of_entra = synapse::target(request, segments).is_none() && entra::is_for(segments);
        if let Some(answer) = effect.answer(of_entra) {
            if effect.processed {
                self.processed(&Incoming { request, received: now, now, doomed: None }, segments);
            }
            return (arm::marked(self, now, request, answer), arm::asker(self, request));
        }
        if effect.reset || effect.process_after.is_some() {
            return (Answer { connection: Connection::Reset, ..Answer::empty(0) }, None);
        }
        let incoming = Incoming { request, received: now, now, doomed: effect.fail_operation.clone() };
        let (mut answer, principal) = self.processed(&incoming, segments);
        if let Some(delay) = effect.delay {
            answer.delay = delay.0;
        }
        if effect.lost_answer {
            answer.connection = Connection::Lost;
        }
        (answer, principal)
    }

    fn processed(&mut self, incoming: &Incoming<'_>, segments: &[String]) -> (Answer, Option<String>) {
        if let Some((workspace, path)) = synapse::target(incoming.request, segments) {
            synapse::answer(self, incoming, &workspace, path)
        } else if let Some((account, path)) = blob::target(incoming.request, segments) {
            (blob::answer(self, incoming, &account, path), None)
        } else if history::is_for(segments) {
            history::answer(self, incoming, segments)
        } else if entra::is_for(segments) {
            entra::answer(self, incoming.now, incoming.request, segments)
        } else if sdk_v1::is_for(segments) {
            sdk_v1::answer(self, incoming, segments)
        } else {
            arm::answer(self, incoming, segments)
        }
    }

    /// Writes a request into the journal, and returns its number.
    fn note(
        &mut self,
        now: Timestamp,
        request: &Request,
        answer: &Answer,
        principal: Option<String>,
        due: Option<Timestamp>,
    ) -> u64 {
        let segments = request.segments();
        let secret = entra::is_for(&segments) && synapse::target(request, &segments).is_none();
        let body = if secret {
            None
        } else {
            serde_json::from_str(&blob::without_signatures(&String::from_utf8_lossy(&request.body))).ok()
        };
        let bearer = request.header("Authorization").is_some_and(|a| a.starts_with("Bearer "));
        let seq = self.journal.next();
        let entry = Entry {
            seq,
            connection: request.carrier.map(|carrier| carrier.connection),
            at: now,
            method: request.method.clone(),
            host: request.header("Host").map(str::to_owned),
            path: request.path.clone(),
            query: blob::without_signatures(&request.query).into_owned(),
            status: (answer.connection != Connection::Reset).then_some(answer.status),
            late: due.map(|at| Late { at, status: None }),
            principal,
            client_request_id: request.header("x-ms-client-request-id").map(str::to_owned),
            correlation_id: answer.header("x-ms-correlation-request-id").map(str::to_owned),
            body: body.unwrap_or_default(),
            authorization: bearer.then_some("Bearer"),
        };
        self.counters.add(request, entry.status, entry.principal.as_deref());
        let body = if secret { 0 } else { request.body.len() };
        self.journal.push(entry, body, (self.settings.journal_size, self.settings.journal_bytes));
        seq
    }

    /// The address that the client uses: links have to stay on the same host.
    pub(crate) fn origin(&self, request: &Request) -> String {
        request.header("Host").map_or_else(|| self.endpoint.clone(), |host| format!("https://{host}"))
    }
}
