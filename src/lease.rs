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

    /// Waits until the Lease is ours. `waits` hears why it is not, each time that changes.
    pub async fn acquire(self, waits: impl Fn(&str)) -> Term {
        let mut seen: Option<(Lease, Instant)> = None;
        let mut said = String::new();
        loop {
            let asked = Instant::now();
            let why = match timeout(DEADLINE, self.try_once(&mut seen, asked)).await {
                Ok(Ok(Ok(lease))) => return Term { elector: self, lease, renewed: Renewed(Arc::new(Mutex::new(asked))) },
                Ok(Ok(Err(holder))) => format!("standby: {holder} holds the Lease {}/{NAME}", self.namespace),
                Ok(Err(error)) => {
                    format!("the Lease {}/{NAME} cannot be had: {}", self.namespace, crate::controller::chain(&error))
                }
                Err(_) => format!("the Lease {}/{NAME} cannot be had: Kubernetes does not answer", self.namespace),
            };
            if why != said {
                waits(&why);
                said = why;
            }
            sleep(LOOK_EVERY).await;
        }
    }

    /// Takes the Lease if it is free. The inner error is the one who holds it.
    async fn try_once(&self, seen: &mut Option<(Lease, Instant)>, now: Instant) -> Result<Result<Lease, String>, kube::Error> {
        let Some(lease) = self.leases.get_opt(NAME).await? else {
            let metadata = ObjectMeta { name: Some(NAME.to_owned()), ..ObjectMeta::default() };
            let lease = self.held(Lease { metadata, ..Lease::default() });
            return lost_race(self.leases.create(&PostParams::default(), &lease).await);
        };
        let since = match seen {
            Some((before, since)) if before.resource_version() == lease.resource_version() => *since,
            _ => seen.insert((lease.clone(), now)).1,
        };
        let spec = lease.spec.clone().unwrap_or_default();
        let lasts =
            spec.lease_duration_seconds.and_then(|seconds| u64::try_from(seconds).ok()).map_or(DURATION, Duration::from_secs);
        match spec.holder_identity.filter(|holder| !holder.is_empty()) {
            // Ours already: a write of ours landed, and its answer was lost.
            Some(holder) if holder != self.holder && now.duration_since(since) < lasts => Ok(Err(holder)),
            _ => lost_race(self.leases.replace(NAME, &PostParams::default(), &self.held(lease)).await),
        }
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
                    tracing::warn!(error = %crate::controller::chain(&error), "the Lease was not renewed, and is tried again");
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
        // Somebody wrote to it. As long as it still names us, it is ours.
        let live = leases.get_opt(NAME).await?;
        match live.as_ref().and_then(|live| live.spec.as_ref()?.holder_identity.as_deref()) {
            Some(same) if same == holder => {
                leases.replace(NAME, &PostParams::default(), &self.elector.held(live.unwrap_or_default())).await.map(Ok)
            }
            other => Ok(Err(other.unwrap_or_default().to_owned())),
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

/// Waits until all Leases are ours; those that are, are renewed meanwhile. One order for all: nobody waits in a circle.
///
/// # Errors
///
/// [`Lost`] if one goes before the last has come.
pub async fn acquire_all(mut electors: Vec<Elector>, waits: impl Fn(&str)) -> Result<Vec<Term>, Lost> {
    electors.sort_by(|one, other| one.namespace.cmp(&other.namespace));
    let mut terms = Vec::new();
    for elector in electors {
        let term = tokio::select! {
            term = elector.acquire(&waits) => term,
            lost = hold_all(&mut terms) => return Err(lost),
        };
        terms.push(term);
    }
    Ok(terms)
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
            let (code, answer) = if manners == Manners::Refuses { (503, None) } else { self.take(&method, body) };
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
        Elector::new(server.client(), "kube-system", holder).acquire(|_| {}).await
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
        server.lease.lock().expect("no holder panics").take();
        let lost = first.hold().await;
        assert!(matches!(lost, Lost::Taken { .. }), "somebody deleted it: {lost}");
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
