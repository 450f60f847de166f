//! The operator's requests to the API servers in the last run of the cluster tests.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Display, Formatter};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use serde::Deserialize;

use crate::audit::{FOLDER, MANIFEST, NAMESPACE, PROGRAM, WORLDS};
use crate::granted::Right;

/// The inputs of a run: a record that is older than these is outdated.
const SOURCES: [&str; 10] = [
    "Cargo.toml",
    "Cargo.lock",
    "src",
    "charts",
    "crds",
    MANIFEST,
    "tests/cluster.rs",
    "tests/cluster",
    "tests/support",
    "tests/emulator/src",
];

/// A request of an account of the operator.
#[derive(Debug, Clone)]
pub struct Request {
    pub verb: String,
    pub group: String,
    /// With its subresource; the URL where there is no resource.
    pub resource: String,
    pub name: String,
    pub namespace: String,
    /// By an authorizer, and by no other rule.
    pub is_denied: bool,
    /// The authorizer's.
    pub reason: String,
    /// Which request it was, and whose.
    pub shown: String,
}

impl Request {
    /// The permission that it needs, without the name and the namespace, which the report has.
    pub fn right(&self) -> Right {
        let (verb, group, resource) = (self.verb.clone(), self.group.clone(), self.resource.clone());
        Right { verb, group, resource, name: String::new(), namespace: String::new() }
    }
}

impl Display for Request {
    fn fmt(&self, to: &mut Formatter<'_>) -> fmt::Result {
        to.write_str(&self.shown)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    verb: String,
    #[serde(rename = "requestURI")]
    uri: String,
    user: User,
    #[serde(default)]
    object_ref: Object,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct User {
    username: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Object {
    api_group: String,
    resource: String,
    subresource: String,
    name: String,
    namespace: String,
}

/// All requests of an account in the last run, if that was a whole run of what is here now.
pub fn of_the_last_run(account: &str) -> Vec<Request> {
    let folder = Path::new(FOLDER);
    let again = "Run: cargo test --test cluster --test rights";
    let program = fs::read_to_string(folder.join(PROGRAM))
        .unwrap_or_else(|error| panic!("there is no record of the cluster tests in {FOLDER} ({error}). {again}"));
    let age = |path: &Path| fs::metadata(path).and_then(|what| what.modified());
    let began = age(&folder.join(PROGRAM)).expect("a file has an age");
    let sources = SOURCES.iter().map(|source| newest(&Path::new(env!("CARGO_MANIFEST_DIR")).join(source)));
    let (changed, source) = sources.max().expect("there are sources");
    assert!(changed <= began, "{} has changed since the cluster tests ran. {again}", source.display());

    let mut started = program.lines();
    let program = started.next().expect("a program");
    let (all, chosen) = (list(program, &[]), list(program, &started.collect::<Vec<_>>()));
    assert!(all > 0, "{program} lists no tests. {again}");
    assert_eq!(chosen, all, "only so many of the cluster tests were to run. {again}");
    // An interrupted run left some of its worlds.
    let worlds = fs::read_to_string(folder.join(WORLDS)).unwrap_or_default();
    let of = |word: &str| worlds.lines().filter_map(|line| line.strip_prefix(word)).collect::<BTreeSet<_>>();
    let failed: Vec<_> = of("began ").difference(&of("ended ")).copied().collect();
    assert!(failed.is_empty(), "cluster tests that did not come to a good end: {failed:?}. {again}");

    let whose: BTreeMap<_, _> = worlds.lines().filter_map(|line| line.strip_prefix("began ")?.split_once(' ')).collect();
    let logs = fs::read_dir(folder).expect("it is there").map(|entry| entry.expect("an entry").path());
    let logs = logs.filter(|path| path.extension().is_some_and(|extension| extension == "log"));
    let requests: Vec<_> = logs.flat_map(|log| of_a_plane(&log, account, &whose)).collect();
    assert!(!requests.is_empty(), "{account} has asked nothing in {FOLDER}. {again}");
    requests
}

/// How many tests a program would run with these arguments.
fn list(program: &str, arguments: &[&str]) -> usize {
    let done = Command::new(program).args(arguments).arg("--list").output();
    let done = done.unwrap_or_else(|error| panic!("{program}: {error}"));
    String::from_utf8_lossy(&done.stdout).lines().filter(|line| line.ends_with(": test")).count()
}

/// The youngest file below a path, with its age.
fn newest(path: &Path) -> (SystemTime, PathBuf) {
    let below = fs::read_dir(path).into_iter().flatten().map(|entry| newest(&entry.expect("an entry").path())).max();
    let file = || {
        let age = fs::metadata(path).and_then(|what| what.modified());
        (age.unwrap_or_else(|error| panic!("{}: {error}", path.display())), path.to_owned())
    };
    below.unwrap_or_else(file)
}

fn of_a_plane(log: &Path, account: &str, whose: &BTreeMap<&str, &str>) -> Vec<Request> {
    let plane = log.file_stem().expect("it has a name").to_string_lossy();
    let text = fs::read_to_string(log).expect("a log of text");
    let user = format!("system:serviceaccount:{NAMESPACE}:{account}");
    // The control plane ends after the tests, and may still be writing its last line.
    let lines = text.split_inclusive('\n').filter(|line| line.ends_with('\n'));
    let events = lines.map(|line| serde_json::from_str::<Event>(line).unwrap_or_else(|error| panic!("{error}: {line}")));
    let asked = |Event { verb, uri, object_ref: object, annotations, .. }: Event| {
        let said = |what: &str| annotations.get(&format!("authorization.k8s.io/{what}")).cloned();
        // A request that was refused before authorization (429) has no decision.
        let is_denied = said("decision")? != "allow";
        let by = whose.get(object.namespace.as_str()).map(|by| format!(", for {by}")).unwrap_or_default();
        let shown = format!("{verb} {uri} on the control plane {plane}{by}");
        let resource = match (object.resource.as_str(), object.subresource.as_str()) {
            ("", _) => uri.split('?').next().unwrap_or_default().to_owned(),
            (resource, "") => resource.to_owned(),
            (resource, sub) => format!("{resource}/{sub}"),
        };
        let Object { api_group: group, name, namespace, .. } = object;
        Some(Request { verb, group, resource, name, namespace, is_denied, reason: said("reason").unwrap_or_default(), shown })
    };
    events.filter(|event| event.user.username == user).filter_map(asked).collect()
}
