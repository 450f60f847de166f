//! Values of the chart, and what is in its manifests for them. Long by nature: each value of the chart is set once.

/// A client ID and a tenant ID.
const CLIENT: &str = "22222222-3333-4444-5555-666666666666";

const TENANT: &str = "72f988bf-0000-4000-8000-000000000001";

/// A set of values, and what is, and is not, in the manifests for it.
pub struct Case {
    pub name: &'static str,
    pub values: String,
    pub has: &'static [&'static str],
    pub lacks: &'static [&'static str],
    /// Whether it complies with the Pod Security Standard `restricted`.
    pub is_restricted: bool,
}

fn case(name: &'static str, values: &str, has: &'static [&'static str], lacks: &'static [&'static str]) -> Case {
    let values = values.replace("CLIENT", CLIENT).replace("TENANT", TENANT);
    Case { name, values, has, lacks, is_restricted: true }
}

#[rustfmt::skip]
// Longer than other functions: a table with one row per case.
pub fn matrix() -> Vec<Case> {
    vec![
        case("the defaults", "{}",
            &["kind: CustomResourceDefinition", "helm.sh/resource-policy: keep", "replicas: 2", "kind: PodDisruptionBudget", "maxUnavailable: 1",
              "kind: Service\n", "azure.workload.identity/use: \"true\"", "--credential=workload-identity", "--leader-election-namespace=chart-",
              "aggregate-to-view", "whenUnsatisfiable: ScheduleAnyway", "--log-format=json"],
            &["kind: NetworkPolicy", "kind: ServiceMonitor", "kind: PodMonitor", "kind: PrometheusRule", "kind: ConfigMap", "aggregate-to-edit",
              "--watch-namespaces", "--resync-interval", "--spark-version-warning", "- --activity-log", "--azure-request-share", "volumes:", "type: Recreate", "serviceaccounts", "--require-service-account", "tenancy"]),
        case("workload identity", "azure: {clientId: CLIENT, tenantId: TENANT}\nserviceAccount: {annotations: {a/b: c}, labels: {d: e}}",
            &["azure.workload.identity/client-id: 22222222", "azure.workload.identity/tenant-id: 72f988bf", "--client-id=22222222", "a/b: c", "d: e"],
            &["volumes:"]),
        case("workload identity without the webhook", "azure: {clientId: CLIENT, tenantId: TENANT, projectToken: true}",
            &["audience: api://AzureADTokenExchange", "--federated-token-file=/var/run/secrets/azure/tokens/azure-identity-token"],
            &["azure.workload.identity"]),
        case("workload identity of another cloud", "azure: {cloud: usgov, clientId: CLIENT, tenantId: TENANT, projectToken: true}",
            &["audience: api://AzureADTokenExchangeUSGov\n"], &["--token-audience"]),
        case("another audience", "azure: {clientId: CLIENT, tenantId: TENANT, projectToken: true, tokenAudience: 'api://other'}",
            &["audience: api://other\n", "--token-audience=api://other"], &["AzureADTokenExchange"]),
        case("a managed identity, and a network policy", "azure: {credential: managed-identity, clientId: CLIENT}\nnetworkPolicy: {enabled: true}",
            &["--credential=managed-identity", "cidr: 169.254.169.254/32", "port: 6443", "port: 53\n", "port: 5353\n"], &["azure.workload.identity"]),
        case("a client secret",
            "azure: {credential: client-secret, clientId: CLIENT, tenantId: TENANT, clientSecret: {existingSecret: azure, key: word}}",
            &["secretName: azure", "--client-secret-file=/var/run/secrets/azure/client-secret/word"], &["azure.workload.identity"]),
        case("another cloud, and a CA of one's own",
            "azure: {cloud: china, requestShare: 0.5, armEndpoint: 'https://arm.example:8443', authorityHost: 'https://login.example', synapseEndpoint: 'https://{workspace}.synapse.example:9443/x', ca: {configMap: cas, key: ca.pem}}\nnetworkPolicy: {enabled: true, apiServerPorts: [8443], metricsFrom: [{namespaceSelector: {}}], extraEgress: [{ports: [{port: 3128}]}]}",
            &["--cloud=china", "--azure-request-share=0.5", "--arm-endpoint=https://arm.example:8443", "--authority-host=https://login.example", "--synapse-endpoint=https://{workspace}.synapse.example:9443/x", "port: 9443",
              "--azure-ca-file=/var/run/secrets/azure/ca/ca.pem",
              "port: 8443", "port: 3128", "namespaceSelector: {}"],
            &["169.254.169.254", "port: 6443"]),
        case("the Activity Log", "activityLog: {delay: 0, names: true}", &["--activity-log-delay=0\n", "--activity-log-names\n"], &[]),
        case("a CA in a Secret", "azure: {ca: {secret: cas}}", &["secretName: cas", "--azure-ca-file=/var/run/secrets/azure/ca/ca.crt"], &[]),
        case("some namespaces", "watchNamespaces: [team-a, team-b]",
            &["--watch-namespaces=team-a,team-b", "namespace: team-a", "namespace: team-b", "resources: [leases]\n    verbs: [list]"], &["namespace: kube-system"]),
        case("some namespaces, and the Lease of the whole cluster in one of them", "watchNamespaces: [team-a, team-b]\nleaderElection: {namespace: team-b}",
            &["--leader-election-namespace=team-b"], &["namespace: kube-system"]),
        case("a Lease in another namespace", "leaderElection: {namespace: team-a}",
            &["--leader-election-namespace=team-a", "namespace: team-a\n  labels:"], &["namespace: kube-system"]),
        case("some namespaces without leader election", "replicaCount: 1\nwatchNamespaces: [team-a]\nleaderElection: {enabled: false}",
            &["--watch-namespaces=team-a"], &["leases", "--leader-election-namespace", "namespace: kube-system"]),
        case("identities of namespaces", "namespaceIdentity: {enabled: true}",
            &["kind: ClusterRole\nmetadata:\n  name: release-synapse-spark-operator-accounts", "resources: [serviceaccounts/token]"],
            &["--require-service-account", "resourceNames: [\""]),
        case("and no other, of some accounts in some namespaces",
            "watchNamespaces: [team-a]\nnamespaceIdentity: {enabled: true, required: true, accountNames: [synapse-spark]}",
            &["--require-service-account", "kind: Role\nmetadata:\n  name: release-synapse-spark-operator-accounts\n  namespace: team-a", "resourceNames: [\"synapse-spark\"]"],
            &["kind: ClusterRole\nmetadata:\n  name: release-synapse-spark-operator-accounts"]),
        case("outputs", "outputs: {enabled: true}", &["kind: ClusterRole\nmetadata:\n  name: release-synapse-spark-operator-outputs\n", "resources: [configmaps]\n    verbs: [create]", "resources: [configmaps]\n    verbs: [get, update, delete]"], &[]),
        case("outputs of some names in some namespaces", "watchNamespaces: [team-a]\noutputs: {enabled: true, configMapNames: [nightly-outputs]}", &["kind: Role\nmetadata:\n  name: release-synapse-spark-operator-outputs\n  namespace: team-a", "resourceNames: [\"nightly-outputs\"]\n    verbs: [get, update, delete]"], &["kind: ClusterRole\nmetadata:\n  name: release-synapse-spark-operator-outputs"]),
        case("tenants", "\
tenancy:
  enabled: true
  namespaces:
    team-a:
      workspaces: [/subscriptions/6560575d-fa06-4e7d-95fb-f962e74efd7a/resourceGroups/a, /subscriptions/6560575d-fa06-4e7d-95fb-f962e74efd7a/resourceGroups/b]
      roles: [Synapse Compute Operator]
    team-b: {pools: ['*']}",
            &["name: release-synapse-spark-operator-tenancy\n",
              "{\"team-a\":[\"/subscriptions/6560575d-fa06-4e7d-95fb-f962e74efd7a/resourceGroups/a\",\"/subscriptions/6560575d-fa06-4e7d-95fb-f962e74efd7a/resourceGroups/b\"]}[?",
              "{\"team-a\":[\"Synapse Compute Operator\"]}[?", "{\"team-b\":[\"*\"]}[?", "{}[?"],
            &["namespaceSelector:", "kind: ConfigMap"]),
        case("tenants in some namespaces", "watchNamespaces: [team-a, team-b]\ntenancy: {enabled: true}",
            &["name: release-synapse-spark-operator-chart-", "key: kubernetes.io/metadata.name\n          operator: In\n          values: [\"team-a\",\"team-b\"]"], &[]),
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
            &["kind: PrometheusRule", "release: prometheus", "- alert: SynapseSparkOperatorDown", "docs/runbooks/SynapseSparkOperatorDown.md\n", "kind: ConfigMap", "grafana_dashboard: \"1\"", "grafana_folder: Azure", "\"panels\""],
            &["kind: ServiceMonitor", "ErrorBudgetBurn", "record: "]),
        case("settings of single alerts, and service level objectives", "\
prometheus:
  namespaceLabel: true
  prometheusrule:
    enabled: true
    runbookUrl: 'https://runbooks.example/{alert}?from=alert'
    alertLabels: {team: platform}
    alertAnnotations: {dashboard: 'https://grafana.example/d/synapse-spark-operator'}
    alerts:
      SynapseSparkThrottled: {enabled: false}
      SynapseSparkQueued: {enabled: true}
      SynapseSparkDetachStuck: {for: 31m, severity: page, labels: {team: data}, annotations: {runbook_url: 'https://wiki.example/detach'}}
    slo: {enabled: true}",
            &["--metrics-namespace-label", "- alert: SynapseSparkQueued", "for: 31m", "severity: page\n          team: data\n", "runbook_url: https://wiki.example/detach\n",
              "runbook_url: https://runbooks.example/SynapseSparkNoLeader?from=alert\n", "severity: critical\n          team: platform\n",
              "dashboard: https://grafana.example/d/synapse-spark-operator\n", "- alert: SynapseSparkAttachErrorBudgetBurn",
              "record: synapse_spark_operator:reconcile_errors:ratio_rate1h"],
            &["SynapseSparkThrottled", "blob/main/docs/runbooks"]),
        case("one of the objectives", "prometheus: {prometheusrule: {enabled: true, slo: {enabled: true}, alerts: {SynapseSparkAttachErrorBudgetBurn: {enabled: false}}}}",
            &["record: synapse_spark_operator:attachments_created:increase1d", "- alert: SynapseSparkReconcileErrorBudgetBurn"], &["SynapseSparkAttachErrorBudgetBurn", "--metrics-namespace-label"]),
        case("monitoring by a PodMonitor, elsewhere", "service: {enabled: false}\nprometheus: {podmonitor: {enabled: true, namespace: team-a}}",
            &["kind: PodMonitor", "namespace: team-a"], &["kind: Service\n"]),
    ]
}

/// Registries, and every field of a pod.
#[rustfmt::skip]
pub fn pods() -> Vec<Case> {
    vec![
        case("the registry of all charts", "global: {imageRegistry: 'registry.example:5000', imagePullSecrets: [all, {name: more}]}\nimagePullSecrets: [{name: more}]",
            &["image: \"registry.example:5000/synapse-spark-operator/synapse-spark-operator:", "- name: all\n", "- name: more\n"], &["ghcr.io"]),
        case("a registry of the chart", "global: {imageRegistry: other.example}\nimage: {registry: registry.example, repository: a/b}",
            &["image: \"registry.example/a/b:"], &["other.example", "hostNetwork", "dnsPolicy"]),
        case("everything of a pod", "\
nameOverride: sso
commonLabels: {team: data}
image: {repository: 'registry.example:5000/a/b', digest: 'sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef', pullPolicy: Always}
imagePullSecrets: [{name: registry}]
replicaCount: 3
log: debug
logFormat: text
resyncInterval: 60
sparkVersionWarning: 0
concurrency: 8
extraArgs: [--api-version=2024-04-01]
extraEnv: [{name: HTTPS_PROXY, value: 'http://proxy:3128'}]
extraEnvFrom: [{configMapRef: {name: proxy}}]
extraObjects: [{apiVersion: v1, kind: ConfigMap, metadata: {name: proxy}}, '{apiVersion: v1, kind: ConfigMap, metadata: {name: more-{{ .Release.Name }} }}']
revisionHistoryLimit: 0
minReadySeconds: 7
startupProbe: {failureThreshold: 30}
schedulerName: mine
dnsPolicy: None
dnsConfig: {nameservers: [10.0.0.10]}
hostAliases: [{ip: 10.0.0.1, hostnames: [login.example]}]
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
service: {port: 9090, annotations: {g: h}, labels: {i: j}, ipFamilyPolicy: PreferDualStack, ipFamilies: [IPv4]}",
            &["image: \"registry.example:5000/a/b@sha256:0123", "imagePullPolicy: Always", "- name: registry", "--log=debug", "--log-format=text", "--resync-interval=60", "--spark-version-warning=0", "--concurrency=8",
              "--api-version=2024-04-01", "name: HTTPS_PROXY", "mountPath: /more", "memory: 1Gi", "maxSurge: 1", "terminationGracePeriodSeconds: 60", "initialDelaySeconds: 5",
              "disk: ssd", "operator: Exists", "priorityClassName: system-cluster-critical", "minAvailable: 50%", "port: 9090", "name: release-sso", "team: data",
              "name: proxy\n", "name: more-release", "revisionHistoryLimit: 0", "minReadySeconds: 7", "startupProbe:\n            httpGet:\n              path: /livez",
              "failureThreshold: 30", "schedulerName: mine", "dnsPolicy: None", "- 10.0.0.10", "- login.example", "ipFamilyPolicy: PreferDualStack", "- IPv4"],
            &["topologySpreadConstraints"]),
    ]
}

/// What the Pod Security Standard `restricted`, or this cluster, does not admit.
#[rustfmt::skip]
pub fn unrestricted() -> Vec<Case> {
    let cases = vec![
        case("the network of the node", "hostNetwork: true", &["hostNetwork: true", "dnsPolicy: ClusterFirstWithHostNet"], &[]),
        case("containers of others, and what this cluster does not have",
            "extraContainers: [{name: side, image: side}]\nextraInitContainers: [{name: before, image: before}]\nruntimeClassName: gvisor\nservice: {ipFamilies: [IPv6, IPv4]}",
            &["name: side\n", "initContainers:\n        - image: before\n          name: before\n", "runtimeClassName: gvisor", "- IPv6\n    - IPv4\n"], &[]),
        case("the network of the node with another resolver", "hostNetwork: true\ndnsPolicy: Default", &["dnsPolicy: Default"], &["ClusterFirstWithHostNet"]),
    ];
    cases.into_iter().map(|case| Case { is_restricted: false, ..case }).collect()
}

#[rustfmt::skip]
pub fn sharded() -> Vec<Case> {
    vec![
        case("shards", "\
shards:
  - {name: one, subscriptions: [bbbbbbbb-0000-4000-8000-000000000002, aaaaaaaa-0000-4000-8000-000000000001], resources: {limits: {memory: 512Mi}}, replicaCount: 3, concurrency: 64}
  - {name: two, subscriptions: [cccccccc-0000-4000-8000-000000000003], replicaCount: 1}
networkPolicy: {enabled: true}
prometheus: {servicemonitor: {enabled: true}}",
            &["--watch-subscriptions-except=aaaaaaaa-0000-4000-8000-000000000001,bbbbbbbb-0000-4000-8000-000000000002,cccccccc-0000-4000-8000-000000000003\n",
              "--watch-subscriptions=aaaaaaaa-0000-4000-8000-000000000001,bbbbbbbb-0000-4000-8000-000000000002\n", "--watch-subscriptions=cccccccc-0000-4000-8000-000000000003\n",
              "synapse-spark.dev/shard: default", "memory: 512Mi", "memory: 256Mi", "replicas: 3", "replicas: 2", "replicas: 1", "--concurrency=64", "podTargetLabels: [synapse-spark.dev/shard]",
              "kind: PodDisruptionBudget\nmetadata:\n  name: release-synapse-spark-operator-one\n", "kind: Service\nmetadata:\n  name: release-synapse-spark-operator-two\n",
              "values: [\"synapse-spark-operator\", \"synapse-spark-operator-shard\"]",
              "resourceNames: [synapse-spark-operator, synapse-spark-operator-bbbbbbbb-0000-4000-8000-000000000002, synapse-spark-operator-aaaaaaaa-0000-4000-8000-000000000001, synapse-spark-operator-cccccccc-0000-4000-8000-000000000003]"],
            &["kind: PodDisruptionBudget\nmetadata:\n  name: release-synapse-spark-operator-two\n", "--watch-namespaces"]),
        case("a shard, monitoring by a PodMonitor, and long names",
            "nameOverride: abcdefghijklmnopqrstuvwxyz-abcdefghijklmnopqrstuvwxyz-abc-abcde\nserviceAccount: {create: false, name: mine}\nprometheus: {podmonitor: {enabled: true}}\nshards: [{name: abcdefghij-abcdefghi, subscriptions: [aaaaaaaa-0000-4000-8000-000000000001]}]",
            &["kind: PodMonitor\nmetadata:\n  name: release-abcdefghijklmnopqrstuvwxyz-abcdefghijklmnopqrstuvwxyz-a-abcdefghij-abcdefghi\n",
              "kind: Service\nmetadata:\n  name: release-abcdefghijklmnopqrstuvwxyz-abcdefg-abcdefghij-abcdefghi\n"], &[]),
    ]
}

/// A key that is set in several places: the most specific one applies.
#[rustfmt::skip]
pub fn overlaps() -> Vec<Case> {
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
