//! Manifests that the API server accepts or refuses. Long by nature: each field is at each of its bounds.

use serde_json::{Map, Value, json};

pub const SUBSCRIPTION: &str = "6560575d-fa06-4e7d-95fb-f962e74efd7a";

/// Removes a key.
const GONE: &str = "\u{0}gone";

fn pool(tail: &str) -> String {
    format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.Synapse/{tail}")
}

/// The value that the API server suggests instead of a pool's ID with something around it.
const RIGHT: &str = "write /subscriptions/6560575d-fa06-4e7d-95fb-f962e74efd7a/resourceGroups/rg/providers/Microsoft.Synapse/workspaces/syn/bigDataPools/spark";
/// The refusal if a part of the workspace is its whole ID.
const PART: &str = "must not be the whole workspace ID";

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

/// 49 tags with names of three characters more than this.
fn long_tags(more: usize) -> Value {
    Value::Object((0..49).map(|at| (format!("{}{at:03}", letters(more)), json!("value"))).collect())
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
    /// A part of the refusal; `None` if the manifest is accepted.
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

/// The rule depends on which field has the compute's name.
pub fn names() -> Vec<Case> {
    let mut all = Vec::new();
    let compute = "spec.computeName";
    for (name, length) in [("abc", 3), ("Ab1", 3), ("a-b-c-d-e-f-g-h1", 16), ("spark-12a", 9), ("spark12", 7), ("a--b", 4)] {
        assert_eq!(name.len(), length);
        all.push(accepts(&format!("computeName {name}"), vec![(compute, json!(name))]));
    }
    for (name, why) in [
        ("", "It is shorter than 3 characters"),
        ("ab", "It is shorter than 3 characters"),
        ("1abc", "It begins with a digit"),
        ("-abc", "It begins with a hyphen"),
        ("abc-", "It ends with a hyphen"),
        ("spark-1", "It ends with a hyphen, or a hyphen and digits"),
        ("spark-123", "It ends with a hyphen, or a hyphen and digits"),
        ("spark_pool", "It contains characters other than letters, digits and hyphens"),
        ("spark.pool", "It contains a dot"),
        ("späte", "It contains characters other than letters, digits and hyphens"),
        ("abcdefghijklmnopq", "16 bytes"),
    ] {
        all.push(refuses(&format!("computeName {name}"), vec![(compute, json!(name))], &[compute, why]));
    }
    let several = ["begins with a digit", "contains a dot", "ends with a hyphen"];
    all.push(refuses("computeName with several mistakes", vec![(compute, json!("1.a-7"))], &several));
    let own = "metadata.name";
    for name in ["abc", "abcdefghijklmnop", "spark-12a"] {
        all.push(accepts(&format!("metadata.name {name}"), vec![(own, json!(name))]));
    }
    for (name, why) in [
        ("ab", "It is shorter than 3 characters. Set spec.computeName"),
        ("abcdefghijklmnopq", "It is longer than 16 characters. Set spec.computeName"),
        ("1abc", "It begins with a digit. Set spec.computeName"),
        ("spark-1", "It ends with a hyphen, or a hyphen and digits. Set spec.computeName"),
        ("spark.pool", "It contains a dot. Set spec.computeName"),
    ] {
        let says = ["spec.computeName: Required value: metadata.name is not a valid compute name.", why];
        all.push(refuses(&format!("metadata.name {name}"), vec![(own, json!(name))], &says));
        let both = vec![(own, json!(name)), (compute, json!("spark"))];
        all.push(accepts(&format!("metadata.name {name} beside a computeName"), both));
    }
    all.push(accepts("metadata.name of 63", vec![(own, json!(letters(63))), (compute, json!("spark"))]));
    let long = vec![(own, json!(letters(64))), (compute, json!("spark"))];
    all.push(refuses("metadata.name of 64", long, &["metadata.name", "is longer than 63"]));
    all
}

pub fn workspaces() -> Vec<Case> {
    let (id, group, name) = ("spec.workspace.subscriptionId", "spec.workspace.resourceGroup", "spec.workspace.name");
    let whole = format!(
        "/subscriptions/{SUBSCRIPTION}/resourceGroups/yogi-res-group/providers/Microsoft.MachineLearningServices/workspaces/yogi-aml-ws"
    );
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
        // The namespace may have a default.
        accepts("no workspace", vec![("spec.workspace", json!(GONE))]),
        accepts("a null workspace", vec![("spec.workspace", Value::Null)]),
        refuses("a workspace without a name", vec![(name, json!(GONE))], &[name, "Required"]),
        // Kubernetes' own message: a schema has no message for a wrong type.
        refuses(
            "the ID in place of the parts",
            vec![("spec.workspace", json!(whole))],
            &["spec.workspace", "must be of type object"],
        ),
        refuses("the ID as a subscription", vec![(id, json!(whole))], &[id, PART, "write 6560575d-fa06-4e7d-95fb-f962e74efd7a"]),
        refuses(
            "the ID of a subscription",
            vec![(id, json!(whole[..51]))],
            &[id, PART, "write 6560575d-fa06-4e7d-95fb-f962e74efd7a"],
        ),
        refuses("the ID as a group", vec![(group, json!(whole))], &[group, PART, "write yogi-res-group"]),
        refuses("the ID as a name", vec![(name, json!(whole))], &[name, PART, "write yogi-aml-ws"]),
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
        let why = match path {
            _ if path == id => "must be a GUID",
            _ if path == group => "must be 1-90 letters",
            _ => "must be 3-33 letters",
        };
        all.extend(values.iter().map(|value| refuses(&format!("{path} {value:?}"), vec![(path, json!(value))], &[path, why])));
    }
    all
}

