//! What an audit found, as text and as JSON.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::super::output::{plain, printable, table};
use super::super::plugin::Program;
use crate::planner::Owner;
use crate::resource_id::{ComputeId, WorkspaceId};

/// A compute with an owner tag.
#[derive(Debug, Clone)]
pub(super) struct Owned {
    pub(super) compute: ComputeId,
    pub(super) owner: Owner,
}

/// What was found.
#[derive(Debug, Default)]
pub(super) struct AuditResult {
    /// Computes whose tag names an object of this cluster that does not exist.
    pub(super) orphans: Vec<Owned>,
    /// Computes whose tag names another cluster.
    pub(super) other_clusters: Vec<Owned>,
    /// What could not be read, and why.
    pub(super) undetermined: Vec<String>,
}

impl AuditResult {
    pub(super) fn exit_code(&self) -> Result<u8, String> {
        match (self.orphans.len(), self.undetermined.len()) {
            (0, 0) => Ok(0),
            (0, unread) => Err(format!("whether there are orphaned computes could not be determined: {unread} not read")),
            _ => Ok(2),
        }
    }

    pub(super) fn text(&self, program: Program) -> String {
        let row = |one: &Owned, what: &str| {
            let Owner { namespace, name, .. } = &one.owner;
            [one.compute.workspace().name(), one.compute.name(), &format!("{namespace}/{name}"), what].map(plain).to_vec()
        };
        let orphans = self.orphans.iter().map(|one| row(one, "orphan: the object does not exist"));
        let others = self.other_clusters.iter().map(|one| row(one, &format!("another cluster's: {}", one.owner.cluster)));
        let rows: Vec<_> = orphans.chain(others).collect();
        let mut text = String::new();
        if self.orphans.is_empty() && self.undetermined.is_empty() {
            text += "No orphaned computes.\n";
        }
        if !rows.is_empty() {
            text += &table(&["WORKSPACE", "COMPUTE", "OWNER", "WHAT"], &rows);
        }
        for one in &self.orphans {
            let _ = write!(
                text,
                "\n{}: detach it, or adopt it again\n  {}\n  {}\n",
                printable(one.compute.name()),
                printable(&one.detach()),
                printable(&one.adopt(program))
            );
        }
        if !self.orphans.is_empty() {
            text += "\nThe detach keeps the Spark pool. An object adopts a compute only in the namespace of its owner.\n\
                     A compute that was kept on purpose is listed until an object owns it again: docs/ownership.md.\n";
        }
        text
    }

    pub(super) fn json(&self, program: Program) -> Value {
        let owner = |Owner { cluster, namespace, name, uid }: &Owner| json!({"cluster": cluster, "namespace": namespace, "name": name, "uid": uid});
        let orphan = |one: &Owned| {
            json!({
                "computeId": one.compute.to_string(), "owner": owner(&one.owner),
                "detach": one.detach(), "adopt": one.adopt(program),
            })
        };
        let other = |one: &Owned| json!({"computeId": one.compute.to_string(), "owner": owner(&one.owner)});
        json!({
            "orphans": self.orphans.iter().map(orphan).collect::<Vec<_>>(),
            "otherClusters": self.other_clusters.iter().map(other).collect::<Vec<_>>(),
            "undetermined": self.undetermined,
        })
    }
}

impl Owned {
    /// The command that detaches the compute.
    fn detach(&self) -> String {
        let workspace = self.compute.workspace();
        let [name, workspace_name, group, subscription] =
            [self.compute.name(), workspace.name(), workspace.resource_group(), workspace.subscription()].map(quoted);
        format!(
            "az ml compute detach --name {name} --workspace-name {workspace_name} --resource-group {group} --subscription {subscription} --yes"
        )
    }

    /// The command that prints the manifest of an object that adopts the compute.
    fn adopt(&self, program: Program) -> String {
        let Owner { namespace, name, .. } = &self.owner;
        format!(
            "{} import --workspace {} --all --namespace {}   # the document of compute {}, with metadata.name {name}",
            program.typed(),
            quoted(&short(self.compute.workspace())),
            quoted(namespace),
            self.compute.name(),
        )
    }
}

fn short(workspace: &WorkspaceId) -> String {
    [workspace.subscription(), workspace.resource_group(), workspace.name()].join("/")
}

/// A word of a shell's command line.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) { word.to_owned() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(cluster: &str, name: &str, group: &str) -> Owned {
        let workspace = WorkspaceId::new("6560575d-fa06-4e7d-95fb-f962e74efd7a", group, "ws1").expect("an ID");
        let [cluster, namespace, object, uid] = [cluster, "team-a", "nightly", "u1"].map(ToOwned::to_owned);
        Owned { compute: workspace.compute(name).expect("an ID"), owner: Owner { cluster, namespace, name: object, uid } }
    }

    #[test]
    fn orphans_end_with_2_and_what_could_not_be_read_with_1() {
        let (orphan, other) = (vec![one("here", "spark", "rg")], vec![one("there", "spark", "rg")]);
        #[rustfmt::skip]
        let table = [
            // case                          orphans         of others      undetermined   exit code
            ("nothing",                      vec![],         vec![],        0,             Ok(0)),
            ("another cluster's alone",      vec![],         other.clone(), 0,             Ok(0)),
            ("an orphan",                    orphan.clone(), other,         0,             Ok(2)),
            ("not read",                     vec![],         vec![],        1,             Err(())),
            ("an orphan, and some not read", orphan,         vec![],        1,             Ok(2)),
        ];
        for (case, orphans, other_clusters, unread, code) in table {
            let undetermined = vec!["no answer".to_owned(); unread];
            let result = AuditResult { orphans, other_clusters, undetermined };
            assert_eq!(result.exit_code().map_err(drop), code, "{case}");
            let text = result.text(Program::Plugin);
            assert_eq!(text.starts_with("No orphaned computes."), code == Ok(0), "{case}: {text}");
        }
    }

    #[test]
    fn each_orphan_comes_with_the_commands_that_clear_it_up() {
        let orphans = vec![one("here", "spark", "rg(old)")];
        let result = AuditResult { orphans, other_clusters: vec![one("there", "foreign", "rg")], ..AuditResult::default() };
        let text = anstream::adapter::strip_str(&result.text(Program::Plugin)).to_string();
        let detach = "az ml compute detach --name spark --workspace-name ws1 --resource-group 'rg(old)' --subscription 6560575d-fa06-4e7d-95fb-f962e74efd7a --yes";
        let adopt = "kubectl synapse import --workspace '6560575d-fa06-4e7d-95fb-f962e74efd7a/rg(old)/ws1' --all --namespace team-a   # the document of compute spark, with metadata.name nightly";
        for line in ["orphan: the object does not exist", "another cluster's: there", detach, adopt] {
            assert!(text.contains(line), "{line}\n{text}");
        }
        assert_eq!(text.matches("az ml compute detach").count(), 1, "another cluster's compute is left alone: {text}");
        let json = result.json(Program::Operator);
        assert_eq!(
            (&json["orphans"][0]["detach"], &json["otherClusters"][0]["owner"]["cluster"]),
            (&json!(detach), &json!("there"))
        );
        assert_eq!(json["otherClusters"][0]["detach"], Value::Null);
    }

    #[test]
    fn a_word_of_a_command_line_is_quoted_where_a_shell_would_take_it_apart() {
        for (word, shown) in [("ws-1.a_b", "ws-1.a_b"), ("a b", "'a b'"), ("it's", r"'it'\''s'"), ("$(x)", "'$(x)'"), ("", "''")]
        {
            assert_eq!(quoted(word), shown);
        }
    }
}
