use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::http::{Request, Response};
use azure_core::http::headers::Headers;
use azure_core::http::{AsyncRawResponse, HttpClient};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::client::Body;
use prometheus_client::registry::Registry;
use serde_json::{Value, json};

use super::*;
use crate::azure::{Metrics, Settings};

const ONE: &str = "11111111-0000-4000-8000-000000000001";
const TWO: &str = "22222222-0000-4000-8000-000000000002";
const TENANT: &str = "72f988bf-0000-4000-8000-000000000001";

/// Accounts by their paths, what was asked of Kubernetes, and what of Entra.
#[derive(Default)]
struct Seen {
    accounts: Mutex<HashMap<String, Value>>,
    /// Kubernetes answers with this instead.
    fails: Mutex<Option<u16>>,
    /// Tokens hold for so many seconds less than an hour.
    less: AtomicUsize,
    looks: AtomicUsize,
    tokens: AtomicUsize,
    exchanges: Mutex<Vec<String>>,
}

impl std::fmt::Debug for Seen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Seen")
    }
}

#[async_trait::async_trait]
impl HttpClient for Seen {
    async fn execute_request(&self, request: &azure_core::http::Request) -> azure_core::Result<AsyncRawResponse> {
        let azure_core::http::Body::Bytes(body) = request.body() else { panic!("a form") };
        let asked = format!("{} {}", request.url().path(), String::from_utf8_lossy(body));
        self.exchanges.lock().expect("no holder panics").push(asked);
        // Whoever else wants a token comes while this one is waited for.
        tokio::time::sleep(Duration::from_secs(1)).await;
        let lasts = 3600 - self.less.load(Ordering::Relaxed);
        let body = json!({"token_type": "Bearer", "access_token": "t", "expires_in": lasts}).to_string();
        Ok(AsyncRawResponse::from_bytes(200.into(), Headers::new(), body))
    }
}

impl Seen {
    /// What an API server with these accounts says.
    fn answer(&self, path: &str) -> (u16, Value) {
        let counted = if path.ends_with("/token") { &self.tokens } else { &self.looks };
        counted.fetch_add(1, Ordering::Relaxed);
        let failure = |code: u16| {
            let reason = if code == 404 { "NotFound" } else { "" };
            let status = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "reason": reason, "message": "m"});
            (code, status)
        };
        if let Some(code) = *self.fails.lock().expect("no holder panics") {
            return failure(code);
        }
        let accounts = self.accounts.lock().expect("no holder panics");
        match accounts.get(path.trim_end_matches("/token")) {
            None => failure(404),
            Some(_) if path.ends_with("/token") => {
                let status = json!({"token": format!("of:{path}"), "expirationTimestamp": "2026-01-01T00:00:00Z"});
                (201, json!({"metadata": {}, "spec": {"audiences": []}, "status": status}))
            }
            Some(account) => (200, account.clone()),
        }
    }

    fn set(&self, namespace: &str, name: &str, uid: &str, annotations: &[(&str, &str)]) {
        let annotations: serde_json::Map<_, _> =
            annotations.iter().map(|(key, value)| ((*key).to_owned(), json!(value))).collect();
        let account = json!({"metadata": {"name": name, "namespace": namespace, "uid": uid, "annotations": annotations}});
        self.accounts.lock().expect("no holder panics").insert(path(namespace, name), account);
    }

    fn good(&self, name: &str) {
        self.set("team-a", name, "u1", &[(CLIENT_ID, ONE), (TENANT_ID, TENANT)]);
    }

    fn exchanges(&self) -> usize {
        self.exchanges.lock().expect("no holder panics").len()
    }

    fn looks(&self) -> usize {
        self.looks.load(Ordering::Relaxed)
    }
}

fn path(namespace: &str, name: &str) -> String {
    format!("/api/v1/namespaces/{namespace}/serviceaccounts/{name}")
}

