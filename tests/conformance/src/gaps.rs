//! Rows and settings that no probe checks, each with the reason.

const THROTTLING: &str = "the run would have to throttle the subscription, and everything else that uses it";
const SECOND_PRINCIPAL: &str = "needs a second principal, with fewer rights";
const IDENTITY: &str = "the run has no identity of its own that it may delete and create again";
const READS: &str =
    "the run reads attachments only, and its principal needs no permission on storage, networks and role assignments";
const SDK_V1: &str = "nothing of the operator uses it, and the run would have to write to the workspace's storage account";
const ACTIVITY_LOG: &str = "the log lags behind by minutes, for which the run would have to wait";
const COSTS: &str = "a job would start the Spark pool, which costs money, and needs code and data in a datastore";

/// The rows of the evidence table that are not checked, and why.
pub const ROWS: &[(&str, &str)] = &[
    (
        "`location` of a cluster in another region is its workspace's, `computeLocation` its own",
        "would create a cluster; the run creates attachments only",
    ),
    ("a write may be processed after 504 or a closed connection", "cannot be provoked from outside"),
    (
        "`underlyingResourceAction=Delete` of a Spark compute: 400 `UserError`",
        "if Azure accepts it, it may delete the Spark pool. Try it by hand with a pool that may go",
    ),
    ("every principal of the tenant may read an operation", SECOND_PRINCIPAL),
    ("token buckets, by subscription, principal and kind; a request before `Retry-After` restarts the pause", THROTTLING),
    ("a request before `Retry-After` also restarts the pause of all principals", THROTTLING),
    ("code and text of the tenant's 429", THROTTLING),
    ("the 429's text and `Retry-After: 10`", THROTTLING),
    (
        "the hour is the last 60 minutes, in whole minutes, so that Azure never allows less; the 429 is that of the buckets",
        THROTTLING,
    ),
    ("such a provider's limit applies in addition to ARM's own", THROTTLING),
    ("the 429 of such a limit: `ResourceRequestsThrottled` and its text", THROTTLING),
    ("a provider's own 429: `TooManyRequests` and its text, none of ARM's headers", THROTTLING),
    (
        "the next page begins after the number of items shown so far, so that an item deleted meanwhile hides another",
        "needs more computes than a page holds, of which some are removed while they are listed",
    ),
    ("a pool that is not `Succeeded`: the operation fails with `UserError`", "the run changes no pool"),
    (
        "a failed operation may have `statusCode` and `details` without a code, or be `Canceled`",
        "cannot be provoked from outside",
    ),
    ("500 of a PUT that was processed", "cannot be provoked from outside"),
    ("GET of a user-assigned identity: `properties` with `principalId`, `clientId`, `tenantId`", IDENTITY),
    ("an identity that is created again under its name: another principal; a compute shows the former one until a PUT", IDENTITY),
    ("the time until a role takes effect", COSTS),
    ("a change of the pool does not change the pool's values in an attached compute", "the run changes no pool"),
    ("the Activity Log: the patterns of `$filter`, the names of `$select`, the properties of an event", ACTIVITY_LOG),
    ("the ID that the client gave a request, in `httpRequest`", ACTIVITY_LOG),
    ("other filters and names, and a missing filter: 400 `BadRequest`", ACTIVITY_LOG),
    ("`Microsoft.Insights/eventtypes/values/Read`", SECOND_PRINCIPAL),
    ("writes only, for 90 days; `…/write`, `…/delete`, `…/action` as the names of operations", ACTIVITY_LOG),
    ("a period that began more than 90 days ago: 400", ACTIVITY_LOG),
    ("the claims of a sender, under their names", ACTIVITY_LOG),
    ("two events for each write: that it began, and that it was accepted, succeeded or failed", ACTIVITY_LOG),
    ("the newest event first; case of IDs in a filter", ACTIVITY_LOG),
    ("by how much the log lags behind", ACTIVITY_LOG),
    ("no permission on the data plane: 403 with the code `Unauthorized` and its text", SECOND_PRINCIPAL),
    ("the request limits of the data plane", THROTTLING),
    ("bodies of jobs and steps; PUT of a job completes at once, 201", COSTS),
    (
        "LIST of jobs: `jobType`, `tag` and `listViewType` (default `ActiveOnly`), the newest first, and no steps of pipelines",
        COSTS,
    ),
    ("which roles allow Spark to run", COSTS),
    ("text and place of a job's error", COSTS),
    ("a Spark job needs reads and writes of blobs in its storage and in the primary storage of the Synapse workspace", COSTS),
    ("a role in storage is needed with credentials in the datastore, too", COSTS),
    ("an assignment with a condition does not suffice for a job", COSTS),
    ("storage that is not open to all networks needs an approved managed private endpoint", COSTS),
    ("no job runs with data exfiltration protection", COSTS),
    ("text of a failure in storage", COSTS),
    ("a job fails at once without its storage", COSTS),
    ("a datastore or storage account of a job that does not exist: `UserError`", COSTS),
    ("GET of a storage account", READS),
    (
        "GET of a Machine Learning workspace: `storageAccount`, `publicNetworkAccess`, `managedNetwork`, `systemDatastoresAuthMode`",
        READS,
    ),
    ("datastores: bodies, filters of LIST; a new workspace has four", READS),
    ("the credentials of a datastore are shown as their type only", READS),
    (
        "GET of a Synapse workspace: `defaultDataLakeStorage`, `managedVirtualNetworkSettings`, `publicNetworkAccess`; LIST of its firewall rules",
        READS,
    ),
    ("managed private endpoints: bodies, an empty `nextLink` on the last page", READS),
    ("managed private endpoints can be read with any Synapse role, or with `Microsoft.Synapse/workspaces/read`", READS),
    ("404 `ManagedVirtualNetworkNotFound` and `ManagedPrivateEndpointNotFound`", READS),
    (
        "role assignments of ARM: `atScope()` at the scope and above, `assignedTo()` also those of groups, `principalId eq` at, above and below",
        READS,
    ),
    ("role assignments of ARM without a filter: at, above and below the scope", READS),
    ("another filter: 400 `UnsupportedQuery` and its text", READS),
    ("`assignedTo()` of a group finds nothing", READS),
    ("the scope of a LIST of role assignments need not exist, except for its subscription and its resource group", READS),
    ("the ID of a role at a management group begins with `/providers`, else with the subscription", READS),
    ("a missing role: 404 `RoleDefinitionDoesNotExist`; a missing assignment: 404 `RoleAssignmentNotFound`", READS),
    ("roles at the tenant's scope need a permission there", READS),
    ("built-in roles: Owner, Contributor, Reader, Storage Blob Data Owner, Contributor and Reader", READS),
    (
        "upload of code: request, container and its SAS; PUT and DELETE of the code version; a job whose code was not uploaded fails",
        COSTS,
    ),
    ("an account without access from public networks, or without access by keys: the codes of its refusals", READS),
    ("order and pace of a job's states; steps canceled after a failure", COSTS),
    ("a Spark step of SDK v1 runs as the identity of a linked service", COSTS),
    ("requests and answers of the services that only SDK v1 uses", SDK_V1),
    ("which permission each of these requests needs", SECOND_PRINCIPAL),
    ("the request limits of these services", THROTTLING),
    ("errors of these services; a graph with a compute that does not exist is refused when it is submitted", SDK_V1),
    ("the names of a workspace's containers", SDK_V1),
    ("signatures of blob requests and of SAS; codes of their errors", SDK_V1),
];

