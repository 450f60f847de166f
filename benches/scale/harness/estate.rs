//! What a row works on: subscriptions with workspaces, and the objects that are attached there.

use std::fmt::Debug;

use futures::{StreamExt, TryStreamExt, stream};
use k8s_openapi::api::core::v1::{Namespace, ServiceAccount};
use kube::Client;
use kube::api::{Api, DeleteParams, ListParams, PostParams};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use synapse_spark_operator::api::SynapseSparkAttachment;

use super::stage::Stage;
use crate::support::{TENANT, block_on};

/// How many objects are created at the same time.
const MAKERS: usize = 16;
/// The `ServiceAccount` of a namespace that has an identity of its own.
const SERVICE_ACCOUNT: &str = "scale";
/// The number of computes in a page of a LIST, unless a row has another.
pub const PAGE_SIZE: usize = 50;

/// How many there are of what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    pub objects: usize,
    pub workspaces: usize,
    /// The workspaces are spread over them.
    pub subscriptions: usize,
    /// With more than one, each has a namespace, whose objects use its identity. Otherwise the operator's own is used.
    pub principals: usize,
    /// How many computes a page of a LIST has.
    pub page_size: usize,
}

impl Shape {
    /// One subscription and one principal.
    pub const fn new(objects: usize, workspaces: usize) -> Self {
        Self { objects, workspaces, subscriptions: 1, principals: 1, page_size: PAGE_SIZE }
    }

    /// The pages of one LIST of each workspace that has objects.
    pub fn pages(&self) -> usize {
        let workspaces = self.workspaces.min(self.objects);
        let of_one = |workspace| (self.objects / self.workspaces) + usize::from(workspace < self.objects % self.workspaces);
        (0..workspaces).map(|workspace| of_one(workspace).div_ceil(self.page_size)).sum()
    }
}

/// Objects, spread over the workspaces of some subscriptions.
#[derive(Clone, Debug)]
pub struct Estate {
    pub shape: Shape,
    name: String,
    /// The names of its objects begin with it.
    letter: char,
    /// The Synapse workspace of the pool, whose name ends in the number of the subscription.
    synapse: String,
    /// The fields of each object's spec other than workspace, pool and identity.
    spec: Value,
}

impl Estate {
    /// Describes it; [`Estate::set_up`] makes it.
    pub fn new(name: &str, shape: Shape) -> Self {
        Self { shape, name: name.to_owned(), letter: 's', synapse: "scale-synapse".to_owned(), spec: json!({}) }
    }

    /// With another first letter of the names, for several on one stage.
    pub fn lettered(self, letter: char) -> Self {
        Self { letter, ..self }
    }

    /// With pools in this Synapse workspace.
    pub fn on(self, synapse: &str) -> Self {
        Self { synapse: synapse.to_owned(), ..self }
    }

    /// With this in each spec.
    pub fn with(self, spec: Value) -> Self {
        Self { spec, ..self }
    }

    /// Makes the namespaces, and in Azure what the objects name. It makes no objects.
    pub fn set_up(&self, stage: &Stage) {
        let subscriptions = (0..self.shape.subscriptions).map(subscription);
        let seeds: Vec<Value> = subscriptions.map(|id| json!({"id": id, "tenantId": TENANT})).collect();
        let workspaces: Vec<Value> = (0..self.shape.workspaces).map(|number| json!({"id": self.workspace_id(number)})).collect();
        let pools: Vec<Value> = (0..self.shape.subscriptions).map(|number| json!({"id": self.pool(number)})).collect();
        stage.add(&json!({"subscriptions": seeds, "workspaces": workspaces, "pools": pools}));
        for principal in 0..self.shape.principals {
            let namespace = self.namespace(principal);
            create(&Api::<Namespace>::all(stage.plane.kube.clone()), &json!({"metadata": {"name": namespace}}));
            if self.has_accounts() {
                let client = stage.trust(&namespace, SERVICE_ACCOUNT, principal);
                let annotations =
                    json!({"azure.workload.identity/client-id": client, "azure.workload.identity/tenant-id": TENANT});
                let account = json!({"metadata": {"name": SERVICE_ACCOUNT, "annotations": annotations}});
                create(&Api::<ServiceAccount>::namespaced(stage.plane.kube.clone(), &namespace), &account);
            }
        }
        if self.has_accounts() {
            stage.allow_accounts(&self.namespace(0));
        }
    }

