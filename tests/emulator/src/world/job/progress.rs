//! How the states of jobs change over time.
//!
//! ```text
//!   NotStarted ─► Queued ─► Running ─► Finalizing ─► Completed
//!                    └─ no permission on the pool or on storage ─► Failed
//! ```
//!
//! Each of a job's transitions takes a quarter of its duration. A pipeline runs while its steps do. A step begins when the steps
//! that it depends on are completed, and is canceled when one has failed (INF).

use jiff::Timestamp;

use super::{Job, Status};
use crate::fault::Failure;
use crate::id;
use crate::settings::Settings;
use crate::world::{World, later};

impl World {
    /// Its state changes after a quarter of its duration.
    pub(super) fn schedule(&mut self, key: &str, now: Timestamp) {
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
    pub(in crate::world) fn advance(&mut self, at: Timestamp, key: &str, settings: &Settings) {
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
