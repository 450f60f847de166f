//! `kubectl synapse` with few rights.

use serde_json::json;

use super::plugin::{Said, has, kubectl, said};
use crate::support::World;

/// A user with an attachment to look at.
struct Viewer(World);

impl Viewer {
    /// One who may do this with attachments of the namespace.
    fn who_may(verbs: &str, name: &str) -> Self {
        let world = World::new(name);
        world.apply("nightly", "one", &[]);
        world.ready("nightly");
        let verbs = format!("--verb={verbs}");
        world.kubectl(&["create", "role", "viewer", &verbs, "--resource=synapsesparkattachments.synapse-spark.dev"]);
        world.kubectl(&["create", "serviceaccount", "viewer"]);
        let account = format!("--serviceaccount={}:viewer", world.namespace);
        world.kubectl(&["create", "rolebinding", "viewer", "--role=viewer", &account]);
        let viewer = Self(world);
        let kubeconfig = viewer.kubeconfig();
        viewer.0.plane().kubeconfig_of(&viewer.0.namespace, "viewer", &kubeconfig);
        viewer
    }

    fn kubeconfig(&self) -> std::path::PathBuf {
        self.0.plane().folder.join(format!("{}.kubeconfig", self.0.namespace))
    }

    /// A command, in the namespace of the kubeconfig's context, which is the account's.
    fn synapse(&self, args: &[&str]) -> Said {
        said(&kubectl(&self.0, &self.kubeconfig(), &[&["synapse"], args].concat(), &[]))
    }

    /// Waits until the rights are in force.
    fn can(self, args: &[&str]) -> Self {
        self.0.until("the rights are in force", || (self.synapse(args).0 == Some(0)).then_some(()));
        self
    }
}

#[test]
fn status_is_shown_without_events_that_the_user_may_not_read() {
    let viewer = Viewer::who_may("get", "viewer").can(&["status", "nightly"]);
    has(&viewer.synapse(&["status", "nightly"]).1, &["Ready: Attached", "(you may not read them)"]);
}

#[test]
fn command_that_is_forbidden_names_the_missing_right_and_changes_nothing() {
    let viewer = Viewer::who_may("get", "viewer-get").can(&["status", "nightly"]);
    let own = format!("in namespace {}", viewer.0.namespace);
    for (args, verb, place) in [
        (&["status"][..], "list", &*own),
        (&["status", "--all-namespaces"], "list", "in all namespaces"),
        (&["suspend", "nightly"], "patch", &own),
        (&["resume", "nightly"], "patch", &own),
        (&["reconcile", "nightly"], "patch", &own),
        (&["allow-recreate", "--all"], "list", &own),
    ] {
        let (code, _, complaint) = viewer.synapse(args);
        assert_eq!(code, Some(1), "{args:?}");
        let right = format!("the verb {verb} on synapsesparkattachments.synapse-spark.dev {place}");
        has(&complaint, &["system:serviceaccount:", &format!("cannot {verb} resource"), &right]);
    }
    let object = viewer.0.object("nightly").expect("it is there");
    assert_eq!((&object["spec"]["suspend"], &object["metadata"]["generation"]), (&json!(false), &json!(1)));
}

#[test]
fn reconcile_without_the_right_to_watch_says_that_the_request_was_made() {
    let viewer = Viewer::who_may("get,patch", "viewer-patch").can(&["reconcile", "nightly", "--no-wait"]);
    let (code, _, complaint) = viewer.synapse(&["reconcile", "nightly"]);
    assert_eq!(code, Some(1));
    has(&complaint, &["the reconcile is requested, but its result cannot be watched", "the verb list and watch"]);
}
