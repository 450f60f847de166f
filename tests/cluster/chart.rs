//! What the chart renders, by Helm 3 and Helm 4, and what it refuses.

use std::collections::{BTreeSet, HashSet};
use std::process::Command;

use serde_json::Value;

use super::chart_values::{Case, matrix, overlaps, pods, sharded, unrestricted};
use crate::support::{CHART, HELMS, Plane, World, gotool, helm, template};

/// Whether the API server would accept manifests, without a warning, in a namespace that holds pods to `restricted`.
fn taken(plane: &Plane, manifests: &str) -> Result<String, String> {
    plane.kubectl(&["apply", "--dry-run=server", "--warnings-as-errors", "-f", "-"], manifests)
}

/// Every set of values.
fn all() -> impl Iterator<Item = Case> {
    [matrix(), pods(), sharded(), overlaps(), unrestricted()].into_iter().flatten()
}

#[test]
// Longer than other functions: a table with one row per case.
fn api_server_accepts_the_manifests_of_all_values_without_a_warning() {
    let world = World::new("chart");
    let plane = world.plane();
    let restricted = ["enforce", "warn"].map(|mode| format!("pod-security.kubernetes.io/{mode}=restricted"));
    plane.must(&["label", "namespace", &world.namespace, &restricted[0], &restricted[1]]);
    for namespace in ["team-a", "team-b"] {
        plane.must(&["create", "namespace", namespace]);
    }
    super::manifests::foreign_kinds(plane);
    // A pod is accepted only if its account exists, and a dry run creates none.
    for account in ["release-synapse-spark-operator", "release-sso", "mine"] {
        let account =
            format!("{{apiVersion: v1, kind: ServiceAccount, metadata: {{name: {account}, namespace: {}}}}}", world.namespace);
        plane.kubectl(&["apply", "-f", "-"], &account).expect("an account");
    }

    // A warning is detected.
    let pod = format!(
        "{{apiVersion: v1, kind: Pod, metadata: {{name: a, namespace: {}}}, spec: {{containers: [{{name: a, image: a}}]}}}}",
        world.namespace
    );
    assert!(taken(plane, &pod).expect_err("it is no restricted pod").contains("restricted"));
    // So is a duplicate key, which Helm and kubectl accept, and Flux refuses.
    assert!(serde_saphyr::from_multiple::<Value>("a: b\n---\na: {b: c, b: d}").is_err());

    for Case { name, values, has, lacks, is_restricted } in all() {
        let [three, four] = HELMS.map(|version| {
            template(version, plane, &world.namespace, &values)
                .unwrap_or_else(|complaint| panic!("{version}, {name}: {complaint}"))
        });
        // Helm 4 leaves an empty line between two manifests.
        let [of_three, of_four] = [&three, &four].map(|text| text.lines().filter(|line| !line.trim().is_empty()));
        assert!(of_three.eq(of_four), "Helm 3 and 4 render {name} differently:\n{three}\n----\n{four}");
        if let Err(complaint) = serde_saphyr::from_multiple::<Value>(&four) {
            panic!("{name}: {complaint}");
        }
        for one in has {
            assert!(four.contains(one), "{name}: {one:?} is not in\n{four}");
        }
        for one in lacks {
            assert!(!four.contains(one), "{name}: {one:?} is in\n{four}");
        }
        match taken(plane, &four) {
            Err(complaint) if is_restricted || !complaint.contains("restricted") => panic!("{name}: {complaint}\n{four}"),
            Ok(_) if !is_restricted => panic!("{name}: a restricted namespace takes it"),
            _ => {}
        }
        let objects = super::manifests::objects(plane, &four);
        nothing_is_there_twice(name, &objects);
        the_program_knows_its_arguments(name, &objects);
    }
}

/// Of two objects of one name the API server would silently keep the later one, and likewise of two ports.
pub fn nothing_is_there_twice(name: &str, objects: &[Value]) {
    let mut seen = HashSet::new();
    for object in objects {
        let meta = &object["metadata"];
        let key = [&object["kind"], &meta["namespace"], &meta["name"]].map(ToString::to_string).join(" ");
        assert!(seen.insert(key.clone()), "{name}: {key} is there twice");
        for rule in object["spec"]["egress"].as_array().into_iter().flatten() {
            let ports: Vec<_> = rule["ports"].as_array().into_iter().flatten().map(ToString::to_string).collect();
            let unique: HashSet<_> = ports.iter().collect();
            assert_eq!(unique.len(), ports.len(), "{name}: {ports:?}");
        }
    }
}

