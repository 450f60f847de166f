//! Jobs, and how their states change over time.
//!
//! ```text
//!   NotStarted ─► Queued ─► Running ─► Finalizing ─► Completed
//!                    └─ no permission on the pool or on storage ─► Failed
//! ```
//!
//! Each of a job's transitions takes a quarter of its duration. A pipeline runs while its steps do. A step begins when the steps
//! that it depends on are completed, and is canceled when one has failed (INF).

mod right;
mod storage;

use std::time::Duration;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::plan::{Plan, Work};
use super::{World, later};
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

    /// Its state changes after a quarter of its duration.
    fn schedule(&mut self, key: &str, now: Timestamp) {
        if let Some(job) = self.jobs.get_mut(key) {
            let at = later(now, job.pace);
            job.next = Some(at);
            self.jobs_due.insert((at, key.to_owned()));
        }
    }

    /// Cancels a job; none if it has ended.
    pub(crate) fn cancel(&mut self, now: Timestamp, key: &str) -> Option<()> {
        let job = self.jobs.get_mut(key).filter(|j| !j.status.has_ended())?;
        job.status = Status::CancelRequested;
        self.schedule(key, now);
        Some(())
    }

    /// Makes the state change that is due.
    pub(super) fn advance(&mut self, at: Timestamp, key: &str, settings: &Settings) {
        let Some(job) = self.jobs.get_mut(key).filter(|j| j.next == Some(at)) else {
            return;
        };
        job.next = None;
        let is_pipeline = job.work.is_none();
        match job.status {
            Status::NotStarted if is_pipeline => {
                job.status = Status::Running;
                self.begin_steps(at, key);
                return;
            }
            Status::NotStarted => job.status = Status::Queued,
            Status::Queued => match self.may_run(at, key, settings) {
                Ok(()) => self.set(key, Status::Running),
                Err(failure) => return self.fail(at, key, failure),
            },
            Status::Running if is_pipeline => return,
            Status::Running => job.status = Status::Finalizing,
            Status::Finalizing => {
                if let Some(failure) = job.doomed.take() {
                    return self.fail(at, key, failure);
                }
                job.status = Status::Completed;
                return self.has_ended(at, key);
            }
            Status::CancelRequested => {
                job.status = Status::Canceled;
                self.cancel_steps(key);
                return self.has_ended(at, key);
            }
            Status::Completed | Status::Failed | Status::Canceled => return,
        }
        self.schedule(key, at);
    }

    fn set(&mut self, key: &str, status: Status) {
        if let Some(job) = self.jobs.get_mut(key) {
            job.status = status;
        }
    }

    fn fail(&mut self, at: Timestamp, key: &str, failure: Failure) {
        if let Some(job) = self.jobs.get_mut(key) {
            (job.status, job.error) = (Status::Failed, Some(failure));
        }
        self.has_ended(at, key);
    }

    /// Starts the steps whose inputs exist.
    fn begin_steps(&mut self, at: Timestamp, pipeline: &str) {
        let steps: Vec<&Job> = self.steps(pipeline).into_iter().filter_map(|k| self.jobs.get(&k)).collect();
        let is_completed = |name: &String| {
            steps.iter().any(|s| s.status == Status::Completed && s.work.as_ref().is_some_and(|w| w.step == *name))
        };
        let ready = steps.iter().filter(|s| s.status == Status::NotStarted && s.next.is_none());
        let ready = ready.filter(|s| s.work.as_ref().is_some_and(|w| w.needs.iter().all(is_completed)));
        let ready: Vec<String> = ready.map(|s| id::fold(s.body["id"].as_str().unwrap_or_default())).collect();
        for key in ready {
            self.schedule(&key, at);
        }
    }

    /// The keys of the steps of a pipeline.
    pub(crate) fn steps(&self, pipeline: &str) -> Vec<String> {
        self.jobs.get(pipeline).map(|j| j.steps.clone()).unwrap_or_default()
    }

    fn cancel_steps(&mut self, pipeline: &str) {
        for key in self.steps(pipeline) {
            if let Some(step) = self.jobs.get_mut(&key).filter(|s| !s.status.has_ended()) {
                (step.status, step.next) = (Status::Canceled, None);
            }
        }
    }

    /// The effect of a step's end on its pipeline.
    fn has_ended(&mut self, at: Timestamp, key: &str) {
        let Some((Some(pipeline), status, error, step)) =
            self.jobs.get(key).map(|j| (j.parent.clone(), j.status, j.error.clone(), j.work.as_ref().map(|w| w.step.clone())))
        else {
            return;
        };
        if self.jobs.get(&pipeline).is_none_or(|p| p.status.has_ended()) {
            return;
        }
        let step = step.unwrap_or_default();
        match (status, error) {
            (Status::Failed, Some(error)) => {
                self.cancel_steps(&pipeline);
                let message = format!("The step '{step}' failed: {}", error.message);
                self.fail(at, &pipeline, Failure { message, ..error });
            }
            (Status::Canceled, _) => {
                self.cancel_steps(&pipeline);
                self.set(&pipeline, Status::Canceled);
            }
            _ => {
                self.begin_steps(at, &pipeline);
                let all = self.steps(&pipeline);
                if all.iter().all(|k| self.jobs.get(k).is_some_and(|s| s.status == Status::Completed)) {
                    self.set(&pipeline, Status::Completed);
                }
            }
        }
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
