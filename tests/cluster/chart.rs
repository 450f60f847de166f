//! What the chart renders, by Helm 3 and Helm 4, and what it refuses.

use std::collections::HashSet;
use std::process::Command;

use serde_json::Value;

use crate::support::{CHART, HELMS, Plane, World, gotool, helm, template};

/// A client ID and a tenant ID.
const CLIENT: &str = "22222222-3333-4444-5555-666666666666";
const TENANT: &str = "72f988bf-0000-4000-8000-000000000001";

/// A set of values, and what is, and is not, in the manifests for it.
struct Case {
    name: &'static str,
    values: String,
    has: &'static [&'static str],
    lacks: &'static [&'static str],
}

fn case(name: &'static str, values: &str, has: &'static [&'static str], lacks: &'static [&'static str]) -> Case {
    let values = values.replace("CLIENT", CLIENT).replace("TENANT", TENANT);
    Case { name, values, has, lacks }
}

#[rustfmt::skip]
fn matrix() -> Vec<Case> {
    vec![
        case("the defaults", "{}",
            &["kind: CustomResourceDefinition", "helm.sh/resource-policy: keep", "replicas: 2", "kind: PodDisruptionBudget", "maxUnavailable: 1",
              "kind: Service\n", "azure.workload.identity/use: \"true\"", "--credential=workload-identity", "--leader-election-namespace=kube-system",
              "aggregate-to-view", "whenUnsatisfiable: ScheduleAnyway", "--log-format=json"],
            &["kind: NetworkPolicy", "kind: ServiceMonitor", "kind: PodMonitor", "kind: PrometheusRule", "kind: ConfigMap", "aggregate-to-edit",
              "--watch-namespaces", "--resync-interval", "volumes:", "type: Recreate", "serviceaccounts", "--require-service-account"]),
        case("workload identity", "azure: {clientId: CLIENT, tenantId: TENANT}\nserviceAccount: {annotations: {a/b: c}, labels: {d: e}}",
            &["azure.workload.identity/client-id: 22222222", "azure.workload.identity/tenant-id: 72f988bf", "--client-id=22222222", "a/b: c", "d: e"],
            &["volumes:"]),
        case("workload identity without the webhook", "azure: {clientId: CLIENT, tenantId: TENANT, projectToken: true}",
            &["audience: api://AzureADTokenExchange", "--federated-token-file=/var/run/secrets/azure/tokens/azure-identity-token"],
            &["azure.workload.identity"]),
        case("a managed identity, and a network policy", "azure: {credential: managed-identity, clientId: CLIENT}\nnetworkPolicy: {enabled: true}",
            &["--credential=managed-identity", "cidr: 169.254.169.254/32", "port: 6443"], &["azure.workload.identity"]),
        case("a client secret",
            "azure: {credential: client-secret, clientId: CLIENT, tenantId: TENANT, clientSecret: {existingSecret: azure, key: word}}",
            &["secretName: azure", "--client-secret-file=/var/run/secrets/azure/client-secret/word"], &["azure.workload.identity"]),
        case("another cloud, and a CA of one's own",
            "azure: {cloud: china, armEndpoint: 'https://arm.example:8443', authorityHost: 'https://login.example', synapseEndpoint: 'https://{workspace}.synapse.example:9443/x', ca: {configMap: cas, key: ca.pem}}\nnetworkPolicy: {enabled: true, apiServerPorts: [8443], metricsFrom: [{namespaceSelector: {}}], extraEgress: [{ports: [{port: 3128}]}]}",
            &["--cloud=china", "--arm-endpoint=https://arm.example:8443", "--authority-host=https://login.example", "--synapse-endpoint=https://{workspace}.synapse.example:9443/x", "port: 9443",
              "--azure-ca-file=/var/run/secrets/azure/ca/ca.pem",
              "port: 8443", "port: 3128", "namespaceSelector: {}"],
            &["169.254.169.254", "port: 6443"]),
        case("a CA in a Secret", "azure: {ca: {secret: cas}}", &["secretName: cas", "--azure-ca-file=/var/run/secrets/azure/ca/ca.crt"], &[]),
        case("some namespaces", "watchNamespaces: [team-a, team-b]",
            &["--watch-namespaces=team-a,team-b", "namespace: team-a", "namespace: team-b", "--leader-election-namespace=kube-system",
              "name: release-synapse-spark-operator-chart-", "namespace: kube-system\n  labels:", "resourceNames: [synapse-spark-operator]\n    verbs: [get]\n"], &[]),
        case("some namespaces, and the Lease of the whole cluster in one of them", "watchNamespaces: [team-a, team-b]\nleaderElection: {namespace: team-b}",
            &["--leader-election-namespace=team-b"], &["namespace: kube-system", "resourceNames: [synapse-spark-operator]\n    verbs: [get]\n"]),
        case("some namespaces without leader election", "replicaCount: 1\nwatchNamespaces: [team-a]\nleaderElection: {enabled: false}",
            &["--watch-namespaces=team-a"], &["leases", "--leader-election-namespace", "namespace: kube-system"]),
        case("identities of namespaces", "namespaceIdentity: {enabled: true}",
            &["kind: ClusterRole\nmetadata:\n  name: release-synapse-spark-operator-accounts", "resources: [serviceaccounts/token]"],
            &["--require-service-account", "resourceNames: [\""]),
        case("and no other, of some accounts in some namespaces",
            "watchNamespaces: [team-a]\nnamespaceIdentity: {enabled: true, required: true, accountNames: [synapse-spark]}",
            &["--require-service-account", "kind: Role\nmetadata:\n  name: release-synapse-spark-operator-accounts\n  namespace: team-a", "resourceNames: [\"synapse-spark\"]"],
            &["kind: ClusterRole\nmetadata:\n  name: release-synapse-spark-operator-accounts"]),
        case("one pod without leader election", "replicaCount: 1\nleaderElection: {enabled: false}",
            &["--leader-election=false", "type: Recreate"], &["kind: PodDisruptionBudget", "leases", "kind: Role\n"]),
        case("nothing but the Deployment", "crds: {enabled: false}\nrbac: {create: false}\nserviceAccount: {create: false, name: mine}\nservice: {enabled: false}\npodDisruptionBudget: {enabled: false}",
            &["kind: Deployment", "serviceAccountName: mine"], &["kind: CustomResourceDefinition", "kind: ClusterRole", "kind: ServiceAccount\n", "kind: Service\n", "kind: PodDisruptionBudget"]),
        case("no pod may be away", "podDisruptionBudget: {maxUnavailable: 0}", &["maxUnavailable: 0"], &["minAvailable"]),
        case("no pod has to stay", "podDisruptionBudget: {minAvailable: 0}", &["minAvailable: 0"], &["maxUnavailable"]),
        case("a name as long as a label may be",
            "nameOverride: abcdefghijklmnopqrstuvwxyz-abcdefghijklmnopqrstuvwxyz-abc-abcde\nserviceAccount: {create: false, name: mine}",
            &["/name: abcdefghijklmnopqrstuvwxyz-abcdefghijklmnopqrstuvwxyz-abc-check\n"], &[]),
        case("rights for people", "rbac: {aggregateClusterRoles: {view: false, edit: true, admin: true}}",
            &["aggregate-to-edit", "aggregate-to-admin"], &["aggregate-to-view"]),
        case("monitoring by a ServiceMonitor", "prometheus: {servicemonitor: {enabled: true, labels: {release: prometheus}, endpointAdditionalProperties: {relabelings: [{action: labeldrop, regex: pod}]}}}",
            &["kind: ServiceMonitor", "release: prometheus", "action: labeldrop"], &["kind: PodMonitor"]),
        case("alerts and a dashboard", "prometheus: {prometheusrule: {enabled: true, labels: {release: prometheus}}}\ngrafana: {dashboard: {enabled: true, annotations: {grafana_folder: Azure}}}",
            &["kind: PrometheusRule", "release: prometheus", "- alert: SynapseSparkOperatorDown", "kind: ConfigMap", "grafana_dashboard: \"1\"", "grafana_folder: Azure", "\"panels\""],
            &["kind: ServiceMonitor"]),
        case("monitoring by a PodMonitor, elsewhere", "service: {enabled: false}\nprometheus: {podmonitor: {enabled: true, namespace: team-a}}",
            &["kind: PodMonitor", "namespace: team-a"], &["kind: Service\n"]),
        case("everything of a pod", "\
nameOverride: sso
commonLabels: {team: data}
image: {repository: 'registry.example:5000/a/b', digest: 'sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef', pullPolicy: Always}
imagePullSecrets: [{name: registry}]
replicaCount: 3
log: debug
logFormat: text
resyncInterval: 60
concurrency: 8
extraArgs: [--api-version=2024-04-01]
extraEnv: [{name: HTTPS_PROXY, value: 'http://proxy:3128'}]
extraVolumes: [{name: more, emptyDir: {}}]
extraVolumeMounts: [{name: more, mountPath: /more}]
resources: {requests: {cpu: 1, memory: 64Mi}, limits: {cpu: 1500m, memory: 1Gi}}
deploymentAnnotations: {a: b}
podAnnotations: {c: d}
podLabels: {e: f}
strategy: {type: RollingUpdate, rollingUpdate: {maxSurge: 1}}
terminationGracePeriodSeconds: 60
livenessProbe: {initialDelaySeconds: 5}
nodeSelector: {disk: ssd}
tolerations: [{key: a, operator: Exists}]
affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchExpressions: [{key: a, operator: Exists}]}]}}}
topologySpreadConstraints: []
priorityClassName: system-cluster-critical
podDisruptionBudget: {minAvailable: 50%}
service: {port: 9090, annotations: {g: h}, labels: {i: j}}",
            &["image: \"registry.example:5000/a/b@sha256:0123", "imagePullPolicy: Always", "- name: registry", "--log=debug", "--log-format=text", "--resync-interval=60", "--concurrency=8",
              "--api-version=2024-04-01", "name: HTTPS_PROXY", "mountPath: /more", "memory: 1Gi", "maxSurge: 1", "terminationGracePeriodSeconds: 60", "initialDelaySeconds: 5",
              "disk: ssd", "operator: Exists", "priorityClassName: system-cluster-critical", "minAvailable: 50%", "port: 9090", "name: release-sso", "team: data"],
            &["topologySpreadConstraints"]),
    ]
}

