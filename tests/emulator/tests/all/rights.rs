//! Permissions and rate limits.

use std::time::Duration;

use azure_emulator::{Request, Seed};
use serde_json::{Value, json};

use crate::support::{CLIENT, GROUP, Lab, SECRET, code, compute, holding, identity, pool, spark, workspace};

#[test]
fn permissions_are_checked_by_action_and_scope() {
    let of = |action: &str| format!("Microsoft.MachineLearningServices/workspaces/{action}");
    let mut lab = holding(&json!([{"scope": GROUP.to_uppercase(), "actions": [of("computes/read"), of("COMPUTES/WRITE")]}]));
    assert_eq!(lab.ask("GET", &workspace()).status, 403);
    assert_eq!(lab.ask("GET", &compute("spark")).status, 404);
    assert_eq!(lab.put(&compute("spark"), &spark(&pool("yogisparkpool"))).status, 201);
    let answer = lab.detach(&compute("spark"));
    assert_eq!((answer.status, code(&answer).as_str()), (403, "AuthorizationFailed"));
    let message = answer.body_json()["error"]["message"].take();
    assert!(
        message.as_str().is_some_and(|m| m.contains("workspaces/computes/delete") && m.contains(&compute("spark"))),
        "{message}"
    );

    let mut elsewhere = holding(&json!([{"scope": format!("{GROUP}-2"), "actions": ["*"]}]));
    assert_eq!(elsewhere.ask("GET", &compute("spark")).status, 403, "a scope isn't a prefix of letters");
}

#[test]
fn assigning_an_identity_requires_a_permission_on_it() {
    let all = json!({"scope": workspace(), "actions": ["*"]});
    let mut wanted = spark(&pool("yogisparkpool"));
    wanted["identity"] = json!({"type": "UserAssigned", "userAssignedIdentities": {identity("yogi-managed-id"): {}}});
    let answer = holding(&json!([all])).put(&compute("spark"), &wanted);
    assert_eq!((answer.status, code(&answer).as_str()), (403, "LinkedAuthorizationFailed"));
    let assign =
        json!({"scope": identity("yogi-managed-id"), "actions": ["Microsoft.ManagedIdentity/userAssignedIdentities/*/action"]});
    assert_eq!(holding(&json!([all, assign])).put(&compute("spark"), &wanted).status, 201);
}

#[test]
fn tokens_are_checked() {
    let mut lab = Lab::new();
    let bare = Request::new("GET", &format!("{}?api-version=2025-12-01", workspace()));
    let answer = lab.azure.answer(lab.now, &bare);
    assert_eq!((answer.status, code(&answer).as_str()), (401, "AuthenticationFailed"));
    assert!(answer.header("WWW-Authenticate").is_some_and(|h| h.starts_with("Bearer ")));
    let answer = lab.azure.answer(lab.now, &bare.clone().with_header("Authorization", "Bearer made-up"));
    assert_eq!(code(&answer), "InvalidAuthenticationToken");

    lab.pass(Duration::from_secs(3598));
    assert_eq!(lab.ask("GET", &workspace()).status, 200);
    lab.pass(Duration::from_secs(1));
    assert_eq!(code(&lab.ask("GET", &workspace())), "ExpiredAuthenticationToken");

    let graph =
        lab.token_request(&[("client_id", CLIENT), ("client_secret", SECRET), ("scope", "https://graph.microsoft.com/.default")]);
    lab.use_token(&graph);
    assert_eq!(code(&lab.ask("GET", &workspace())), "InvalidAuthenticationTokenAudience");
    let own = lab.token_request(&[("client_id", CLIENT), ("client_secret", SECRET), ("scope", "https://arm.test//.default")]);
    lab.use_token(&own);
    assert_eq!(lab.ask("GET", &workspace()).status, 200);
}

