//! `import -f FILE…`, `import --workspace …`: manifests for what another tool has attached, or is to attach.

mod aso;
mod attached;
mod az_ml;
mod fields;
mod kubernetes;
mod terraform;
mod upjet;

use std::path::PathBuf;

use clap::{ArgGroup, Args, ValueEnum};
use serde_json::Value;

use super::input::{Document, read};
use super::manifest::{Draft, as_json, manifests, yaml};
use super::output::{printable, remark};
use super::workspace::{WORKSPACE, workspace};
use super::{AzureArgs, print};
use crate::planner::goal::OWNER_TAG;
use crate::resource_id::WorkspaceId;
use fields::Notes;

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("from").required(true).multiple(true).args(["file", "workspace"])))]
pub(crate) struct Import {
    /// Files of another tool; - is standard input. What they are is told by what is in them: a compute of az ml (as
    /// `az ml compute attach` takes it, or `show` and `list` print it), a `WorkspacesCompute` of Azure Service Operator, a
    /// `SynapseSpark` of Crossplane, or what `terraform show -json` prints.
    #[arg(short, long, value_name = "FILE", num_args = 1..)]
    file: Vec<PathBuf>,
    /// The Azure ML workspace, or its whole resource ID. Without -f: every Spark pool that is attached to it. With -f: the
    /// workspace of what does not name one.
    #[arg(short, long, value_name = WORKSPACE, value_parser = workspace)]
    workspace: Option<WorkspaceId>,
    /// With --workspace alone: also computes that an operator's object owns already.
    #[arg(long, conflicts_with = "file")]
    all: bool,
    /// The namespace to write into the manifests.
    #[arg(short, long, value_name = "NAME")]
    namespace: Option<String>,
    /// How to print it.
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

/// What came of one or more documents.
#[derive(Default)]
struct Found {
    drafts: Vec<Draft>,
    /// Lines for whoever reads standard error.
    said: Vec<String>,
    wrong: Vec<String>,
}

impl Import {
    pub(crate) async fn execute(self) -> Result<u8, String> {
        let mut found = match &self.workspace {
            Some(workspace) if self.file.is_empty() => {
                let (client, _) =
                    self.azure.client(crate::azure::Metrics::new(&mut prometheus_client::registry::Registry::default()))?;
                attached::all(&client, workspace, self.all).await?
            }
            named => self.files(named.as_ref())?,
        };
        for line in &found.said {
            remark(&printable(line));
        }
        if let Some(namespace) = &self.namespace {
            found.drafts.iter_mut().for_each(|draft| draft.namespace = Some(namespace.clone()));
        }
        let made = match manifests(&found.drafts) {
            Ok(made) if found.wrong.is_empty() => made,
            told => {
                let mut wrong = [found.wrong, told.err().unwrap_or_default()].concat();
                let last = wrong.pop().expect("something is wrong");
                for line in wrong {
                    remark(&printable(&format!("error: {line}")));
                }
                return Err(printable(&last));
            }
        };
        if made.is_empty() {
            let besides = if found.said.is_empty() { "" } else { " besides what was passed over" };
            return Err(format!("there is no attached Synapse Spark pool to import{besides}"));
        }
        print(&match self.output {
            Format::Yaml => yaml(&made)?,
            Format::Json => as_json(made),
        })?;
        Ok(0)
    }

    fn files(&self, workspace: Option<&WorkspaceId>) -> Result<Found, String> {
        let mut found = Found::default();
        for file in &self.file {
            for document in read(file)? {
                found.take(&document, workspace);
            }
        }
        Ok(found)
    }
}

impl Found {
    /// Takes what is of use of a document, and says what is not.
    fn take(&mut self, Document { place, value }: &Document, workspace: Option<&WorkspaceId>) {
        let mut notes = Notes::of(place);
        let made = match value {
            one if az_ml::is(one) => Some(az_ml::convert(one, workspace, place, &mut notes)),
            one if kubernetes::is_going(one) => {
                notes.say("metadata.deletionTimestamp", "passed over: it is being deleted.");
                None
            }
            one if upjet::is(one) => Some(upjet::convert(one, workspace, place, &mut notes)),
            one if aso::is(one) => match aso::other_type(one) {
                Some(kind) => {
                    notes.say("spec.properties", &format!("passed over: a compute of type {kind}, and no Synapse Spark pool."));
                    None
                }
                None => Some(aso::convert(one, workspace, place, &mut notes)),
            },
            one if terraform::is(one) => return self.terraform(one, place),
            one if terraform::is_state_file(one) => {
                Some(Err("it is Terraform's own file of its state: import what terraform show -json prints".to_owned()))
            }
            one => {
                notes.say(&kind(one), "passed over: it is none that is known here.");
                None
            }
        };
        self.keep(made, place, notes);
    }

    fn terraform(&mut self, document: &Value, place: &str) {
        let resources = terraform::resources(document);
        if resources.is_empty() {
            self.said.push(format!("{place}: passed over: it has no azurerm_machine_learning_synapse_spark."));
        }
        for resource in resources {
            let place = format!("{place}, {}", resource.address);
            let mut notes = Notes::of(&place);
            let made = if resource.is_deposed {
                notes.say("deposed_key", "passed over: Terraform has made another in its place, and is yet to delete it.");
                None
            } else {
                Some(terraform::convert(&resource, &place, &mut notes))
            };
            self.keep(made, &place, notes);
        }
    }

    fn keep(&mut self, made: Option<Result<Draft, String>>, place: &str, notes: Notes) {
        self.said.extend(notes.lines());
        match made {
            Some(Ok(mut draft)) => {
                // A tool that reads the compute back has it among the tags.
                let owner = draft.tags.keys().find(|name| name.eq_ignore_ascii_case(OWNER_TAG)).cloned();
                if let Some((name, owner)) = owner.and_then(|name| draft.tags.remove_entry(&name)) {
                    self.said.push(format!(
                        "{place}: tags.{name}: left out: it is the operator's own, and says who owns the compute: {owner}"
                    ));
                }
                self.drafts.push(draft);
            }
            Some(Err(why)) => self.wrong.push(format!("{place}: {why}")),
            None => {}
        }
    }
}

/// What a document says that it is.
fn kind(document: &Value) -> String {
    let text = |key: &str| document[key].as_str();
    match (text("kind"), text("apiVersion"), text("type")) {
        (Some("SynapseSparkAttachment"), ..) => "SynapseSparkAttachment (it needs no import)".to_owned(),
        (Some(kind), Some(version), _) => format!("{kind} of {version}"),
        (Some(kind), None, _) => kind.to_owned(),
        (None, _, Some(kind)) => format!("type {kind}"),
        _ => "a document without kind and type".to_owned(),
    }
}
