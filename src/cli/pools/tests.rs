use std::sync::{Arc, Mutex};

use azure_core::credentials::Secret;
use azure_core::http::headers::Headers;
use azure_core::http::{AsyncRawResponse, HttpClient, Request};

use super::*;
use crate::azure::test_settings::settings;
use crate::azure::{Client, Credential, Metrics};

const SUB: &str = "6560575d-fa06-4e7d-95fb-f962e74efd7a";
const OTHER: &str = "6560575d-fa06-4e7d-95fb-f962e74efd7b";

/// Answers by the path; it refuses any other.
#[derive(Debug, Default)]
struct Azure {
    answers: Vec<(String, u16, Value)>,
    asked: Mutex<Vec<String>>,
}

#[async_trait::async_trait]
impl HttpClient for Azure {
    async fn execute_request(&self, request: &Request) -> azure_core::Result<AsyncRawResponse> {
        let path = request.url().path().to_owned();
        let (status, body) = if path.contains("/oauth2/") {
            (200, json!({"token_type": "Bearer", "expires_in": 3599, "access_token": "t"}))
        } else {
            let known = self.answers.iter().find(|(known, ..)| *known == path).map(|(_, status, body)| (*status, body.clone()));
            self.asked.lock().expect("no holder panics").push(path);
            known.unwrap_or((403, json!({"error": {"code": "AuthorizationFailed", "message": "no"}})))
        };
        Ok(AsyncRawResponse::from_bytes(status.into(), Headers::new(), body.to_string().into_bytes()))
    }
}

impl Azure {
    fn list(mut self, path: &str, value: &Value) -> Self {
        self.answers.push((path.to_owned(), 200, json!({"value": value})));
        self
    }

    fn client(self) -> (Arc<Self>, Client) {
        let credential = Credential::ClientSecret {
            tenant: "72f988bf-0000-4000-8000-000000000001".into(),
            client: "c".into(),
            secret: Secret::new("s"),
        };
        let settings = settings("https://arm.example", "https://entra.example", credential);
        let azure = Arc::new(self);
        let client = Client::new(&settings, azure.clone(), Metrics::new(&mut Registry::default())).expect("good settings");
        (azure, client)
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("no holder panics").clone()
    }
}

fn synapse(subscription: &str, name: &str) -> String {
    format!("/subscriptions/{subscription}/resourceGroups/rg/providers/Microsoft.Synapse/workspaces/{name}")
}

fn learning(name: &str) -> WorkspaceId {
    WorkspaceId::new(SUB, "rg", name).expect("an ID")
}

fn providers(subscription: &str, namespace: &str) -> String {
    format!("/subscriptions/{subscription}/providers/Microsoft.{namespace}/workspaces")
}

/// The example of the specification, under another name.
fn pool(workspace: &str, name: &str, more: &Value) -> Value {
    let file: Value =
        serde_json::from_str(include_str!("../../../tests/fixtures/synapse-bigdatapool-2021-06-01.json")).expect("an example");
    let mut pool = file["responses"]["200"]["body"].clone();
    pool["id"] = json!(format!("{workspace}/bigDataPools/{name}"));
    pool["name"] = json!(name);
    for (key, value) in more.as_object().into_iter().flatten() {
        pool["properties"][key] = value.clone();
    }
    pool
}

fn attached(name: &str, pool: &str) -> Value {
    json!({"name": name, "properties": {"computeType": "SynapseSpark", "resourceId": pool}})
}

