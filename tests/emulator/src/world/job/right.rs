//! Whether a queued job can run.

use jiff::Timestamp;
use serde_json::Value;

use crate::fault::Failure;
use crate::id;
use crate::settings::Settings;
use crate::world::World;
use crate::world::plan::RunsAs;

impl World {
    /// Whether a queued job can run: the compute must exist, and Spark needs a role on the pool, and storage.
    ///
    /// The text for a missing role is that of Synapse's data plane (REAL); where a job shows it is NF.
    pub(super) fn may_run(&self, at: Timestamp, key: &str, settings: &Settings) -> Result<(), Failure> {
        let failed = |code: &str, message: String| Err(Failure::new(code, message));
        let Some(work) = self.jobs.get(key).and_then(|j| j.work.as_ref()) else {
            return Ok(());
        };
        let name = id::name(&work.compute);
        let Some(compute) = self.computes.get(&work.compute) else {
            return failed("UserError", format!("The compute '{name}' is no longer there."));
        };
        let Some(runs_as) = &work.spark else {
            return Ok(());
        };
        let pool = compute.body["properties"]["resourceId"].as_str().unwrap_or_default();
        match self.pools.get(&id::fold(pool)).map(|p| p.provisioning_state.as_str()) {
            Some("Succeeded") => {}
            Some(state) => return failed("UserError", format!("The Synapse Spark pool '{pool}' is in the state {state}.")),
            None => return failed("UserError", format!("The Synapse Spark pool '{pool}' was not found.")),
        }
        self.has_code(work)?;
        let workspace = pool.rsplitn(3, '/').last().unwrap_or_default();
        let principal = match runs_as {
            // Whether the sender has a Synapse role is not checked.
            RunsAs::User => self.limited_sender(key),
            RunsAs::Link => {
                let principals = self.linked(&work.compute, pool);
                let Some(first) = principals.first() else {
                    return failed(
                        "UserError",
                        format!("The compute '{name}' has no managed identity, as which the job was to run."),
                    );
                };
                let assigned = principals.iter().find(|one| self.may_run_spark(one, pool, at, settings.role_propagation));
                Some(*assigned.ok_or_else(|| no_role(first, pool))?)
            }
            RunsAs::Managed(named) => {
                let Some(principal) = managed(&compute.body["identity"], named.as_deref()) else {
                    let which =
                        named.as_ref().map_or("has no managed identity".into(), |n| format!("doesn't have the identity '{n}'"));
                    return failed("UserError", format!("The compute '{name}' {which}, as which the job was to run."));
                };
                if !self.may_run_spark(principal, pool, at, settings.role_propagation) {
                    return Err(no_role(principal, pool));
                }
                Some(principal)
            }
        };
        let pipeline = self.jobs.get(key).and_then(|job| self.jobs.get(job.parent.as_ref()?));
        let parent = pipeline.map_or(&Value::Null, |job| &job.body["properties"]);
        self.may_use_storage(work, parent, workspace, principal)
    }

    /// The object ID of the one that sent a job; none if it has no `rights` and may do everything.
    fn limited_sender(&self, key: &str) -> Option<&str> {
        let client = self.jobs.get(key)?.body["systemData"]["createdBy"].as_str()?;
        let principal = self.principals.iter().find(|p| p.client_id.eq_ignore_ascii_case(client))?;
        principal.rights.as_ref().map(|_| principal.object_id.as_str())
    }

    /// The principals as one of which a step of SDK v1 runs: those of the linked services to the Synapse workspace of the pool,
    /// since a compute does not name the one through which it was attached (SDK); without one, that of the compute (INF).
    fn linked(&self, compute: &str, pool: &str) -> Vec<&str> {
        let (workspace, pool) = (compute.rsplitn(3, '/').last().unwrap_or_default(), id::fold(pool));
        let links = self
            .links
            .iter()
            .filter(|(key, link)| id::is_within(key, workspace) && id::is_within(&pool, &id::fold(&link.linked)));
        let found: Vec<&str> = links.filter_map(|(_, link)| link.principal_id.as_deref()).collect();
        if found.is_empty() {
            let compute = self.computes.get(compute).map(|c| &c.body["identity"]);
            return compute.and_then(|identity| managed(identity, None)).into_iter().collect();
        }
        found
    }
}

fn no_role(principal: &str, pool: &str) -> Failure {
    let (workspace, pool) = (id::part(pool, "workspaces").unwrap_or_default(), id::name(pool));
    Failure::new(
        "Unauthorized",
        format!(
            "The principal '{principal}' does not have the required Synapse RBAC permission to perform this action. Required permission: Action: Microsoft.Synapse/workspaces/bigDataPools/useCompute/action, Scope: workspaces/{workspace}/bigDataPools/{pool}."
        ),
    )
}

/// The principal as which a compute runs: its own, else that of its first user-assigned identity (DOC), or the one named.
fn managed<'a>(identity: &'a Value, named: Option<&str>) -> Option<&'a str> {
    let mut users = identity["userAssignedIdentities"].as_object().into_iter().flatten();
    let found = match named {
        Some(named) => users.find(|(key, of)| {
            key.eq_ignore_ascii_case(named) || ["clientId", "principalId"].iter().any(|k| of[*k].as_str() == Some(named))
        }),
        None => match identity["principalId"].as_str() {
            Some(own) => return Some(own),
            None => users.next(),
        },
    };
    found?.1["principalId"].as_str()
}