#[test]
fn a_token_of_another_tenant_is_refused() {
    let mut lab = Lab::new();
    let other = "00000000-0000-4000-8000-00000000000f";
    let subscription = GROUP.split('/').nth(2).expect("an ID");
    lab.control("PUT", "world", &json!({"subscriptions": [{"id": subscription, "tenantId": other}]}));
    let answer = lab.ask("GET", &workspace());
    assert_eq!((answer.status, code(&answer).as_str()), (401, "InvalidAuthenticationTokenTenant"));
}

#[test]
fn an_api_version_that_is_served_is_required() {
    let mut lab = Lab::new();
    for (query, expected) in [
        ("", "MissingApiVersionParameter"),
        ("?api-version=latest", "InvalidApiVersionParameter"),
        ("?api-version=2025-10-01-preview", ""),
        ("?api-version=2025-12-01-preview", "NoRegisteredProviderFound"),
        ("?api-version=1999-01-01", "NoRegisteredProviderFound"),
        ("?API-Version=2020-02-02", ""),
    ] {
        let answer = lab.send(Request::new("GET", &format!("{}{query}", workspace())));
        assert_eq!(code(&answer), expected, "{query}");
    }
}

#[test]
fn too_many_requests_are_throttled_by_kind() {
    let mut lab = Lab::new();
    let mut left = Vec::new();
    for _ in 0..250 {
        let answer = lab.ask("GET", &workspace());
        assert_eq!(answer.status, 200);
        left.push(
            answer
                .header("x-ms-ratelimit-remaining-subscription-reads")
                .and_then(|l| l.parse::<u64>().ok())
                .expect("what is left"),
        );
    }
    assert_eq!((left[0], left[249]), (249, 0));
    let answer = lab.ask("GET", &workspace());
    assert_eq!(
        (answer.status, answer.header("Retry-After"), code(&answer).as_str()),
        (429, Some("10"), "SubscriptionRequestsThrottled")
    );
    let write = lab.put(&compute("spark"), &spark(&pool("yogisparkpool")));
    assert_eq!(write.header("x-ms-ratelimit-remaining-subscription-writes"), Some("199"));
    lab.pass(Duration::from_secs(9));
    assert_eq!(lab.ask("GET", &workspace()).status, 429, "a second too early");
    lab.pass(Duration::from_secs(10));
    assert_eq!(lab.ask("GET", &workspace()).status, 200);
    lab.set(&json!({"throttle": {"reads": {"bucket": 1.0}}}));
    assert_eq!([lab.ask("GET", &workspace()).status, lab.ask("GET", &workspace()).status], [200, 429]);
    lab.set(&json!({"throttling": false}));
    assert_eq!(lab.ask("GET", &workspace()).status, 200);
}

#[test]
fn a_seed_is_validated_and_its_parents_are_created() {
    let refused = Seed::from_json(json!({"workspaces": [{"id": workspace(), "locaton": "x"}]})).expect_err("misspelt");
    assert!(refused.contains("locaton"), "{refused}");
    let mut lab = Lab::new();
    let group = "/subscriptions/0a0a0a0a-0000-4000-8000-000000000000/resourceGroups/new";
    let id = format!("{group}/providers/Microsoft.MachineLearningServices/workspaces/w/computes/spark");
    let body =
        json!({"computes": [{"id": id, "properties": {"resourceId": pool("yogisparkpool"), "provisioningState": "Failed"}}]});
    assert_eq!(lab.control("PUT", "world", &body).status, 200);
    let compute = lab.ask("GET", &id).body_json();
    assert_eq!(
        (&compute["properties"]["provisioningState"], &compute["properties"]["properties"]["poolName"]),
        (&json!("Failed"), &json!("yogisparkpool"))
    );
    assert_eq!(lab.control("PUT", "world", &json!({"pools": [{"id": "/nonsense"}]})).status, 400);
    let shown = lab.control("GET", "world", &Value::Null).body_json();
    assert!(!shown.to_string().contains(SECRET) && shown["workspaces"].as_array().is_some_and(|w| w.len() == 2));
}