/// The program itself parses the command line: it exits with 2 if a flag is unknown.
fn the_program_knows_its_arguments(name: &str, objects: &[Value]) {
    let containers = objects.iter().filter_map(|object| match object["kind"].as_str() {
        Some("Deployment") => Some(&object["spec"]["template"]["spec"]["containers"][0]),
        Some("Pod") => Some(&object["spec"]["containers"][0]),
        _ => None,
    });
    let mut checked = 0;
    for container in containers {
        let args: Vec<_> = container["args"].as_array().expect("a list").iter().map(|arg| arg.as_str().expect("text")).collect();
        let done = Command::new(env!("CARGO_BIN_EXE_synapse-spark-operator"))
            .args(&args)
            .env_clear()
            .env("KUBECONFIG", "/nowhere")
            .output()
            .expect("the program starts");
        let complaint = String::from_utf8_lossy(&done.stderr);
        assert_eq!(done.status.code(), Some(1), "{name}: {args:?}: {complaint}");
        checked += 1;
    }
    let deployments = objects.iter().filter(|object| object["kind"] == "Deployment").count();
    assert_eq!(checked, deployments + 1, "{name}: each operator, and the check");
}

#[test]
fn common_labels_and_annotations_are_on_every_object_and_pod() {
    let everything = "\
commonLabels: {team: data}
commonAnnotations: {owner: data, helm.sh/hook-output-log-policy: none}
networkPolicy: {enabled: true}
namespaceIdentity: {enabled: true}
outputs: {enabled: true}
tenancy: {enabled: true}
prometheus: {servicemonitor: {enabled: true}, prometheusrule: {enabled: true}}
grafana: {dashboard: {enabled: true}}
deploymentAnnotations: {owner: deployment}
shards: [{name: one, subscriptions: [aaaaaaaa-0000-4000-8000-000000000001]}]";
    let plane = Plane::shared();
    super::manifests::foreign_kinds(plane);
    let monitor = "\
commonLabels: {team: data}
commonAnnotations: {owner: data}
prometheus: {podmonitor: {enabled: true}}";
    let mut kinds = BTreeSet::new();
    for values in [everything, monitor] {
        for object in super::manifests::objects(plane, &template("helm4", plane, "default", values).expect("it renders")) {
            let kind = object["kind"].as_str().expect("a kind");
            let own = if kind == "Deployment" && values == everything { "deployment" } else { "data" };
            let all = [(&object["metadata"], own), (&object["spec"]["template"]["metadata"], "data")];
            for (meta, owner) in all.into_iter().filter(|(meta, _)| meta.is_object()) {
                assert_eq!((&meta["labels"]["team"], &meta["annotations"]["owner"]), (&"data".into(), &owner.into()), "{object}");
            }
            // What the object needs takes precedence.
            if kind == "Pod" {
                assert_eq!(object["metadata"]["annotations"]["helm.sh/hook-output-log-policy"], "hook-succeeded,hook-failed");
            }
            kinds.insert(kind.to_owned());
        }
    }
    assert!(kinds.len() >= 15, "{kinds:?}");
}

