//! `kubectl synapse` with few permissions.

use serde_json::json;

use super::plugin::{ADMIN, Said, has, kubectl, said, synapse_as};
use crate::support::World;

/// A user, and an attachment in their namespace.
struct Viewer(World);

impl Viewer {
    /// A user who may use these verbs on attachments of the namespace.
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
        viewer.write_kubeconfig("viewer");
        viewer
    }

    fn kubeconfig(&self, account: &str) -> std::path::PathBuf {
        self.0.plane().folder.join(format!("{}-{account}.kubeconfig", self.0.namespace))
    }

    fn write_kubeconfig(&self, account: &str) {
        self.0.plane().kubeconfig_of(&self.0.namespace, account, &self.kubeconfig(account));
    }

    /// A command, in the namespace of the kubeconfig's context, which is the account's.
    fn synapse(&self, args: &[&str]) -> Said {
        said(&kubectl(&self.0, &self.kubeconfig("viewer"), &[&["synapse"], args].concat(), &[]))
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
    has(&viewer.synapse(&["status", "nightly"]).1, &["Ready: Attached", "(no permission to list events)"]);
}

#[test]
fn forbidden_command_names_the_missing_permission_and_changes_nothing() {
    const OURS: &str = "synapsesparkattachments.synapse-spark.dev";
    let viewer = Viewer::who_may("get", "viewer-get").can(&["status", "nightly"]);
    let own = format!("in namespace {}", viewer.0.namespace);
    #[rustfmt::skip]
    let table = [
        (&["status"][..],                    "list",  OURS,               &*own),
        (&["status", "--all-namespaces"],    "list",  OURS,               "in all namespaces"),
        (&["status", "nightly", "--watch"],  "list",  OURS,               &own),
        (&["suspend", "nightly"],            "patch", OURS,               &own),
        (&["suspend", "--all"],              "list",  OURS,               &own),
        (&["resume", "nightly"],             "patch", OURS,               &own),
        (&["resume", "-A", "-l", "a=b"],     "list",  OURS,               "in all namespaces"),
        (&["reconcile", "nightly"],          "patch", OURS,               &own),
        (&["reconcile", "--all"],            "list",  OURS,               &own),
        (&["allow-recreate", "--all"],       "list",  OURS,               &own),
        (&["events", "nightly"],             "list",  "events",           &own),
        (&["events", "nightly", "--watch"],  "list",  "events",           &own),
        (&["version"],                       "list",  "deployments.apps", "in all namespaces"),
        (&["logs"],                          "list",  "deployments.apps", "in all namespaces"),
    ];
    for (args, verb, resource, place) in table {
        let (code, _, complaint) = viewer.synapse(args);
        assert_eq!(code, Some(1), "{args:?}");
        let verbs = if args.contains(&"--watch") { format!("{verb} and watch") } else { verb.to_owned() };
        let right = format!("the verb {verbs} on {resource} {place}");
        has(&complaint, &["system:serviceaccount:", &format!("cannot {verb} resource"), &right]);
    }
    // What every account may read is still checked.
    let (code, out, complaint) = viewer.synapse(&["check"]);
    assert_eq!(code, Some(2), "{out}{complaint}");
    has(
        &out,
        &[
            "ok       definition: ",
            "unknown  operator: cannot be read: ",
            "the verb list on deployments.apps",
            "--operator-namespace",
        ],
    );
    has(&complaint, &["1 of 3 checks could not be completed"]);
    let object = viewer.0.object("nightly").expect("it is there");
    assert_eq!((&object["spec"]["suspend"], &object["metadata"]["generation"]), (&json!(false), &json!(1)));
}

#[test]
fn reconcile_without_permission_to_watch_reports_that_the_request_was_made() {
    let viewer = Viewer::who_may("get,patch", "viewer-patch").can(&["reconcile", "nightly", "--no-wait"]);
    let (code, _, complaint) = viewer.synapse(&["reconcile", "nightly"]);
    assert_eq!(code, Some(1));
    has(&complaint, &["the reconcile is requested, but its result cannot be watched", "the verb list and watch"]);
}

/// What these commands read in Azure, they read with the identity of the user.
#[test]
fn commands_about_jobs_of_one_attachment_require_only_get_on_it() {
    const OURS: &str = "synapsesparkattachments.synapse-spark.dev";
    let viewer = Viewer::who_may("get", "viewer-jobs").can(&["status", "nightly"]);
    viewer.0.kubectl(&["create", "serviceaccount", "stranger"]);
    viewer.write_kubeconfig("stranger");
    let right = format!("the verb get on {OURS} in namespace {}", viewer.0.namespace);
    #[rustfmt::skip]
    let table = [
        (&["status", "nightly"][..],               "Ready: Attached"),
        (&["check", "nightly", "--for-jobs"],      "synapse-role: "),
        (&["plan", "nightly", "--for-jobs"],       "nightly"),
        (&["try", "nightly", "--dry-run"],         "workspace ml-ws has no default datastore"),
    ];
    for (args, shown) in table {
        let as_account = |account: &str| synapse_as(&viewer.0, &viewer.kubeconfig(account), ADMIN, args);
        let (code, out, complaint) = as_account("stranger");
        assert_eq!((code, out.as_str()), (Some(1), ""), "{args:?}: {complaint}");
        has(&complaint, &["cannot get resource", &right]);
        let (_, out, complaint) = as_account("viewer");
        has(&format!("{out}{complaint}"), &[shown]);
        assert!(!complaint.contains("cannot get resource"), "{args:?}: {complaint}");
    }
}
