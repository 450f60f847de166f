//! The data plane of a Synapse workspace: its role assignments and its managed private endpoints.
//!
//! A request is for the data plane if its `Host` is that of a workspace, or if its path
//! begins with `/synapse/{workspace}`, for clients that can't resolve such hosts.

mod network;
mod roles;

use jiff::Timestamp;

use crate::api_versions;
use crate::arm::{asker, authenticated, is_allowed, marked, not_allowed};
use crate::azure::Azure;
use crate::exchange::{Answer, Refusal, Request};
use crate::incoming::Incoming;
use crate::world::{Grant, Token};

/// What follows the workspace's name in the host, in each cloud (SDK).
pub(crate) const SUFFIXES: [&str; 3] =
    [".dev.azuresynapse.net", ".dev.azuresynapse.azure.cn", ".dev.azuresynapse.usgovcloudapi.net"];

/// The audiences of its tokens (SDK), which do not include those of ARM.
pub(crate) const AUDIENCES: [&str; 3] =
    ["https://dev.azuresynapse.net", "https://dev.azuresynapse.azure.cn", "https://dev.azuresynapse.usgovcloudapi.net"];

/// The workspace's name, and the rest of the path, if the request is for the data plane.
pub(crate) fn target<'a>(request: &Request, segments: &'a [String]) -> Option<(String, &'a [String])> {
    request.named_host(&SUFFIXES, "synapse", segments)
}

/// A request of a known principal, to a workspace that exists.
struct Call<'a> {
    now: Timestamp,
    request: &'a Request,
    token: Token,
    /// The workspace's ID.
    workspace: String,
    name: String,
}

pub(crate) fn answer(azure: &mut Azure, incoming: &Incoming<'_>, name: &str, path: &[String]) -> (Answer, Option<String>) {
    let asker = asker(azure, incoming.request);
    let answer = handle(azure, incoming, name, path).unwrap_or_else(Refusal::answer);
    (marked(azure, incoming.now, incoming.request, answer), asker)
}

fn handle(azure: &mut Azure, incoming: &Incoming<'_>, name: &str, path: &[String]) -> Result<Answer, Refusal> {
    let Incoming { request, now, .. } = *incoming;
    // In Azure there would be no such host.
    let workspace = azure.world.synapse_named(name).map(str::to_owned);
    let workspace =
        workspace.ok_or_else(|| Refusal::new(404, "WorkspaceNotFound", format!("There is no Synapse workspace '{name}'.")))?;
    // Its texts for invalid tokens are NF; these are ARM's.
    let token = authenticated(azure, incoming, &azure.origin(request), |audience| AUDIENCES.contains(&audience))?;
    let tenant = azure.world.tenant_of(&workspace).unwrap_or_default();
    if !tenant.eq_ignore_ascii_case(&token.tenant) {
        let message = format!("The token is of the tenant '{}', the workspace of '{tenant}'.", token.tenant);
        return Err(Refusal::new(401, "AuthenticationFailed", message));
    }
    api_versions::asked(request)?;
    let call = Call { now, request, token, name: crate::id::name(&workspace).to_owned(), workspace };
    let folded: Vec<String> = path.iter().map(|s| s.to_ascii_lowercase()).collect();
    let folded: Vec<&str> = folded.iter().map(String::as_str).collect();
    match (request.method.as_str(), folded.as_slice()) {
        ("GET", ["roledefinitions"]) => roles::definitions(azure, &call),
        ("GET", ["roledefinitions", guid]) => roles::definition(azure, &call, guid),
        ("GET", ["rbacscopes"]) => roles::scopes(azure, &call),
        ("GET", ["roleassignments"]) => roles::list(azure, &call),
        ("GET", ["roleassignments", guid]) => roles::show(azure, &call, guid),
        ("PUT", ["roleassignments", guid]) => roles::create(azure, &call, guid),
        ("DELETE", ["roleassignments", guid]) => roles::delete(azure, &call, guid),
        ("POST", ["checkaccesssynapserbac"]) => roles::check(azure, &call),
        ("GET", ["bigdatapools", pool]) => self::pool(azure, &call, pool),
        ("GET", ["managedvirtualnetworks", network, "managedprivateendpoints"]) => network::endpoints(azure, &call, network),
        ("GET", ["managedvirtualnetworks", network, "managedprivateendpoints", name]) => {
            network::endpoint(azure, &call, network, name)
        }
        (method, ["managedvirtualnetworks", _, "managedprivateendpoints", ..]) => Err(not_allowed(method)),
        (method, ["roledefinitions" | "rbacscopes" | "roleassignments" | "checkaccesssynapserbac" | "bigdatapools", ..]) => {
            Err(not_allowed(method))
        }
        _ => {
            Err(Refusal::new(404, "NotFound", format!("The emulator serves nothing at {} of a Synapse workspace.", request.path)))
        }
    }
}

/// GET of a pool: the data plane's twin of ARM's (SPEC).
fn pool(azure: &Azure, call: &Call<'_>, name: &str) -> Result<Answer, Refusal> {
    may_read(azure, call)?;
    let pool = azure.world.pools.get(&crate::id::fold(&format!("{}/bigDataPools/{name}", call.workspace)));
    let pool = pool.ok_or_else(|| Refusal::new(404, "BigDataPoolNotFound", format!("There is no Spark pool '{name}'.")))?;
    Ok(Answer::json(200, &azure.world.pool_body(pool)))
}

/// Any role in the workspace allows reading (DOC), and so does the corresponding ARM action on the workspace.
fn may_read(azure: &Azure, call: &Call<'_>) -> Result<(), Refusal> {
    let whole = format!("workspaces/{}", call.name);
    may(azure, call, "Microsoft.Synapse/workspaces/read", &whole, |grant| {
        grant.principal.eq_ignore_ascii_case(&call.token.object)
    })
}

/// Whether the principal has a suitable role, or the corresponding ARM action on the workspace (DOC: its owner may assign
/// roles). 403 has the code `Unauthorized` (REAL).
fn may(azure: &Azure, call: &Call<'_>, action: &str, scope: &str, fits: impl Fn(&Grant) -> bool) -> Result<(), Refusal> {
    if is_allowed(&azure.world, &call.token, action, &call.workspace)
        || azure.world.grants(&call.workspace).any(|(_, grant)| fits(grant))
    {
        return Ok(());
    }
    let object = &call.token.object;
    Err(Refusal::new(
        403,
        "Unauthorized",
        format!(
            "The principal '{object}' does not have the required Synapse RBAC permission to perform this action. Required permission: Action: {action}, Scope: {scope}/*."
        ),
    ))
}
