//! What keeps the program from its work, in words for `/readyz`.

use std::collections::BTreeMap;
use std::sync::Mutex;

/// What keeps the program from its work, for `/readyz`.
#[derive(Debug, Default)]
pub struct Readiness(Mutex<BTreeMap<String, String>>);

const START: &str = "the start";

impl Readiness {
    /// Of a program that has asked Kubernetes for nothing yet.
    #[must_use]
    pub fn starting() -> Self {
        let made = Self::default();
        made.missing(START, "Kubernetes has not answered yet");
        made
    }

    /// It works now, or stands by, or has told what else is missing.
    pub fn begun(&self) {
        self.there(START);
    }

    /// Something is missing.
    pub fn missing(&self, what: impl Into<String>, why: impl Into<String>) {
        self.0.lock().expect("no holder panics").insert(what.into(), why.into());
    }

    /// Says better why, if it is missing still: what once was there may fail for a while.
    pub(crate) fn still_missing(&self, what: &str, why: String) {
        if let Some(before) = self.0.lock().expect("no holder panics").get_mut(what) {
            *before = why;
        }
    }

    /// It is there now.
    pub fn there(&self, what: &str) {
        self.0.lock().expect("no holder panics").remove(what);
    }

    /// All that is missing, a line each; empty if nothing is.
    #[must_use]
    pub fn text(&self) -> String {
        let all = self.0.lock().expect("no holder panics");
        all.iter().map(|(what, why)| format!("{what}: {why}")).collect::<Vec<_>>().join("\n")
    }
}
