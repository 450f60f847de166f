//! Leader election on `coordination.k8s.io` Leases: who has lost one writes nothing more.
//!
//! Ours, because no crate for kube 5 steps down while the API server is silent
//! (`docs/adr/0005-leader-election-of-our-own.md`). Three rules carry it:
//!
//! - Every write names the `resourceVersion` that it replaces: of two that race, one fails.
//! - Another's Lease has run out when it stood unchanged for its whole duration on *our*
//!   monotonic clock. Times inside the Lease are for people; clocks are never compared.
//! - The holder gives up before the Lease runs out ([`DEADLINE`] < [`DURATION`]).

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use kube::api::{Api, PostParams};
use kube::{Client, ResourceExt};
use tokio::time::{Instant, sleep, timeout};

/// The Lease's name.
pub const NAME: &str = "synapse-spark-operator";
/// A Lease that nobody renews runs out after this. As client-go's default.
pub const DURATION: Duration = Duration::from_secs(15);
/// Who could not renew for this long has lost it. As client-go's default.
pub const DEADLINE: Duration = Duration::from_secs(10);
/// The holder renews this often. As client-go's default.
const RENEW_EVERY: Duration = Duration::from_secs(2);
/// A try to renew takes no longer: there are some before the deadline.
const TRY: Duration = Duration::from_secs(3);
/// A standby looks this often: how long a hand-over takes.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// A Lease, and who wants to hold it.
#[derive(Clone)]
pub struct Elector {
    leases: Api<Lease>,
    namespace: String,
    holder: String,
}

/// A Lease that is held.
pub struct Term {
    elector: Elector,
    lease: Lease,
    renewed: Renewed,
}

/// The time before the request that last renewed it: from then on it is ours for [`DURATION`].
#[derive(Clone)]
struct Renewed(Arc<Mutex<Instant>>);

impl Renewed {
    fn set(&self, at: Instant) {
        *self.0.lock().expect("no holder panics") = at;
    }

    /// For how long it is surely ours still.
    fn left(&self) -> Duration {
        DEADLINE.saturating_sub(self.0.lock().expect("no holder panics").elapsed())
    }
}

/// Whose turn it is, as far as one can see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Turn {
    /// Ours.
    Ours,
    /// Another's, who works: nothing is amiss.
    Another(String),
    /// Nobody knows: Kubernetes does not give the Lease, or not tell of it.
    Unknown(String),
}

/// The Lease is lost, or may soon be: whoever hears it ends.
#[derive(Debug, thiserror::Error)]
pub enum Lost {
    /// Another took it.
    #[error("the Lease {namespace}/{NAME} went to {holder:?}")]
    Taken {
        /// Where the Lease is.
        namespace: String,
        /// Who holds it now.
        holder: String,
    },
    /// Kubernetes did not take a renewal for [`DEADLINE`].
    #[error("the Lease {namespace}/{NAME} could not be renewed for {} s", DEADLINE.as_secs())]
    NotRenewed {
        /// Where the Lease is.
        namespace: String,
        /// The last try.
        #[source]
        source: Option<kube::Error>,
    },
}

impl Elector {
    /// `holder` must be of this process alone.
    #[must_use]
    pub fn new(kube: Client, namespace: &str, holder: &str) -> Self {
        let leases = Api::namespaced(kube, namespace);
        Self { leases, namespace: namespace.to_owned(), holder: holder.to_owned() }
    }

    /// What it is called, for people.
    fn name(&self) -> String {
        format!("the Lease {}/{NAME}", self.namespace)
    }