/// What a pass has at hand.
struct Stage {
    seen: Arc<Seen>,
    kube: Client,
    operator: Arc<azure::Client>,
    identities: Identities,
}

impl Stage {
    fn new(tenant: Option<&str>) -> Self {
        let seen = Arc::new(Seen::default());
        let told = seen.clone();
        let api = tower::service_fn(move |request: Request<Body>| {
            let (code, body) = told.answer(request.uri().path());
            let answer = Response::builder().status(code).body(Body::from(body.to_string().into_bytes()));
            std::future::ready(Ok::<_, Infallible>(answer.expect("an answer")))
        });
        let settings = Settings {
            endpoint: "https://arm.example".into(),
            authority: "https://entra.example".into(),
            scope: "https://arm.example/.default".into(),
            synapse_endpoint: "https://{workspace}.synapse.example".into(),
            synapse_scope: "https://synapse.example/.default".into(),
            api_version: "2024-04-01".into(),
            credential: Credential::Unavailable(refusal("the operator's own".into())),
        };
        let operator =
            azure::Client::new(&settings, seen.clone(), Metrics::new(&mut Registry::default())).expect("good settings");
        let identities = Identities::new(tenant.map(ToOwned::to_owned));
        Self { seen, kube: Client::new(api, "default"), operator: Arc::new(operator), identities }
    }

    async fn of(&self, object: &SynapseSparkAttachment) -> Arc<azure::Client> {
        self.identities.of(object, Freshness::Within(Duration::ZERO), &self.kube, &self.operator).await
    }

    fn cached(&self) -> Vec<String> {
        let mut names: Vec<_> =
            self.identities.cached.lock().expect("no holder panics").keys().map(|place| place.name.clone()).collect();
        names.sort();
        names
    }
}

fn object(account: &str) -> SynapseSparkAttachment {
    let mut object = SynapseSparkAttachment::new("pool", crate::api::v1alpha1::SynapseSparkAttachmentSpec::default());
    object.metadata.namespace = Some("team-a".into());
    object.spec.service_account_name = Some(account.into());
    object
}

fn deleted(account: &str) -> SynapseSparkAttachment {
    let mut object = object(account);
    object.metadata.deletion_timestamp = Some(Time(jiff::Timestamp::UNIX_EPOCH));
    object
}

#[tokio::test(start_paused = true)]
async fn an_account_is_exchanged_for_its_own_client_and_tenant() {
    let stage = Stage::new(None);
    stage.seen.good("team");
    stage.of(&object("team")).await.authenticate().await.expect("a token");
    let asked = stage.seen.exchanges.lock().expect("no holder panics").join("\n");
    let account = path("team-a", "team").replace('/', "%2F");
    for part in [format!("/{TENANT}/oauth2/"), format!("client_id={ONE}"), format!("client_assertion=of%3A{account}%2Ftoken")] {
        assert!(asked.contains(&part), "{part} is not in {asked}");
    }
    // Who names nobody is the operator; here it has no identity.
    let mut plain = object("team");
    plain.spec.service_account_name = None;
    assert!(Arc::ptr_eq(&stage.of(&plain).await, &stage.operator));
}

