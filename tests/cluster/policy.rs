//! The admission policy in `deploy/policy`: a namespace names only the subscriptions that its annotation has.

use std::time::Duration;

use serde_json::json;

use super::manifests::deploy;
use crate::support::World;

/// A subscription that is not the test's.
const OTHER: &str = "99999999-0000-4000-8000-000000000000";

/// A world in which the policy is in force until the test ends.
struct Policy(World);

impl Policy {
    #[track_caller]
    fn apply(name: &str) -> Self {
        Self::over(World::without_operator(name, Duration::ZERO))
    }

    fn over(world: World) -> Self {
        let policy = Self(world);
        policy.0.plane().must(&["apply", "--warnings-as-errors", "-f", &deploy("policy")]);
        policy.0.until("the policy is in force", || policy.create(&policy.own()).err());
        policy
    }

    /// A manifest that names the test's subscription alone.
    fn own(&self) -> String {
        self.0.manifest("nightly", "one", &[])
    }

    /// Whether the API server would accept this; else its refusal.
    fn create(&self, manifest: &str) -> Result<String, String> {
        self.0.plane().kubectl(&["apply", "--dry-run=server", "-f", "-"], manifest)
    }

    /// Allows the namespace these subscriptions.
    fn allow(&self, subscriptions: &str) {
        let annotation = format!("synapse-spark.dev/subscriptions={subscriptions}");
        self.0.plane().must(&["annotate", "--overwrite", "namespace", &self.0.namespace, &annotation]);
    }

    /// Waits until this is refused for this field, and nothing else.
    fn refuses(&self, manifest: &str, field: &str) {
        let refusal = self.0.until("the annotation is seen", || {
            self.create(manifest).err().filter(|refusal| !refusal.contains("spec.workspace.subscriptionId"))
        });
        for word in [field, OTHER, &self.0.subscription] {
            assert!(refusal.contains(word), "{word} is not in {refusal}");
        }
    }
}

impl Drop for Policy {
    /// The API server looks once a second which policies there are: the next test on this stage must not meet this one.
    fn drop(&mut self) {
        let (world, policy) = (&self.0, deploy("policy"));
        let waits = !std::thread::panicking();
        let _ = world.plane().kubectl(&["annotate", "namespace", &world.namespace, "synapse-spark.dev/subscriptions-"], "");
        if waits {
            world.until("nothing is allowed", || self.create(&self.own()).err());
        }
        let _ = world.plane().kubectl(&["delete", "-f", &policy, "--ignore-not-found"], "");
        if waits {
            world.until("the policy is gone", || self.create(&self.own()).ok());
        }
    }
}

#[test]
fn namespace_without_the_annotation_names_no_subscription() {
    let policy = Policy::apply("policy-none");
    let refusal = policy.create(&policy.own()).expect_err("no subscription is allowed");
    let (world, field) = (&policy.0, "spec.workspace.subscriptionId");
    for word in [field, &world.subscription, &world.namespace, "no subscription", "synapse-spark.dev/subscriptions"] {
        assert!(refusal.contains(word), "{word} is not in {refusal}");
    }
}

#[test]
fn annotation_allows_several_subscriptions_in_any_case() {
    let policy = Policy::apply("policy-several");
    policy.allow(&format!("{OTHER}, {}", policy.0.subscription.to_uppercase()));
    policy.0.until("the annotation is seen", || policy.create(&policy.own()).ok());
}

#[test]
fn annotation_with_an_asterisk_allows_all_subscriptions() {
    let policy = Policy::apply("policy-all");
    policy.allow("*");
    policy.0.until("the annotation is seen", || policy.create(&policy.own().replace(&policy.0.subscription, OTHER)).ok());
}

#[test]
fn pool_of_a_subscription_that_is_not_allowed_is_refused() {
    let policy = Policy::apply("policy-pool");
    policy.allow(&policy.0.subscription);
    let [own, other] = [&*policy.0.subscription, OTHER].map(|id| format!("  resourceId: /subscriptions/{id}"));
    policy.refuses(&policy.own().replace(&own, &other), "spec.resourceId");
}

#[test]
fn identity_of_a_subscription_that_is_not_allowed_is_refused() {
    let policy = Policy::apply("policy-identity");
    policy.allow(&policy.0.subscription);
    let identity = policy.0.identity("first").replace(&policy.0.subscription, OTHER);
    let identity = format!("identity: {{type: UserAssigned, userAssignedIdentities: [{{resourceId: {identity}}}]}}");
    policy.refuses(&policy.0.manifest("nightly", "one", &[&identity]), "spec.identity.userAssignedIdentities");
}

#[test]
fn object_from_before_the_policy_can_still_be_deleted() {
    let world = World::alone("policy-before", Duration::ZERO);
    world.apply("before", "one", &[]);
    world.ready("before");
    let policy = Policy::over(world);
    let world = &policy.0;
    // Its namespace may no longer name its subscription.
    policy.allow(OTHER);
    let change = json!({"spec": {"description": "changed"}}).to_string();
    let change =
        ["patch", "ssa", "before", "--namespace", &world.namespace, "--type=merge", "--dry-run=server", "--patch", &change];
    world.until("the annotation is seen", || world.plane().kubectl(&change, "").err());
    world.kubectl(&["label", "ssa", "before", "a=b"]);
    world.delete("before");
    world.gone("before");
    assert_eq!(world.writes("before"), ["PUT", "DELETE"]);
}