/// A key that is said in several places: what is nearer to the object holds.
#[rustfmt::skip]
fn overlaps() -> Vec<Case> {
    vec![
        case("overlaps, and a ServiceMonitor", "\
commonLabels: {team: all, azure.workload.identity/use: 'false', rbac.authorization.k8s.io/aggregate-to-view: 'false', grafana_dashboard: '0'}
podLabels: {team: pod, azure.workload.identity/use: 'true'}
podAnnotations: {kubectl.kubernetes.io/default-container: proxy}
service: {labels: {team: service}}
serviceAccount: {labels: {team: account}}
prometheus:
  servicemonitor: {enabled: true, labels: {team: monitor}, honorLabels: true, endpointAdditionalProperties: {interval: 5s, honorLabels: false}}
  prometheusrule: {enabled: true, labels: {team: rule}}
grafana: {dashboard: {enabled: true, labels: {team: dashboard}}}",
            &["team: all", "team: pod", "team: service", "team: account", "team: monitor", "team: rule", "team: dashboard", "azure.workload.identity/use: \"true\"",
              "default-container: proxy", "aggregate-to-view: \"true\"", "interval: 5s", "honorLabels: false"],
            &["default-container: operator", "interval: 30s", "honorLabels: true"]),
        case("overlaps, and a PodMonitor",
            "commonLabels: {team: all}\nprometheus: {podmonitor: {enabled: true, labels: {team: monitor}, endpointAdditionalProperties: {path: /all}}}",
            &["team: monitor", "path: /all"], &["path: /metrics"]),
    ]
}

