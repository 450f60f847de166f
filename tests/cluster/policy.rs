//! The chart's policy of tenancy: what the attachments of a namespace may use in Azure.

use std::time::Duration;

use serde_json::json;

use crate::support::{CHART, World, helm};

/// A subscription that is not the test's.
const OTHER: &str = "99999999-0000-4000-8000-000000000000";
/// Where the release is.
const HOME: &str = "synapse-spark-system";

/// An attempt: the team, its workspace, its pool (none with a linked service) and more of the spec; and the refused field, with
/// the list that lacks it.
type Attempt<'a> = (&'a str, &'a str, &'a str, &'a [&'a str], Option<&'a str>);

/// A world in which the policy is in force until the test ends.
struct Policy(World);

impl Policy {
    /// Installs it with these lists, by namespace.
    fn apply(world: World, namespaces: &str) -> Self {
        let values = format!("{{fullnameOverride: tenancy, tenancy: {{enabled: true, namespaces: {namespaces}}}}}");
        let template =
            ["template", "tenancy", CHART, "--namespace", HOME, "--show-only", "templates/tenancy.yaml", "--values", "-"];
        let manifest = helm("helm4", world.plane(), &template, &values).expect("it renders");
        let policy = Self(world);
        policy.0.plane().kubectl(&["apply", "--warnings-as-errors", "-f", "-"], &manifest).expect("it is taken");
        let nowhere = policy.0.manifest("nightly", "one", &[]).replace(&policy.0.subscription, OTHER);
        policy.0.until("the policy is in force", || policy.create(&nowhere).err());
        policy
    }

    /// Whether the API server would accept this; else its refusal.
    fn create(&self, manifest: &str) -> Result<String, String> {
        self.0.plane().kubectl(&["create", "--dry-run=server", "-f", "-"], manifest)
    }
}

impl Drop for Policy {
    /// The API server reloads its policies once a second: this one must not affect the next test on this stage.
    fn drop(&mut self) {
        let delete = [
            "delete",
            "validatingadmissionpolicy/tenancy-tenancy",
            "validatingadmissionpolicybinding/tenancy-tenancy",
            "--ignore-not-found",
        ];
        let _ = self.0.plane().kubectl(&delete, "");
        if !std::thread::panicking() {
            let nowhere = self.0.manifest("nightly", "one", &[]).replace(&self.0.subscription, OTHER);
            self.0.until("the policy is gone", || self.create(&nowhere).ok());
        }
    }
}

