//! Takes secrets out of what goes into a bundle.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

/// What stands in the place of a secret.
pub(super) const REDACTED: &str = "REDACTED";

/// How the names of secrets end: `client_secret`, `adminPassword`, `SharedAccessKey`, the `sig` of a signed URL.
const NAMES: &str = "secret|password|passwd|passphrase|pwd|token|assertion|api[_-]?key|account[_-]?key|access[_-]?key|private[_-]?key|connection[_-]?string|sas|sig|signature";

/// The name of a field, a header or an option whose value is a secret.
static NAME: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(&format!("(?i)(?:{NAMES}|authorization|cookie)$")).expect("a valid pattern"));

/// What looks like a secret, and what is written instead of it.
static PATTERNS: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
    let named = format!(
        // Quotes, escaped or not, up to the closing one; or a word.
        r#"(?i)((?:{NAMES})\\?["']?\s*[=:]\s*)(?:(\\")(?:[^"\\\n]|\\\\(?:\\["\\]|[^"\\\n]))+|(")(?:[^"\\\n]|\\.)+|(')(?:[^'\\\n]|\\.)+|[^\s"'&,;\\]+)"#
    );
    let patterns = [
        // JSON Web Tokens: access tokens of Entra, tokens of ServiceAccounts.
        (r"eyJ[A-Za-z0-9_-]{6,}\.[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]*)?", REDACTED),
        (r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}", "$1 REDACTED"),
        // Names and passwords in URLs, such as that of a proxy. A password may have an @.
        (r#"://[^/\s"']+@"#, "://REDACTED@"),
        // Client secrets of Entra have these characters in the fourth to sixth place.
        (r"\b[A-Za-z0-9_.~-]{3}[0-9]Q~[A-Za-z0-9_.~-]{20,}", REDACTED),
        // `client_secret=…`, `"password": "…"`, `sig=…` of a signed URL.
        (&named, "${1}${2}${3}${4}REDACTED"),
    ];
    patterns.into_iter().map(|(pattern, instead)| (Regex::new(pattern).expect("a valid pattern"), instead)).collect()
});

/// A text without what looks like a secret.
pub(super) fn text(text: &str) -> String {
    PATTERNS.iter().fold(text.to_owned(), |text, (pattern, instead)| pattern.replace_all(&text, *instead).into_owned())
}

/// An object of Kubernetes without secrets: without the values of environment variables and annotations that are not known to have
/// none, without what is named like a secret, and without what looks like one elsewhere. `known` are the environment variables whose
/// values are shown.
pub(super) fn object(value: Value, known: &BTreeSet<String>) -> Value {
    match value {
        Value::String(one) => Value::String(text(&one)),
        Value::Array(all) => {
            let mut is_named = false;
            let shown = |one: Value| {
                let follows =
                    std::mem::replace(&mut is_named, one.as_str().is_some_and(|one| one.starts_with('-') && is_name(one)));
                if follows { secret(one, known) } else { object(one, known) }
            };
            all.into_iter().map(shown).collect()
        }
        Value::Object(fields) => {
            // A header of a probe, for example.
            let is_named = fields.get("name").and_then(Value::as_str).is_some_and(is_name);
            let fields = fields.into_iter().filter(|(key, _)| key != "managedFields");
            fields
                .map(|(key, value)| {
                    let value = match key.as_str() {
                        "annotations" => annotations(value),
                        "env" => environment(value, known),
                        "value" if is_named => secret(value, known),
                        key if is_name(key) => secret(value, known),
                        _ => object(value, known),
                    };
                    (key, value)
                })
                .collect()
        }
        other => other,
    }
}

fn is_name(name: &str) -> bool {
    NAME.is_match(name)
}

/// What is named like a secret. Objects and Booleans, such as references to Secrets, are none.
fn secret(value: Value, known: &BTreeSet<String>) -> Value {
    match value {
        Value::String(_) | Value::Number(_) => Value::String(REDACTED.to_owned()),
        Value::Array(all) => all.into_iter().map(|one| secret(one, known)).collect(),
        other => object(other, known),
    }
}

fn annotations(value: Value) -> Value {
    let Value::Object(all) = value else { return value };
    let is_known = |key: &str| key.starts_with("synapse-spark.dev/") || key.starts_with("azure.workload.identity/");
    let shown = |(key, value): (String, Value)| {
        let value = value.as_str().filter(|_| is_known(&key)).map_or_else(|| REDACTED.to_owned(), text);
        (key, Value::String(value))
    };
    all.into_iter().map(shown).collect()
}

