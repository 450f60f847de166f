//! `kubectl synapse`, started by kubectl itself, beside an operator that runs.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

use crate::support::{TENANT, World};

/// A folder with the plugin, as a user has it in the `PATH`.
pub fn folder(world: &World) -> PathBuf {
    let folder = world.plane().folder.join("plugin");
    std::fs::create_dir_all(&folder).expect("a folder");
    for name in ["kubectl-synapse", "kubectl_complete-synapse"] {
        match std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_synapse-spark-operator"), folder.join(name)) {
            Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => panic!("{name}: {error}"),
            _ => {}
        }
    }
    folder
}

/// kubectl with the plugin, with the rights of a kubeconfig, and nothing else of whoever runs the tests.
pub fn kubectl(world: &World, kubeconfig: &Path, args: &[&str], env: &[(&str, &str)]) -> Output {
    Command::new(&world.plane().kubectl)
        .args(args)
        .env_clear()
        .env("PATH", folder(world))
        .env("HOME", &world.plane().folder)
        .env("KUBECONFIG", kubeconfig)
        .envs(env.iter().copied())
        .output()
        .expect("kubectl starts")
}

/// The result of a command: exit code, standard output, standard error.
pub type Said = (Option<i32>, String, String);

pub fn said(out: &Output) -> Said {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (out.status.code(), text(&out.stdout), text(&out.stderr))
}

/// `kubectl synapse … -n NAMESPACE`, as the administrator.
pub fn synapse(world: &World, args: &[&str]) -> Said {
    let all = [&["synapse"], args, &["-n", &world.namespace]].concat();
    said(&kubectl(world, &world.plane().kubeconfig, &all, &[]))
}

/// An application in Entra that may do everything in Azure: its client ID and its secret.
pub const ADMIN: (&str, &str) = ("11111111-2222-3333-4444-555555555555", "emulator-secret-not-a-real-one");

/// The environment of a user with an application in Azure.
pub fn azure_environment(world: &World, (client, secret): (&str, &str)) -> [(&'static str, String); 6] {
    let endpoint = world.azure().endpoint().to_owned();
    [
        ("AZURE_RESOURCE_MANAGER_ENDPOINT", endpoint.clone()),
        ("AZURE_AUTHORITY_HOST", endpoint),
        ("AZURE_CA_FILE", world.azure().ca_file().display().to_string()),
        ("AZURE_TENANT_ID", TENANT.to_owned()),
        ("AZURE_CLIENT_ID", client.to_owned()),
        ("AZURE_CLIENT_SECRET", secret.to_owned()),
    ]
}

/// `kubectl synapse` with the rights of a kubeconfig in Kubernetes, and with an application in Azure.
pub fn synapse_as(world: &World, kubeconfig: &Path, caller: (&str, &str), args: &[&str]) -> Said {
    let env = azure_environment(world, caller);
    let env = env.each_ref().map(|(name, value)| (*name, value.as_str()));
    let all = [&["synapse"], args, &["-n", &world.namespace]].concat();
    said(&kubectl(world, kubeconfig, &all, &env))
}

/// `kubectl synapse`, as the administrator of the cluster, with an identity of its own in Azure.
pub fn synapse_with_azure(world: &World, args: &[&str]) -> Said {
    synapse_as(world, &world.plane().kubeconfig, ADMIN, args)
}

pub fn has(text: &str, words: &[&str]) {
    for word in words {
        assert!(text.contains(word), "{word:?} is not in\n{text}");
    }
}

pub fn keys(value: &Value) -> Vec<&str> {
    value.as_object().expect("an object").keys().map(String::as_str).collect()
}

/// The one attachment of `status NAME -o json`.
pub fn shown(world: &World, name: &str) -> Value {
    let (_, out, complaint) = synapse(world, &["status", name, "-o", "json"]);
    let all: Value = serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}{complaint}"));
    all["attachments"][0].clone()
}
