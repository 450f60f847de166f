//! Shards by subscription: one operator writes for each object, and operators that overlap do not write.
//!
//! Each operator has an application of its own in Entra, so that the emulator's journal shows which one sent a request.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{ACCOUNT, DEADLINE, NAMESPACE, Operator, World};

/// A Lease expires after this time without a renewal (`src/leader/timing.rs`).
const LEASE_DURATION: Duration = Duration::from_secs(15);

/// A world with three subscriptions of its own.
struct Estate {
    world: World,
    /// Each begins with its letter.
    subscriptions: [String; 3],
}

/// A running operator, and its application in Entra.
struct Shard {
    operator: Operator,
    client: String,
}

impl Estate {
    #[track_caller]
    fn new(name: &str) -> Self {
        let world = World::without_operator(name, Duration::ZERO);
        world.plane().must(&["delete", "lease", "synapse-spark-operator", "--namespace", NAMESPACE, "--ignore-not-found"]);
        let subscriptions = ["a", "b", "c"].map(|letter| format!("{letter}{}", &world.subscription[1..]));
        let tenant = crate::support::TENANT;
        world.add(&json!({
            "subscriptions": subscriptions.each_ref().map(|id| json!({"id": id, "tenantId": tenant})),
            "workspaces": subscriptions.each_ref().map(|id| json!({"id": workspace(id)})),
        }));
        world.install_shards(&subscriptions);
        Self { world, subscriptions }
    }

    fn id(&self, letter: char) -> &str {
        self.subscriptions.iter().find(|id| id.starts_with(letter)).expect("a, b or c")
    }

    /// The subscriptions with these letters, as an option has them.
    fn ids(&self, letters: &str) -> String {
        letters.chars().map(|letter| self.id(letter)).collect::<Vec<_>>().join(",")
    }

    /// Starts an operator. It may have to wait for others.
    fn start(&self, name: &str, settings: &[&str]) -> Shard {
        let client = self.world.trusting("synapse-spark-system", ACCOUNT);
        let settings = [&["--pod-name", name, "--client-id", &client], settings].concat();
        Shard { operator: self.world.sharded(&settings), client }
    }

    /// Starts a shard of the subscriptions with these letters.
    fn shard(&self, name: &str, letters: &str) -> Shard {
        self.start(name, &["--watch-subscriptions", &self.ids(letters)])
    }

    /// Starts the default shard, which excludes the subscriptions with these letters.
    fn rest(&self, name: &str, letters: &str) -> Shard {
        self.start(name, &["--watch-subscriptions-except", &self.ids(letters)])
    }

    fn manifest(&self, name: &str, subscription: &str) -> String {
        let own = format!("subscriptionId: {}", self.world.subscription);
        self.world.manifest(name, "one", &[]).replace(&own, &format!("subscriptionId: {subscription}"))
    }

    fn apply(&self, name: &str, letter: char) {
        let manifest = self.manifest(name, self.id(letter));
        self.world.plane().kubectl(&["apply", "-f", "-"], &manifest).expect("it is taken");
    }

    /// The writes to a compute: who sent each, and its method.
    fn writes(&self, letter: char, compute: &str) -> Vec<(String, String)> {
        let path = format!("{}/computes/{compute}", workspace(self.id(letter)));
        let journal = self.world.azure().control("GET", "journal", None).expect("a journal");
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let all = journal["requests"].as_array().expect("a list").iter();
        all.filter(|one| one["method"] != "GET" && text(&one["path"]).eq_ignore_ascii_case(&path))
            .map(|one| (text(&one["principal"]), text(&one["method"])))
            .collect()
    }

    /// The holder of the Lease of a subscription; without one, that of the default shard.
    fn holder(&self, letter: Option<char>) -> String {
        let suffix = letter.map(|letter| format!("-{}", self.id(letter))).unwrap_or_default();
        let name = format!("synapse-spark-operator{suffix}");
        let get =
            ["get", "lease", &name, "--namespace", NAMESPACE, "--ignore-not-found", "--output=jsonpath={.spec.holderIdentity}"];
        self.world.plane().must(&get).split('_').next().unwrap_or_default().to_owned()
    }

    fn holds(&self, letter: Option<char>, name: &str) {
        self.world.until(&format!("{name} holds the Lease of {letter:?}"), || (self.holder(letter) == name).then_some(()));
    }

    /// Waits until an operator is not ready, for this reason.
    fn waits(&self, shard: &Shard, why: &str) {
        let shown = || shard.operator.get("/readyz").filter(|(code, text)| *code == 503 && text.contains(why));
        self.world.until(&format!("/readyz shows {why:?}, not {:?}", shard.operator.get("/readyz")), shown);
    }

