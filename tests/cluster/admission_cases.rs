//! Manifests that the API server accepts or refuses. Long by nature: each field is at each of its bounds.

use serde_json::{Map, Value, json};

pub const SUBSCRIPTION: &str = "6560575d-fa06-4e7d-95fb-f962e74efd7a";

/// Takes a key away.
const GONE: &str = "\u{0}gone";

fn pool(tail: &str) -> String {
    format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.Synapse/{tail}")
}

/// What the API server says to write in place of a pool's ID with something around it.
const RIGHT: &str = "write /subscriptions/6560575d-fa06-4e7d-95fb-f962e74efd7a/resourceGroups/rg/providers/Microsoft.Synapse/workspaces/syn/bigDataPools/spark";
/// The same where the ID ends there, and another refusal follows.
const RIGHT_ALONE: &str = "write /subscriptions/6560575d-fa06-4e7d-95fb-f962e74efd7a/resourceGroups/rg/providers/Microsoft.Synapse/workspaces/syn/bigDataPools/spark,";

fn identity(name: &str) -> Value {
    json!({"resourceId": format!(
        "/subscriptions/{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{name}"
    )})
}

fn identities(many: usize) -> Value {
    (0..many).map(|at| identity(&format!("identity-{at}"))).collect()
}

fn user(all: &Value) -> Value {
    json!({"type": "UserAssigned", "userAssignedIdentities": all})
}

pub fn tags(many: usize) -> Value {
    Value::Object((0..many).map(|at| (format!("tag{at}"), json!("value"))).collect())
}

fn tag(name: &str, value: &str) -> Value {
    Value::Object(Map::from_iter([(name.to_owned(), json!(value))]))
}

fn letters(many: usize) -> String {
    "x".repeat(many)
}

fn good() -> Value {
    json!({
        "apiVersion": "synapse-spark.dev/v1alpha1",
        "kind": "SynapseSparkAttachment",
        "metadata": {"name": "my-spark-pool"},
        "spec": {
            "workspace": {"subscriptionId": SUBSCRIPTION, "resourceGroup": "yogi-res-group", "name": "yogi-aml-ws"},
            "resourceId": pool("workspaces/syn/bigDataPools/spark"),
        },
    })
}

