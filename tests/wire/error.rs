//! What an answer means.

use serde_json::{Value, json};
use synapse_spark_operator::azure::{Freshness, wire};

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
        (404, azure("NoRegisteredProviderFound"), "request rejected"),
        (404, json!("<html>proxy</html>"),       "Azure is unavailable"),
        (409, azure("Conflict"),                 "conflicts"),
        (500, azure("InternalServerError"),      "Azure is unavailable"),
        (503, json!(null),                       "Azure is unavailable"),
        (418, json!({}),                         "request rejected"),
    ];
    for (status, body, begins) in table {
        let (_, client) = Script::of([response(status, &body)]);
        let error = client.compute(&compute(), Freshness::Now).await.expect_err("no success");
        assert!(error.to_string().starts_with(begins), "{status} {body}: {error}");
    }
    let (_, client) = Script::of([response(404, &azure("ResourceNotFound"))]);
    assert!(client.compute(&compute(), Freshness::Now).await.expect("an answer").is_none());
}

#[tokio::test]
async fn too_long_body_is_not_read_to_its_end() {
    let (_, client) =
        Script::of([Response { status: 200, headers: Vec::new(), body: vec![b' '; 20 << 20], ..Response::default() }]);
    let error = client.compute(&compute(), Freshness::Now).await.expect_err("too long");
    assert!(error.to_string().contains("bytes"), "{error}");
}