/// The environment of a container. References to Secrets stay, since they have no value.
fn environment(value: Value, known: &BTreeSet<String>) -> Value {
    let Value::Array(variables) = value else { return object(value, known) };
    let shown = |mut variable: Value| {
        let is_known = variable["name"].as_str().is_some_and(|name| known.contains(name) && !is_name(name));
        if let Some(value) = variable.get_mut("value") {
            *value = Value::String(value.as_str().filter(|_| is_known).map_or_else(|| REDACTED.to_owned(), text));
        }
        variable
    };
    variables.into_iter().map(shown).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_looks_like_a_secret_is_redacted() {
        // Made up, and put together here so that no scanner of secrets finds them.
        let token = ["eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiJ9", "eyJhdWQiOiJodHRwcyJ9", "c2lnbmF0dXJl"].join(".");
        let secret = ["abc8", "Q~", "planted_planted_planted_planted_1"].concat();
        #[rustfmt::skip]
        let cases = [
            (format!("token {token} was refused"), "token REDACTED was refused"),
            (format!("Authorization: Bearer {token}"), "Authorization: Bearer REDACTED"),
            ("proxy https://user:planted@proxy.example:3128/".to_owned(), "proxy https://REDACTED@proxy.example:3128/"),
            (format!("the secret {secret} has expired"), "the secret REDACTED has expired"),
            ("grant_type=client_credentials&client_secret=planted&scope=a".to_owned(), "grant_type=client_credentials&client_secret=REDACTED&scope=a"),
            (r#"{"password": "planted", "name": "a"}"#.to_owned(), r#"{"password": "REDACTED", "name": "a"}"#),
            (r#"{\"access_token\":\"planted\"}"#.to_owned(), r#"{\"access_token\":\"REDACTED\"}"#),
            ("https://a.blob.example/b?se=1&sig=planted%3D".to_owned(), "https://a.blob.example/b?se=1&sig=REDACTED"),
            (r#"{"clientSecret":"planted","adminPassword":"planted"}"#.to_owned(), r#"{"clientSecret":"REDACTED","adminPassword":"REDACTED"}"#),
            ("accessToken=planted refreshToken: planted".to_owned(), "accessToken=REDACTED refreshToken: REDACTED"),
            ("Endpoint=sb://a;SharedAccessKeyName=b;SharedAccessKey=planted=".to_owned(), "Endpoint=sb://a;SharedAccessKeyName=b;SharedAccessKey=REDACTED"),
            (r#""connectionString":"a=b;c=planted", "sas": "planted""#.to_owned(), r#""connectionString":"REDACTED", "sas": "REDACTED""#),
            (r#""password":"a,b;c d\"e\\","f":"g""#.to_owned(), r#""password":"REDACTED","f":"g""#),
            ("password: 'a,b;c' f".to_owned(), "password: 'REDACTED' f"),
            (r#"{\"password\":\"a,b;c d\\\"e\\\\\",\"f\":\"g\"}"#.to_owned(), r#"{\"password\":\"REDACTED\",\"f\":\"g\"}"#),
            ("\"password\":\"a,b;c\nnext line".to_owned(), "\"password\":\"REDACTED\nnext line"),
            ("https://user:p@ss@proxy.example:3128/".to_owned(), "https://REDACTED@proxy.example:3128/"),
        ];
        for (text, expected) in cases {
            assert_eq!(super::text(&text), expected);
        }
    }

    #[test]
    fn what_helps_is_kept() {
        for line in [
            r#"{"code":"AuthorizationFailed","message":"The client '22222222-3333-4444-5555-666666666666' does not have authorization"}"#,
            "--client-secret-file=/var/run/secrets/azure/client-secret/word",
            "synapse_spark_operator_azure_token_requests_total{result=\"success\"} 1",
            "/subscriptions/6560575d-fa06-4e7d-95fb-f962e74efd7a/resourceGroups/rg/providers/Microsoft.Synapse/workspaces/ws",
        ] {
            assert_eq!(text(line), line);
        }
    }

    #[test]
    fn environment_and_annotations_show_what_is_known_only() {
        let known = BTreeSet::from(["AZURE_TENANT_ID".to_owned()]);
        let before = json!({
            "metadata": {"managedFields": [1], "annotations": {"synapse-spark.dev/on-delete": "abandon", "last-applied": "planted"}},
            "env": [
                {"name": "AZURE_TENANT_ID", "value": "72f988bf"},
                {"name": "MINE", "value": "planted"},
                {"name": "REFERENCE", "valueFrom": {"secretKeyRef": {"name": "azure", "key": "word"}}},
            ],
        });
        let after = json!({
            "metadata": {"annotations": {"synapse-spark.dev/on-delete": "abandon", "last-applied": REDACTED}},
            "env": [
                {"name": "AZURE_TENANT_ID", "value": "72f988bf"},
                {"name": "MINE", "value": REDACTED},
                {"name": "REFERENCE", "valueFrom": {"secretKeyRef": {"name": "azure", "key": "word"}}},
            ],
        });
        assert_eq!(object(before, &known), after);
    }

    #[test]
    fn what_is_named_like_a_secret_is_redacted() {
        let before = json!({
            "password": "planted", "pin-password": 1234, "secret": {"secretName": "azure"}, "automountServiceAccountToken": true,
            "tags": {"api-key": "planted", "team": "data"},
            "httpHeaders": [{"name": "Authorization", "value": "planted"}, {"name": "Accept", "value": "text/plain"}],
            "args": ["--password", "planted", "--client-secret-file", "/azure/word"],
            "env": [{"name": "MY_TOKEN", "value": "planted"}],
            "volumes": [{"name": "azure-token", "mountPath": "/var/run"}],
        });
        let after = json!({
            "password": REDACTED, "pin-password": REDACTED, "secret": {"secretName": "azure"}, "automountServiceAccountToken": true,
            "tags": {"api-key": REDACTED, "team": "data"},
            "httpHeaders": [{"name": "Authorization", "value": REDACTED}, {"name": "Accept", "value": "text/plain"}],
            "args": ["--password", REDACTED, "--client-secret-file", "/azure/word"],
            "env": [{"name": "MY_TOKEN", "value": REDACTED}],
            "volumes": [{"name": "azure-token", "mountPath": "/var/run"}],
        });
        assert_eq!(object(before, &BTreeSet::from(["MY_TOKEN".to_owned()])), after);
    }
}
