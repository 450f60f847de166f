//! The command line and its environment.

use std::path::PathBuf;
use std::time::Duration;

use azure_conformance::cloud::Cloud;
use azure_conformance::target::{self, Credential, Target};
use azure_emulator::parse_duration;
use clap::Parser;
use serde_json::Value;

/// Compares a real Azure subscription with the emulator: sends the same requests to both, and reports for each row of
/// the emulator's evidence table, and for each of its settings, whether they answer the same.
///
/// Without --subscription it runs against an emulator that it starts itself, which tests this kit and shows nothing about Azure.
///
/// Credentials are read from the environment: `AZURE_TENANT_ID`, `AZURE_CLIENT_ID` and `AZURE_CLIENT_SECRET`, or
/// `AZURE_ACCESS_TOKEN` (`az account get-access-token`) and, for the roles of Synapse, `SYNAPSE_ACCESS_TOKEN`
/// (`az account get-access-token --resource https://dev.azuresynapse.net`).
///
/// Exit codes: 0 if all checked rows are the same as the emulator, 2 if a row differs, 1 if the run could not be completed.
#[derive(Debug, Parser)]
#[command(name = "azure-conformance", version)]
pub(super) struct Arguments {
    /// ID of the subscription; without it the program runs against an emulator
    #[arg(long, value_name = "GUID", requires = "resource_group", requires = "workspace", requires = "pool")]
    pub(super) subscription: Option<String>,
    /// Resource group of the Machine Learning workspace
    #[arg(long, value_name = "NAME")]
    resource_group: Option<String>,
    /// Machine Learning workspace
    #[arg(long, value_name = "NAME")]
    workspace: Option<String>,
    /// ID of the Synapse Spark pool to attach: /subscriptions/…/bigDataPools/NAME
    #[arg(long, value_name = "ID")]
    pool: Option<String>,
    /// ID of another Spark pool; without it one row is not checked
    #[arg(long, value_name = "ID")]
    other_pool: Option<String>,
    /// IDs of one or two user-assigned managed identities, separated by a comma; without them some rows are not checked
    #[arg(long, value_name = "ID", value_delimiter = ',')]
    identity: Vec<String>,
    /// The cloud
    #[arg(long, value_enum, default_value = "public")]
    pub(super) cloud: Cloud,
    /// Endpoint of Azure Resource Manager, instead of that of the cloud
    #[arg(long, value_name = "URL", env = "AZURE_RESOURCE_MANAGER_ENDPOINT")]
    arm_endpoint: Option<String>,
    /// Endpoint of Microsoft Entra ID, instead of that of the cloud
    #[arg(long, value_name = "URL", env = "AZURE_AUTHORITY_HOST")]
    authority_host: Option<String>,
    /// Data plane endpoint of Synapse workspaces, instead of that of the cloud
    #[arg(long, value_name = "URL with {workspace}", env = "AZURE_SYNAPSE_ENDPOINT")]
    synapse_endpoint: Option<String>,
    /// API version of Microsoft.MachineLearningServices
    #[arg(long, value_name = "DATE", env = "AZURE_ML_API_VERSION", default_value = target::VERSION)]
    api_version: String,
    /// File with CA certificates (PEM) to trust in addition to those of the machine
    #[arg(long, value_name = "FILE", env = "AZURE_CA_FILE")]
    pub(super) azure_ca_file: Option<PathBuf>,
    /// Time between two reads of an operation, such as 10s, unless Azure requests more
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = parse_duration)]
    poll_interval: Duration,
    /// Time before a read that has to show the last write, such as 15s: Azure's reads may lag behind
    #[arg(long, value_name = "DURATION", default_value = "15s", value_parser = parse_duration)]
    read_delay: Duration,
    /// Send only requests that change nothing
    #[arg(long)]
    pub(super) read_only: bool,
    /// Write to the subscription without asking at the terminal
    #[arg(long)]
    pub(super) yes: bool,
    /// Folder for the report and the recordings
    #[arg(long, value_name = "FOLDER", default_value = "target/conformance")]
    pub(super) out: PathBuf,
    /// Settings of the emulator that is used without --subscription, as JSON
    #[arg(long, value_name = "JSON", default_value = "{}", conflicts_with = "subscription",
          value_parser = |text: &str| serde_json::from_str::<Value>(text))]
    pub(super) emulator_settings: Value,
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// The credentials of the environment.
fn credential() -> Result<Credential, String> {
    let secret = (variable("AZURE_TENANT_ID"), variable("AZURE_CLIENT_ID"), variable("AZURE_CLIENT_SECRET"));
    if let (Some(tenant), Some(client), Some(secret)) = secret {
        return Ok(Credential::Secret { tenant, client, secret });
    }
    let advice = "Set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET, or AZURE_ACCESS_TOKEN to the output of \
                  `az account get-access-token --query accessToken --output tsv`";
    let arm = variable("AZURE_ACCESS_TOKEN").ok_or_else(|| format!("There are no credentials. {advice}"))?;
    Ok(Credential::Tokens { arm, synapse: variable("SYNAPSE_ACCESS_TOKEN") })
}

/// The subscription that the arguments name.
pub(super) fn real(arguments: &Arguments, subscription: &str) -> Result<Target, String> {
    let given = |value: &Option<String>| value.clone().unwrap_or_default();
    let workspace = format!(
        "/subscriptions/{subscription}/resourceGroups/{}/providers/Microsoft.MachineLearningServices/workspaces/{}",
        given(&arguments.resource_group),
        given(&arguments.workspace)
    );
    let (pool, cloud) = (given(&arguments.pool), arguments.cloud);
    let synapse = target::part(&pool, "workspaces").unwrap_or_default();
    let endpoint = |given: &Option<String>, usual: &str| {
        let given = given.clone().filter(|url| !url.is_empty());
        given.unwrap_or_else(|| usual.to_owned()).trim_end_matches('/').to_owned()
    };
    Target {
        arm: endpoint(&arguments.arm_endpoint, cloud.arm()),
        authority: endpoint(&arguments.authority_host, cloud.authority()),
        synapse: endpoint(&arguments.synapse_endpoint, &cloud.synapse("{workspace}")).replace("{workspace}", synapse),
        synapse_resource: cloud.synapse_resource().to_owned(),
        regional: None,
        cloud,
        version: arguments.api_version.clone(),
        workspace,
        pool: pool.clone(),
        other_pool: arguments.other_pool.clone().filter(|id| !id.is_empty()),
        identities: arguments.identity.iter().filter(|id| !id.is_empty()).cloned().collect(),
        credential: credential()?,
        poll: arguments.poll_interval,
        read_delay: arguments.read_delay,
        patience: Duration::from_mins(30),
    }
    .checked()
}
