//! The job, its upload and its submission, and what is cleaned up afterwards.

use uuid::Uuid;

use super::super::explained::explained;
use super::super::output::{printable, remark};
use super::stop::{Stop, Stopped};
use super::target::Target;
use super::wait::{Ended, shown};
use crate::azure::wire::{SparkJob, SubmittedJob};
use crate::azure::{Client, Code, Error};
use crate::resource_id::WorkspaceId;

/// What the job runs.
const SCRIPT: &str = include_str!("main.py");
const FILE: &str = "main.py";
/// The folder of the script in its container: a code version refers to a folder.
const FOLDER: &str = "try";
/// What Studio lists the jobs under.
const EXPERIMENT: &str = "synapse-spark-try";

/// A job that is not submitted yet.
pub(super) struct Submission {
    /// The name of the job: no other has it.
    pub(super) name: String,
    code: String,
    job: SparkJob,
    workspace: WorkspaceId,
}

impl Submission {
    pub(super) fn new(target: &Target, as_user: bool) -> Self {
        let workspace = target.compute.workspace().clone();
        let name = format!("synapse-spark-try-{}", Uuid::new_v4());
        let code = Uuid::new_v4().to_string();
        let job = SparkJob {
            display_name: format!("try {}/{}", target.namespace, target.name),
            experiment: EXPERIMENT.to_owned(),
            code: Code { workspace: &workspace, name: code.clone() }.id(),
            file: FILE.to_owned(),
            compute: target.compute.to_string(),
            as_user,
            output: format!("azureml://datastores/{}/paths/{EXPERIMENT}/{name}/", target.datastore),
        };
        Self { name, code, job, workspace }
    }

    pub(super) fn workspace(&self) -> &WorkspaceId {
        &self.workspace
    }

    /// The resource ID of the job.
    pub(super) fn id(&self) -> String {
        format!("{}/jobs/{}", self.workspace, self.name)
    }

    /// Where the job writes to.
    pub(super) fn output(&self) -> &str {
        &self.job.output
    }

