//! `docs/status-reference.md` and `docs/spec-reference.md`: the fields of the schema, and the conditions that are written.

use std::fmt::Write as _;

use serde_json::{Value, json};
use synapse_spark_operator::api::Reason;
use synapse_spark_operator::api::v1alpha1::definition;

use crate::catalogue::{CATALOGUE, JOBS_READY, OUTPUTS_WRITTEN, POOL_AVAILABLE, ROLE_ASSIGNED, Shown, Wish, verdict};
use crate::committed;

const SHOWN: [Shown; 5] = [Shown::Ready, Shown::Reconciling, Shown::Stalled, Shown::NotReady, Shown::Unknown];

const STATUS: &str = "# Status reference

<!-- Generated: UPDATE=1 cargo test --test statuses -->

Every field of the status of a `SynapseSparkAttachment`, and every condition that the operator writes. `kubectl explain ssa.status` has the same descriptions. They describe the last reconcile of the generation in `observedGeneration`: a script that reads `conditions` first compares it with `metadata.generation`. [waiting.md](waiting.md) has commands that do.

```console
$ kubectl get ssa NAME -o jsonpath='{.status}'
$ kubectl explain ssa.status --recursive
```

Before the first release a field may still get another name. Afterwards fields are added and none is renamed within `v1alpha1`: [upgrading.md](upgrading.md).

";

const SPEC: &str = "# Spec reference

<!-- Generated: UPDATE=1 cargo test --test statuses -->

Every field of the spec of a `SynapseSparkAttachment`, with the rules that the API server enforces. The [README](../README.md#the-custom-resource) has an example and explains what each field does; `kubectl explain ssa.spec` has the same descriptions.

```console
$ kubectl explain ssa.spec --recursive
```

| field | type | default | meaning | rules |
|---|---|---|---|---|
";

fn reason(one: Reason) -> String {
    format!("[{one}](troubleshooting.md#{})", one.as_str().to_lowercase())
}

const fn conditions(shown: Shown) -> &'static str {
    match shown {
        Shown::Ready => "`Ready=True`",
        Shown::Reconciling => "`Ready=False`, `Reconciling=True`",
        Shown::Stalled => "`Ready=False`, `Stalled=True`",
        Shown::NotReady => "`Ready=False`",
        Shown::Unknown => "`Ready=Unknown`, `Reconciling=True`",
    }
}

const fn name(shown: Shown) -> &'static str {
    match shown {
        Shown::Ready => "ready",
        Shown::Reconciling => "reconciling",
        Shown::Stalled => "stalled",
        Shown::NotReady => "not ready",
        Shown::Unknown => "unknown",
    }
}

#[test]
fn the_status_reference_matches_the_schema_and_the_conditions() {
    let mut page = STATUS.to_owned();
    let mut line = |text: String| writeln!(page, "{text}").expect("a String takes it");
    line("## Conditions\n\n`Ready` is always there, `Reconciling` and `Stalled` only while they are true. The three always have the same reason and message, so an attachment is in one of these states:\n\n| state | conditions | Argo CD | Flux (kstatus) |\n|---|---|---|---|".to_owned());
    for shown in SHOWN {
        let wish = if shown == Shown::NotReady { Wish::Suspended } else { Wish::Attached };
        let (argocd, kstatus) = verdict(wish, shown);
        line(format!("| {} | {} | {argocd} | {kstatus} |", name(shown), conditions(shown)));
    }
    let (suspended, _) = verdict(Wish::Suspended, Shown::Ready);
    let (argocd, kstatus) = verdict(Wish::Deleted, Shown::Reconciling);
    line(format!(
        "\nWhile an attachment is in sync and suspended, Argo CD shows {suspended}; while it is being deleted, Argo CD shows {argocd} and kstatus {kstatus}.\n\nWhich state goes with which reason ([what each means](reasons.md)):\n\n| reason | state | with `suspend: true` | while being deleted |\n|---|---|---|---|"
    ));
    for (one, attached, suspended, deleted) in CATALOGUE {
        if [attached, suspended, deleted].iter().any(|states| !states.is_empty()) {
            let cell = |states: &[Shown]| states.iter().copied().map(name).collect::<Vec<_>>().join(", ");
            line(format!("| {} | {} | {} | {} |", reason(one), cell(attached), cell(suspended), cell(deleted)));
        }
    }
    line("\nFive more conditions describe a part, and none of them changes `Ready`:\n\n| condition | is there | status and reasons |\n|---|---|---|".to_owned());
    for (kind, when, all) in [
        ("RoleAssigned", "with `spec.synapseRole`", &ROLE_ASSIGNED[..]),
        ("PoolAvailable", "once the pool was read, or may not be read", &POOL_AVAILABLE[..]),
        (
            "JobsReady",
            "with `spec.jobChecks`, once [the checks for Spark jobs](jobs.md#the-condition-jobsready) were made",
            &JOBS_READY[..],
        ),
        (
            "InSync",
            "only while something else [keeps rewriting](drift.md#a-tag-that-something-else-keeps-rewriting) a tag or the description",
            &[("False", Reason::DriftPersists)][..],
        ),
        ("OutputsWritten", "with [`spec.outputs`](outputs.md)", &OUTPUTS_WRITTEN[..]),
        ("SafetyStop", "while a [safety stop](drift.md#safety-stop) lasts", &[("True", Reason::SafetyStop)][..]),
    ] {
        let mut cells = Vec::new();
        for status in ["True", "False", "Unknown"] {
            let reasons: Vec<_> = all.iter().filter(|(one, _)| *one == status).map(|(_, one)| reason(*one)).collect();
            if !reasons.is_empty() {
                cells.push(format!("`{status}`: {}", reasons.join(", ")));
            }
        }
        line(format!("| `{kind}` | {when} | {} |", cells.join("<br>")));
    }
    line("\n## Fields\n\nA field that has nothing to show is absent.\n\n| field | type | meaning |\n|---|---|---|".to_owned());
    let schema = schema();
    for field in fields("status", &schema["properties"]["status"]) {
        line(format!("| `{}` | {} | {} |", field.path, field.kind, field.meaning));
    }
    line("\nNext: [what to do for each reason](troubleshooting.md), [waiting for a state in a script](waiting.md), [the fields of the spec](spec-reference.md).".to_owned());
    committed("docs/status-reference.md", &page);
}

