//! The pools of Synapse workspaces, and where they are attached, as far as the user may read them.

use std::collections::BTreeSet;
use std::fmt;

use futures::{StreamExt, stream};

use super::super::explained::explained;
use super::super::manifest::rules::is_guid;
use super::super::output::progress;
use crate::azure::{Client, Error, wire};
use crate::resource_id::{ComputeId, PoolId, SynapseWorkspaceId, WorkspaceId};

/// The number of concurrent requests: far below Azure's limits for a subscription.
const AT_ONCE: usize = 8;

/// A Spark pool.
pub(super) struct Pool {
    pub(super) id: PoolId,
    pub(super) workspace: SynapseWorkspaceId,
    pub(super) shown: wire::SparkPool,
    /// The computes that are this pool.
    pub(super) attached: Vec<ComputeId>,
}

/// What was found.
pub(super) struct PoolInventory {
    pub(super) pools: Vec<Pool>,
    /// The names of all computes of the workspace to attach to; else why they could not be read.
    pub(super) names: Result<Vec<String>, String>,
    /// What was not read, and why.
    pub(super) unread: Vec<String>,
}

impl PoolInventory {
    /// Reads these subscriptions; without any, that of the workspace; without a workspace, all that the user may read.
    pub(super) async fn of(client: &Client, named: &[String], workspace: Option<&WorkspaceId>) -> Result<Self, String> {
        let mut inventory = Self { pools: Vec::new(), names: Ok(Vec::new()), unread: Vec::new() };
        let mut places: Vec<WorkspaceId> = Vec::new();
        let subscriptions = subscriptions(client, named, workspace).await?;
        for (at, subscription) in subscriptions.iter().enumerate() {
            let place = format!("subscription {subscription}");
            progress(&format!("Reading {place} ({} of {}).", at + 1, subscriptions.len()));
            let synapse = inventory.read(&place, "its Synapse workspaces", client.synapse_workspaces(subscription).await)?;
            let learning = inventory.read(&place, "its Machine Learning workspaces", client.workspaces(subscription).await)?;
            places.extend(learning);
            let requests = synapse.into_iter().map(|one| async move { (client.pools(&one).await, one) });
            let answers: Vec<_> = stream::iter(requests).buffered(AT_ONCE).collect().await;
            for (pools, one) in answers {
                let pools = inventory.read(&one, "its Spark pools", pools)?;
                inventory.pools.extend(pools.into_iter().filter_map(|shown| {
                    Some(Pool { id: PoolId::parse(&shown.id).ok()?, workspace: one.clone(), shown, attached: Vec::new() })
                }));
            }
        }
        // The workspace to attach to is always included, whatever subscription the pools are in.
        places.extend(workspace.filter(|one| !places.contains(one)).cloned());
        progress(&format!("Reading the computes of {} Azure ML workspaces.", places.len()));
        let requests = places.into_iter().map(|one| async move { (client.computes(&one).await, one) });
        let answers: Vec<_> = stream::iter(requests).buffered(AT_ONCE).collect().await;
        for (computes, one) in answers {
            if Some(&one) == workspace {
                inventory.names = match &computes {
                    Ok(all) => Ok(all.iter().map(|compute| compute.name.clone()).collect()),
                    Err(error) => Err(format!("{one}: its computes cannot be listed: {}", explained(error))),
                };
            }
            let computes = inventory.read(&one, "its computes", computes)?;
            inventory.attach(&one, &computes);
        }
        if !named.is_empty() || workspace.is_some() {
            let note = "the Azure ML workspaces of other subscriptions are left out: a pool may be attached there as well";
            inventory.unread.push(note.to_owned());
        }
        Ok(inventory)
    }

    fn attach(&mut self, workspace: &WorkspaceId, computes: &[wire::Compute]) {
        for compute in computes {
            let pool = compute.properties.resource_id.as_deref().and_then(|id| PoolId::parse(id).ok());
            let (Some(pool), Ok(id)) = (pool, workspace.compute(&compute.name)) else { continue };
            self.pools.iter_mut().filter(|one| one.id == pool).for_each(|one| one.attached.push(id.clone()));
        }
    }

    /// A list; an empty one, and a note, if the user may not read it. It is an error if there is no answer.
    fn read<T>(&mut self, place: &impl fmt::Display, what: &str, answer: Result<Vec<T>, Error>) -> Result<Vec<T>, String> {
        use Error as E;
        match answer {
            Ok(all) => Ok(all),
            Err(
                error @ (E::CredentialUnavailable(_)
                | E::NotSent(_)
                | E::Unavailable { .. }
                | E::Intercepted(_)
                | E::Untrusted(_)
                | E::Throttled { .. }
                | E::Queued { .. }),
            ) => Err(format!("{place}: {what} cannot be listed: {}", explained(&error))),
            Err(error) => {
                self.unread.push(format!("{place}: {what} are left out: {error}"));
                Ok(Vec::new())
            }
        }
    }
}

/// The subscriptions to read: those that are named, else that of the workspace, else all that one may see.
async fn subscriptions(client: &Client, named: &[String], workspace: Option<&WorkspaceId>) -> Result<Vec<String>, String> {
    let mut all = match (named, workspace) {
        ([], Some(workspace)) => vec![workspace.subscription().to_owned()],
        ([], None) => {
            let all = client
                .subscriptions()
                .await
                .map_err(|error| format!("the subscriptions cannot be listed: {}", explained(&error)))?;
            all.into_iter().map(|one| one.subscription_id).collect()
        }
        (named, _) => named.to_vec(),
    };
    let mut seen = BTreeSet::new();
    all.retain(|one| is_guid(one) && seen.insert(one.to_lowercase()));
    Ok(all)
}
