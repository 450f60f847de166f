//! Permits: a client sends no more requests than Azure Resource Manager allows, so that no caller is throttled.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use azure_core::base64::encode_url_safe;
use azure_core::credentials::Secret;
use azure_core::http::headers::Headers;
use azure_core::http::{AsyncRawResponse, Body, HttpClient, Request};
use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;
use serde_json::json;
use synapse_spark_operator::azure::{Class, Client, Credential, Error, Kind, Limits, Metrics, Object, Profile, Settings, Turn};
use synapse_spark_operator::resource_id::ComputeId;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::script::{put, settings, workspace};

/// How long Azure takes to answer.
const LATENCY: Duration = Duration::from_millis(50);

/// ARM with its bucket of writes for each principal: two hundred, and ten a second.
#[derive(Debug)]
struct Arm {
    start: Instant,
    buckets: Mutex<HashMap<String, (f64, Instant)>>,
    /// When each request was sent, and its status.
    sent: Mutex<Vec<(Duration, u16)>>,
    /// Answers without the remaining number of requests, as a provider does that overrides the limit.
    is_silent: bool,
}

impl Arm {
    fn new() -> Arc<Self> {
        Arc::new(Self { start: Instant::now(), buckets: Mutex::default(), sent: Mutex::default(), is_silent: false })
    }

    /// What remains after a request of this principal; none if it was one too many.
    fn take(&self, principal: String) -> Option<u32> {
        let (mut buckets, now) = (self.buckets.lock().expect("no holder panics"), Instant::now());
        let (level, at) = buckets.entry(principal).or_insert((200.0, now));
        (*level, *at) = ((*level + (now - *at).as_secs_f64() * 10.0).min(200.0), now);
        (*level >= 1.0).then(|| {
            *level -= 1.0;
            format!("{:.0}", level.floor()).parse().expect("a number")
        })
    }

    /// How many requests were sent until then.
    fn sent_within(&self, millis: u64) -> usize {
        let sent = self.sent.lock().expect("no holder panics");
        sent.iter().filter(|(at, _)| *at <= Duration::from_millis(millis)).count()
    }

    fn refused(&self) -> usize {
        self.sent.lock().expect("no holder panics").iter().filter(|(_, status)| *status == 429).count()
    }
}

#[async_trait::async_trait]
impl HttpClient for Arm {
    async fn execute_request(&self, request: &Request) -> azure_core::Result<AsyncRawResponse> {
        let answer = |status: u16, headers, body: &serde_json::Value| {
            Ok(AsyncRawResponse::from_bytes(status.into(), headers, body.to_string().into_bytes()))
        };
        if request.url().path().contains("/oauth2/") {
            let Body::Bytes(form) = request.body() else { panic!("a request for a token has a form") };
            let form = String::from_utf8_lossy(form).into_owned();
            let client = form.split("client_id=").nth(1).and_then(|rest| rest.split('&').next()).expect("a client");
            // Two clients whose names begin alike are one principal: a managed identity has more than one credential.
            let claims = encode_url_safe(json!({"tid": "t", "oid": &client[..1]}).to_string());
            let token = format!("e30.{}.s", claims.trim_end_matches('='));
            return answer(200, Headers::new(), &json!({"token_type": "Bearer", "expires_in": 3599, "access_token": token}));
        }
        let token = request.headers().get_optional_string(&"authorization".into()).expect("a token");
        let left = self.take(token);
        let status = if left.is_some() { 201 } else { 429 };
        self.sent.lock().expect("no holder panics").push((self.start.elapsed(), status));
        tokio::time::sleep(LATENCY).await;
        let mut headers = Headers::new();
        if !self.is_silent {
            headers.insert("x-ms-ratelimit-remaining-subscription-writes", left.unwrap_or_default().to_string());
        }
        let code = json!({"error": {"code": "SubscriptionRequestsThrottled", "message": "m"}});
        answer(status, headers, &if left.is_some() { json!({}) } else { code })
    }
}

