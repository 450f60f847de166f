//! The Azure client: against recorded bytes of the service, and over TLS against the emulator.

#[path = "wire/dependencies.rs"]
mod dependencies;
#[path = "wire/list.rs"]
mod list;

use std::collections::VecDeque;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use azure_core::credentials::Secret;
use azure_core::http::headers::Headers;
use azure_core::http::response::PinnedStream;
use azure_core::http::{AsyncRawResponse, HttpClient, Request};
use azure_emulator::{Emulator, Fault, Options};
use prometheus_client::registry::Registry;
use serde_json::{Value, json};
use synapse_spark_operator::api::v1alpha1::AttachmentStatus;
use synapse_spark_operator::azure::wire::{self, Put, PutIdentity};
use synapse_spark_operator::azure::{Client, Credential, Error, Freshness, Metrics, Settings, State};
use synapse_spark_operator::controller::observe;
use synapse_spark_operator::planner::{Owner, Progress};
use synapse_spark_operator::resource_id::{ComputeId, WorkspaceId};
use synapse_spark_operator::telemetry::{self, LogFormat};

const SUBSCRIPTION: &str = "6560575d-fa06-4e7d-95fb-f962e74efd7a";
const ARM: &str = "https://arm.example";

/// One answer of the script.
struct Said {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

fn said(status: u16, body: &Value) -> Said {
    Said { status, headers: Vec::new(), body: body.to_string().into_bytes() }
}

/// What was asked: method, URL, authorization, body.
type Asked = (String, String, Option<String>, String);

/// Plays recorded answers in their order; a token for whoever asks Entra.
#[derive(Clone)]
struct Script {
    answers: Arc<Mutex<VecDeque<Said>>>,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl std::fmt::Debug for Script {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Script")
    }
}

#[async_trait::async_trait]
impl HttpClient for Script {
    async fn execute_request(&self, request: &Request) -> azure_core::Result<AsyncRawResponse> {
        let mut url = request.url().to_string();
        // Where a list of Synapse goes on is in a header.
        if let Some(continuation) = request.headers().get_optional_string(&"x-ms-continuation".into()) {
            url = format!("{url}#{continuation}");
        }
        let authorization = request.headers().get_optional_string(&"authorization".into());
        if url.contains("/oauth2/") {
            let azure_core::http::Body::Bytes(asked) = request.body() else { panic!("Entra is asked with a form") };
            let is_synapse = String::from_utf8_lossy(asked).contains("synapse.example");
            let token = if is_synapse { "synapses-token" } else { "the-token" };
            let body = json!({"token_type": "Bearer", "expires_in": 3599, "access_token": token});
            return Ok(AsyncRawResponse::from_bytes(200.into(), Headers::new(), body.to_string().into_bytes()));
        }
        let body = match request.body() {
            azure_core::http::Body::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
            azure_core::http::Body::SeekableStream(_) => String::new(),
        };
        self.asked.lock().expect("no holder panics").push((request.method().to_string(), url, authorization, body));
        let answer = self.answers.lock().expect("no holder panics").pop_front().expect("the script has an answer left");
        let mut headers = Headers::new();
        for (name, value) in answer.headers {
            headers.insert(name, value);
        }
        // In pieces, as a network gives it.
        let pieces: Vec<_> = answer.body.chunks(1 << 16).map(|piece| Ok(piece.to_vec().into())).collect();
        let stream: PinnedStream = Box::pin(futures::stream::iter(pieces));
        Ok(AsyncRawResponse::new(answer.status.into(), headers, stream))
    }
}

impl Script {
    fn of(answers: impl IntoIterator<Item = Said>) -> (Self, Client) {
        let script = Self { answers: Arc::new(Mutex::new(answers.into_iter().collect())), asked: Arc::default() };
        let settings = settings(
            ARM,
            "https://entra.example",
            Credential::ClientSecret {
                tenant: "72f988bf-0000-4000-8000-000000000001".into(),
                client: "c".into(),
                secret: Secret::new("s"),
            },
        );
        let client =
            Client::new(&settings, Arc::new(script.clone()), Metrics::new(&mut Registry::default())).expect("good settings");
        (script, client)
    }