#[test]
// Longer than other functions: a table with one row per case.
fn invalid_values_are_refused_and_named() {
    #[rustfmt::skip]
    let cases: &[(&str, &[&str])] = &[
        ("replicas: 3", &["replicas"]),
        ("image: {name: a}", &["image", "name"]),
        ("azure: {clientID: a}", &["azure", "clientID"]),
        ("replicaCount: two", &["replicaCount", "integer"]),
        ("replicaCount: -1", &["replicaCount", "0"]),
        ("image: {tag: 1.0}", &["image/tag", "string"]),
        ("image: {tag: 'a b'}", &["image/tag", "a b"]),
        ("image: {repository: ''}", &["image/repository"]),
        ("image: {digest: 'sha256:12'}", &["image/digest", "sha256:12"]),
        ("image: {pullPolicy: Sometimes}", &["image/pullPolicy", "IfNotPresent"]),
        ("watchNamespaces: team-a", &["watchNamespaces", "array"]),
        ("watchNamespaces: [Team_A]", &["watchNamespaces/0", "Team_A"]),
        ("watchNamespaces: [a, a]", &["watchNamespaces"]),
        ("azure: {clientId: me}", &["azure/clientId", "me"]),
        ("azure: {cloud: mars}", &["azure/cloud", "usgov"]),
        ("azure: {credential: password}", &["azure/credential", "client-secret"]),
        ("azure: {armEndpoint: 'http://arm.example'}", &["azure/armEndpoint", "http://arm.example"]),
        ("azure: {synapseEndpoint: 'https://dev.azuresynapse.net'}", &["azure/synapseEndpoint", "https://dev.azuresynapse.net"]),
        ("azure: {requestShare: 0}", &["azure/requestShare", "0"]),
        ("azure: {authorityHost: 'https://login.example/tenant'}", &["azure/authorityHost"]),
        ("commonLabels: {app.kubernetes.io/instance: another}", &["commonLabels/app.kubernetes.io~1instance"]),
        ("podLabels: {app.kubernetes.io/name: another}", &["podLabels/app.kubernetes.io~1name"]),
        ("podLabels: {synapse-spark.dev/component: another}", &["podLabels/synapse-spark.dev~1component"]),
        ("service: {labels: {app.kubernetes.io/name: another}}", &["service/labels/app.kubernetes.io~1name"]),
        ("logFormat: xml", &["logFormat", "json"]),
        ("resyncInterval: 0", &["resyncInterval", "1"]),
        ("resyncInterval: 5m", &["resyncInterval", "integer"]),
        ("sparkVersionWarning: 90d", &["sparkVersionWarning", "integer"]),
        ("extraArgs: --a", &["extraArgs", "array"]),
        ("extraEnv: [{value: a}]", &["extraEnv/0", "name"]),
        ("resources: {limit: {}}", &["resources", "limit"]),
        ("resources: {limits: {memory: lots}}", &["resources/limits/memory", "lots"]),
        ("podDisruptionBudget: {minAvailable: half}", &["podDisruptionBudget/minAvailable", "half"]),
        ("networkPolicy: {apiServerPorts: [99999]}", &["networkPolicy/apiServerPorts/0", "maximum"]),
        ("prometheus: {servicemonitor: {interval: fast}}", &["prometheus/servicemonitor/interval", "fast"]),
        ("prometheus: {prometheusrule: {alerts: {SynapseSparkNoLead: {enabled: false}}}}", &["there is no alert SynapseSparkNoLead.", "SynapseSparkNoLeader"]),
        ("prometheus: {prometheusrule: {alerts: {SynapseSparkNoLeader: {threshold: 1}}}}", &["alerts/SynapseSparkNoLeader", "threshold"]),
        ("prometheus: {prometheusrule: {alerts: {SynapseSparkNoLeader: {for: soon}}}}", &["SynapseSparkNoLeader/for", "soon"]),
        ("prometheus: {prometheusrule: {runbookUrl: 'https://runbooks.example'}}", &["prometheusrule/runbookUrl", "https://runbooks.example"]),
        ("leaderElection: {enabled: false}", &["replicaCount is 2 and leaderElection.enabled is false", "Set replicaCount to 1"]),
        ("replicaCount: 1\nleaderElection: {enabled: false}\nstrategy: {type: RollingUpdate}", &["not of the type Recreate", "Set strategy.type to Recreate"]),
        ("replicaCount: 1\nleaderElection: {enabled: false}\nstrategy: {rollingUpdate: {maxSurge: 1}}", &["not of the type Recreate"]),
        ("serviceAccount: {create: false}", &["set serviceAccount.name"]),
        ("azure: {credential: client-secret}", &["set azure.clientSecret.existingSecret"]),
        ("azure: {credential: client-secret, clientSecret: {existingSecret: a}}", &["set azure.clientId and azure.tenantId"]),
        ("azure: {clientSecret: {existingSecret: a}}", &["azure.credential is workload-identity"]),
        ("azure: {projectToken: true}", &["azure.clientId or azure.tenantId is empty", "Set both, or azure.projectToken to false"]),
        ("azure: {projectToken: true, credential: managed-identity}", &["azure.credential is managed-identity", "Set azure.credential to workload-identity, or azure.projectToken to false"]),
        ("azure: {ca: {configMap: a, secret: b}}", &["azure.ca.configMap and azure.ca.secret"]),
        ("podDisruptionBudget: {minAvailable: 1, maxUnavailable: 1}", &["choose one"]),
        ("podDisruptionBudget: {minAvailable: 0, maxUnavailable: 1}", &["choose one"]),
        ("prometheus: {servicemonitor: {enabled: true}, podmonitor: {enabled: true}}", &["scraped twice"]),
        ("namespaceIdentity: {required: true}", &["namespaceIdentity.required is true and namespaceIdentity.enabled is false"]),
        ("namespaceIdentity: {enabled: true, accountNames: [a/b]}", &["namespaceIdentity/accountNames/0", "a/b"]),
        ("outputs: {configMapNames: [a]}", &["outputs.configMapNames is set and outputs.enabled is false"]),
        ("outputs: {enabled: true, configMapNames: [a/b]}", &["outputs/configMapNames/0", "a/b"]),
        ("commonLabels: {synapse-spark.dev/shard: a}", &["commonLabels/synapse-spark.dev~1shard"]),
        ("tenancy: {namespaces: {team-a: {}}}", &["tenancy.namespaces is set and tenancy.enabled is false"]),
        ("tenancy: {enabled: true, namespaces: {Team_A: {}}}", &["Team_A"]),
        ("tenancy: {enabled: true, namespaces: {team-a: {pool: []}}}", &["tenancy/namespaces/team-a", "pool"]),
        ("tenancy: {enabled: true, namespaces: {team-a: {pools: [spark]}}}", &["tenancy/namespaces/team-a/pools/0", "spark"]),
        ("tenancy: {enabled: true, namespaces: {team-a: {pools: [/subscriptions/6560575d-fa06-4e7d-95fb-f962e74efd7a/]}}}", &["tenancy/namespaces/team-a/pools/0"]),
        ("tenancy: {enabled: true, namespaces: {team-a: {roles: ['a, b']}}}", &["tenancy/namespaces/team-a/roles/0", "a, b"]),
        ("commonAnnotations: {a: 1}", &["commonAnnotations/a", "string"]),
        ("shards: {name: a}", &["shards", "array"]),
        ("shards: [{name: a}]", &["shards/0", "subscriptions"]),
        ("shards: [{name: a, subscriptions: []}]", &["shards/0/subscriptions"]),
        ("shards: [{name: a, subscriptions: [mine]}]", &["shards/0/subscriptions/0", "mine"]),
        ("shards: [{name: a, subscriptions: [AAAAAAAA-0000-4000-8000-000000000001]}]", &["shards/0/subscriptions/0", "AAAAAAAA"]),
        ("shards: [{name: a, subscriptions: [aaaaaaaa-0000-4000-8000-000000000001, aaaaaaaa-0000-4000-8000-000000000001]}]", &["shards/0/subscriptions"]),
        ("shards: [{name: default, subscriptions: [aaaaaaaa-0000-4000-8000-000000000001]}]", &["shards/0/name"]),
        ("shards: [{name: A, subscriptions: [aaaaaaaa-0000-4000-8000-000000000001]}]", &["shards/0/name"]),
        ("shards: [{name: a, subscriptions: [aaaaaaaa-0000-4000-8000-000000000001], image: {}}]", &["shards/0", "image"]),
        ("shards: [{name: a, subscriptions: [aaaaaaaa-0000-4000-8000-000000000001]}, {name: b, subscriptions: [aaaaaaaa-0000-4000-8000-000000000001]}]", &["subscription aaaaaaaa-0000-4000-8000-000000000001 is in two shards. Remove it from one of them"]),
        ("shards: [{name: a, subscriptions: [aaaaaaaa-0000-4000-8000-000000000001]}, {name: a, subscriptions: [bbbbbbbb-0000-4000-8000-000000000002]}]", &["the name a is used twice. Give each shard its own name"]),
        ("watchNamespaces: [a]\nshards: [{name: a, subscriptions: [aaaaaaaa-0000-4000-8000-000000000001]}]", &["shards and watchNamespaces"]),
        ("replicaCount: 1\nleaderElection: {enabled: false}\nshards: [{name: a, subscriptions: [aaaaaaaa-0000-4000-8000-000000000001]}]", &["Set leaderElection.enabled to true"]),
        ("service: {enabled: false}\nprometheus: {servicemonitor: {enabled: true}}", &["needs service.enabled"]),
    ];
    let plane = Plane::shared();
    for version in HELMS {
        for (values, says) in cases {
            let complaint =
                template(version, plane, "default", values).err().unwrap_or_else(|| panic!("{version} takes {values}"));
            for one in *says {
                assert!(complaint.contains(one), "{version}, {values}: {one:?} is not in\n{complaint}");
            }
        }
    }
}

