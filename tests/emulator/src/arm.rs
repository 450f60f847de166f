//! Azure Resource Manager: who asks, may they, how often, and what for.

mod access;
mod compute;
mod operation;

use jiff::Timestamp;

use access::{api_version, authenticated, authorize, is_allowed, throttled, unauthenticated};

use crate::azure::Azure;
use crate::exchange::{Answer, Refusal, Request};
use crate::fault::Failure;
use crate::id;
use crate::world::{POOL_TYPE, Token, World, pool_body};

/// One request after its token was accepted.
pub(super) struct Call<'a> {
    pub(super) now: Timestamp,
    pub(super) request: &'a Request,
    pub(super) origin: String,
    pub(super) version: String,
    pub(super) token: Token,
    /// A test asked that the operation ends so.
    pub(super) doomed: Option<Failure>,
}

pub(crate) fn answer(
    azure: &mut Azure,
    now: Timestamp,
    request: &Request,
    segments: &[String],
    doomed: Option<Failure>,
) -> (Answer, Option<String>) {
    let asker = asker(azure, request);
    let answer = handle(azure, now, request, segments, doomed).unwrap_or_else(Refusal::answer);
    (marked(azure, now, request, answer), asker)
}

/// The client ID behind the token of a request, if there is one.
pub(crate) fn asker(azure: &Azure, request: &Request) -> Option<String> {
    let bearer = request.header("Authorization")?.strip_prefix("Bearer ")?;
    azure.world.token(bearer).map(|t| t.client.clone())
}

/// Adds what every answer has (REAL).
pub(crate) fn marked(azure: &mut Azure, now: Timestamp, request: &Request, answer: Answer) -> Answer {
    let own = azure.world.guid().to_string();
    let correlation = request.header("x-ms-correlation-request-id").unwrap_or(&own).to_owned();
    let route = format!("EMULATOR:{}:{correlation}", now.strftime("%Y%m%dT%H%M%SZ"));
    let request_id = azure.world.guid().to_string();
    let mut answer = answer
        .with("x-ms-request-id", request_id)
        .with("x-ms-correlation-request-id", correlation)
        .with("x-ms-routing-request-id", route);
    if let Some(client) = request.header("x-ms-client-request-id") {
        answer = answer.with("x-ms-client-request-id", client);
    }
    answer
}

fn handle(
    azure: &mut Azure,
    now: Timestamp,
    request: &Request,
    segments: &[String],
    doomed: Option<Failure>,
) -> Result<Answer, Refusal> {
    let folded: Vec<String> = segments.iter().map(|s| s.to_ascii_lowercase()).collect();
    let folded: Vec<&str> = folded.iter().map(String::as_str).collect();
    let ["subscriptions", subscription, rest @ ..] = folded.as_slice() else {
        return Err(Refusal::new(404, "ResourceNotFound", format!("The emulator serves nothing at {}.", request.path)));
    };
    let origin = azure.origin(request);
    let token = authenticated(azure, now, request, &origin)?;
    let version = api_version(request)?;
    let Some(known) = azure.world.subscriptions.get(*subscription) else {
        return Err(Refusal::new(404, "SubscriptionNotFound", format!("The subscription '{}' could not be found.", segments[1])));
    };
    let tenant = known.tenant_id.clone().unwrap_or_default();
    if !tenant.eq_ignore_ascii_case(&token.tenant) {
        return Err(unauthenticated(
            &origin,
            "InvalidAuthenticationTokenTenant",
            &format!(
                "The access token is from the wrong issuer 'https://sts.windows.net/{}/'. It must match the tenant 'https://sts.windows.net/{tenant}/' associated with this subscription.",
                token.tenant
            ),
        ));
    }
    let (kind, left) = throttled(azure, now, request, subscription, &token)?;
    let call = Call { now, request, origin, version, token, doomed };
    let answered = match rest {
        ["providers", "microsoft.machinelearningservices", "locations", _, "computeoperationsstatus", guid] => {
            operation::answer(azure, &call, guid)
        }
        ["resourcegroups", _, "providers", "microsoft.machinelearningservices", "workspaces", _] => {
            compute::workspace(azure, &call, segments)
        }
        ["resourcegroups", _, "providers", "microsoft.machinelearningservices", "workspaces", _, "computes"] => {
            compute::list(azure, &call, segments)
        }
        ["resourcegroups", _, "providers", "microsoft.machinelearningservices", "workspaces", _, "computes", _] => {
            compute::one(azure, &call, segments)
        }
        ["resourcegroups", _, "providers", "microsoft.synapse", "workspaces", _, "bigdatapools", _] => {
            pool(azure, &call, segments)
        }
        _ => Err(Refusal::new(
            404,
            "InvalidResourceType",
            format!("The emulator doesn't serve resources such as {}.", request.path),
        )),
    };
    let answer = answered.unwrap_or_else(Refusal::answer);
    Ok(answer.with(kind.header(), left.to_string()))
}

/// The resource group has to be there before anything in it.
pub(super) fn in_group(world: &World, resource: &str) -> Result<(), Refusal> {
    let group = id::resource_group(resource).unwrap_or_default();
    if world.groups.contains_key(&id::fold(&group)) {
        return Ok(());
    }
    Err(Refusal::new(404, "ResourceGroupNotFound", format!("Resource group '{}' could not be found.", id::name(&group))))
}

/// ARM's text for what isn't there (DOC).
pub(super) fn not_found(of: &str, resource: &str) -> Refusal {
    let group = id::part(resource, "resourceGroups").unwrap_or_default();
    let message = format!(
        "The Resource '{of}' under resource group '{group}' was not found. For more details please go to https://aka.ms/ARMResourceNotFoundFix"
    );
    Refusal::new(404, "ResourceNotFound", message)
}

pub(super) fn not_allowed(method: &str) -> Refusal {
    Refusal::new(405, "MethodNotAllowed", format!("The emulator doesn't serve {method} of this resource."))
}

/// GET of a Synapse Spark pool (SPEC).
fn pool(azure: &Azure, call: &Call<'_>, segments: &[String]) -> Result<Answer, Refusal> {
    let resource = format!("/{}", segments.join("/"));
    if call.request.method != "GET" {
        return Err(not_allowed(&call.request.method));
    }
    authorize(&azure.world, &call.token, &format!("{POOL_TYPE}/read"), &resource)?;
    in_group(&azure.world, &resource)?;
    let pool = azure.world.pools.get(&id::fold(&resource));
    let pool = pool.ok_or_else(|| {
        not_found(&format!("Microsoft.Synapse/workspaces/{}/bigDataPools/{}", segments[7], segments[9]), &resource)
    })?;
    Ok(Answer::json(200, &pool_body(pool, "eastus2")))
}