    fn asked(&self) -> Vec<Asked> {
        self.asked.lock().expect("no holder panics").clone()
    }
}

fn settings(endpoint: &str, authority: &str, credential: Credential) -> Settings {
    Settings {
        endpoint: endpoint.into(),
        authority: authority.into(),
        scope: format!("{endpoint}/.default"),
        synapse_endpoint: "https://{workspace}.synapse.example".into(),
        synapse_scope: "https://synapse.example/.default".into(),
        api_version: "2024-04-01".into(),
        credential,
    }
}

fn workspace() -> WorkspaceId {
    WorkspaceId::new(SUBSCRIPTION, "yogi-res-group", "yogi-aml-ws").expect("an ID")
}

fn compute() -> ComputeId {
    workspace().compute("my-spark-pool").expect("an ID")
}

fn pool_id() -> String {
    format!(
        "/subscriptions/{SUBSCRIPTION}/resourceGroups/yogi-res-group/providers/Microsoft.Synapse/workspaces/yogi-synapse-ws/bigDataPools/yogisparkpool"
    )
}

fn put() -> Put {
    Put { location: "eastus2".into(), resource_id: pool_id(), ..Put::default() }
}

fn recorded() -> Vec<Value> {
    let file: Value = serde_json::from_str(include_str!("fixtures/aml-compute-lro-2022-08-30.json")).expect("a recording");
    file["exchanges"].as_array().expect("exchanges").clone()
}

/// A recorded answer, as bytes of the wire.
fn replay(exchange: &Value, at: &str) -> Said {
    let body = if exchange["body"].is_null() { Vec::new() } else { exchange["body"].to_string().into_bytes() };
    let mut headers = Vec::new();
    for name in ["Azure-AsyncOperation", "x-ms-correlation-request-id"] {
        if let Some(value) = exchange["headers"][name].as_str() {
            let name = if name == "Azure-AsyncOperation" { "azure-asyncoperation" } else { "x-ms-correlation-request-id" };
            headers.push((name, value.replace("https://management.azure.com", at)));
        }
    }
    Said { status: u16::try_from(exchange["status"].as_u64().expect("a status")).expect("a status"), headers, body }
}

#[tokio::test]
async fn reads_the_recorded_life_of_a_compute() {
    let exchanges = recorded();
    let recorded = "00000000-0000-0000-0000-000000000";
    let (script, client) = Script::of(exchanges.iter().map(|exchange| replay(exchange, ARM)));
    // 201, Azure-AsyncOperation alone, no Location: path and query as they came, order and all.
    let path = client.put(&compute(), &put(), None).await.expect("taken").expect("an operation");
    assert!(path.ends_with("?api-version=2022-01-01-preview&service=new") && path.starts_with("/subscriptions/"), "{path}");
    assert_eq!(client.operation(recorded, &path).await.expect("an answer"), State::Succeeded);
    assert_eq!(script.asked()[1].1, format!("{ARM}{path}"), "the link is used as it came");
    // Tags {} now, no identity, 7 digits of a second.
    let found = client.compute(&compute(), Freshness::Now).await.expect("an answer").expect("there");
    assert_eq!(found.properties.created_on.as_deref(), Some("2022-08-30T19:56:28.2261097+00:00"));
    assert_eq!(
        (found.tags.len(), found.identity.is_none(), found.properties.provisioning_state.as_deref()),
        (0, true, Some("Succeeded"))
    );
    // An update answers 201 too.
    let path = client.put(&compute(), &put(), None).await.expect("taken").expect("an operation");
    assert_eq!(client.operation(recorded, &path).await.expect("an answer"), State::Succeeded);
    // 202, empty body.
    client.detach(&compute(), None).await.expect("taken").expect("an operation");
    let asked = script.asked();
    assert!(
        asked[5].0.eq_ignore_ascii_case("DELETE")
            && asked[5].1.ends_with("?api-version=2024-04-01&underlyingResourceAction=Detach"),
        "{asked:?}"
    );
    assert!(
        asked
            .iter()
            .all(|(_, url, authorization, _)| url.starts_with(ARM) && authorization.as_deref() == Some("Bearer the-token"))
    );
}

#[test]
fn reads_the_bodies_that_the_service_really_has() {
    let exchanges = recorded();
    let created: wire::Compute =
        serde_json::from_value(exchanges[0]["body"].clone()).expect("the create's answer: tags null, no computeLocation");
    assert_eq!(created.properties.provisioning_state.as_deref(), Some("Creating"));
    let updated: wire::Compute = serde_json::from_value(exchanges[3]["body"].clone()).expect("the update's answer");
    assert_eq!(updated.properties.modified_on.as_deref(), Some("2022-08-30T19:56:59.264095+00:00"), "6 digits");
    let bare: wire::Compute =
        serde_json::from_value(json!({"properties": {"computeType": "SynapseSpark"}})).expect("tags absent");
    assert!(bare.tags.is_empty());
}

#[test]
fn takes_identities_in_any_spelling_and_ids_in_any_case() {
    let owner = Owner { cluster: "c".into(), namespace: "n".into(), name: "o".into(), uid: "u".into() };
    let lower = format!(
        "/subscriptions/{SUBSCRIPTION}/resourcegroups/rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-zeta"
    );
    let other = lower.replace("id-zeta", "id-alpha");
    #[rustfmt::skip]
    let table = [
        ("SystemAssigned",               true,  0),
        ("Systemassigned",               true,  0),
        ("systemassigned",               true,  0),
        ("UserAssigned",                 false, 2),
        ("Userassigned",                 false, 2),
        ("SystemAssigned,UserAssigned",  true,  2),
        ("Systemassigned,Userassigned",  true,  2),
        ("SystemAssigned, UserAssigned", true,  2),
        ("None",                         false, 0),
    ];
    for (kind, system, users) in table {
        let ids = if users > 0 { json!({&lower: {"principalId": "p", "clientId": "c"}, &other: {}}) } else { Value::Null };
        let body = json!({"identity": {"type": kind, "userAssignedIdentities": ids}, "properties": {"computeType": "SynapseSpark", "resourceId": pool_id().to_lowercase()}});
        let found: wire::Compute = serde_json::from_value(body).expect("a compute");
        let seen = observe::compute(&found, &owner, &AttachmentStatus::default());
        assert_eq!((seen.identity.system, seen.identity.user.len()), (system, users), "{kind}");
        assert_eq!(seen.pool, synapse_spark_operator::resource_id::PoolId::parse(&pool_id()).ok(), "{kind}");
        if users > 0 {
            assert_eq!(
                seen.identity.user.iter().map(|(id, ..)| id.name()).collect::<Vec<_>>(),
                ["id-zeta", "id-alpha"],
                "the order of the wire"
            );
        }
    }
}

#[test]
fn finds_code_and_words_in_every_shape_of_error() {
    #[rustfmt::skip]
    let table = [
        ("as specified",       json!({"error": {"code": "A", "message": "m"}}),                                  Some(("A", "m"))),
        ("double-nested",      json!({"status": "Failed", "error": {"error": {"code": "A", "message": "m"}}}),   Some(("A", "m"))),
        ("bare",               json!({"code": "A", "message": "m"}),                                             Some(("A", "m"))),
        ("both, as in 2019",   json!({"code": "x", "message": "y", "error": {"code": "A", "message": "m"}}),     Some(("A", "m"))),
        ("details alone",      json!({"error": {"details": [{"code": "Conflict", "message": "m"}]}}),           Some(("Conflict", "m"))),
        ("a status code in it", json!({"error": {"code": "InternalServerError", "statusCode": 500, "message": "m", "details": [{"code": "d", "message": "e"}]}}), Some(("InternalServerError", "m"))),
        ("nothing",            json!({}),                                                                        None),
        ("text",               json!("busy"),                                                                    None),
        ("null",               Value::Null,                                                                      None),
    ];
    for (case, body, wanted) in table {
        let wanted = wanted.map(|(code, message): (&str, &str)| (code.to_owned(), message.to_owned()));
        assert_eq!(wire::error_of(body.to_string().as_bytes()), wanted, "{case}");
    }
    let many = json!([{"error": {"code": "A", "message": "m"}}, {"code": "B"}, {}]);
    assert_eq!(wire::errors_of(Some(&many)).len(), 2);
    assert_eq!(wire::errors_of(Some(&Value::Null)).len(), 0);
}

#[tokio::test]
async fn a_list_survives_what_it_does_not_know_and_follows_its_links() {
    let link = format!("{ARM}{}/computes?api-version=2024-04-01&$skip=abc%3D", workspace());
    let first = json!({"value": [
        {"name": "ours", "properties": {"computeType": "SynapseSpark", "provisioningState": "Resizing"}},
        {"name": "odd", "properties": {"computeType": "QuantumPool", "properties": ["a", "list"]}},
        {"name": "broken", "properties": "no object"},
        {"name": "bare"},
    ], "nextLink": link});
    let (script, client) = Script::of([said(200, &first), said(200, &json!({"value": null, "nextLink": null}))]);
    let all = client.computes(&workspace()).await.expect("all pages");
    assert_eq!(all.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), ["ours", "odd", "bare"]);
    assert_eq!(
        Progress::of(all[0].properties.provisioning_state.as_deref()),
        Progress::Working,
        "an unknown state is work in progress"
    );
    assert_eq!(script.asked()[1].1, link, "the link is used as it came");
}

