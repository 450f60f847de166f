//! What `deploy/` ships: one file, a kustomize base, an overlay, GitOps examples.

use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;

use super::helm_release;
use crate::support::{HELMS, Plane, gotool, template};

const DEPLOY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy");

/// The path of a file or folder in `deploy/`.
pub fn deploy(path: &str) -> String {
    format!("{DEPLOY}/{path}")
}

/// Installs the definitions of Flux, Argo CD and the Prometheus Operator that `deploy/` and the chart use.
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

fn install_yaml() -> String {
    std::fs::read_to_string(deploy("install.yaml")).expect("it is there")
}

#[test]
fn kustomize_base_has_the_objects_of_install_yaml() {
    let plane = Plane::shared();
    let sorted = |manifests: &str| {
        let mut all: Vec<_> = objects(plane, manifests).iter().map(ToString::to_string).collect();
        all.sort();
        all
    };
    assert_eq!(sorted(&plane.must(&["kustomize", DEPLOY])), sorted(&install_yaml()));
}

#[test]
fn api_server_accepts_the_kustomize_base_without_a_warning() {
    Plane::shared().must(&["apply", "--dry-run=server", "--warnings-as-errors", "-k", DEPLOY]);
}

#[test]
fn install_yaml_creates_the_namespace_before_what_is_in_it() {
    assert_eq!(objects(Plane::shared(), &install_yaml())[0]["kind"], "Namespace");
}

#[test]
fn install_yaml_has_the_definition_that_is_generated() {
    let definition = |manifests: &str| {
        let all = objects(Plane::shared(), manifests);
        all.iter().find(|object| object["kind"] == "CustomResourceDefinition").expect("it is there")["spec"].clone()
    };
    assert_eq!(definition(&install_yaml()), definition(include_str!("../../crds/synapsesparkattachments.yaml")));
}

#[test]
fn install_yaml_has_no_trace_of_helm() {
    let file = install_yaml();
    for word in ["Helm", "helm.sh"] {
        assert!(!file.contains(word), "{word} is in it");
    }
}

/// The overlay and the base as they are shipped, but that the overlay finds the base beside it instead of by its URL.
fn overlay() -> (TempDir, String) {
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
    let overlay = overlay.to_str().expect("a path of text").to_owned();
    (folder, overlay)
}

#[test]
fn overlay_sets_the_identity_and_the_image() {
    let plane = Plane::shared();
    let (_folder, overlay) = overlay();
    let rendered = objects(plane, &plane.must(&["kustomize", &overlay]));
    let of = |kind: &str| rendered.iter().find(|object| object["kind"] == kind).expect("it is there");
    let annotations = &of("ServiceAccount")["metadata"]["annotations"];
    assert_eq!(annotations["azure.workload.identity/client-id"], "00000000-0000-0000-0000-000000000000");
    let image = of("Deployment")["spec"]["template"]["spec"]["containers"][0]["image"].as_str().expect("text");
    assert_eq!(image, concat!("yogiregistry.azurecr.io/synapse-spark-operator:", env!("CARGO_PKG_VERSION")));
}

#[test]
fn api_server_accepts_the_overlay_without_a_warning() {
    let (_folder, overlay) = overlay();
    Plane::shared().must(&["apply", "--dry-run=server", "--warnings-as-errors", "-k", &overlay]);
}

#[test]
fn api_server_accepts_the_gitops_examples_without_a_warning() {
    let _turn = helm_release::turn();
    let plane = Plane::bare();
    foreign_kinds(plane);
    for namespace in ["argocd", "flux-system", "synapse-spark-system"] {
        plane.must(&["create", "namespace", namespace]);
    }
    let accept = |how: &str, what: &str| plane.must(&["apply", "--dry-run=server", "--warnings-as-errors", how, &deploy(what)]);
    for file in ["gitops/argocd/operator.yaml", "gitops/argocd/attachments.yaml", "gitops/flux/sync.yaml"] {
        accept("-f", file);
    }
    accept("-k", "gitops/flux/operator");
}

#[test]
fn chart_accepts_the_values_of_the_gitops_examples() {
    let plane = Plane::shared();
    foreign_kinds(plane);
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