    pub(super) const fn runs_as(&self) -> &'static str {
        if self.job.as_user { "yourself" } else { "the managed identity of the compute" }
    }

    /// The command that cancels the job.
    pub(super) fn cancel_command(&self) -> String {
        let Self { name, workspace, .. } = self;
        format!(
            "az ml job cancel --name {name} --workspace-name {} --resource-group {} --subscription {}",
            workspace.name(),
            workspace.resource_group(),
            workspace.subscription()
        )
    }

    /// What will be done, line by line.
    pub(super) fn plan(&self, timeout: &str) -> [String; 4] {
        [
            format!("  upload   {FILE}, {} bytes, to the storage of the workspace, as a code version", SCRIPT.len()),
            format!("  run      it counts to 100, writes one object below {}, reads it and deletes it", self.output()),
            format!("  wait     {timeout} at most, then cancel the job; delete the code version"),
            "  cost     a Spark session with two small containers; the nodes of the pool are billed until it pauses".to_owned(),
        ]
    }

    fn version(&self) -> Code<'_> {
        Code { workspace: &self.workspace, name: self.code.clone() }
    }

    /// Uploads the script, creates the code version and submits the job. A job that is not submitted leaves no code version.
    pub(super) async fn submit(&self, client: &Client, stop: &mut Stop) -> Result<SubmittedJob, String> {
        let folder = tokio::select! {
            uploaded = self.upload(client) => uploaded?,
            stopped = stop.stopped() => return Err(not_begun(stopped)),
        };
        // Azure may carry out a request that is no longer waited for, so those that create something are not interrupted.
        if let Err(error) = client.put_code(&self.version(), &folder).await {
            let left = if error.is_no_answer() { self.delete_code(client).await } else { String::new() };
            return Err(self.not_submitted("the creation of a code version", &error) + &left);
        }
        if let Some(stopped) = stop.now() {
            return Err(not_begun(stopped) + &self.delete_code(client).await);
        }
        match client.submit_job(&self.workspace, &self.name, &self.job).await {
            Err(error) if error.is_no_answer() => self.find(client, &error).await,
            Err(error) => Err(self.not_submitted("the job", &error) + &self.delete_code(client).await),
            Ok(job) => Ok(job),
        }
    }

    /// Uploads the script. Returns the URL of its folder.
    async fn upload(&self, client: &Client) -> Result<String, String> {
        let place = client.start_upload(&self.version()).await;
        let place = place.map_err(|error| self.not_submitted("the upload of code", &error))?;
        let uploaded = client.upload_blob(&place, &format!("{FOLDER}/{FILE}"), SCRIPT.as_bytes()).await;
        uploaded.map_err(|error| not_uploaded(&error))?;
        Ok(format!("{}/{FOLDER}", place.container.trim_end_matches('/')))
    }

    /// The job after a submission that ended with this error instead of an answer: Azure may have received it. While the job may
    /// be there, its code has to stay.
    async fn find(&self, client: &Client, error: &Error) -> Result<SubmittedJob, String> {
        remark(&printable(&format!("Azure did not answer the submission ({}); looking for the job", explained(error))));
        match shown(async || client.job(&self.workspace, &self.name).await).await {
            Ok(job) => Ok(job),
            Err(Error::NotFound(_)) => Err(format!(
                "not submitted: Azure did not answer the submission, and shows no job of this name: {}. If it appears later, cancel it: {}{}",
                explained(error).trim_end_matches('.'),
                self.cancel_command(),
                self.delete_code(client).await
            )),
            Err(unread) => Err(format!(
                "it is unknown whether the job was submitted: {}. It cannot be read either: {}. If it was submitted, cancel it: {}. The code version {} remains, because the job may use it",
                explained(error).trim_end_matches('.'),
                explained(&unread).trim_end_matches('.'),
                self.cancel_command(),
                self.version().id()
            )),
        }
    }

    /// Deletes the code version of a job that was not submitted. Returns what to append to the error, for people: it is empty if
    /// none is left.
    async fn delete_code(&self, client: &Client) -> String {
        let deleted = client.delete_code(&self.version()).await;
        deleted.err().map(|error| format!("; what remains is {}", self.code_remains(&error))).unwrap_or_default()
    }

    fn code_remains(&self, error: &Error) -> String {
        format!("the code version {}, which could not be deleted: {}", self.version().id(), explained(error))
    }

    /// Why Machine Learning refuses a step, and what to do.
    fn not_submitted(&self, what: &str, error: &Error) -> String {
        let workspace = self.workspace.name();
        let advice = match error {
            Error::Forbidden(_) => {
                format!(". You need a role such as AzureML Data Scientist on the workspace {workspace} to submit jobs")
            }
            _ => String::new(),
        };
        format!("not submitted: the workspace {workspace} refuses {what}: {}{advice}", explained(error).trim_end_matches('.'))
    }

    /// Cancels the job if it may still run, and deletes the code version if it no longer does. Returns what remains, for people.
    pub(super) async fn clean_up(&self, client: &Client, ended: &Ended) -> Vec<String> {
        let mut kept = vec![
            format!("the record of the job {}", self.name),
            format!("the script, {} bytes, in the storage of the workspace", SCRIPT.len()),
        ];
        if !matches!(ended, Ended::Completed) {
            kept.push(format!("the object of the job below {}, if it was written and not deleted", self.output()));
        }
        if ended.may_still_run() {
            let canceled = client.cancel_job(&self.workspace, &self.name).await;
            // A job that is being canceled may still read its code.
            kept.push("the code version".to_owned());
            if let Err(error) = canceled {
                let why = explained(&error);
                let (why, command) = (why.trim_end_matches('.'), self.cancel_command());
                kept.push(format!("the job, which could not be canceled: {why}. Run {command}"));
            }
        } else if let Err(error) = client.delete_code(&self.version()).await {
            kept.push(self.code_remains(&error));
        }
        kept
    }
}

/// Why there is no job if the command ended before.
fn not_begun(stopped: Stopped) -> String {
    let why = match stopped {
        Stopped::TimedOut => "the time limit was reached",
        Stopped::Interrupted => "interrupted",
    };
    format!("not submitted: {why} before the job was submitted")
}

/// Why the storage account does not take the script, and what to do.
///
/// Source of the codes: <https://learn.microsoft.com/rest/api/storageservices/common-rest-api-error-codes>.
fn not_uploaded(error: &Error) -> String {
    let advice = match error.service_error().code.as_str() {
        "AuthorizationFailure" => {
            "Its firewall blocks connections from this machine. Run the command where the storage account can be reached, such as in the virtual network of the workspace"
        }
        "KeyBasedAuthenticationNotPermitted" => {
            "It accepts no SAS, which Azure ML hands out for uploads of code. Submit a job with code that is in the workspace already"
        }
        _ if error.is_no_answer() => {
            "If it has a private endpoint only, run the command where that can be reached, such as in the virtual network of the workspace"
        }
        _ => "Your jobs may run nevertheless: only the upload from this machine failed",
    };
    format!(
        "not submitted: the storage account of the workspace refuses the script: {}. {advice}",
        explained(error).trim_end_matches('.')
    )
}