    /// Waits until the Lease is ours. `turn` hears whose it is, each time that changes.
    ///
    /// # Errors
    ///
    /// The elector, if Kubernetes refused for as long as `patience` to let us have it: rights or the namespace are missing.
    pub async fn acquire(self, patience: Option<Duration>, turn: impl Fn(&str, Turn)) -> Result<Term, Self> {
        let mut seen: Option<(Lease, Instant)> = None;
        let mut refused: Option<Instant> = None;
        let mut said = None;
        loop {
            let asked = Instant::now();
            let answer = timeout(DEADLINE, self.try_once(&mut seen, asked)).await;
            let is_refusal = matches!(&answer, Ok(Err(kube::Error::Api(status))) if matches!(status.code, 403 | 404));
            refused = is_refusal.then(|| refused.unwrap_or(asked));
            let whose = match answer {
                Ok(Ok(Ok(lease))) => {
                    turn(&self.name(), Turn::Ours);
                    return Ok(Term { elector: self, lease, renewed: Renewed(Arc::new(Mutex::new(asked))) });
                }
                Ok(Ok(Err(holder))) => Turn::Another(holder),
                Ok(Err(error)) => Turn::Unknown(crate::error_chain::chain(&error)),
                Err(_) => Turn::Unknown("Kubernetes does not answer".to_owned()),
            };
            if said.as_ref() != Some(&whose) {
                turn(&self.name(), whose.clone());
                said = Some(whose);
            }
            if let (Some(patience), Some(since)) = (patience, refused)
                && since.elapsed() >= patience
            {
                return Err(self);
            }
            sleep(LOOK_EVERY).await;
        }
    }

    /// Takes the Lease if it is free. The inner error is the one who holds it.
    async fn try_once(&self, seen: &mut Option<(Lease, Instant)>, now: Instant) -> Result<Result<Lease, String>, kube::Error> {
        let Some(lease) = self.leases.get_opt(NAME).await? else {
            return self.create().await;
        };
        match self.another(&lease, seen, now) {
            Some(holder) => Ok(Err(holder)),
            // Free, or ours already: a write of ours landed, and its answer was lost.
            None => lost_race(self.leases.replace(NAME, &PostParams::default(), &self.held(lease)).await),
        }
    }

    /// Who else holds this Lease, if it has not run out.
    fn another(&self, lease: &Lease, seen: &mut Option<(Lease, Instant)>, now: Instant) -> Option<String> {
        let since = match seen {
            Some((before, since)) if before.resource_version() == lease.resource_version() => *since,
            _ => seen.insert((lease.clone(), now)).1,
        };
        let spec = lease.spec.clone().unwrap_or_default();
        let lasts =
            spec.lease_duration_seconds.and_then(|seconds| u64::try_from(seconds).ok()).map_or(DURATION, Duration::from_secs);
        let is_alive = now.duration_since(since) < lasts;
        spec.holder_identity.filter(|holder| !holder.is_empty() && *holder != self.holder && is_alive)
    }

    async fn create(&self) -> Result<Result<Lease, String>, kube::Error> {
        let metadata = ObjectMeta { name: Some(NAME.to_owned()), ..ObjectMeta::default() };
        let lease = self.held(Lease { metadata, ..Lease::default() });
        lost_race(self.leases.create(&PostParams::default(), &lease).await)
    }

    fn held(&self, mut lease: Lease) -> Lease {
        let now = MicroTime(Timestamp::now());
        let spec = lease.spec.get_or_insert_with(LeaseSpec::default);
        if spec.holder_identity.as_ref() != Some(&self.holder) {
            spec.acquire_time = Some(now.clone());
            spec.lease_transitions = Some(spec.lease_transitions.map_or(0, |before| before.saturating_add(1)));
        }
        spec.holder_identity = Some(self.holder.clone());
        spec.lease_duration_seconds = i32::try_from(DURATION.as_secs()).ok();
        spec.renew_time = Some(now);
        lease
    }
}

/// Of two that take a free Lease at once, one hears a conflict.
fn lost_race(taken: Result<Lease, kube::Error>) -> Result<Result<Lease, String>, kube::Error> {
    match taken {
        Ok(lease) => Ok(Ok(lease)),
        Err(kube::Error::Api(status)) if status.code == 409 => Ok(Err("another that was quicker".to_owned())),
        Err(error) => Err(error),
    }
}

impl Term {
    /// Where the Lease is.
    #[must_use]
    pub fn namespace(&self) -> &str {
        &self.elector.namespace
    }