fn credential(client: &str) -> Credential {
    Credential::ClientSecret {
        tenant: "72f988bf-0000-4000-8000-000000000001".into(),
        client: client.into(),
        secret: Secret::new("s"),
    }
}

fn client(arm: &Arc<Arm>, limits: Limits, registry: &mut Registry) -> Client {
    let settings = Settings { limits, ..settings("https://arm.example", "https://entra.example", credential("a1")) };
    Client::new(&settings, arm.clone(), Metrics::new(registry)).expect("good settings")
}

fn compute(number: usize) -> ComputeId {
    workspace().compute(&format!("c{number}")).expect("an ID")
}

fn turn(number: usize) -> Turn {
    let object = Object { namespace: "n".into(), name: number.to_string() };
    Turn { class: Class::Attach, object, is_resumed: false }
}

/// Writes as the controller does: a write that has to wait is tried again when its turn is expected, or when it is notified.
async fn write_all(clients: Vec<Client>, count: usize) {
    let calls: Arc<BTreeMap<String, Notify>> = Arc::new((0..count).map(|number| (number.to_string(), Notify::new())).collect());
    let called = calls.clone();
    clients[0].on_turn(move |object| called[&object.name].notify_one());
    let writes = (0..count).map(|number| {
        let (client, calls) = (clients[number % clients.len()].clone(), calls.clone());
        tokio::spawn(async move {
            while let Err(error) = client.with_turn(turn(number)).put(&compute(number), &put(), None).await {
                let Error::Queued { wait, .. } = error else { panic!("{error}") };
                assert!(wait > Duration::from_secs(1), "it could have waited for {wait:?}");
                let _ = tokio::time::timeout(wait, calls[&number.to_string()].notified()).await;
            }
        })
    });
    let all = futures::future::join_all(writes.collect::<Vec<_>>()).await;
    for ended in all {
        ended.expect("no write panics");
    }
}

#[tokio::test(start_paused = true)]
async fn burst_of_writes_uses_the_whole_bucket_and_causes_no_429() {
    let (arm, mut registry) = (Arm::new(), Registry::default());
    let client = client(&arm, Limits::default(), &mut registry);
    write_all(vec![client], 300).await;
    let took = arm.start.elapsed();
    assert_eq!(arm.refused(), 0);
    assert_eq!(arm.sent_within(49), 10, "until an answer shows what remains");
    let burst = arm.sent_within(1_000);
    assert!((195..=210).contains(&burst), "{burst} within a second");
    let later = arm.sent_within(6_000) - burst;
    assert!((48..=52).contains(&later), "{later} in the next five seconds");
    assert!((10..=11).contains(&took.as_secs()), "{took:?}");
    let mut text = String::new();
    encode(&mut text, &registry).expect("text");
    for line in [
        "azure_permits_total{kind=\"write\"} 300",
        "azure_queue_waiting{class=\"attach\"} 0",
        "azure_queue_wait_seconds_count{class=\"attach\"} 280",
    ] {
        assert!(text.contains(line), "{line} is not in {text}");
    }
}

