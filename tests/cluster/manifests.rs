//! What `deploy/` ships: one file, a kustomize base, GitOps examples.

use std::path::Path;

use serde_json::Value;

use crate::support::{HELMS, Plane, gotool, template};

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
fn objects(plane: &Plane, manifests: &str) -> Vec<Value> {
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
