//! What Azure shows: the compute, the operation, the pool, the role assignments, and the jobs.

use jiff::Timestamp;
use maud::{Markup, html};
use serde_json::json;

use super::super::super::parts::{ago, copyable};
use crate::api::v1alpha1::{PoolStatus, RoleAssignmentStatus, WaitingForJobs};
use crate::cli::output::printable;
use crate::cli::view::{Operation, ShownByAzure, View};
use crate::spark_versions::{day_of, lifecycle};

/// Names and values; those without a value are left out.
pub(super) fn facts(facts: impl IntoIterator<Item = (&'static str, Option<Markup>)>) -> Markup {
    html! {
        dl {
            @for (name, value) in facts.into_iter().filter_map(|(name, value)| Some((name, value?))) {
                div { dt { (name) } dd { (value) } }
            }
        }
    }
}

fn text(text: &str) -> Markup {
    html! { bdi { (printable(text)) } }
}

fn id(name: &str, text: Option<&String>) -> Option<Markup> {
    text.map(|text| copyable(name, text))
}

pub(super) fn compute(view: &View) -> Markup {
    let ShownByAzure { compute_id, provisioning_state, location, created_on, modified_on, identity, linked_service, .. } =
        &view.found;
    let plain = |value: &Option<String>| value.as_deref().map(text);
    html! {
        h2 { "Compute" }
        (facts([
            ("ID", id("the ID of the compute", compute_id.as_ref())),
            ("State in Azure", plain(provisioning_state).or_else(|| Some(text("no compute")))),
            ("Location", plain(location)),
            ("Created", plain(created_on)),
            ("Changed", plain(modified_on)),
            ("Linked service", linked_service.as_ref().map(|one| copyable("the ID of the linked service", &one.resource_id))),
            ("Identity", identity.as_ref().map(|one| text(&one.kind))),
            ("Principal", identity.as_ref().and_then(|one| id("the principal of the identity", one.principal_id.as_ref()))),
        ]))
        @for one in identity.iter().flat_map(|identity| &identity.user_assigned) {
            (facts([
                ("User-assigned", Some(copyable("the ID of the identity", &one.resource_id))),
                ("Principal", id("the principal of the user-assigned identity", one.principal_id.as_ref())),
            ]))
        }
        @for one in view.found.provisioning_errors.iter() { p class="note" { bdi { (printable(&format!("{}: {}", one.code, one.message))) } } }
    }
}

/// The last operation that was requested from Azure.
pub(super) fn operation(operation: &Operation) -> Markup {
    html! {
        h2 { "Operation" }
        (facts([
            ("Kind", Some(text(&format!("{:?}", operation.kind)))),
            ("Requested", Some(html! { (ago(operation.started_at.0)) " ago" })),
            ("ID", id("the ID of the operation", operation.id.as_ref())),
            ("Path", id("the path of the operation", operation.path.as_ref())),
        ]))
    }
}

pub(super) fn pool(pool: &PoolStatus) -> Markup {
    let plain = |value: &Option<String>| value.as_deref().map(text);
    let scale = pool.auto_scale.as_ref().filter(|scale| scale.enabled);
    let pause = pool.auto_pause.as_ref().filter(|pause| pause.enabled);
    html! {
        h2 { "Pool" }
        (facts([
            ("Name", Some(text(&pool.name))),
            ("Synapse workspace", plain(&pool.workspace_name)),
            ("Apache Spark", pool.spark_version.as_deref().map(|version| html! { (text(version)) ", " (support(version)) })),
            ("Size of a node", plain(&pool.node_size)),
            ("Nodes", match scale {
                Some(scale) => Some(html! { (scale.min_node_count) " to " (scale.max_node_count) }),
                None => pool.node_count.map(|count| html! { (count) }),
            }),
            ("Pauses after", pause.map(|pause| html! { (pause.delay_in_minutes) " minutes" })),
        ]))
    }
}

/// How long Microsoft supports a version of Spark.
fn support(version: &str) -> Markup {
    let Some(one) = lifecycle(version) else { return html! { "whose end of support is not known" } };
    let today = day_of(Timestamp::now());
    html! {
        @if one.days_left(today) < 0 { span class="bad" { "support ended on " (one.end_of_support) } }
        @else { "supported until " (one.end_of_support) }
    }
}

pub(super) fn roles(roles: &[RoleAssignmentStatus]) -> Markup {
    html! {
        h2 { "Role assignments" }
        @for one in roles {
            (facts([
                ("Role", Some(text(&one.role_id))),
                ("Phase", json!(one.phase).as_str().map(text)),
                ("Principal", Some(copyable("the principal of the role assignment", &one.principal_id))),
                ("Scope", Some(copyable("the scope of the role assignment", &one.scope))),
                ("Assignment", Some(copyable("the ID of the role assignment", &one.assignment_id))),
                ("Assigned", one.assigned_at.as_ref().map(|at| html! { (ago(at.0)) " ago" })),
            ]))
        }
    }
}

/// The jobs that a detach waits for.
pub(super) fn jobs(wait: &WaitingForJobs) -> Markup {
    html! {
        h2 { "Jobs" }
        p {
            @if wait.timed_out { "The wait for jobs ended at " } @else { "The detach waits for " (wait.count) " jobs, at most until " }
            time datetime=(wait.until.0) { (wait.until.0) } "."
        }
        ul { @for job in &wait.jobs { li { (text(&job.name)) " (" (text(&job.status)) ")" } } }
    }
}
