//! The pods whose logs are shown: those of the leaders, or all where no leader is known.

use std::collections::BTreeSet;
use std::fmt;

use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use kube::api::{Api, ListParams};

use super::super::installation::{Installation, OperatorArgs};
use super::super::kube::{Cluster, Resource};

const PODS: Resource = Resource { plural: "pods", kind: "Pod" };

/// The container of a pod.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Source {
    pub(super) namespace: String,
    pub(super) pod: String,
    pub(super) container: Option<String>,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "pod {}/{}", self.namespace, self.pod)
    }
}

/// The pods of all leaders.
pub(super) async fn sources(cluster: &Cluster, operator: &OperatorArgs) -> Result<Vec<Source>, String> {
    let installations = operator.find(cluster).await?;
    if installations.is_empty() {
        return Err(format!("no operator is installed in {}", operator.place()));
    }
    let mut sources = Vec::new();
    for one in &installations {
        sources.extend(sources_of(cluster, one).await?);
    }
    if sources.is_empty() {
        let titles: Vec<_> = installations.iter().map(Installation::title).collect();
        return Err(format!("{} has no pod", titles.join(", ")));
    }
    Ok(sources)
}

async fn sources_of(cluster: &Cluster, one: &Installation) -> Result<Vec<Source>, String> {
    let namespace = one.namespace();
    let api = Api::<Pod>::namespaced(cluster.calls.clone(), &namespace);
    let pods = api.list_metadata(&ListParams::default().labels(&one.pods())).await;
    let pods = pods.map_err(|error| cluster.of(&namespace).refused_for(PODS, &error, "list", ""))?;
    let pods: BTreeSet<_> = pods.iter().map(ResourceExt::name_any).collect();
    let leading: BTreeSet<_> = holders(cluster, one).await.into_iter().filter(|pod| pods.contains(pod)).collect();
    let container = one.container().map(|container| container.name.clone());
    let chosen = if leading.is_empty() { pods } else { leading };
    Ok(chosen.into_iter().map(|pod| Source { namespace: namespace.clone(), pod, container: container.clone() }).collect())
}

/// The pods that hold a Lease of the operator; none where that cannot be read.
async fn holders(cluster: &Cluster, one: &Installation) -> Vec<String> {
    let settings = one.settings().and_then(|settings| settings.scope.shard().map(|shard| (settings, shard)));
    let Ok((settings, shard)) = settings else { return Vec::new() };
    let mut pods = Vec::new();
    for key in settings.scope.leases(&shard, &one.namespace()) {
        let lease = Api::<Lease>::namespaced(cluster.calls.clone(), &key.namespace).get_opt(&key.name()).await;
        let holder = lease.ok().flatten().and_then(|lease| lease.spec?.holder_identity);
        // The name of the pod and an ID of the process.
        pods.extend(holder.and_then(|holder| holder.rsplit_once('_').map(|(pod, _)| pod.to_owned())));
    }
    pods
}
