//! What `deploy/` ships: one file, a kustomize base, GitOps examples, a policy.

use std::path::Path;
use std::sync::PoisonError;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{HELMS, Plane, World, gotool, template};

const DEPLOY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy");

fn deploy(path: &str) -> String {
    format!("{DEPLOY}/{path}")
}

/// Lets a control plane know the kinds of Flux, Argo CD and the Prometheus Operator that we use: their own definitions.
pub fn foreign_kinds(plane: &Plane) {
    let definitions = gotool("crds");
    let definitions = definitions.to_str().expect("a path of text");
    plane.must(&["apply", "--server-side", "-f", definitions]);
    plane.must(&["wait", "--for=condition=Established", "-f", definitions, "--timeout=30s"]);
}

/// The objects of manifests.
pub fn objects(plane: &Plane, manifests: &str) -> Vec<Value> {
    let printed = plane.kubectl(&["create", "--dry-run=client", "-o", "json", "-f", "-"], manifests).expect("they are manifests");
    serde_json::Deserializer::from_str(&printed).into_iter().collect::<Result<_, _>>().expect("kubectl prints JSON")
}

#[test]
fn the_kustomize_base_is_what_install_yaml_has() {
    let plane = Plane::shared();
    let file = std::fs::read_to_string(deploy("install.yaml")).expect("it is there");
    let sorted = |manifests: &str| {
        let mut all: Vec<_> = objects(plane, manifests).iter().map(ToString::to_string).collect();
        all.sort();
        all
    };
    assert_eq!(objects(plane, &file)[0]["kind"], "Namespace", "what is in a namespace comes after it");
    assert_eq!(sorted(&plane.must(&["kustomize", DEPLOY])), sorted(&file));
    plane.must(&["apply", "--dry-run=server", "--warnings-as-errors", "-k", DEPLOY]);
    let of = |manifests: &str| {
        let all = objects(plane, manifests);
        all.iter().find(|object| object["kind"] == "CustomResourceDefinition").expect("it is there")["spec"].clone()
    };
    assert_eq!(of(&file), of(include_str!("../../crds/synapsesparkattachments.yaml")));
    for word in ["Helm", "helm.sh"] {
        assert!(!file.contains(word), "{word}: nothing of it is Helm's");
    }
}

#[test]
fn an_overlay_gives_the_base_an_identity_and_an_image() {
    let plane = Plane::shared();
    // As it is, but for the base, which it names by its address.
    let folder = tempfile::tempdir().expect("a folder");
    let (base, overlay) = (folder.path().join("base"), folder.path().join("overlay"));
    for (to, files) in [(&base, &["kustomization.yaml", "install.yaml"][..]), (&overlay, &["gitops/overlay/kustomization.yaml"])]
    {
        std::fs::create_dir(to).expect("a folder");
        for file in files {
            let from = Path::new(DEPLOY).join(file);
            std::fs::copy(&from, to.join(from.file_name().expect("a file"))).expect("it is there");
        }
    }
    let file = overlay.join("kustomization.yaml");
    let text = std::fs::read_to_string(&file).expect("it is there");
    let address =
        format!("https://github.com/synapse-spark-operator/synapse-spark-operator//deploy?ref=v{}", env!("CARGO_PKG_VERSION"));
    assert!(text.contains(&address), "run make generate");
    std::fs::write(&file, text.replace(&address, "../base")).expect("a file");

    let overlay = overlay.to_str().expect("a path of text");
    let rendered = objects(plane, &plane.must(&["kustomize", overlay]));
    let of = |kind: &str| rendered.iter().find(|object| object["kind"] == kind).expect("it is there");
    let annotations = &of("ServiceAccount")["metadata"]["annotations"];
    assert_eq!(annotations["azure.workload.identity/client-id"], "00000000-0000-0000-0000-000000000000");
    let image = of("Deployment")["spec"]["template"]["spec"]["containers"][0]["image"].as_str().expect("text");
    assert_eq!(image, concat!("yogiregistry.azurecr.io/synapse-spark-operator:", env!("CARGO_PKG_VERSION")));
    plane.must(&["apply", "--dry-run=server", "--warnings-as-errors", "-k", overlay]);
}