/// Whether the API server would take manifests, without a warning, in a namespace that holds pods to `restricted`.
fn taken(plane: &Plane, manifests: &str) -> Result<String, String> {
    plane.kubectl(&["apply", "--dry-run=server", "--warnings-as-errors", "-f", "-"], manifests)
}

#[test]
fn whatever_the_values_the_api_server_takes_it_without_a_warning() {
    let world = World::new("chart");
    let plane = world.plane();
    let restricted = ["enforce", "warn"].map(|mode| format!("pod-security.kubernetes.io/{mode}=restricted"));
    plane.must(&["label", "namespace", &world.namespace, &restricted[0], &restricted[1]]);
    for namespace in ["team-a", "team-b"] {
        plane.must(&["create", "namespace", namespace]);
    }
    super::manifests::foreign_kinds(plane);
    // A pod is taken only after its account, and a dry run makes none.
    for account in ["release-synapse-spark-operator", "release-sso", "mine"] {
        let account =
            format!("{{apiVersion: v1, kind: ServiceAccount, metadata: {{name: {account}, namespace: {}}}}}", world.namespace);
        plane.kubectl(&["apply", "-f", "-"], &account).expect("an account");
    }

    // That the warning would be seen.
    let pod = format!(
        "{{apiVersion: v1, kind: Pod, metadata: {{name: a, namespace: {}}}, spec: {{containers: [{{name: a, image: a}}]}}}}",
        world.namespace
    );
    assert!(taken(plane, &pod).expect_err("it is no restricted pod").contains("restricted"));
    // That a key that is there twice would be, which Helm and kubectl take, and Flux refuses.
    assert!(serde_saphyr::from_multiple::<Value>("a: b\n---\na: {b: c, b: d}").is_err());

    for Case { name, values, has, lacks } in matrix().into_iter().chain(overlaps()) {
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
        if let Err(complaint) = taken(plane, &four) {
            panic!("{name}: {complaint}\n{four}");
        }
        let objects = super::manifests::objects(plane, &four);
        nothing_is_there_twice(name, &objects);
        the_program_knows_its_arguments(name, &objects);
    }
}

