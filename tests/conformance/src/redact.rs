//! Replaces names, IDs and tokens of the subscription by stable placeholders.

mod body;
mod text;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Map, Value, json};

pub use body::is_policy;
use body::{own_tags, reduced};
use text::{is_guid, is_word, replaced, split_guids, without_query, word};

/// The GUIDs of Synapse's built-in roles, which are the same in every tenant and stay readable.
const PUBLIC: [&str; 10] = [
    "6e4bf58a-b8e1-4cc3-bbf9-d73143322b78",
    "7572bffe-f453-4b66-912a-46cc5ef38fda",
    "e3844cc7-4670-42cb-9349-9bdac1ee7881",
    "c3a6d2f1-a26f-4810-9b0f-591308d5cbf1",
    "7af0c69a-a548-47d6-aea3-d00e69bd83aa",
    "dd665582-e433-40ca-b183-1b1b33e73375",
    "05930f57-09a3-4c0d-9fa9-6d1eb91c178b",
    "53faaa0e-40b6-40c8-a2ff-e38f2d388875",
    "5eb298b4-692c-4241-9cf0-f58a3b42bb25",
    "2a385764-43e8-416c-9825-7b18d05a2c4b",
];

/// What is followed by a name in a resource ID.
const NAMED: [&str; 18] = [
    "subscriptions",
    "resourcegroups",
    "workspaces",
    "computes",
    "bigdatapools",
    "userassignedidentities",
    "linkedservices",
    "jobs",
    "codes",
    "components",
    "environments",
    "storageaccounts",
    "vaults",
    "registries",
    "virtualnetworks",
    "subnets",
    "datastores",
    "policyassignments",
];

/// Keys whose values are never kept.
const SECRET_KEYS: [&str; 15] = [
    "access_token",
    "client_secret",
    "client_assertion",
    "refresh_token",
    "etag",
    "createdby",
    "lastmodifiedby",
    "displayname",
    "principalname",
    "friendlyname",
    "username",
    "useremail",
    "additionalinfo",
    "trace_id",
    "correlation_id",
];

/// Longer texts are not recorded, only how long they are.
const LONGEST: usize = 16 * 1024;

/// Stands for the prefix of this run's names until all others are replaced: no name of Azure has such a character.
const OWN: &str = "compute\u{1}";
/// The same where all names of this run are to be equal.
const ANY: &str = "compute\u{2}";

/// Replaces names, IDs, tokens and addresses, the same one always by the same placeholder.
#[derive(Debug)]
pub struct Redactor {
    /// In lower case, the longest first, each with its placeholder.
    names: Vec<(String, String)>,
    /// What the names of this run's resources begin with.
    prefix: String,
    guids: BTreeMap<String, usize>,
    others: BTreeMap<String, String>,
}

impl Redactor {
    /// One that knows these texts with their placeholders, and the prefix of this run's names.
    #[must_use]
    pub fn new(secrets: Vec<(String, String)>, prefix: &str) -> Self {
        let mut names: Vec<_> =
            secrets.into_iter().filter(|(text, _)| !text.is_empty()).map(|(text, to)| (text.to_ascii_lowercase(), to)).collect();
        names.sort_by_key(|(text, _)| std::cmp::Reverse(text.len()));
        Self { names, prefix: prefix.to_owned(), guids: BTreeMap::new(), others: BTreeMap::new() }
    }

    /// Adds a text that must not be left, a token that was obtained later.
    pub fn add(&mut self, text: &str) {
        self.names.insert(0, (text.to_ascii_lowercase(), "REDACTED".to_owned()));
    }

    /// A text for a recording.
    pub fn text(&mut self, text: &str) -> String {
        let text = without_query(text).replace(self.prefix.as_str(), OWN);
        let text = self.named(&text);
        let text = self.paths(&text);
        let text = self.numbered(&text).replace(OWN, "compute-").replace(ANY, "compute");
        text.split_inclusive(|c: char| !is_word(c)).map(word).collect()
    }

    /// A text that can be compared with that of another Azure: one placeholder for all GUIDs and numbered names.
    pub fn comparable(&mut self, text: &str) -> String {
        let text = self.own(text);
        let text = self.text(&text);
        let is_guid = |part: &str| part.starts_with("00000000-0000-0000-0000-");
        split_guids(&text).into_iter().map(|part| if is_guid(part) { "{guid}" } else { part }).collect()
    }