/// What is known of a setting of the emulator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setting {
    /// Other values than the default, as JSON, that a probe distinguishes from it.
    Values(&'static [&'static str]),
    /// None distinguishes them, and why.
    NotAsked(&'static str),
}

const PACE: &str = "how fast the emulator is, which is no statement about Azure";
const JOURNAL: &str = "the emulator's journal, which Azure does not have";

/// Every setting of the emulator.
pub const SETTINGS: &[(&str, Setting)] = &[
    ("operationDuration", Setting::NotAsked(PACE)),
    ("jobDuration", Setting::NotAsked(PACE)),
    ("tagsVisibleAtEnd", Setting::Values(&["true"])),
    ("staleReads", Setting::Values(&["\"30s\""])),
    ("staleLists", Setting::Values(&["\"30s\""])),
    ("wrongLocation", Setting::Values(&["\"ignore\""])),
    ("tagLimit", Setting::Values(&["15", "1000"])),
    ("tagRules", Setting::Values(&["false"])),
    ("unknownKeys", Setting::Values(&["\"ignore\""])),
    ("apiVersions", Setting::Values(&["{\"microsoft.machinelearningservices\": null}"])),
    ("identityDeletion", Setting::Values(&["\"0s\""])),
    ("unusablePool", Setting::NotAsked("the run changes no pool")),
    ("detachedOperation", Setting::Values(&["\"notFound\""])),
    ("operationRights", Setting::NotAsked(SECOND_PRINCIPAL)),
    ("operationHeader", Setting::Values(&["false"])),
    ("absentAssignee", Setting::Values(&["\"accept\""])),
    ("principalPropagation", Setting::Values(&["\"3m\""])),
    ("absentIdentity", Setting::Values(&["\"keep\""])),
    ("sortIdentities", Setting::Values(&["true"])),
    ("lowercaseResourceGroups", Setting::Values(&["false"])),
    ("rolePropagation", Setting::NotAsked(COSTS)),
    ("linkedServicesCreatable", Setting::Values(&["true"])),
    ("ownDiscovery", Setting::NotAsked("where the emulator is, which is no statement about Azure")),
    ("doubleNestedErrors", Setting::Values(&["true"])),
    ("activityLogLag", Setting::NotAsked(ACTIVITY_LOG)),
    ("pageSize", Setting::Values(&["10", "100"])),
    ("throttling", Setting::NotAsked(THROTTLING)),
    ("throttleProfile", Setting::Values(&["\"hourly\""])),
    ("throttle", Setting::NotAsked(THROTTLING)),
    ("hourly", Setting::NotAsked(THROTTLING)),
    ("providerLimit", Setting::Values(&["{\"bucket\": 1000, \"perSecond\": 100}"])),
    ("operationRetryAfter", Setting::Values(&["7"])),
    ("knownResources", Setting::NotAsked("which applications the tenant knows is its own affair")),
    ("tokenLifetime", Setting::NotAsked("a policy of the tenant decides it")),
    ("journalSize", Setting::NotAsked(JOURNAL)),
    ("journalBytes", Setting::NotAsked(JOURNAL)),
];

/// The other values of a setting, as JSON.
#[must_use]
pub fn values(setting: &str) -> &'static [&'static str] {
    match SETTINGS.iter().find(|(key, _)| *key == setting) {
        Some((_, Setting::Values(values))) => values,
        _ => &[],
    }
}
