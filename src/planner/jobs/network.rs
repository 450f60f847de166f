//! The networks of the Synapse workspace and of the storage that jobs use.

use crate::planner::jobs::commands;
use crate::planner::jobs::facts::{Account, Facts};
use crate::planner::jobs::outcome::{Fix, Outcome};
use crate::planner::jobs::storage_roles::{account, primary};

/// The Synapse workspace has no data exfiltration protection.
pub(super) fn exfiltration(facts: &Facts) -> Outcome {
    match &facts.synapse {
        Err(why) => why.into(),
        Ok(synapse) if synapse.prevents_exfiltration => Outcome::missing(
            format!("data exfiltration protection of {} is on, which Azure ML does not support", synapse.id),
            Fix::Advice("It is fixed when a Synapse workspace is created: attach a pool of a workspace without it".to_owned()),
        ),
        Ok(synapse) => Outcome::ok(format!("data exfiltration protection of {} is off", synapse.id.name())),
    }
}

/// The Synapse workspace accepts connections from public networks.
pub(super) fn synapse_public_access(facts: &Facts) -> Outcome {
    match &facts.synapse {
        Err(why) => why.into(),
        Ok(synapse) if !synapse.is_public => Outcome::missing(
            format!("public network access of {} is disabled, and Azure ML submits jobs through it", synapse.id),
            commands::open_synapse(&synapse.id),
        ),
        Ok(synapse) => Outcome::ok(format!("public network access of {} is enabled", synapse.id.name())),
    }
}

/// The firewall of the Synapse workspace accepts connections from Azure's services.
pub(super) fn synapse_firewall(facts: &Facts) -> Outcome {
    let (synapse, rules) = match (&facts.synapse, &facts.firewall) {
        (Err(why), _) => return why.into(),
        (Ok(synapse), _) if !synapse.is_public => {
            return Outcome::not_applicable("public network access of the Synapse workspace is disabled");
        }
        (Ok(_), Err(why)) => return why.into(),
        (Ok(synapse), Ok(rules)) => (synapse, rules),
    };
    // From and to 0.0.0.0 stands for Azure's services; up to 255.255.255.255 for every address.
    let admits = |(first, last): &(String, String)| first == "0.0.0.0" && matches!(last.as_str(), "0.0.0.0" | "255.255.255.255");
    if rules.iter().any(admits) {
        return Outcome::ok(format!("the firewall of {} accepts connections from Azure's services", synapse.id.name()));
    }
    Outcome::warning(
        format!(
            "no firewall rule of {} accepts connections from Azure's services, and it is not documented from which addresses Azure ML submits jobs",
            synapse.id.name()
        ),
        Some(commands::admit_azure(&synapse.id)),
    )
}

/// The pool can reach the storage of the default datastore.
pub(super) fn datastore_network(facts: &Facts) -> Outcome {
    account(&facts.datastore, "default datastore").map_or_else(|outcome| outcome, |account| reachable(facts, account))
}

/// The pool can reach the primary storage of the Synapse workspace.
pub(super) fn primary_network(facts: &Facts) -> Outcome {
    primary(facts).map_or_else(|outcome| outcome, |account| reachable(facts, account))
}

fn reachable(facts: &Facts, Account { id, network, .. }: &Account) -> Outcome {
    let network = match network {
        Err(why) => return why.into(),
        Ok(None) => {
            let advice = Fix::Advice("Name another storage account, or restore this one".to_owned());
            return Outcome::missing(format!("{id} does not exist"), advice);
        }
        Ok(Some(network)) if network.is_open => {
            return Outcome::ok(format!("{} accepts connections from all networks", id.name()));
        }
        Ok(Some(network)) => network,
    };
    let synapse = match &facts.synapse {
        Err(why) => return why.into(),
        Ok(synapse) if !synapse.has_managed_network => {
            let message = format!(
                "{id} does not accept connections from all networks, and {} has no managed virtual network for a private endpoint",
                synapse.id.name()
            );
            return Outcome::missing(message, commands::reach_storage(id));
        }
        Ok(synapse) => synapse,
    };
    let endpoints = match &facts.endpoints {
        Err(why) => return why.into(),
        Ok(all) => all.iter().filter(|one| {
            let is_of_data = ["blob", "dfs"].iter().any(|group| one.group.eq_ignore_ascii_case(group));
            is_of_data && one.target.eq_ignore_ascii_case(&id.to_string())
        }),
    };
    let has = |status: &str| endpoints.clone().find(|one| one.status.eq_ignore_ascii_case(status));
    if let Some(one) = has("Approved") {
        return Outcome::ok(format!("the managed private endpoint {} leads to {}", one.name, id.name()));
    }
    if let Some(one) = has("Pending") {
        let message = format!("the managed private endpoint {} to {id} awaits approval by the owner of the storage", one.name);
        return Outcome::missing(message, commands::approve_endpoint(&synapse.id, &one.name, id));
    }
    let group = if network.is_hierarchical { "dfs" } else { "blob" };
    Outcome::missing(
        format!(
            "{id} does not accept connections from all networks, and {} has no managed private endpoint to it",
            synapse.id.name()
        ),
        commands::create_endpoint(&synapse.id, id, group),
    )
}
