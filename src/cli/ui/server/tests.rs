//! The server over a real socket, without a browser and without a cluster.

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::*;
use crate::cli::kube::Cluster;
use crate::cli::plugin::Program;
use crate::cli::selection::Selection;

struct Server {
    port: u16,
    context: Arc<Context>,
    bearer: String,
}

impl Server {
    /// A server, beside an API server that allows everything and lists these objects.
    async fn start(objects: &'static [&'static str]) -> Self {
        let cluster = Cluster::answering(move |path| match path {
            path if path.ends_with("selfsubjectaccessreviews") => (201, json!({"spec": {}, "status": {"allowed": true}})),
            path if path.ends_with("/synapsesparkattachments/one") => {
                (200, serde_json::from_str(objects.first().expect("an object")).expect("JSON"))
            }
            _ => {
                let items: Vec<Value> = objects.iter().map(|object| serde_json::from_str(object).expect("JSON")).collect();
                (200, json!({"kind": "List", "metadata": {"resourceVersion": "1"}, "items": items}))
            }
        });
        let context = Arc::new(Context::new(cluster, Selection::parsed(&[]), Program::Plugin));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        tokio::spawn(serve(listener, port, context.clone()));
        let link = context.sessions.issue().expect("a link");
        let bearer = context.sessions.exchange(&link).expect("random numbers").expect("a bearer");
        Self { port, context, bearer }
    }

    /// Sends lines, in which PORT, BEARER and LINK stand for those of this server. Gives the whole answer.
    async fn send(&self, request: &str) -> String {
        let link = self.context.sessions.issue().expect("a link");
        let request = request.replace("PORT", &self.port.to_string()).replace("BEARER", &self.bearer).replace("LINK", &link);
        let (head, content) = request.split_once("\n\n").unwrap_or((&request, ""));
        let head = head.replace('\n', "\r\n");
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).await.expect("it listens");
        let text = format!("{head}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{content}", content.len());
        stream.write_all(text.as_bytes()).await.expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("text");
        answer
    }
}

const SIGN_IN: &str = "POST /session HTTP/1.1\nHost: 127.0.0.1:PORT\nOrigin: http://127.0.0.1:PORT\nContent-Type: application/json\n\n{\"token\": \"LINK\"}";
const WRITE: &str = "POST /views/change/confirmed HTTP/1.1\nHost: 127.0.0.1:PORT\nAuthorization: Bearer BEARER\nOrigin: http://127.0.0.1:PORT\nContent-Type: application/json\n\n{}";
const DATA: &str = "GET /views/list HTTP/1.1\nHost: 127.0.0.1:PORT\nAuthorization: Bearer BEARER";

fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap_or(answer)
}

