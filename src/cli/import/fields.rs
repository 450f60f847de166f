//! A document of another tool, read field by field: fields that are not used are reported, never dropped silently.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::api::v1alpha1::{Identity, IdentityType, UserAssignedIdentity};

/// The notes about a document: one line each, which names the document and the field.
pub(super) struct Notes {
    place: String,
    lines: Vec<String>,
}

impl Notes {
    pub(super) fn of(place: &str) -> Self {
        Self { place: place.to_owned(), lines: Vec::new() }
    }

    /// Reports what is done with a field, and what to do.
    pub(super) fn add(&mut self, field: &str, words: &str) {
        self.lines.push(format!("{}: {field}: {words}", self.place));
    }

    pub(super) fn lines(self) -> Vec<String> {
        self.lines
    }
}

/// A mapping of a document, which records the fields that were read.
pub(super) struct Fields<'a> {
    path: String,
    map: &'a Map<String, Value>,
    taken: BTreeSet<String>,
}

impl<'a> Fields<'a> {
    pub(super) fn of(value: &'a Value) -> Result<Self, String> {
        Self::at(String::new(), value)
    }

    pub(super) fn at(path: String, value: &'a Value) -> Result<Self, String> {
        match value {
            Value::Object(map) => Ok(Self { path, map, taken: BTreeSet::new() }),
            _ if path.is_empty() => Err("must be a mapping of fields".to_owned()),
            _ => Err(format!("{path}: must be a mapping")),
        }
    }

    /// The keys of a mapping, in their order.
    pub(super) fn keys(&mut self, key: &str) -> Result<Vec<String>, String> {
        Ok(self.fields(key)?.map(|part| part.map.keys().cloned().collect()).unwrap_or_default())
    }

    /// The path of a field, as messages name it.
    pub(super) fn field(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    /// A field; null is as good as absent.
    pub(super) fn take(&mut self, key: &str) -> Option<&'a Value> {
        self.taken.insert(key.to_owned());
        self.map.get(key).filter(|value| !value.is_null())
    }

    /// Ignores fields that are read-only or redundant.
    pub(super) fn pass_over(&mut self, keys: &[&str]) {
        self.taken.extend(keys.iter().map(|key| (*key).to_owned()));
    }

    /// A text that is not empty.
    pub(super) fn text(&mut self, key: &str) -> Result<Option<String>, String> {
        match self.take(key) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone()).filter(|text| !text.is_empty())),
            Some(_) => Err(format!("{}: must be a string", self.field(key))),
        }
    }

    pub(super) fn fields(&mut self, key: &str) -> Result<Option<Fields<'a>>, String> {
        let path = self.field(key);
        self.take(key).map(|value| Fields::at(path, value)).transpose()
    }

    /// The mappings of a list.
    pub(super) fn list(&mut self, key: &str) -> Result<Vec<Fields<'a>>, String> {
        let path = self.field(key);
        let Some(value) = self.take(key) else { return Ok(Vec::new()) };
        let Value::Array(items) = value else { return Err(format!("{path}: must be a list")) };
        items.iter().enumerate().map(|(at, item)| Fields::at(format!("{path}[{at}]"), item)).collect()
    }

    /// The texts of a list.
    pub(super) fn texts(&mut self, key: &str) -> Result<Vec<String>, String> {
        let path = self.field(key);
        let Some(value) = self.take(key) else { return Ok(Vec::new()) };
        let texts = value.as_array().and_then(|items| items.iter().map(|item| item.as_str().map(ToOwned::to_owned)).collect());
        texts.ok_or_else(|| format!("{path}: must be a list of strings"))
    }

    /// A mapping of texts. Numbers and booleans are refused, because their original spelling (`042`, `yes`) is lost.
    pub(super) fn tags(&mut self, key: &str) -> Result<BTreeMap<String, String>, String> {
        let path = self.field(key);
        let Some(value) = self.take(key) else { return Ok(BTreeMap::new()) };
        let Value::Object(map) = value else { return Err(format!("{path}: must be a mapping")) };
        let text = |(name, value): (&String, &Value)| match value {
            Value::String(text) => Ok((name.clone(), text.clone())),
            _ => Err(format!("{path}.{name}: must be a string: quote it")),
        };
        map.iter().map(text).collect()
    }

    /// Reports that a field is left out, if its value is not the default.
    pub(super) fn leave_out(&mut self, key: &str, default: &Value, notes: &mut Notes, why: &str) {
        if self.take(key).is_some_and(|value| value != default) {
            notes.add(&self.field(key), &format!("left out: {why}"));
        }
    }

    /// Reports the fields that were not read.
    pub(super) fn finish(self, notes: &mut Notes) {
        let is_empty = |value: &Value| match value {
            Value::Null => true,
            Value::Array(items) => items.is_empty(),
            Value::Object(map) => map.is_empty(),
            _ => false,
        };
        for (key, _) in self.map.iter().filter(|(key, value)| !self.taken.contains(*key) && !is_empty(value)) {
            notes.add(&self.field(key), "left out: a SynapseSparkAttachment has no such field. Check whether you need it.");
        }
    }
}

/// Where the region of a compute comes from.
pub(super) const LOCATION: &str = "a compute is in the region of its workspace";
/// What happens to the setting for local accounts.
pub(super) const LOCAL_AUTH: &str =
    "the operator does not send it. If an Azure policy requires it, the attach fails with the reason in the status";

