//! `check NAME --for-jobs`: whether Spark jobs can run on an attachment, with the identity of the caller. `plan --for-jobs` shows
//! the same.

use jiff::Timestamp;
use prometheus_client::registry::Registry;
use serde_json::{Value, json};

use super::super::args::AzureArgs;
use super::super::changes::{NO_CLUSTER, goal_of};
use super::super::kube::ClusterArgs;
use super::super::output::{BAD, GOOD, UNDECIDED, printable, progress, remark, styled};
use crate::azure;
use crate::controller::observe::job_facts;
use crate::planner::Goal;
use crate::planner::jobs::{CheckResult, Fix, Verdict, check};

/// The width of the column with the results.
const WIDTH: usize = 14;

/// The attachment, and all checks.
pub(super) struct JobChecks {
    namespace: String,
    name: String,
    results: Vec<CheckResult>,
}

impl JobChecks {
    /// Makes all checks.
    pub(super) async fn of(name: &str, cluster: &ClusterArgs, azure: &AzureArgs) -> Result<Self, String> {
        let cluster = cluster.connect().await?;
        let object = cluster.attachment(name).await?;
        let namespace = cluster.namespace.clone();
        let Goal::Attached(goal) = goal_of(&object, NO_CLUSTER)? else {
            return Err(format!("{namespace}/{name} is being deleted"));
        };
        let (client, _) = azure.client(azure::Metrics::new(&mut Registry::default()))?;
        if let Some(account) = &object.spec.service_account_name {
            remark(&format!("{name}: checked with your own Azure credential, not with that of ServiceAccount {account}"));
        }
        progress("Reading from Azure.");
        let facts = job_facts(&client, &goal, Timestamp::now()).await;
        Ok(Self { namespace, name: name.to_owned(), results: check(&facts) })
    }

    /// Each check on a line, with the command or the advice below it.
    pub(super) fn text(&self) -> String {
        self.results.iter().map(line).collect()
    }

    pub(super) fn json(&self) -> Value {
        json!({"namespace": self.namespace, "name": self.name, "checks": self.results.iter().map(as_json).collect::<Vec<_>>()})
    }

    /// The exit code, or what is missing as an error.
    pub(super) fn exit_code(&self) -> Result<u8, String> {
        let count = |verdict: Verdict| self.results.iter().filter(|one| one.outcome.verdict == verdict).count();
        match (count(Verdict::Missing), count(Verdict::NotReadable)) {
            (0, 0) => Ok(0),
            (0, unread) => {
                remark(&format!("{unread} of {} checks could not be completed", self.results.len()));
                Ok(2)
            }
            (missing, _) => Err(format!("{missing} of {} checks failed", self.results.len())),
        }
    }
}

/// A check on a line, and below it the command or the advice.
fn line(CheckResult { check, outcome }: &CheckResult) -> String {
    let (label, style) = match outcome.verdict {
        Verdict::Ok => ("ok", GOOD),
        Verdict::Warning => ("warning", UNDECIDED),
        Verdict::Missing => ("MISSING", BAD),
        Verdict::NotReadable => ("not readable", UNDECIDED),
        Verdict::NotApplicable => ("-", UNDECIDED),
    };
    let blanks = " ".repeat(WIDTH - label.len());
    let fix = match &outcome.fix {
        Some(Fix::Command(text) | Fix::Advice(text)) => format!("{}{}\n", " ".repeat(WIDTH), printable(text)),
        None => String::new(),
    };
    format!("{}{blanks}{}: {}\n{fix}", styled(style, label), check.id, printable(&outcome.message))
}

/// The checks that are of interest in a plan, each on its lines. Whether the compute exists is what the plan itself is about.
pub(in crate::cli) fn for_plan(results: &[CheckResult]) -> String {
    let is_shown =
        |one: &&CheckResult| one.check.id != "compute" && !matches!(one.outcome.verdict, Verdict::Ok | Verdict::NotApplicable);
    results.iter().filter(is_shown).map(line).collect()
}

/// A check as JSON.
pub(in crate::cli) fn as_json(CheckResult { check, outcome }: &CheckResult) -> Value {
    let result = match outcome.verdict {
        Verdict::Ok => "ok",
        Verdict::Warning => "warning",
        Verdict::Missing => "missing",
        Verdict::NotReadable => "notReadable",
        Verdict::NotApplicable => "notApplicable",
    };
    let (command, advice) = match &outcome.fix {
        Some(Fix::Command(text)) => (Some(text), None),
        Some(Fix::Advice(text)) => (None, Some(text)),
        None => (None, None),
    };
    json!({
        "check": check.id,
        "result": result,
        "message": outcome.message,
        "command": command,
        "advice": advice,
        "document": check.document,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::planner::jobs::{CHECKS, Outcome};

    fn checks(outcomes: Vec<Outcome>) -> JobChecks {
        let results = CHECKS.iter().zip(outcomes).map(|(check, outcome)| CheckResult { check, outcome }).collect();
        JobChecks { namespace: "team-a".to_owned(), name: "nightly".to_owned(), results }
    }

    fn unreadable() -> Outcome {
        Outcome { verdict: Verdict::NotReadable, message: "no".to_owned(), fix: None, unreadable: None }
    }

    #[test]
    fn exit_code_is_the_worst_result() {
        let missing = || Outcome::missing("gone", Fix::Advice("Add it".to_owned()));
        let fine = || vec![Outcome::ok("fine"), Outcome::warning("soon", None), Outcome::not_applicable("none")];
        assert_eq!(checks(fine()).exit_code(), Ok(0));
        assert_eq!(checks([fine(), vec![unreadable()]].concat()).exit_code(), Ok(2));
        assert_eq!(checks([fine(), vec![unreadable(), missing()]].concat()).exit_code(), Err("1 of 5 checks failed".to_owned()));
    }

    #[test]
    fn a_missing_requirement_is_shown_with_the_command_that_meets_it() {
        let command = "az identity create --name a";
        let shown = checks(vec![Outcome::ok("fine\u{1b}[2J"), Outcome::missing("gone", Fix::Command(command.to_owned()))]);
        let text = anstream::adapter::strip_str(&shown.text()).to_string();
        assert_eq!(text, format!("ok            compute: fine [2J\nMISSING       identity: gone\n              {command}\n"));
        let json = shown.json();
        assert_eq!((&json["namespace"], &json["name"]), (&json!("team-a"), &json!("nightly")));
        let [ok, missing] = [0, 1].map(|at| &json["checks"][at]);
        assert_eq!((&ok["result"], &ok["command"], &missing["result"]), (&json!("ok"), &Value::Null, &json!("missing")));
        assert_eq!((&missing["command"], &missing["advice"]), (&json!(command), &Value::Null));
        assert!(missing["document"].as_str().is_some_and(|url| url.starts_with("https://learn.microsoft.com/")), "{missing}");
    }
}
