//! The classification of Azure's answers.

use serde_json::{Value, json};
use synapse_spark_operator::azure::codes::{self, Meaning};
use synapse_spark_operator::azure::{Error, Freshness, wire};
use synapse_spark_operator::refusal::Refusal;

use crate::script::{Response, Script, compute, response};

#[test]
fn reads_code_and_message_in_every_shape_of_error() {
    #[rustfmt::skip]
    let table = [
        ("as specified",       json!({"error": {"code": "A", "message": "m"}}),                                  Some(("A", "m"))),
        ("double-nested",      json!({"status": "Failed", "error": {"error": {"code": "A", "message": "m"}}}),   Some(("A", "m"))),
        ("bare",               json!({"code": "A", "message": "m"}),                                             Some(("A", "m"))),
        ("both, as in 2019",   json!({"code": "x", "message": "y", "error": {"code": "A", "message": "m"}}),     Some(("A", "m"))),
        ("details alone",      json!({"error": {"details": [{"code": "Conflict", "message": "m"}]}}),           Some(("Conflict", "m"))),
        ("a status code in it", json!({"error": {"code": "InternalServerError", "statusCode": 500, "message": "m", "details": [{"code": "d", "message": "e"}]}}), Some(("InternalServerError", "m (e)"))),
        ("details twice", json!({"error": {"code": "A", "message": "m", "details": [{"message": "e"}, {"message": "e"}, {"code": "m"}]}}), Some(("A", "m (e)"))),
        ("JSON in a message, and details", json!({"error": {"code": "x", "message": "{\"error\": {\"code\": \"A\", \"message\": \"m\"}}", "details": [{"message": "e"}]}}), Some(("A", "m (e)"))),
        ("as JSON in a message", json!({"error": {"code": "x", "message": "{\"error\": {\"code\": \"A\", \"message\": \"m\"}}"}}), Some(("A", "m"))),
        ("a brace in a message", json!({"code": "A", "message": "{m"}),                                          Some(("A", "{m"))),
        ("nothing",            json!({}),                                                                        None),
        ("text",               json!("busy"),                                                                    None),
        ("null",               Value::Null,                                                                      None),
    ];
    for (case, body, wanted) in table {
        let wanted = wanted.map(|(code, message): (&str, &str)| (code.to_owned(), message.to_owned()));
        let read = wire::error_of(body.to_string().as_bytes()).map(|error| (error.code, error.shown));
        assert_eq!(read, wanted, "{case}");
    }
    let many = json!([{"error": {"code": "A", "message": "m"}}, {"code": "B"}, {}]);
    assert_eq!(wire::errors_of(Some(&many)).len(), 2);
    assert_eq!(wire::errors_of(Some(&Value::Null)).len(), 0);
}

#[tokio::test]
async fn classifies_answers_by_status_and_code() {
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
        (404, azure("NoRegisteredProviderFound"), "refused"),
        (409, azure("Conflict"),                 "conflicts"),
        (500, azure("InternalServerError"),      "Azure is unavailable"),
        (503, json!(null),                       "Azure is unavailable"),
        (418, json!({}),                         "the answer is not Azure's: HTTP 418 without an error of Azure in it"),
        (424, azure("Anything"),                 "refused"),
    ];
    for (status, body, begins) in table {
        // After a 401 the request is sent a second time.
        let (_, client) = Script::of([response(status, &body), response(status, &body)]);
        let error = client.compute(&compute(), Freshness::Now).await.expect_err("no success");
        assert!(error.to_string().starts_with(begins), "{status} {body}: {error}");
    }
    let (_, client) = Script::of([response(404, &azure("ResourceNotFound"))]);
    assert!(client.compute(&compute(), Freshness::Now).await.expect("an answer").is_none());
}

#[tokio::test]
async fn body_that_is_too_long_is_not_read_to_its_end() {
    let (_, client) =
        Script::of([Response { status: 200, headers: Vec::new(), body: vec![b' '; 20 << 20], ..Response::default() }]);
    let error = client.compute(&compute(), Freshness::Now).await.expect_err("too long");
    assert!(error.to_string().contains("bytes"), "{error}");
}

#[tokio::test]
async fn each_known_code_means_the_same_with_each_of_its_statuses_and_in_each_shape() {
    for row in codes::TABLE {
        let statuses = if row.statuses.is_empty() { &[400, 403, 404, 409, 424][..] } else { row.statuses };
        let error = json!({"code": row.code.to_uppercase(), "message": row.message_contains.to_uppercase()});
        let outer = |key: &str, inner: Value| json!({"error": {"code": "Whatever", "message": row.message_contains, key: inner}});
        let shapes = [
            json!({"error": error}),
            error.clone(),
            json!({"error": {"error": error}}),
            outer("details", json!([error])),
            outer("innererror", json!({"details": [error]})),
            json!({"error": {"code": "Whatever", "message": json!({"error": error}).to_string()}}),
        ];
        for (status, body) in statuses.iter().flat_map(|status| shapes.iter().map(move |body| (*status, body))) {
            let (_, client) = Script::of([response(status, body), response(status, body)]);
            let error = client.compute(&compute(), Freshness::Now).await.expect_err("no success");
            assert_eq!(meaning(&error), Some(row.meaning), "{status} {body}: {error}");
        }
    }
}

