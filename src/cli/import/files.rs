//! Documents of other tools.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::super::input::{Document, read};
use super::arm_template::{self, Parameters};
use super::fields::Notes;
use super::imported::Imported;
use super::{aso, az_ml, kubernetes, resource_json, terraform, upjet};
use crate::resource_id::WorkspaceId;

/// What the command line names in addition to files.
pub(super) struct Given<'a> {
    /// The workspace of documents that do not name one.
    pub(super) workspace: Option<&'a WorkspaceId>,
    /// Parameters of templates.
    pub(super) parameters: &'a [(String, String)],
}

/// Imports all documents of these files.
pub(super) fn all(files: &[PathBuf], given: &Given<'_>) -> Result<Imported, String> {
    let mut imported = Imported::default();
    let mut documents = Vec::new();
    for file in files {
        if let Some(instead) = instead_of(file) {
            return Err(format!("-f {}: {instead}", file.display()));
        }
        let read = read(file)?;
        imported.notes.extend(read.notes);
        match read.all.iter().find(|one| terraform::is_log_line(&one.value)) {
            Some(_) => imported.errors.push(format!("{}: {LOG}", file.display())),
            None => documents.extend(read.all),
        }
    }
    let mut parameters = Parameters::new(given.parameters);
    let (of_parameters, documents): (Vec<_>, Vec<_>) =
        documents.into_iter().partition(|one| arm_template::is_parameters(&one.value));
    for one in &of_parameters {
        parameters.add(&one.value, &one.place);
    }
    let templates = documents.iter().map(|one| &one.value).filter(|one| arm_template::is(one));
    let (notes, errors) = parameters.unused(templates);
    imported.notes.extend(notes);
    imported.errors.extend(errors);
    for document in &documents {
        take(&mut imported, document, given.workspace, &parameters);
    }
    Ok(imported)
}

const LOG: &str = "it is the log of a Terraform command: save the plan with terraform plan -out FILE, and import the output of terraform show -json FILE";

/// What to import instead of a source file, whose language is not read.
fn instead_of(file: &Path) -> Option<String> {
    let name = file.display();
    match file.extension()?.to_str()? {
        "bicep" => Some(format!("it is Bicep source: import the output of az bicep build --file {name} --stdout")),
        "bicepparam" => Some(format!(
            "it is a parameter file of Bicep: import the file that az bicep build-params --file {name} --outfile FILE writes, next to \
             the template"
        )),
        "tf" => Some("it is the source of a Terraform configuration: import the output of terraform show -json".to_owned()),
        "tfvars" => Some("it has variables of Terraform: import the output of terraform show -json".to_owned()),
        _ => None,
    }
}

/// Converts a document, and reports what cannot be converted.
fn take(imported: &mut Imported, document: &Document, workspace: Option<&WorkspaceId>, parameters: &Parameters) {
    let Document { place, value } = document;
    if arm_template::is(value) {
        return arm_template::all(imported, value, place, (workspace, parameters));
    }
    if terraform::is(value) {
        return terraform_state(imported, value, place);
    }
    match resource_json::items(value) {
        Some(items) => {
            for (at, item) in items.iter().enumerate() {
                one(imported, item, &format!("{place}, item {}", at + 1), workspace);
            }
            if resource_json::is_cut_short(value) {
                imported.notes.push(format!(
                    "{place}: nextLink: the list has another page, which is not in the document. Import the output of az rest for this URL, too."
                ));
            }
        }
        None => one(imported, value, place, workspace),
    }
}

/// Converts a document that has at most one compute.
fn one(imported: &mut Imported, value: &Value, place: &str, workspace: Option<&WorkspaceId>) {
    let mut notes = Notes::of(place);
    let made = match value {
        one if az_ml::is(one) => Some(az_ml::convert(one, workspace, place, &mut notes)),
        one if kubernetes::is_going(one) => {
            notes.add("metadata.deletionTimestamp", "skipped: it is being deleted.");
            None
        }
        one if upjet::is(one) => Some(upjet::convert(one, workspace, place, &mut notes)),
        one if aso::is(one) => match aso::other_type(one) {
            Some(kind) => {
                notes.add("spec.properties", &format!("skipped: a compute of type {kind}, not a Synapse Spark pool."));
                None
            }
            None => Some(aso::convert(one, workspace, place, &mut notes)),
        },
        one if resource_json::is(one) => resource_json::convert(one, workspace, place, &mut notes),
        one if terraform::is_state_file(one) => {
            Some(Err("it is a Terraform state file: import the output of terraform show -json".to_owned()))
        }
        one if resource_json::is_response(one) => Some(Err(
            "it is the output of Invoke-AzRestMethod: import its property Content instead, as ($response).Content prints it"
                .to_owned(),
        )),
        one => {
            notes.add(&kind(one), "skipped: this type of document is not supported.");
            None
        }
    };
    imported.keep(made, place, notes);
}

fn terraform_state(imported: &mut Imported, document: &Value, place: &str) {
    let resources = terraform::resources(document);
    if resources.is_empty() {
        imported.notes.push(format!("{place}: skipped: it contains no {}.", terraform::KINDS));
    }
    for resource in resources {
        let place = format!("{place}, {}", resource.address);
        let mut notes = Notes::of(&place);
        let made = terraform::convert(&resource, &place, &mut notes);
        imported.keep(made, &place, notes);
    }
}

/// The type of a document.
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