#[tokio::test(start_paused = true)]
async fn what_is_wrong_with_an_account_is_told_and_entra_is_not_asked() {
    let long = "a".repeat(254);
    #[rustfmt::skip]
    let table = [
        // account       annotations                                      what is told
        ("absent",       None,                                            "ServiceAccount absent of namespace team-a is not there"),
        ("bare",         Some(vec![]),                                    "has no annotation azure.workload.identity/client-id"),
        ("empty",        Some(vec![(CLIENT_ID, " "), (TENANT_ID, TENANT)]), "has no annotation azure.workload.identity/client-id"),
        ("tenantless",   Some(vec![(CLIENT_ID, ONE)]),                    "has no annotation azure.workload.identity/tenant-id"),
        ("client",       Some(vec![(CLIENT_ID, "x"), (TENANT_ID, TENANT)]), "client-id: \"x\", which is no GUID"),
        ("tenant",       Some(vec![(CLIENT_ID, ONE), (TENANT_ID, "..")]), "tenant-id: \"..\", which is no GUID"),
        ("",             None,                                            "is no name of a ServiceAccount"),
        ("../../team-b/serviceaccounts/team", None,                       "is no name of a ServiceAccount"),
        ("team-b/team",  None,                                            "is no name of a ServiceAccount"),
        ("team-b:team",  None,                                            "is no name of a ServiceAccount"),
        ("..",           None,                                            "is no name of a ServiceAccount"),
        ("Team",         None,                                            "is no name of a ServiceAccount"),
        ("team?x=y",     None,                                            "is no name of a ServiceAccount"),
        ("-team",        None,                                            "is no name of a ServiceAccount"),
        (&long,          None,                                            "is no name of a ServiceAccount"),
    ];
    for (name, annotations, says) in table {
        let stage = Stage::new(None);
        stage.seen.set("team-b", "team", "u", &[(CLIENT_ID, TWO), (TENANT_ID, TENANT)]);
        if let Some(annotations) = &annotations {
            stage.seen.set("team-a", name, "u", annotations);
        }
        let told = stage.of(&object(name)).await.authenticate().await.expect_err(name);
        assert!(matches!(&told, azure::Error::CredentialUnavailable(error) if error.message.contains(says)), "{name}: {told:?}");
        assert_eq!(stage.seen.exchanges(), 0, "{name}");
        assert!(!says.contains("no name of") || stage.seen.looks() == 0, "{name} became part of a path");
    }
}

#[tokio::test(start_paused = true)]
async fn the_tenant_is_the_operators_where_the_account_names_none() {
    for (own, taken) in [(None, TENANT), (Some(TWO), TWO)] {
        let stage = Stage::new(Some(TENANT));
        let annotations = [Some((CLIENT_ID, ONE)), own.map(|own| (TENANT_ID, own))].into_iter().flatten().collect::<Vec<_>>();
        stage.seen.set("team-a", "team", "u", &annotations);
        stage.of(&object("team")).await.authenticate().await.expect("a token");
        assert!(stage.seen.exchanges.lock().expect("no holder panics")[0].starts_with(&format!("/{taken}/")));
    }
}

#[tokio::test(start_paused = true)]
async fn all_passes_at_once_make_one_exchange_and_one_look_lasts_a_minute() {
    let stage = Stage::new(None);
    stage.seen.good("team");
    let object = object("team");
    let passes = (0..50).map(|_| async { stage.of(&object).await.authenticate().await });
    assert!(futures::future::join_all(passes).await.into_iter().all(|one| one.is_ok()));
    assert_eq!((stage.seen.exchanges(), stage.seen.tokens.load(Ordering::Relaxed)), (1, 1));

    let (first, looks) = (stage.of(&object).await, stage.seen.looks());
    tokio::time::advance(ACCOUNT_TTL / 2).await;
    assert!(Arc::ptr_eq(&stage.of(&object).await, &first));
    assert_eq!(stage.seen.looks(), looks, "it was seen a moment ago");
    tokio::time::advance(ACCOUNT_TTL).await;
    assert!(Arc::ptr_eq(&stage.of(&object).await, &first), "it is the same account");
    assert_eq!(stage.seen.looks(), looks + 1);
    // Who asks for a look, or goes, gets one.
    stage.identities.of(&object, Freshness::Now, &stage.kube, &stage.operator).await;
    assert_eq!(stage.seen.looks(), looks + 2);
    assert_eq!(stage.seen.exchanges(), 1, "the token still holds");
}

