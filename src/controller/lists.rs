//! What a LIST of a workspace changes beside the answers that rest on it: how many computes are missing.

use std::sync::{Arc, Weak};

use crate::api::SynapseSparkAttachment;
use crate::azure::{self, View};
use crate::controller::context::Context;
use crate::controller::group::{Account, Group, account_of};
use crate::resource_id::WorkspaceId;

/// Takes in the LISTs of this client from now on. It is the client of the object's identity.
pub(super) fn subscribe(ctx: &Arc<Context>, object: &SynapseSparkAttachment, azure: &azure::Client) {
    azure.on_list(|| {
        let (ctx, account) = (Arc::downgrade(ctx), account_of(object));
        Box::new(move |workspace, view| take_in(&ctx, &account, workspace, view))
    });
}

fn take_in(ctx: &Weak<Context>, account: &Account, workspace: &WorkspaceId, view: &View) {
    let Some(ctx) = ctx.upgrade() else { return };
    ctx.objects.workspaces.listed(&Group::new(workspace.clone(), account.clone()), view);
}
