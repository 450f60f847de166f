//! A line of the operator's log, and which lines are shown.

use std::fmt::Write as _;

use anstyle::Style;
use serde_json::{Map, Value};

use super::super::output::{BAD, UNDECIDED, printable, styled};

/// The keys that a line shows in places of their own, or not at all.
const PLACED: [&str; 7] = ["timestamp", "level", "target", "message", "controller", "namespace", "name"];

/// A line of the log.
pub(super) enum Line<'a> {
    /// As `--log-format json` writes it.
    Json(Map<String, Value>),
    /// As `--log-format text` writes it, or what is no line of the log.
    Text(&'a str),
}

/// Which lines are shown: those about an attachment, about a namespace, or all.
#[derive(Debug, Default)]
pub(super) struct Filter {
    pub(super) namespace: Option<String>,
    pub(super) name: Option<String>,
}

impl Filter {
    pub(super) fn has(&self, line: &Line<'_>) -> bool {
        let fits = |key: &str, wanted: &Option<String>| wanted.as_deref().is_none_or(|wanted| line.has(key, wanted));
        fits("namespace", &self.namespace) && fits("name", &self.name)
    }
}

impl<'a> Line<'a> {
    pub(super) fn parse(text: &'a str) -> Self {
        serde_json::from_str(text).map_or(Self::Text(text), Self::Json)
    }

    pub(super) fn is_json(&self) -> bool {
        matches!(self, Self::Json(_))
    }

    /// Whether a field has this value.
    fn has(&self, key: &str, value: &str) -> bool {
        match self {
            Self::Json(fields) => fields.get(key).and_then(Value::as_str) == Some(value),
            // Such as `reconcile{namespace=team-a name=nightly}: …`.
            Self::Text(text) => {
                let is_end = |c: char| c == ' ' || c == '{' || c == '}' || c == ':' || c == ',';
                text.split(is_end).any(|word| {
                    word.split_once('=').is_some_and(|(found, shown)| found == key && shown.trim_matches('"') == value)
                })
            }
        }
    }

    /// For people: time, level, object, message, and the other fields.
    pub(super) fn text(&self) -> String {
        let fields = match self {
            Self::Text(text) => return format!("{}\n", printable(text)),
            Self::Json(fields) => fields,
        };
        let field = |key: &str| fields.get(key).and_then(Value::as_str).unwrap_or_default();
        let style = match field("level") {
            "ERROR" => BAD,
            "WARN" => UNDECIDED,
            _ => Style::new(),
        };
        let mut text = format!("{} {}", printable(field("timestamp")), styled(style, &format!("{:<5}", field("level"))));
        if !field("name").is_empty() {
            let _ = write!(text, " {}", printable(&format!("{}/{}", field("namespace"), field("name"))));
        }
        let _ = write!(text, " {}", printable(field("message")));
        for (key, value) in fields.iter().filter(|(key, _)| !PLACED.contains(&key.as_str())) {
            let shown = match value {
                Value::String(word) if !word.is_empty() && !word.contains([' ', '"', '=']) => word.clone(),
                value => value.to_string(),
            };
            let _ = write!(text, " {}", printable(&format!("{key}={shown}")));
        }
        text.push('\n');
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const JSON: &str = r#"{"timestamp":"2026-03-02T10:00:00.000000Z","level":"WARN","target":"t","message":"azure request failed","controller":"synapsesparkattachment","namespace":"team-a","name":"nightly","status":429,"code":"TooManyRequests","error":"wait a moment"}"#;
    const TEXT: &str =
        "2026-03-02T10:00:00.000000Z  WARN reconcile{namespace=team-a name=nightly}: t: azure request failed status=429";

    #[test]
    fn lines_are_selected_by_their_object_in_both_formats() {
        let of = |namespace: Option<&str>, name: Option<&str>| Filter {
            namespace: namespace.map(ToOwned::to_owned),
            name: name.map(ToOwned::to_owned),
        };
        #[rustfmt::skip]
        let table = [
            (of(None, None),                       true),
            (of(Some("team-a"), None),             true),
            (of(Some("team-a"), Some("nightly")),  true),
            (of(Some("team"), None),               false),
            (of(Some("team-a"), Some("night")),    false),
            (of(Some("team-b"), Some("nightly")),  false),
        ];
        for (filter, is_shown) in table {
            for line in [JSON, TEXT] {
                assert_eq!(filter.has(&Line::parse(line)), is_shown, "{filter:?}: {line}");
            }
        }
    }

    #[test]
    fn json_is_shown_for_people_and_other_text_as_it_is() {
        let shown = |line: &str| anstream::adapter::strip_str(&Line::parse(line).text()).to_string();
        assert_eq!(
            shown(JSON),
            "2026-03-02T10:00:00.000000Z WARN  team-a/nightly azure request failed status=429 code=TooManyRequests error=\"wait a moment\"\n"
        );
        assert_eq!(shown("thread\tpanicked"), "thread panicked\n");
    }
}
