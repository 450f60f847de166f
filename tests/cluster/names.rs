//! The names in what the chart renders.

use serde_json::Value;

use crate::support::{Plane, template};

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
                "{{watchNamespaces: [{watched}], crds: {{enabled: false}}, namespaceIdentity: {{enabled: true}}, \
                 prometheus: {{{monitor}: {elsewhere}, prometheusrule: {elsewhere}}}, grafana: {{dashboard: {elsewhere}}}}}"
            );
            rendered(home, &values)
        };
        let releases = [("one", "team-a"), ("another", "team-b"), ("monitoring", "team-c")];
        super::chart::nothing_is_there_twice(monitor, &releases.map(release).concat());
    }
}