    /// JSON for a recording. `url` is that of the request.
    pub fn json(&mut self, body: &Value, url: &str) -> Value {
        let reduced = reduced(body, url, &self.prefix);
        self.value(&reduced)
    }

    fn value(&mut self, value: &Value) -> Value {
        match value {
            Value::String(text) if text.len() > LONGEST => json!(format!("{} bytes of text", text.len())),
            Value::String(text) => Value::String(self.text(text)),
            Value::Array(all) => all.iter().map(|one| self.value(one)).collect(),
            Value::Object(map) => {
                let mut redacted = Map::new();
                for (key, value) in map {
                    let secret = SECRET_KEYS.contains(&key.to_ascii_lowercase().as_str()) && !value.is_null();
                    let value = match (key.as_str(), value) {
                        _ if secret => json!("REDACTED"),
                        ("tags", Value::Object(tags)) => own_tags(tags),
                        // Behind the first quotation mark may be the display name of the tenant.
                        ("error_description", Value::String(text)) => {
                            json!(self.text(text.split('\'').next().unwrap_or_default()))
                        }
                        _ => self.value(value),
                    };
                    redacted.insert(self.text(key), value);
                }
                Value::Object(redacted)
            }
            other => other.clone(),
        }
    }

    /// Names of this run's resources: all become one, since their order differs from run to run.
    fn own(&self, text: &str) -> String {
        let mut parts = text.split(self.prefix.as_str());
        let mut done = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            done.push_str(ANY);
            done.push_str(part.trim_start_matches(|c: char| c.is_ascii_lowercase()));
        }
        done
    }

    fn named(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (name, placeholder) in &self.names {
            text = replaced(&text, name, placeholder);
        }
        text
    }

    /// Names in resource IDs that the run was not given.
    fn paths(&mut self, text: &str) -> String {
        let mut done = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find("/subscriptions/") {
            done.push_str(&rest[..at]);
            let end =
                rest[at..].find(|c: char| c.is_whitespace() || "'\"?,;)]}<>".contains(c)).map_or(rest.len(), |end| at + end);
            done.push_str(&self.path(&rest[at..end]));
            rest = &rest[end..];
        }
        done.push_str(rest);
        done
    }

    fn path(&mut self, path: &str) -> String {
        let mut kind = String::new();
        let mut done = Vec::new();
        for segment in path.split('/') {
            let follows = NAMED.contains(&kind.as_str()) && !segment.is_empty();
            let shown = if follows && !self.is_placeholder(segment) { self.other(&kind, segment) } else { segment.to_owned() };
            kind = if follows { String::new() } else { segment.to_ascii_lowercase() };
            done.push(shown);
        }
        done.join("/")
    }

    fn is_placeholder(&self, segment: &str) -> bool {
        segment.starts_with(OWN)
            || segment.starts_with(ANY)
            || is_guid(segment)
            || self.names.iter().any(|(_, to)| segment.eq_ignore_ascii_case(to))
    }

    fn other(&mut self, kind: &str, name: &str) -> String {
        let number = self.others.len() + 1;
        self.others.entry(name.to_ascii_lowercase()).or_insert_with(|| format!("{kind}-{number}")).clone()
    }

    fn numbered(&mut self, text: &str) -> String {
        let mut done = String::with_capacity(text.len());
        for part in split_guids(text) {
            let known = PUBLIC.contains(&part) || part.starts_with("00000000-0000-0000-0000-");
            if !is_guid(part) || known {
                done.push_str(part);
                continue;
            }
            let next = self.guids.len() + 1;
            let number = *self.guids.entry(part.to_ascii_lowercase()).or_insert(next);
            let _ = write!(done, "00000000-0000-0000-0000-{number:012}");
        }
        done
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redactor() -> Redactor {
        let secrets = [("contoso-ml", "workspace"), ("dev", "group"), ("5e7-cret", "REDACTED")];
        Redactor::new(secrets.map(|(text, to)| (text.to_owned(), to.to_owned())).to_vec(), "conf1a2b3c4d")
    }

    #[test]
    fn names_are_replaced_in_any_case() {
        let mut redactor = redactor();
        assert_eq!(redactor.text("mycontoso-MLstore"), "myworkspacestore", "a long name also within a word");
        assert_eq!(redactor.text("DEV, developer, my-dev"), "group, developer, my-group", "a short one as a whole word");
        assert_eq!(redactor.text("'conf1a2b3c4dab-1' and 5e7-CRET"), "'compute-ab-1' and REDACTED");
        assert_eq!(redactor.comparable("'conf1a2b3c4dab-1'"), "'compute-1'");
    }

    #[test]
    fn equal_guids_get_the_same_placeholder() {
        let mut redactor = redactor();
        let (one, two) = ("a1b2c3d4-1111-2222-3333-444455556666", "A1B2C3D4-1111-2222-3333-444455556667");
        let shown = redactor.text(&format!("x{one}y {two} {}", one.to_uppercase()));
        assert_eq!(
            shown,
            "x00000000-0000-0000-0000-000000000001y 00000000-0000-0000-0000-000000000002 00000000-0000-0000-0000-000000000001"
        );
        assert_eq!(redactor.comparable(&format!("of '{two}'")), "of '{guid}'");
        assert_eq!(redactor.text(PUBLIC[0]), PUBLIC[0], "a built-in role is no secret");
    }

    #[test]
    fn names_in_resource_ids_are_replaced_though_unknown() {
        let mut redactor = redactor();
        let id = "/subscriptions/a1b2c3d4-1111-2222-3333-444455556666/resourceGroups/dev/providers/X/storageAccounts/acme7";
        assert_eq!(
            redactor.text(&format!("over scope '{id}' or")),
            "over scope '/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/group/providers/X/storageAccounts/storageaccounts-1' or"
        );
        assert_eq!(
            redactor.text("Microsoft.Synapse/workspaces/read"),
            "Microsoft.Synapse/workspaces/read",
            "an action has no name"
        );
    }

    #[test]
    fn tokens_addresses_and_signatures_are_removed() {
        let mut redactor = redactor();
        let token = format!("eyJ{}.{}.x", "a".repeat(30), "b".repeat(30));
        assert_eq!(
            redactor.text(&format!("Bearer {token}, by jo@acme.com from 10.1.2.3.")),
            "Bearer REDACTED, by user@example.com from 0.0.0.0"
        );
        assert_eq!(
            redactor.text("https://h/op?api-version=2025-12-01&t=638&c=MII&s=Zm9v"),
            "https://h/op?api-version=2025-12-01&t=638&c=REDACTED&s=REDACTED"
        );
        assert_eq!(redactor.text("2022-08-30T19:56:28.2261097+00:00"), "2022-08-30T19:56:28.2261097+00:00");
    }

    #[test]
    fn what_the_run_did_not_create_is_not_recorded() {
        let list = json!({"value": [{"name": "conf1a2b3c4daa", "tags": {"round": "7", "secret-project": "x"}}, {"name": "theirs", "tags": {"salary": "9"}}]});
        let shown = redactor().json(&list, "https://h/computes").to_string();
        assert!(
            shown.contains("compute-aa")
                && shown.contains("\"round\":\"7\"")
                && !shown.contains("salary")
                && !shown.contains("theirs"),
            "{shown}"
        );
        let pool = json!({"id": "/x", "type": "Microsoft.Synapse/workspaces/bigDataPools", "tags": {"salary": "9"}, "properties": {"nodeSize": "Small", "sparkConfigProperties": {"content": "key"}}});
        let shown = redactor().json(&pool, "https://h/pool").to_string();
        assert!(shown.contains("nodeSize") && !shown.contains("salary") && !shown.contains("sparkConfig"), "{shown}");
    }

    #[test]
    fn tags_policies_and_tokens_are_not_recorded() {
        let compute = json!({"name": "conf1a2b3c4daa", "tags": {"round": "7", "tag3": "x", "tagline": "acme", "salary": "9"}});
        let shown = redactor().json(&compute, "https://h/computes/conf1a2b3c4daa");
        assert_eq!(shown["tags"], json!({"round": "7", "tag3": "x", "other-2": "REDACTED", "other-3": "REDACTED"}));
        let denied = json!({"error": {"code": "RequestDisallowedByPolicy", "message": "by 'Acme rule'", "additionalInfo": [{"info": "Acme"}]}});
        assert!(!redactor().json(&denied, "https://h/x").to_string().contains("Acme"));
        let token = json!({"access_token": "opaque", "expires_in": 3599});
        assert_eq!(redactor().json(&token, "https://h/token"), json!({"access_token": "REDACTED", "expires_in": 3599}));
        let entra = json!({"error_description": "AADSTS700016: not in the directory 'Acme Ltd'. It's"});
        assert_eq!(
            redactor().json(&entra, "https://h/token"),
            json!({"error_description": "AADSTS700016: not in the directory "})
        );
    }
}
