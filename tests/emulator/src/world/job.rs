//! Jobs, and how they are added.

mod progress;
mod right;
mod storage;

use std::time::Duration;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::World;
use super::plan::{Plan, Work};
use crate::fault::Failure;
use crate::id;
use crate::settings::Settings;

/// The state of a job, as the service names it (SPEC).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub(crate) enum Status {
    NotStarted,
    Queued,
    Running,
    Finalizing,
    Completed,
    Failed,
    CancelRequested,
    Canceled,
}

impl Status {
    pub(crate) fn has_ended(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Canceled)
    }
}

/// A standalone job, a pipeline, or a step of a pipeline.
#[derive(Debug)]
// Many fields: one per property of a job.
pub(crate) struct Job {
    body: Value,
    /// The order of LIST.
    pub(crate) created: u64,
    pub(crate) status: Status,
    pub(crate) error: Option<Failure>,
    /// What it runs; none for a pipeline.
    work: Option<Work>,
    /// The key of the pipeline.
    pub(crate) parent: Option<String>,
    /// The keys of the steps.
    steps: Vec<String>,
    /// When its state changes next; none if that depends on something else.
    next: Option<Timestamp>,
    pace: Duration,
    /// A test requested this result.
    doomed: Option<Failure>,
}

impl Job {
    /// The body of its GET.
    ///
    /// The error of a job isn't in it in Azure, but in its run history; here it is among the `properties` that clients
    /// show (INF).
    pub(crate) fn body(&self) -> Value {
        let mut body = self.body.clone();
        body["properties"]["status"] = json!(format!("{:?}", self.status));
        if let Some(error) = &self.error {
            body["properties"]["properties"]["error"] = json!(format!("{}: {}", error.code, error.message));
        }
        body
    }

    /// Whether a LIST with these parameters shows it (SPEC). The specification does not say how `jobType` is compared (INF).
    pub(crate) fn is_listed(&self, kind: Option<&str>, tag: Option<&str>, view: Option<&str>) -> bool {
        let properties = &self.body["properties"];
        let is_archived = properties["isArchived"].as_bool().unwrap_or_default();
        let is_of_kind = |kind: &str| properties["jobType"].as_str().is_some_and(|own| own.eq_ignore_ascii_case(kind));
        self.parent.is_none()
            && kind.is_none_or(is_of_kind)
            && tag.is_none_or(|tag| properties["tags"].get(tag).is_some())
            && match view {
                Some("All") => true,
                Some("ArchivedOnly") => is_archived,
                _ => !is_archived,
            }
    }

    /// Changes what can be changed of a job (SPEC: a second PUT updates).
    pub(crate) fn describe(&mut self, wanted: &Value) {
        for key in ["displayName", "description", "tags", "isArchived"] {
            if let Some(value) = wanted.get(key) {
                self.body["properties"][key] = value.clone();
            }
        }
    }

    /// How the control API shows it.
    pub(super) fn shown(&self) -> Value {
        let parent = self.parent.as_ref().map(|p| id::name(p));
        json!({
            "id": self.body["id"], "status": format!("{:?}", self.status), "error": self.error, "parent": parent,
            "step": self.work.as_ref().map(|w| w.step.as_str()).filter(|s| !s.is_empty()),
        })
    }
}

impl World {
    /// Adds a job that was validated. Its body is that of its GET, except for the status.
    // Longer than other functions: one check per refusal.
    pub(crate) fn submit(&mut self, now: Timestamp, settings: &Settings, body: Value, plan: Plan, doomed: Option<Failure>) {
        let resource = body["id"].as_str().unwrap_or_default().to_owned();
        let key = id::fold(&resource);
        let pace = settings.job_duration.unwrap_or(settings.operation_duration) / 4;
        self.counter += 1;
        let mut job = Job {
            body,
            created: self.counter,
            status: Status::NotStarted,
            error: None,
            work: None,
            parent: None,
            steps: Vec::new(),
            next: None,
            pace,
            doomed,
        };
        match plan {
            Plan::Single(work) => job.work = Some(work),
            Plan::Pipeline(steps) => {
                let jobs = resource.rsplit_once('/').map_or("", |(jobs, _)| jobs).to_owned();
                for work in steps {
                    let name = self.guid().to_string();
                    let doomed = job.doomed.take_if(|_| work.needs.is_empty());
                    let child = Job {
                        body: step_body(&job.body, &format!("{jobs}/{name}"), &work),
                        work: Some(work),
                        parent: Some(key.clone()),
                        steps: Vec::new(),
                        error: None,
                        doomed,
                        ..job
                    };
                    let child_key = id::fold(&format!("{jobs}/{name}"));
                    job.steps.push(child_key.clone());
                    self.jobs.insert(child_key, child);
                }
            }
        }
        self.jobs.insert(key.clone(), job);
        self.schedule(&key, now);
    }

    /// Adds a job with the body of its GET, in a state that changes only if it is canceled. It runs nothing.
    pub(crate) fn add_job(&mut self, body: Value) -> Result<(), String> {
        let key = id::fold(body["id"].as_str().unwrap_or_default());
        let status = &body["properties"]["status"];
        let status = serde_json::from_value(status.clone()).map_err(|_| format!("a job has no such status: {status}"))?;
        self.counter += 1;
        let created = self.counter;
        let (error, work, parent, steps, next, doomed) = (None, None, None, Vec::new(), None, None);
        self.jobs.insert(key, Job { body, created, status, error, work, parent, steps, next, pace: Duration::ZERO, doomed });
        Ok(())
    }
}

/// A step as a job. In Azure its name is a GUID too, and its body is in the run history (SDK).
fn step_body(pipeline: &Value, resource: &str, work: &Work) -> Value {
    let mut properties = work.properties.clone();
    properties["displayName"] = json!(work.step);
    properties["experimentName"] = pipeline["properties"]["experimentName"].clone();
    properties["properties"] = json!({"azureml.pipelinerunid": pipeline["name"]});
    json!({
        "id": resource,
        "name": id::name(resource),
        "type": pipeline["type"],
        "properties": properties,
        "systemData": pipeline["systemData"],
    })
}
