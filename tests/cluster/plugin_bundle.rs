//! `kubectl synapse bundle` against a real API server.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use super::plugin::{has, kubectl, said};
use crate::support::World;

/// The value of an environment variable, and the password in an argument.
const PLANTED: &str = "planted-in-the-deployment";

/// The files of a bundle.
fn files(bundle: &Path) -> BTreeMap<String, String> {
    let archive = flate2::read::GzDecoder::new(std::fs::File::open(bundle).expect("it is written"));
    let read = |mut file: tar::Entry<'_, _>| {
        let name = file.path().expect("a name").display().to_string();
        let mut text = String::new();
        let _: usize = Read::read_to_string(&mut file, &mut text).expect("text");
        (name.trim_start_matches("synapse-spark-bundle/").to_owned(), text)
    };
    tar::Archive::new(archive).entries().expect("an archive").map(|file| read(file.expect("a file"))).collect()
}

#[test]
fn bundle_has_what_the_caller_may_read_and_no_secret() {
    let world = World::new("bundle");
    let namespace = world.namespace.as_str();
    world.apply("nightly", "one", &[]);
    world.ready("nightly");
    let deployment = format!(
        "{{apiVersion: apps/v1, kind: Deployment, metadata: {{name: operator, namespace: {namespace}, labels: {{app: bundled}}}}, spec: {{
          selector: {{matchLabels: {{app: bundled}}}}, template: {{metadata: {{labels: {{app: bundled}}}}, spec: {{containers: [
          {{name: operator, image: a, args: [run, '--arm-endpoint=https://me:{PLANTED}@proxy.example'],
            env: [{{name: CONCURRENCY, value: '77'}}, {{name: MY_WORD, value: {PLANTED}}}]}}]}}}}}}}}"
    );
    world.plane().kubectl(&["apply", "-f", "-"], &deployment).expect("a Deployment");
    world.kubectl(&["create", "serviceaccount", "reader"]);
    // No controller creates the pods of Deployments here.
    let pod = format!(
        "{{apiVersion: v1, kind: Pod, metadata: {{name: operator-1, namespace: {namespace}, labels: {{app: bundled}}}}, spec: {{
          serviceAccountName: reader, containers: [{{name: operator, image: a}}, {{name: sidecar, image: a}}]}}}}"
    );
    world.plane().kubectl(&["apply", "-f", "-"], &pod).expect("a pod");

    let folder = &world.plane().folder;
    let bundle = folder.join(format!("{namespace}.tar.gz"));
    let of = bundle.display().to_string();
    let args = ["synapse", "bundle", "-n", namespace, "--operator-namespace", namespace, "-l", "app=bundled", "--output", &of];
    let (code, out, progress) = said(&kubectl(&world, &world.plane().kubeconfig, &args, &[]));
    assert_eq!(code, Some(0), "{out}{progress}");
    has(&out, &["attachments.json: ", " bytes", &format!("written: {of}"), "pods.json"]);
    has(&progress, &["operator/deployments.json: read"]);
    let all = files(&bundle);
    for (name, text) in &all {
        assert!(!text.contains(PLANTED), "{name}: {text}");
    }
    has(&all["attachments.json"], &["\"nightly\"", "\"Attached\""]);
    has(&all["attachment-events.json"], &["Attaching"]);
    has(&all["operator/deployments.json"], &["\"77\"", "MY_WORD", "https://REDACTED@proxy.example"]);
    has(&all["definition.json"], &["synapsesparkattachments.synapse-spark.dev"]);
    has(&all["versions.json"], &["gitVersion", env!("CARGO_PKG_VERSION")]);
    // No node runs the pod: its log is empty.
    has(&all["index.txt"], &["operator/operator-1.log: 0 bytes", "operator/operator-1.metrics: not read: "]);

    let (code, _, complaint) = said(&kubectl(&world, &world.plane().kubeconfig, &args, &[]));
    assert_eq!(code, Some(1), "a file is not overwritten");
    has(&complaint, &[&of, "exists"]);

    let kubeconfig = folder.join(format!("{namespace}-reader"));
    world.plane().kubeconfig_of(namespace, "reader", &kubeconfig);
    let bundle = folder.join(format!("{namespace}-reader.tar.gz"));
    let of = bundle.display().to_string();
    let args = ["synapse", "bundle", "-n", namespace, "--operator-namespace", namespace, "--output", &of];
    let (code, out, _) = said(&kubectl(&world, &kubeconfig, &args, &[]));
    assert_eq!(code, Some(0), "{out}");
    let all = files(&bundle);
    has(
        &all["index.txt"],
        &["attachments.json: not read: ", "is forbidden", "operator/pods.json: not read: ", "versions.json: "],
    );
    assert!(!all.contains_key("attachments.json"), "it may not be read");
}
