//! The values of parameters: from the command line and from parameter files.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::scope::Given;

/// Values for the parameters of all templates.
#[derive(Debug, Default)]
pub(in super::super) struct Parameters {
    /// From the command line, as text.
    texts: BTreeMap<String, String>,
    /// From files, each with the place of its file.
    files: BTreeMap<String, (String, Result<Value, String>)>,
}

/// Whether it is a file with the parameters of a deployment.
pub(in super::super) fn is_parameters(document: &Value) -> bool {
    document["$schema"].as_str().is_some_and(|schema| schema.to_lowercase().contains("deploymentparameters.json"))
}

impl Parameters {
    pub(in super::super) fn new(named: &[(String, String)]) -> Self {
        Self { texts: named.iter().cloned().collect(), files: BTreeMap::new() }
    }

    /// Adds the values of a parameter file.
    pub(in super::super) fn add(&mut self, document: &Value, place: &str) {
        for (name, entry) in document["parameters"].as_object().into_iter().flatten() {
            let value = match entry.get("value") {
                Some(value) => Ok(value.clone()),
                None => Err(format!("the parameter {name} has a reference instead of a value: pass --parameter {name}=VALUE")),
            };
            self.files.insert(name.to_lowercase(), (place.to_owned(), value));
        }
    }

    /// The values for a template, of which the command line prevails, and those that have another type there.
    pub(super) fn of(&self, template: &Value) -> (Given, Vec<String>) {
        let mut given: Given = self.files.iter().map(|(name, (_, value))| (name.clone(), value.clone())).collect();
        let mut errors = Vec::new();
        for (name, text) in &self.texts {
            let kind = declared(template).find(|(declared, _)| *declared == name.to_lowercase()).map(|(_, entry)| &entry["type"]);
            match typed(name, text, kind.and_then(Value::as_str).unwrap_or_default()) {
                Ok(value) => drop(given.insert(name.to_lowercase(), Ok(value))),
                Err(why) => errors.push(why),
            }
        }
        (given, errors)
    }

    /// The values that no template declares: those of files as notes, those of the command line as errors.
    pub(in super::super) fn unused<'a>(&self, templates: impl Iterator<Item = &'a Value>) -> (Vec<String>, Vec<String>) {
        let known: BTreeSet<String> = templates.flat_map(|template| declared(template).map(|(name, _)| name)).collect();
        let notes = self.files.iter().filter(|(name, _)| !known.contains(*name));
        let errors = self.texts.keys().filter(|name| !known.contains(&name.to_lowercase()));
        (
            notes.map(|(name, (place, _))| format!("{place}: parameters.{name}: left out: no template declares it.")).collect(),
            errors.map(|name| format!("--parameter {name}: no template of -f declares this parameter: check its name")).collect(),
        )
    }
}

fn declared(template: &Value) -> impl Iterator<Item = (String, &Value)> {
    template["parameters"].as_object().into_iter().flatten().map(|(name, entry)| (name.to_lowercase(), entry))
}

/// A text of the command line as the type that the template declares.
fn typed(name: &str, text: &str, kind: &str) -> Result<Value, String> {
    if !["int", "bool", "object", "secureobject", "array"].contains(&kind.to_ascii_lowercase().as_str()) {
        return Ok(json!(text));
    }
    serde_json::from_str(text).map_err(|error| format!("--parameter {name}: must be JSON for the type {kind}: {error}"))
}

/// Reads `NAME=VALUE` of the command line.
pub(in super::super) fn named(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("write it as NAME=VALUE, for each parameter of the template once".to_owned()),
    }
}