#[tokio::test]
async fn the_token_goes_to_no_other_origin() {
    for foreign in [
        "https://evil.example/x",
        "http://arm.example/x",
        "https://arm.example.evil.example/x",
        "//evil.example/x",
        "https://arm.example@evil.example/",
    ] {
        let (script, client) = Script::of([
            said(200, &json!({"value": [], "nextLink": foreign})),
            Said { status: 201, headers: vec![("azure-asyncoperation", foreign.to_owned())], body: b"{}".to_vec() },
            Said { status: 302, headers: vec![("location", foreign.to_owned())], body: Vec::new() },
        ]);
        client.computes(&workspace()).await.expect_err("the rest is elsewhere");
        assert_eq!(client.put(&compute(), &put(), None).await.expect("taken"), None, "an operation elsewhere is none");
        client.compute(&compute(), Freshness::Now).await.expect_err("a redirect is no answer");
        assert_eq!(script.asked().len(), 3, "{foreign}: {:?}", script.asked());
    }
}

#[tokio::test]
async fn the_token_goes_to_no_other_path_than_an_operations() {
    let of = |subscription: &str| {
        format!("/subscriptions/{subscription}/providers/Microsoft.MachineLearningServices/locations/eastus2")
    };
    let (here, elsewhere) = (of(SUBSCRIPTION), of("6560575d-fa06-4e7d-95fb-000000000000"));
    for path in [
        format!("{elsewhere}/computeOperationsStatus/1"),
        format!("{here}/../../../../resourceGroups/rg"),
        format!("{here}/%2e%2e/%2e%2e/%2e%2e/%2e%2e/resourceGroups/rg"),
        format!("{here}/..%2f..%2f..%2f..%2fresourceGroups/rg"),
        format!("{here}\\..\\..\\..\\..\\resourceGroups/rg"),
        format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/v"),
        format!("https://evil.example{here}/computeOperationsStatus/1"),
        String::new(),
    ] {
        let (script, client) = Script::of([]);
        assert_eq!(client.operation(SUBSCRIPTION, &path).await.expect("an answer"), State::Forgotten, "{path}");
        assert!(script.asked().is_empty(), "{path}");
    }
    let (_, client) = Script::of([said(200, &json!({"status": "Succeeded"}))]);
    let shouted = format!("{}/computeOperationsStatus/1?api-version=1", here.to_uppercase());
    assert_eq!(client.operation(SUBSCRIPTION, &shouted).await.expect("an answer"), State::Succeeded);
}

