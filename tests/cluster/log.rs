//! The log of a run, as a machine reads it.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, Visitor};
use serde_json::{Value, json};

use crate::support::{DEADLINE, World};

/// A line, in which each key may occur only once.
#[derive(Debug)]
struct Line(BTreeMap<String, Value>);

impl<'de> Deserialize<'de> for Line {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Strict;
        impl<'de> Visitor<'de> for Strict {
            type Value = Line;

            fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
                to.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Line, A::Error> {
                let mut line = BTreeMap::new();
                while let Some((key, value)) = map.next_entry::<String, Value>()? {
                    if line.insert(key.clone(), value).is_some() {
                        return Err(A::Error::custom(format!("{key} is there twice")));
                    }
                }
                Ok(Line(line))
            }
        }
        from.deserialize_map(Strict)
    }
}

/// The lines of a log. Each has the keys that every line has, and no Debug output of Rust.
fn lines(log: &str) -> Vec<Line> {
    let read = |text: &str| {
        let line: Line = serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"));
        for key in ["timestamp", "level", "target", "message"] {
            assert!(line.0.get(key).is_some_and(Value::is_string), "{key}: {text}");
        }
        for debug in ["Some(", "None,", "Error {", "Status {", "\\\\\""] {
            assert!(!text.contains(debug), "{debug}: {text}");
        }
        line
    };
    log.lines().map(read).collect()
}

/// The only line with this message and these fields.
fn only<'a>(lines: &'a [Line], message: &str, fields: &[(&str, &str)]) -> &'a Line {
    let is_it =
        |line: &&Line| line.0["message"] == message && fields.iter().all(|(key, value)| line.0.get(*key) == Some(&json!(value)));
    let found: Vec<_> = lines.iter().filter(is_it).collect();
    let [line] = found[..] else { panic!("{message} {fields:?} is there {} times:\n{lines:#?}", found.len()) };
    line
}

#[test]
fn json_log_of_a_run_is_accepted_by_a_strict_parser() {
    let world = World::without_operator("json-log", Duration::from_millis(200));
    let operator = world.operator_with(&["--log-format", "json", "--pod-name", "operator-0"]);
    world.fault("PUT", "nightly", &json!({"status": 403, "code": "AuthorizationFailed", "message": "it may not"}));
    world.apply("nightly", "one", &[]);
    world.stalled("nightly", "AuthorizationFailed");
    world.request_reconcile("nightly");
    world.ready("nightly");
    assert_eq!(operator.terminate(DEADLINE), Some(0));
    let log = operator.whole_log();
    let lines = lines(&log);

    let start = only(&lines, "starting", &[("pod", "operator-0"), ("manages", "all namespaces")]);
    assert_eq!(start.0["version"], env!("CARGO_PKG_VERSION"));
    let leader = only(&lines, "became leader", &[]);
    assert!(leader.0["lease"].is_string() && leader.0["cluster"].is_string(), "{leader:?}");
    only(&lines, "leadership released", &[("lease", leader.0["lease"].as_str().expect("a path"))]);
    let object = [("namespace", &*world.namespace), ("name", "nightly"), ("controller", "synapsesparkattachment")];
    let refused = only(&lines, "warning event", &[&object[..], &[("reason", "AuthorizationFailed")]].concat());
    assert!(refused.0["note"].as_str().is_some_and(|note| note.contains("it may not")), "{refused:?}");
    only(&lines, "azure request failed", &object);
    only(&lines, "status changed", &[&object[..], &[("reason", "Attached")]].concat());
}

#[test]
fn fatal_error_is_logged_once() {
    let world = World::without_operator("json-fatal", Duration::from_millis(200));
    let (code, said) = world.program("default", &["run", "--log-format=json", "--watch-subscriptions=nonsense"]);
    assert_eq!(code, Some(1), "{said}");
    let lines = lines(&said);
    let end = only(&lines, "operator ended", &[("level", "ERROR")]);
    assert!(end.0["error"].as_str().is_some_and(|error| error.contains("--watch-subscriptions")), "{end:?}");
    assert_eq!(said.matches("nonsense").count(), 1, "{said}");
}
