//! The generated pages match the code, and pages that are written by hand use only existing metrics.
//!
//! `UPDATE=1 cargo test --test pages` writes the generated pages. Prometheus' own promtool, which
//! `tests/gotools/build promtool` builds, checks the rules.

#[path = "pages/dashboard.rs"]
mod dashboard;
#[path = "pages/errors.rs"]
mod errors;
#[path = "pages/jobs.rs"]
mod jobs;
#[path = "pages/versions.rs"]
mod versions;
#[path = "pages/words.rs"]
mod words;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use jiff::Timestamp;
use prometheus_client::encoding::text::encode;
use serde_json::Value;
use synapse_spark_operator::api::Reason;
use synapse_spark_operator::{azure, controller, telemetry};

const RUNBOOKS: &str = "https://github.com/synapse-spark-operator/synapse-spark-operator/blob/main/docs/runbooks";

fn path(of: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(of)
}

fn read(of: &str) -> String {
    fs::read_to_string(path(of)).unwrap_or_else(|error| panic!("{of}: {error}"))
}

/// The committed page is this one, or becomes it.
fn keep(page: &str, generated: &str) {
    if env::var_os("UPDATE").is_some() {
        fs::write(path(page), generated).expect("the page can be written");
    }
    assert!(fs::read_to_string(path(page)).unwrap_or_default() == generated, "{page} is outdated: run `make generate`");
}

/// One metric, as a new process exposes it.
#[derive(Default)]
struct Metric {
    kind: String,
    unit: String,
    help: String,
    labels: BTreeMap<String, BTreeSet<String>>,
}

impl Metric {
    /// The name in a query.
    fn shown(&self, name: &str) -> String {
        match self.kind.as_str() {
            "counter" => format!("{name}_total"),
            "info" => format!("{name}_info"),
            _ => name.to_owned(),
        }
    }

    /// All names of its samples.
    fn samples(&self, name: &str) -> Vec<String> {
        match self.kind.as_str() {
            "histogram" => ["bucket", "sum", "count"].map(|part| format!("{name}_{part}")).to_vec(),
            _ => vec![self.shown(name)],
        }
    }
}

/// What a new process exposes.
fn exposed() -> String {
    let mut registry = telemetry::registry(Timestamp::UNIX_EPOCH);
    let ours = telemetry::ours(&mut registry);
    let _ = azure::Metrics::new(ours);
    let _ = controller::metrics::Metrics::new(ours);
    let _ = controller::metrics::kubernetes_requests::KubernetesRequests::new(ours);
    let mut text = String::new();
    encode(&mut text, &registry).expect("text");
    text
}

fn metrics() -> BTreeMap<String, Metric> {
    let text = exposed();
    let mut all: BTreeMap<String, Metric> = BTreeMap::new();
    for line in text.lines() {
        let words: Vec<_> = line.splitn(4, ' ').collect();
        match words[..] {
            ["#", "HELP", name, help] => help.clone_into(&mut all.entry(name.to_owned()).or_default().help),
            ["#", "TYPE", name, kind] => kind.clone_into(&mut all.entry(name.to_owned()).or_default().kind),
            ["#", "UNIT", name, unit] => unit.clone_into(&mut all.entry(name.to_owned()).or_default().unit),
            ["#", "EOF"] => {}
            _ => {
                let name = line.split(['{', ' ']).next().expect("a name");
                let (_, metric) = all
                    .iter_mut()
                    .find(|(base, metric)| metric.samples(base).iter().any(|sample| sample == name))
                    .unwrap_or_else(|| panic!("{line} is of no metric"));
                let labels = line.split_once('{').and_then(|(_, rest)| rest.rsplit_once('}')).map_or("", |(labels, _)| labels);
                for label in labels.split("\",").filter(|label| !label.is_empty()) {
                    let (label, value) = label.split_once("=\"").expect("a label");
                    if label != "le" {
                        metric.labels.entry(label.to_owned()).or_default().insert(value.trim_end_matches('"').to_owned());
                    }
                }
            }
        }
    }
    all
}

