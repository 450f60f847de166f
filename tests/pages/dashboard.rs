//! The dashboard: its queries find series, its panels can be read and fill the screen. Each rule is about a defect that pictures showed.

use std::collections::BTreeSet;
use std::fs;

use serde_json::{Value, json};

use crate::{alerts, exposed, metrics, promtool, read};

const DASHBOARD: &str = "charts/synapse-spark-operator/files/dashboard.json";

fn dashboard() -> Value {
    serde_json::from_str(&read(DASHBOARD)).expect("JSON")
}

/// Everything that has a place: panels, and the rows above them.
fn everything() -> Vec<Value> {
    dashboard()["panels"].as_array().expect("panels").clone()
}

fn panels() -> Vec<Value> {
    everything().into_iter().filter(|panel| panel["type"] != "row").collect()
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

fn targets(panel: &Value) -> Vec<Value> {
    panel["targets"].as_array().expect("targets").clone()
}

/// All queries, with Grafana's variables.
fn queries_with_variables() -> Vec<String> {
    panels().iter().flat_map(targets).map(|target| text(&target, "expr").to_owned()).collect()
}

/// The same with values for the variables.
pub(crate) fn queries() -> Vec<String> {
    let values = [("$__rate_interval", "5m"), ("$job", ".*"), ("$cluster", ".*"), ("$namespace", ".*")];
    let filled = |query: String| values.into_iter().fold(query, |query, (variable, value)| query.replace(variable, value));
    queries_with_variables().into_iter().map(filled).collect()
}

/// The samples of a new process, as Prometheus stores them after a scrape, and those that appear later.
fn series() -> Vec<String> {
    let later = [
        ("attachments", r#"condition="Ready",reason="Attached""#),
        ("attachments", r#"condition="Stalled",reason="PoolNotFound""#),
        ("longest_unready_seconds", r#"condition="Stalled",reason="PoolNotFound""#),
        ("azure_requests_total", r#"operation="put",code="201""#),
        ("kubernetes_requests_total", r#"verb="GET",code="200""#),
    ];
    let later = later.map(|(name, labels)| format!("synapse_spark_operator_{name}{{{labels}}}"));
    let text = exposed();
    let first = text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.rsplit_once(' '));
    let all: BTreeSet<_> = first.map(|(sample, _)| sample.to_owned()).chain(later).collect();
    let target = r#"cluster="c",namespace="n",job="j",pod="p""#;
    let whole = |sample: String| match sample.strip_suffix('}') {
        Some(sample) => format!("{sample},{target}}}"),
        None => format!("{sample}{{{target}}}"),
    };
    all.into_iter().map(whole).collect()
}

#[test]
fn each_query_of_the_dashboard_finds_series() {
    let queries = queries();
    assert!(queries.len() > 20, "the queries are found");
    // Without what a panel shows if there are none. All values grow, so that rates and durations are above 0.
    let found = queries.iter().map(|query| format!("count({}) > bool 0", query.trim_end_matches(" or vector(0)")));
    let found = found.map(|query| json!({"expr": query, "eval_time": "100m", "exp_samples": [{"labels": "{}", "value": 1}]}));
    let input = series().into_iter().map(|series| json!({"series": series, "values": "1+1x120"}));
    let test =
        json!({"interval": "1m", "input_series": input.collect::<Vec<_>>(), "promql_expr_test": found.collect::<Vec<_>>()});
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("tests.yaml");
    // JSON is YAML.
    fs::write(&file, json!({"evaluation_interval": "1m", "tests": [test]}).to_string()).expect("a file");
    promtool(&["test", "rules", file.to_str().expect("a path")]);
}

#[test]
fn the_dashboard_can_be_limited_to_a_cluster_and_a_namespace() {
    let file = dashboard();
    let variables = file["templating"]["list"].as_array().expect("variables").iter();
    let variables: Vec<_> = variables.filter_map(|variable| variable["name"].as_str()).collect();
    assert_eq!(variables, ["datasource", "cluster", "job", "namespace"]);
    let all = metrics();
    let (object, mut limited) = ("attachments|longest_unready_seconds|longest_deleting_seconds|safety_stops", 0);
    for query in queries_with_variables() {
        for selector in query.split('{').skip(1).filter_map(|part| part.split_once('}')).map(|(selector, _)| selector) {
            assert!(selector.starts_with("cluster=~\"$cluster\", job=~\"$job\""), "{query}");
        }
        for name in all.keys().filter_map(|name| name.strip_prefix("synapse_spark_operator_")) {
            if object.split('|').any(|one| one == name) && query.contains(&format!("operator_{name}{{")) {
                assert!(query.contains("attachment_namespace=~\"$namespace\""), "{query}");
                limited += 1;
            }
        }
    }
    assert!(limited > 5, "the queries for objects are found");
}

#[test]
fn panels_fill_the_dashboard_without_gaps() {
    let mut places = BTreeSet::new();
    for panel in everything() {
        let [x, y, w, h] = ["x", "y", "w", "h"].map(|key| panel["gridPos"][key].as_u64().expect("a number"));
        for place in (y..y + h).flat_map(|y| (x..x + w).map(move |x| (y, x))) {
            assert!(places.insert(place), "{}: another panel is there, too", panel["title"]);
        }
    }
    let height = places.last().expect("panels").0 + 1;
    let free: Vec<_> = (0..height).flat_map(|y| (0..24).map(move |x| (y, x))).filter(|place| !places.contains(place)).collect();
    assert!(free.is_empty() && places.len() as u64 == 24 * height, "no panel is at {free:?}");
}

/// Grafana's defaults are wrong for us: red from 80 on, an axis from 0 to 10000% if all values are 0, the whole series as its name.
#[test]
fn panels_leave_nothing_to_defaults_that_mislead() {
    for panel in panels() {
        let title = text(&panel, "title");
        let defaults = &panel["fieldConfig"]["defaults"];
        assert!(!text(defaults, "unit").is_empty(), "{title}: no unit");
        match text(&panel, "type") {
            "stat" => assert!(defaults["thresholds"].is_object() || defaults["color"]["mode"] == "fixed", "{title}: no color"),
            "timeseries" => assert_eq!(defaults["min"], 0, "{title}"),
            // A version or a namespace that looks like a number is text.
            "table" => assert_eq!(defaults["unit"], "string", "{title}"),
            other => panic!("{title}: there are no rules for the type {other}"),
        }
        for target in targets(&panel) {
            let (query, legend) = (text(&target, "expr"), text(&target, "legendFormat"));
            // The quantile of a histogram without observations is NaN: a name in the legend without a line.
            assert!(!query.contains("histogram_quantile") || query.ends_with(" >= 0"), "{title}: {query}");
            assert!(text(&panel, "type") != "timeseries" || !legend.is_empty(), "{title}: no legend for {query}");
            let labels = query.split("by (").skip(1).filter_map(|part| part.split_once(')')).map(|(labels, _)| labels);
            let kept: Vec<_> = labels.flat_map(|labels| labels.split(", ")).collect();
            for label in legend.split("{{").skip(1).filter_map(|part| part.split_once("}}")).map(|(label, _)| label) {
                assert!(kept.contains(&label) || (kept.is_empty() && label == "pod"), "{title}: the query has no {label}");
            }
        }
    }
}

#[test]
fn thresholds_on_the_dashboard_are_those_of_the_alerts() {
    let (alerts, mut named) = (alerts(), 0);
    for panel in panels() {
        let description = text(&panel, "description").trim_end_matches('.');
        let Some(name) = description.split(' ').find(|word| word.starts_with("SynapseSpark")) else { continue };
        let alert = alerts.iter().find(|alert| alert["alert"] == name).unwrap_or_else(|| panic!("there is no alert {name}"));
        let steps = panel["fieldConfig"]["defaults"]["thresholds"]["steps"].as_array().expect("thresholds");
        let limit = format!("> {}", steps.last().expect("a step")["value"]);
        assert!(text(alert, "expr").contains(&limit), "{name} has another threshold than {limit}");
        named += 1;
    }
    assert!(named > 1, "the descriptions are found");
}