    /// Stores an object whose subscription has capitals, as an earlier definition accepted it.
    fn store_capitals(&self, name: &str, letter: char) {
        let definition = concat!(env!("CARGO_MANIFEST_DIR"), "/crds");
        let plane = self.world.plane();
        let strict = plane.must(&["create", "--dry-run=client", "--validate=false", "-o", "json", "-f", definition]);
        let mut loose: Value = serde_json::from_str(&strict).expect("kubectl prints JSON");
        let spec = &mut loose["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"];
        let field = &mut spec["properties"]["workspace"]["properties"]["subscriptionId"];
        field.as_object_mut().expect("a schema").remove("x-kubernetes-validations").expect("it has rules");
        plane.kubectl(&["replace", "-f", "-"], &loose.to_string()).expect("a definition");
        let manifest = self.manifest(name, &self.id(letter).to_uppercase());
        self.world.until("capitals are accepted", || plane.kubectl(&["apply", "-f", "-"], &manifest).ok());
        plane.must(&["replace", "-f", definition]);
        let another = self.manifest("another", &self.id(letter).to_uppercase());
        self.world.until("capitals are refused", || plane.kubectl(&["create", "--dry-run=server", "-f", "-"], &another).err());
    }
}

impl Shard {
    fn ready(self) -> Self {
        Self { operator: self.operator.ready(), ..self }
    }

    /// Its writes with these methods.
    fn sent(&self, methods: &[&str]) -> Vec<(String, String)> {
        methods.iter().map(|method| (self.client.clone(), (*method).to_owned())).collect()
    }

    /// Ends it by SIGTERM.
    fn end(self) {
        assert_eq!(self.operator.terminate(DEADLINE), Some(0), "{}", self.operator.log(""));
    }
}

fn workspace(subscription: &str) -> String {
    format!("/subscriptions/{subscription}/resourceGroups/rg/providers/Microsoft.MachineLearningServices/workspaces/ml-ws")
}

#[test]
fn each_object_is_written_by_the_shard_of_its_subscription() {
    let estate = Estate::new("shards");
    let rest = estate.rest("rest", "ab").ready();
    let (a, b) = (estate.shard("a", "a").ready(), estate.shard("b", "b").ready());
    for letter in ['a', 'b', 'c'] {
        estate.apply(&format!("in-{letter}"), letter);
    }
    // The default shard writes the namespace's workspace into the spec, and the shard of its subscription attaches.
    let default = format!("synapse-spark.dev/default-workspace={}", workspace(estate.id('a')));
    estate.world.plane().must(&["annotate", "namespace", &estate.world.namespace, &default]);
    let spec = format!("  workspace: {{subscriptionId: {}, resourceGroup: rg, name: ml-ws}}\n", estate.id('a'));
    let unnamed = estate.manifest("unnamed", estate.id('a')).replace(&spec, "");
    assert!(!unnamed.contains("workspace: "), "{unnamed}");
    estate.world.plane().kubectl(&["apply", "-f", "-"], &unnamed).expect("it is taken");
    estate.world.ready("unnamed");
    assert_eq!(estate.writes('a', "unnamed"), a.sent(&["PUT"]));
    estate.world.delete("unnamed");
    estate.world.gone("unnamed");
    for (letter, shard) in [('a', &a), ('b', &b), ('c', &rest)] {
        let name = format!("in-{letter}");
        estate.world.ready(&name);
        estate.world.delete(&name);
        estate.world.gone(&name);
        assert_eq!(estate.writes(letter, &name), shard.sent(&["PUT", "DELETE"]), "{name}");
    }
}

#[test]
fn one_process_watches_several_subscriptions() {
    let estate = Estate::new("several");
    let _rest = estate.rest("rest", "abc").ready();
    for letter in ['a', 'b'] {
        estate.apply(&format!("in-{letter}"), letter);
    }
    let all = estate.shard("all", "abc").ready();
    estate.apply("in-c", 'c');
    for letter in ['a', 'b', 'c'] {
        let name = format!("in-{letter}");
        estate.world.ready(&name);
        assert_eq!(estate.writes(letter, &name), all.sent(&["PUT"]), "{name}");
        estate.holds(Some(letter), "all");
    }
}

#[test]
fn shard_that_ends_is_taken_over_by_its_standby_only() {
    let estate = Estate::new("standby");
    let _rest = estate.rest("rest", "ab").ready();
    let (first, b) = (estate.shard("first", "a").ready(), estate.shard("b", "b").ready());
    estate.holds(Some('a'), "first");
    let second = estate.shard("second", "a").ready();
    let is_standby = || second.operator.log("standing by").contains("first_").then_some(());
    estate.world.until("the standby reports the lease holder", is_standby);
    estate.apply("one", 'a');
    estate.world.ready("one");
    assert_eq!(estate.writes('a', "one"), first.sent(&["PUT"]));
    first.end();
    estate.holds(Some('a'), "second");
    estate.apply("two", 'a');
    estate.apply("three", 'b');
    estate.world.ready("two");
    estate.world.ready("three");
    assert_eq!(estate.writes('a', "two"), second.sent(&["PUT"]));
    assert_eq!(estate.writes('b', "three"), b.sent(&["PUT"]));
    assert_eq!((estate.holder(Some('b')), estate.holder(None)), ("b".into(), "rest".into()));
}

