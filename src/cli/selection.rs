//! The attachments that a command is about: by their names, by their labels, or all of them.

use std::collections::BTreeSet;
use std::fmt;

use clap::Args;
use kube::Resource;
use kube::api::{Api, ListParams, ObjectMeta};
use kube::core::DeserializeGuard;
use kube::runtime::watcher::Config;

use super::kube::Cluster;
use super::output::printable;
use crate::api::SynapseSparkAttachment;

#[derive(Debug, Args)]
pub(super) struct Selection {
    /// The attachments.
    #[arg(id = "name", value_name = "NAME", conflicts_with_all = ["all", "selector", "all_namespaces"])]
    names: Vec<String>,
    /// All attachments of the namespace, or with --all-namespaces of the cluster.
    #[arg(long, conflicts_with = "selector")]
    all: bool,
    /// The attachments whose labels match, in kubectl's syntax: team=data, 'env in (dev,test)', '!legacy'.
    #[arg(short = 'l', long, value_name = "SELECTOR", value_parser = not_empty)]
    selector: Option<String>,
    /// Select in all namespaces.
    #[arg(short = 'A', long, conflicts_with = "namespace")]
    all_namespaces: bool,
}

/// An empty selector would select everything.
fn not_empty(selector: &str) -> Result<String, String> {
    if selector.trim().is_empty() { Err("is empty; use --all to select everything".to_owned()) } else { Ok(selector.to_owned()) }
}

/// The namespace and the name of an object.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ObjectKey {
    pub(super) namespace: String,
    pub(super) name: String,
}

impl ObjectKey {
    pub(super) fn of(meta: &ObjectMeta) -> Self {
        Self { namespace: meta.namespace.clone().unwrap_or_default(), name: meta.name.clone().unwrap_or_default() }
    }
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// What was read of a selection.
#[derive(Default)]
pub(super) struct Selected {
    pub(super) objects: Vec<SynapseSparkAttachment>,
    /// Objects that this version cannot decode, one line each.
    pub(super) undecodable: Vec<String>,
    /// Objects that are named and could not be read, one line each.
    pub(super) unread: Vec<String>,
}

impl Selection {
    /// The name, if the command line names exactly one object.
    pub(super) fn single(&self) -> Option<&str> {
        match &self.names[..] {
            [name] => Some(name),
            _ => None,
        }
    }

    /// The names, each once, in their order.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        let mut seen = BTreeSet::new();
        self.names.iter().map(String::as_str).filter(move |name| seen.insert(*name))
    }

    pub(super) fn is_of_all_namespaces(&self) -> bool {
        self.all_namespaces
    }

    /// The label selector, if there is one.
    pub(super) fn selector(&self) -> Option<&str> {
        self.selector.as_deref()
    }

    /// Where the objects are, for a message.
    pub(super) fn place(&self, cluster: &Cluster) -> String {
        let place = if self.all_namespaces { "any namespace".to_owned() } else { format!("namespace {}", cluster.namespace) };
        self.selector().map_or(place.clone(), |selector| format!("{place} with the labels {selector}"))
    }

    /// The API of the namespace or of all namespaces.
    pub(super) fn api<K>(&self, client: kube::Client, namespace: &str) -> Api<K>
    where
        K: Resource<Scope = kube::core::NamespaceResourceScope>,
        K::DynamicType: Default,
    {
        if self.all_namespaces { Api::all(client) } else { Api::namespaced(client, namespace) }
    }

    /// What a watch of the objects asks for. With several names, it is about more than these.
    pub(super) fn watch_config(&self) -> Config {
        match (self.single(), self.selector()) {
            (Some(name), _) => Config::default().fields(&format!("metadata.name={name}")),
            (None, Some(selector)) => Config::default().labels(selector),
            (None, None) => Config::default(),
        }
    }

    fn list_params(&self) -> ListParams {
        self.selector().map_or_else(ListParams::default, |selector| ListParams::default().labels(selector))
    }

    /// Reads the objects. One that cannot be read hides no other.
    pub(super) async fn read(&self, cluster: &Cluster) -> Result<Selected, String> {
        let mut selected = Selected::default();
        if self.names.is_empty() {
            let api = self.api::<DeserializeGuard<SynapseSparkAttachment>>(cluster.calls.clone(), &cluster.namespace);
            let listed = api.list(&self.list_params()).await;
            for one in listed.map_err(|error| cluster.refused(&error, "list", ""))? {
                match one.0 {
                    Ok(object) => selected.objects.push(object),
                    Err(invalid) => selected.undecodable.push(undecodable(&invalid)),
                }
            }
            return Ok(selected);
        }
        for name in self.names() {
            match cluster.attachment(name).await {
                Ok(object) => selected.objects.push(object),
                Err(why) => selected.unread.push(why),
            }
        }
        Ok(selected)
    }

    /// The objects to write to. Those that are named are not read; of the others only the metadata is.
    pub(super) async fn keys(&self, cluster: &Cluster) -> Result<Vec<ObjectKey>, String> {
        if !self.names.is_empty() {
            let namespace = &cluster.namespace;
            return Ok(self.names().map(|name| ObjectKey { namespace: namespace.clone(), name: name.to_owned() }).collect());
        }
        let api = self.api::<SynapseSparkAttachment>(cluster.calls.clone(), &cluster.namespace);
        let listed = api.list_metadata(&self.list_params()).await.map_err(|error| cluster.refused(&error, "list", ""))?;
        Ok(listed.into_iter().map(|one| ObjectKey::of(one.meta())).collect())
    }
}

/// An object that this version cannot decode, as a line.
pub(super) fn undecodable(invalid: &kube::core::error_boundary::InvalidObject) -> String {
    printable(&format!("{} cannot be read by this version: {}", ObjectKey::of(&invalid.metadata), invalid.error))
}

#[cfg(test)]
impl Selection {
    /// The selection of a command line.
    pub(super) fn parsed(args: &[&str]) -> Self {
        #[derive(clap::Parser)]
        struct Line {
            #[command(flatten)]
            selection: Selection,
            // It has the option with which --all-namespaces conflicts.
            #[command(flatten)]
            _cluster: super::kube::ClusterArgs,
        }
        <Line as clap::Parser>::parse_from([&["test"], args].concat()).selection
    }
}
