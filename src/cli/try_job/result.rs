//! What the job has shown.

use std::time::Duration;

use serde_json::{Value, json};

use super::super::output::{BAD, GOOD, Lines, UNDECIDED, age, printable, styled};
use super::super::plugin::Program;
use super::failure::{Cause, cause, not_started};
use super::submission::Submission;
use super::target::Target;
use super::wait::Ended;
use crate::azure::wire::SubmittedJob;

/// Whether Spark jobs run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Proof {
    Proven,
    Failed,
    Unknown,
}

/// The result of the command.
pub(super) struct TryResult {
    pub(super) proof: Proof,
    namespace: String,
    name: String,
    message: String,
    cause: Option<Cause>,
    job: (String, String),
    studio: Option<String>,
    took: Duration,
    /// What remains in Azure.
    kept: Vec<String>,
}

/// The errors of a job that failed, as code and message, or why they cannot be read.
type Errors = Result<Vec<(String, String)>, String>;

impl TryResult {
    pub(super) fn of(
        target: &Target,
        submission: &Submission,
        (job, took): (&SubmittedJob, Duration),
        (ended, errors): (&Ended, Errors),
        kept: Vec<String>,
    ) -> Self {
        let (proof, message, cause) = match ended {
            Ended::Completed => {
                let message = "the job counted to 100, and wrote, read and deleted an object in the default datastore";
                (Proof::Proven, message.to_owned(), None)
            }
            Ended::Failed => (Proof::Failed, failed(&errors), errors.as_ref().ok().and_then(|errors| cause(errors))),
            Ended::Canceled => (Proof::Unknown, "the job was canceled, but not by this command".to_owned(), None),
            Ended::TimedOut(status) => {
                let message = format!("the time limit was reached, and the job is being canceled; it was in the state {status}");
                (Proof::Unknown, message, not_started(status))
            }
            Ended::Interrupted(status) => {
                let message = format!("interrupted, and the job is being canceled; it was in the state {status}");
                (Proof::Unknown, message, None)
            }
            Ended::Unreadable(why) => {
                (Proof::Unknown, format!("the job can no longer be read, and is being canceled: {why}"), None)
            }
        };
        Self {
            proof,
            namespace: target.namespace.clone(),
            name: target.name.clone(),
            message,
            cause,
            job: (submission.name.clone(), submission.id()),
            studio: job.studio().map(ToOwned::to_owned),
            took,
            kept,
        }
    }

    /// The result, what to do, and what remains.
    pub(super) fn text(&self, program: Program) -> String {
        let (style, word) = match self.proof {
            Proof::Proven => (GOOD, "proven"),
            Proof::Failed => (BAD, "failed"),
            Proof::Unknown => (UNDECIDED, "unknown"),
        };
        let Self { namespace, name, message, took, .. } = self;
        let mut lines = Lines::default();
        if let Some(Cause { check, advice }) = self.cause {
            lines.row("do", advice);
            if !check.is_empty() {
                lines.row("check", &format!("{check}: run {} check {name} --for-jobs", program.typed()));
            }
        }
        if self.proof != Proof::Proven {
            self.studio.iter().for_each(|studio| lines.row("job", studio));
        }
        for one in &self.kept {
            lines.row("remains", one);
        }
        let (word, took) = (styled(style, word), age(*took));
        format!("{namespace}/{name}: {word} after {took}: {}\n{}", printable(message), lines.finish())
    }

    pub(super) fn json(&self) -> Value {
        let result = match self.proof {
            Proof::Proven => "proven",
            Proof::Failed => "failed",
            Proof::Unknown => "unknown",
        };
        json!({
            "namespace": self.namespace,
            "name": self.name,
            "result": result,
            "message": self.message,
            "check": self.cause.map(|cause| cause.check).filter(|check| !check.is_empty()),
            "advice": self.cause.map(|cause| cause.advice),
            "job": {"name": self.job.0, "id": self.job.1, "studio": self.studio},
            "seconds": self.took.as_secs(),
            "remains": self.kept,
        })
    }
}

/// What is known about a failure.
fn failed(errors: &Errors) -> String {
    let shown = |(code, message): &(String, String)| match (code.as_str(), message.as_str()) {
        ("", text) | (text, "") => text.to_owned(),
        (code, message) => format!("{code}: {message}"),
    };
    match errors {
        Ok(errors) if errors.is_empty() => "the job failed, and Azure returned no error; see its logs in Studio".to_owned(),
        Ok(errors) => format!("the job failed: {}", errors.iter().map(shown).collect::<Vec<_>>().join("; ")),
        Err(why) => format!("the job failed, and its error cannot be read ({why}); see its logs in Studio"),
    }
}
