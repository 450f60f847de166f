//! Invalid pages of a LIST: reading ends soon, no other compute is affected, and the log names the problem.

use std::time::Duration;

use serde_json::{Value, json};
use synapse_spark_operator::azure::{Ask, Client, Source};

use crate::log::LOG;
use crate::script::{ARM, Response, Script, compute, response, workspace};

const ASK: Ask = Ask { max_age: Duration::from_secs(5), sharers: 2_000, listed_absence: None };

/// The requested compute, in this state.
fn ours(state: &str) -> Value {
    json!({"name": compute().name(), "properties": {"computeType": "SynapseSpark", "provisioningState": state}})
}

fn foreign(number: usize) -> Value {
    json!({"name": format!("foreign-{number}"), "properties": {"computeType": "AmlCompute"}})
}

fn link(number: usize) -> String {
    format!("{ARM}{}/computes?api-version=2024-04-01&$skip={number}", workspace())
}

fn page(elements: impl IntoIterator<Item = Value>, next: Option<&str>) -> Response {
    response(200, &json!({"value": elements.into_iter().collect::<Vec<_>>(), "nextLink": next}))
}

/// The state of the compute, where it comes from, and how many requests that took.
async fn asked(pages: Vec<Response>) -> (Option<String>, Source, usize) {
    let (script, client) = Script::of(pages);
    let (state, source) = ask(&client).await;
    (state, source, script.sent().len())
}

async fn ask(client: &Client) -> (Option<String>, Source) {
    let (found, source) = client.shared_compute(&compute(), &ASK).await.expect("an answer");
    (found.and_then(|found| found.properties.provisioning_state), source)
}

#[tokio::test]
async fn pages_that_do_not_form_a_list_are_not_followed_and_each_compute_is_read() {
    std::sync::LazyLock::force(&LOG);
    let endless = |elements: &[Value], count: usize| {
        (1..=count).map(|number| page(elements.iter().cloned(), Some(&link(number)))).collect()
    };
    let table: [(&str, Vec<Response>, &str); 6] = [
        (
            "a page that links to itself",
            vec![page([foreign(0)], Some(&link(1))), page([foreign(0)], Some(&link(1)))],
            "page 2 links to an earlier page",
        ),
        (
            "pages that link to each other",
            vec![page([foreign(0)], Some(&link(1))), page([foreign(0)], Some(&link(2))), page([foreign(0)], Some(&link(1)))],
            "page 3 links to an earlier page",
        ),
        (
            "another host",
            vec![page([foreign(0)], Some("https://evil.example/next"))],
            "page 1 links to another host: evil.example",
        ),
        ("plain http", vec![page([foreign(0)], Some("http://arm.example/next"))], "page 1 links to another host: arm.example"),
        ("empty pages without an end", endless(&[], 10), "10 empty pages follow each other"),
        ("pages without an end", endless(&[foreign(0)], 1_000), "it has more than 1000 pages"),
    ];
    for (case, pages, reason) in table {
        let requests = pages.len();
        let (script, client) = Script::of(pages.into_iter().chain([response(200, &ours("Creating"))]));
        assert_eq!(ask(&client).await, (Some("Creating".into()), Source::Get), "{case}");
        assert_eq!(script.sent().len(), requests + 1, "{case}");
        assert!(script.sent().iter().all(|(_, url, ..)| url.starts_with(ARM)), "the token goes nowhere else: {case}");
        assert_eq!(ask(&client).await.1, Source::Cache, "{case}");
        assert!(LOG.text().contains(reason), "{case}: no line names {reason:?}");
    }
}

#[tokio::test]
async fn unusual_but_valid_pages_are_read_to_their_end() {
    let (creating, done) = (ours("Creating"), ours("Succeeded"));
    #[rustfmt::skip]
    let table: [(&str, Vec<Response>, &str); 7] = [
        ("an empty page before the last", vec![page([], Some(&link(1))), page([done.clone()], None)], "Succeeded"),
        ("an empty link", vec![page([done.clone()], Some(""))], "Succeeded"),
        ("an element that comes twice: the page that was read later counts",
            vec![page([creating.clone(), foreign(1)], Some(&link(1))), page([foreign(1), done.clone()], None)], "Succeeded"),
        ("elements in another order", vec![page([foreign(2), done.clone(), foreign(1)], None)], "Succeeded"),
        ("fewer elements than before", vec![page([done.clone()], Some(&link(1))), response(200, &json!({}))], "Succeeded"),
        ("elements that cannot be decoded",
            vec![page([json!(null), json!(7), json!("text"), json!([]), json!({"name": 5}), json!({"properties": "text"}),
                json!({"name": "../x", "properties": {"computeType": "SynapseSpark"}}), done.clone()], None)], "Succeeded"),
        ("unknown types", vec![page([json!({"name": "q", "properties": {"computeType": "QuantumPool", "properties": [1]}}),
            json!({"name": "n", "properties": {"computeType": null}}), done], None)], "Succeeded"),
    ];
    for (case, pages, state) in table {
        let requests = pages.len();
        assert_eq!(asked(pages).await, (Some(state.into()), Source::List, requests), "{case}");
    }
}

#[tokio::test]
async fn compute_is_found_among_five_thousand_others() {
    let mut pages: Vec<_> =
        (0..100).map(|number| page((0..50).map(|one| foreign(number * 50 + one)), Some(&link(number)))).collect();
    pages.push(page([ours("Succeeded")], None));
    assert_eq!(asked(pages).await, (Some("Succeeded".into()), Source::List, 101));
}

#[tokio::test]
async fn list_with_a_page_that_cannot_be_decoded_is_replaced_by_gets() {
    // A GET may be answered with an HTML page, too: one is sent to find out.
    for (body, gets) in [("<html>", 2), (r#"{"value": {}}"#, 1), (r#"{"value": [], "nextLink": 7}"#, 1)] {
        let undecodable = Response { status: 200, body: body.into(), ..Response::default() };
        let found = (0..gets).map(|_| response(200, &ours("Creating")));
        let (script, client) = Script::of(std::iter::once(undecodable).chain(found));
        assert_eq!(ask(&client).await, (Some("Creating".into()), Source::Get), "{body}");
        assert_eq!(script.sent().len(), 1 + gets, "{body}");
    }
}

#[tokio::test(start_paused = true)]
async fn list_whose_pages_take_too_long_altogether_is_replaced_by_gets() {
    let (_release, held) = tokio::sync::oneshot::channel();
    let slow = Response { held: Some(held), ..page([foreign(1)], None) };
    let (script, client) = Script::of([page([foreign(0)], Some(&link(1))), slow, response(200, &ours("Creating"))]);
    let asked = tokio::time::Instant::now();
    assert_eq!(ask(&client).await, (Some("Creating".into()), Source::Get));
    assert_eq!(asked.elapsed(), Duration::from_mins(1));
    assert_eq!(script.sent().len(), 3);
}
