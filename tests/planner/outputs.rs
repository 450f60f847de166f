//! The ConfigMap of `spec.outputs`: what it is to have, and what the status shows of it.

use std::time::Duration;

use synapse_spark_operator::api::v1alpha1::{AttachmentStatus, OperationKind};
use synapse_spark_operator::planner::outputs::{Done, Outputs, Values, outputs};
use synapse_spark_operator::planner::status::outputs::{CONDITION, Task, task, with_outputs};
use synapse_spark_operator::planner::status::{condition, status as reported};
use synapse_spark_operator::planner::{
    Attached, Compute, FaultKind, Finding, Goal, Identity, Observed, Outcome, Ownership, Progress, decide,
};

use super::builders::{
    absent, accepted, after, attached, compute, compute_id, drifted, in_sync, of_other_pool, ours, pool, report, running, seen,
    shown_user, shows, status_after, unknown, unowned, user,
};

const NAME: &str = "pool-outputs";

fn goal(name: Option<&str>) -> Attached {
    Attached { outputs: name.map(ToOwned::to_owned), ..attached() }
}

fn owned_by(owner: Ownership) -> Observed {
    shows(Compute { owner, ..compute(Progress::Succeeded) })
}

fn check(table: Vec<(&str, Observed, &str)>) {
    for (case, observed, expected) in table {
        let found = match outputs(&goal(Some(NAME)), &observed) {
            Outputs::Values(_) => "values",
            Outputs::Withdrawn => "withdrawn",
            Outputs::Unknown => "unknown",
        };
        assert_eq!(found, expected, "{case}");
    }
}

#[test]
fn values_exist_while_the_compute_is_attached_and_this_objects() {
    let attach = |outcome| accepted(OperationKind::Attach, Duration::from_mins(1), outcome);
    let update = || accepted(OperationKind::Update, Duration::from_mins(1), running());
    let of_another_type = || Compute { kind: "AmlCompute".into(), ..compute(Progress::Succeeded) };
    #[rustfmt::skip]
    let table = vec![
        ("attached",                              in_sync(),                                            "values"),
        ("attached to another pool",              shows(of_other_pool(Progress::Succeeded)),            "values"),
        ("being attached",                        after(attach(running()), ours(Progress::Working)),    "withdrawn"),
        ("being attached, not shown yet",         after(attach(running()), seen(true, Finding::Absent)), "withdrawn"),
        ("its attach has failed",                 after(attach(Outcome::Ended), ours(Progress::Failed)), "withdrawn"),
        ("being updated",                         after(update(), ours(Progress::Working)),             "unknown"),
        ("its update has failed",                 ours(Progress::Failed),                               "unknown"),
        ("being detached",                        ours(Progress::Deleting),                             "unknown"),
        ("absent for certain",                    absent(),                                             "withdrawn"),
        ("absent in one answer",                  Observed { absent_for: Some(Duration::ZERO), ..absent() }, "unknown"),
        ("no answer",                             seen(true, unknown(FaultKind::Unavailable(None))),    "unknown"),
        ("the workspace may be gone",             seen(true, unknown(FaultKind::WorkspaceNotFound)),    "unknown"),
        ("of another object",                     owned_by(Ownership::Another("x".into())),             "withdrawn"),
        ("handed over to it, not adopted yet",    owned_by(Ownership::Transferred),                     "unknown"),
        ("without an owner",                      shows(unowned(pool("wanted"))),                       "unknown"),
        ("of another type",                       shows(of_another_type()),                             "unknown"),
    ];
    check(table);
}