    /// Makes the objects.
    pub fn make(&self, stage: &Stage) {
        let made = stream::iter(0..self.shape.objects).map(|number| self.create(&stage.plane.kube, number));
        block_on(made.buffer_unordered(MAKERS).try_collect::<Vec<_>>()).expect("the objects are valid and new");
    }

    /// Makes one object.
    pub async fn create(&self, kube: &Client, number: usize) -> kube::Result<()> {
        let api = Api::namespaced(kube.clone(), &self.namespace(number));
        api.create(&PostParams::default(), &self.object(number)).await.map(|_| ())
    }

    /// The objects that have this one's namespace.
    pub fn api(&self, stage: &Stage, number: usize) -> Api<SynapseSparkAttachment> {
        Api::namespaced(stage.plane.kube.clone(), &self.namespace(number))
    }

    /// Deletes all objects.
    pub async fn delete(self, kube: Client) -> kube::Result<()> {
        for principal in 0..self.shape.principals {
            let api = Api::<SynapseSparkAttachment>::namespaced(kube.clone(), &self.namespace(principal));
            api.delete_collection(&DeleteParams::default(), &ListParams::default()).await?;
        }
        Ok(())
    }

    /// The name of an object and of its compute.
    pub fn object_name(&self, number: usize) -> String {
        format!("{}{number:06}x", self.letter)
    }

    /// Whether an object of this name is one of these.
    pub fn has(&self, name: &str) -> bool {
        name.starts_with(self.letter)
    }

    /// The ID of an object's compute.
    pub fn compute_id(&self, number: usize) -> String {
        format!("{}/computes/{}", self.workspace_id(self.workspace_of(number)), self.object_name(number))
    }

    fn has_accounts(&self) -> bool {
        self.shape.principals > 1
    }

    fn object(&self, number: usize) -> SynapseSparkAttachment {
        let workspace = self.workspace_of(number);
        let mut spec = json!({
            "workspace": {
                "subscriptionId": subscription(self.subscription_of(workspace)),
                "resourceGroup": "scale",
                "name": self.workspace_name(workspace),
            },
            "resourceId": self.pool(self.subscription_of(workspace)),
            "identity": {"type": "SystemAssigned"},
        });
        if self.has_accounts() {
            spec["serviceAccountName"] = json!(SERVICE_ACCOUNT);
        }
        for (key, value) in self.spec.as_object().expect("an object of JSON") {
            spec[key] = value.clone();
        }
        let object = json!({
            "apiVersion": "synapse-spark.dev/v1alpha1",
            "kind": "SynapseSparkAttachment",
            "metadata": {"name": self.object_name(number)},
            "spec": spec,
        });
        serde_json::from_value(object).expect("an attachment")
    }

    fn namespace(&self, number: usize) -> String {
        format!("{}-{}", self.name, number % self.shape.principals)
    }

    /// The objects of each namespace are in all workspaces.
    fn workspace_of(&self, number: usize) -> usize {
        (number / self.shape.principals) % self.shape.workspaces
    }

    fn subscription_of(&self, workspace: usize) -> usize {
        workspace % self.shape.subscriptions
    }

    fn workspace_name(&self, number: usize) -> String {
        format!("{}-{number:04}", self.name)
    }

    fn workspace_id(&self, number: usize) -> String {
        let group = group(self.subscription_of(number));
        format!("{group}/providers/Microsoft.MachineLearningServices/workspaces/{}", self.workspace_name(number))
    }

    fn pool(&self, number: usize) -> String {
        format!("{}/providers/Microsoft.Synapse/workspaces/{}{number}/bigDataPools/pool", group(number), self.synapse)
    }
}

fn subscription(number: usize) -> String {
    format!("5ca1ab1e-0000-4000-8000-{:012x}", number + 1)
}

fn group(subscription_number: usize) -> String {
    format!("/subscriptions/{}/resourceGroups/scale", subscription(subscription_number))
}

/// Makes an object of Kubernetes.
fn create<T>(api: &Api<T>, object: &Value)
where
    T: DeserializeOwned + Serialize + Clone + Debug,
{
    let object: T = serde_json::from_value(object.clone()).expect("such an object");
    block_on(api.create(&PostParams::default(), &object)).expect("the object is new");
}
