#[path = "../../../tests/support/in_process/api/mod.rs"]
#[expect(dead_code, reason = "tests/watch.rs and tests/reconcile.rs need the rest")]
mod api;
mod cache;
mod lost;

use std::sync::atomic::{AtomicU32, Ordering};

use azure_core::http::headers::Headers;
use azure_core::http::{AsyncRawResponse, HttpClient};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use prometheus_client::registry::Registry;
use serde_json::json;

use super::*;
use crate::azure::Metrics;
use crate::azure::test_settings::settings;
use api::Api as Kubernetes;

const ONE: &str = "11111111-0000-4000-8000-000000000001";
const TWO: &str = "22222222-0000-4000-8000-000000000002";
const TENANT: &str = "72f988bf-0000-4000-8000-000000000001";

/// An Entra that exchanges every assertion.
#[derive(Debug)]
struct Entra {
    exchanges: Mutex<Vec<String>>,
    /// How long its tokens hold, in seconds.
    lifetime: AtomicU32,
}

#[async_trait::async_trait]
impl HttpClient for Entra {
    async fn execute_request(&self, request: &azure_core::http::Request) -> azure_core::Result<AsyncRawResponse> {
        let azure_core::http::Body::Bytes(body) = request.body() else { panic!("a form") };
        let asked = format!("{} {}", request.url().path(), String::from_utf8_lossy(body));
        self.exchanges.lock().expect("no holder panics").push(asked);
        // Another reconcile that needs a token starts while this one is waiting.
        tokio::time::sleep(Duration::from_secs(1)).await;
        let lifetime = self.lifetime.load(Ordering::Relaxed);
        let body = json!({"token_type": "Bearer", "access_token": "t", "expires_in": lifetime}).to_string();
        Ok(AsyncRawResponse::from_bytes(200.into(), Headers::new(), body))
    }
}

/// Kubernetes, Entra, and the identities that are tested.
struct Stage {
    kubernetes: Kubernetes,
    entra: Arc<Entra>,
    operator: Arc<azure::Client>,
    identities: Identities,
}

/// The audience in another cloud than the public one.
const AUDIENCE: &str = "api://AzureADTokenExchangeUSGov";

impl Stage {
    fn new(tenant: Option<&str>) -> Self {
        let entra = Arc::new(Entra { exchanges: Mutex::default(), lifetime: AtomicU32::new(3600) });
        let credential = Credential::Unavailable(refusal("the operator's own".into()));
        let settings = azure::Settings {
            token_audience: AUDIENCE.into(),
            ..settings("https://arm.example", "https://entra.example", credential)
        };
        let operator =
            azure::Client::new(&settings, entra.clone(), Metrics::new(&mut Registry::default())).expect("good settings");
        let identities = Identities::new(tenant.map(ToOwned::to_owned));
        Self { kubernetes: Kubernetes::default(), entra, operator: Arc::new(operator), identities }
    }

    /// One with the ServiceAccount `team`.
    fn with_team() -> Self {
        let stage = Self::new(None);
        stage.put("team");
        stage
    }

    /// Stores a ServiceAccount that is complete.
    fn put(&self, name: &str) {
        self.kubernetes.put_account("team-a", name, "u1", &[(CLIENT_ID, ONE), (TENANT_ID, TENANT)]);
    }

    async fn of(&self, object: &SynapseSparkAttachment) -> Arc<azure::Client> {
        self.of_fresh(object, Freshness::Within(Duration::ZERO)).await
    }

    async fn of_fresh(&self, object: &SynapseSparkAttachment, freshness: Freshness) -> Arc<azure::Client> {
        self.identities.of(object, freshness, &self.kubernetes.client(), &self.operator).await
    }

    /// Gets an access token for this object.
    async fn token(&self, object: &SynapseSparkAttachment) -> Result<(), azure::Error> {
        self.of(object).await.authenticate().await.map(drop)
    }

    /// How often an account was read.
    fn reads(&self) -> usize {
        self.kubernetes.requests(&["GET", "/serviceaccounts/"]).len()
    }

