//! The operators that are installed in the cluster: their Deployments, and the settings in them.

mod settings;

use clap::Args;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{Container, PodSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::ResourceExt;
use kube::api::{Api, ListParams};

use super::kube::{Cluster, ContextArgs, Resource};
pub(super) use settings::Settings;

/// The label of the operator's Deployments and pods, whatever names they have.
pub(super) const LABELS: &str = "synapse-spark.dev/component=operator";

const DEPLOYMENTS: Resource = Resource { plural: "deployments.apps", kind: "Deployment" };

/// Which operator a command is about.
#[derive(Debug, Args)]
pub(super) struct OperatorArgs {
    /// The namespace that the operator is installed in. Default: it is searched for in all namespaces.
    #[arg(long, value_name = "NAME", help_heading = "Cluster")]
    operator_namespace: Option<String>,
    #[command(flatten)]
    pub(super) context: ContextArgs,
}

impl OperatorArgs {
    /// The operators, by their namespaces and names.
    ///
    /// # Errors
    ///
    /// Deployments cannot be listed, as text with advice.
    pub(super) async fn find(&self, cluster: &Cluster) -> Result<Vec<Installation>, String> {
        let api: Api<Deployment> = match &self.operator_namespace {
            Some(namespace) => Api::namespaced(cluster.calls.clone(), namespace),
            None => Api::all(cluster.calls.clone()),
        };
        let of_namespace = cluster.of(self.operator_namespace.as_deref().unwrap_or_default());
        let listed = api.list(&ListParams::default().labels(LABELS)).await.map_err(|error| {
            let why = of_namespace.refused_for(DEPLOYMENTS, &error, "list", "");
            match (&error, &self.operator_namespace) {
                (kube::Error::Api(status), None) if status.code == 403 => {
                    format!("{why} Or name the operator's namespace with --operator-namespace.")
                }
                _ => why,
            }
        })?;
        let mut found: Vec<_> = listed.into_iter().map(Installation).collect();
        found.sort_by_key(|one| (one.namespace(), one.name()));
        Ok(found)
    }

    /// Where the operator is searched for.
    pub(super) fn place(&self) -> String {
        self.operator_namespace.as_ref().map_or("any namespace".to_owned(), |namespace| format!("namespace {namespace}"))
    }
}

/// An operator that is installed.
pub(super) struct Installation(Deployment);

impl Installation {
    pub(super) fn namespace(&self) -> String {
        self.0.namespace().unwrap_or_default()
    }

    pub(super) fn name(&self) -> String {
        self.0.name_any()
    }

    /// Namespace and name.
    pub(super) fn title(&self) -> String {
        format!("{}/{}", self.namespace(), self.name())
    }

    fn pod(&self) -> Option<&PodSpec> {
        self.0.spec.as_ref()?.template.spec.as_ref()
    }

    /// The operator's container.
    pub(super) fn container(&self) -> Option<&Container> {
        main_container(self.0.spec.as_ref()?.template.metadata.as_ref(), self.pod())
    }

    /// The version: the tag of the image, or else the label.
    pub(super) fn version(&self) -> Option<String> {
        let tag = self.container().and_then(|one| one.image.as_deref()).and_then(tag);
        tag.or_else(|| self.0.labels().get("app.kubernetes.io/version").cloned())
    }

    /// The ServiceAccount of its pods.
    pub(super) fn account(&self) -> String {
        self.pod().and_then(|pod| pod.service_account_name.clone()).unwrap_or_else(|| "default".to_owned())
    }

    /// How many of its replicas are ready, and how many there should be.
    pub(super) fn replicas(&self) -> (i32, i32) {
        let ready = self.0.status.as_ref().and_then(|status| status.ready_replicas).unwrap_or(0);
        (ready, self.0.spec.as_ref().and_then(|spec| spec.replicas).unwrap_or(1))
    }

    /// The labels of its pods, as a selector.
    pub(super) fn pods(&self) -> String {
        let labels = self.0.spec.as_ref().and_then(|spec| spec.selector.match_labels.as_ref());
        labels.into_iter().flatten().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(",")
    }

    /// The settings that it runs with.
    ///
    /// # Errors
    ///
    /// The option that this version does not understand, as text.
    pub(super) fn settings(&self) -> Result<Settings, String> {
        Settings::of(self.container())
    }
}

/// The container of a pod, or of its template, that matters: kubectl's default one, or else the first.
pub(super) fn main_container<'a>(meta: Option<&ObjectMeta>, spec: Option<&'a PodSpec>) -> Option<&'a Container> {
    let annotations = meta.and_then(|meta| meta.annotations.as_ref());
    let named = annotations.and_then(|all| all.get("kubectl.kubernetes.io/default-container"));
    let containers = &spec?.containers;
    containers.iter().find(|one| Some(&one.name) == named).or_else(|| containers.first())
}

/// The tag of an image, without a leading v; nothing if it is named by its digest only.
fn tag(image: &str) -> Option<String> {
    let (name, _) = image.split_once('@').unwrap_or((image, ""));
    // A colon before the last slash is that of a port.
    let (_, tag) = name.rsplit('/').next()?.split_once(':')?;
    Some(tag.strip_prefix('v').filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit())).unwrap_or(tag).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_is_the_tag_of_the_image() {
        #[rustfmt::skip]
        let table = [
            ("ghcr.io/a/synapse-spark-operator:0.1.0",           Some("0.1.0")),
            ("registry:5000/a/operator:v0.2.0",                  Some("0.2.0")),
            ("registry:5000/a/operator:0.1.0@sha256:abc",        Some("0.1.0")),
            ("registry:5000/a/operator@sha256:abc",              None),
            ("registry:5000/a/operator",                         None),
            ("operator:vnext",                                   Some("vnext")),
        ];
        for (image, version) in table {
            assert_eq!(tag(image).as_deref(), version, "{image}");
        }
    }
}