/// Changes to a good manifest, by path.
type Changes = Vec<(&'static str, Value)>;

pub struct Case {
    pub name: String,
    pub changes: Changes,
    /// What the refusal says; `None` where it is accepted.
    pub refusal: Option<Vec<&'static str>>,
}

fn accepts(name: &str, changes: Changes) -> Case {
    Case { name: name.to_owned(), changes, refusal: None }
}

fn refuses(name: &str, changes: Changes, says: &[&'static str]) -> Case {
    Case { name: name.to_owned(), changes, refusal: Some(says.to_vec()) }
}

pub fn changed(changes: &Changes) -> Value {
    let mut manifest = good();
    for (path, value) in changes {
        let (parents, key) = path.rsplit_once('.').unwrap_or(("", path));
        let parent = parents.split('.').filter(|part| !part.is_empty()).fold(&mut manifest, |at, part| &mut at[part]);
        if value == GONE {
            parent.as_object_mut().expect("an object").remove(key);
        } else {
            parent[key] = value.clone();
        }
    }
    manifest
}

/// Where the compute's name comes from changes the rule that holds.
pub fn names() -> Vec<Case> {
    let mut all = Vec::new();
    let compute = "spec.computeName";
    for (name, length) in [("abc", 3), ("Ab1", 3), ("a-b-c-d-e-f-g-h1", 16), ("spark-12a", 9), ("spark12", 7), ("a--b", 4)] {
        assert_eq!(name.len(), length);
        all.push(accepts(&format!("computeName {name}"), vec![(compute, json!(name))]));
    }
    for name in
        ["", "ab", "1abc", "-abc", "abc-", "spark-1", "spark-123", "spark_pool", "spark.pool", "späte", "abcdefghijklmnopq"]
    {
        all.push(refuses(&format!("computeName {name}"), vec![(compute, json!(name))], &["spec.computeName"]));
    }
    let own = "metadata.name";
    for name in ["abc", "abcdefghijklmnop", "spark-12a"] {
        all.push(accepts(&format!("metadata.name {name}"), vec![(own, json!(name))]));
    }
    for name in ["ab", "abcdefghijklmnopq", "1abc", "spark-1", "spark.pool"] {
        all.push(refuses(
            &format!("metadata.name {name}"),
            vec![(own, json!(name))],
            &["metadata.name can't be a compute name", "set spec.computeName"],
        ));
        let both = vec![(own, json!(name)), (compute, json!("spark"))];
        all.push(accepts(&format!("metadata.name {name} beside a computeName"), both));
    }
    all.push(accepts("metadata.name of 63", vec![(own, json!(letters(63))), (compute, json!("spark"))]));
    let long = vec![(own, json!(letters(64))), (compute, json!("spark"))];
    all.push(refuses("metadata.name of 64", long, &["metadata.name must have at most 63"]));
    all
}

pub fn workspaces() -> Vec<Case> {
    let (id, group, name) = ("spec.workspace.subscriptionId", "spec.workspace.resourceGroup", "spec.workspace.name");
    let mut all = vec![
        refuses(
            "a subscription in capitals",
            vec![(id, json!(SUBSCRIPTION.to_uppercase()))],
            &[id, "must be in lower case: write 6560575d-fa06-4e7d-95fb-f962e74efd7a"],
        ),
        accepts("a group of 1", vec![(group, json!("g"))]),
        accepts("a group of 90", vec![(group, json!(letters(90)))]),
        accepts("a group of all its letters", vec![(group, json!("-a_Z.0(9)"))]),
        accepts("a workspace of 3", vec![(name, json!("w-s"))]),
        accepts("a workspace of 33", vec![(name, json!(letters(33)))]),
        accepts("a workspace with a digit first", vec![(name, json!("1_W-s"))]),
        refuses("no workspace", vec![("spec.workspace", json!(GONE))], &["spec.workspace", "Required"]),
        refuses("a null workspace", vec![("spec.workspace", Value::Null)], &["spec.workspace"]),
    ];
    for part in [id, group, name] {
        all.push(refuses(&format!("no {part}"), vec![(part, json!(GONE))], &[part, "Required"]));
        all.push(refuses(&format!("{part} of a number"), vec![(part, json!(7))], &[part, "string"]));
    }
    let bad = [
        (id, vec![String::new(), "my-subscription".to_owned(), SUBSCRIPTION[1..].to_owned(), format!("{SUBSCRIPTION}0")]),
        (id, vec![SUBSCRIPTION.replace('-', ""), SUBSCRIPTION.replace('f', "g"), format!("{{{}}}", &SUBSCRIPTION[2..])]),
        (group, vec![String::new(), "group.".to_owned(), "a group".to_owned(), "a/b".to_owned(), letters(91)]),
        (name, vec!["ws".to_owned(), "-ws".to_owned(), "_ws".to_owned(), "w.s".to_owned(), letters(34)]),
    ];
    for (path, values) in bad {
        all.extend(values.iter().map(|value| refuses(&format!("{path} {value:?}"), vec![(path, json!(value))], &[path])));
    }
    all
}

pub fn pools() -> Vec<Case> {
    let id = "spec.resourceId";
    let right = pool("workspaces/syn/bigDataPools/spark");
    let mut all = vec![
        accepts("a resourceId in capitals", vec![(id, json!(right.to_uppercase()))]),
        accepts("a resourceId in small letters", vec![(id, json!(right.to_lowercase()))]),
        accepts("a pool of 15", vec![(id, json!(pool(&format!("workspaces/syn/bigDataPools/{}", letters(15)))))]),
        refuses("no resourceId", vec![(id, json!(GONE))], &[id, "Required"]),
        refuses("a null resourceId", vec![(id, Value::Null)], &[id]),
        accepts("a resource group of any script", vec![(id, json!(right.replace("/rg/", "/Instruktører-データ/")))]),
        refuses("a slash at the end", vec![(id, json!(format!("{right}/")))], &[id, "must not end with a slash", RIGHT]),
        refuses(
            "an address of the portal",
            vec![(id, json!(format!("https://portal.azure.com/#@contoso.onmicrosoft.com/resource{right}")))],
            &[id, "not an address of the portal", RIGHT],
        ),
        refuses(
            "an address of the portal with its page",
            vec![(id, json!(format!("https://portal.azure.com/#@contoso.onmicrosoft.com/resource{right}/overview")))],
            &[id, "not an address of the portal", RIGHT_ALONE],
        ),
        refuses(
            "an address of the portal with a slash at the end",
            vec![(id, json!(format!("https://portal.azure.com/#@contoso.onmicrosoft.com/resource{right}/")))],
            &[id, "not an address of the portal", RIGHT_ALONE],
        ),
        refuses(
            "an address of another resource in the portal",
            vec![(id, json!(format!("https://portal.azure.com/#resource{}", pool("workspaces/syn"))))],
            &[id, "bigDataPools/<pool>"],
        ),
        refuses("a resourceId of 401", vec![(id, json!(format!("{right}{}", letters(401 - right.len()))))], &[id, "400"]),
    ];
    for wrong in [
        "spark".to_owned(),
        String::new(),
        format!("{right}/"),
        format!(" {right}"),
        right.replace("Microsoft.Synapse", "Microsoft.Databricks"),
        right.replace("bigDataPools", "sqlPools"),
        right.replace(SUBSCRIPTION, "my-subscription"),
        right.replace("/workspaces/syn", ""),
        format!("https://management.azure.com{right}"),
        pool(&format!("workspaces/syn/bigDataPools/{}", letters(16))),
        pool("workspaces/syn/bigDataPools/my-pool"),
    ] {
        all.push(refuses(&format!("resourceId {wrong}"), vec![(id, json!(wrong))], &[id, "bigDataPools/<pool>"]));
    }
    all
}

// Longer than other functions: a table with one row per case.
pub fn of_identity() -> Vec<Case> {
    let at = "spec.identity";
    let list = "spec.identity.userAssignedIdentities";
    let item = "spec.identity.userAssignedIdentities[0].resourceId";
    let one = json!([identity("yogi-managed-id")]);
    let twice = json!([identity("yogi-managed-id"), identity("YOGI-managed-id")]);
    let shout = one
        .to_string()
        .replace("Microsoft.ManagedIdentity", "MICROSOFT.MANAGEDIDENTITY")
        .replace("resourceGroups", "RESOURCEGROUPS");
    let shout: Value = serde_json::from_str(&shout).expect("JSON");
    let mut all = vec![
        accepts("identity None", vec![(at, json!({"type": "None"}))]),
        accepts("SystemAssigned", vec![(at, json!({"type": "SystemAssigned"}))]),
        accepts("SystemAssigned with an empty list", vec![(at, json!({"type": "SystemAssigned", "userAssignedIdentities": []}))]),
        accepts("UserAssigned with one", vec![(at, user(&one))]),
        accepts("both", vec![(at, json!({"type": "SystemAssigned,UserAssigned", "userAssignedIdentities": one}))]),
        accepts("an identity in capitals", vec![(at, user(&shout))]),
        accepts("50 identities", vec![(at, user(&identities(50)))]),
        accepts("a null identity", vec![(at, Value::Null)]),
        accepts("a null list of identities", vec![(at, json!({"type": "SystemAssigned", "userAssignedIdentities": null}))]),
        accepts("an identity of 3", vec![(at, user(&json!([identity("a_b")])))]),
        accepts("an identity of 128", vec![(at, user(&json!([identity(&letters(128))])))]),
        refuses("51 identities", vec![(at, user(&identities(51)))], &[list, "50"]),
        refuses("UserAssigned without a list", vec![(at, json!({"type": "UserAssigned"}))], &[list, "needs one"]),
        refuses("UserAssigned with an empty list", vec![(at, user(&json!([])))], &[list, "needs one"]),
        refuses("both without a list", vec![(at, json!({"type": "SystemAssigned,UserAssigned"}))], &[list, "needs one"]),
        refuses(
            "SystemAssigned with a list",
            vec![(at, json!({"type": "SystemAssigned", "userAssignedIdentities": one}))],
            &[list, "none with"],
        ),
        refuses("None with a list", vec![(at, json!({"type": "None", "userAssignedIdentities": one}))], &[list, "none with"]),
        refuses("an identity twice", vec![(at, user(&json!([one[0], one[0]])))], &[list, "twice"]),
        refuses("an identity twice in other case", vec![(at, user(&twice))], &[list, "twice"]),
        refuses(
            "an identity without a type",
            vec![(at, json!({"userAssignedIdentities": one}))],
            &["spec.identity.type", "Required"],
        ),
        refuses("an identity without its ID", vec![(at, user(&json!([{}])))], &[item, "Required"]),
        refuses("an identity of 2", vec![(at, user(&json!([identity("ab")])))], &[item, "user-assigned identity"]),
        refuses("an identity of 129", vec![(at, user(&json!([identity(&letters(129))])))], &[item, "user-assigned identity"]),
        refuses(
            "a pool as identity",
            vec![(at, user(&json!([{"resourceId": pool("workspaces/syn/bigDataPools/spark")}])))],
            &[item],
        ),
        refuses("a name as identity", vec![(at, user(&json!([{"resourceId": "yogi-managed-id"}])))], &[item]),
    ];
    for kind in ["systemAssigned", "SystemAssigned, UserAssigned", "UserAssigned,SystemAssigned", "", "Unknown"] {
        all.push(refuses(
            &format!("identity type {kind:?}"),
            vec![(at, json!({"type": kind}))],
            &["spec.identity.type", "SystemAssigned,UserAssigned"],
        ));
    }
    all
}

pub fn of_words() -> Vec<Case> {
    let (at, text) = ("spec.tags", "spec.description");
    let mut all = vec![
        accepts("no tags", vec![(at, json!({}))]),
        accepts("null tags", vec![(at, Value::Null)]),
        accepts("49 tags", vec![(at, tags(49))]),
        accepts("a tag's name of 512", vec![(at, tag(&letters(512), ""))]),
        accepts("a tag's value of 256", vec![(at, tag("t", &letters(256)))]),
        accepts("a tag's name with dots and colons", vec![(at, tag("a.b:c d-e_ü", "<>%&\\?/"))]),
        refuses("50 tags, which leave none for the owner", vec![(at, tags(50))], &[at, "49"]),
        refuses("a tag's name of 513", vec![(at, tag(&letters(513), ""))], &[at, "1-512"]),
        refuses("a tag without a name", vec![(at, tag("", "x"))], &[at, "1-512"]),
        refuses("a tag's value of 257", vec![(at, tag("t", &letters(257)))], &["spec.tags.t", "256"]),
        refuses("a tag of a number", vec![(at, json!({"t": 7}))], &["spec.tags.t", "string"]),
        refuses(
            "the owner tag in other case",
            vec![(at, tag("Synapse-Spark-Operator-OWNER", "me"))],
            &[at, "the operator's own tag"],
        ),
        refuses("the owner tag", vec![(at, tag("synapse-spark-operator-owner", "me"))], &[at, "the operator's own tag"]),
        accepts("no description", vec![(text, json!(""))]),
        accepts("a null description", vec![(text, Value::Null)]),
        accepts("a description of 1024", vec![(text, json!(letters(1024)))]),
        accepts("a description of 1024 letters of two bytes", vec![(text, json!("ü".repeat(1024)))]),
        refuses("a description of 1025", vec![(text, json!(letters(1025)))], &[text, "1024"]),
    ];
    for letter in ['<', '>', '%', '&', '\\', '?', '/'] {
        all.push(refuses(
            &format!("a tag's name with {letter}"),
            vec![(at, tag(&format!("a{letter}b"), "x"))],
            &[at, "none of <>%&\\?/"],
        ));
    }
    all
}

pub fn policies() -> Vec<Case> {
    let mut all = Vec::new();
    for (path, words) in [
        ("spec.deletionPolicy", &["Detach", "Retain"][..]),
        ("spec.replacePolicy", &["Never", "Recreate"]),
        ("spec.adoptionPolicy", &["Never", "IfSamePool", "Always"]),
    ] {
        all.extend(words.iter().map(|word| accepts(&format!("{path} {word}"), vec![(path, json!(word))])));
        all.push(accepts(&format!("a null {path}"), vec![(path, Value::Null)]));
        for word in ["Delete", "", "Unknown"] {
            all.push(refuses(&format!("{path} {word:?}"), vec![(path, json!(word))], &[path, "supported values"]));
        }
    }
    all.push(accepts("suspend", vec![("spec.suspend", json!(true))]));
    let account = "spec.serviceAccountName";
    for name in ["a", "team-a", "synapse.spark-1", &letters(253)] {
        all.push(accepts(&format!("serviceAccountName {name}"), vec![(account, json!(name))]));
    }
    all.push(accepts("a null serviceAccountName", vec![(account, Value::Null)]));
    for name in
        ["", "team-b/account", "../account", "..", ".", "team-b:account", "Team", "-a", "a-", "a..b", "a b", "a\n", "%2e", "ä"]
    {
        all.push(refuses(&format!("serviceAccountName {name:?}"), vec![(account, json!(name))], &[account, "of this namespace"]));
    }
    all.push(refuses("serviceAccountName of 254", vec![(account, json!(letters(254)))], &[account, "253"]));
    all.push(accepts("a null suspend", vec![("spec.suspend", Value::Null)]));
    all.push(refuses("suspend of a text", vec![("spec.suspend", json!("yes"))], &["spec.suspend", "boolean"]));
    all.push(refuses("no spec", vec![("spec", json!(GONE))], &["spec", "Required"]));
    all
}
