//! `try NAME`: submits a small Spark job through an attachment, as the caller, and waits for its result.
//!
//! The operator never does this; docs/adr/0019 has the reasons.

mod failure;
mod result;
mod stop;
mod submission;
mod target;
mod wait;

use std::time::Duration;

use clap::Args;
use jiff::Timestamp;
use prometheus_client::registry::Registry;

use super::args::AzureArgs;
use super::confirmation::Confirmation;
use super::duration::{duration, shown};
use super::explained::explained;
use super::kube::ClusterArgs;
use super::output::{Output, print, printable, remark};
use super::plugin::Program;
use crate::azure;
use crate::planner::status::time::elapsed;
use result::{Proof, TryResult};
use stop::Stop;
use submission::Submission;
use target::Target;
use wait::{Ended, until_ended};

#[derive(Debug, Args)]
pub(crate) struct Try {
    /// The attachment.
    name: String,
    /// Run the job as yourself, instead of as the managed identity of the compute.
    #[arg(long)]
    as_user: bool,
    #[command(flatten)]
    confirmation: Confirmation,
    /// The maximum time from the upload to the end of the job: 90s, 10m, 1h30m. When it is reached, the job is canceled.
    #[arg(long, value_name = "DURATION", default_value = "30m", value_parser = duration)]
    timeout: Duration,
    /// The output format of the result; the plan and progress are written to standard error.
    #[arg(short, long, default_value = "text", value_enum)]
    output: Output,
    #[command(flatten)]
    cluster: ClusterArgs,
    #[command(flatten)]
    azure: AzureArgs,
}

impl Try {
    pub(crate) async fn execute(self, program: Program) -> Result<u8, String> {
        let cluster = self.cluster.connect().await?;
        let object = cluster.attachment(&self.name).await?;
        let (client, _) = self.azure.client(azure::Metrics::new(&mut Registry::default()))?;
        let target = Target::of(&client, &object, program).await?;
        let submission = Submission::new(&target, self.as_user);
        remark(&printable(&target.plan(submission.runs_as())));
        for line in submission.plan(&shown(self.timeout)) {
            remark(&printable(&line));
        }
        if !self.confirmation.is_given("Submit the job?")? {
            return Ok(0);
        }
        let started = Timestamp::now();
        let mut stop = Stop::after(self.timeout)?;
        let job = submission.submit(&client, &mut stop).await?;
        let link = job.studio().unwrap_or("(Azure returned no link)");
        remark(&printable(&format!("Submitted the job {}: {link}", submission.name)));
        let ended = until_ended(&client, (submission.workspace(), &submission.name), &job, &mut stop).await;
        let took = elapsed(started, Timestamp::now()).unwrap_or_default();
        let errors = match &ended {
            Ended::Failed => client.job_errors(submission.workspace(), &submission.name).await.map_err(|error| explained(&error)),
            _ => Ok(Vec::new()),
        };
        let kept = submission.clean_up(&client, &ended).await;
        let result = TryResult::of(&target, &submission, (&job, took), (&ended, errors), kept);
        print(&match self.output {
            Output::Text => result.text(program),
            Output::Json => format!("{:#}\n", result.json()),
        })?;
        Ok(match result.proof {
            Proof::Proven => 0,
            Proof::Failed => 2,
            Proof::Unknown => 1,
        })
    }
}