/// An object as it would be in an install without the shard `one`.
fn without_shard(mut object: Value) -> Value {
    for pointer in ["/spec/template/spec/containers/0/args", "/spec/containers/0/args"] {
        if let Some(args) = object.pointer_mut(pointer).and_then(Value::as_array_mut) {
            args.retain(|arg| !arg.as_str().is_some_and(|arg| arg.starts_with("--watch-subscriptions-except=")));
        }
    }
    for pointer in ["/spec/template/metadata/labels", "/metadata/labels"] {
        if let Some(labels) = object.pointer_mut(pointer).and_then(Value::as_object_mut) {
            labels.remove("synapse-spark.dev/shard");
        }
    }
    for rule in object.pointer_mut("/rules").and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some(names) = rule.pointer_mut("/resourceNames").and_then(Value::as_array_mut) {
            names.retain(|name| name != "synapse-spark-operator-aaaaaaaa-0000-4000-8000-000000000001");
        }
    }
    if let Some(spec) = object.pointer_mut("/spec").and_then(Value::as_object_mut) {
        spec.remove("podTargetLabels");
    }
    object
}

/// The value of `app.kubernetes.io/name` that an object selects.
fn selected(object: &Value) -> &Value {
    let selector = &object["spec"]["selector"];
    let labels = if selector["matchLabels"].is_null() { selector } else { &selector["matchLabels"] };
    &labels["app.kubernetes.io/name"]
}

