//! What one test has for itself: a namespace in Kubernetes and a subscription in Azure.

mod azure;
mod kubernetes;
mod synapse;

use std::ops::{Deref, DerefMut};
use std::panic::Location;
use std::process::Command;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use k8s_openapi::api::core::v1::Namespace;
use kube::api::{Api, DeleteParams};
use serde_json::json;

use super::audit::{ACCOUNT, ACCOUNTS, NAMESPACE, OUTPUTS, SCOPED, SHARDED};
use super::azure::{Azure, TENANT};
use super::chart::{CHART, helm};
use super::operator::{Operator, as_in_a_pod};
use super::plane::Plane;
use super::{DEADLINE, block_on, number, poll, record};

/// The owner tag of the operator.
pub const OWNER_TAG: &str = "synapse-spark-operator-owner";

static SHARED: LazyLock<Arc<Stage>> = LazyLock::new(|| {
    let stage = Stage::set(Plane::shared(), Duration::ZERO);
    stage.put(Operator::start(stage.plane, &stage.azure));
    Arc::new(stage)
});
static TURN: Mutex<()> = Mutex::new(());

/// A stage: Kubernetes, Azure, and the operator between them.
struct Stage {
    plane: &'static Plane,
    operator: Mutex<Option<Operator>>,
    azure: Azure,
}

/// The operator that runs.
pub struct Running<'a>(MutexGuard<'a, Option<Operator>>);

impl Deref for Running<'_> {
    type Target = Operator;

    fn deref(&self) -> &Operator {
        self.0.as_ref().expect("an operator was started")
    }
}

impl DerefMut for Running<'_> {
    fn deref_mut(&mut self) -> &mut Operator {
        self.0.as_mut().expect("an operator was started")
    }
}

impl Stage {
    fn set(plane: &'static Plane, operation_duration: Duration) -> Self {
        let azure = Azure::start(plane, plane.folder.join(format!("azure-{}", number())), operation_duration);
        Self { plane, operator: Mutex::default(), azure }
    }

    fn operator(&self) -> MutexGuard<'_, Option<Operator>> {
        self.operator.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, operator: Operator) {
        *self.operator() = Some(operator);
    }
}