    /// Renews the Lease until it is lost.
    pub async fn hold(&mut self) -> Lost {
        let mut failed = None;
        loop {
            let left = self.renewed.left();
            if left.is_zero() {
                return Lost::NotRenewed { namespace: self.elector.namespace.clone(), source: failed };
            }
            sleep(RENEW_EVERY.min(left)).await;
            let asked = Instant::now();
            match timeout(self.renewed.left().min(TRY), self.renew()).await {
                Ok(Ok(Ok(lease))) => {
                    (self.lease, failed) = (lease, None);
                    self.renewed.set(asked);
                }
                Ok(Ok(Err(holder))) => return Lost::Taken { namespace: self.elector.namespace.clone(), holder },
                Ok(Err(error)) => {
                    tracing::warn!(error = %crate::error_chain::chain(&error), "the Lease was not renewed, and is tried again");
                    failed = Some(error);
                }
                Err(_) => {}
            }
        }
    }

    /// The inner error is the one who holds it now.
    async fn renew(&self) -> Result<Result<Lease, String>, kube::Error> {
        let Elector { leases, holder, .. } = &self.elector;
        let renewed = leases.replace(NAME, &PostParams::default(), &self.elector.held(self.lease.clone())).await;
        let Err(kube::Error::Api(status)) = &renewed else { return renewed.map(Ok) };
        if !matches!(status.code, 404 | 409) {
            return renewed.map(Ok);
        }
        // Somebody wrote to it. As long as it still names us, it is ours; and who finds it deleted makes it anew.
        let Some(live) = leases.get_opt(NAME).await? else { return self.elector.create().await };
        match live.spec.as_ref().and_then(|spec| spec.holder_identity.clone()) {
            Some(same) if same == *holder => leases.replace(NAME, &PostParams::default(), &self.elector.held(live)).await.map(Ok),
            other => Ok(Err(other.unwrap_or_default())),
        }
    }

    /// Gives the Lease back, so that a standby need not wait for its end. Best effort: it runs out by itself.
    pub async fn release(self) {
        let mut lease = self.elector.held(self.lease);
        if let Some(spec) = &mut lease.spec {
            spec.holder_identity = None;
            // As client-go does: who looks at it by its times alone sees it as run out.
            spec.lease_duration_seconds = Some(1);
        }
        let _ = timeout(RENEW_EVERY, self.elector.leases.replace(NAME, &PostParams::default(), &lease)).await;
    }
}

/// Waits until the Leases are ours, and puts them into `terms`; those that are, are renewed meanwhile. One order for all:
/// nobody waits in a circle.
///
/// Gives those that Kubernetes refuses: one namespace that is being deleted must not keep the operator from the others.
///
/// # Errors
///
/// [`Lost`] if one goes before the last has come.
pub async fn acquire_all(
    mut electors: Vec<Elector>,
    terms: &mut Vec<Term>,
    turn: impl Fn(&str, Turn),
) -> Result<Vec<Elector>, Lost> {
    electors.sort_by(|one, other| one.namespace.cmp(&other.namespace));
    let patience = (electors.len() > 1).then_some(DURATION);
    loop {
        let mut refused = Vec::new();
        for elector in electors {
            let acquired = tokio::select! {
                acquired = elector.acquire(patience, &turn) => acquired,
                lost = hold_all(terms) => return Err(lost),
            };
            match acquired {
                Ok(term) => terms.push(term),
                Err(elector) => refused.push(elector),
            }
        }
        if !terms.is_empty() || refused.is_empty() {
            return Ok(refused);
        }
        electors = refused;
    }
}

/// Waits until one of these can be had after all. Takes none: gives the name of its namespace.
pub async fn any_can_be_had(electors: Vec<Elector>) -> String {
    let mut all: FuturesUnordered<_> = electors
        .into_iter()
        .map(|elector| async move {
            let namespace = elector.namespace.clone();
            if let Ok(term) = elector.acquire(None, |_, _| {}).await {
                term.release().await;
            }
            namespace
        })
        .collect();
    match all.next().await {
        Some(namespace) => namespace,
        None => std::future::pending().await,
    }
}

/// The Lease of an operator for all namespaces, as one for some sees it: they must not both work.
pub struct Wider {
    elector: Elector,
    seen: Option<(Lease, Instant)>,
}

