//! Files of documents: YAML of one document or more, or JSON; - is standard input.

mod text;

use std::io::Read as _;
use std::path::Path;

use serde_json::Value;

/// A document, and how a message names it.
pub(super) struct Document {
    pub(super) place: String,
    pub(super) value: Value,
}

/// The documents of a file.
pub(super) struct Documents {
    pub(super) all: Vec<Document>,
    /// What is not part of a document, one line each.
    pub(super) notes: Vec<String>,
}

/// All documents of a file, lists taken apart; empty ones are left out.
pub(super) fn read(file: &Path) -> Result<Documents, String> {
    let place = file.display().to_string();
    let named = |error: &dyn std::fmt::Display| format!("-f {place}: {error}");
    let bytes = if file.as_os_str() == "-" {
        let mut bytes = Vec::new();
        std::io::stdin().read_to_end(&mut bytes).map(|_| bytes)
    } else {
        std::fs::read(file)
    };
    let text = text::decode(bytes.map_err(|error| named(&error))?).map_err(|error| named(&error))?;
    parse(&place, &text).map_err(|error| named(&error))
}

fn parse(place: &str, text: &str) -> Result<Documents, String> {
    let (values, notes) = values(place, text)?;
    let is_one = values.len() == 1;
    let mut documents = Vec::new();
    for (at, value) in values.into_iter().enumerate().filter(|(_, value)| !value.is_null()) {
        let place = if is_one { place.to_owned() } else { format!("{place}, document {}", at + 1) };
        match items(value) {
            Ok(items) => documents.extend(
                items.into_iter().enumerate().map(|(at, value)| Document { place: format!("{place}, item {}", at + 1), value }),
            ),
            Err(value) => documents.push(Document { place, value }),
        }
    }
    Ok(Documents { all: documents, notes })
}

/// The values of a text, and a note about lines that are not part of them.
fn values(place: &str, text: &str) -> Result<(Vec<Value>, Vec<String>), String> {
    // JSON is YAML too, but a Terraform state may be larger than what a reader of YAML bears.
    let json: Result<Vec<Value>, _> = serde_json::Deserializer::from_str(text).into_iter().collect();
    if let Ok(values) = json
        && values.iter().all(|value| value.is_object() || value.is_array())
    {
        return Ok((values, Vec::new()));
    }
    let yaml: Result<Vec<Value>, _> = serde_saphyr::from_multiple(text);
    match yaml {
        // Lines without a colon are a text in YAML.
        Ok(values) if !values.iter().any(Value::is_string) => Ok((values, Vec::new())),
        other => match text::logged(text) {
            Some(found) => {
                let (count, first) = (found.lines, found.first);
                let lines = if count == 1 { "1 line that is" } else { &format!("{count} lines that are") };
                Ok((vec![found.value], vec![format!("{place}: skipped {lines} not part of the JSON document: {first:?}")]))
            }
            None => other.map(|values| (values, Vec::new())).map_err(|error| error.to_string()),
        },
    }
}

/// The items of a list, as `kubectl get -o yaml` and `az … list` print one; else what it was.
fn items(value: Value) -> Result<Vec<Value>, Value> {
    match value {
        Value::Array(items) => Ok(items),
        Value::Object(mut map) if map.get("kind").and_then(Value::as_str).is_some_and(|kind| kind.ends_with("List")) => {
            match map.shift_remove("items") {
                Some(Value::Array(items)) => Ok(items),
                _ => Err(Value::Object(map)),
            }
        }
        other => Err(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_split_and_named() {
        #[rustfmt::skip]
        let table = [
            ("one",                "a: 1",                                  &["f"][..]),
            ("several",            "a: 1\n---\n---\nb: 2\n",                &["f, document 1", "f, document 2"]),
            ("JSON",               "{\"a\": {\"b\": [1]}}",                 &["f"]),
            ("JSON after JSON",    "{\"a\": 1}\n{\"b\": 2}\n",            &["f, document 1", "f, document 2"]),
            ("after a log line",   "Loading: all\n{\"a\": 1}\n",           &["f"]),
            ("an array",           "[{\"a\": 1}, {\"b\": 2}]",             &["f, item 1", "f, item 2"]),
            ("a list of kubectl",  "kind: List\nitems: [{a: 1}, {b: 2}]",   &["f, item 1", "f, item 2"]),
            ("nothing",            "",                                      &[]),
        ];
        for (case, text, places) in table {
            let read = parse("f", text).expect(case);
            assert_eq!(read.all.iter().map(|one| one.place.as_str()).collect::<Vec<_>>(), places, "{case}");
        }
        assert!(parse("f", "a: [").is_err());
    }
}
