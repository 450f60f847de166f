//! The run history of Machine Learning, as far as azure-ai-ml reads it to show why a job failed (SDK).

use serde_json::json;

use crate::arm::{asker, authenticated, authorize, is_for_arm, marked};
use crate::azure::Azure;
use crate::exchange::{Answer, Refusal};
use crate::id;
use crate::incoming::Incoming;

/// The audiences of its tokens, in each cloud (SDK).
const AUDIENCES: [&str; 3] = ["https://ml.azure.com", "https://ml.azure.cn", "https://ml.azure.us"];

/// Whether a path is one of `…/runs/{name}/details`.
pub(crate) fn is_for(segments: &[String]) -> bool {
    let [first, version, at @ .., runs, _, details] = segments else { return false };
    first == "history"
        && version == "v1.0"
        && id::has_type(&format!("/{}", at.join("/")), "Microsoft.MachineLearningServices/workspaces")
        && runs == "runs"
        && details == "details"
}

pub(crate) fn answer(azure: &mut Azure, incoming: &Incoming<'_>, segments: &[String]) -> (Answer, Option<String>) {
    let asker = asker(azure, incoming.request);
    let answer = details(azure, incoming, segments).unwrap_or_else(Refusal::answer);
    (marked(azure, incoming.now, incoming.request, answer), asker)
}

/// A run, with its error. The action is that of the experiments of a workspace (INF).
fn details(azure: &Azure, incoming: &Incoming<'_>, segments: &[String]) -> Result<Answer, Refusal> {
    let origin = azure.origin(incoming.request);
    let is_ours = |audience: &str| AUDIENCES.contains(&audience) || is_for_arm(azure, &origin, audience);
    let token = authenticated(azure, incoming, &origin, is_ours)?;
    let (at, name) = (format!("/{}", segments[2..10].join("/")), &segments[11]);
    authorize(&azure.world, &token, "Microsoft.MachineLearningServices/workspaces/experiments/runs/read", &at)?;
    let missing = || Refusal::new(404, "UserError", format!("RunId {name} was not found."));
    let job = azure.world.jobs.get(&format!("{}/jobs/{}", id::fold(&at), id::fold(name))).ok_or_else(missing)?;
    let error = job.error.as_ref().map(|error| json!({"error": {"code": error.code, "message": error.message}}));
    Ok(Answer::json(200, &json!({"runId": name, "status": job.body()["properties"]["status"], "error": error})))
}