#[test]
fn the_spec_reference_matches_the_schema() {
    let mut page = SPEC.to_owned();
    let schema = schema();
    let spec = &schema["properties"]["spec"];
    for field in fields("spec", spec) {
        let kind = if field.is_required { format!("{}, required", field.kind) } else { field.kind };
        let default = if field.default.is_null() { String::new() } else { format!("`{}`", plain(&field.default)) };
        writeln!(page, "| `{}` | {kind} | {default} | {} | {} |", field.path, field.meaning, field.rules.join("<br>"))
            .expect("a String takes it");
    }
    page.push_str("\n## Rules between fields\n\nThe API server answers with these texts:\n\n");
    for rule in rules(&schema).into_iter().chain(rules(spec)) {
        writeln!(page, "- {rule}").expect("a String takes it");
    }
    page.push_str("\nNext: [the fields of the status](status-reference.md), [preview what a manifest would change](../README.md#preview-changes).\n");
    committed("docs/spec-reference.md", &page);
}

fn schema() -> Value {
    let definition = serde_json::to_value(definition()).expect("a definition is JSON");
    definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"].clone()
}

struct Field {
    path: String,
    kind: String,
    is_required: bool,
    default: Value,
    meaning: String,
    rules: Vec<String>,
}

/// The fields of an object and, below each, its own.
fn fields(path: &str, schema: &Value) -> Vec<Field> {
    let required = schema["required"].as_array().cloned().unwrap_or_default();
    let mut all = Vec::new();
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        let path = format!("{path}.{name}");
        let mut limits = limits(field);
        limits.extend(rules(field));
        limits.extend(limits_of_values(field));
        all.push(Field {
            kind: kind(field),
            is_required: required.contains(&json!(name)),
            default: field["default"].clone(),
            meaning: shown(field["description"].as_str().expect("a description")),
            rules: limits,
            path: path.clone(),
        });
        all.extend(fields(&path, field));
        all.extend(fields(&format!("{path}[]"), &field["items"]));
    }
    all
}

fn kind(field: &Value) -> String {
    let word = |key: &str| field[key].as_str().unwrap_or_default();
    match (word("type"), word("format")) {
        _ if field["enum"].is_array() => {
            let all = field["enum"].as_array().expect("values");
            all.iter().map(|one| format!("`{}`", plain(one))).collect::<Vec<_>>().join(", ")
        }
        ("string", "date-time") => "time".to_owned(),
        ("array", _) => format!("list of {}s", kind(&field["items"])),
        ("object", _) if field["additionalProperties"].is_object() => {
            format!("map of {}s", kind(&field["additionalProperties"]))
        }
        (kind, _) => kind.to_owned(),
    }
}

fn limits(field: &Value) -> Vec<String> {
    let limit = |key: &str, text: &str| field[key].as_u64().map(|most| text.replace('N', &most.to_string()));
    let pattern = field["pattern"].as_str().map(|pattern| format!("it matches `{pattern}`"));
    [limit("maxLength", "at most N characters"), limit("maxItems", "at most N"), limit("maxProperties", "at most N"), pattern]
        .into_iter()
        .flatten()
        .collect()
}

fn limits_of_values(field: &Value) -> Option<String> {
    let most = field["additionalProperties"]["maxLength"].as_u64()?;
    Some(format!("each value has at most {most} characters"))
}

/// The texts with which the API server refuses what breaks a rule of this part. What a text ends with may be computed.
fn rules(schema: &Value) -> Vec<String> {
    let rules = schema["x-kubernetes-validations"].as_array().cloned().unwrap_or_default();
    let text = |rule: &Value| match (rule["message"].as_str(), rule["messageExpression"].as_str()) {
        (Some(message), _) => shown(message),
        (None, expression) => {
            let computed = expression.and_then(|text| text.split('\'').nth(1)).expect("a text in the expression");
            format!("{}…", shown(computed.trim_end()).trim_end_matches(" write").trim_end_matches(':'))
        }
    };
    rules.iter().map(text).collect()
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// In a cell of a table.
fn shown(text: &str) -> String {
    text.replace('\\', "\\\\").replace('\n', " ").replace('|', "\\|").replace('<', "&lt;").trim_end_matches('.').to_owned()
}