#[tokio::test]
async fn what_an_answer_means() {
    let azure = |code: &str| json!({"error": {"code": code, "message": "m"}});
    #[rustfmt::skip]
    let table = [
        (400, azure("UserError"),                "request rejected"),
        (400, azure("FailedIdentityOperation"),  "conflicts"),
        (401, azure("ExpiredAuthenticationToken"), "access token not accepted"),
        (403, azure("AuthorizationFailed"),      "not authorized"),
        (403, azure("LinkedAuthorizationFailed"), "not authorized"),
        (404, azure("ParentResourceNotFound"),   "workspace not found"),
        (404, azure("ResourceGroupNotFound"),    "workspace not found"),
        (404, azure("SubscriptionNotFound"),     "subscription not found"),
        (404, azure("InvalidResourceType"),      "request rejected"),
        (404, azure("NoRegisteredProviderFound"), "request rejected"),
        (404, json!("<html>proxy</html>"),       "Azure is unavailable"),
        (409, azure("Conflict"),                 "conflicts"),
        (500, azure("InternalServerError"),      "Azure is unavailable"),
        (503, json!(null),                       "Azure is unavailable"),
        (418, json!({}),                         "request rejected"),
    ];
    for (status, body, begins) in table {
        let (_, client) = Script::of([said(status, &body)]);
        let error = client.compute(&compute(), Freshness::Now).await.expect_err("no success");
        assert!(error.to_string().starts_with(begins), "{status} {body}: {error}");
    }
    let (_, client) = Script::of([said(404, &azure("ResourceNotFound"))]);
    assert!(client.compute(&compute(), Freshness::Now).await.expect("an answer").is_none());
}

