//! `import -f FILE…`, `import --workspace …`: manifests for what another tool has attached, or is to attach.

mod arm;
mod arm_template;
mod aso;
mod attached;
mod az_ml;
mod fields;
mod files;
mod imported;
mod kubernetes;
mod remarks;
mod resource_json;
mod terraform;
mod upjet;

use std::path::PathBuf;

use clap::{ArgGroup, Args, ValueEnum};
use prometheus_client::registry::Registry;
use serde_json::Value;

use self::arm_template::named;
use self::files::Given;
use self::imported::Imported;
use super::args::AzureArgs;
use super::manifest::{ManifestBuilder, as_json, manifests, yaml};
use super::output::{print, printable, remark};
use super::workspace::{WORKSPACE, workspace};
use crate::azure;
use crate::resource_id::WorkspaceId;

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("from").required(true).multiple(true).args(["file", "workspace"])))]
pub(crate) struct Import {
    /// Files of another tool; - is standard input. The content determines the format: a compute of az ml (as
    /// `az ml compute attach` reads it, or `show` and `list` print it), a compute as `az resource show`, `az rest` or the JSON
    /// view of the portal show it, a template of Azure Resource Manager (compiled, if it is Bicep) and its parameter file, the
    /// output of `terraform show -json` (azurerm or azapi), a `WorkspacesCompute` of Azure Service Operator, or a
    /// `SynapseSpark` of Crossplane.
    #[arg(short, long, value_name = "FILE", num_args = 1..)]
    file: Vec<PathBuf>,
    /// The Azure ML workspace, or its full resource ID. Without -f: every Spark pool that is attached to it. With -f: the
    /// workspace for documents that do not name one.
    #[arg(short, long, value_name = WORKSPACE, value_parser = workspace)]
    workspace: Option<WorkspaceId>,
    /// With -f: the value of a parameter of a template, also one that has a default.
    #[arg(long, value_name = "NAME=VALUE", value_parser = named, requires = "file")]
    parameter: Vec<(String, String)>,
    /// With --workspace alone: also computes that an object already owns.
    #[arg(long, conflicts_with = "file")]
    all: bool,
    /// The namespace to write into the manifests.
    #[arg(short, long, value_name = "NAME")]
    namespace: Option<String>,
    /// The output format.
    #[arg(short, long, default_value = "yaml", value_enum)]
    output: Format,
    #[command(flatten)]
    azure: AzureArgs,
}

/// How manifests are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Yaml,
    Json,
}

impl Import {
    pub(crate) async fn execute(self) -> Result<u8, String> {
        let mut imported = self.read().await?;
        for line in &imported.notes {
            remark(&printable(line));
        }
        if let Some(namespace) = &self.namespace {
            imported.builders.iter_mut().for_each(|builder| builder.namespace = Some(namespace.clone()));
        }
        let has_notes = !imported.notes.is_empty();
        let (builders, made) = checked(imported)?;
        if made.is_empty() {
            let besides = if has_notes { " other than what was skipped" } else { "" };
            return Err(format!("there is no attached Synapse Spark pool to import{besides}"));
        }
        for line in remarks::all(&builders, &made)? {
            remark(&printable(&line));
        }
        print(&match self.output {
            Format::Yaml => yaml(&made)?,
            Format::Json => as_json(made),
        })?;
        Ok(0)
    }

    /// What is attached, or what the files have.
    async fn read(&self) -> Result<Imported, String> {
        match &self.workspace {
            Some(workspace) if self.file.is_empty() => {
                let (client, _) = self.azure.client(azure::Metrics::new(&mut Registry::default()))?;
                attached::all(&client, workspace, self.all).await
            }
            named => files::all(&self.file, &Given { workspace: named.as_ref(), parameters: &self.parameter }),
        }
    }
}

/// The manifests, each with its builder. If there is any error, all errors are reported and there are none.
fn checked(imported: Imported) -> Result<(Vec<ManifestBuilder>, Vec<Value>), String> {
    match manifests(&imported.builders) {
        Ok(made) if imported.errors.is_empty() => Ok((imported.builders, made)),
        invalid => {
            let mut wrong = [imported.errors, invalid.err().unwrap_or_default()].concat();
            let last = wrong.pop().expect("something is wrong");
            for line in wrong {
                remark(&printable(&format!("error: {line}")));
            }
            Err(printable(&last))
        }
    }
}