/// Of two objects of one name the API server would keep the later one, without a word; so it would of two ports.
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

/// The program itself reads its command line: a flag that it does not know is exit code 2.
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
    assert_eq!(checked, 2, "{name}: the operator and its check");
}

#[test]
fn wrong_values_are_refused_by_name() {
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
        ("azure: {authorityHost: 'https://login.example/tenant'}", &["azure/authorityHost"]),
        ("commonLabels: {app.kubernetes.io/instance: another}", &["commonLabels/app.kubernetes.io~1instance"]),
        ("podLabels: {app.kubernetes.io/name: another}", &["podLabels/app.kubernetes.io~1name"]),
        ("service: {labels: {app.kubernetes.io/name: another}}", &["service/labels/app.kubernetes.io~1name"]),
        ("logFormat: xml", &["logFormat", "json"]),
        ("resyncInterval: 0", &["resyncInterval", "1"]),
        ("resyncInterval: 5m", &["resyncInterval", "integer"]),
        ("extraArgs: --a", &["extraArgs", "array"]),
        ("extraEnv: [{value: a}]", &["extraEnv/0", "name"]),
        ("resources: {limit: {}}", &["resources", "limit"]),
        ("resources: {limits: {memory: lots}}", &["resources/limits/memory", "lots"]),
        ("podDisruptionBudget: {minAvailable: half}", &["podDisruptionBudget/minAvailable", "half"]),
        ("networkPolicy: {apiServerPorts: [99999]}", &["networkPolicy/apiServerPorts/0", "maximum"]),
        ("prometheus: {servicemonitor: {interval: fast}}", &["prometheus/servicemonitor/interval", "fast"]),
        ("leaderElection: {enabled: false}", &["replicaCount is 2 and leaderElection.enabled is false", "Set replicaCount to 1"]),
        ("replicaCount: 1\nleaderElection: {enabled: false}\nstrategy: {type: RollingUpdate}", &["not of the type Recreate", "Set strategy.type to Recreate"]),
        ("replicaCount: 1\nleaderElection: {enabled: false}\nstrategy: {rollingUpdate: {maxSurge: 1}}", &["not of the type Recreate"]),
        ("serviceAccount: {create: false}", &["set serviceAccount.name"]),
        ("azure: {credential: client-secret}", &["set azure.clientSecret.existingSecret"]),
        ("azure: {credential: client-secret, clientSecret: {existingSecret: a}}", &["set azure.clientId and azure.tenantId"]),
        ("azure: {clientSecret: {existingSecret: a}}", &["azure.credential is workload-identity"]),
        ("azure: {projectToken: true}", &["set azure.clientId and azure.tenantId"]),
        ("azure: {projectToken: true, credential: managed-identity}", &["azure.projectToken", "managed-identity"]),
        ("azure: {ca: {configMap: a, secret: b}}", &["azure.ca.configMap and azure.ca.secret"]),
        ("podDisruptionBudget: {minAvailable: 1, maxUnavailable: 1}", &["choose one"]),
        ("podDisruptionBudget: {minAvailable: 0, maxUnavailable: 1}", &["choose one"]),
        ("prometheus: {servicemonitor: {enabled: true}, podmonitor: {enabled: true}}", &["read twice"]),
        ("namespaceIdentity: {required: true}", &["namespaceIdentity.required is true and namespaceIdentity.enabled is false"]),
        ("namespaceIdentity: {enabled: true, accountNames: [a/b]}", &["namespaceIdentity/accountNames/0", "a/b"]),
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

#[test]
fn lint_finds_nothing() {
    for version in HELMS {
        for Case { name, values, .. } in matrix().into_iter().chain(overlaps()) {
            let linted = helm(version, Plane::shared(), &["lint", "--strict", CHART, "--values", "-"], &values);
            let printed = linted.unwrap_or_else(|complaint| panic!("{version}, {name}: {complaint}"));
            assert!(!printed.contains("[WARNING]") && !printed.contains("[ERROR]"), "{version}, {name}: {printed}");
        }
    }
}

/// The chart as a part of another one: Helm then adds values of its own.
#[test]
fn another_chart_can_contain_it() {
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

#[test]
fn what_it_says_of_itself_holds() {
    let text = std::fs::read_to_string(format!("{CHART}/Chart.yaml")).expect("it is there");
    let chart: Value = serde_saphyr::from_str(&text).expect("it is YAML");
    for version in ["version", "appVersion"] {
        assert_eq!(chart[version], env!("CARGO_PKG_VERSION"), "run make generate");
    }
    let oldest =
        chart["kubeVersion"].as_str().and_then(|range| range.strip_prefix(">=1.")?.strip_suffix(".0-0")).expect("a range");
    let cargo = include_str!("../../Cargo.toml");
    assert!(cargo.contains(&format!("\"v1_{oldest}\"")), "Cargo.toml builds for another oldest Kubernetes than 1.{oldest}");

    let readme = std::fs::read_to_string(format!("{CHART}/README.md")).expect("it is there");
    let silent: Vec<_> = readme.lines().filter(|line| line.starts_with("| ") && line.ends_with("|  |")).collect();
    assert!(silent.is_empty(), "values without a word: {silent:?}");

    let annotation = |name: &str| -> Value {
        let text = chart["annotations"][format!("artifacthub.io/{name}")].as_str().unwrap_or_else(|| panic!("no {name}"));
        serde_saphyr::from_str(text).expect("it is YAML")
    };
    let crd = &annotation("crds")[0];
    let plane = Plane::shared();
    let served = plane.must(&[
        "get",
        "crd",
        crd["name"].as_str().expect("a name"),
        "-o",
        "jsonpath={.spec.names.kind} {.spec.versions[*].name}",
    ]);
    assert_eq!(served, format!("{} {}", crd["kind"].as_str().expect("a kind"), crd["version"].as_str().expect("a version")));
    plane
        .kubectl(&["create", "--dry-run=server", "-f", "-"], &annotation("crdsExamples")[0].to_string())
        .expect("the example is good");
    let image = annotation("images")[0]["image"].clone();
    let manifests = template("helm4", plane, "default", "{}").expect("it renders");
    assert!(manifests.contains(&format!("image: {image}")), "{image}");
}

/// In a copy, the command that generates changes nothing.
#[test]
fn what_is_generated_is_up_to_date() {
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
