//! `pools`: the Spark pools that one may attach, and where they are attached already.

mod inventory;

use clap::{Args, ValueEnum};
use jiff::Timestamp;
use jiff::civil::Date;
use prometheus_client::registry::Registry;
use serde_json::{Value, json};

use super::args::AzureArgs;
use super::manifest::rules::is_compute;
use super::manifest::{ManifestBuilder, manifests, yaml};
use super::output::{plain, print, printable, remark, table};
use super::workspace::{WORKSPACE, subscription, workspace};
use crate::azure;
use crate::azure::wire::{AutoScale, SparkPoolProperties};
use crate::resource_id::WorkspaceId;
use crate::spark_versions::{day_of, lifecycle};
use inventory::{Pool, PoolInventory};

#[derive(Debug, Args)]
pub(crate) struct Pools {
    /// A subscription whose pools are listed; may be given several times. Default: that of --workspace, or else all that
    /// you may read. Attachments to Azure ML workspaces in other subscriptions are shown only without this option and
    /// without --workspace.
    #[arg(long, value_name = "GUID", value_parser = subscription)]
    subscription: Vec<String>,
    /// The Azure ML workspace to attach to, or its full resource ID. The manifests of -o yaml are for this workspace.
    #[arg(short, long, value_name = WORKSPACE, value_parser = workspace, required_if_eq("output", "yaml"))]
    workspace: Option<WorkspaceId>,
    /// The output format: a table, JSON, or a manifest for each pool that is not attached to --workspace yet.
    #[arg(short, long, default_value = "text", value_enum)]
    output: Format,
    #[command(flatten)]
    azure: AzureArgs,
}

/// How pools are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
    Yaml,
}

impl Pools {
    pub(crate) async fn execute(self) -> Result<u8, String> {
        let (client, _) = self.azure.client(azure::Metrics::new(&mut Registry::default()))?;
        let inventory = PoolInventory::of(&client, &self.subscription, self.workspace.as_ref()).await?;
        let made = match (self.output, &self.workspace) {
            (Format::Yaml, Some(workspace)) => Some(builders(&inventory, workspace)?),
            _ => None,
        };
        for note in &inventory.unread {
            remark(&printable(note));
        }
        if inventory.pools.is_empty() && self.output != Format::Json {
            remark("No Synapse Spark pools found.");
            return Ok(0);
        }
        let text = match (self.output, made) {
            (_, Some((builders, notes))) => {
                for line in notes {
                    remark(&printable(&line));
                }
                yaml(&manifests(&builders).map_err(|wrong| wrong.join("; "))?)?
            }
            (Format::Json, _) => format!("{:#}\n", as_json(&inventory)),
            _ => rows(&inventory, day_of(Timestamp::now())),
        };
        print(&text).map(|()| 0)
    }
}

/// The nodes of a pool: their size, and how many.
fn nodes(SparkPoolProperties { node_size, node_count, auto_scale, .. }: &SparkPoolProperties) -> String {
    let size = node_size.as_deref().unwrap_or("-");
    match (auto_scale, node_count) {
        (Some(AutoScale { enabled: true, min_node_count, max_node_count }), _) => {
            format!("{size} x {min_node_count}-{max_node_count}")
        }
        (_, Some(count)) => format!("{size} x {count}"),
        _ => size.to_owned(),
    }
}

/// Until when the version of Spark is supported; a dash if that is not known.
fn support(spark_version: Option<&str>, today: Date) -> String {
    let known = spark_version.and_then(lifecycle);
    known.map_or_else(
        || "-".to_owned(),
        |one| {
            let when = if one.days_left(today) < 0 { "ended" } else { "until" };
            format!("{when} {}", one.end_of_support)
        },
    )
}

fn rows(inventory: &PoolInventory, today: Date) -> String {
    let row = |pool: &Pool| {
        let attached: Vec<_> = pool.attached.iter().map(|one| format!("{}/{}", one.workspace().name(), one.name())).collect();
        let shown = &pool.shown.properties;
        let or_dash = |text: &Option<String>| plain(text.as_deref().unwrap_or("-"));
        vec![
            plain(pool.workspace.name()),
            plain(pool.id.name()),
            or_dash(&shown.spark_version),
            plain(&support(shown.spark_version.as_deref(), today)),
            plain(&nodes(shown)),
            or_dash(&shown.provisioning_state),
            plain(if attached.is_empty() { "-".to_owned() } else { attached.join(", ") }.as_str()),
        ]
    };
    let rows: Vec<_> = inventory.pools.iter().map(row).collect();
    table(&["SYNAPSE WORKSPACE", "POOL", "SPARK", "SUPPORT", "NODES", "STATE", "ATTACHED AS"], &rows)
}

fn as_json(inventory: &PoolInventory) -> Value {
    let pool = |pool: &Pool| {
        let shown = &pool.shown.properties;
        let scale = shown.auto_scale.as_ref().map(
            |scale| json!({"enabled": scale.enabled, "minNodeCount": scale.min_node_count, "maxNodeCount": scale.max_node_count}),
        );
        json!({
            "resourceId": pool.id.to_string(),
            "name": pool.id.name(),
            "synapseWorkspaceId": pool.workspace.to_string(),
            "location": pool.shown.location,
            "sparkVersion": shown.spark_version,
            "sparkEndOfSupport": shown.spark_version.as_deref().and_then(lifecycle).map(|one| one.end_of_support.to_string()),
            "nodeSize": shown.node_size,
            "nodeSizeFamily": shown.node_size_family,
            "nodeCount": shown.node_count,
            "autoScale": scale,
            "provisioningState": shown.provisioning_state,
            "attachedAs": pool.attached.iter().map(ToString::to_string).collect::<Vec<_>>(),
        })
    };
    json!({"pools": inventory.pools.iter().map(pool).collect::<Vec<_>>(), "unread": inventory.unread})
}

/// A manifest for each pool that is not attached to the workspace; and why there is none for the others.
fn builders(inventory: &PoolInventory, workspace: &WorkspaceId) -> Result<(Vec<ManifestBuilder>, Vec<String>), String> {
    let names = inventory.names.as_ref().map_err(|why| {
        format!("{why}. They are needed to find out what is attached there: check --workspace, and your permission to read its computes")
    })?;
    let mut taken: Vec<String> = names.iter().map(|name| name.to_lowercase()).collect();
    let (mut builders, mut notes) = (Vec::new(), Vec::new());
    for pool in &inventory.pools {
        let place = format!("pool {} of {}", pool.id.name(), pool.workspace.name());
        if let Some(there) = pool.attached.iter().find(|one| one.workspace() == workspace) {
            notes.push(format!("{place}: skipped: it is attached as {} (import --workspace prints its manifest)", there.name()));
            continue;
        }
        let Some(name) = free_name(pool.id.name(), &taken) else {
            notes.push(format!("{place}: skipped: no compute name is free; write a manifest with a computeName"));
            continue;
        };
        taken.push(name.clone());
        builders.push(ManifestBuilder::new(&place, workspace.clone(), name, pool.id.to_string()));
    }
    Ok((builders, notes))
}

/// The pool's own name, if a compute may have it and none has; else one like it.
fn free_name(pool: &str, taken: &[String]) -> Option<String> {
    let plain = pool.to_lowercase();
    let start: String = plain.chars().take(12).collect();
    let others = ('b'..='z').map(|letter| format!("{start}-{letter}"));
    let like_it = others.chain([format!("pool{start}")]);
    std::iter::once(plain).chain(like_it).find(|name| is_compute(name) && !taken.contains(name))
}

#[cfg(test)]
mod tests;