const fn meaning(error: &Error) -> Option<Meaning> {
    Some(match error {
        Error::Conflict(_) => Meaning::Conflict,
        Error::Forbidden(_) => Meaning::Forbidden,
        Error::Unauthenticated(_) => Meaning::Unauthenticated,
        Error::ParentNotFound(_) => Meaning::WorkspaceNotFound,
        Error::SubscriptionNotFound(_) => Meaning::SubscriptionNotFound,
        Error::Rejected(_) => Meaning::Rejected,
        Error::Refused(refusal, _) => Meaning::Refused(*refusal),
        _ => return None,
    })
}

#[tokio::test]
async fn text_of_a_detail_does_not_change_what_the_outer_code_means() {
    let pending = "The resource already exists. This may be due to a pending delete operation";
    let detail = json!({"code": "FailedIdentityOperation", "message": pending});
    let body = json!({"error": {"code": "UserError", "message": "Identity operation failed", "details": [detail]}});
    let (_, client) = Script::of([response(400, &body)]);
    let error = client.compute(&compute(), Freshness::Now).await.expect_err("no success");
    assert_eq!(meaning(&error), Some(Meaning::Conflict), "{error}");
    assert!(error.to_string().contains(pending), "{error}");
}

#[test]
fn specific_inner_error_takes_precedence_over_a_general_code() {
    let codes = |codes: &[&str]| codes.iter().map(|code| ((*code).to_owned(), "no such text".to_owned())).collect::<Vec<_>>();
    #[rustfmt::skip]
    let table = [
        (409, codes(&["Conflict", "ScopeLocked"]),                 Some(Meaning::Refused(Refusal::Lock))),
        (409, codes(&["Conflict", "Anything"]),                    Some(Meaning::Conflict)),
        (400, codes(&["BadRequest", "RequestDisallowedByPolicy"]), Some(Meaning::Refused(Refusal::Policy))),
        (409, codes(&["Anything"]),                                None),
        (400, codes(&["UserError"]),                               None),
        (409, codes(&["OperationNotAllowed"]),                     None),
        // The request may have been carried out, or a pause is needed.
        (500, codes(&["ScopeLocked"]),                             None),
        (408, codes(&["FailedDependency"]),                        None),
        (429, codes(&["QuotaExceeded"]),                           None),
    ];
    for (status, codes, wanted) in table {
        assert_eq!(codes::meaning(status, &codes), wanted, "{status} {codes:?}");
    }
}

#[tokio::test]
async fn answer_that_is_not_from_azure_proves_no_absence() {
    let page = b"<!DOCTYPE html><html><head><title> Access denied </title></head></html>".to_vec();
    #[rustfmt::skip]
    let table = [
        (200, page.clone(),                   "the answer is not Azure's: HTTP 200 with the page \"Access denied\""),
        (302, Vec::new(),                     "the answer is not Azure's: HTTP 302 with an empty body"),
        (403, page.clone(),                   "the answer is not Azure's: HTTP 403 with the page \"Access denied\""),
        (403, Vec::new(),                     "the answer is not Azure's: HTTP 403 with an empty body"),
        (404, b"<html>proxy</html>".to_vec(), "the answer is not Azure's: HTTP 404 with a page of HTML"),
        (404, b"not found".to_vec(),          "the answer is not Azure's: HTTP 404 without an error of Azure in it"),
        (407, Vec::new(),                     "the answer is not Azure's: HTTP 407 with an empty body"),
        (401, Vec::new(),                     "access token not accepted"),
        (409, Vec::new(),                     "conflicts"),
        (502, page,                           "Azure is unavailable: HTTP 502 with the page \"Access denied\""),
    ];
    for (status, body, begins) in table {
        let answer = || Response { status, body: body.clone(), ..Response::default() };
        let (_, client) = Script::of([answer(), answer()]);
        let error = client.compute(&compute(), Freshness::Now).await.expect_err("no success");
        assert!(error.to_string().starts_with(begins), "{status}: {error}");
    }
}

#[tokio::test]
async fn clock_that_differs_from_azures_is_named_where_a_token_is_rejected() {
    let date = |date: &str| vec![("date", date.to_owned())];
    let rejected =
        || Response { headers: date("Mon, 01 Jan 2024 00:00:00 GMT"), ..response(401, &json!({"error": {"code": "A"}})) };
    let (script, client) = Script::of([rejected(), rejected()]);
    let error = client.compute(&compute(), Freshness::Now).await.expect_err("no success");
    assert!(error.to_string().contains("ahead of Azure's: synchronize it"), "{error}");
    let ahead = script.metric("azure_clock_ahead_seconds").expect("a metric");
    assert!(ahead.parse::<i64>().expect("a number") > 86_400, "{ahead}");
    // Not mentioned where it makes no difference.
    let (_, client) = Script::of([Response {
        headers: date("Mon, 01 Jan 2024 00:00:00 GMT"),
        ..response(403, &json!({"error": {"code": "A"}}))
    }]);
    let error = client.compute(&compute(), Freshness::Now).await.expect_err("no success");
    assert!(!error.to_string().contains("synchronize"), "{error}");
}
