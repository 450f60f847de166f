//! Azure Resource Manager: authentication, permissions, request limits, and routing.

mod access;
mod activity_log;
mod authorization;
mod checks;
mod compute;
mod datastore;
mod group;
mod identity;
mod job;
mod link;
mod operation;
mod page;
mod quota;
mod storage;
mod synapse;
mod upload;
mod workspace;

use jiff::Timestamp;
use serde_json::{Value, json};

pub(crate) use access::{authenticated, authorize, is_allowed, is_for_arm, unauthenticated};
use group::in_group;
use page::page;
use quota::Counted;

use crate::api_versions;
use crate::azure::Azure;
use crate::exchange::{Answer, Refusal, Request};
use crate::fault::Failure;
use crate::id;
use crate::incoming::Incoming;
use crate::world::Token;

/// One request after its token was accepted.
pub(super) struct Call<'a> {
    pub(super) now: Timestamp,
    pub(super) request: &'a Request,
    pub(super) origin: String,
    pub(super) version: String,
    pub(super) token: Token,
    /// A test requested this result of the operation.
    pub(super) doomed: Option<Failure>,
}

pub(crate) fn answer(azure: &mut Azure, incoming: &Incoming<'_>, segments: &[String]) -> (Answer, Option<String>) {
    let asker = asker(azure, incoming.request);
    let answer = handle(azure, incoming, segments).unwrap_or_else(Refusal::answer);
    let answer = marked(azure, incoming.now, incoming.request, answer);
    log(azure, incoming, segments, &answer);
    (answer, asker)
}

/// Records a write in the Activity Log, unless nobody knows who sent it.
fn log(azure: &mut Azure, incoming: &Incoming<'_>, segments: &[String], answer: &Answer) {
    let Incoming { request, now, .. } = *incoming;
    if request.method == "GET" {
        return;
    }
    let id = azure.world.guid();
    let Some(token) = bearer(azure, request).filter(|_| answer.status != 401) else { return };
    let user = azure.world.principal(&token.tenant, &token.client).and_then(|sender| sender.user_principal_name.clone());
    let token = token.clone();
    azure.activity_log.record((now, request, segments), (&token, user.as_deref()), (answer, id));
}

fn bearer<'a>(azure: &'a Azure, request: &Request) -> Option<&'a Token> {
    azure.world.token(request.header("Authorization")?.strip_prefix("Bearer ")?)
}

/// The client ID behind the token of a request, if there is one.
pub(crate) fn asker(azure: &Azure, request: &Request) -> Option<String> {
    bearer(azure, request).map(|t| t.client.clone())
}

/// Adds the headers that every answer has (REAL).
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

fn handle(azure: &mut Azure, incoming: &Incoming<'_>, segments: &[String]) -> Result<Answer, Refusal> {
    let Incoming { request, now, .. } = *incoming;
    let folded: Vec<String> = segments.iter().map(|s| s.to_ascii_lowercase()).collect();
    let folded: Vec<&str> = folded.iter().map(String::as_str).collect();
    let (segments, folded) = match folded.as_slice() {
        // The regional host of Machine Learning serves the same paths, and SDK v1 reads computes there (SDK).
        ["rp", "workspaces", rest @ ..] => (&segments[2..], rest.to_vec()),
        _ => (segments, folded),
    };
    if folded == ["discovery"] {
        return Ok(discovery(&azure.origin(request)));
    }
    if folded == ["subscriptions"] {
        return subscriptions(azure, incoming);
    }
    if let ["providers", "microsoft.authorization", "roledefinitions"]
    | ["providers", "microsoft.authorization", "roledefinitions", _] = folded.as_slice()
    {
        return authorization::of_tenant(azure, incoming, segments, &folded);
    }
    let ["subscriptions", subscription, rest @ ..] = folded.as_slice() else {
        return Err(Refusal::new(404, "ResourceNotFound", format!("The emulator serves nothing at {}.", request.path)));
    };
    let origin = azure.origin(request);
    let token = authenticated(azure, incoming, &origin, |audience| is_for_arm(azure, &origin, audience))?;
    let version = api_versions::asked(request)?;
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
    let counted = Counted { now, method: &request.method, path: &folded, token: &token };
    let remaining = quota::of_subscription(azure, &counted, subscription)?;
    let call = Call { now, request, origin, version, token, doomed: incoming.doomed.clone() };
    let mut answer = routed(azure, &call, (segments, rest)).unwrap_or_else(Refusal::answer);
    answer.headers.extend(remaining);
    Ok(answer)
}