#[tokio::test]
async fn a_429_closes_the_bucket_for_all_of_its_kind_and_subscription() {
    let busy = json!({"error": {"code": "SubscriptionRequestsThrottled", "message": "Please try again after '10' seconds."}});
    let throttled = Said { headers: vec![("retry-after", "10".to_owned())], ..said(429, &busy) };
    let (script, client) = Script::of([throttled, said(201, &json!({})), said(200, &json!({"properties": {}}))]);
    let error = client.compute(&compute(), Freshness::Now).await.expect_err("throttled");
    assert!(matches!(error, Error::Throttled { retry_after, .. } if retry_after == Duration::from_secs(10)), "{error}");
    let other = workspace().compute("another").expect("an ID");
    let error = client.compute(&other, Freshness::Now).await.expect_err("still closed");
    assert!(matches!(error, Error::Throttled { retry_after, .. } if retry_after <= Duration::from_secs(10)), "{error}");
    assert_eq!(script.asked().len(), 1, "asked nothing meanwhile");
    client.put(&compute(), &put(), None).await.expect("writes have a bucket of their own");
    let elsewhere =
        WorkspaceId::new("00000000-0000-0000-0000-000000000000", "g", "w2").and_then(|ws| ws.compute("it")).expect("an ID");
    client.compute(&elsewhere, Freshness::Now).await.expect("another subscription has its own");
}

#[tokio::test]
async fn looks_are_shared_as_far_as_told_and_forgotten_with_a_write() {
    let there = json!({"properties": {"computeType": "SynapseSpark"}});
    let absent = json!({"error": {"code": "ResourceNotFound", "message": "m"}});
    let (script, client) = Script::of([said(404, &absent), said(404, &absent), said(201, &there), said(200, &there)]);
    let while_fresh = Freshness::Within(Duration::from_mins(1));
    for _ in 0..3 {
        assert!(client.compute(&compute(), while_fresh).await.expect("an answer").is_none());
    }
    assert_eq!(script.asked().len(), 1);
    client.compute(&compute(), Freshness::Now).await.expect("an answer");
    assert_eq!(script.asked().len(), 2);
    client.put(&compute(), &put(), None).await.expect("taken");
    assert!(
        client.compute(&compute(), while_fresh).await.expect("an answer").is_some(),
        "what was before the write is forgotten"
    );
}

