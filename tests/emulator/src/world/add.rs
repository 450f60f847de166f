//! Adds a seed to the world, and shows the world as a seed.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::seed::{LOCATION, Seed, Subscription, SynapseWorkspace, Workspace};
use super::{Compute, Progress, World, timestamp};
use crate::id;

impl World {
    /// Adds a seed. Resources with the same ID are replaced, and missing parents are created.
    // Longer than other functions: one part per kind of resource.
    pub(crate) fn add(&mut self, now: Timestamp, seed: Seed) -> Result<(), String> {
        for issuer in seed.issuers {
            self.issuers.insert(issuer.url.clone(), issuer);
        }
        for principal in seed.principals {
            self.principals.retain(|p| !(p.tenant_id == principal.tenant_id && p.client_id == principal.client_id));
            self.principals.push(principal);
        }
        for mut subscription in seed.subscriptions {
            subscription.tenant_id = subscription.tenant_id.or_else(|| self.principals.first().map(|p| p.tenant_id.clone()));
            self.subscriptions.insert(id::fold(&subscription.id), subscription);
        }
        for group in seed.resource_groups {
            self.add_parents(&group)?;
            self.groups.insert(id::fold(&group), group);
        }
        for workspace in seed.workspaces {
            checked(&workspace.id, "Microsoft.MachineLearningServices/workspaces")?;
            self.add_parents(&workspace.id)?;
            self.workspaces.insert(id::fold(&workspace.id), workspace.clone());
            self.add_system_datastores(&workspace)?;
        }
        for workspace in seed.synapse_workspaces {
            checked(&workspace.id, super::SYNAPSE_TYPE)?;
            self.add_parents(&workspace.id)?;
            self.synapse.insert(id::fold(&workspace.id), workspace);
        }
        for mut pool in seed.pools {
            checked(&pool.id, super::POOL_TYPE)?;
            self.add_parents(&pool.id)?;
            self.add_synapse(pool.id.rsplitn(3, '/').last().unwrap_or_default());
            pool.creation_date = pool.creation_date.or_else(|| Some(now.strftime("%Y-%m-%dT%H:%M:%S.%7fZ").to_string()));
            self.pools.insert(id::fold(&pool.id), pool);
        }
        for mut identity in seed.identities {
            checked(&identity.id, "Microsoft.ManagedIdentity/userAssignedIdentities")?;
            self.add_parents(&identity.id)?;
            identity.principal_id = Some(identity.principal_id.unwrap_or_else(|| self.guid().to_string()));
            identity.client_id = Some(identity.client_id.unwrap_or_else(|| self.guid().to_string()));
            self.identities.insert(id::fold(&identity.id), identity);
        }
        for link in seed.linked_services {
            checked(&link.id, super::LINK_TYPE)?;
            checked(&link.linked, super::SYNAPSE_TYPE)?;
            self.add_parents(&link.id)?;
            self.add_workspace(link.id.rsplitn(3, '/').last().unwrap_or_default(), LOCATION);
            let tenant = self.tenant_of(&link.id).unwrap_or_default().to_owned();
            self.add_link(now, link, &tenant);
        }
        for policy in seed.policies {
            self.policies.insert(id::fold(&policy.scope), policy);
        }
        for assignment in seed.role_assignments {
            checked(&assignment.workspace, super::SYNAPSE_TYPE)?;
            self.add_parents(&assignment.workspace)?;
            self.add_synapse(&assignment.workspace);
            self.add_grant(assignment)?;
        }
        seed.storage_accounts.into_iter().try_for_each(|account| self.add_storage_account(account))?;
        seed.datastores.into_iter().try_for_each(|one| self.add_datastore(one))?;
        seed.firewall_rules.into_iter().try_for_each(|rule| self.add_firewall_rule(rule))?;
        seed.managed_private_endpoints.into_iter().try_for_each(|one| self.add_private_endpoint(one))?;
        seed.management_groups.into_iter().try_for_each(|group| self.add_management_group(group))?;
        self.add_groups(seed.groups);
        seed.azure_roles.into_iter().try_for_each(|role| self.add_custom_role(role))?;
        seed.azure_role_assignments.into_iter().try_for_each(|one| self.add_assignment(now, one))?;
        seed.computes.into_iter().try_for_each(|compute| self.add_compute(now, compute))?;
        seed.jobs.into_iter().try_for_each(|job| self.add_seeded_job(now, job))
    }

    pub(super) fn add_parents(&mut self, resource: &str) -> Result<(), String> {
        let wrong = || format!("{resource:?} is not the ID of an ARM resource in a resource group");
        let subscription = id::subscription(resource).ok_or_else(wrong)?.to_owned();
        let group = id::resource_group(resource).ok_or_else(wrong)?;
        let tenant_id = self.principals.first().map(|p| p.tenant_id.clone());
        self.subscriptions.entry(id::fold(&subscription)).or_insert(Subscription { id: subscription, tenant_id });
        self.groups.entry(id::fold(&group)).or_insert(group);
        Ok(())
    }

    /// A Synapse workspace that exists because the seed names something in it.
    pub(super) fn add_synapse(&mut self, workspace: &str) {
        let made = || SynapseWorkspace { id: workspace.to_owned(), ..SynapseWorkspace::default() };
        self.synapse.entry(id::fold(workspace)).or_insert_with(made);
    }

