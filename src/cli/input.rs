//! Files of documents: YAML of one document or more, or JSON; - is standard input.

use std::io::Read as _;
use std::path::Path;

use serde_json::Value;

/// A document, and how a message names it.
pub(super) struct Document {
    pub(super) place: String,
    pub(super) value: Value,
}

/// All documents of a file, lists taken apart; empty ones are left out.
pub(super) fn read(file: &Path) -> Result<Vec<Document>, String> {
    let place = file.display().to_string();
    let named = |error: &dyn std::fmt::Display| format!("-f {place}: {error}");
    let text = if file.as_os_str() == "-" {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).map(|_| text)
    } else {
        std::fs::read_to_string(file)
    };
    parse(&place, &text.map_err(|error| named(&error))?).map_err(|error| named(&error))
}

fn parse(place: &str, text: &str) -> Result<Vec<Document>, String> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    // JSON is YAML too, but a Terraform state may be larger than what a reader of YAML bears.
    let values: Vec<Value> = match serde_json::from_str(text) {
        Ok(value) => vec![value],
        Err(_) => serde_saphyr::from_multiple(text).map_err(|error| error.to_string())?,
    };
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
    Ok(documents)
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
            ("with a mark",        "\u{feff}{\"a\": 1}",                    &["f"]),
            ("an array",           "[{\"a\": 1}, {\"b\": 2}]",             &["f, item 1", "f, item 2"]),
            ("a list of kubectl",  "kind: List\nitems: [{a: 1}, {b: 2}]",   &["f, item 1", "f, item 2"]),
            ("nothing",            "",                                      &[]),
        ];
        for (case, text, places) in table {
            let read = parse("f", text).expect(case);
            assert_eq!(read.iter().map(|one| one.place.as_str()).collect::<Vec<_>>(), places, "{case}");
        }
        assert!(parse("f", "a: [").is_err());
    }
}