#[test]
fn the_metrics_page_matches_the_registry() {
    let mut page = "# Metrics

<!-- Generated: UPDATE=1 cargo test --test pages -->

`/metrics` on the port `metrics` (8080), in the OpenMetrics format. The names are those that queries use; a histogram has the suffixes `_bucket`, `_sum` and `_count`. Labels are bounded: no name of an object, no ID, no URL. The values of a label are in parentheses, where they are few. A standby replica has no metrics of objects. With `--metrics-namespace-label`, the metrics of attachments (`attachments`, `longest_unready`, `longest_deleting`, `safety_stops`) also have the label `attachment_namespace`.

The alerts are in [charts/synapse-spark-operator/files/alerts.yaml](../charts/synapse-spark-operator/files/alerts.yaml), each with a runbook in [runbooks/](runbooks/); a Grafana dashboard is in [dashboard.json](../charts/synapse-spark-operator/files/dashboard.json).

| name | type | unit | labels | meaning |
|---|---|---|---|---|
"
    .to_owned();
    for (name, metric) in metrics() {
        let labels = metric.labels.iter().map(|(label, values)| match values.len() {
            0 | 1 => format!("`{label}`"),
            _ => format!("`{label}` ({})", values.iter().map(String::as_str).collect::<Vec<_>>().join(", ")),
        });
        let labels = labels.collect::<Vec<_>>().join("; ");
        let Metric { kind, unit, help, .. } = &metric;
        writeln!(page, "| `{}` | {kind} | {unit} | {labels} | {help} |", metric.shown(&name)).expect("a String takes it");
    }
    keep("docs/metrics.md", &page);
}

#[test]
fn names_follow_prometheus_conventions() {
    for (name, metric) in metrics() {
        assert!(metric.unit.is_empty() || name.ends_with(&metric.unit), "{name} has the unit {}", metric.unit);
        assert!(name.starts_with("synapse_spark_operator_") || name.starts_with("process_"), "{name}");
        assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{name}");
        assert!(metric.help.ends_with('.') && !metric.help.ends_with("..") && metric.help.len() > 10, "{name}: {}", metric.help);
    }
}

/// The meaning of each reason: the doc comment of the variant, which is what the code's reader sees.
fn meanings() -> BTreeMap<&'static str, String> {
    let source = include_str!("../src/api/reason.rs");
    let (_, body) = source.split_once("pub enum Reason {\n").expect("there is the enum");
    let mut meanings: BTreeMap<&str, String> = BTreeMap::new();
    let mut meaning = Vec::new();
    for line in body.lines().map(str::trim).take_while(|line| *line != "}") {
        match line.strip_prefix("/// ") {
            Some(words) => meaning.push(words),
            None => drop(meanings.insert(line.trim_end_matches(','), std::mem::take(&mut meaning).join(" "))),
        }
    }
    meanings
}

#[test]
fn the_reasons_page_matches_the_catalogue() {
    let meanings = meanings();
    let troubleshooting = read("docs/troubleshooting.md");
    let mut page = "# Reasons

<!-- Generated: UPDATE=1 cargo test --test pages -->

The conditions and events of an attachment have one of these reasons. [Troubleshooting](troubleshooting.md) describes each of them in detail. Alerts and tools can rely on the names: after the first release, the description of a reason may be improved, but its meaning will not change.

| reason | what it means | what to do |
|---|---|---|
"
    .to_owned();
    for reason in Reason::ALL {
        assert!(troubleshooting.contains(&format!("\n## {reason}\n")), "docs/troubleshooting.md has no section {reason}");
        let advice = Some(reason.advice_for(true)).filter(|advice| !advice.is_empty()).unwrap_or_else(|| "Nothing.".to_owned());
        let meaning = meanings.get(reason.as_str()).unwrap_or_else(|| panic!("{reason} has no doc comment"));
        let anchor = reason.as_str().to_lowercase();
        writeln!(page, "| [{reason}](troubleshooting.md#{anchor}) | {meaning} | {advice} |").expect("a String takes it");
    }
    keep("docs/reasons.md", &page);
}

#[test]
fn the_readme_lists_the_reasons_that_need_intervention() {
    let readme = read("README.md");
    let (_, list) = readme.split_once("These reasons need intervention:").expect("the list");
    let rows = list.lines().skip_while(|line| !line.starts_with("| `")).take_while(|line| line.starts_with("| "));
    let named: BTreeSet<_> =
        rows.filter_map(|row| row.split(" | ").next()).flat_map(|cell| cell.split('`').skip(1).step_by(2)).collect();
    let statuses: Value = serde_saphyr::from_str(&read("tests/fixtures/statuses.yaml")).expect("YAML");
    let states = statuses["states"].as_array().expect("states");
    let stalled = states.iter().filter(|state| state["conditions"]["Stalled"] == "True");
    assert_eq!(named, stalled.filter_map(|one| one["reason"].as_str()).collect());
}