#[tokio::test(start_paused = true)]
async fn another_account_gets_nothing_of_the_formers() {
    let good = [(CLIENT_ID, ONE), (TENANT_ID, TENANT)];
    for (case, uid, annotations) in [
        ("the same name", "u2", good),
        ("another client", "u1", [(CLIENT_ID, TWO), (TENANT_ID, TENANT)]),
        ("another tenant", "u1", [(CLIENT_ID, ONE), (TENANT_ID, TWO)]),
    ] {
        let stage = Stage::new(None);
        stage.seen.good("team");
        stage.of(&object("team")).await.authenticate().await.expect("a token");
        stage.seen.set("team-a", "team", uid, &annotations);
        tokio::time::advance(ACCOUNT_TTL * 2).await;
        stage.of(&object("team")).await.authenticate().await.expect("a token");
        assert_eq!(stage.seen.exchanges(), 2, "{case}");
        assert_eq!(stage.cached(), ["team"], "{case}: the former is forgotten");
    }
}

#[tokio::test(start_paused = true)]
async fn least_recently_used_identity_is_evicted_first() {
    let stage = Stage::new(None);
    let stage = Stage { identities: Identities { capacity: 3, ..stage.identities }, ..stage };
    for name in ["a", "b", "c", "a", "d"] {
        stage.seen.good(name);
        stage.of(&object(name)).await;
        tokio::time::advance(Duration::from_secs(1)).await;
    }
    assert_eq!(stage.cached(), ["a", "c", "d"]);
}

#[tokio::test(start_paused = true)]
async fn what_nobody_uses_for_an_hour_is_forgotten() {
    let stage = Stage::new(None);
    for name in ["busy", "idle", "new"] {
        stage.seen.good(name);
    }
    stage.of(&object("busy")).await;
    stage.of(&object("idle")).await;
    tokio::time::advance(IDLE_TTL / 2).await;
    stage.of(&object("busy")).await;
    tokio::time::advance(IDLE_TTL / 2 + Duration::from_secs(1)).await;
    stage.of(&object("new")).await;
    assert_eq!(stage.cached(), ["busy", "new"]);
}

#[tokio::test(start_paused = true)]
async fn without_its_account_a_deleted_object_uses_what_is_left_of_the_last_token() {
    let stage = Stage::new(None);
    stage.seen.good("team");
    // To be renewed from its beginning.
    stage.seen.less.store(3400, Ordering::Relaxed);
    stage.of(&object("team")).await.authenticate().await.expect("a token");
    stage.seen.accounts.lock().expect("no holder panics").clear();
    tokio::time::advance(ACCOUNT_TTL * 2).await;
    stage.of(&deleted("team")).await.authenticate().await.expect("the last token still holds");
    stage.of(&object("team")).await.authenticate().await.expect_err("an object that stays has to have its account");

    // The token is over, or the operator started anew.
    for wait in [Duration::from_mins(2), Duration::from_hours(2)] {
        tokio::time::advance(wait).await;
        let told = stage.of(&deleted("team")).await.authenticate().await.expect_err("there is no account");
        for words in ["is not there: make it again", "docs/deletion.md"] {
            assert!(told.to_string().contains(words), "{told}");
        }
    }
    assert_eq!(stage.seen.exchanges(), 1);
}

#[tokio::test(start_paused = true)]
async fn kubernetes_silence_changes_nothing_and_its_refusal_is_named() {
    let stage = Stage::new(None);
    stage.seen.good("team");
    stage.of(&object("team")).await.authenticate().await.expect("a token");
    tokio::time::advance(ACCOUNT_TTL * 2).await;
    *stage.seen.fails.lock().expect("no holder panics") = Some(500);
    stage.of(&object("team")).await.authenticate().await.expect("what was true when it last answered");
    let told = stage.of(&object("new")).await.authenticate().await.expect_err("nothing is known");
    assert!(matches!(told, azure::Error::Unavailable { .. }), "{told:?}");

    *stage.seen.fails.lock().expect("no holder panics") = Some(403);
    let told = stage.of(&object("team")).await.authenticate().await.expect_err("it may not");
    assert!(
        matches!(&told, azure::Error::CredentialUnavailable(error) if error.message.contains("namespaceIdentity.enabled")),
        "{told:?}"
    );
}
