//! The job, its upload and its submission, and what is cleaned up afterwards.

use uuid::Uuid;

use super::super::explained::explained;
use super::target::Target;
use super::wait::Ended;
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

    /// Uploads the script, creates the code version and submits the job.
    pub(super) async fn submit(&self, client: &Client) -> Result<SubmittedJob, String> {
        let place =
            client.start_upload(&self.version()).await.map_err(|error| self.not_submitted("the upload of code", &error))?;
        let uploaded = client.upload_blob(&place, &format!("{FOLDER}/{FILE}"), SCRIPT.as_bytes()).await;
        uploaded.map_err(|error| not_uploaded(&error))?;
        let folder = format!("{}/{FOLDER}", place.container.trim_end_matches('/'));
        client
            .put_code(&self.version(), &folder)
            .await
            .map_err(|error| self.not_submitted("the creation of a code version", &error))?;
        let submitted = match client.submit_job(&self.workspace, &self.name, &self.job).await {
            // The request may have arrived.
            Err(error) if error.is_no_answer() => client.job(&self.workspace, &self.name).await.map_err(|_| error),
            answer => answer,
        };
        match submitted {
            Ok(job) => Ok(job),
            Err(error) => {
                let unknown =
                    error.is_no_answer().then(|| format!(". If the job was submitted, cancel it: {}", self.cancel_command()));
                // The first error is the one that matters.
                let _ = client.delete_code(&self.version()).await;
                Err(self.not_submitted("the job", &error) + unknown.as_deref().unwrap_or_default())
            }
        }
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
                kept.push(format!("the job, which could not be canceled: {}. Run {}", explained(&error), self.cancel_command()));
            }
        } else if let Err(error) = client.delete_code(&self.version()).await {
            kept.push(format!("the code version {}, which could not be deleted: {}", self.version().id(), explained(&error)));
        }
        kept
    }
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
