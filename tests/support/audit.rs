//! What a run of the cluster tests keeps for `rights.rs`, which comes after it.

/// The manifest with the operator's rights, from the root of the repository.
pub const MANIFEST: &str = "deploy/install.yaml";
/// The user name of the operator in Kubernetes.
pub const NAMESPACE: &str = "synapse-spark-system";
/// Its account there.
pub const ACCOUNT: &str = "synapse-spark-operator";
/// The account of an install for some namespaces only. Its manifest is kept as `scoped.yaml`.
pub const SCOPED: &str = "scoped";
/// The account of an install with shards. Its manifest is kept as `sharded.yaml`.
pub const SHARDED: &str = "sharded";
/// The account of an install that may use namespaces' own identities. Its manifest is kept as `accounts.yaml`.
pub const ACCOUNTS: &str = "accounts";
/// The account of an install that may write ConfigMaps for `spec.outputs`. Its manifest is kept as `outputs.yaml`.
pub const OUTPUTS: &str = "outputs";
/// The folder. The file [`PROGRAM`] is as old as the run; each control plane has an audit log `NAME.log`.
pub const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/target/audit");
/// The path of the tests' own program, and the arguments that it was started with, a line each.
pub const PROGRAM: &str = "program";
/// A line `began NAMESPACE WHERE` for the world of each test, and `ended NAMESPACE WHERE` if the test went well.
pub const WORLDS: &str = "worlds";