/// A request that is answered, with a change, and the status that it then gets.
#[tokio::test]
async fn requests_that_no_page_of_this_program_sends_are_refused() {
    let server = Server::start(&[]).await;
    for (case, request) in [("sign in", SIGN_IN), ("data", DATA), ("a change", WRITE)] {
        assert_eq!(status(&server.send(request).await), "200", "{case}");
    }
    let host = "Host: 127.0.0.1:PORT";
    let origin = "Origin: http://127.0.0.1:PORT";
    #[rustfmt::skip]
    let table = [
        (DATA,    host,                 "Host: evil.example",                                  "421"),
        (DATA,    host,                 "Host: evil.example:PORT",                             "421"),
        (DATA,    host,                 "Host: 127.0.0.1.evil.example:PORT",                   "421"),
        (DATA,    host,                 "Host: localhost.:PORT",                               "421"),
        (DATA,    host,                 "Host: 127.0.0.1",                                     "421"),
        (DATA,    host,                 "Host: 127.0.0.1:1",                                   "421"),
        (DATA,    host,                 "Host: 0.0.0.0:PORT",                                  "421"),
        (DATA,    host,                 "Host: 127.0.0.1:PORT\nHost: evil.example",            "421"),
        (DATA,    host,                 "Host: 127.0.0.1:PORT\nHost: 127.0.0.1:PORT",          "421"),
        (DATA,    host,                 "Accept: text/html",                                   "421"),
        (DATA,    "/views",             "http://evil.example/views",                           "400"),
        (DATA,    "/views",             "http://127.0.0.1:PORT/views",                         "400"),
        (DATA,    " BEARER",            " LINK",                                               "401"),
        (DATA,    " BEARER",            "",                                                    "401"),
        (DATA,    "Bearer BEARER",      "bearer BEARER",                                       "401"),
        (DATA,    "Authorization: Bearer BEARER", "Cookie: bearer=BEARER",                     "401"),
        (DATA,    "/views/list",        "/views/list?bearer=BEARER&x=",                        "200"),
        (DATA,    host,                 "Host: 127.0.0.1:PORT\nUpgrade: websocket",            "400"),
        (DATA,    "GET",                "OPTIONS",                                             "405"),
        (DATA,    "GET",                "HEAD",                                                "405"),
        (DATA,    "GET",                "TRACE",                                               "405"),
        (DATA,    "GET",                "DELETE",                                              "405"),
        (DATA,    "/views/list",        "/views/none",                                         "404"),
        (WRITE,   origin,               "Accept: */*",                                         "403"),
        (WRITE,   origin,               "Origin: null",                                        "403"),
        (WRITE,   origin,               "Origin: http://127.0.0.1:PORT\nSec-Fetch-Site: cross-site", "403"),
        (WRITE,   "application/json",   "application/x-www-form-urlencoded",                   "415"),
        (WRITE,   " BEARER",            " LINK",                                               "401"),
        (WRITE,   "POST",               "GET",                                                 "405"),
        (SIGN_IN, host,                 "Host: evil.example",                                  "421"),
        (SIGN_IN, origin,               "Accept: */*",                                         "403"),
        (SIGN_IN, origin,               "Origin: null",                                        "403"),
        (SIGN_IN, origin,               "Origin: http://evil.example",                         "403"),
        (SIGN_IN, origin,               "Origin: https://127.0.0.1:PORT",                      "403"),
        (SIGN_IN, origin,               "Origin: http://127.0.0.1:1",                          "403"),
        (SIGN_IN, origin,               "Origin: http://localhost:PORT",                       "403"),
        (SIGN_IN, origin,               "Origin: http://127.0.0.1:PORT\nSec-Fetch-Site: cross-site", "403"),
        (SIGN_IN, origin,               "Origin: http://127.0.0.1:PORT\nSec-Fetch-Site: same-site",  "403"),
        (SIGN_IN, origin,               "Origin: http://127.0.0.1:PORT\nSec-Fetch-Site: same-origin", "200"),
        (SIGN_IN, "application/json",   "text/plain",                                          "415"),
        (SIGN_IN, "application/json",   "application/x-www-form-urlencoded",                   "415"),
        (SIGN_IN, "LINK",               "BEARER",                                              "401"),
        (SIGN_IN, "LINK",               "",                                                    "401"),
    ];
    for (request, from, to, expected) in table {
        assert!(request.contains(from), "{from}");
        let answer = server.send(&request.replacen(from, to, 1)).await;
        assert_eq!(status(&answer), expected, "{from} -> {to}: {answer}");
        let head = answer.to_lowercase();
        assert!(head.contains("\r\ncontent-security-policy: default-src 'none';"), "{from} -> {to}: {answer}");
        for never in ["access-control-", "set-cookie", "unsafe-"] {
            assert!(!head.contains(never), "{from} -> {to}: {answer}");
        }
    }
}

#[tokio::test]
async fn every_view_requires_the_secret() {
    let server = Server::start(&[]).await;
    for path in [
        "/views/list",
        "/views/list/table",
        "/views/list/stream",
        "/views/list/",
        "/views/details",
        "/views/details/stream",
        "/views/map",
        "/views/map/content",
        "/views/map/stream",
        "/views/none",
    ] {
        let answer = server.send(&format!("GET {path} HTTP/1.1\nHost: 127.0.0.1:PORT")).await;
        assert_eq!(status(&answer), "401", "{path}: {answer}");
    }
}

#[tokio::test]
async fn a_link_signs_in_once() {
    let server = Server::start(&[]).await;
    let link = server.context.sessions.issue().expect("a link");
    let request = SIGN_IN.replace("LINK", &link);
    assert_eq!(status(&server.send(&request).await), "200");
    assert_eq!(status(&server.send(&request).await), "401");
}

