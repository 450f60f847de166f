//! The services of a Machine Learning workspace that only SDK v1 (`azureml-core`) uses: `/datastore`, `/dataset`, `/data`,
//! `/content`, `/pipelines`, `/history` and `/artifact` on the regional host. They serve the requests of one documented pipeline,
//! a `SynapseSparkStep` and a `PythonScriptStep`, as recorded (SDK); the operator uses none of them.
//!
//! ```text
//!   data      the default datastore, datasets
//!   content   snapshots of source folders
//!   pipeline  data types, modules, runs  ──►  graph  ──►  a job, as a pipeline of v2 would be
//!   history   the runs of a pipeline and of its steps, as those jobs
//! ```

mod content;
mod data;
mod graph;
mod history;
mod pipeline;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::arm::{asker, authenticated, authorize, is_for_arm, marked, not_allowed, not_found, unauthenticated};
use crate::azure::Azure;
use crate::exchange::{Answer, Refusal, Request};
use crate::fault::Failure;
use crate::id;
use crate::incoming::Incoming;
use crate::world::Token;
use crate::world::seed::Workspace;
use crate::world::studio::Studio;

const WORKSPACES: &str = "Microsoft.MachineLearningServices/workspaces";

const SERVICES: [&str; 7] = ["datastore", "dataset", "data", "content", "pipelines", "history", "artifact"];

/// Whether the path is that of one of these services: `/{service}/v{version}/subscriptions/…`.
pub(crate) fn is_for(segments: &[String]) -> bool {
    segments.first().is_some_and(|first| SERVICES.contains(&first.as_str()))
        && segments.get(1).is_some_and(|version| version.starts_with('v'))
}

/// One request of a principal that may make it, to a workspace that exists.
struct Call<'a> {
    now: Timestamp,
    request: &'a Request,
    token: Token,
    workspace: Workspace,
    doomed: Option<Failure>,
}

impl Call<'_> {
    /// The key of the workspace.
    fn key(&self) -> String {
        id::fold(&self.workspace.id)
    }

    /// The body, which must be JSON.
    fn body(&self) -> Result<Value, Refusal> {
        serde_json::from_slice(&self.request.body).map_err(|e| Refusal::user_error(format!("The body is not JSON: {e}.")))
    }

    /// What was saved in the workspace.
    fn studio<'w>(&self, azure: &'w mut Azure) -> &'w mut Studio {
        azure.world.studios.entry(self.key()).or_default()
    }
}

pub(crate) fn answer(azure: &mut Azure, incoming: &Incoming<'_>, segments: &[String]) -> (Answer, Option<String>) {
    let asker = asker(azure, incoming.request);
    let answer = handle(azure, incoming, segments).unwrap_or_else(|refusal| {
        // The models of the pipelines service are in PascalCase (SDK).
        let body = json!({"Error": {"Code": refusal.code, "Message": refusal.message}});
        if segments[0] == "pipelines" { Answer::json(refusal.status, &body) } else { refusal.answer() }
    });
    (marked(azure, incoming.now, incoming.request, answer), asker)
}

fn handle(azure: &mut Azure, incoming: &Incoming<'_>, segments: &[String]) -> Result<Answer, Refusal> {
    let Incoming { request, now, .. } = *incoming;
    let nothing = || Refusal::new(404, "ResourceNotFound", format!("The emulator serves nothing at {}.", request.path));
    let Some((at, rest)) = segments[2..].split_at_checked(8) else {
        return Err(nothing());
    };
    let (at, service) = (format!("/{}", at.join("/")), segments[0].as_str());
    if !id::has_type(&at, WORKSPACES) {
        return Err(nothing());
    }
    let origin = azure.origin(request);
    let token = authenticated(azure, incoming, &origin, |audience| is_for_arm(azure, &origin, audience))?;
    if !azure.world.tenant_of(&at).is_some_and(|tenant| tenant.eq_ignore_ascii_case(&token.tenant)) {
        let message = "The access token is from another tenant than that of the subscription.";
        return Err(unauthenticated(&origin, "InvalidAuthenticationTokenTenant", message));
    }
    let rest: Vec<&str> = rest.iter().map(String::as_str).collect();
    let route = Route::find(service, &rest).ok_or_else(nothing)?;
    let Some(action) = route.action(&request.method) else {
        return Err(not_allowed(&request.method));
    };
    authorize(&azure.world, &token, &format!("{WORKSPACES}/{action}"), &at)?;
    let workspace = azure.world.workspaces.get(&id::fold(&at)).cloned();
    let workspace = workspace.ok_or_else(|| not_found(&format!("{WORKSPACES}/{}", id::name(&at)), &at))?;
    let call = Call { now, request, token, workspace, doomed: incoming.doomed.clone() };
    match route {
        Route::Datastore(name) => data::datastore(azure, &call, name),
        Route::Datasets => data::save(azure, &call),
        Route::Dataset(guid) => data::dataflow(azure, &call, guid),
        Route::LatestSnapshot => Ok(content::latest(azure, &call)),
        Route::Places => content::places(azure, &call),
        Route::Snapshot(guid) => content::save(azure, &call, guid),
        Route::DataTypes => Ok(pipeline::data_types()),
        Route::Modules => pipeline::save_module(azure, &call),
        Route::Module(guid) => pipeline::module(azure, &call, guid),
        Route::Drafts => pipeline::draft(azure, &call),
        Route::Submit(guid) => pipeline::submit(azure, &call, guid),
        Route::Pipeline(guid) => pipeline::run(azure, &call, guid),
        Route::Node(guid) => pipeline::node(azure, &call, guid),
        Route::Run(experiment, guid) => history::run(azure, &call, experiment, guid),
        Route::Children(experiment, guid) => history::children(azure, &call, experiment, guid),
        Route::Details(experiment, guid) => history::details(azure, &call, experiment, guid),
        Route::Artifacts => Ok(Answer::json(200, &json!({"value": []}))),
    }
}

