//! What came of an import.

use super::super::manifest::ManifestBuilder;
use super::fields::Notes;
use crate::planner::OWNER_TAG;

/// What came of one or more documents or computes.
#[derive(Default)]
pub(super) struct Imported {
    pub(super) builders: Vec<ManifestBuilder>,
    /// What is not converted, one line each.
    pub(super) notes: Vec<String>,
    /// The errors that prevent any output, one line each.
    pub(super) errors: Vec<String>,
}

impl Imported {
    /// Keeps what came of the document or the resource at `place`.
    pub(super) fn keep(&mut self, made: Option<Result<ManifestBuilder, String>>, place: &str, notes: Notes) {
        self.notes.extend(notes.lines());
        match made {
            Some(Ok(mut builder)) => {
                // A tool that reads the compute back has it among the tags.
                let owner = builder.tags.keys().find(|name| name.eq_ignore_ascii_case(OWNER_TAG)).cloned();
                if let Some((name, owner)) = owner.and_then(|name| builder.tags.remove_entry(&name)) {
                    self.notes.push(format!(
                        "{place}: tags.{name}: left out: the operator sets this tag, which names the owner of the compute: {owner}"
                    ));
                }
                self.builders.push(builder);
            }
            Some(Err(why)) => self.errors.push(format!("{place}: {why}")),
            None => {}
        }
    }
}