impl Wider {
    /// The Lease that `elector` would take if it were for all namespaces.
    #[must_use]
    pub fn new(elector: Elector) -> Self {
        Self { elector, seen: None }
    }

    /// Waits until nobody holds it. `turn` hears who does, each time that changes.
    pub async fn until_free(&mut self, turn: impl Fn(&str, Turn)) {
        let mut said = None;
        while let Some(whose) = self.look().await {
            if said.as_ref() != Some(&whose) {
                turn(&self.elector.name(), whose.clone());
                said = Some(whose.clone());
            }
            // Who may not see it cannot wait for it.
            if matches!(whose, Turn::Unknown(_)) {
                return;
            }
            sleep(LOOK_EVERY).await;
        }
        turn(&self.elector.name(), Turn::Ours);
    }

    /// Waits until somebody holds it. Gives whom.
    pub async fn until_taken(&mut self) -> String {
        loop {
            sleep(DEADLINE).await;
            if let Some(Turn::Another(holder)) = self.look().await {
                return holder;
            }
        }
    }

    async fn look(&mut self) -> Option<Turn> {
        let asked = Instant::now();
        match timeout(TRY, self.elector.leases.get_opt(NAME)).await {
            Ok(Ok(lease)) => self.elector.another(&lease?, &mut self.seen, asked).map(Turn::Another),
            Ok(Err(error)) => Some(Turn::Unknown(crate::error_chain::chain(&error))),
            Err(_) => Some(Turn::Unknown("Kubernetes does not answer".to_owned())),
        }
    }
}

/// Tells, at any time, whether all are surely ours still: for whoever is about to write.
pub fn are_held(terms: &[Term]) -> impl Fn() -> bool + Send + Sync + 'static {
    let all: Vec<_> = terms.iter().map(|term| term.renewed.clone()).collect();
    move || all.iter().all(|renewed| !renewed.left().is_zero())
}

