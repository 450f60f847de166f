//! A naive controller, to compare the operator with: the pattern of kube-rs' own examples, with an Azure client of one page.
//!
//! It is what one writes in a day, and written as well as one does then: one reconcile per object, a finalizer, a GET per object
//! every five seconds while an operation runs and every five minutes at rest, and after a 429 a retry after the time that Azure names. It
//! shares no request between objects and doesn't count what Azure allows. It knows no identities, tags, drift, adoption or
//! roles, and trusts the first answer, so that it does less for each object than the operator.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use azure_emulator::Counters;
use futures::StreamExt;
use kube::api::{Api, Patch, PatchParams};
use kube::runtime::controller::{self, Action};
use kube::runtime::finalizer::{self, Event, finalizer};
use kube::runtime::watcher;
use kube::{Client, Resource, ResourceExt};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use synapse_spark_operator::api::SynapseSparkAttachment;
use tokio::sync::Mutex;

use crate::harness::controller::Controller;
use crate::harness::stage::Stage;
use crate::support::{ACCOUNT, as_in_a_pod, block_on};

/// How soon an object is asked for again while something happens, and at rest.
const BUSY: Duration = Duration::from_secs(5);
const REST: Duration = Duration::from_mins(5);
/// Our finalizer, so that the operator's rights suffice.
const FINALIZER: &str = "synapse-spark.dev/detach";

/// Its process. It ends when this is dropped, or when the process that started it ends.
pub struct Naive {
    child: Child,
    started: Instant,
}

impl Naive {
    pub fn start(stage: &Stage) -> Self {
        let file = |name: &str| stage.plane.folder.join(format!("naive.{name}"));
        let (kubeconfig, token, log) = (file("kubeconfig"), file("token"), file("log"));
        stage.plane.account(ACCOUNT, &kubeconfig, &token);
        let program = std::env::current_exe().expect("this program has a path");
        let started = Instant::now();
        let child = as_in_a_pod(&mut Command::new(program), &stage.azure, &kubeconfig, &token)
            .arg("naive")
            .stdin(Stdio::piped())
            .stderr(std::fs::File::create(log).expect("a log"))
            .spawn();
        Self { child: child.expect("it starts"), started }
    }
}

impl Controller for Naive {
    fn started(&self) -> Instant {
        self.started
    }

    fn pid(&self) -> i32 {
        i32::try_from(self.child.id()).expect("a process's number is small")
    }

    fn observations(&self, counters: &Counters) -> u64 {
        counters.count(|one| one.method == "GET" && one.kind == "compute" && one.status == Some(200))
    }