#[tokio::test]
async fn each_request_is_one_line_with_azures_ids_and_a_refusal_is_a_warning() {
    LazyLock::force(&LOG);
    let operation = format!(
        "/subscriptions/{SUBSCRIPTION}/providers/Microsoft.MachineLearningServices/locations/l/op/secret-path?sig=signed"
    );
    #[rustfmt::skip]
    let table = [
        // status  body                                                          level    line
        (200, json!({"properties": {"computeType": "SynapseSpark"}}),            "DEBUG", "azure request succeeded"),
        (404, json!({"error": {"code": "ResourceNotFound", "message": "gone"}}), "DEBUG", "azure resource not found"),
        (403, json!({"error": {"code": "AuthorizationFailed", "message": "no"}}), "WARN", "azure request failed"),
        (429, json!({"error": {"code": "TooManyRequests", "message": "slow"}}),  "WARN", "azure request failed"),
    ];
    for (status, body, level, line) in table {
        let (request, correlation) = (format!("request-of-{status}"), format!("correlation-of-{status}"));
        let headers = vec![("x-ms-request-id", request.clone()), ("x-ms-correlation-request-id", correlation.clone())];
        let (_, client) = Script::of([Said { status, headers, body: body.to_string().into_bytes() }]);
        let _ = client.compute(&compute(), Freshness::Now).await;
        let text = LOG.text();
        let lines: Vec<_> = text.lines().filter(|line| line.contains(&request)).collect();
        let [only] = lines[..] else { panic!("{lines:?}") };
        let only: Value = serde_json::from_str(only).expect("a line is JSON");
        let (about, path) = (&only["span"], compute().to_string());
        assert_eq!((only["level"].as_str(), only["message"].as_str()), (Some(level), Some(line)), "{only}");
        assert_eq!(
            (about["request_id"].as_str(), about["correlation_request_id"].as_str()),
            (Some(&*request), Some(&*correlation))
        );
        assert_eq!((about["status"].as_u64(), about["path"].as_str()), (Some(status.into()), Some(&*path)), "{only}");
        assert!(about["client_request_id"].as_str().is_some_and(|id| id.len() == 36), "{only}");
    }
    let (_, client) = Script::of([said(500, &json!({"error": {"code": "Odd", "message": "an operation's"}}))]);
    let _ = client.operation(SUBSCRIPTION, &operation).await;
    let text = LOG.text();
    assert!(text.contains("an operation's"), "it is told");
    assert!(!text.contains("secret-path") && !text.contains("signed") && !text.contains("the-token"), "and nothing secret");
}

#[tokio::test]
async fn an_answer_without_end_is_not_read_to_its_end() {
    let (_, client) = Script::of([Said { status: 200, headers: Vec::new(), body: vec![b' '; 20 << 20] }]);
    let error = client.compute(&compute(), Freshness::Now).await.expect_err("too long");
    assert!(error.to_string().contains("bytes"), "{error}");
}

#[tokio::test]
async fn a_put_says_what_microsofts_client_says() {
    let ids = ["id-zeta", "id-alpha"].map(|name| {
        format!("/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{name}")
    });
    let whole = Put {
        description: Some("d".into()),
        identity: Some(PutIdentity { kind: "SystemAssigned,UserAssigned", user: ids.to_vec() }),
        tags: vec![("Env".into(), "Prod".into())],
        ..put()
    };
    let (script, client) = Script::of([said(201, &json!({})), said(201, &json!({}))]);
    client.put(&compute(), &whole, None).await.expect("taken");
    client.put(&compute(), &put(), None).await.expect("taken");
    let bodies: Vec<_> = script.asked().into_iter().map(|(.., body)| body).collect();
    // The text, not the value: the order of the identities counts.
    let identity = format!(
        r#""identity":{{"type":"SystemAssigned,UserAssigned","userAssignedIdentities":{{"{}":{{}},"{}":{{}}}}}}"#,
        ids[0], ids[1]
    );
    assert!(bodies[0].contains(&identity), "{}", bodies[0]);
    let bare: Value = serde_json::from_str(&bodies[1]).expect("JSON");
    assert_eq!(
        bare,
        json!({"location": "eastus2", "properties": {"computeType": "SynapseSpark", "resourceId": pool_id()}}),
        "nothing is null"
    );
}

/// An emulator over TLS, and a client of it.
async fn emulated(secret: &str) -> (tempfile::TempDir, Emulator, Client) {
    LazyLock::force(&LOG);
    // Another test may have been first: the provider is the same.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let dir = tempfile::tempdir().expect("a folder");
    let emulator = Emulator::start(Options::in_dir(dir.path())).await.expect("it starts");
    let ca = reqwest::Certificate::from_pem(emulator.ca_pem().as_bytes()).expect("a certificate");
    let transport =
        reqwest::Client::builder().tls_certs_only([ca]).redirect(reqwest::redirect::Policy::none()).build().expect("a client");
    let credential = Credential::ClientSecret {
        tenant: "72f988bf-0000-4000-8000-000000000001".into(),
        client: "11111111-2222-3333-4444-555555555555".into(),
        secret: Secret::new(secret.to_owned()),
    };
    let settings = settings(emulator.endpoint(), emulator.endpoint(), credential);
    let client = Client::new(&settings, Arc::new(transport), Metrics::new(&mut Registry::default())).expect("good settings");
    (dir, emulator, client)
}

