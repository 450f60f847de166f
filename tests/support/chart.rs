//! The chart, and the programs that read it.

use std::path::{Path, PathBuf};

use super::plane::Plane;

/// Both Helms that are in use.
pub const HELMS: [&str; 2] = ["helm3", "helm4"];
/// Where the chart is.
pub const CHART: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/charts/synapse-spark-operator");

/// A program of `tests/gotools`.
pub fn gotool(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/gotools/bin").join(name);
    assert!(path.exists(), "tests/gotools/bin/{name} is missing: run tests/gotools/build {name}");
    path
}

/// Runs Helm as the administrator of a control plane, with values on standard input (`--values -`). Returns its output, or its
/// errors.
pub fn helm(version: &str, plane: &Plane, args: &[&str], values: &str) -> Result<String, String> {
    plane.run(&gotool(version), args, values)
}

/// The chart's manifests for these values, on the oldest Kubernetes that it supports.
pub fn template(version: &str, plane: &Plane, namespace: &str, values: &str) -> Result<String, String> {
    let release = ["template", "release", CHART, "--kube-version", "1.33.0", "--namespace", namespace, "--values", "-"];
    helm(version, plane, &release, values)
}