#[tokio::test(start_paused = true)]
async fn clients_share_a_bucket_if_their_tokens_are_of_one_principal() {
    for (others, seconds) in [("a2", 10..=11), ("b1", 0..=1)] {
        let arm = Arm::new();
        let one = client(&arm, Limits::default(), &mut Registry::default());
        let other = one.with_credential(credential(others)).expect("a credential");
        write_all(vec![one, other], 300).await;
        assert_eq!(arm.refused(), 0, "{others}");
        let took = arm.start.elapsed();
        assert!(seconds.contains(&took.as_secs()), "{others}: {took:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn share_leaves_the_rest_of_the_bucket_to_others() {
    let arm = Arm::new();
    let limits = Limits { share: "0.5".parse().expect("a share"), ..Limits::default() };
    write_all(vec![client(&arm, limits, &mut Registry::default())], 300).await;
    assert_eq!(arm.refused(), 0);
    let burst = arm.sent_within(1_000);
    assert!((90..=105).contains(&burst), "{burst} within a second");
    let took = arm.start.elapsed();
    assert!((39..=42).contains(&took.as_secs()), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn hourly_limit_queues_writes_and_is_not_exceeded() {
    let arm = Arc::new(Arm { is_silent: true, ..Arc::into_inner(Arm::new()).expect("the only one") });
    let limits = Limits { profile: Profile::Hourly, share: "0.01".parse().expect("a share") };
    let client = client(&arm, limits, &mut Registry::default());
    let write = async |number| client.with_turn(turn(number)).put(&compute(number), &put(), None).await;
    let mut sent = 0;
    let queued = loop {
        match write(sent).await {
            Ok(_) => sent += 1,
            Err(error) => break error,
        }
    };
    assert_eq!(sent, 12, "a hundredth of 1,200");
    let Error::Queued { wait, .. } = queued else { panic!("{queued}") };
    assert!(wait > Duration::from_mins(59) && wait <= Duration::from_hours(1), "{wait:?}");
    tokio::time::sleep(wait).await;
    write(sent).await.expect("the next hour has begun");
    assert_eq!(arm.refused(), 0);
}

#[tokio::test(start_paused = true)]
async fn reserved_permit_is_used_by_the_write_or_returned() {
    let arm = Arm::new();
    let client = client(&arm, Limits::default(), &mut Registry::default());
    let reserve = async |number| client.with_turn(turn(number)).reserve(Kind::Write, Class::Attach, &compute(number)).await;
    let mut reserved = Vec::new();
    for number in 0..20 {
        reserved.push(reserve(number).await.expect("the first ten, and what comes back within a second"));
    }
    // The wait for the last ten has brought back what they took ahead, so that the bucket is empty now.
    let more = futures::future::join_all((20..40).map(reserve)).await;
    assert!(matches!(more.last(), Some(Err(Error::Queued { .. }))), "others are to be served first");
    reserved[0].put(&compute(0), &put(), None).await.expect("its permit is reserved");
    assert_eq!(arm.sent_within(u64::MAX), 1);
    drop((reserved, more));
    let before = Instant::now();
    reserve(99).await.expect("the permits are back");
    assert!(before.elapsed() < Duration::from_millis(10), "at once");
}

#[tokio::test(start_paused = true)]
async fn command_without_a_queue_waits_for_its_permit() {
    let arm = Arm::new();
    let client = client(&arm, Limits::default(), &mut Registry::default());
    let sent = futures::future::join_all((0..230).map(async |number| client.put(&compute(number), &put(), None).await)).await;
    assert!(sent.iter().all(Result::is_ok), "{sent:?}");
    assert_eq!(arm.refused(), 0);
}

#[tokio::test(start_paused = true)]
async fn object_keeps_its_place_in_line_until_it_is_withdrawn() {
    let arm = Arm::new();
    let client = client(&arm, Limits::default(), &mut Registry::default());
    let reserve = async |number| client.with_turn(turn(number)).reserve(Kind::Write, Class::Attach, &compute(number)).await;
    let all = futures::future::join_all((0..60).map(reserve)).await;
    assert_eq!(all.iter().filter(|one| one.is_err()).count(), 40);
    let of = |number| client.turn_of(&turn(number).object);
    assert_eq!(of(0), None, "it was served");
    let wait = of(59).expect("it waits");
    for number in 20..30 {
        client.withdraw(&turn(number).object);
    }
    assert_eq!(of(20), None, "it waits no longer");
    assert_eq!(of(59).map(|left| left + Duration::from_secs(1)), Some(wait), "ten have left");
    assert_eq!(arm.sent_within(u64::MAX), 0);
}