    fn exchanges(&self) -> usize {
        self.entra.exchanges.lock().expect("no holder panics").len()
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
async fn token_of_an_account_is_exchanged_for_its_own_client_and_tenant() {
    let stage = Stage::with_team();
    stage.token(&object("team")).await.expect("a token");
    let asked = stage.entra.exchanges.lock().expect("no holder panics").join("\n");
    for part in [format!("/{TENANT}/oauth2/"), format!("client_id={ONE}"), "client_assertion=of%3Ateam-a%2Fteam".to_owned()] {
        assert!(asked.contains(&part), "{part} is not in {asked}");
    }
    let requested = &stage.kubernetes.bodies(&["POST", "/serviceaccounts/team/token"])[0];
    assert_eq!(requested["spec"]["audiences"], json!([AUDIENCE]), "that of the cloud");
}

#[tokio::test(start_paused = true)]
async fn object_that_names_no_account_uses_the_operators_identity() {
    let stage = Stage::with_team();
    let mut plain = object("team");
    plain.spec.service_account_name = None;
    assert!(Arc::ptr_eq(&stage.of(&plain).await, &stage.operator));
}

/// An object that names this account, which has these annotations if it is there, cannot have a token for this reason.
async fn is_refused(name: &str, annotations: Option<&[(&str, &str)]>, reason: &str) -> Stage {
    let stage = Stage::new(None);
    stage.kubernetes.put_account("team-b", "team", "u", &[(CLIENT_ID, TWO), (TENANT_ID, TENANT)]);
    if let Some(annotations) = annotations {
        stage.kubernetes.put_account("team-a", name, "u", annotations);
    }
    let error = stage.token(&object(name)).await.expect_err(name);
    assert!(matches!(&error, azure::Error::CredentialUnavailable(error) if error.message.contains(reason)), "{name}: {error:?}");
    assert_eq!(stage.exchanges(), 0, "{name}: Entra is not asked");
    stage
}

type Annotations = &'static [(&'static str, &'static str)];

#[tokio::test(start_paused = true)]
async fn account_that_is_absent_or_badly_annotated_is_named() {
    #[rustfmt::skip]
    let table: [(&str, Option<Annotations>, &str); 6] = [
        // account       annotations                                      reason
        ("absent",       None,                                            "ServiceAccount absent of namespace team-a does not exist"),
        ("bare",         Some(&[]),                                       "has no annotation azure.workload.identity/client-id"),
        ("empty",        Some(&[(CLIENT_ID, " "), (TENANT_ID, TENANT)]),  "has no annotation azure.workload.identity/client-id"),
        ("tenantless",   Some(&[(CLIENT_ID, ONE)]),                       "has no annotation azure.workload.identity/tenant-id"),
        ("client",       Some(&[(CLIENT_ID, "x"), (TENANT_ID, TENANT)]),  "client-id: \"x\", which is not a GUID"),
        ("tenant",       Some(&[(CLIENT_ID, ONE), (TENANT_ID, "..")]),    "tenant-id: \"..\", which is not a GUID"),
    ];
    for (name, annotations, reason) in table {
        is_refused(name, annotations, reason).await;
    }
}

#[tokio::test(start_paused = true)]
async fn name_that_no_account_can_have_becomes_no_part_of_a_path() {
    let long = "a".repeat(254);
    for name in
        ["", "../../team-b/serviceaccounts/team", "team-b/team", "team-b:team", "..", "Team", "team?x=y", "-team", long.as_str()]
    {
        let stage = is_refused(name, None, "is not a valid name of a ServiceAccount").await;
        assert_eq!(stage.reads(), 0, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn account_without_a_tenant_has_the_operators() {
    for (own, used) in [(None, TENANT), (Some(TWO), TWO)] {
        let stage = Stage::new(Some(TENANT));
        let annotations = [Some((CLIENT_ID, ONE)), own.map(|own| (TENANT_ID, own))].into_iter().flatten().collect::<Vec<_>>();
        stage.kubernetes.put_account("team-a", "team", "u", &annotations);
        stage.token(&object("team")).await.expect("a token");
        assert!(stage.entra.exchanges.lock().expect("no holder panics")[0].starts_with(&format!("/{used}/")));
    }
}
