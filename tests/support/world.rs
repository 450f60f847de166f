//! What one test has for itself: a namespace in Kubernetes and a subscription in Azure.

use std::panic::Location;
use std::process::Command;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use k8s_openapi::api::core::v1::Namespace;
use kube::api::{Api, ApiResource, DeleteParams, DynamicObject, GroupVersionKind};
use serde_json::{Value, json};

use super::azure::{Azure, TENANT};
use super::chart::{CHART, helm};
use super::kept::{ACCOUNT, ACCOUNTS, NAMESPACE, SCOPED};
use super::operator::{Operator, as_in_a_pod};
use super::plane::Plane;
use super::{DEADLINE, block_on, number, poll, record};

/// The owner tag of the operator.
pub const OWNER_TAG: &str = "synapse-spark-operator-owner";

static SHARED: LazyLock<Arc<Stage>> = LazyLock::new(|| Arc::new(Stage::set(Plane::shared(), Duration::ZERO)));
static TURN: Mutex<()> = Mutex::new(());

/// Kubernetes, Azure, and the operator between them.
struct Stage {
    plane: &'static Plane,
    operator: Mutex<Operator>,
    azure: Azure,
}

impl Stage {
    fn set(plane: &'static Plane, operation_duration: Duration) -> Self {
        let azure = Azure::start(plane, plane.folder.join(format!("azure-{}", number())), operation_duration);
        Self { plane, operator: Mutex::new(Operator::start(plane, &azure)), azure }
    }
}

/// A request to Azure, from the journal.
#[derive(Debug)]
pub struct Asked {
    pub method: String,
    pub path: String,
    pub query: String,
    pub status: Option<u64>,
    /// The client ID of the request.
    pub client: String,
    /// Milliseconds of the wall clock.
    pub at: i64,
}

/// What one test has for itself.
pub struct World {
    /// The test's namespace.
    pub namespace: String,
    /// The test's subscription.
    pub subscription: String,
    /// The line that made it.
    by: &'static Location<'static>,
    stage: Arc<Stage>,
    _turn: Option<MutexGuard<'static, ()>>,
}

impl World {
    /// A part of the environment that all tests share; Azure's operations end when they are read next.
    #[track_caller]
    pub fn new(name: &str) -> Self {
        Self::made(name, SHARED.clone(), None)
    }

    /// A stage of its own, in turn with others of this kind.
    #[track_caller]
    pub fn alone(name: &str, operation_duration: Duration) -> Self {
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        Self::made(name, Arc::new(Stage::set(Plane::second(), operation_duration)), Some(turn))
    }

    #[track_caller]
    fn made(name: &str, stage: Arc<Stage>, turn: Option<MutexGuard<'static, ()>>) -> Self {
        let number = number();
        let subscription = format!("00000000-0000-4000-8000-{number:012x}");
        let world = Self { namespace: format!("{name}-{number}"), subscription, by: Location::caller(), stage, _turn: turn };
        record::note("began", &world.namespace, world.by);
        world.plane().must(&["create", "namespace", &world.namespace]);
        world.stage.azure.add(&json!({
            "subscriptions": [{"id": world.subscription, "tenantId": TENANT}],
            "workspaces": [{"id": world.workspace()}],
            "pools": [{"id": world.pool("one")}, {"id": world.pool("two"), "nodeSize": "Medium"}],
            "identities": [{"id": world.identity("first")}, {"id": world.identity("second")}],
        }));
        world
    }

