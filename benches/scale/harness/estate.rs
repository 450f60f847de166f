//! What a row works on: a subscription with workspaces, and the objects that are attached there.

use futures::{StreamExt, TryStreamExt, stream};
use k8s_openapi::api::core::v1::Namespace;
use kube::api::{Api, DeleteParams, ListParams, PostParams};
use serde_json::{Value, json};
use synapse_spark_operator::api::SynapseSparkAttachment;

use super::stage::Stage;
use crate::support::{TENANT, block_on};

/// How many objects are made at the same time.
const MAKERS: usize = 16;

/// Objects of one namespace, spread over the workspaces of one subscription.
#[derive(Clone, Debug)]
pub struct Estate {
    pub namespace: String,
    pub objects: usize,
    pub workspaces: usize,
    subscription: String,
}

impl Estate {
    /// Makes the namespace, and in Azure what the objects name. It makes no objects.
    pub fn new(stage: &Stage, namespace: &str, objects: usize, workspaces: usize) -> Self {
        let subscription = "5ca1ab1e-0000-4000-8000-000000000001".to_owned();
        let estate = Self { namespace: namespace.to_owned(), objects, workspaces, subscription };
        let of_workspaces: Vec<Value> = (0..workspaces).map(|number| json!({"id": estate.workspace(number)})).collect();
        stage.add(&json!({
            "subscriptions": [{"id": estate.subscription, "tenantId": TENANT}],
            "workspaces": of_workspaces,
            "pools": [{"id": estate.pool()}],
        }));
        let namespace = json!({"metadata": {"name": estate.namespace}});
        let namespace: Namespace = serde_json::from_value(namespace).expect("a namespace");
        let all: Api<Namespace> = Api::all(stage.plane.kube.clone());
        block_on(all.create(&PostParams::default(), &namespace)).expect("the namespace is new");
        estate
    }

    /// All objects of this estate.
    pub fn api(&self, stage: &Stage) -> Api<SynapseSparkAttachment> {
        Api::namespaced(stage.plane.kube.clone(), &self.namespace)
    }

    /// Makes the objects.
    pub fn make(&self, stage: &Stage) {
        let api = self.api(stage);
        let made = stream::iter(0..self.objects).map(|number| self.create(&api, number));
        block_on(made.buffer_unordered(MAKERS).try_collect::<Vec<_>>()).expect("the objects are valid and new");
    }

    /// Makes one object.
    pub async fn create(&self, api: &Api<SynapseSparkAttachment>, number: usize) -> kube::Result<()> {
        api.create(&PostParams::default(), &self.object(number)).await.map(|_| ())
    }

    /// Deletes all objects.
    pub async fn delete(api: Api<SynapseSparkAttachment>) -> kube::Result<()> {
        api.delete_collection(&DeleteParams::default(), &ListParams::default()).await.map(|_| ())
    }

    fn object(&self, number: usize) -> SynapseSparkAttachment {
        let object = json!({
            "apiVersion": "synapse-spark.dev/v1alpha1",
            "kind": "SynapseSparkAttachment",
            "metadata": {"name": name(number)},
            "spec": {
                "workspace": {
                    "subscriptionId": self.subscription,
                    "resourceGroup": "scale",
                    "name": workspace(number % self.workspaces),
                },
                "resourceId": self.pool(),
                "identity": {"type": "SystemAssigned"},
            },
        });
        serde_json::from_value(object).expect("an attachment")
    }

    fn group(&self) -> String {
        format!("/subscriptions/{}/resourceGroups/scale", self.subscription)
    }

    fn workspace(&self, number: usize) -> String {
        format!("{}/providers/Microsoft.MachineLearningServices/workspaces/{}", self.group(), workspace(number))
    }

    fn pool(&self) -> String {
        format!("{}/providers/Microsoft.Synapse/workspaces/scale-synapse/bigDataPools/pool", self.group())
    }
}

/// The name of an object and of its compute.
pub fn name(number: usize) -> String {
    format!("s{number:06}x")
}

fn workspace(number: usize) -> String {
    format!("scale-{number:04}")
}