#[tokio::test]
async fn the_frame_has_no_data_and_every_answer_binds_the_browser() {
    let server = Server::start(&[]).await;
    let answer = server.send("GET / HTTP/1.1\nHost: localhost:PORT").await;
    assert!(!answer.contains("api.example") && !answer.contains("team-a"), "{answer}");
    let nonce = answer.split("'nonce-").nth(1).and_then(|rest| rest.split('\'').next()).expect("a nonce");
    assert_eq!(answer.matches(&format!("nonce=\"{nonce}\"")).count(), answer.matches("<script").count(), "{answer}");
    let other = server.send("GET / HTTP/1.1\nHost: localhost:PORT").await;
    assert!(!other.contains(nonce), "the nonce of another answer");
    #[rustfmt::skip]
    let headers = [
        "cache-control: no-store", "x-content-type-options: nosniff", "referrer-policy: no-referrer", "cross-origin-opener-policy: same-origin",
        "cross-origin-resource-policy: same-origin", "frame-ancestors 'none'", "form-action 'none'", "base-uri 'none'", "require-trusted-types-for 'script'",
    ];
    for path in ["/", "/list", "/assets/htmx.js", "/assets/style.css", "/views/list", "/none"] {
        let answer = server.send(&format!("GET {path} HTTP/1.1\nHost: 127.0.0.1:PORT")).await.to_lowercase();
        for header in headers {
            assert!(answer.contains(header), "{path}: {header}: {answer}");
        }
    }
}

/// Names are restricted by Kubernetes; the other texts can be anything that a user wrote in Azure or in an object.
#[tokio::test]
async fn hostile_texts_stay_texts() {
    const EDIT: &str = "/views/change?namespace=team-a&name=one&action=edit";
    const DETACH: &str = "/views/change?namespace=team-a&name=one&action=detach";
    const HOSTILE: &str = r#"{"metadata": {"namespace": "team-a", "name": "one", "uid": "one", "generation": 1},
        "spec": {"workspace": {"subscriptionId": "s", "resourceGroup": "g", "name": "<img src=x onerror=alert(1)>"}, "resourceId": "x",
            "description": "</pre><img src=x onerror=alert(1)>\u001b[2J", "tags": {"\"><svg/onload=alert(5)>": "<script>alert(6)</script>"},
            "identity": {"type": "UserAssigned", "userAssignedIdentities": [{"resourceId": "</title></svg><script>alert(5)</script>"}]}},
        "status": {"observedGeneration": 1, "pool": {"resourceId": "x", "name": "\"><script>alert(2)</script>", "sparkVersion": "<b hx-get=/x>"},
            "computeId": "\" onfocus=\"alert(7)<svg>", "provisioningErrors": [{"code": "<b hx-get=/x>", "message": "<script>alert(8)</script>"}],
            "drift": [{"field": "<svg>", "want": "<img src=x>", "have": "<script>alert(9)</script>"}], "conditions": [
            {"type": "Stalled", "status": "True", "reason": "x", "message": "", "lastTransitionTime": "2026-01-01T00:00:00Z"},
            {"type": "Ready", "status": "False", "reason": "\" autofocus onfocus=\"alert(3)", "lastTransitionTime": "2026-01-01T00:00:00Z",
             "message": "</bdi></td><svg/onload=alert(4)>\r\n\r\ndata: <b hx-get=/x hx-trigger=load>\u001b[2J\u202e&lt;"}]}}"#;
    let server = Server::start(&[HOSTILE]).await;
    let context = server.context.clone();
    tokio::spawn(async move { context.store.follow(&context.cluster, &context.selection, context.program).await });
    let mut known = server.context.store.subscribe();
    known.wait_for(|known| !known.attachments.is_empty()).await.expect("the store is there");
    let list = ["/views/list", "/views/list/table", "/views/details?namespace=team-a&name=one", EDIT, DETACH];
    let map = ["/views/map", "/views/map?as=table", "/views/map/content"];
    for path in [&list[..], &map].concat() {
        let answer = server.send(&DATA.replace("/views/list", path)).await;
        let (_, page) = answer.split_once("\r\n\r\n").expect("a body");
        let expected = if path == EDIT { "&quot;&gt;&lt;svg/onload=alert(5)&gt;" } else { "&lt;img src=x onerror=alert(1)&gt;" };
        assert!(page.contains(expected), "{path}: {page}");
        // The map is drawn as SVG.
        let svg = if map.contains(&path) { "<svg/" } else { "<svg" };
        for markup in ["<img", "<script", svg, "<b hx", "onfocus=\"", "\u{1b}"] {
            assert!(!page.contains(markup), "{markup:?} in {page}");
        }
    }
}