/// Two Synapse workspaces, one of which may not be looked into; two of Machine Learning, as well.
fn azure() -> Azure {
    let syn = synapse(SUB, "syn");
    let fixed =
        json!({"autoScale": {"enabled": false, "minNodeCount": 0, "maxNodeCount": 0}, "nodeCount": 3, "nodeSize": "Small"});
    Azure::default()
        .list("/subscriptions", &json!([{"subscriptionId": SUB}, {"subscriptionId": OTHER}]))
        .list(&providers(SUB, "Synapse"), &json!([{"id": syn}, {"id": synapse(SUB, "closed")}]))
        .list(&providers(SUB, "MachineLearningServices"), &json!([{"id": learning("ml1").to_string()}, {"id": learning("ml2").to_string()}, {"id": learning("ml3").to_string()}]))
        .list(&format!("{syn}/bigDataPools"), &json!([pool(&syn, "big", &json!({})), pool(&syn, "fixed", &fixed)]))
        .list(&format!("{}/computes", learning("ml1")), &json!([attached("spark", &format!("{syn}/bigDataPools/BIG")), {"name": "fixed", "properties": {"computeType": "AmlCompute"}}]))
        .list(&format!("{}/computes", learning("ml2")), &json!([attached("other", &format!("{syn}/bigDataPools/big"))]))
        .list(&format!("{}/computes", learning("ml4")), &json!([]))
}

#[tokio::test]
async fn pools_are_shown_with_their_nodes_and_where_they_are_attached() {
    let (_, client) = azure().client();
    let inventory = PoolInventory::of(&client, &[], Some(&learning("ml1"))).await.expect("an inventory");
    let text = anstream::adapter::strip_str(&rows(&inventory, jiff::civil::date(2026, 11, 30))).to_string();
    assert_eq!(
        text,
        "SYNAPSE WORKSPACE   POOL    SPARK   SUPPORT            NODES           STATE       ATTACHED AS\n\
         syn                 big     2.4     ended 2023-09-29   Medium x 3-50   Succeeded   ml1/spark, ml2/other\n\
         syn                 fixed   2.4     ended 2023-09-29   Small x 3       Succeeded   -\n"
    );
    let shown = as_json(&inventory);
    assert_eq!(shown["pools"][0]["autoScale"], json!({"enabled": true, "minNodeCount": 3, "maxNodeCount": 50}));
    assert_eq!(shown["pools"][0]["attachedAs"][1], format!("{}/computes/other", learning("ml2")));
    assert_eq!(shown["pools"][1]["nodeCount"], 3);
    assert_eq!(shown["pools"][1]["sparkEndOfSupport"], "2023-09-29");
    for (version, text) in [(Some("3.5"), "until 2028-10-31"), (Some("3.4"), "ended 2026-03-31"), (Some("4.0"), "-"), (None, "-")]
    {
        assert_eq!(support(version, jiff::civil::date(2026, 11, 30)), text, "{version:?}");
    }
}

#[tokio::test]
async fn unreadable_resources_are_left_out_and_reported() {
    let (azure, client) = azure().client();
    let inventory = PoolInventory::of(&client, &[], None).await.expect("an inventory");
    let notes = [
        format!("{}: its Spark pools are left out: not authorized", synapse(SUB, "closed")),
        format!("subscription {OTHER}: its Synapse workspaces are left out"),
        format!("subscription {OTHER}: its Machine Learning workspaces are left out"),
        format!("{}: its computes are left out", learning("ml3")),
    ];
    assert_eq!(inventory.unread.len(), notes.len(), "{:?}", inventory.unread);
    assert!(inventory.unread.iter().zip(&notes).all(|(unread, notes)| unread.starts_with(notes)), "{:?}", inventory.unread);
    assert_eq!(inventory.pools.len(), 2);
    assert_eq!(azure.asked()[0], "/subscriptions", "nobody named one");

    let (_, client) = Azure { answers: vec![(providers(SUB, "Synapse"), 500, json!({}))], ..Azure::default() }.client();
    let shown = PoolInventory::of(&client, &[SUB.to_owned()], None).await.err().expect("no answer is no list");
    assert!(shown.starts_with(&format!("subscription {SUB}: its Synapse workspaces cannot be listed")), "{shown}");
}