/// The Deployment of an install without shards becomes the default shard: Kubernetes refuses another selector, and the Service
/// and the `PodDisruptionBudget` must not select the pods of shards.
#[test]
fn a_shard_adds_objects_and_changes_no_others() {
    let values = "prometheus: {podmonitor: {enabled: true}}\n";
    let shard = "shards: [{name: one, subscriptions: [aaaaaaaa-0000-4000-8000-000000000001]}]";
    for version in HELMS {
        let rendered = |values: &str| {
            let text = template(version, Plane::shared(), "default", values).expect("it renders");
            serde_saphyr::from_multiple::<Value>(&text).expect("it is YAML")
        };
        let before = rendered(values);
        assert_eq!(rendered(&format!("{values}shards: []")), before, "{version}: no shards");
        let is_of_shard = |object: &Value| object["metadata"]["labels"]["synapse-spark.dev/shard"] == "one";
        let (added, others): (Vec<_>, Vec<_>) = rendered(&format!("{values}{shard}")).into_iter().partition(is_of_shard);
        assert_eq!(others.len(), before.len(), "{version}");
        for (after, before) in others.into_iter().zip(&before) {
            assert_eq!(without_shard(after), *before, "{version}");
        }
        let kinds: BTreeSet<_> = added.iter().filter_map(|object| object["kind"].as_str()).collect();
        assert_eq!(kinds, ["Deployment", "PodDisruptionBudget", "PodMonitor", "Service"].into(), "{version}");
        assert_eq!(added.len(), kinds.len(), "{version}");
        for object in &added {
            assert_eq!(selected(object), "synapse-spark-operator-shard", "{version}: {object}");
        }
        for object in before.iter().filter(|object| object["kind"].as_str().is_some_and(|kind| kinds.contains(kind))) {
            assert_eq!(selected(object), "synapse-spark-operator", "{version}: {object}");
        }
    }
}

#[test]
fn helm_lint_reports_nothing() {
    for version in HELMS {
        for Case { name, values, .. } in all() {
            let linted = helm(version, Plane::shared(), &["lint", "--strict", CHART, "--values", "-"], &values);
            let printed = linted.unwrap_or_else(|complaint| panic!("{version}, {name}: {complaint}"));
            assert!(!printed.contains("[WARNING]") && !printed.contains("[ERROR]"), "{version}, {name}: {printed}");
        }
    }
}

