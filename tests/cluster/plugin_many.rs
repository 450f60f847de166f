//! `kubectl synapse` for several attachments, and commands that follow changes.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

use super::plugin::{folder, has, kubectl, said, synapse};
use crate::support::World;

/// A command that runs until it is interrupted. Its own time limit ends it if the test fails.
struct Follower {
    child: Child,
    lines: std::io::Lines<BufReader<ChildStdout>>,
}

impl Follower {
    fn start(world: &World, args: &[&str]) -> Self {
        let mut child = Command::new(folder(world).join("kubectl-synapse"))
            .args(args)
            .args(["-n", &world.namespace, "--timeout", "60s"])
            .env_clear()
            .env("KUBECONFIG", &world.plane().kubeconfig)
            .stdout(Stdio::piped())
            .spawn()
            .expect("it starts");
        let lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        Self { child, lines }
    }

    /// Reads lines until one has all of these words.
    fn until(&mut self, words: &[&str]) -> String {
        let mut read = Vec::new();
        for line in self.lines.by_ref() {
            let line = line.expect("text");
            if words.iter().all(|word| line.contains(word)) {
                return line;
            }
            read.push(line);
        }
        panic!("no line has {words:?}:\n{}", read.join("\n"))
    }

    /// Sends Ctrl-C. Returns the exit code.
    fn interrupt(mut self) -> Option<i32> {
        let pid = self.child.id().to_string();
        let sent = Command::new("/bin/sh").args(["-c", "kill -INT $0", &pid]).status().expect("/bin/sh starts");
        assert!(sent.success());
        self.child.wait().expect("it ends").code()
    }
}

fn suspended(world: &World) -> Vec<bool> {
    let one = |name: &str| world.object(name).expect("it is there")["spec"]["suspend"] == true;
    ["hourly", "nightly", "weekly"].map(one).to_vec()
}

#[test]
fn commands_accept_names_labels_and_all() {
    let world = World::new("many");
    for name in ["hourly", "nightly", "weekly"] {
        world.apply(name, "one", &[]);
    }
    for name in ["hourly", "nightly", "weekly"] {
        world.ready(name);
    }
    let label = format!("batch={}", world.namespace);
    world.kubectl(&["label", "ssa", "hourly", "weekly", &label]);

    let (code, out, hint) = synapse(&world, &["suspend", "nightly", "hourly"]);
    assert_eq!((code, suspended(&world)), (Some(0), vec![true, true, false]), "{out}{hint}");
    has(&out, &["/nightly: spec.suspend is true\n", "/hourly: spec.suspend is true\n"]);

    // The label is this test's own, so that other namespaces are left alone.
    let args = ["synapse", "resume", "--all-namespaces", "-l", &label, "-o", "json"];
    let (code, out, hint) = said(&kubectl(&world, &world.plane().kubeconfig, &args, &[]));
    assert_eq!((code, suspended(&world)), (Some(0), vec![false, true, false]), "{out}{hint}");
    let answer: Value = serde_json::from_str(&out).expect("JSON");
    let names: Vec<_> = answer["results"].as_array().expect("a list").iter().map(|one| &one["name"]).collect();
    assert_eq!(names, ["hourly", "weekly"]);

    let (code, out, hint) = synapse(&world, &["suspend", "--all"]);
    assert_eq!((code, suspended(&world)), (Some(0), vec![true; 3]), "{out}{hint}");
    synapse(&world, &["resume", "--all"]);

    let (code, out, progress) = synapse(&world, &["reconcile", "--all"]);
    assert_eq!((code, out.lines().count()), (Some(0), 3), "{out}{progress}");
    for name in ["hourly", "nightly", "weekly"] {
        has(&out, &[&format!("{}/{name}  Ready: Attached: Compute {name}", world.namespace)]);
    }
    let (code, out, _) = synapse(&world, &["status", "nightly", "weekly"]);
    assert_eq!((code, out.lines().count()), (Some(0), 3), "a head and two rows: {out}");
    let (code, out, _) = synapse(&world, &["status", "-l", "batch notin (none)"]);
    assert_eq!((code, out.lines().count()), (Some(0), 4), "those without the label, too: {out}");
    let (code, out, hint) = synapse(&world, &["status", "-l", "batch=none"]);
    assert_eq!((code, out.as_str()), (Some(0), ""));
    has(&hint, &["No SynapseSparkAttachment in namespace", "with the labels batch=none"]);
}

#[test]
fn exit_code_is_that_of_the_worst_attachment() {
    let world = World::new("worst");
    world.apply("nightly", "one", &[]);
    world.ready("nightly");
    world.apply("missing", "missing", &[]);
    world.stalled("missing", "PoolNotFound");
    for command in ["status", "reconcile"] {
        let (code, out, complaint) = synapse(&world, &[command, "--all"]);
        assert_eq!(code, Some(2), "{command}: {out}{complaint}");
        has(&out, &["Ready", "Stalled"]);
        let (code, out, complaint) = synapse(&world, &[command, "nightly", "nope", "missing"]);
        assert_eq!(code, Some(1), "{command}: {out}{complaint}");
        has(&out, &["Ready", "Stalled"]);
        has(&complaint, &["error: ", "there is no SynapseSparkAttachment nope"]);
    }
    let (code, out, _) = synapse(&world, &["suspend", "nope", "nightly", "-o", "json"]);
    let results = serde_json::from_str::<Value>(&out).expect("JSON")["results"].clone();
    assert_eq!((code, &results[1]["suspend"]), (Some(1), &json!(true)), "{out}");
    assert!(results[0]["error"].as_str().is_some_and(|why| why.contains("there is no")), "{out}");
}

#[test]
fn status_and_events_follow_changes_until_ctrl_c() {
    let world = World::new("follow");
    world.apply("nightly", "one", &[]);
    world.ready("nightly");
    let mut status = Follower::start(&world, &["status", "--watch"]);
    assert!(status.until(&["NAME"]).starts_with("NAME"), "the head comes first");
    status.until(&["nightly", "Ready", "Attached"]);
    let mut lines = Follower::start(&world, &["status", "nightly", "-w", "-o", "json"]);
    let first: Value = serde_json::from_str(&lines.until(&["\"Ready\""])).expect("a line is an object");
    assert_eq!((&first["name"], &first["state"]), (&json!("nightly"), &json!("Ready")));
    let mut events = Follower::start(&world, &["events", "nightly", "--watch"]);
    events.until(&["Normal", "Attached"]);

    world.delete("nightly");
    status.until(&["nightly", "Deleted"]);
    lines.until(&["\"Deleted\""]);
    events.until(&["Detaching"]);
    for (what, follower) in [("status", status), ("status -o json", lines), ("events", events)] {
        assert_eq!(follower.interrupt(), Some(0), "{what}");
    }

    // The object is gone, and its events are not.
    let (code, out, _) = synapse(&world, &["events", "nightly", "-o", "json"]);
    let all = serde_json::from_str::<Value>(&out).expect("JSON")["events"].clone();
    let seen: Vec<_> = all.as_array().expect("a list").iter().map(|one| one["lastSeen"].as_str().expect("a time")).collect();
    assert!(code == Some(0) && seen.is_sorted() && seen.len() > 1, "{out}");
    let (code, out, hint) = synapse(&world, &["events", "nope"]);
    assert_eq!((code, out.as_str()), (Some(0), ""));
    has(&hint, &["No events of", "/nope"]);
}