/// Renews all until one is lost.
pub async fn hold_all(terms: &mut [Term]) -> Lost {
    let mut all: FuturesUnordered<_> = terms.iter_mut().map(Term::hold).collect();
    match all.next().await {
        Some(lost) => lost,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::sync::atomic::{AtomicU64, Ordering};

    use http::{Method, Request, Response};
    use kube::client::Body;
    use serde_json::{Value, json};

    use super::*;

    /// An API server that keeps one Lease.
    #[derive(Default)]
    struct Server {
        lease: Mutex<Option<Value>>,
        version: AtomicU64,
        /// What it does with requests.
        manners: Mutex<Manners>,
    }

    #[derive(Default, Clone, Copy, PartialEq)]
    enum Manners {
        #[default]
        Good,
        /// 503.
        Refuses,
        /// 403.
        Forbids,
        /// No answer at all.
        Hangs,
        /// It does what was asked, and the answer is lost.
        Loses,
    }

    impl Server {
        fn client(self: &Arc<Self>) -> Client {
            let server = self.clone();
            let service = tower::service_fn(move |request: Request<Body>| {
                let server = server.clone();
                async move { Ok::<_, Infallible>(server.answer(request).await) }
            });
            Client::new(service, "default")
        }

        fn set(&self, manners: Manners) {
            *self.manners.lock().expect("no holder panics") = manners;
        }

        async fn answer(&self, request: Request<Body>) -> Response<Body> {
            let manners = *self.manners.lock().expect("no holder panics");
            if manners == Manners::Hangs {
                std::future::pending::<()>().await;
            }
            let method = request.method().clone();
            let body: Value =
                serde_json::from_slice(&request.into_body().collect_bytes().await.expect("a body")).unwrap_or_default();
            let (code, answer) = match manners {
                Manners::Refuses => (503, None),
                Manners::Forbids => (403, None),
                _ => self.take(&method, body),
            };
            if manners == Manners::Loses {
                return failure(503);
            }
            match answer {
                Some(lease) => Response::new(Body::from(lease.to_string().into_bytes())),
                None => failure(code),
            }
        }

        fn take(&self, method: &Method, mut body: Value) -> (u16, Option<Value>) {
            let mut lease = self.lease.lock().expect("no holder panics");
            let version = |lease: &Option<Value>| lease.as_ref().map(|lease| lease["metadata"]["resourceVersion"].clone());
            match (method, &*lease) {
                (&Method::GET, None) => return (404, None),
                (&Method::GET, _) => return (200, lease.clone()),
                (&Method::POST, Some(_)) => return (409, None),
                (&Method::PUT, _) if version(&lease) != Some(body["metadata"]["resourceVersion"].clone()) => return (409, None),
                _ => {}
            }
            body["metadata"]["resourceVersion"] = json!(self.version.fetch_add(1, Ordering::Relaxed).to_string());
            *lease = Some(body);
            (200, lease.clone())
        }

        fn holder(&self) -> Option<String> {
            self.lease.lock().expect("no holder panics").as_ref()?["spec"]["holderIdentity"].as_str().map(ToOwned::to_owned)
        }
    }

    fn failure(code: u16) -> Response<Body> {
        let reason = match code {
            403 => "Forbidden",
            404 => "NotFound",
            409 => "Conflict",
            _ => "ServiceUnavailable",
        };
        let status =
            json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "reason": reason, "message": ""});
        let mut answer = Response::new(Body::from(status.to_string().into_bytes()));
        *answer.status_mut() = http::StatusCode::from_u16(code).expect("a code");
        answer
    }

    async fn term(server: &Arc<Server>, holder: &str) -> Term {
        let acquired = Elector::new(server.client(), "kube-system", holder).acquire(None, |_, _| {}).await;
        acquired.unwrap_or_else(|_| panic!("it has all the patience there is"))
    }

    #[tokio::test(start_paused = true)]
    async fn a_holder_gives_up_before_a_standby_takes_over() {
        for manners in [Manners::Refuses, Manners::Hangs, Manners::Loses] {
            let server = Arc::new(Server::default());
            let mut first = term(&server, "first").await;
            let began = Instant::now();
            let is_held = are_held(std::slice::from_ref(&first));
            server.set(manners);
            let lost = first.hold().await;
            assert!(matches!(lost, Lost::NotRenewed { .. }), "{lost}");
            assert_eq!(began.elapsed(), DEADLINE, "and tried until then");
            assert!(!is_held(), "nothing is written from here on");
            server.set(Manners::Good);
            let written = Instant::now();
            let second = term(&server, "second").await;
            assert_eq!(server.holder().as_deref(), Some("second"));
            // The standby counts from its own first look: no clock is compared.
            assert!(written.elapsed() >= DURATION, "{:?}", written.elapsed());
            drop(second);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_lease_that_is_renewed_stays_and_one_that_is_given_back_is_free() {
        let server = Arc::new(Server::default());
        let mut first = term(&server, "first").await;
        let waits = async {
            tokio::select! {
                _ = term(&server, "second") => panic!("it was taken from its holder"),
                lost = first.hold() => panic!("{lost}"),
                () = sleep(DURATION * 20) => {}
            }
        };
        waits.await;
        let began = Instant::now();
        let ((), _) = futures::join!(first.release(), term(&server, "second"));
        assert!(began.elapsed() <= LOOK_EVERY, "{:?}", began.elapsed());
        assert_eq!(server.holder().as_deref(), Some("second"));
    }

    #[tokio::test(start_paused = true)]
    async fn what_others_write_to_it_or_what_is_lost_on_the_way_takes_nothing_away() {
        let server = Arc::new(Server::default());
        let mut first = term(&server, "first").await;
        let holds = async {
            for manners in [Manners::Loses, Manners::Refuses, Manners::Hangs] {
                server.set(manners);
                sleep(RENEW_EVERY * 2).await;
                server.set(Manners::Good);
                // kubectl annotate, say.
                server.lease.lock().expect("no holder panics").as_mut().expect("a Lease")["metadata"]["resourceVersion"] =
                    json!("another");
                sleep(DURATION).await;
            }
        };
        tokio::select! {
            lost = first.hold() => panic!("{lost}"),
            () = holds => {}
        }
        // Somebody deletes it: whoever makes it anew has it.
        server.lease.lock().expect("no holder panics").take();
        let _ = timeout(DURATION, first.hold()).await;
        assert_eq!(server.holder().as_deref(), Some("first"));
        server.lease.lock().expect("no holder panics").take();
        let _second = term(&server, "second").await;
        let lost = first.hold().await;
        assert!(matches!(lost, Lost::Taken { .. }), "{lost}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_namespace_that_refuses_its_lease_keeps_nobody_from_the_others() {
        let (good, gone) = (Arc::new(Server::default()), Arc::new(Server::default()));
        gone.set(Manners::Forbids);
        let electors = || vec![Elector::new(gone.client(), "a", "holder"), Elector::new(good.client(), "b", "holder")];
        let (heard, mut terms) = (Mutex::new(Vec::new()), Vec::new());
        let note = |lease: &str, turn: Turn| heard.lock().expect("no holder panics").push((lease.to_owned(), turn));
        let refused = acquire_all(electors(), &mut terms, note).await.expect("nothing is lost");
        let namespaces: (Vec<_>, Vec<_>) =
            (terms.iter().map(Term::namespace).collect(), refused.iter().map(|one| one.namespace.as_str()).collect());
        assert_eq!(namespaces, (vec!["b"], vec!["a"]));
        let heard = heard.into_inner().expect("no holder panics");
        assert!(
            matches!(&heard[..], [(a, Turn::Unknown(_)), (b, Turn::Ours)] if a.contains(" a/") && b.contains(" b/")),
            "{heard:?}"
        );
        // It comes back: that is told, and it stays free for whoever takes it then.
        let told = async {
            sleep(DURATION * 4).await;
            gone.set(Manners::Good);
        };
        let (namespace, ()) = futures::join!(any_can_be_had(refused), told);
        assert_eq!((namespace.as_str(), gone.holder()), ("a", None));
    }

    #[tokio::test(start_paused = true)]
    async fn one_for_some_namespaces_waits_for_one_for_all_and_sees_it_come() {
        let server = Arc::new(Server::default());
        let mut all = term(&server, "all").await;
        let mut wider = Wider::new(Elector::new(server.client(), "kube-system", "some"));
        let heard = Mutex::new(Vec::new());
        let waits = async {
            let note = |_: &str, turn: Turn| heard.lock().expect("no holder panics").push(turn);
            tokio::select! {
                () = wider.until_free(note) => panic!("it is held"),
                lost = all.hold() => panic!("{lost}"),
                () = sleep(DURATION * 4) => {}
            }
        };
        waits.await;
        assert_eq!(*heard.lock().expect("no holder panics"), [Turn::Another("all".into())]);
        // It was killed: nobody gives the Lease back.
        drop(all);
        let began = Instant::now();
        wider.until_free(|_, _| {}).await;
        assert!(began.elapsed() <= DURATION + LOOK_EVERY, "{:?}", began.elapsed());
        let mut again = term(&server, "again").await;
        let taken = async {
            tokio::select! {
                holder = wider.until_taken() => holder,
                lost = again.hold() => panic!("{lost}"),
            }
        };
        assert_eq!(taken.await, "again");
    }

    #[tokio::test(start_paused = true)]
    async fn of_many_that_want_it_one_has_it() {
        let server = Arc::new(Server::default());
        let all = (0..8).map(|number| {
            let server = server.clone();
            async move {
                let holder = format!("holder-{number}");
                let mut terms = 0;
                let end = Instant::now() + DURATION * 40;
                while Instant::now() < end {
                    let Ok(mut term) = timeout(DURATION * 40, term(&server, &holder)).await else { break };
                    let is_held = are_held(std::slice::from_ref(&term));
                    terms += 1;
                    // A term of its own length; some are given back, some are just left.
                    let _ = timeout(Duration::from_secs(3 + number), term.hold()).await;
                    assert!(!is_held() || server.holder().as_deref() == Some(&holder), "two at once");
                    if number % 2 == 0 {
                        term.release().await;
                    }
                }
                terms
            }
        });
        let terms: u32 = futures::future::join_all(all).await.into_iter().sum();
        assert!(terms > 20, "{terms} terms");
    }
}