/// What a path names. GUIDs and names are as they were sent.
#[derive(Clone, Copy, Debug)]
enum Route<'a> {
    Datastore(&'a str),
    Datasets,
    Dataset(&'a str),
    LatestSnapshot,
    /// The places to which a snapshot's files are uploaded.
    Places,
    Snapshot(&'a str),
    DataTypes,
    Modules,
    Module(&'a str),
    /// Runs that are not submitted yet.
    Drafts,
    Submit(&'a str),
    Pipeline(&'a str),
    Node(&'a str),
    Run(&'a str, &'a str),
    Children(&'a str, &'a str),
    Details(&'a str, &'a str),
    Artifacts,
}

impl<'a> Route<'a> {
    fn find(service: &str, path: &[&'a str]) -> Option<Self> {
        Some(match (service, path) {
            ("datastore", ["default"]) => Self::Datastore(crate::world::blob::DEFAULT_DATASTORE),
            ("datastore", ["datastores", name]) => Self::Datastore(name),
            ("dataset", ["saveddatasets"]) => Self::Datasets,
            ("data", ["dataversion", name, "versions", "1"]) => Self::Dataset(name.strip_prefix("unregistered-")?),
            ("content", ["snapshots", "latest", "metadata"]) => Self::LatestSnapshot,
            ("content", ["snapshots", "getblob"]) => Self::Places,
            ("content", ["snapshots", guid]) => Self::Snapshot(guid),
            ("pipelines", ["DataTypes"]) => Self::DataTypes,
            ("pipelines", ["Modules"]) => Self::Modules,
            ("pipelines", ["Modules", guid]) => Self::Module(guid),
            ("pipelines", ["PipelineRuns", "Unsubmitted", "CreationInfoWithGraph"]) => Self::Drafts,
            ("pipelines", ["PipelineRuns", "Submit", guid]) => Self::Submit(guid),
            ("pipelines", ["PipelineRuns", guid]) => Self::Pipeline(guid),
            ("pipelines", ["PipelineRuns", guid, "Graph", "Node", "StatusCode"]) => Self::Node(guid),
            ("history", ["experiments", experiment, "runs", guid]) => Self::Run(experiment, guid),
            ("history", ["experiments", experiment, "runs", guid, "children"]) => Self::Children(experiment, guid),
            ("history", ["experiments", experiment, "runs", guid, "details"]) => Self::Details(experiment, guid),
            ("artifact", ["artifacts", "prefix", "contentinfo", "ExperimentRun", _, _]) => Self::Artifacts,
            _ => return None,
        })
    }

    /// The permission that a request needs on the workspace; none if this method isn't served. To submit any run of v1 takes
    /// `*/read`, `experiments/runs/write`, `experiments/runs/submit/action`, `metadata/snapshots/write` (DOC); which request needs
    /// which is INF.
    fn action(self, method: &str) -> Option<&'static str> {
        Some(match (method, self) {
            ("GET", Self::Datastore(_)) => "datastores/read",
            ("POST", Self::Datasets) => "datasets/unregistered/write",
            ("GET", Self::Dataset(_)) => "datasets/unregistered/read",
            ("GET", Self::LatestSnapshot) => "metadata/snapshots/read",
            ("POST", Self::Places | Self::Snapshot(_)) => "metadata/snapshots/write",
            ("GET", Self::DataTypes | Self::Module(_)) => "modules/read",
            ("POST", Self::Modules) => "modules/write",
            ("POST", Self::Drafts) => "experiments/runs/write",
            ("POST", Self::Submit(_)) => "experiments/runs/submit/action",
            ("GET", Self::Pipeline(_) | Self::Run(..) | Self::Children(..) | Self::Details(..)) | ("POST", Self::Node(_)) => {
                "experiments/runs/read"
            }
            ("GET", Self::Artifacts) => "metadata/artifacts/read",
            _ => return None,
        })
    }
}

/// 404 of one of these services (INF).
fn no_such(what: &str, name: &str) -> Refusal {
    Refusal::new(404, "NotFound", format!("There is no {what} '{name}' in the workspace."))
}