#[test]
fn shard_waits_until_the_default_shard_excludes_its_subscriptions() {
    let estate = Estate::new("overlap");
    let b = estate.shard("b", "b");
    estate.waits(&b, "does not exist: start a default shard with --watch-subscriptions-except=b0000000");
    let all = estate.start("all", &[]).ready();
    estate.holds(None, "all");
    estate.waits(&b, "does not exclude b0000000");
    estate.apply("one", 'b');
    estate.world.ready("one");
    assert_eq!(estate.writes('b', "one"), all.sent(&["PUT"]), "it has no shard yet");
    all.end();
    let other = estate.rest("other", "a");
    estate.holds(None, "other");
    estate.waits(&b, "manages all subscriptions except a0000000");
    other.end();
    let _rest = estate.rest("rest", "ab").ready();
    let b = b.ready();
    estate.apply("two", 'b');
    estate.world.ready("two");
    assert_eq!(estate.writes('b', "two"), b.sent(&["PUT"]));
}

#[test]
fn shard_ends_before_an_operator_that_includes_its_subscription_writes() {
    let estate = Estate::new("included");
    let rest = estate.rest("rest", "a").ready();
    let a = estate.shard("a", "a").ready();
    rest.end();
    estate.apply("one", 'a');
    estate.world.ready("one");
    assert_eq!(estate.writes('a', "one"), a.sent(&["PUT"]), "it works on without the default shard");
    let all = estate.start("all", &[]);
    assert_eq!(a.operator.ended(LEASE_DURATION), Some(1), "{}", a.operator.log(""));
    assert!(a.operator.log("does not exclude").contains("all_"), "it reports the reason: {}", a.operator.log(""));
    assert_ne!(all.operator.log("waiting for the shards of included subscriptions to stop"), "", "{}", all.operator.log(""));
    estate.apply("two", 'a');
    let all = all.ready();
    estate.world.ready("two");
    assert_eq!(estate.writes('a', "two"), all.sent(&["PUT"]));
}

#[test]
fn subscription_of_two_shards_has_one_writer_and_the_other_reports_the_overlap() {
    let estate = Estate::new("twice");
    let _rest = estate.rest("rest", "abc").ready();
    let first = estate.shard("first", "ab").ready();
    estate.holds(Some('b'), "first");
    let second = estate.shard("second", "bc").ready();
    let reports = || Some(second.operator.log("subscriptions overlap")).filter(|line| line.contains("first_"));
    let line = estate.world.until("the overlap is reported", reports);
    assert!(line.contains(&estate.ids("ab")) && line.contains(&estate.ids("bc")), "{line}");
    estate.apply("one", 'b');
    estate.apply("two", 'c');
    estate.world.ready("one");
    assert_eq!(estate.writes('b', "one"), first.sent(&["PUT"]));
    assert_eq!((estate.writes('c', "two"), estate.holder(Some('c'))), (Vec::new(), String::new()), "all Leases, or no work");
    first.end();
    estate.world.ready("two");
    assert_eq!(estate.writes('c', "two"), second.sent(&["PUT"]));
}

#[test]
fn operator_for_some_namespaces_waits_while_there_are_shards() {
    let estate = Estate::new("scoped-shards");
    let world = &estate.world;
    world.install_for(&[&world.namespace]);
    let rest = estate.rest("rest", "a").ready();
    let a = estate.shard("a", "a").ready();
    rest.end();
    let some = world.scoped(&["--watch-namespaces", &world.namespace, "--pod-name", "some"]);
    let shown = || some.get("/readyz").filter(|(code, text)| *code == 503 && text.contains("an installation with shards"));
    world.until("it reports the shards", shown);
    estate.apply("one", 'a');
    world.ready("one");
    assert_eq!(estate.writes('a', "one"), a.sent(&["PUT"]));
}

#[test]
fn object_with_an_upper_case_subscription_is_written_by_no_shard_until_it_is_corrected() {
    let estate = Estate::new("capitals");
    estate.store_capitals("loud", 'a');
    let rest = estate.rest("rest", "a").ready();
    let a = estate.shard("a", "a").ready();
    let message = estate.world.stalled("loud", "InvalidSpec");
    assert!(message.contains(&format!("write {}", estate.id('a'))), "{message}");
    estate.world.patch("loud", &json!({"spec": {"description": "changed"}}));
    assert_eq!(estate.writes('a', "loud"), []);
    estate.world.patch("loud", &json!({"spec": {"workspace": {"subscriptionId": estate.id('a')}}}));
    estate.world.ready("loud");
    assert_eq!(estate.writes('a', "loud"), a.sent(&["PUT"]));
    drop(rest);
}

#[test]
fn object_with_an_upper_case_subscription_is_still_detached_when_it_is_deleted() {
    let estate = Estate::new("capitals-gone");
    estate.store_capitals("loud", 'a');
    let all = estate.start("all", &[]).ready();
    estate.world.ready("loud");
    assert_eq!(estate.writes('a', "loud"), all.sent(&["PUT"]), "without shards, capitals are as good");
    all.end();
    let rest = estate.rest("rest", "a").ready();
    estate.world.stalled("loud", "InvalidSpec");
    estate.world.delete("loud");
    estate.world.gone("loud");
    assert_eq!(estate.writes('a', "loud")[1..], rest.sent(&["DELETE"]));
}