    pub fn plane(&self) -> &'static Plane {
        self.stage.plane
    }

    pub fn operator(&self) -> MutexGuard<'_, Operator> {
        self.stage.operator.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn azure(&self) -> &Azure {
        &self.stage.azure
    }

    /// Starts the operator again, after its end.
    pub fn restart(&self) {
        *self.operator() = Operator::start(self.plane(), &self.stage.azure);
    }

    /// Starts one of several operators, which agree on who works.
    pub fn replica(&self, name: &str) -> Operator {
        Operator::replica(self.plane(), &self.stage.azure, name)
    }

    /// Starts an operator with settings of its own.
    pub fn operator_with(&self, settings: &[&str]) -> Operator {
        Operator::start_as(ACCOUNT, self.plane(), &self.stage.azure, settings).ready()
    }

    /// Installs an account that may work in these namespaces only.
    pub fn install_for(&self, namespaces: &[&str]) {
        self.install(SCOPED, &format!("watchNamespaces: {namespaces:?}"));
    }

    /// Installs an account of the operator with these values.
    fn install(&self, account: &str, values: &str) {
        let values = format!("{{fullnameOverride: {account}, crds: {{enabled: false}}, {values}}}");
        // A pod cannot be applied twice, so without the one that `helm test` starts.
        let template = ["template", account, CHART, "--skip-tests", "--namespace", NAMESPACE, "--values", "-"];
        let manifest = helm("helm4", self.plane(), &template, &values).expect("it renders");
        self.plane().kubectl(&["apply", "-f", "-"], &manifest).expect("it is taken");
        record::manifest(account, &manifest);
    }

    /// Puts an operator in the place of the one that runs that may use namespaces' own identities.
    pub fn use_accounts(&self, settings: &[&str]) {
        self.operator().kill();
        self.install(ACCOUNTS, "namespaceIdentity: {enabled: true}");
        let user = format!("--as=system:serviceaccount:{NAMESPACE}:{ACCOUNTS}");
        let may = ["auth", "can-i", "create", "serviceaccounts", "--subresource=token", "--namespace", &self.namespace, &user];
        self.until("it may make tokens", || self.plane().kubectl(&may, "").ok());
        let settings = [&["--leader-election", "false"], settings].concat();
        *self.operator() = Operator::start_as(ACCOUNTS, self.plane(), &self.stage.azure, &settings).ready();
    }

    /// Starts an operator of that account. It may have to wait for others.
    pub fn scoped(&self, settings: &[&str]) -> Operator {
        Operator::start_as(SCOPED, self.plane(), &self.stage.azure, settings)
    }

    /// The program, to its end, as a ServiceAccount of the test's namespace; and what it printed.
    pub fn program(&self, account: &str, args: &[&str]) -> (Option<i32>, String) {
        let file = |name: &str| self.plane().folder.join(format!("{}.{name}", self.namespace));
        let (kubeconfig, token) = (file("kubeconfig"), file("token"));
        self.plane().kubeconfig_of(&self.namespace, account, &kubeconfig);
        self.plane().token_of(&self.namespace, account, &token);
        let mut program = Command::new(env!("CARGO_BIN_EXE_synapse-spark-operator"));
        let done = as_in_a_pod(&mut program, &self.stage.azure, &kubeconfig, &token).args(args).output().expect("it starts");
        (done.status.code(), [done.stdout, done.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat())
    }

    // ---- names

    fn group(&self) -> String {
        format!("/subscriptions/{}/resourceGroups/rg", self.subscription)
    }

    pub fn workspace(&self) -> String {
        format!("{}/providers/Microsoft.MachineLearningServices/workspaces/ml-ws", self.group())
    }

    pub fn pool(&self, name: &str) -> String {
        format!("{}/bigDataPools/{name}", self.synapse(""))
    }

    /// The ID of a Synapse workspace of the test; the first is called "".
    pub fn synapse(&self, name: &str) -> String {
        format!("{}/providers/Microsoft.Synapse/workspaces/{}", self.group(), self.synapse_name(name))
    }

    /// The name of a Synapse workspace of the test: no other test's, since its host has this name alone.
    pub fn synapse_name(&self, name: &str) -> String {
        format!("syn{}{name}", self.subscription.rsplit('-').next().unwrap_or_default().trim_start_matches('0'))
    }

    /// All role assignments in the test's Synapse workspace: role, principal and scope of each.
    pub fn roles(&self) -> Vec<Value> {
        let world = self.stage.azure.control("GET", "world", None).expect("there is a world");
        let all = world["roleAssignments"].as_array().expect("a list").iter();
        let is_here =
            |one: &&Value| one["scope"].as_str().is_some_and(|scope| scope.split('/').nth(1) == Some(&self.synapse_name("")));
        all.filter(is_here).cloned().collect()
    }

    /// The writes to the test's Synapse workspace and to its computes, in order: the method, and which of the two.
    pub fn all_writes(&self) -> Vec<String> {
        let data = format!("/synapse/{}/", self.synapse_name(""));
        let journal = self.stage.azure.control("GET", "journal", None).expect("a journal");
        let all = journal["requests"].as_array().expect("a list").iter();
        all.filter(|one| one["method"] != "GET" && one["status"].as_u64().is_some_and(|status| status < 300))
            .filter_map(|one| {
                let (method, path) = (one["method"].as_str()?, one["path"].as_str()?);
                let what = match () {
                    () if path.starts_with(&data) => "role",
                    () if path.contains(&self.subscription) => "compute",
                    () => return None,
                };
                Some(format!("{method} {what}"))
            })
            .collect()
    }

    /// Injects a fault for the test's Synapse workspace.
    pub fn role_fault(&self, method: &str, effect: &Value) {
        let mut fault = json!({"method": method, "path": format!("/synapse/{}/roleAssignments", self.synapse_name(""))});
        for (key, value) in effect.as_object().expect("an object") {
            fault[key] = value.clone();
        }
        self.stage.azure.control("POST", "faults", Some(&fault)).expect("it is taken");
    }

    /// Injects a fault for a pool.
    pub fn pool_fault(&self, name: &str, effect: &Value) {
        let mut fault = json!({"method": "GET", "path": self.pool(name)});
        for (key, value) in effect.as_object().expect("an object") {
            fault[key] = value.clone();
        }
        self.stage.azure.control("POST", "faults", Some(&fault)).expect("it is taken");
    }

    /// Revokes a role directly in the emulator.
    pub fn take_role(&self, guid: &str) {
        self.remove(&format!("{}/roleAssignments/{guid}", self.synapse("")));
    }

    /// Changes a pool directly in the emulator.
    pub fn meddle_pool(&self, name: &str, patch: &Value) {
        self.stage.azure.control("PATCH", &format!("pool?id={}", self.pool(name)), Some(patch)).expect("it is there");
    }

    pub fn identity(&self, name: &str) -> String {
        format!("{}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{name}", self.group())
    }

    pub fn id(&self, compute: &str) -> String {
        format!("{}/computes/{compute}", self.workspace())
    }

    // ---- Kubernetes

    /// Makes a ServiceAccount of a namespace, with these annotations of workload identity.
    pub fn account(&self, namespace: &str, name: &str, client: Option<&str>, tenant: Option<&str>) {
        self.plane().must(&["create", "serviceaccount", name, "--namespace", namespace]);
        for (key, value) in [("client-id", client), ("tenant-id", tenant)] {
            if let Some(value) = value {
                let annotation = format!("azure.workload.identity/{key}={value}");
                self.plane().must(&["annotate", "serviceaccount", name, "--namespace", namespace, &annotation]);
            }
        }
    }

    /// A manifest; `more` are further lines of the spec.
    pub fn manifest(&self, name: &str, pool: &str, more: &[&str]) -> String {
        let more = more.iter().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n");
        format!(
            "apiVersion: synapse-spark.dev/v1alpha1
kind: SynapseSparkAttachment
metadata:
  name: {name}
  namespace: {}
spec:
  workspace: {{subscriptionId: {}, resourceGroup: rg, name: ml-ws}}
  resourceId: {}
{more}
",
            self.namespace,
            self.subscription,
            self.pool(pool)
        )
    }

    /// `kubectl apply`.
    pub fn apply(&self, name: &str, pool: &str, more: &[&str]) {
        let manifest = self.manifest(name, pool, more);
        if let Err(complaint) = self.plane().kubectl(&["apply", "-f", "-"], &manifest) {
            panic!("kubectl apply: {complaint}\n{manifest}");
        }
    }

    /// kubectl in the test's namespace.
    pub fn kubectl(&self, args: &[&str]) -> String {
        let all: Vec<_> = ["--namespace", &self.namespace].iter().chain(args).copied().collect();
        self.plane().kubectl(&all, "").unwrap_or_else(|complaint| self.fail(&format!("kubectl {}: {complaint}", args.join(" "))))
    }

    /// `kubectl wait`.
    pub fn wait(&self, name: &str, what: &str) {
        self.kubectl(&["wait", &format!("ssa/{name}"), &format!("--for={what}"), "--timeout=30s"]);
    }

    /// Waits until the object is ready, of this generation.
    pub fn ready(&self, name: &str) {
        self.wait(name, "condition=Ready");
    }

    /// Waits until the object is stalled for this reason; returns the message, after checks of the other conditions.
    pub fn stalled(&self, name: &str, reason: &str) -> String {
        self.wait(name, &format!("jsonpath={{.status.conditions[?(@.type==\"Stalled\")].reason}}={reason}"));
        let ready = self.condition(name, "Ready").expect("Ready is always there");
        assert_eq!((ready["status"].as_str(), ready["reason"].as_str()), (Some("False"), Some(reason)), "{ready}");
        assert_eq!(self.condition(name, "Reconciling"), None);
        ready["message"].as_str().unwrap_or_default().to_owned()
    }

    /// Waits until Ready has this status and reason; gives the message.
    pub fn says(&self, name: &str, status: &str, reason: &str) -> String {
        self.until(&format!("{name} is Ready={status} {reason}"), || {
            let ready = self.condition(name, "Ready")?;
            let says = ready["status"] == status && ready["reason"] == reason;
            says.then(|| ready["message"].as_str().unwrap_or_default().to_owned())
        })
    }

    /// Attachments, as untyped objects.
    pub fn attachments(&self) -> Api<DynamicObject> {
        let kind = GroupVersionKind::gvk("synapse-spark.dev", "v1alpha1", "SynapseSparkAttachment");
        Api::namespaced_with(self.plane().kube.clone(), &self.namespace, &ApiResource::from_gvk(&kind))
    }

    /// An object, if it is there.
    pub fn object(&self, name: &str) -> Option<Value> {
        let object = block_on(self.attachments().get_opt(name)).expect("the API server answers")?;
        Some(serde_json::to_value(object).expect("an object is JSON"))
    }

    /// A condition of an object.
    pub fn condition(&self, name: &str, kind: &str) -> Option<Value> {
        let object = self.object(name)?;
        object["status"]["conditions"].as_array()?.iter().find(|one| one["type"] == kind).cloned()
    }

    /// A merge patch, as `kubectl patch` sends it.
    pub fn patch(&self, name: &str, patch: &Value) {
        self.kubectl(&["patch", "ssa", name, "--type=merge", "--patch", &patch.to_string()]);
    }

    /// Requests a reconcile.
    pub fn ask(&self, name: &str) {
        let asked = format!("synapse-spark.dev/reconcile-requested-at={}", number());
        self.kubectl(&["annotate", "--overwrite", "ssa", name, &asked]);
    }

    /// `kubectl delete`, without waiting.
    pub fn delete(&self, name: &str) {
        self.kubectl(&["delete", "ssa", name, "--wait=false"]);
    }

    /// Waits until the object is gone.
    pub fn gone(&self, name: &str) {
        self.wait(name, "delete");
    }

    /// Waits for an event of this reason that holds this text.
    pub fn event(&self, name: &str, reason: &str, text: &str) {
        self.until(&format!("an event {reason} of {name} with {text:?}"), || {
            let all: Value = serde_json::from_str(&self.kubectl(&["get", "events", "-o", "json"])).expect("kubectl prints JSON");
            let is_it = |event: &&Value| {
                event["reason"] == reason
                    && event["involvedObject"]["name"] == name
                    && event["message"].as_str().is_some_and(|message| message.contains(text))
            };
            all["items"].as_array()?.iter().find(is_it).map(|_| ())
        });
    }

    // ---- Azure

    /// Adds to what there is.
    pub fn add(&self, seed: &Value) {
        self.stage.azure.add(seed);
    }

    /// An application that trusts a ServiceAccount. Gives its client ID.
    pub fn trusting(&self, namespace: &str, account: &str) -> String {
        let client = format!("00000000-0000-4000-a000-{:012x}", number());
        self.add(&json!({"principals": [{
            "tenantId": TENANT,
            "clientId": client,
            "objectId": client.replace("-a000-", "-b000-"),
            "federated": [{
                "issuer": self.plane().issuer,
                "subject": format!("system:serviceaccount:{namespace}:{account}"),
                "audience": "api://AzureADTokenExchange",
            }],
        }]}));
        client
    }

    /// A compute that was attached by hand.
    pub fn add_compute(&self, name: &str, pool: &str, more: &Value) {
        let mut compute = json!({"id": self.id(name), "properties": {"resourceId": self.pool(pool)}, "tags": {}});
        for (key, value) in more.as_object().expect("an object") {
            match (key.as_str(), value) {
                ("computeType", kind) => compute["properties"]["computeType"] = kind.clone(),
                (key, value) => compute[key] = value.clone(),
            }
        }
        self.add(&json!({"computes": [compute]}));
    }

    /// A compute, if it is there.
    pub fn compute(&self, name: &str) -> Option<Value> {
        self.stage.azure.control("GET", &format!("compute?id={}", self.id(name)), None)
    }

    /// Changes a compute directly in the emulator.
    pub fn meddle(&self, name: &str, patch: &Value) {
        self.stage.azure.control("PATCH", &format!("compute?id={}", self.id(name)), Some(patch)).expect("it is there");
    }

    /// Removes something directly in the emulator.
    pub fn remove(&self, id: &str) {
        self.stage.azure.control("DELETE", &format!("resource?id={id}"), None).expect("it is there");
    }

    /// How many computes there are in the test's subscription.
    pub fn computes(&self) -> usize {
        let world = self.stage.azure.control("GET", "world", None).expect("there is a world");
        let all = world["computes"].as_array().expect("a list");
        all.iter().filter(|one| one["id"].as_str().is_some_and(|id| id.contains(&self.subscription))).count()
    }

    /// Injects a fault in the test's subscription.
    pub fn fault(&self, method: &str, compute: &str, effect: &Value) {
        let mut fault = json!({"method": method, "path": self.id(compute)});
        for (key, value) in effect.as_object().expect("an object") {
            fault[key] = value.clone();
        }
        self.stage.azure.control("POST", "faults", Some(&fault)).expect("it is taken");
    }

    /// The requests to Azure in the test's subscription.
    pub fn asked(&self) -> Vec<Asked> {
        let journal = self.stage.azure.control("GET", "journal", None).expect("a journal");
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let all = journal["requests"].as_array().expect("a list").iter();
        all.filter(|one| one["path"].as_str().is_some_and(|path| path.contains(&self.subscription)))
            .map(|one| Asked {
                method: text(&one["method"]),
                path: text(&one["path"]),
                query: text(&one["query"]),
                status: one["status"].as_u64(),
                client: text(&one["principal"]),
                at: text(&one["at"]).parse::<jiff::Timestamp>().expect("a time").as_millisecond(),
            })
            .collect()
    }

    /// The methods of the writes to a compute, in order. Every DELETE must be a detach.
    pub fn writes(&self, compute: &str) -> Vec<String> {
        let id = self.id(compute).to_ascii_lowercase();
        let all = self.asked().into_iter().filter(|one| one.method != "GET" && one.path.to_ascii_lowercase() == id);
        all.map(|one| {
            assert!(one.method != "DELETE" || one.query.contains("underlyingResourceAction=Detach"), "{one:?}");
            one.method
        })
        .collect()
    }

    /// How often the operator has read a compute.
    pub fn looks(&self, compute: &str) -> usize {
        let id = self.id(compute).to_ascii_lowercase();
        self.asked().iter().filter(|one| one.method == "GET" && one.path.to_ascii_lowercase() == id).count()
    }

    /// Waits until the operator has read a compute this many times more.
    pub fn more_looks(&self, compute: &str, more: usize) {
        let before = self.looks(compute);
        self.until(&format!("{more} more looks at {compute}"), || (self.looks(compute) >= before + more).then_some(()));
    }

    // ---- waiting

    /// Polls until there is a result; after the deadline reports what it waited for, and the state.
    pub fn until<T>(&self, what: &str, ask: impl FnMut() -> Option<T>) -> T {
        poll(DEADLINE, ask).unwrap_or_else(|| self.fail(&format!("waited in vain until {what}")))
    }

    /// Panics with all that is known.
    pub fn fail(&self, what: &str) -> ! {
        let objects = self.plane().kubectl(&["get", "ssa", "--namespace", &self.namespace, "-o", "yaml"], "");
        let asked = self.asked();
        let asked = asked[asked.len().saturating_sub(15)..].iter();
        let asked: Vec<_> = asked.map(|one| format!("{} {} {:?} {}", one.at, one.method, one.status, one.path)).collect();
        panic!(
            "{what}\n--- objects\n{}\n--- Azure was asked\n{}\n--- operator\n{}",
            objects.unwrap_or_else(|complaint| complaint),
            asked.join("\n"),
            self.operator().log(&self.namespace)
        )
    }
}

impl Drop for World {
    /// Objects that remain are ignored for the rest of the run.
    fn drop(&mut self) {
        if !std::thread::panicking() {
            record::note("ended", &self.namespace, self.by);
        }
        let namespaces = Api::<Namespace>::all(self.plane().kube.clone());
        let _ = block_on(namespaces.delete(&self.namespace, &DeleteParams::default()));
    }
}
