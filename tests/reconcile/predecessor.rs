//! A compute whose owner had another name in the same namespace is free once the API server itself answers that this owner is gone.

use std::sync::Arc;
use std::time::Duration;

use prometheus_client::registry::Registry;
use serde_json::{Value, json};
use synapse_spark_operator::controller::{Options, Readiness, reconcile, run};

use super::in_process::{Api, context, object};
use super::one_compute::OneCompute;
use super::stored;

/// An object that was never reconciled, and that may adopt whatever has no owner.
fn renamed() -> Value {
    object("team-a", "pool", &json!({"adoptionPolicy": "Always"}))
}

fn of_uid(mut object: Value, uid: &str) -> Value {
    object["metadata"]["uid"] = uid.into();
    object
}

#[tokio::test(start_paused = true)]
async fn only_an_owner_of_the_same_namespace_that_is_gone_frees_its_compute() {
    let owner = |namespace: &str| of_uid(object(namespace, "former", &json!({})), "uid-1");
    #[rustfmt::skip]
    let table = [
        // case                                   owner tag                       exists there                                        reads  writes
        ("it is gone",                            "cluster/team-a/former/uid-1",  None,                                                true,  true),
        ("another of its name took its place",    "cluster/team-a/former/uid-1",  Some(of_uid(owner("team-a"), "uid-2")),              true,  true),
        ("it exists, and no watch shows it",      "cluster/team-a/former/uid-1",  Some(owner("team-a")),                               true,  false),
        ("it was in another team's namespace",    "cluster/team-b/former/uid-1",  None,                                                false, false),
        ("it had this name in another namespace", "cluster/team-b/pool/uid-1",    None,                                                false, false),
        ("it was in another cluster",             "another/team-a/former/uid-1",  None,                                                false, false),
        ("the tag is of nobody's",                "former",                       None,                                                false, false),
        ("it is handed over to another name",     "cluster/team-a/former/transferred", None,                                           false, false),
    ];
    for (case, tag, there, is_read, is_adopted) in table {
        let (api, azure) = (Api::with(renamed()), Arc::new(OneCompute::owned_by(tag)));
        if let Some(there) = there {
            api.put(there);
        }
        let context = context(api.client(), azure.clone(), &mut Registry::default());
        reconcile(stored(&api), Arc::new(context)).await.expect("Kubernetes accepts every write");
        let writes = azure.writes();
        assert_eq!(writes, if is_adopted { vec!["PUT"] } else { vec![] }, "{case}");
        assert_eq!(!api.requests(&["GET", "/former"]).is_empty(), is_read, "{case}");
        if !is_adopted {
            assert_eq!(api.reason("team-a", "pool").as_deref(), Some("OwnedByAnother"), "{case}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_owner_that_cannot_be_read_counts_as_existing() {
    let (api, azure) = (Api::with(renamed()), Arc::new(OneCompute::owned_by("cluster/team-a/former/uid-1")));
    api.refuse("/former", 403, "Forbidden", "it is forbidden");
    let context = context(api.client(), azure.clone(), &mut Registry::default());
    reconcile(stored(&api), Arc::new(context)).await.expect("Kubernetes accepts every write");
    assert_eq!(azure.writes(), Vec::<String>::new());
    assert_eq!(api.reason("team-a", "pool").as_deref(), Some("OwnedByAnother"));
}

#[tokio::test]
async fn an_owner_that_the_watch_shows_is_not_read() {
    let api = Api::with(renamed());
    api.put(of_uid(object("team-a", "former", &json!({"suspend": true})), "uid-1"));
    let azure = Arc::new(OneCompute::owned_by("cluster/team-a/former/uid-1"));
    let context = Arc::new(context(api.client(), azure.clone(), &mut Registry::default()));
    let options = Options { concurrency: 1, namespaces: vec!["team-a".into()], readiness: Arc::new(Readiness::default()) };
    let running = tokio::spawn(run(api.client(), context, options, std::future::pending()));
    let shown = async {
        while api.reason("team-a", "pool").as_deref() != Some("OwnedByAnother") {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), shown).await.expect("it is reported");
    running.abort();
    assert_eq!(api.requests(&["GET", "/former"]), [""; 0]);
    assert_eq!(azure.writes(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_former_object_that_a_lagging_watch_still_shows_takes_nothing_from_its_successor() {
    let (api, azure) = (Api::with(renamed()), Arc::new(OneCompute::owned_by("cluster/team-a/pool/uid-2")));
    let cached = stored(&api);
    api.put(of_uid(renamed(), "uid-2"));
    let context = context(api.client(), azure.clone(), &mut Registry::default());
    // To the former object, the tag is that of a former object of its name; and its status can no longer be stored.
    drop(reconcile(cached, Arc::new(context)).await);
    assert_eq!(azure.writes(), Vec::<String>::new());
}