/// Routes a path of a subscription: the whole path, and the part after the subscription in lower case.
// Longer than other functions: one arm per route.
fn routed(azure: &mut Azure, call: &Call<'_>, (segments, rest): (&[String], &[&str])) -> Result<Answer, Refusal> {
    api_versions::check(&azure.settings.api_versions, &call.version, rest)?;
    checks::size(&call.request.body)?;
    match rest {
        ["providers", "microsoft.machinelearningservices", "locations", location, "computeoperationsstatus", guid] => {
            operation::answer(azure, call, location, guid)
        }
        ["resourcegroups", _, "providers", "microsoft.machinelearningservices", "workspaces", _] => {
            workspace::one(azure, call, segments)
        }
        ["resourcegroups", _, "providers", "microsoft.machinelearningservices", "workspaces", _, "computes"] => {
            compute::list(azure, call, segments)
        }
        ["resourcegroups", _, "providers", "microsoft.machinelearningservices", "workspaces", _, "computes", _] => {
            compute::one(azure, call, segments)
        }
        ["resourcegroups", _, "providers", "microsoft.machinelearningservices", "workspaces", _, "linkedservices"] => {
            link::list(azure, call, segments)
        }
        ["resourcegroups", _, "providers", "microsoft.machinelearningservices", "workspaces", _, "linkedservices", _] => {
            link::one(azure, call, segments)
        }
        ["resourcegroups", _, "providers", "microsoft.machinelearningservices", "workspaces", _, "jobs"] => {
            job::list(azure, call, segments)
        }
        ["resourcegroups", _, "providers", "microsoft.machinelearningservices", "workspaces", _, "jobs", _] => {
            job::one(azure, call, segments)
        }
        ["resourcegroups", _, "providers", "microsoft.machinelearningservices", "workspaces", _, "jobs", _, "cancel"] => {
            job::cancel(azure, call, segments)
        }
        [
            "resourcegroups",
            _,
            "providers",
            "microsoft.machinelearningservices",
            "workspaces",
            _,
            "components" | "codes" | "environments",
            _,
            "versions",
            _,
        ] => job::asset(azure, call, segments),
        [
            "resourcegroups",
            _,
            "providers",
            "microsoft.machinelearningservices",
            "workspaces",
            _,
            "codes",
            _,
            "versions",
            _,
            "startpendingupload",
        ] => upload::start(azure, call, segments),
        ["resourcegroups", _, "providers", "microsoft.machinelearningservices", "workspaces", _, "datastores"] => {
            datastore::list(azure, call, segments)
        }
        ["resourcegroups", _, "providers", "microsoft.machinelearningservices", "workspaces", _, "datastores", _] => {
            datastore::one(azure, call, segments)
        }
        ["providers", "microsoft.machinelearningservices", "workspaces"]
        | ["resourcegroups", _, "providers", "microsoft.machinelearningservices", "workspaces"] => {
            workspace::list(azure, call, segments)
        }
        ["providers", "microsoft.synapse", "workspaces"]
        | ["resourcegroups", _, "providers", "microsoft.synapse", "workspaces"] => synapse::workspaces(azure, call, segments),
        ["resourcegroups", _, "providers", "microsoft.synapse", "workspaces", _] => synapse::workspace(azure, call, segments),
        ["resourcegroups", _, "providers", "microsoft.synapse", "workspaces", _, "bigdatapools"] => {
            synapse::pools(azure, call, segments)
        }
        ["resourcegroups", _, "providers", "microsoft.synapse", "workspaces", _, "bigdatapools", _] => {
            synapse::pool(azure, call, segments)
        }
        ["providers", "microsoft.insights", "eventtypes", "management", "values"] => activity_log::events(azure, call, segments),
        ["resourcegroups", _, "providers", "microsoft.managedidentity", "userassignedidentities", _] => {
            identity::one(azure, call, segments)
        }
        ["resourcegroups", _, "providers", "microsoft.synapse", "workspaces", _, "firewallrules"] => {
            synapse::firewall_rules(azure, call, segments)
        }
        ["resourcegroups", _, "providers", "microsoft.storage", "storageaccounts", _] => storage::one(azure, call, segments),
        [.., "providers", "microsoft.authorization", "roleassignments"] => authorization::assignments(azure, call, segments),
        [.., "providers", "microsoft.authorization", "roleassignments", _] => authorization::assignment(azure, call, segments),
        [.., "providers", "microsoft.authorization", "roledefinitions"] => authorization::definitions(azure, call, segments),
        [.., "providers", "microsoft.authorization", "roledefinitions", _] => authorization::definition(azure, call, segments),
        _ => Err(Refusal::new(
            404,
            "InvalidResourceType",
            format!("The emulator doesn't serve resources such as {}.", call.request.path),
        )),
    }
}