    fn stop(&mut self) {
        // It has nothing to release, so it need not be asked to end.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Naive {
    fn drop(&mut self) {
        self.stop();
    }
}

#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("Azure throttles")]
    Throttled(Duration),
    #[error("the compute is still there")]
    StillThere,
    #[error("Azure answered {0}")]
    Status(StatusCode),
    #[error("no answer")]
    Http(#[source] reqwest::Error),
    #[error("Kubernetes")]
    Kube(#[source] kube::Error),
}

struct Context {
    kube: Client,
    azure: Azure,
}

/// Runs until its standard input ends.
pub fn run() {
    block_on(async {
        let kube = Client::try_default().await.expect("a kubeconfig");
        let context = Arc::new(Context { kube: kube.clone(), azure: Azure::from_environment() });
        let all = Api::<SynapseSparkAttachment>::all(kube);
        let running =
            controller::Controller::new(all, watcher::Config::default()).run(reconcile, again, context).for_each(async |_| {});
        let ended = tokio::task::spawn_blocking(|| std::io::copy(&mut std::io::stdin(), &mut std::io::sink()));
        tokio::select! {
            () = running => {}
            _ = ended => {}
        }
    });
}

async fn reconcile(object: Arc<SynapseSparkAttachment>, context: Arc<Context>) -> Result<Action, finalizer::Error<Error>> {
    let namespace = object.namespace().unwrap_or_default();
    let api = Api::<SynapseSparkAttachment>::namespaced(context.kube.clone(), &namespace);
    finalizer(&api, FINALIZER, object, |event| async {
        match event {
            Event::Apply(object) => attach(&context, &api, &object).await,
            Event::Cleanup(object) => detach(&context, &object).await,
        }
    })
    .await
}

fn again(_: Arc<SynapseSparkAttachment>, error: &finalizer::Error<Error>, _: Arc<Context>) -> Action {
    match error {
        finalizer::Error::ApplyFailed(Error::Throttled(pause)) | finalizer::Error::CleanupFailed(Error::Throttled(pause)) => {
            Action::requeue(*pause)
        }
        _ => Action::requeue(BUSY),
    }
}

async fn attach(context: &Context, api: &Api<SynapseSparkAttachment>, object: &SynapseSparkAttachment) -> Result<Action, Error> {
    let target = compute(object);
    let Some(found) = context.azure.ask(Method::GET, &target, None).await? else {
        let body = json!({
            "location": "eastus2",
            "identity": {"type": "SystemAssigned"},
            "properties": {"computeType": "SynapseSpark", "resourceId": object.spec.resource_id},
        });
        context.azure.ask(Method::PUT, &target, Some(&body)).await?;
        report(api, object, ("False", "Attaching")).await?;
        return Ok(Action::requeue(BUSY));
    };
    match found["properties"]["provisioningState"].as_str() {
        Some("Succeeded") => {
            report(api, object, ("True", "Attached")).await?;
            Ok(Action::requeue(REST))
        }
        Some("Failed") => {
            report(api, object, ("False", "AttachFailed")).await?;
            Ok(Action::requeue(REST))
        }
        _ => Ok(Action::requeue(BUSY)),
    }
}

async fn detach(context: &Context, object: &SynapseSparkAttachment) -> Result<Action, Error> {
    let target = compute(object);
    let Some(found) = context.azure.ask(Method::GET, &target, None).await? else {
        return Ok(Action::await_change());
    };
    if found["properties"]["provisioningState"] != "Deleting" {
        context.azure.ask(Method::DELETE, &format!("{target}&underlyingResourceAction=Detach"), None).await?;
    }
    // The finalizer goes with the first success.
    Err(Error::StillThere)
}

/// Writes the condition Ready, if it is another.
async fn report(
    api: &Api<SynapseSparkAttachment>,
    object: &SynapseSparkAttachment,
    (status, reason): (&str, &str),
) -> Result<(), Error> {
    let conditions = object.status.as_ref().map_or(&[][..], |status| &status.conditions);
    if conditions.iter().any(|c| c.type_ == "Ready" && c.status == status && c.reason == reason) {
        return Ok(());
    }
    let time = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let ready = json!({"type": "Ready", "status": status, "reason": reason, "message": "", "lastTransitionTime": time});
    let patch = json!({"status": {"observedGeneration": object.meta().generation, "conditions": [ready]}});
    let patched = api.patch_status(&object.name_any(), &PatchParams::default(), &Patch::Merge(patch)).await;
    patched.map(|_| ()).map_err(Error::Kube)
}

fn compute(object: &SynapseSparkAttachment) -> String {
    let workspace = &object.spec.workspace;
    format!(
        "/subscriptions/{}/resourceGroups/{}/providers/Microsoft.MachineLearningServices/workspaces/{}/computes/{}?api-version=2024-04-01",
        workspace.subscription_id,
        workspace.resource_group,
        workspace.name,
        object.name_any()
    )
}

/// Azure, as the identity of the environment.
struct Azure {
    http: reqwest::Client,
    endpoint: String,
    token: Mutex<Option<String>>,
}

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is set"))
}

impl Azure {
    fn from_environment() -> Self {
        let pem = std::fs::read(PathBuf::from(variable("AZURE_CA_FILE"))).expect("the CA can be read");
        let certificates = reqwest::Certificate::from_pem_bundle(&pem).expect("certificates");
        let http = reqwest::Client::builder().tls_certs_merge(certificates).build().expect("a client");
        Self { http, endpoint: variable("AZURE_RESOURCE_MANAGER_ENDPOINT"), token: Mutex::default() }
    }

    /// The body of the answer; none if there is no such thing.
    async fn ask(&self, method: Method, target: &str, body: Option<&Value>) -> Result<Option<Value>, Error> {
        let mut request = self.http.request(method, format!("{}{target}", self.endpoint)).bearer_auth(self.bearer().await?);
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = request.send().await.map_err(Error::Http)?;
        match answer.status() {
            StatusCode::NOT_FOUND => Ok(None),
            StatusCode::TOO_MANY_REQUESTS => {
                let pause = answer.headers().get("Retry-After").and_then(|value| value.to_str().ok()?.parse().ok());
                Err(Error::Throttled(Duration::from_secs(pause.unwrap_or(10))))
            }
            status if status.is_success() => {
                let bytes = answer.bytes().await.map_err(Error::Http)?;
                Ok(Some(serde_json::from_slice(&bytes).unwrap_or_default()))
            }
            status => Err(Error::Status(status)),
        }
    }

    /// One token for all; no run lasts longer than it.
    async fn bearer(&self) -> Result<String, Error> {
        let mut token = self.token.lock().await;
        if let Some(token) = &*token {
            return Ok(token.clone());
        }
        let assertion = std::fs::read_to_string(variable("AZURE_FEDERATED_TOKEN_FILE")).expect("the token can be read");
        let scope = format!("{}/.default", self.endpoint);
        let form = format!(
            "grant_type=client_credentials&client_id={}&scope={}&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&client_assertion={}",
            variable("AZURE_CLIENT_ID"),
            scope.replace(':', "%3A").replace('/', "%2F"),
            assertion.trim()
        );
        let target = format!("{}/{}/oauth2/v2.0/token", variable("AZURE_AUTHORITY_HOST"), variable("AZURE_TENANT_ID"));
        let request = self.http.post(target).header("Content-Type", "application/x-www-form-urlencoded").body(form);
        let answer = request.send().await.map_err(Error::Http)?;
        let body: Value = answer.json().await.map_err(Error::Http)?;
        let given = body["access_token"].as_str().expect("Entra gives a token").to_owned();
        *token = Some(given.clone());
        Ok(given)
    }
}