/// What one test has for itself.
pub struct World {
    /// The test's namespace.
    pub namespace: String,
    /// The test's subscription.
    pub subscription: String,
    /// The line of JSON that the harness printed.
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
        let world = Self::without_operator(name, operation_duration);
        world.restart();
        world
    }

    /// A stage of its own on which no operator runs yet.
    #[track_caller]
    pub fn without_operator(name: &str, operation_duration: Duration) -> Self {
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

    /// The operator that runs.
    pub fn operator(&self) -> Running<'_> {
        Running(self.stage.operator())
    }

    /// Replaces the running operator, if there is one.
    pub fn put_operator(&self, operator: Operator) {
        self.stage.put(operator);
    }

    pub fn azure(&self) -> &Azure {
        &self.stage.azure
    }

    /// Starts the operator again, after its end.
    pub fn restart(&self) {
        self.put_operator(Operator::start(self.plane(), &self.stage.azure));
    }

    /// Starts one of several operators, which elect a leader.
    pub fn replica(&self, name: &str) -> Operator {
        Operator::replica(self.plane(), &self.stage.azure, name)
    }

    /// Starts one that is installed in this namespace, and has its Lease there. It may have to wait for another.
    pub fn operator_elsewhere(&self, namespace: &str, name: &str) -> Operator {
        let settings = ["--pod-name", name, "--leader-election-namespace", namespace];
        Operator::start_as(ACCOUNT, self.plane(), &self.stage.azure, &settings).ready()
    }

    /// Starts an operator with settings of its own.
    pub fn operator_with(&self, settings: &[&str]) -> Operator {
        Operator::start_as(ACCOUNT, self.plane(), &self.stage.azure, settings).ready()
    }

    /// Installs an account that may work in these namespaces only.
    pub fn install_for(&self, namespaces: &[&str]) {
        self.install(SCOPED, &format!("watchNamespaces: {namespaces:?}"));
    }

    /// Installs an account for shards of these subscriptions.
    pub fn install_shards(&self, subscriptions: &[String]) {
        self.install(SHARDED, &format!("shards: [{{name: test, subscriptions: {subscriptions:?}}}]"));
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

    /// Replaces the running operator by one that may use namespaces' own identities.
    pub fn use_accounts(&self, settings: &[&str]) {
        let right = ["create", "serviceaccounts", "--subresource=token"];
        self.use_install(ACCOUNTS, "namespaceIdentity: {enabled: true}", &right, settings);
    }

    /// Replaces the running operator by one that may write ConfigMaps for attachments with `spec.outputs`.
    pub fn use_outputs(&self) {
        self.use_install(OUTPUTS, "outputs: {enabled: true}", &["delete", "configmaps"], &[]);
    }

    /// Replaces the running operator by one that is installed with these values, once it has this right.
    fn use_install(&self, account: &str, values: &str, right: &[&str], settings: &[&str]) {
        *self.stage.operator() = None;
        self.install(account, values);
        let user = format!("--as=system:serviceaccount:{NAMESPACE}:{account}");
        let may = [&["auth", "can-i"], right, &["--namespace", &self.namespace, &user]].concat();
        self.until("it has the right", || self.plane().kubectl(&may, "").ok());
        let settings = [&["--leader-election", "false"], settings].concat();
        self.put_operator(Operator::start_as(account, self.plane(), &self.stage.azure, &settings).ready());
    }

    /// Starts an operator of that account. It may have to wait for others.
    pub fn scoped(&self, settings: &[&str]) -> Operator {
        Operator::start_as(SCOPED, self.plane(), &self.stage.azure, settings)
    }

    /// Starts an operator of the account for shards. It may have to wait for others.
    pub fn sharded(&self, settings: &[&str]) -> Operator {
        Operator::start_as(SHARDED, self.plane(), &self.stage.azure, settings)
    }

    /// Runs the program to its end, as a ServiceAccount of the test's namespace. Returns what it printed.
    pub fn program(&self, account: &str, args: &[&str]) -> (Option<i32>, String) {
        let file = |name: &str| self.plane().folder.join(format!("{}.{name}", self.namespace));
        let (kubeconfig, token) = (file("kubeconfig"), file("token"));
        self.plane().kubeconfig_of(&self.namespace, account, &kubeconfig);
        self.plane().token_of(&self.namespace, account, &token);
        let mut program = Command::new(env!("CARGO_BIN_EXE_synapse-spark-operator"));
        let done = as_in_a_pod(&mut program, &self.stage.azure, &kubeconfig, &token).args(args).output().expect("it starts");
        (done.status.code(), [done.stdout, done.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat())
    }

    /// Polls until there is a result; after the deadline reports what it waited for, and the state.
    pub fn until<T>(&self, what: &str, ask: impl FnMut() -> Option<T>) -> T {
        poll(DEADLINE, ask).unwrap_or_else(|| self.fail(&format!("waited in vain until {what}")))
    }

    /// Panics with the state of everything.
    pub fn fail(&self, what: &str) -> ! {
        let objects = self.plane().kubectl(&["get", "ssa", "--namespace", &self.namespace, "-o", "yaml"], "");
        let asked = self.requests();
        let asked = asked[asked.len().saturating_sub(15)..].iter();
        let asked: Vec<_> = asked.map(|one| format!("{} {} {:?} {}", one.at, one.method, one.status, one.path)).collect();
        panic!(
            "{what}\n--- objects\n{}\n--- Azure was asked\n{}\n--- operator\n{}",
            objects.unwrap_or_else(|complaint| complaint),
            asked.join("\n"),
            self.stage.operator().as_ref().map(|operator| operator.log(&self.namespace)).unwrap_or_default()
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
