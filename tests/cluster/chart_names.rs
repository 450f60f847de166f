//! The names in what the chart renders.

use serde_json::Value;

use crate::support::{CHART, HELMS, Plane, helm, template};

fn rendered(namespace: &str, values: &str) -> Vec<Value> {
    let manifests = template("helm4", Plane::shared(), namespace, values).expect("it renders");
    serde_saphyr::from_multiple(&manifests).expect("it is YAML")
}

/// Each with namespaces of its own, and one Prometheus for all of them.
#[test]
fn releases_of_one_name_share_no_object() {
    for monitor in ["servicemonitor", "podmonitor"] {
        let release = |(home, watched)| {
            let elsewhere = "{enabled: true, namespace: monitoring}";
            let values = format!(
                "{{watchNamespaces: [{watched}], crds: {{enabled: false}}, namespaceIdentity: {{enabled: true}}, outputs: {{enabled: true}}, \
                 prometheus: {{{monitor}: {elsewhere}, prometheusrule: {elsewhere}}}, grafana: {{dashboard: {elsewhere}}}}}"
            );
            rendered(home, &values)
        };
        let releases = [("one", "team-a"), ("another", "team-b"), ("monitoring", "team-c")];
        super::chart::nothing_is_there_twice(monitor, &releases.map(release).concat());
    }
}

/// Valid names that YAML reads as numbers. No number of the chart itself is as large.
const NUMBER: u64 = 20_240_401;

/// Where a number is in the place of a name.
fn numbers(place: &str, value: &Value) -> Vec<String> {
    match value {
        Value::Object(fields) => fields.iter().flat_map(|(name, field)| numbers(&format!("{place}.{name}"), field)).collect(),
        Value::Array(items) => items.iter().flat_map(|item| numbers(place, item)).collect(),
        Value::Number(number) if number.as_u64() == Some(NUMBER) => vec![place.to_owned()],
        _ => Vec::new(),
    }
}

#[test]
fn name_that_looks_like_a_number_is_rendered_as_text() {
    let everywhere = "\
nameOverride: 'NUMBER'
fullnameOverride: 'NUMBER'
imagePullSecrets: [{name: 'NUMBER'}]
leaderElection: {namespace: 'NUMBER'}
networkPolicy: {enabled: true}
namespaceIdentity: {enabled: true, accountNames: ['NUMBER']}
outputs: {enabled: true, configMapNames: ['NUMBER']}
priorityClassName: 'NUMBER'
azure: {credential: auto, clientSecret: {existingSecret: 'NUMBER', key: 'NUMBER'}, ca: {configMap: 'NUMBER', key: 'NUMBER'}}
prometheus: {podmonitor: {enabled: true, namespace: 'NUMBER'}, prometheusrule: {enabled: true, namespace: 'NUMBER'}}
grafana: {dashboard: {enabled: true, namespace: 'NUMBER'}}";
    let in_some = "\
watchNamespaces: ['NUMBER']
serviceAccount: {name: 'NUMBER'}
fullnameOverride: 'NUMBER'
namespaceIdentity: {enabled: true}
outputs: {enabled: true}
azure: {ca: {secret: 'NUMBER'}}
prometheus: {servicemonitor: {enabled: true}}";
    let number = NUMBER.to_string();
    let release = ["template", &number, CHART, "--kube-version", "1.33.0", "--namespace", &number, "--values", "-"];
    for version in HELMS {
        for values in [everywhere, in_some] {
            let manifests = helm(version, Plane::shared(), &release, &values.replace("NUMBER", &number)).expect("it renders");
            let objects: Vec<Value> = serde_saphyr::from_multiple(&manifests).expect("it is YAML");
            let found: Vec<_> = objects.iter().flat_map(|object| numbers(&object["kind"].to_string(), object)).collect();
            assert!(found.is_empty(), "{version}: {found:#?}");
        }
    }
}