pub fn pools() -> Vec<Case> {
    let (id, link) = ("spec.resourceId", "spec.linkedService");
    let linked = |name: &str, pool: &str| json!({"name": name, "poolName": pool});
    let right = pool("workspaces/syn/bigDataPools/spark");
    let mut all = vec![
        accepts("a resourceId in capitals", vec![(id, json!(right.to_uppercase()))]),
        accepts("a resourceId in small letters", vec![(id, json!(right.to_lowercase()))]),
        accepts("a pool of 15", vec![(id, json!(pool(&format!("workspaces/syn/bigDataPools/{}", letters(15)))))]),
        refuses("no resourceId", vec![(id, json!(GONE))], &[id, "Required", "set spec.resourceId to the ID of the Spark pool"]),
        refuses("a null resourceId", vec![(id, Value::Null)], &[id, "Required"]),
        refuses(
            "a linked service too",
            vec![(link, linked("a", "b"))],
            &["spec.linkedService: Forbidden", "are both set. Remove one"],
        ),
        accepts("a linked service instead", vec![(id, json!(GONE)), (link, linked("0_a-", "b7"))]),
        refuses(
            "a linked service with a dot",
            vec![(id, json!(GONE)), (link, linked("a.b", "b"))],
            &["spec.linkedService.name", "letters, digits"],
        ),
        refuses(
            "a linked service's pool with a hyphen",
            vec![(id, json!(GONE)), (link, linked("a", "a-b"))],
            &["spec.linkedService.poolName", "must consist of letters and digits"],
        ),
        accepts("a resource group of any script", vec![(id, json!(right.replace("/rg/", "/Instruktører-データ/")))]),
        refuses("a slash at the end", vec![(id, json!(format!("{right}/")))], &[id, "must not end with a slash", RIGHT]),
        refuses(
            "an address of the portal",
            vec![(id, json!(format!("https://portal.azure.com/#@contoso.onmicrosoft.com/resource{right}")))],
            &[id, "a resource ID, not a URL", RIGHT],
        ),
        refuses(
            "an address of the portal with its page",
            vec![(id, json!(format!("https://portal.azure.com/#@contoso.onmicrosoft.com/resource{right}/overview")))],
            &[id, "a resource ID, not a URL", RIGHT],
        ),
        refuses(
            "an address of the portal with a slash at the end",
            vec![(id, json!(format!("https://portal.azure.com/#@contoso.onmicrosoft.com/resource{right}/")))],
            &[id, "a resource ID, not a URL", RIGHT],
        ),
        refuses(
            "the address of the API",
            vec![(id, json!(format!("https://management.azure.com{right}?api-version=2021-06-01")))],
            &[id, "not a URL", RIGHT],
        ),
        refuses("a space first", vec![(id, json!(format!(" {right}")))], &[id, "must be the resource ID alone", RIGHT]),
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
        right[1..].to_owned(),
        right.replace("Microsoft.Synapse", "Microsoft.Databricks"),
        right.replace("bigDataPools", "sqlPools"),
        right.replace(SUBSCRIPTION, "my-subscription"),
        right.replace("/workspaces/syn", ""),
        pool("workspaces/syn"),
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
        refuses(
            "UserAssigned without a list",
            vec![(at, json!({"type": "UserAssigned"}))],
            &[list, "Required", "is required if spec.identity.type includes UserAssigned"],
        ),
        refuses(
            "UserAssigned with an empty list",
            vec![(at, user(&json!([])))],
            &[list, "Required", "is required if spec.identity.type includes UserAssigned"],
        ),
        refuses(
            "both without a list",
            vec![(at, json!({"type": "SystemAssigned,UserAssigned"}))],
            &[list, "Required", "is required if spec.identity.type includes UserAssigned"],
        ),
        refuses(
            "SystemAssigned with a list",
            vec![(at, json!({"type": "SystemAssigned", "userAssignedIdentities": one}))],
            &[list, "Forbidden", "must be empty with spec.identity.type"],
        ),
        refuses(
            "None with a list",
            vec![(at, json!({"type": "None", "userAssignedIdentities": one}))],
            &[list, "Forbidden", "must be empty with spec.identity.type"],
        ),
        refuses("an identity twice", vec![(at, user(&json!([one[0], one[0]])))], &[list, "has a duplicate"]),
        refuses("an identity twice in other case", vec![(at, user(&twice))], &[list, "has a duplicate"]),
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
            &[item, "must be the ID of a user-assigned identity"],
        ),
        refuses(
            "a name as identity",
            vec![(at, user(&json!([{"resourceId": "yogi-managed-id"}])))],
            &[item, "not its name or client ID"],
        ),
        refuses(
            "a client ID as identity",
            vec![(at, user(&json!([{"resourceId": SUBSCRIPTION}])))],
            &[item, "not its name or client ID"],
        ),
        refuses(
            "an identity's address in the portal",
            vec![(
                at,
                user(
                    &json!([{"resourceId": format!("https://portal.azure.com/#resource{}/overview", one[0]["resourceId"].as_str().expect("text"))}]),
                ),
            )],
            &[item, "not a URL: write /subscriptions/", "userAssignedIdentities/yogi-managed-id"],
        ),
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
            &[at, "is reserved for the operator"],
        ),
        refuses("the owner tag", vec![(at, tag("synapse-spark-operator-owner", "me"))], &[at, "is reserved for the operator"]),
        refuses(
            "a tag twice in other case",
            vec![(at, json!({"team": "a", "cost": "b", "Team": "c"}))],
            &[at, "is a duplicate: Azure ignores the case"],
        ),
        accepts("49 tags with the longest names", vec![(at, long_tags(509))]),
        refuses("49 tags with names beyond all bounds", vec![(at, long_tags(4000))], &[at, "1-512"]),
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
            &[at, "has one of the characters <>%&\\?/, which Azure does not allow"],
        ));
    }
    all
}

