//! What a probe sees, and why it may see nothing.

use serde_json::{Map, Value, json};

use crate::transport::Reply;

/// What a probe has seen so far: short facts by name, without IDs and times, so that two Azures can be compared.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Seen(Map<String, Value>);

impl Seen {
    /// Notes one fact.
    pub fn note(&mut self, fact: &str, value: impl Into<Value>) {
        self.0.insert(fact.to_owned(), value.into());
    }

    /// Notes the status of an answer, and the code of its error if it has one.
    pub fn refusal(&mut self, fact: &str, reply: &Reply) {
        self.note(fact, reply.outcome());
    }

    /// Notes the text of an error, as [`crate::redact::Redactor::comparable`] gives it.
    pub fn text(&mut self, fact: &str, text: Option<String>) {
        self.note(fact, text.map_or(Value::Null, Value::String));
    }

    /// One fact; none if the probe did not get so far.
    #[must_use]
    pub fn get(&self, fact: &str) -> Option<&Value> {
        self.0.get(fact)
    }

    /// These facts as one JSON object. A fact that is missing is null: the probe found no occasion to see it.
    #[must_use]
    pub fn part(&self, facts: &[&str]) -> Value {
        facts.iter().map(|fact| ((*fact).to_owned(), self.get(fact).cloned().unwrap_or(Value::Null))).collect()
    }

    /// The same with every text replaced by the function's result for it.
    #[must_use]
    pub fn mapped(self, replace: impl Fn(&str) -> String) -> Self {
        Self(self.0.into_iter().map(|(fact, value)| (fact, mapped(value, &replace))).collect())
    }

    /// All facts as JSON.
    #[must_use]
    pub fn all(&self) -> Value {
        json!(self.0)
    }
}

fn mapped(value: Value, replace: &impl Fn(&str) -> String) -> Value {
    match value {
        Value::String(text) => Value::String(replace(&text)),
        Value::Array(all) => all.into_iter().map(|one| mapped(one, replace)).collect(),
        Value::Object(map) => map.into_iter().map(|(key, value)| (key, mapped(value, replace))).collect(),
        other => other,
    }
}

/// Why a probe ended early.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// It cannot run; the text names what is missing.
    NotAsked(String),
    /// It failed; the text names what to do where that is known.
    Broken(String),
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NotAsked(why) | Self::Broken(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for Failure {}