/// The chart as a dependency of another one: Helm then adds values of its own.
#[test]
fn chart_can_be_a_dependency_of_another() {
    let umbrella = tempfile::tempdir().expect("a folder");
    let chart = umbrella.path().join("Chart.yaml");
    let parts = umbrella.path().join("charts");
    std::fs::create_dir(&parts).expect("a folder");
    std::fs::write(chart, "{apiVersion: v2, name: umbrella, version: 1.0.0, dependencies: [{name: synapse-spark-operator, version: '*', condition: synapse-spark-operator.enabled}]}").expect("a file");
    std::os::unix::fs::symlink(CHART, parts.join("synapse-spark-operator")).expect("a link");
    let folder = umbrella.path().to_str().expect("a path of text");
    for version in HELMS {
        let render = |enabled: bool| {
            let values = format!("{{global: {{a: b}}, synapse-spark-operator: {{enabled: {enabled}, replicaCount: 3}}}}");
            helm(version, Plane::shared(), &["template", "release", folder, "--values", "-"], &values).expect("it renders")
        };
        assert!(render(true).contains("replicas: 3"));
        assert!(!render(false).contains("kind:"));
    }
}

fn chart_yaml() -> Value {
    let text = std::fs::read_to_string(format!("{CHART}/Chart.yaml")).expect("it is there");
    serde_saphyr::from_str(&text).expect("it is YAML")
}

/// An annotation of the chart for Artifact Hub.
fn artifacthub(name: &str) -> Value {
    let chart = chart_yaml();
    let text = chart["annotations"][format!("artifacthub.io/{name}")].as_str().unwrap_or_else(|| panic!("no {name}"));
    serde_saphyr::from_str(text).expect("it is YAML")
}

#[test]
fn chart_has_the_version_of_the_crate() {
    for version in ["version", "appVersion"] {
        assert_eq!(chart_yaml()[version], env!("CARGO_PKG_VERSION"), "run make generate");
    }
}

#[test]
fn oldest_kubernetes_of_the_chart_is_the_one_that_the_crate_is_built_for() {
    let chart = chart_yaml();
    let oldest =
        chart["kubeVersion"].as_str().and_then(|range| range.strip_prefix(">=1.")?.strip_suffix(".0-0")).expect("a range");
    let cargo = include_str!("../../Cargo.toml");
    assert!(cargo.contains(&format!("\"v1_{oldest}\"")), "Cargo.toml builds for another oldest Kubernetes than 1.{oldest}");
}

#[test]
fn every_value_is_described_in_the_charts_readme() {
    let readme = std::fs::read_to_string(format!("{CHART}/README.md")).expect("it is there");
    let silent: Vec<_> = readme.lines().filter(|line| line.starts_with("| ") && line.ends_with("|  |")).collect();
    assert!(silent.is_empty(), "values without a description: {silent:?}");
}

#[test]
fn chart_metadata_for_artifact_hub_has_the_crd_an_example_and_the_image() {
    let crd = &artifacthub("crds")[0];
    let plane = Plane::shared();
    let name = crd["name"].as_str().expect("a name");
    let served = plane.must(&["get", "crd", name, "-o", "jsonpath={.spec.names.kind} {.spec.versions[*].name}"]);
    assert_eq!(served, format!("{} {}", crd["kind"].as_str().expect("a kind"), crd["version"].as_str().expect("a version")));
    plane
        .kubectl(&["create", "--dry-run=server", "-f", "-"], &artifacthub("crdsExamples")[0].to_string())
        .expect("the example is accepted");
    let image = artifacthub("images")[0]["image"].clone();
    let manifests = template("helm4", plane, "default", "{}").expect("it renders");
    assert!(manifests.contains(&format!("image: {image}")), "{image}");
}

/// Run in a copy, `charts/generate` changes nothing.
#[test]
fn generated_files_are_up_to_date() {
    let copy = tempfile::tempdir().expect("a folder");
    let root = env!("CARGO_MANIFEST_DIR");
    let run = |program: &str, args: &[&str]| {
        let done = Command::new(program)
            .args(args)
            .current_dir(copy.path())
            .env("HELM", gotool("helm4"))
            .env("HELM_DOCS", gotool("helm-docs"))
            .output();
        let done = done.unwrap_or_else(|error| panic!("{program}: {error}"));
        let said = [done.stdout, done.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
        assert!(done.status.success(), "{program} {args:?}: {said}");
    };
    for part in ["Cargo.toml", "charts", "crds", "deploy"] {
        run("cp", &["-R", &format!("{root}/{part}"), "."]);
    }
    run("charts/generate", &[]);
    for part in ["charts", "deploy"] {
        run("diff", &["-ru", &format!("{root}/{part}"), part]);
    }
}