pub fn roles() -> Vec<Case> {
    let (at, identity) = ("spec.synapseRole", "spec.identity");
    let role = |name: &str| json!({"name": name});
    let with = |role: Value| vec![(identity, json!({"type": "SystemAssigned"})), (at, role)];
    vec![
        accepts("a role", with(role("Synapse Administrator"))),
        accepts("a role by its GUID", with(role(SUBSCRIPTION))),
        // The namespace may have a default.
        accepts("a role without an identity", vec![(at, role("Synapse Administrator"))]),
        refuses(
            "a role with the identity None",
            vec![(identity, json!({"type": "None"})), (at, role("Synapse Administrator"))],
            &[at, "needs spec.identity"],
        ),
        refuses(
            "a role of Azure",
            with(role("Owner")),
            &["spec.synapseRole.name", "must be Synapse Administrator, Synapse Compute Operator"],
        ),
        refuses("a role in small letters", with(role("synapse administrator")), &["spec.synapseRole.name", "or a role's GUID"]),
        refuses(
            "a role of an unknown scope",
            with(json!({"name": "Synapse Administrator", "scope": "Everywhere"})),
            &["spec.synapseRole.scope", "Unsupported value: \"Everywhere\""],
        ),
        refuses(
            "a role of a linked service that is not there",
            with(json!({"name": "Synapse Administrator", "linkedService": true})),
            &["spec.synapseRole.linkedService", "needs spec.linkedService"],
        ),
    ]
}

