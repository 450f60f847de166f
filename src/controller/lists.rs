//! What is derived from a LIST of a workspace in addition to its answers: how many computes are missing, and which have no
//! object.

use std::sync::{Arc, Weak};
use std::time::Duration;

use crate::api::SynapseSparkAttachment;
use crate::azure::{self, View};
use crate::controller::context::Context;
use crate::controller::group::{Account, Group, account_of};
use crate::resource_id::WorkspaceId;

/// The orphans that a LIST showed count for this long, and three resync intervals: a workspace without attachments is no longer
/// listed.
const AUDIT_TTL: Duration = Duration::from_hours(1);

/// Processes the LISTs of this client from now on. It is the client of the object's identity.
pub(super) fn subscribe(ctx: &Arc<Context>, object: &SynapseSparkAttachment, azure: &azure::Client) {
    azure.on_list(|| {
        let (ctx, account) = (Arc::downgrade(ctx), account_of(object));
        Box::new(move |workspace, view| take_in(&ctx, &account, workspace, view))
    });
}

fn take_in(ctx: &Weak<Context>, account: &Account, workspace: &WorkspaceId, view: &View) {
    let Some(ctx) = ctx.upgrade() else { return };
    ctx.objects.workspaces.listed(&Group::new(workspace.clone(), account.clone()), view);
    // The default shard lists the workspace of another shard to detach what was stored with capitals, and does not know the objects
    // of that shard.
    if !ctx.shard().has_subscription(workspace.subscription()) {
        return;
    }
    let max_age = AUDIT_TTL + 3 * ctx.resync;
    let orphans = &ctx.objects.orphans;
    orphans.expire(max_age);
    let audit = orphans.audit(&ctx.cluster, workspace, view, |namespace, name| ctx.metrics.is_undecodable(namespace, name));
    for (compute, owner) in &audit.found {
        tracing::warn!(compute = %format_args!("{workspace}/computes/{compute}"), owner, "orphaned compute found: its object does not exist");
    }
    for compute in &audit.gone {
        tracing::info!(compute = %format_args!("{workspace}/computes/{compute}"), "orphaned compute gone, or owned again");
    }
    ctx.metrics.audited(workspace, audit.count, view.began() + max_age);
}