    /// The same for a Machine Learning workspace; returns its location.
    pub(super) fn add_workspace(&mut self, workspace: &str, location: &str) -> String {
        let made = || Workspace { id: workspace.to_owned(), location: location.to_owned(), ..Workspace::default() };
        self.workspaces.entry(id::fold(workspace)).or_insert_with(made).location.clone()
    }

    fn add_seeded_job(&mut self, now: Timestamp, mut given: Value) -> Result<(), String> {
        let job = given["id"].as_str().ok_or("a job has no id")?.to_owned();
        checked(&job, "Microsoft.MachineLearningServices/workspaces/jobs")?;
        self.add_parents(&job)?;
        self.add_workspace(job.rsplitn(3, '/').last().unwrap_or_default(), LOCATION);
        given["name"] = json!(id::name(&job));
        given["type"] = json!("Microsoft.MachineLearningServices/workspaces/jobs");
        given["systemData"] = json!({"createdAt": timestamp(now)});
        self.add_job(given)
    }

    fn add_compute(&mut self, now: Timestamp, given: Value) -> Result<(), String> {
        let compute = given["id"].as_str().ok_or("a compute has no id")?.to_owned();
        checked(&compute, "Microsoft.MachineLearningServices/workspaces/computes")?;
        self.add_parents(&compute)?;
        let workspace = compute.rsplitn(3, '/').last().unwrap_or_default();
        let location = self.add_workspace(workspace, given["location"].as_str().unwrap_or(LOCATION));
        let mut body = json!({
            "id": compute,
            "name": id::name(&compute),
            "type": "Microsoft.MachineLearningServices/workspaces/computes",
            "location": location,
            "tags": {},
            "properties": {
                "createdOn": timestamp(now),
                "modifiedOn": timestamp(now),
                "disableLocalAuth": false,
                "description": null,
                "resourceId": null,
                "computeType": "SynapseSpark",
                "computeLocation": location,
                "provisioningState": "Succeeded",
                "provisioningErrors": null,
                "isAttachedCompute": true,
                "properties": {},
            }
        });
        overlay(&mut body, given);
        if body["properties"]["properties"] == json!({})
            && let Some(filled) = self.filled(&body)
        {
            body["properties"]["properties"] = filled;
        }
        self.counter += 1;
        self.stale.forget(&id::fold(&compute));
        self.computes.insert(id::fold(&compute), Compute { body, created: self.counter, operation: None, hidden_tags: None });
        Ok(())
    }

    /// All resources as a seed, without secrets, and the operations and jobs.
    pub(crate) fn shown(&self) -> Value {
        let seed = Seed {
            issuers: self.issuers.values().cloned().collect(),
            principals: self.principals.clone(),
            subscriptions: self.subscriptions.values().cloned().collect(),
            resource_groups: self.groups.values().cloned().collect(),
            workspaces: self.workspaces.values().cloned().collect(),
            synapse_workspaces: self.synapse.values().cloned().collect(),
            pools: self.pools.values().cloned().collect(),
            identities: self.identities.values().cloned().collect(),
            computes: self.computes.values().map(|c| c.body.clone()).collect(),
            // Not as they were given: with what became of them, below.
            jobs: Vec::new(),
            linked_services: self.links.values().cloned().collect(),
            role_assignments: self.role_assignments(),
            policies: self.policies.values().cloned().collect(),
            storage_accounts: self.storage.values().cloned().collect(),
            datastores: self.datastores.values().cloned().collect(),
            firewall_rules: self.firewall_rules.values().cloned().collect(),
            managed_private_endpoints: self.private_endpoints.values().cloned().collect(),
            management_groups: self.management_groups.values().cloned().collect(),
            groups: self.groups_of_entra.values().cloned().collect(),
            azure_roles: self.custom_roles.values().cloned().collect(),
            azure_role_assignments: self.azure_role_assignments(),
        };
        let mut shown = serde_json::to_value(seed).unwrap_or_default();
        let mut operations: Vec<Value> = Vec::new();
        for (guid, operation) in &self.operations {
            let status = match operation.progress {
                Progress::Running => "InProgress",
                Progress::Succeeded => "Succeeded",
                Progress::Failed(_) => "Failed",
            };
            operations.push(
                json!({"id": guid, "verb": format!("{:?}", operation.verb), "compute": operation.compute, "status": status}),
            );
        }
        shown["operations"] = Value::Array(operations);
        shown["jobs"] = self.jobs.values().map(super::Job::shown).collect();
        shown
    }
}

pub(super) fn checked(resource: &str, of: &str) -> Result<(), String> {
    if id::has_type(resource, of) { Ok(()) } else { Err(format!("{resource:?} is not the ID of a {of}")) }
}

/// Overrides the defaults by the given keys; a given null stays a null.
fn overlay(under: &mut Value, over: Value) {
    match (under, over) {
        (Value::Object(under), Value::Object(over)) => {
            for (key, value) in over {
                overlay(under.entry(key).or_insert(Value::Object(Map::new())), value);
            }
        }
        (under, over) => *under = over,
    }
}