fn values(identity: Identity, change: impl FnOnce(&mut Compute)) -> Values {
    let mut compute = compute(Progress::Succeeded);
    change(&mut compute);
    match outputs(&Attached { identity, ..attached() }, &shows(compute)) {
        Outputs::Values(values) => values,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_key_is_there_only_if_azure_shows_its_value() {
    let of_identity = ["clientId", "principalId", "tenantId"];
    let shown = |values: &Values| of_identity.map(|key| values.get(key).cloned().unwrap_or_default());
    let system = || Identity { system: true, user: vec![] };
    let users = || Identity { system: false, user: vec![user("first"), user("second")] };
    let both = || Identity { system: true, ..users() };
    let system_shown = |compute: &mut Compute| {
        compute.identity.principal_id = Some("system".into());
        compute.identity.tenant_id = Some("tenant".into());
    };
    // Azure shows them in its own order.
    let users_shown = |compute: &mut Compute| {
        compute.identity.user = ["second", "first"].map(shown_user).into();
        for one in &mut compute.identity.user {
            one.principal_id = Some(format!("principal of {}", one.id.name()));
            one.client_id = Some(format!("client of {}", one.id.name()));
        }
    };
    let plain = values(Identity::default(), |_| {});
    let all = ["computeId", "computeName", "poolId", "resourceGroup", "subscriptionId", "workspaceName"];
    assert_eq!(plain.keys().map(String::as_str).collect::<Vec<_>>(), all);
    assert_eq!((plain["computeId"].clone(), plain["poolId"].clone()), (compute_id().to_string(), pool("wanted").to_string()));
    assert_eq!(shown(&values(system(), |_| {})), ["", "", ""], "Azure shows no principal yet");
    assert_eq!(shown(&values(system(), system_shown)), ["", "system", "tenant"]);
    assert_eq!(shown(&values(users(), users_shown)), ["client of first", "principal of first", ""]);
    assert_eq!(shown(&values(users(), |_| {})), ["", "", ""], "it is not assigned yet");
    let of_both = values(both(), |compute| {
        users_shown(compute);
        system_shown(compute);
    });
    assert_eq!(shown(&of_both), ["", "system", "tenant"], "jobs run as the system-assigned identity");
    assert_eq!(shown(&values(Identity::default(), system_shown)), ["", "", ""], "the spec has no identity: it is removed");
    let attached_elsewhere = values(Identity::default(), |compute| *compute = of_other_pool(Progress::Succeeded));
    assert_eq!(attached_elsewhere["poolId"], pool("other").to_string(), "the one that it is attached to");
}

/// The name in the status, the condition, and what is to be done then.
fn shown(status: &AttachmentStatus, goal: &Attached, observed: &Observed) -> (String, String, String) {
    let name = status.outputs.as_ref().map(|one| one.config_map_name.clone()).unwrap_or_default();
    let shown = condition(status, CONDITION).map(|one| format!("{} {}", one.status, one.reason)).unwrap_or_default();
    let task = match task(goal, observed, status) {
        None => String::new(),
        Some(Task::Write(name, _)) => format!("write {name}"),
        Some(Task::Remove(name)) => format!("remove {name}"),
    };
    (name, shown, task)
}

/// What a sequence of reconciles shows: of each the spec's name, the observation, and what becomes of the task.
fn run(steps: &[(Option<&str>, Observed, Option<Done>)]) -> Vec<(String, String, String)> {
    let mut status = AttachmentStatus::default();
    let mut all = Vec::new();
    for (name, observed, done) in steps {
        let wanted = goal(*name);
        let goal = Goal::Attached(wanted.clone());
        status = status_after(&status, &goal, observed, None);
        all.push(shown(&status, &wanted, observed));
        if let Some(done) = done {
            status = with_outputs(&status, &report(&goal, observed, &decide(&goal, observed), None), done);
            all.push(shown(&status, &wanted, observed));
        }
    }
    all
}

fn rows(rows: &[(&str, &str, &str)]) -> Vec<(String, String, String)> {
    rows.iter().map(|(name, shown, task)| ((*name).to_owned(), (*shown).to_owned(), (*task).to_owned())).collect()
}

#[test]
fn the_name_is_recorded_before_the_config_map_is_created() {
    let silent = || seen(true, unknown(FaultKind::Unavailable(None)));
    let steps = [
        (Some(NAME), silent(), None),
        (Some(NAME), in_sync(), Some(Done::Written)),
        (Some(NAME), silent(), None),
        (Some(NAME), absent(), Some(Done::Removed)),
    ];
    let expected = [
        (NAME, "False OutputsPending", ""),
        (NAME, "Unknown OutputsPending", "write pool-outputs"),
        (NAME, "True OutputsWritten", "write pool-outputs"),
        (NAME, "True OutputsWritten", ""),
        (NAME, "True OutputsWritten", "remove pool-outputs"),
        (NAME, "False OutputsPending", ""),
    ];
    assert_eq!(run(&steps), rows(&expected));
}

#[test]
fn one_whose_creation_may_have_been_lost_is_removed_with_the_compute() {
    let steps = [(Some(NAME), in_sync(), None), (Some(NAME), absent(), None)];
    let expected =
        [(NAME, "Unknown OutputsPending", "write pool-outputs"), (NAME, "Unknown OutputsPending", "remove pool-outputs")];
    assert_eq!(run(&steps), rows(&expected));
}

#[test]
fn one_whose_creation_may_have_been_lost_is_deleted_after_a_rename() {
    let steps = [(Some(NAME), in_sync(), None), (Some("next"), in_sync(), None)];
    let expected =
        [(NAME, "Unknown OutputsPending", "write pool-outputs"), (NAME, "Unknown OutputsPending", "remove pool-outputs")];
    assert_eq!(run(&steps), rows(&expected));
}

#[test]
fn a_former_config_map_is_deleted_before_the_next_one_is_recorded() {
    let steps = [
        (Some(NAME), in_sync(), Some(Done::Written)),
        (Some("next"), in_sync(), Some(Done::Refused("a policy".into()))),
        (Some("next"), in_sync(), Some(Done::Removed)),
        (Some("next"), in_sync(), Some(Done::Foreign(None))),
        (None, in_sync(), Some(Done::Removed)),
    ];
    let expected = [
        (NAME, "Unknown OutputsPending", "write pool-outputs"),
        (NAME, "True OutputsWritten", "write pool-outputs"),
        (NAME, "True OutputsWritten", "remove pool-outputs"),
        (NAME, "False OutputsFailed", "remove pool-outputs"),
        (NAME, "False OutputsFailed", "remove pool-outputs"),
        ("next", "Unknown OutputsPending", "write next"),
        ("next", "Unknown OutputsPending", "write next"),
        ("next", "False OutputsConflict", "write next"),
        ("next", "False OutputsConflict", "remove next"),
        ("", "", ""),
    ];
    assert_eq!(run(&steps), rows(&expected));
}

#[test]
fn a_forbidden_name_is_over_when_the_spec_no_longer_has_it() {
    let forbidden = || Some(Done::Forbidden("configmaps is forbidden".into()));
    let steps = [
        (Some(NAME), in_sync(), forbidden()),
        (Some("next"), in_sync(), forbidden()),
        (Some("next"), absent(), forbidden()),
        (None, in_sync(), forbidden()),
    ];
    let expected = [
        (NAME, "Unknown OutputsPending", "write pool-outputs"),
        (NAME, "False OutputsForbidden", "write pool-outputs"),
        (NAME, "False OutputsForbidden", "remove pool-outputs"),
        ("next", "Unknown OutputsPending", "write next"),
        ("next", "Unknown OutputsPending", "remove next"),
        ("next", "False OutputsForbidden", "remove next"),
        ("next", "False OutputsForbidden", "remove next"),
        ("", "", ""),
    ];
    assert_eq!(run(&steps), rows(&expected));
}

#[test]
fn true_means_that_the_values_are_those_of_the_current_identity() {
    let update = || accepted(OperationKind::Update, Duration::from_mins(1), running());
    let silent = || seen(true, unknown(FaultKind::Unavailable(None)));
    let mut status = AttachmentStatus::default();
    #[rustfmt::skip]
    let steps = vec![
        ("written",                        1, in_sync(),                                Some(Done::Written), "True OutputsWritten"),
        ("no answer, the same spec",       1, silent(),                                 None,                "True OutputsWritten"),
        ("no answer, a new spec",          2, silent(),                                 None,                "Unknown OutputsPending"),
        ("nothing differs",                2, in_sync(),                                Some(Done::Written), "True OutputsWritten"),
        ("another identity, not sent yet", 3, shows(drifted()),                         None,                "Unknown OutputsPending"),
        ("being updated",                  3, after(update(), ours(Progress::Working)), None,                "Unknown OutputsPending"),
        ("a read that lags behind",        3, shows(drifted()),                         Some(Done::Written), "Unknown OutputsPending"),
        ("updated",                        3, in_sync(),                                Some(Done::Written), "True OutputsWritten"),
        ("changed by others",              3, shows(drifted()),                         Some(Done::Written), "Unknown OutputsPending"),
    ];
    for (case, generation, observed, done, expected) in steps {
        let goal = Goal::Attached(goal(Some(NAME)));
        let decision = decide(&goal, &observed);
        let mut report = report(&goal, &observed, &decision, None);
        report.object.generation = Some(generation);
        status = reported(&status, &report);
        if let Some(done) = done {
            status = with_outputs(&status, &report, &done);
            assert_eq!(with_outputs(&status, &report, &done), status, "{case}: nothing is written at rest");
            assert_eq!(reported(&status, &report), status, "{case}: nor by a report");
        }
        let shown = condition(&status, CONDITION).map(|one| format!("{} {}", one.status, one.reason));
        assert_eq!(shown.as_deref(), Some(expected), "{case}");
    }
}

#[test]
fn with_another_identity_the_config_map_is_recorded_before_it_is_created_too() {
    let steps = [(Some(NAME), absent(), None), (Some(NAME), shows(drifted()), Some(Done::Written)), (Some(NAME), absent(), None)];
    let expected = [
        (NAME, "False OutputsPending", ""),
        (NAME, "Unknown OutputsPending", "write pool-outputs"),
        (NAME, "Unknown OutputsPending", "write pool-outputs"),
        (NAME, "Unknown OutputsPending", "remove pool-outputs"),
    ];
    assert_eq!(run(&steps), rows(&expected));
}

#[test]
fn ready_does_not_depend_on_the_config_map() {
    let goal = goal(Some(NAME));
    let (wanted, observed) = (Goal::Attached(goal), in_sync());
    let status = status_after(&AttachmentStatus::default(), &wanted, &observed, None);
    let refused = Done::Refused("exceeded quota".into());
    let next = with_outputs(&status, &report(&wanted, &observed, &decide(&wanted, &observed), None), &refused);
    assert_eq!(condition(&next, "Ready"), condition(&status, "Ready"));
    let message = condition(&next, CONDITION).map(|one| one.message.clone()).unwrap_or_default();
    assert_eq!(
        message,
        "Kubernetes refuses to change the ConfigMap pool-outputs: exceeded quota. Remove the cause that Kubernetes names. The operator tries again at each resync."
    );
}
