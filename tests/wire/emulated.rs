//! The client against the emulator, over TLS.

use std::sync::{Arc, LazyLock};

use azure_core::credentials::Secret;
use azure_emulator::{Emulator, Fault, Options};
use prometheus_client::registry::Registry;
use serde_json::json;
use synapse_spark_operator::azure::auth::aadsts;
use synapse_spark_operator::azure::wire::Put;
use synapse_spark_operator::azure::{Client, Credential, Error, Freshness, Metrics, Settings, State};

use crate::log::LOG;
use crate::script::{SUBSCRIPTION, compute, put, settings, workspace};

/// An emulator over TLS, and a client of it.
pub async fn emulated(secret: &str) -> (tempfile::TempDir, Emulator, Client) {
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
    let settings = Settings {
        synapse_endpoint: emulator.synapse(),
        synapse_scope: "https://dev.azuresynapse.net/.default".into(),
        ..settings(emulator.endpoint(), emulator.endpoint(), credential)
    };
    let client = Client::new(&settings, transport(1), Metrics::new(&mut Registry::default())).expect("good settings");
    (dir, emulator, client.with_unpooled(transport(0)))
}

pub const SECRET: &str = "emulator-secret-not-a-real-one";

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
    let (_dir, emulator, client) = emulated("mistyped-value").await;
    for _ in 0..5 {
        let error = client.compute(&compute(), Freshness::Now).await.expect_err("no token");
        let Error::CredentialUnavailable(refusal) = &error else { panic!("{error}") };
        assert_eq!(refusal.code, "AADSTS7000215", "{error}");
        assert!(!error.to_string().contains("mistyped-value"), "the secret is not in it");
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

/// How many requests the emulator received, by whether they are for a token, and with which status.
fn received(emulator: &Emulator, for_token: bool, status: u16) -> usize {
    let azure = emulator.azure();
    let azure = azure.lock().expect("no thread panics while it holds the lock");
    azure.journal(0).filter(|entry| entry.path.contains("/oauth2/") == for_token && entry.status == Some(status)).count()
}

fn revoke(emulator: &Emulator) {
    emulator.azure().lock().expect("no thread panics while it holds the lock").revoke_tokens();
}

#[tokio::test]
async fn revoked_token_is_replaced_at_once_by_one_of_a_new_credential() {
    let (_dir, emulator, client) = emulated(SECRET).await;
    assert!(client.compute(&compute(), Freshness::Now).await.is_ok());
    revoke(&emulator);
    assert!(client.compute(&compute(), Freshness::Now).await.is_ok(), "the request is sent again");
    assert_eq!((received(&emulator, true, 200), received(&emulator, false, 401)), (2, 1));
    emulator.stop().await;
}

#[tokio::test]
async fn tokens_that_azure_keeps_rejecting_are_not_requested_for_each_request() {
    let (_dir, emulator, client) = emulated(SECRET).await;
    assert!(client.compute(&compute(), Freshness::Now).await.is_ok());
    revoke(&emulator);
    assert!(client.compute(&compute(), Freshness::Now).await.is_ok());
    revoke(&emulator);
    for _ in 0..5 {
        let error = client.compute(&compute(), Freshness::Now).await.expect_err("it is rejected");
        assert!(matches!(error, Error::Unauthenticated(_)), "{error}");
    }
    assert_eq!((received(&emulator, true, 200), received(&emulator, false, 401)), (2, 1 + 5));
    emulator.stop().await;
}

#[tokio::test]
async fn each_known_error_of_entra_id_has_advice() {
    for (code, advice) in aadsts::TABLE {
        let (_dir, emulator, client) = emulated(SECRET).await;
        let fault = json!({"path": "/oauth2/", "status": 401, "code": "invalid_client", "message": format!("{code}: Its text.\r\nTrace ID: x")});
        emulator
            .azure()
            .lock()
            .expect("no thread panics while it holds the lock")
            .add_fault(Fault::from_json(&fault).expect("a fault"));
        let error = client.compute(&compute(), Freshness::Now).await.expect_err("no token");
        assert_eq!(error.to_string(), format!("cannot obtain an access token: {code}: Its text. ({advice})"));
        emulator.stop().await;
    }
}

#[tokio::test]
async fn certificate_that_is_not_trusted_is_named_and_no_request_is_sent() {
    let (_dir, emulator, _) = emulated(SECRET).await;
    let credential = Credential::ClientSecret { tenant: "t".into(), client: "c".into(), secret: Secret::new(SECRET) };
    let settings = Settings {
        synapse_endpoint: emulator.synapse(),
        synapse_scope: "https://dev.azuresynapse.net/.default".into(),
        ..settings(emulator.endpoint(), emulator.endpoint(), credential)
    };
    let client = Client::new(&settings, Arc::new(reqwest::Client::new()), Metrics::new(&mut Registry::default()));
    let client = client.expect("good settings");
    let error = client.compute(&compute(), Freshness::Now).await.expect_err("the certificate is unknown");
    assert!(matches!(error, Error::Untrusted(_)) && error.was_not_sent(), "{error:?}");
    assert!(matches!(client.reach().await, Err(Error::Untrusted(_))));
    emulator.stop().await;
}

#[tokio::test]
async fn refusal_of_a_proxy_is_named() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let proxy = format!("http://{}", listener.local_addr().expect("an address"));
    let refusing = tokio::spawn(async move {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 1024];
            let _ = stream.read(&mut request).await;
            let _ = stream.write_all(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n").await;
        }
    });
    let (_dir, emulator, _) = emulated(SECRET).await;
    let transport = reqwest::Client::builder().proxy(reqwest::Proxy::https(proxy).expect("a proxy")).build().expect("a client");
    let credential = Credential::ClientSecret { tenant: "t".into(), client: "c".into(), secret: Secret::new(SECRET) };
    let settings = Settings {
        synapse_endpoint: emulator.synapse(),
        synapse_scope: "https://dev.azuresynapse.net/.default".into(),
        ..settings(emulator.endpoint(), emulator.endpoint(), credential)
    };
    let client = Client::new(&settings, Arc::new(transport), Metrics::new(&mut Registry::default())).expect("good settings");
    let error = client.reach().await.expect_err("the proxy refuses");
    assert!(matches!(error, Error::Intercepted(_)), "{error:?}");
    assert!(error.to_string().contains("the proxy refuses the connection"), "{error}");
    let error = client.compute(&compute(), Freshness::Now).await.expect_err("no token");
    assert!(error.to_string().contains("the proxy refuses the connection"), "{error}");
    refusing.abort();
    emulator.stop().await;
}
