//! The Activity Log: which writes it shows, when, and to whom.

use std::time::Duration;

use azure_emulator::{Answer, Request};
use serde_json::{Value, json};

use crate::support::{CLIENT, GROUP, Lab, OBJECT, SECRET, TENANT, code, compute, holding, pool, spark};

const LAG: Duration = Duration::from_mins(15);
const OBJECT_ID: &str = "http://schemas.microsoft.com/identity/claims/objectidentifier";
const UPN: &str = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn";

fn log(lab: &mut Lab, query: &[(&str, &str)]) -> Answer {
    let subscription = GROUP.split("/resourceGroups").next().expect("an ID");
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    form.append_pair("api-version", "2015-04-01").extend_pairs(query);
    let target = format!("{subscription}/providers/Microsoft.Insights/eventtypes/management/values?{}", form.finish());
    lab.send(Request::new("GET", &target))
}

/// The filter for a compute, over the day before now.
fn about(lab: &Lab, resource: &str) -> String {
    let from = lab.now - Duration::from_hours(24);
    format!("eventTimestamp ge '{from}' and eventTimestamp le '{}' and resourceUri eq '{resource}'", lab.now)
}

fn events(answer: &Answer) -> Vec<Value> {
    let body = answer.body_json();
    body["value"].as_array().unwrap_or_else(|| panic!("{body}")).clone()
}

#[test]
fn writes_show_with_their_callers_once_the_log_has_caught_up() {
    let mut lab = Lab::new();
    lab.attached("spark", &spark(&pool("yogisparkpool")));
    lab.attached("other", &spark(&pool("yogisparkpool")));
    let detach = format!("{}?api-version=2025-12-01&underlyingResourceAction=Detach", compute("spark"));
    let sent = "0a0b0c0d-0000-4000-8000-000000000001";
    assert!(lab.send(Request::new("DELETE", &detach).with_header("x-ms-client-request-id", sent)).status < 300);
    let filter = about(&lab, &compute("SPARK"));
    assert_eq!(events(&log(&mut lab, &[("$filter", &filter)])), Vec::<Value>::new(), "it lags behind");
    lab.pass(LAG);
    let shown = events(&log(&mut lab, &[("$filter", &filter)]));
    let row = |event: &Value| {
        let text = |name: &str| event[name]["value"].as_str().unwrap_or_default().to_owned();
        (text("operationName"), text("status"), event["caller"].clone(), event["claims"][OBJECT_ID].clone())
    };
    let (write, delete) = (
        "Microsoft.MachineLearningServices/workspaces/computes/write".to_owned(),
        "Microsoft.MachineLearningServices/workspaces/computes/delete".to_owned(),
    );
    let of = |operation: &String, status: &str| (operation.clone(), status.to_owned(), json!(OBJECT), json!(OBJECT));
    assert_eq!(
        shown.iter().map(row).collect::<Vec<_>>(),
        [of(&delete, "Accepted"), of(&delete, "Started"), of(&write, "Accepted"), of(&write, "Started")],
        "neither reads nor another compute"
    );
    assert_eq!(shown[0]["correlationId"], shown[1]["correlationId"]);
    assert_ne!(shown[0]["correlationId"], shown[2]["correlationId"]);
    let client_request_id = |event: &Value| event["httpRequest"]["clientRequestId"].clone();
    assert_eq!((client_request_id(&shown[0]), client_request_id(&shown[2])), (json!(sent), Value::Null));
    lab.pass(Duration::from_hours(90 * 24));
    lab.log_in();
    let answer = log(&mut lab, &[("$filter", &filter)]);
    assert_eq!((answer.status, code(&answer).as_str()), (400, "BadRequest"), "90 days");
}

#[test]
fn selected_properties_come_in_pages() {
    let mut lab = Lab::new();
    lab.set(&json!({"activityLogLag": "0s", "pageSize": 3}));
    lab.attached("spark", &spark(&pool("yogisparkpool")));
    lab.detach(&compute("spark"));
    let filter = about(&lab, &compute("spark"));
    let first = log(&mut lab, &[("$filter", &filter), ("$select", "status,operationName")]);
    assert_eq!((events(&first).len(), events(&first)[0].as_object().map(serde_json::Map::len)), (3, Some(2)));
    let next = first.body_json()["nextLink"].as_str().expect("a link").replace("https://arm.test", "");
    let second = lab.send(Request::new("GET", &next));
    assert_eq!((events(&second).len(), second.body_json()["nextLink"].clone()), (1, Value::Null));
    let refused = log(&mut lab, &[("$filter", &filter), ("$select", "caller")]);
    assert_eq!((refused.status, code(&refused).as_str()), (400, "BadRequest"));
    assert_eq!(log(&mut lab, &[]).status, 400, "a filter is required");
}

#[test]
fn refused_write_is_shown_as_failed() {
    let mut lab = Lab::new();
    lab.set(&json!({"activityLogLag": "0s"}));
    assert_eq!(lab.put(&compute("spark"), &json!({"properties": {"computeType": "SynapseSpark", "odd": 1}})).status, 400);
    let filter = about(&lab, &compute("spark"));
    assert_eq!(events(&log(&mut lab, &[("$filter", &filter)]))[0]["status"]["value"], "Failed");
}

#[test]
fn log_needs_a_right_on_the_subscription() {
    let computes = json!({"scope": GROUP, "actions": ["*"]});
    let mut lab = holding(&json!([computes]));
    let filter = about(&lab, &compute("spark"));
    let answer = log(&mut lab, &[("$filter", &filter)]);
    assert_eq!((answer.status, code(&answer).as_str()), (403, "AuthorizationFailed"));
    let subscription = GROUP.split("/resourceGroups").next().expect("an ID");
    let read = json!({"scope": subscription, "actions": ["Microsoft.Insights/eventtypes/values/Read"]});
    let mut lab = holding(&json!([read]));
    assert_eq!(log(&mut lab, &[("$filter", &filter)]).status, 200);
}

#[test]
fn users_have_a_name() {
    let mut lab = Lab::new();
    lab.set(&json!({"activityLogLag": "0s"}));
    let user = json!({"tenantId": TENANT, "clientId": CLIENT, "objectId": OBJECT, "secret": SECRET, "userPrincipalName": "ann@contoso.com"});
    lab.control("PUT", "world", &json!({"principals": [user]}));
    lab.attached("spark", &spark(&pool("yogisparkpool")));
    let filter = about(&lab, &compute("spark"));
    let shown = events(&log(&mut lab, &[("$filter", &filter)]));
    assert_eq!((&shown[0]["caller"], &shown[0]["claims"][UPN]), (&json!("ann@contoso.com"), &json!("ann@contoso.com")));
}