#[test]
fn the_settings_pages_name_every_option_of_run() {
    let pages = read("docs/settings.md") + &read("docs/credentials.md");
    let help = words::help(&["run", "--help"]);
    let is_part_of_a_name = |one: char| one.is_ascii_alphanumeric() || one == '-' || one == '_';
    let options = help.lines().filter_map(|line| line.strip_prefix("      ")).filter(|line| line.starts_with("--"));
    let variables = help.lines().filter_map(|line| line.trim_start().strip_prefix("[env: "));
    let names: Vec<_> =
        options.chain(variables).map(|text| text.split(|one| !is_part_of_a_name(one)).next().unwrap_or_default()).collect();
    assert!(names.len() > 40, "the options and their variables are found: {names:?}");
    let missing: Vec<_> = names.iter().filter(|name| !pages.contains(&format!("`{name}`"))).collect();
    assert!(missing.is_empty(), "neither docs/settings.md nor docs/credentials.md names {missing:?}");
}

fn promtool(args: &[&str]) {
    let program = path("tests/gotools/bin/promtool");
    let done = Command::new(&program).args(args).output().unwrap_or_else(|error| {
        panic!("{}: {error}; build it with `tests/gotools/build promtool`", program.display());
    });
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(done.status.success(), "promtool {}: {}{}", args.join(" "), said(&done.stdout), said(&done.stderr));
}

/// The rules of the chart.
const RULES: [&str; 2] = ["charts/synapse-spark-operator/files/alerts.yaml", "charts/synapse-spark-operator/files/slo.yaml"];
/// The example of rules for the metrics of kube-state-metrics.
const RULES_BY_OBJECT: &str = "deploy/kube-state-metrics/alerts.yaml";

fn alerts_of(file: &str) -> Vec<Value> {
    let file: Value = serde_saphyr::from_str(&read(file)).expect("YAML");
    let groups = file["groups"].as_array().expect("groups").iter();
    let rules = groups.flat_map(|group| group["rules"].as_array().expect("rules").clone());
    rules.filter(|rule| rule["alert"].is_string()).collect()
}

/// The alerts of the chart.
fn alerts() -> Vec<Value> {
    RULES.into_iter().flat_map(alerts_of).collect()
}

#[test]
fn each_alert_fires_only_in_its_own_state() {
    let all = RULES.into_iter().zip(["tests/alerts/alerts.yaml", "tests/alerts/slo.yaml"]);
    for (rules, tests) in all.chain([(RULES_BY_OBJECT, "tests/alerts/kube-state-metrics.yaml")]) {
        promtool(&["check", "rules", "--lint=all", "--lint-fatal", path(rules).to_str().expect("a path")]);
        promtool(&["test", "rules", path(tests).to_str().expect("a path")]);
        let tests = read(tests);
        for alert in alerts_of(rules) {
            let name = alert["alert"].as_str().expect("a name");
            assert!(tests.contains(&format!("alertname=\"{name}\"")), "no test has {name} fire");
        }
    }
}

#[test]
fn each_alert_has_a_runbook_with_steps() {
    let mut runbooks: BTreeSet<_> = fs::read_dir(path("docs/runbooks"))
        .expect("runbooks")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    for alert in alerts() {
        let name = alert["alert"].as_str().expect("a name");
        let page = format!("{name}.md");
        assert!(runbooks.remove(&page), "{name} has no page in docs/runbooks");
        assert!(read(&format!("docs/runbooks/{page}")).starts_with(&format!("# {name}\n")), "{page}");
        assert!(["critical", "warning"].contains(&alert["labels"]["severity"].as_str().unwrap_or_default()), "{alert}");
        let says = |what: &str| alert["annotations"][what].as_str().unwrap_or_default();
        assert!(says("summary").len() > 10 && says("description").len() > 10, "{alert}");
        assert_eq!(says("runbook_url"), format!("{RUNBOOKS}/{page}"));
    }
    assert!(runbooks.is_empty(), "of no alert: {runbooks:?}");
}

#[test]
fn alerts_dashboard_and_runbooks_use_existing_metrics() {
    let there: BTreeSet<_> = metrics().iter().flat_map(|(name, metric)| metric.samples(name)).collect();
    let mut texts: Vec<(String, String)> = vec![("the dashboard".to_owned(), dashboard::queries().join("\n"))];
    let files = RULES.into_iter().chain(["tests/alerts/alerts.yaml", "tests/alerts/slo.yaml"]);
    texts.extend(files.map(|file| (file.to_owned(), read(file))));
    texts.extend(alerts().iter().map(|alert| {
        let page = format!("docs/runbooks/{}.md", alert["alert"].as_str().expect("a name"));
        (page.clone(), read(&page))
    }));
    let mut named = BTreeSet::new();
    for (place, text) in &texts {
        for word in text.split(|one: char| !one.is_ascii_alphanumeric() && one != '_') {
            if word.starts_with("synapse_spark_operator_") || word.starts_with("process_") {
                assert!(there.contains(word), "{place} names {word}");
                named.insert(word);
            }
        }
    }
    assert!(named.len() > 20, "the metrics are found: {named:?}");
}