#[tokio::test]
async fn named_subscriptions_take_precedence_over_that_of_the_workspace() {
    let twice = vec![OTHER.to_owned(), OTHER.to_uppercase()];
    let table = [(twice, Some(learning("ml1")), OTHER), (vec![], Some(learning("ml1")), SUB)];
    for (named, workspace, subscription) in table {
        let (azure, client) = azure().client();
        let inventory = PoolInventory::of(&client, &named, workspace.as_ref()).await.expect("an inventory");
        let last = inventory.unread.last().expect("the subscriptions that were left out");
        assert!(last.starts_with("the Azure ML workspaces of other subscriptions are left out"), "{last}");
        let asked = azure.asked();
        assert_eq!(asked[0], providers(subscription, "Synapse"));
        assert!(
            asked.contains(&format!("{}/computes", learning("ml1"))),
            "the workspace is looked at whatever is named: {asked:?}"
        );
        assert!(!asked.contains(&"/subscriptions".to_owned()), "{asked:?}");
        assert_eq!(asked.iter().filter(|path| **path == providers(subscription, "Synapse")).count(), 1, "{asked:?}");
    }
}

#[tokio::test]
async fn each_pool_that_is_not_attached_to_the_workspace_gets_a_manifest() {
    let (_, client) = azure().client();
    #[rustfmt::skip]
    let table = [
        // Its own name is that of a cluster of machines there.
        ("ml1", &[("fixed-b", "fixed")][..], &["pool big of syn: skipped: it is attached as spark"][..]),
        ("ml2", &[("fixed", "fixed")], &["pool big of syn: skipped: it is attached as other"]),
        ("ml4", &[("big", "big"), ("fixed", "fixed")], &[]),
    ];
    for (workspace, wanted, lines) in table {
        let workspace = learning(workspace);
        let inventory = PoolInventory::of(&client, &[], Some(&workspace)).await.expect("an inventory");
        let (builders, notes) = builders(&inventory, &workspace).expect("its computes can be listed");
        let made = manifests(&builders).expect("valid");
        let found: Vec<_> = made
            .iter()
            .map(|one| {
                let pool = one["spec"]["resourceId"].as_str().and_then(|id| id.rsplit('/').next()).expect("a pool");
                (one["metadata"]["name"].as_str().expect("a name"), pool)
            })
            .collect();
        assert_eq!(found, wanted, "{workspace}");
        assert!(notes.len() == lines.len() && notes.iter().zip(lines).all(|(notes, line)| notes.starts_with(line)), "{notes:?}");
    }
}

#[tokio::test]
async fn a_workspace_that_cannot_be_read_gets_no_manifests() {
    let gone = json!({"error": {"code": "ResourceNotFound", "message": "it is not there"}});
    #[rustfmt::skip]
    let table = [
        ("ml3",     (403, json!({"error": {"code": "AuthorizationFailed", "message": "no"}})), "not authorized"),
        ("nope-ws", (404, gone),                                                               "it is not there"),
    ];
    for (name, (status, body), words) in table {
        let workspace = learning(name);
        let mut azure = azure();
        azure.answers.push((format!("{workspace}/computes"), status, body));
        let (_, client) = azure.client();
        let inventory = PoolInventory::of(&client, &[], Some(&workspace)).await.expect("an inventory");
        let shown = builders(&inventory, &workspace).expect_err(name);
        for words in [words, &format!("{workspace}: its computes cannot be listed"), "check --workspace"] {
            assert!(shown.contains(words), "{words:?} is not in {shown}");
        }
        let is_reported =
            inventory.unread.iter().any(|line| line.starts_with(&format!("{workspace}: its computes are left out")));
        assert!(!inventory.pools.is_empty() && is_reported, "a table shows them all the same");
    }
}

#[test]
fn a_compute_is_named_after_its_pool() {
    #[rustfmt::skip]
    let table = [
        ("spark",           &[][..],               Some("spark")),
        ("Spark",           &["spark"],            Some("spark-b")),
        ("spark",           &["spark", "spark-b"], Some("spark-c")),
        ("spark15chars123", &["spark15chars123"],  Some("spark15chars-b")),
        ("p1",              &[],                   Some("p1-b")),
        ("1spark",          &[],                   Some("pool1spark")),
    ];
    for (pool, taken, wanted) in table {
        let taken: Vec<_> = taken.iter().map(|name| (*name).to_owned()).collect();
        assert_eq!(free_name(pool, &taken).as_deref(), wanted, "{pool}");
    }
}