pub fn policies() -> Vec<Case> {
    let mut all = Vec::new();
    for (path, words) in [
        ("spec.deletionPolicy", &["Detach", "Retain"][..]),
        ("spec.replacePolicy", &["Never", "Recreate"]),
        ("spec.adoptionPolicy", &["Never", "IfSamePool", "Always"]),
        ("spec.deletionGuard", &["None", "WhenIdle"]),
    ] {
        all.extend(words.iter().map(|word| accepts(&format!("{path} {word}"), vec![(path, json!(word))])));
        all.push(accepts(&format!("a null {path}"), vec![(path, Value::Null)]));
        for word in ["Delete", "", "Unknown"] {
            all.push(refuses(&format!("{path} {word:?}"), vec![(path, json!(word))], &[path, "supported values"]));
        }
    }
    let timeout = "spec.deletionGuardTimeout";
    for text in ["1m", "60s", "24h", "1h30m", "1h30m15s", "168h"] {
        all.push(accepts(&format!("deletionGuardTimeout {text}"), vec![(timeout, json!(text))]));
    }
    all.push(accepts("a null deletionGuardTimeout", vec![(timeout, Value::Null)]));
    for text in ["", "59s", "0h", "168h1s", "30m1h", "1h1h", "7d", "1.5h", "-1h", "1h 30m", "24", "24H", "1 h"] {
        let words = &[timeout, "must be a duration from 1m to 168h"];
        all.push(refuses(&format!("deletionGuardTimeout {text:?}"), vec![(timeout, json!(text))], words));
    }
    all.push(refuses("deletionGuardTimeout of a number", vec![(timeout, json!(24))], &[timeout, "string"]));
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
    let config_map = "spec.outputs.configMapName";
    let outputs = |name: &str| vec![("spec.outputs", json!({"configMapName": name}))];
    for name in ["a", "nightly.outputs-1", &letters(253)] {
        all.push(accepts(&format!("configMapName {name}"), outputs(name)));
    }
    all.push(accepts("null outputs", vec![("spec.outputs", Value::Null)]));
    for name in ["", "../secrets", "team-b/outputs", "Outputs", "-a", "a..b"] {
        all.push(refuses(&format!("configMapName {name:?}"), outputs(name), &[config_map, "of this namespace"]));
    }
    all.push(refuses("configMapName of 254", outputs(&letters(254)), &[config_map, "253"]));
    all.push(refuses("outputs without a name", vec![("spec.outputs", json!({}))], &[config_map, "Required value"]));
    all.push(accepts("a null suspend", vec![("spec.suspend", Value::Null)]));
    all.push(refuses("suspend of a text", vec![("spec.suspend", json!("yes"))], &["spec.suspend", "boolean"]));
    all.push(refuses("no spec", vec![("spec", json!(GONE))], &["spec", "Required"]));
    all
}
