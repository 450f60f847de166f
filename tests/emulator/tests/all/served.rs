//! Over real sockets: TLS, closed connections, delays, the program.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use azure_emulator::{Emulator, Options};
use serde_json::{Value, json};

use crate::support::{CLIENT, SECRET, TENANT, compute, pool, spark, workspace};

fn folder(name: &str) -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(name)
}

/// A client that trusts this CA and no other.
fn client(ca: &str) -> reqwest::Client {
    let ca = reqwest::Certificate::from_pem(ca.as_bytes()).expect("a certificate");
    reqwest::Client::builder().tls_certs_only([ca]).build().expect("a client")
}

async fn token(http: &reqwest::Client, endpoint: &str) -> String {
    token_for(http, endpoint, endpoint).await
}

async fn token_for(http: &reqwest::Client, endpoint: &str, audience: &str) -> String {
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", CLIENT),
        ("client_secret", SECRET),
        ("scope", &format!("{audience}/.default")),
    ];
    let answer = http.post(format!("{endpoint}/{TENANT}/oauth2/v2.0/token")).form(&form).send().await.expect("an answer");
    let body: Value = answer.json().await.expect("JSON");
    body["access_token"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn a_client_attaches_and_detaches_over_tls() {
    let emulator = Emulator::start(Options::in_dir(folder("tls"))).await.expect("it starts");
    assert_eq!(std::fs::read_to_string(emulator.ca_file()).expect("ca.pem"), emulator.ca_pem());
    let (http, endpoint) = (client(emulator.ca_pem()), emulator.endpoint());
    let token = token(&http, endpoint).await;
    let url = format!("{endpoint}{}?api-version=2025-12-01", compute("spark"));

    let put = http.put(&url).bearer_auth(&token).json(&spark(&pool("yogisparkpool"))).send().await.expect("an answer");
    assert_eq!(put.status(), 201);
    let operation = put.headers()["azure-asyncoperation"].to_str().expect("text").to_owned();
    assert!(operation.starts_with(endpoint), "{operation}");
    let status: Value = http.get(operation).bearer_auth(&token).send().await.expect("an answer").json().await.expect("JSON");
    assert_eq!(status["status"], "Succeeded", "operations of no duration have ended");
    let delete =
        http.delete(format!("{url}&underlyingResourceAction=Detach")).bearer_auth(&token).send().await.expect("an answer");
    assert_eq!((delete.status().as_u16(), delete.headers()["content-length"].to_str().ok()), (202, Some("0")));
    assert_eq!(http.get(&url).bearer_auth(&token).send().await.expect("an answer").status(), 404);

    let localhost = endpoint.replace("127.0.0.1", "localhost");
    let page: Value = http
        .get(format!("{localhost}/{TENANT}/v2.0/.well-known/openid-configuration"))
        .send()
        .await
        .expect("an answer")
        .json()
        .await
        .expect("JSON");
    assert!(page["token_endpoint"].as_str().is_some_and(|t| t.starts_with(&localhost)), "{page}");

    let untrusting = reqwest::Client::builder().build().expect("a client");
    assert!(untrusting.get(format!("{endpoint}/_emulator/healthz")).send().await.is_err());
    let health = format!("{endpoint}/_emulator/healthz");
    emulator.stop().await;
    assert!(http.get(health).send().await.is_err(), "stopped");
}

#[tokio::test]
async fn the_emulator_is_reached_by_the_name_that_it_was_given() {
    let options = Options { name: Some("azure.test".into()), ..Options::in_dir(folder("name")) };
    let emulator = Emulator::start(options).await.expect("it starts");
    let (port, ca) = (emulator.endpoint().rsplit(':').next().expect("a port"), emulator.ca_pem().as_bytes());
    assert_eq!(emulator.endpoint(), format!("https://azure.test:{port}"));
    let address = ([127, 0, 0, 1], port.parse().expect("a number")).into();
    let ca = reqwest::Certificate::from_pem(ca).expect("a certificate");
    let http = reqwest::Client::builder().tls_certs_only([ca]).resolve("azure.test", address).build().expect("a client");

    let token = token(&http, emulator.endpoint()).await;
    let url = format!("{}{}?api-version=2025-12-01", emulator.endpoint(), compute("spark"));
    let put = http.put(url).bearer_auth(&token).json(&spark(&pool("yogisparkpool"))).send().await.expect("an answer");
    let operation = put.headers()["azure-asyncoperation"].to_str().expect("text");
    assert!(operation.starts_with(emulator.endpoint()), "{operation}");
}

#[tokio::test]
async fn a_synapse_workspace_is_reached_by_its_host_in_every_cloud_and_by_the_path() {
    let emulator = Emulator::start(Options::in_dir(folder("synapse"))).await.expect("it starts");
    let port = emulator.endpoint().rsplit(':').next().expect("a port").to_owned();
    let address = ([127, 0, 0, 1], port.parse().expect("a number")).into();
    let hosts = ["net", "azure.cn", "usgovcloudapi.net"].map(|end| format!("yogi-synapse-ws.dev.azuresynapse.{end}"));
    let ca = reqwest::Certificate::from_pem(emulator.ca_pem().as_bytes()).expect("a certificate");
    let mut builder = reqwest::Client::builder().tls_certs_only([ca]);
    for host in &hosts {
        builder = builder.resolve(host, address);
    }
    let http = builder.build().expect("a client");
    let token = token_for(&http, emulator.endpoint(), "https://dev.azuresynapse.net").await;
    let mut bases: Vec<String> = hosts.iter().map(|host| format!("https://{host}:{port}")).collect();
    bases.push(emulator.synapse().replace("{workspace}", "yogi-synapse-ws"));
    for base in bases {
        let url = format!("{base}/roleDefinitions?api-version=2020-12-01");
        let answer = http.get(&url).bearer_auth(&token).send().await.expect("an answer");
        assert_eq!(answer.status(), 200, "{url}");
    }
}

#[tokio::test]
async fn connections_break_and_answers_are_delayed_as_configured() {
    let emulator = Emulator::start(Options::in_dir(folder("faults"))).await.expect("it starts");
    let (http, endpoint) = (client(emulator.ca_pem()), emulator.endpoint());
    let token = token(&http, endpoint).await;
    let url = format!("{endpoint}{}?api-version=2025-12-01", compute("spark"));
    let fault = async |fault: Value| {
        let answer = http.post(format!("{endpoint}/_emulator/faults")).json(&fault).send().await.expect("an answer");
        assert_eq!(answer.status(), 201);
    };
    let put = async || http.put(&url).bearer_auth(&token).json(&spark(&pool("yogisparkpool"))).send().await;
    let exists = async || http.get(&url).bearer_auth(&token).send().await.expect("an answer").status() == 200;

    // Enough for a client that tries a second time by itself.
    fault(json!({"method": "PUT", "reset": true, "times": 5})).await;
    assert!(put().await.is_err());
    assert!(!exists().await);
    http.delete(format!("{endpoint}/_emulator/faults")).send().await.expect("an answer");
    fault(json!({"method": "PUT", "lostAnswer": true, "times": 5})).await;
    assert!(put().await.is_err());
    assert!(exists().await);

    fault(json!({"method": "GET", "path": "yogi-aml-ws", "delay": "200ms"})).await;
    let begun = Instant::now();
    let answer = http.get(format!("{endpoint}{}?api-version=2025-12-01", workspace())).bearer_auth(&token).send().await;
    assert_eq!(answer.expect("an answer").status(), 200);
    assert!(begun.elapsed() >= Duration::from_millis(200));
}

#[tokio::test]
async fn a_write_is_processed_even_if_its_client_is_gone() {
    let emulator = Emulator::start(Options::in_dir(folder("late"))).await.expect("it starts");
    let (http, endpoint) = (client(emulator.ca_pem()), emulator.endpoint());
    let token = token(&http, endpoint).await;
    let url = format!("{endpoint}{}?api-version=2025-12-01", compute("spark"));
    let fault = json!({"method": "PUT", "processAfter": "300ms"});
    http.post(format!("{endpoint}/_emulator/faults")).json(&fault).send().await.expect("an answer");
    // On a connection of its own: a client may repeat a request that it sent on an old one.
    let other = client(emulator.ca_pem());
    let begun = Instant::now();
    assert!(other.put(&url).bearer_auth(&token).json(&spark(&pool("yogisparkpool"))).send().await.is_err(), "no answer");
    drop(other);
    let shown = format!("{endpoint}/_emulator/compute?id={}", compute("spark"));
    while http.get(&shown).send().await.expect("an answer").status() != 200 {
        assert!(begun.elapsed() < Duration::from_secs(30), "it is never processed");
    }
    assert!(begun.elapsed() >= Duration::from_millis(300));
}

#[tokio::test]
async fn settings_can_be_given_at_the_start() {
    let options = Options { settings: json!({"staleReads": "2s", "tagLimit": 15}), ..Options::in_dir(folder("settings")) };
    let emulator = Emulator::start(options).await.expect("it starts");
    let url = format!("{}/_emulator/settings", emulator.endpoint());
    let settings: Value = client(emulator.ca_pem()).get(url).send().await.expect("an answer").json().await.expect("JSON");
    assert_eq!((&settings["staleReads"], &settings["tagLimit"]), (&json!("2000ms"), &json!(15)));
    assert_eq!(settings["operationDuration"], "0ms", "that of the options");
    let options = Options { settings: json!({"stalereads": "2s"}), ..Options::in_dir(folder("settings")) };
    let refused = Emulator::start(options).await.expect_err("no such setting").to_string();
    assert!(refused.contains("stalereads"), "{refused}");
}

#[test]
fn the_program_prints_its_address_and_ends_with_its_input() {
    let mut program = Command::new(env!("CARGO_BIN_EXE_azure-emulator"))
        .args(["--exit-with-stdin", "--operation-duration", "300ms", "--dir"])
        .arg(folder("program"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it runs");
    let mut lines = BufReader::new(program.stdout.take().expect("piped")).lines();
    let ready: Value = serde_json::from_str(&lines.next().expect("a line").expect("text")).expect("JSON");
    assert!(ready["endpoint"].as_str().is_some_and(|e| e.starts_with("https://127.0.0.1:")), "{ready}");
    assert_eq!(ready["authority"], ready["endpoint"]);
    let synapse = format!("{}/synapse/{{workspace}}", ready["endpoint"].as_str().unwrap_or_default());
    assert_eq!(ready["synapse"], synapse);
    assert!(
        ready["ca"]
            .as_str()
            .is_some_and(|file| { std::fs::read_to_string(file).is_ok_and(|pem| pem.contains("BEGIN CERTIFICATE")) })
    );
    drop(program.stdin.take());
    assert!(program.wait().expect("it ends").success());
    assert!(lines.next().is_none(), "one line only");
}

#[test]
fn the_program_names_an_unknown_key() {
    let seed = folder("bad-seed.json");
    std::fs::write(&seed, r#"{"pools": [{"identifier": "x"}]}"#).expect("written");
    let output = Command::new(env!("CARGO_BIN_EXE_azure-emulator")).arg("--seed").arg(&seed).output().expect("it runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && said.contains("identifier") && said.contains("bad-seed.json"), "{said}");
    for (settings, named) in [(r#"{"tagsVisible": true}"#, "tagsVisible"), ("true", "object"), ("{", "--settings")] {
        let output =
            Command::new(env!("CARGO_BIN_EXE_azure-emulator")).arg("--settings").arg(settings).output().expect("it runs");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains(named), "{settings}: {said}");
    }
}