/// The identity, from any tool's spelling of its type.
///
/// azure-ai-ml takes `system_assigned` and writes `Systemassigned`; Terraform has a blank after the comma.
pub(super) fn identity(field: &str, kind: Option<&str>, ids: Vec<String>) -> Result<Option<Identity>, String> {
    let Some(kind) = kind else {
        return if ids.is_empty() { Ok(None) } else { Err(format!("{field}.type: is missing: write UserAssigned")) };
    };
    let words: BTreeSet<String> = kind
        .split(',')
        .map(|word| word.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase())
        .collect();
    let words: Vec<_> = words.iter().map(String::as_str).collect();
    let kind = match words[..] {
        ["none" | ""] => IdentityType::None,
        ["systemassigned"] => IdentityType::SystemAssigned,
        ["userassigned"] => IdentityType::UserAssigned,
        ["systemassigned", "userassigned"] => IdentityType::Both,
        _ => {
            return Err(format!(
                "{field}.type: {kind:?} is not known: write SystemAssigned, UserAssigned, \"SystemAssigned,UserAssigned\" or None"
            ));
        }
    };
    let user_assigned_identities = ids.into_iter().map(|id| UserAssignedIdentity { resource_id: plain_id(&id) }).collect();
    Ok(Some(Identity { kind, user_assigned_identities }))
}

/// An ID as Azure Resource Manager has it: az ml also takes one with `azureml:` before it, and an ID that was part of a URL
/// has the letters of its resource group percent-encoded.
pub(super) fn plain_id(id: &str) -> String {
    let id = id.strip_prefix("azureml:").unwrap_or(id);
    decoded(id).unwrap_or_else(|| id.to_owned())
}

/// The text without percent-encoding; nothing if it is not UTF-8, or has what would change the segments of an ID.
fn decoded(text: &str) -> Option<String> {
    let mut parts = text.split('%');
    let mut bytes = parts.next()?.as_bytes().to_vec();
    for part in parts {
        let (digits, rest) = part.split_at_checked(2)?;
        let byte = u8::from_str_radix(digits, 16).ok().filter(|byte| !byte.is_ascii_control() && !b"/%".contains(byte))?;
        bytes.push(byte);
        bytes.extend_from_slice(rest.as_bytes());
    }
    String::from_utf8(bytes).ok()
}

/// The identities of a set, which has no order.
pub(super) fn note_order(notes: &mut Notes, field: &str, identity: Option<&Identity>) {
    if identity.is_some_and(|identity| identity.user_assigned_identities.len() > 1) {
        notes.add(field, "is an unordered set there. Put the identity that submits jobs first; `plan` shows the current order.");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identities_are_parsed_in_the_spelling_of_every_tool() {
        #[rustfmt::skip]
        let table = [
            ("system_assigned",                  Some(IdentityType::SystemAssigned)),
            ("user_assigned",                    Some(IdentityType::UserAssigned)),
            ("none",                             Some(IdentityType::None)),
            ("None",                             Some(IdentityType::None)),
            ("system_assigned,user_assigned",    Some(IdentityType::Both)),
            ("SystemAssigned",                   Some(IdentityType::SystemAssigned)),
            ("SystemAssigned, UserAssigned",     Some(IdentityType::Both)),
            ("UserAssigned,SystemAssigned",      Some(IdentityType::Both)),
            ("Systemassigned",                   Some(IdentityType::SystemAssigned)),
            ("Systemassigned,Userassigned",      Some(IdentityType::Both)),
            ("Managed",                          None),
            ("SystemAssigned,Managed",           None),
        ];
        for (words, kind) in table {
            let read = identity("identity", Some(words), Vec::new());
            assert_eq!(read.as_ref().ok().and_then(|one| one.as_ref().map(|one| one.kind)), kind, "{words}: {read:?}");
        }
        assert_eq!(identity("identity", None, Vec::new()), Ok(None));
        assert!(identity("identity", None, vec!["x".to_owned()]).is_err());
    }

    #[test]
    fn ids_are_parsed_in_the_spelling_of_every_tool() {
        #[rustfmt::skip]
        let table = [
            ("as it is",             "/resourceGroups/rg",                  "/resourceGroups/rg"),
            ("azureml: before it",   "azureml:/resourceGroups/rg",          "/resourceGroups/rg"),
            ("as part of a URL",     "/resourceGroups/Instrukt%C3%B8rer/x", "/resourceGroups/Instruktører/x"),
            ("parentheses",          "/resourceGroups/rg%281%29",           "/resourceGroups/rg(1)"),
            ("a slash",              "/resourceGroups/rg%2Fx",              "/resourceGroups/rg%2Fx"),
            ("encoded twice",        "/resourceGroups/rg%2528",             "/resourceGroups/rg%2528"),
            ("not UTF-8",            "/resourceGroups/%F8",                 "/resourceGroups/%F8"),
            ("cut short",            "/resourceGroups/rg%2",                "/resourceGroups/rg%2"),
            ("a letter cut apart",   "/resourceGroups/rg%2ø",               "/resourceGroups/rg%2ø"),
        ];
        for (case, id, wanted) in table {
            assert_eq!(plain_id(id), wanted, "{case}");
        }
    }

    #[test]
    fn fields_that_were_not_read_are_reported() {
        let value = serde_json::json!({"a": "1", "b": null, "c": {"d": 1, "e": []}, "f": {}, "g": 3, "h": false});
        let mut notes = Notes::of("f");
        let mut part = Fields::of(&value).expect("a mapping");
        assert_eq!(part.text("a"), Ok(Some("1".to_owned())));
        part.leave_out("h", &Value::Bool(false), &mut notes, "no");
        let inner = part.fields("c").expect("a mapping").expect("there");
        inner.finish(&mut notes);
        part.finish(&mut notes);
        let said = notes.lines();
        assert_eq!(said.len(), 2, "{said:?}");
        assert!(said[0].starts_with("f: c.d: left out") && said[1].starts_with("f: g: left out"), "{said:?}");
    }
}