const SECRET: &str = "emulator-secret-not-a-real-one";

#[tokio::test]
async fn a_whole_life_over_tls_and_no_secret_in_the_log() {
    let (_dir, emulator, client) = emulated(SECRET).await;
    assert!(client.compute(&compute(), Freshness::Now).await.expect("an answer").is_none());
    let location = client.location(compute().workspace()).await.expect("a region");
    let path = client.put(&compute(), &Put { location, ..put() }, None).await.expect("taken").expect("an operation");
    assert_eq!(client.operation(SUBSCRIPTION, &path).await.expect("an answer"), State::Succeeded);
    let found = client.compute(&compute(), Freshness::Now).await.expect("an answer").expect("there");
    assert_eq!(found.pool().pool_name.as_deref(), Some("yogisparkpool"));
    assert_eq!(client.computes(&workspace()).await.expect("a list").len(), 1);
    client.detach(&compute(), None).await.expect("taken").expect("an operation");
    assert!(client.compute(&compute(), Freshness::Now).await.expect("an answer").is_none());
    assert_eq!(client.detach(&compute(), None).await.expect("nothing to do"), None);
    let text = LOG.text();
    let tokens =
        emulator.azure().lock().expect("no holder panics").journal(0).filter(|entry| entry.path.contains("/oauth2/")).count();
    assert_eq!(tokens, 1, "one token serves all");
    assert!(text.contains("performing request"), "the transport does log: {text}");
    for secret in ["Bearer ", "eyJ", SECRET] {
        assert!(!text.contains(secret), "{secret:?} is in the log");
    }
    emulator.stop().await;
}

#[tokio::test]
async fn a_wrong_secret_is_named_by_entras_code() {
    let (_dir, emulator, client) = emulated("wrong").await;
    for _ in 0..5 {
        let error = client.compute(&compute(), Freshness::Now).await.expect_err("no token");
        let Error::CredentialUnavailable(refusal) = &error else { panic!("{error}") };
        assert_eq!(refusal.code, "AADSTS7000215", "{error}");
        assert!(!error.to_string().contains("wrong"), "the secret is not in it");
    }
    let asked = emulator.azure().lock().expect("no holder panics").journal(0).count();
    assert_eq!(asked, 1, "Entra is left alone after a refusal, and ARM was never asked");
    emulator.stop().await;
}

#[tokio::test]
async fn a_failed_operation_keeps_azures_words() {
    let (_dir, emulator, client) = emulated(SECRET).await;
    let fault =
        json!({"method": "PUT", "path": "/computes/", "failOperation": {"code": "PoolBusy", "message": "the pool is busy"}});
    emulator.azure().lock().expect("no holder panics").add_fault(Fault::from_json(&fault).expect("a fault"));
    let path =
        client.put(&compute(), &Put { location: "eastus2".into(), ..put() }, None).await.expect("taken").expect("an operation");
    let State::Failed(words) = client.operation(SUBSCRIPTION, &path).await.expect("an answer") else { panic!("it failed") };
    assert_eq!((words.code.as_str(), words.message.as_str()), ("PoolBusy", "the pool is busy"));
    emulator.stop().await;
}

/// Every log line of this binary, down to the last detail: one subscriber for all threads.
static LOG: LazyLock<Log> = LazyLock::new(|| {
    let log = Log::default();
    telemetry::log(LogFormat::Json, "trace", log.clone(), None).expect("nobody was first");
    log
});

/// Log lines, kept.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().expect("no holder panics")).into_owned()
    }
}

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("no holder panics").extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl tracing_subscriber::fmt::MakeWriter<'_> for Log {
    type Writer = Self;
    fn make_writer(&self) -> Self {
        self.clone()
    }
}
