//! The client against the emulator, over TLS.

use std::sync::{Arc, LazyLock};

use azure_core::credentials::Secret;
use azure_emulator::{Emulator, Fault, Options};
use prometheus_client::registry::Registry;
use serde_json::json;
use synapse_spark_operator::azure::wire::Put;
use synapse_spark_operator::azure::{Client, Credential, Error, Freshness, Metrics, State};

use crate::log::LOG;
use crate::script::{SUBSCRIPTION, compute, put, settings, workspace};

/// An emulator over TLS, and a client of it.
async fn emulated(secret: &str) -> (tempfile::TempDir, Emulator, Client) {
    LazyLock::force(&LOG);
    // Another test may have been first: the provider is the same.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let dir = tempfile::tempdir().expect("a folder");
    let emulator = Emulator::start(Options::in_dir(dir.path())).await.expect("it starts");
    let ca = reqwest::Certificate::from_pem(emulator.ca_pem().as_bytes()).expect("a certificate");
    let transport = |idle: usize| {
        let builder = reqwest::Client::builder().tls_certs_only([ca.clone()]).redirect(reqwest::redirect::Policy::none());
        Arc::new(builder.pool_max_idle_per_host(idle).build().expect("a client"))
    };
    let credential = Credential::ClientSecret {
        tenant: "72f988bf-0000-4000-8000-000000000001".into(),
        client: "11111111-2222-3333-4444-555555555555".into(),
        secret: Secret::new(secret.to_owned()),
    };
    let settings = settings(emulator.endpoint(), emulator.endpoint(), credential);
    let client = Client::new(&settings, transport(1), Metrics::new(&mut Registry::default())).expect("good settings");
    (dir, emulator, client.with_unpooled(transport(0)))
}

const SECRET: &str = "emulator-secret-not-a-real-one";

#[tokio::test]
async fn attaches_and_detaches_over_tls_without_a_secret_in_the_log() {
    let (_dir, emulator, client) = emulated(SECRET).await;
    assert!(client.compute(&compute(), Freshness::Now).await.expect("an answer").is_none());
    let location = client.location(compute().workspace()).await.expect("a region");
    let path = client.put(&compute(), &Put { location, ..put() }, None).await.expect("taken").expect("an operation");
    assert_eq!(client.operation(SUBSCRIPTION, &path).await.expect("an answer"), State::Succeeded);
    let found = client.compute(&compute(), Freshness::Now).await.expect("an answer").expect("there");
    assert_eq!(found.properties.pool.pool_name.as_deref(), Some("yogisparkpool"));
    assert_eq!(client.computes(&workspace()).await.expect("a list").len(), 1);
    client.detach(&compute(), None).await.expect("taken").expect("an operation");
    assert!(client.compute(&compute(), Freshness::Now).await.expect("an answer").is_none());
    assert_eq!(client.detach(&compute(), None).await.expect("nothing to do"), None);
    let text = LOG.text();
    let tokens = emulator
        .azure()
        .lock()
        .expect("no thread panics while it holds the lock")
        .journal(0)
        .filter(|entry| entry.path.contains("/oauth2/"))
        .count();
    assert_eq!(tokens, 1, "one token serves all");
    assert!(text.contains("performing request"), "the transport does log: {text}");
    for secret in ["Bearer ", "eyJ", SECRET] {
        assert!(!text.contains(secret), "{secret:?} is in the log");
    }
    emulator.stop().await;
}

#[tokio::test]
async fn new_connection_is_used_for_one_request_and_the_pooled_one_for_all_others() {
    use Freshness::{Now, NowOnNewConnection};
    let (_dir, emulator, client) = emulated(SECRET).await;
    for freshness in [Now, NowOnNewConnection, Now, NowOnNewConnection, Now] {
        assert!(client.compute(&compute(), freshness).await.expect("an answer").is_none());
    }
    let azure = emulator.azure();
    let azure = azure.lock().expect("no thread panics while it holds the lock");
    // The first request is that for the access token.
    let [token, one, new, two, other, three]: [_; 6] =
        azure.journal(0).map(|entry| entry.connection).collect::<Vec<_>>().try_into().expect("six requests");
    assert_eq!([token, one, two], [three; 3], "the pooled connection");
    assert!(new != token && other != token && new != other, "{new:?}, {other:?}");
}

#[tokio::test]
async fn absence_on_a_stale_connection_is_not_confirmed_on_a_new_one() {
    let (_dir, emulator, client) = emulated(SECRET).await;
    let location = client.location(compute().workspace()).await.expect("a region");
    client.put(&compute(), &Put { location, ..put() }, None).await.expect("taken");
    let fault = json!({"method": "GET", "path": "/computes/", "reusedConnection": true, "times": 9, "status": 404});
    let fault = Fault::from_json(&fault).expect("a fault");
    emulator.azure().lock().expect("no thread panics while it holds the lock").add_fault(fault);
    assert!(client.compute(&compute(), Freshness::Now).await.expect("an answer").is_none(), "the connection is stale");
    assert!(client.compute(&compute(), Freshness::NowOnNewConnection).await.expect("an answer").is_some());
}

#[tokio::test]
async fn wrong_secret_fails_with_the_code_of_entra_id_and_is_not_retried_at_once() {
    let (_dir, emulator, client) = emulated("wrong").await;
    for _ in 0..5 {
        let error = client.compute(&compute(), Freshness::Now).await.expect_err("no token");
        let Error::CredentialUnavailable(refusal) = &error else { panic!("{error}") };
        assert_eq!(refusal.code, "AADSTS7000215", "{error}");
        assert!(!error.to_string().contains("wrong"), "the secret is not in it");
    }
    let sent = emulator.azure().lock().expect("no thread panics while it holds the lock").journal(0).count();
    assert_eq!(sent, 1, "Entra ID is not asked again at once, and ARM is not asked at all");
    emulator.stop().await;
}

#[tokio::test]
async fn failed_operation_keeps_the_error_of_azure() {
    let (_dir, emulator, client) = emulated(SECRET).await;
    let fault =
        json!({"method": "PUT", "path": "/computes/", "failOperation": {"code": "PoolBusy", "message": "the pool is busy"}});
    emulator
        .azure()
        .lock()
        .expect("no thread panics while it holds the lock")
        .add_fault(Fault::from_json(&fault).expect("a fault"));
    let path =
        client.put(&compute(), &Put { location: "eastus2".into(), ..put() }, None).await.expect("taken").expect("an operation");
    let State::Failed(error) = client.operation(SUBSCRIPTION, &path).await.expect("an answer") else { panic!("it failed") };
    assert_eq!((error.code.as_str(), error.message.as_str()), ("PoolBusy", "the pool is busy"));
    emulator.stop().await;
}