/// ARM's text for a resource that does not exist (DOC).
pub(crate) fn not_found(of: &str, resource: &str) -> Refusal {
    let group = id::part(resource, "resourceGroups").unwrap_or_default();
    let message = format!(
        "The Resource '{of}' under resource group '{group}' was not found. For more details please go to https://aka.ms/ARMResourceNotFoundFix"
    );
    Refusal::new(404, "ResourceNotFound", message)
}

pub(crate) fn not_allowed(method: &str) -> Refusal {
    Refusal::new(405, "MethodNotAllowed", format!("The emulator doesn't serve {method} of this resource."))
}

/// ARM's text for a resource whose parent does not exist (DOC).
pub(super) fn no_parent(parent: &str, children: &str, verb: &str) -> Refusal {
    let message = format!(
        "Failed to perform '{verb}' on resource(s) of type '{children}', because the parent resource '{parent}' could not be found."
    );
    Refusal::new(404, "ParentResourceNotFound", message)
}

/// The body of a request, which must be JSON.
pub(super) fn json_body(call: &Call<'_>) -> Result<Value, Refusal> {
    serde_json::from_slice(&call.request.body).map_err(|e| {
        let message = format!("The request content was invalid and could not be deserialized: '{e}'.");
        Refusal::new(400, "InvalidRequestContent", message)
    })
}

/// The subscription or the resource group of a LIST, which this principal may see.
pub(super) fn within(azure: &Azure, call: &Call<'_>, action: &str, segments: &[String]) -> Result<String, Refusal> {
    if call.request.method != "GET" {
        return Err(not_allowed(&call.request.method));
    }
    let grouped = segments[2].eq_ignore_ascii_case("resourceGroups");
    let scope = format!("/{}", segments[..if grouped { 4 } else { 2 }].join("/"));
    authorize(&azure.world, &call.token, action, &scope)?;
    if grouped {
        in_group(&azure.world, &scope)?;
    }
    Ok(scope)
}

/// The answer at `discoveryUrl` of a workspace, without a token: the hosts of Machine Learning, which are all this one (SDK).
fn discovery(origin: &str) -> Answer {
    let services = [
        "api",
        "experimentation",
        "history",
        "hyperdrive",
        "labeling",
        "modelmanagement",
        "pipelines",
        "studio",
        "studioapi",
        "mlflow",
    ];
    let body: serde_json::Map<String, Value> = services.iter().map(|s| ((*s).to_owned(), json!(origin))).collect();
    Answer::json(200, &Value::Object(body))
}

/// The subscriptions of the token's tenant; SDK v1 requests them first (SDK). One page.
fn subscriptions(azure: &mut Azure, incoming: &Incoming<'_>) -> Result<Answer, Refusal> {
    let request = incoming.request;
    if request.method != "GET" {
        return Err(not_allowed(&request.method));
    }
    let origin = azure.origin(request);
    let token = authenticated(azure, incoming, &origin, |audience| is_for_arm(azure, &origin, audience))?;
    api_versions::asked(request)?;
    let counted = Counted { now: incoming.now, method: &request.method, path: &["subscriptions"], token: &token };
    let remaining = quota::of_tenant(azure, &counted)?;
    let of_tenant = |tenant: &Option<String>| tenant.as_deref().is_some_and(|t| t.eq_ignore_ascii_case(&token.tenant));
    let all = azure.world.subscriptions.values().filter(|s| of_tenant(&s.tenant_id)).map(|s| {
        let id = &s.id;
        json!({"id": format!("/subscriptions/{id}"), "subscriptionId": id, "displayName": id, "state": "Enabled", "tenantId": s.tenant_id})
    });
    let mut answer = Answer::json(200, &json!({"value": all.collect::<Vec<_>>()}));
    answer.headers.extend(remaining);
    Ok(answer)
}