#[test]
// Longer than other functions: a table with one row per attempt.
fn each_team_can_use_only_what_its_namespace_is_allowed_to() {
    let world = World::without_operator("tenancy", Duration::ZERO);
    let [a, b, c] = ["a", "b", "c"].map(|team| format!("{}-{team}", world.namespace));
    for team in [&a, &b, &c] {
        world.plane().must(&["create", "namespace", team]);
    }
    let (subscription, workspace, first) = (&world.subscription, world.workspace(), world.identity("first"));
    let other_workspace = workspace.replace("ml-ws", "ml-b");
    // Upper case, and a role that only one of them may have. The second may use all of its Synapse workspace, the first one pool.
    let namespaces = format!(
        "{{{a}: {{workspaces: [{}], pools: [{}], linkedServices: [{workspace}/linkedServices/link1], identities: [{first}], roles: [synapse compute operator]}}, \
          {b}: {{workspaces: [{other_workspace}], pools: [{}], identities: [/subscriptions/{subscription}], roles: ['*']}}}}",
        workspace.replace("/rg/", "/RG/"),
        world.pool("one").replace("bigDataPools/one", "BIGDATAPOOLS/ONE"),
        world.synapse(""),
    );
    let policy = Policy::apply(world, &namespaces);
    let world = &policy.0;

    let identity = |name: &str| {
        format!("identity: {{type: UserAssigned, userAssignedIdentities: [{{resourceId: {}}}]}}", world.identity(name))
    };
    let (first, second) = (&*identity("first"), &*identity("second"));
    let role = |name: &str, more: &str| format!("synapseRole: {{name: {name}{more}}}");
    let (operator, administrator) = (&*role("Synapse Compute Operator", ""), &*role("Synapse Administrator", ""));
    let everywhere = &*role("Synapse Compute Operator", ", scope: Workspace");
    let guid = &*role("6e4bf58a-b8e1-4cc3-bbf9-d73143322b78", "");
    let linked = &*role("Synapse Compute Operator", ", linkedService: true");
    let of_subscription = |line: &str| line.replace(&world.subscription, OTHER);
    let (foreign, system) = (of_subscription(first), "identity: {type: SystemAssigned}");
    let link = |name: &str| format!("linkedService: {{name: {name}, poolName: one}}");
    let (link1, link2) = (&*link("link1"), &*link("link2"));
    let (own, theirs) = ("ml-ws", "ml-b");
    #[rustfmt::skip]
    let table: &[Attempt<'_>] = &[
        (&a, own,    "one", &[],                             None),
        (&a, own,    "one", &[first, operator],              None),
        (&a, own,    "one", &[system, operator],             None),
        (&a, theirs, "one", &[],                             Some("spec.workspace: workspaces")),
        (&a, "ml-w", "one", &[],                             Some("spec.workspace: workspaces")),
        (&a, "ml-ws2", "one", &[],                           Some("spec.workspace: workspaces")),
        (&a, own,    "two", &[],                             Some("spec.resourceId: pools")),
        (&a, own,    "one2", &[],                            Some("spec.resourceId: pools")),
        (&a, own,    "one", &[second],                       Some("spec.identity.userAssignedIdentities: identities")),
        (&a, own,    "one", &[&foreign],                     Some("spec.identity.userAssignedIdentities: identities")),
        (&a, own,    "one", &[system, administrator],        Some("spec.synapseRole: roles")),
        (&a, own,    "one", &[system, guid],                 Some("spec.synapseRole: roles")),
        (&a, own,    "one", &[system, everywhere],           Some("spec.synapseRole.scope: pools")),
        (&a, own,    "",    &[link1],                        None),
        (&a, own,    "",    &[link2],                        Some("spec.linkedService: linkedServices")),
        (&a, own,    "",    &[link1, system, linked],        Some("spec.synapseRole: roles")),
        (&a, own,    "",    &[link1, system, everywhere],    Some("spec.synapseRole.scope: pools")),
        (&b, theirs, "two", &[second, administrator],        None),
        (&b, theirs, "two", &[second, guid],                 None),
        (&b, theirs, "one", &[system, everywhere],           None),
        (&b, own,    "two", &[],                             Some("spec.workspace: workspaces")),
        (&b, theirs, "one", &[&foreign],                     Some("spec.identity.userAssignedIdentities: identities")),
        // Even if it may use the whole subscription: a linked service can lead to another one.
        (&b, theirs, "",    &[link1],                        Some("spec.linkedService: linkedServices")),
        // The linked service is not listed.
        (&c, own,    "one", &[],                             Some("spec.workspace: workspaces")),
    ];
    let mut wrong = Vec::new();
    for (team, workspace, pool, more, refused) in table {
        let manifest = world.manifest("nightly", pool, more).replace("name: ml-ws", &format!("name: {workspace}"));
        let manifest = manifest.replace(&format!("namespace: {}", world.namespace), &format!("namespace: {team}"));
        let manifest = manifest.replace(&format!("  resourceId: {}\n", world.pool("")), "");
        let answer = policy.create(&manifest);
        let is_right = match (&answer, refused.and_then(|refused| refused.split_once(": "))) {
            (Ok(_), None) => true,
            (Err(said), Some((field, list))) => {
                said.contains(&format!("{field}: "))
                    && said.contains(&format!(" is not allowed in namespace {team}: it is not in the list of its {list}"))
            }
            _ => false,
        };
        if !is_right {
            wrong.push(format!("{team} {workspace} {pool} {more:?}: {answer:?} and not {refused:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));

    for team in [a, b, c] {
        world.plane().must(&["delete", "namespace", &team, "--wait=false"]);
    }
}

#[test]
fn object_from_before_the_policy_is_detached_and_cannot_be_changed() {
    let world = World::alone("tenancy-before", Duration::ZERO);
    world.apply("before", "one", &[]);
    world.ready("before");
    let policy = Policy::apply(world, "{}");
    let world = &policy.0;
    let change = json!({"spec": {"description": "changed"}}).to_string();
    let change =
        ["patch", "ssa", "before", "--namespace", &world.namespace, "--type=merge", "--dry-run=server", "--patch", &change];
    let refusal = world.plane().kubectl(&change, "").expect_err("its namespace is not listed");
    assert!(refusal.contains("spec.workspace: "), "{refusal}");
    world.kubectl(&["label", "ssa", "before", "a=b"]);
    world.delete("before");
    world.gone("before");
    assert_eq!(world.writes("before"), ["PUT", "DELETE"]);
}

#[test]
fn default_of_a_namespace_cannot_name_what_the_policy_denies_it() {
    let world = World::alone("tenancy-default", Duration::ZERO);
    let (own, namespace) = (world.workspace(), world.namespace.clone());
    let lists = format!("{{{namespace}: {{workspaces: [{own}], pools: ['*'], identities: [{}]}}}}", world.identity("first"));
    let policy = Policy::apply(world, &lists);
    let world = &policy.0;
    let annotate = |name: &str, value: &str| {
        let annotation = format!("synapse-spark.dev/default-{name}={value}");
        world.plane().must(&["annotate", "--overwrite", "namespace", &namespace, &annotation]);
    };
    let refused = |name: &str, text: &str| {
        let message = world.stalled(name, "InvalidSpec");
        assert!(message.contains(&format!("{text} is not allowed in namespace {namespace}")), "{message}");
    };
    let (theirs, second) = (own.replace("ml-ws", "ml-b"), world.identity("second"));
    annotate("workspace", &theirs);
    annotate("identity", &second);
    let workspace = format!("  workspace: {{subscriptionId: {}, resourceGroup: rg, name: ml-ws}}\n", world.subscription);
    let manifest = world.manifest("nowhere", "one", &["identity: {type: None}"]).replace(&workspace, "");
    // A linked service is one of a workspace: it is checked once the workspace is known.
    let link = "linkedService: {name: link1, poolName: one}";
    let linked = world.manifest("linked", "", &[link]).replace(&format!("  resourceId: {}\n", world.pool("")), "");
    policy.create(&linked).expect_err("it is not listed");
    policy.create(&linked.replace(&workspace, "")).expect("nothing in it is denied yet");
    world.plane().kubectl(&["create", "-f", "-"], &manifest).expect("nothing in it is denied");
    world.apply("nobody", "one", &[]);
    refused("nowhere", &format!("spec.workspace: {theirs}"));
    refused("nobody", &format!("spec.identity.userAssignedIdentities: {second}"));
    for name in ["nowhere", "nobody"] {
        assert_eq!(world.writes(name), [""; 0], "nothing was written to Azure");
    }
    annotate("workspace", &own);
    annotate("identity", &world.identity("first"));
    for name in ["nowhere", "nobody"] {
        world.request_reconcile(name);
        world.ready(name);
        assert_eq!(world.writes(name), ["PUT"]);
    }
}