#[test]
fn argo_cd_and_flux_take_the_examples() {
    let _turn = super::helm_release::TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let plane = Plane::bare();
    foreign_kinds(plane);
    for namespace in ["argocd", "flux-system", "synapse-spark-system"] {
        plane.must(&["create", "namespace", namespace]);
    }
    let take = |how: &str, what: &str| plane.must(&["apply", "--dry-run=server", "--warnings-as-errors", how, &deploy(what)]);
    for file in ["gitops/argocd/operator.yaml", "gitops/argocd/attachments.yaml", "gitops/flux/sync.yaml"] {
        take("-f", file);
    }
    take("-k", "gitops/flux/operator");

    // And the chart takes the values in them.
    let read = |file: &str| objects(plane, &std::fs::read_to_string(deploy(file)).expect("it is there"));
    let argo = read("gitops/argocd/operator.yaml")[0]["spec"]["source"]["helm"]["valuesObject"].clone();
    let flux = read("gitops/flux/operator/release.yaml")[1]["spec"]["values"].clone();
    for values in [argo, flux] {
        for version in HELMS {
            let rendered = template(version, plane, "default", &values.to_string()).expect("good values");
            assert!(rendered.contains("azure.workload.identity/client-id"), "{values}");
        }
    }
}

/// The shipped policy, as long as it is in force.
struct Policy(&'static Plane);

impl Drop for Policy {
    fn drop(&mut self) {
        let _ = self.0.kubectl(&["delete", "-f", &deploy("policy"), "--ignore-not-found"], "");
    }
}

#[test]
fn a_namespace_names_only_the_subscriptions_that_it_may() {
    let world = World::alone("policy", Duration::ZERO);
    let plane = world.plane();
    world.apply("before", "one", &[]);
    world.ready("before");

    let policy = Policy(plane);
    plane.must(&["apply", "--warnings-as-errors", "-f", &deploy("policy")]);
    let other = "99999999-0000-4000-8000-000000000000";
    let own = world.manifest("nightly", "one", &[]);
    let asked = |manifest: &str| plane.kubectl(&["apply", "--dry-run=server", "-f", "-"], manifest);
    let may = |allowed: &str| {
        let annotation = format!("synapse-spark.dev/subscriptions={allowed}");
        plane.must(&["annotate", "--overwrite", "namespace", &world.namespace, &annotation]);
    };

    let refusal = world.until("the policy is in force", || asked(&own).err());
    for word in [
        "spec.workspace.subscriptionId",
        &world.subscription,
        &world.namespace,
        "no subscription",
        "synapse-spark.dev/subscriptions",
    ] {
        assert!(refusal.contains(word), "{word} is not in {refusal}");
    }
    may(&format!("{other}, {}", world.subscription.to_uppercase()));
    world.until("the annotation is seen", || asked(&own).ok());

    may(&world.subscription);
    let pool = own.replace(
        &format!("  resourceId: /subscriptions/{}", world.subscription),
        &format!("  resourceId: /subscriptions/{other}"),
    );
    let identity = world.identity("first").replace(&world.subscription, other);
    let identity = world.manifest(
        "nightly",
        "one",
        &["identity:", "  type: UserAssigned", &format!("  userAssignedIdentities: [{{resourceId: {identity}}}]")],
    );
    for (manifest, field) in [(pool, "spec.resourceId"), (identity, "spec.identity.userAssignedIdentities")] {
        let refusal = world.until("the annotation is seen", || asked(&manifest).err());
        for word in [field, other, &world.subscription] {
            assert!(refusal.contains(word), "{word} is not in {refusal}");
        }
        assert!(!refusal.contains("spec.workspace.subscriptionId"), "{refusal}");
    }
    may("*");
    world.until("the annotation is seen", || asked(&own.replace(&world.subscription, other)).ok());

    // What was there before goes on, though its namespace may no longer name its subscription.
    may(other);
    let change = json!({"spec": {"description": "changed"}}).to_string();
    let change =
        ["patch", "ssa", "before", "--namespace", &world.namespace, "--type=merge", "--dry-run=server", "--patch", &change];
    world.until("the annotation is seen", || plane.kubectl(&change, "").err());
    world.kubectl(&["label", "ssa", "before", "a=b"]);
    world.delete("before");
    world.gone("before");
    assert_eq!(world.writes("before"), ["PUT", "DELETE"]);
    drop(policy);
    // The API server looks once a second which policies there are: the next test on this stage must not meet it.
    world.until("the policy is gone", || asked(&own).ok());
}
