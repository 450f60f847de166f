//! Each check, on facts.

use std::collections::BTreeSet;

use jiff::civil::date;

use super::checks::{CHECKS, check};
use super::facts::{Account, AccountNetwork, Assignment, AttachedCompute, Endpoint, Facts, SynapseRole, SynapseWorkspace};
use super::outcome::{Fix, Outcome, Verdict};
use super::read::Unreadable;
use super::rights::{Permission, Role};
use crate::planner::identity::{Identity, ObservedIdentity, UserAssigned};
use crate::resource_id::{ComputeId, IdentityId, PoolId, StorageAccountId, SynapseWorkspaceId};

const GROUP: &str = "/subscriptions/6560575d-fa06-4e7d-95fb-f962e74efd7a/resourceGroups/yogi-res-group/providers";
const SYSTEM: &str = "00000000-0000-0000-0000-00000000000a";
const USER: &str = "00000000-0000-0000-0000-00000000000b";
const ADMINISTRATOR: &str = "6e4bf58a-b8e1-4cc3-bbf9-d73143322b78";
const COMPUTE_OPERATOR: &str = "e3844cc7-4670-42cb-9349-9bdac1ee7881";
const POOL_SCOPE: &str = "workspaces/yogi-synapse-ws/bigDataPools/yogisparkpool";
const BLOBS: &str = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/";

/// A role with these actions and data actions.
fn role(name: &str, actions: &[&str], data_actions: &[&str]) -> Assignment {
    let list = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
    let permission = Permission { actions: list(actions), data_actions: list(data_actions), ..Permission::default() };
    Assignment {
        role: Ok(Role { name: name.to_owned(), permissions: vec![permission] }),
        scope: "/subscriptions/6560575d-fa06-4e7d-95fb-f962e74efd7a".to_owned(),
        is_conditional: false,
    }
}

fn account(name: &str) -> Account {
    Account {
        id: StorageAccountId::parse(&format!("{GROUP}/Microsoft.Storage/storageAccounts/{name}")).expect("an ID"),
        network: Ok(Some(AccountNetwork { is_open: true, is_hierarchical: true })),
        roles: Ok(vec![role("Contributor", &["*"], &[]), role("Storage Blob Data Contributor", &[], &[&format!("{BLOBS}*")])]),
    }
}

/// An attachment whose jobs can run.
fn facts() -> Facts {
    let shown = ObservedIdentity {
        kind: "SystemAssigned".to_owned(),
        system: true,
        principal_id: Some(SYSTEM.to_owned()),
        ..ObservedIdentity::default()
    };
    let compute = format!("{GROUP}/Microsoft.MachineLearningServices/workspaces/yogi-aml-ws/computes/nightly");
    let synapse = SynapseWorkspaceId::parse(&format!("{GROUP}/Microsoft.Synapse/workspaces/yogi-synapse-ws")).expect("an ID");
    Facts {
        compute: ComputeId::parse(&compute).expect("an ID"),
        pool: Ok(PoolId::within(&synapse.to_string(), "yogisparkpool").expect("an ID")),
        spark_version: Ok(Some("3.5".to_owned())),
        today: date(2026, 11, 30),
        attached: Ok(Some(AttachedCompute { state: "Succeeded".to_owned(), identity: shown })),
        identity: Identity { system: true, user: Vec::new() },
        user_identity: Ok(None),
        synapse_roles: Ok(vec![SynapseRole { id: ADMINISTRATOR.to_owned(), scope: POOL_SCOPE.to_owned(), group: None }]),
        synapse: Ok(SynapseWorkspace { id: synapse, has_managed_network: false, prevents_exfiltration: false, is_public: true }),
        firewall: Ok(vec![("0.0.0.0".to_owned(), "0.0.0.0".to_owned())]),
        endpoints: Ok(Vec::new()),
        datastore: Ok(Some(account("datastore"))),
        primary: Ok(Some(account("primary"))),
    }
}

fn unreadable<T>() -> Result<T, Unreadable> {
    Err(Unreadable { permission: "a/read", error: "AuthorizationFailed".to_owned(), is_refusal: true })
}

/// The attachment has a user-assigned identity, whose principal is `own` now.
fn with_user_identity(facts: &mut Facts, own: Option<&str>) {
    let id = IdentityId::parse(&format!("{GROUP}/Microsoft.ManagedIdentity/userAssignedIdentities/spark")).expect("an ID");
    facts.identity = Identity { system: false, user: vec![id.clone()] };
    facts.user_identity = Ok(own.map(ToOwned::to_owned));
    shown(facts).system = false;
    shown(facts).user = vec![UserAssigned { id, principal_id: Some(USER.to_owned()), client_id: None, own_principal_id: None }];
}

fn compute(facts: &mut Facts) -> &mut AttachedCompute {
    facts.attached.as_mut().expect("it is readable").as_mut().expect("it exists")
}

fn shown(facts: &mut Facts) -> &mut ObservedIdentity {
    &mut compute(facts).identity
}

fn first_role(facts: &mut Facts) -> &mut SynapseRole {
    &mut facts.synapse_roles.as_mut().expect("they are readable")[0]
}

fn first_endpoint(facts: &mut Facts) -> &mut Endpoint {
    &mut facts.endpoints.as_mut().expect("they are readable")[0]
}

fn datastore(facts: &mut Facts) -> &mut Account {
    facts.datastore.as_mut().expect("it is readable").as_mut().expect("it exists")
}

fn roles(facts: &mut Facts, roles: &[Assignment]) {
    for read in [&mut facts.datastore, &mut facts.primary] {
        read.as_mut().expect("it is readable").as_mut().expect("it exists").roles = Ok(roles.to_vec());
    }
}

fn synapse(facts: &mut Facts) -> &mut SynapseWorkspace {
    facts.synapse.as_mut().expect("it is readable")
}

/// The storage accounts accept connections from some networks only; `status` is that of a managed private endpoint to them.
fn closed(facts: &mut Facts, has_managed_network: bool, status: Option<&str>) {
    synapse(facts).has_managed_network = has_managed_network;
    let mut endpoints = Vec::new();
    for read in [&mut facts.datastore, &mut facts.primary] {
        let account = read.as_mut().expect("it is readable").as_mut().expect("it exists");
        account.network = Ok(Some(AccountNetwork { is_open: false, is_hierarchical: true }));
        endpoints.extend(status.map(|status| Endpoint {
            name: "lake".to_owned(),
            target: account.id.to_string().to_lowercase(),
            group: "dfs".to_owned(),
            status: status.to_owned(),
        }));
    }
    facts.endpoints = Ok(endpoints);
}

type Row = (&'static str, fn(&mut Facts), Verdict, &'static str);

use Verdict::{Missing, NotApplicable, NotReadable, Ok as Met, Warning};

/// A check, what differs from an attachment whose jobs can run, the verdict, and what the message or the fix contains.
#[rustfmt::skip]
const TABLE: &[Row] = &[
    ("compute", |_| {},                                                          Met,           "computes/nightly is attached"),
    ("compute", |f| f.attached = Ok(None),                                       Missing,       "does not exist"),
    ("compute", |f| compute(f).state = "Failed".to_owned(), Missing, "the state Failed"),
    ("compute", |f| f.attached = unreadable(),                                   NotReadable,   "AuthorizationFailed (needs a/read)"),

    ("identity", |_| {},                                                         Met,           SYSTEM),
    ("identity", |f| f.identity = Identity::default(),                           Warning,       "Set spec.identity"),
    ("identity", |f| shown(f).principal_id = None,                               Missing,       "no system-assigned identity"),
    ("identity", |f| with_user_identity(f, Some(USER)),                          Met,           USER),
    ("identity", |f| with_user_identity(f, None),                                Missing,       "az identity create --subscription 6560575d-fa06-4e7d-95fb-f962e74efd7a --resource-group yogi-res-group --name spark"),
    ("identity", |f| with_user_identity(f, Some("00000000-0000-0000-0000-00000000000c")), Missing, "was created again"),
    ("identity", |f| { with_user_identity(f, Some(USER)); shown(f).user.clear(); }, Missing,    "is not assigned to the compute"),
    ("identity", |f| { with_user_identity(f, None); f.user_identity = unreadable(); }, NotReadable, "AuthorizationFailed"),
    ("identity", |f| f.attached = unreadable(),                                  NotReadable,   "AuthorizationFailed"),

    ("identity", |f| f.attached = Ok(None),                                      NotApplicable, "the attach creates"),

    ("synapse-role", |_| {},                                                     Met,           "Synapse Administrator on workspaces/yogi-synapse-ws/bigDataPools"),
    ("synapse-role", |f| first_role(f).scope = "workspaces/yogi-synapse-ws".to_owned(), Met, "on workspaces/yogi-synapse-ws"),
    ("synapse-role", |f| first_role(f).scope = "workspaces/yogi-synapse-ws/bigDataPools/other".to_owned(), Missing, "itself has no role on the pool yogisparkpool"),
    ("synapse-role", |f| first_role(f).group = Some(USER.to_owned()),            NotReadable,   "whether it contains the principal is not evaluated\naz synapse role assignment create"),
    ("synapse-role", |f| { first_role(f).group = Some(USER.to_owned()); first_role(f).scope = "workspaces/other".to_owned(); }, Missing, "no group has one that is enough"),
    ("synapse-role", |f| first_role(f).id = COMPUTE_OPERATOR.to_owned(), Warning, "Microsoft's instructions name Synapse Administrator"),
    ("synapse-role", |f| f.synapse_roles = Ok(Vec::new()),                       Missing,       "az synapse role assignment create --workspace-name yogi-synapse-ws --role \"Synapse Administrator\""),
    ("synapse-role", |f| f.synapse_roles = unreadable(),                         NotReadable,   "AuthorizationFailed"),
    ("synapse-role", |f| f.pool = unreadable(),                                  NotReadable,   "AuthorizationFailed"),
    ("synapse-role", |f| f.identity = Identity::default(),                       NotApplicable, "the user who submits them"),
    ("synapse-role", |f| f.attached = Ok(None),                                  NotApplicable, "no principal"),

    ("datastore-contributor", |_| {},                                            Met,           "the role Contributor on /subscriptions/"),
    ("datastore-contributor", |f| roles(f, &[role("Reader", &["*/read"], &[])]), Missing,    "az role assignment create --role \"Contributor\" --assignee-object-id 00000000-0000-0000-0000-00000000000a"),
    ("datastore-contributor", |f| roles(f, &[role("custom", &["Microsoft.Storage/*"], &[])]), Met, "the role custom"),
    ("datastore-contributor", |f| roles(f, &[role("r", &["*/read"], &[]), role("w", &["*/write", "*/action"], &[])]), Met, "the roles r, w together"),
    ("datastore-contributor", |f| datastore(f).roles = unreadable(),             NotReadable,   "AuthorizationFailed"),
    ("datastore-contributor", |f| datastore(f).roles = Ok(vec![Assignment { role: unreadable(), ..role("", &[], &[]) }]), NotReadable, "AuthorizationFailed"),
    ("datastore-contributor", |f| f.datastore = unreadable(),                    NotReadable,   "AuthorizationFailed"),
    ("datastore-contributor", |f| f.datastore = Ok(None),                        NotApplicable, "no storage account of the default datastore"),
    ("datastore-contributor", |f| f.identity = Identity::default(),              NotApplicable, "the user who submits them"),

    ("datastore-blob-data", |_| {},                                              Met,           "Storage Blob Data Contributor"),
    ("datastore-blob-data", |f| roles(f, &[role("Owner", &["*"], &[])]),      Missing,       "--role \"Storage Blob Data Contributor\""),
    ("datastore-blob-data", |f| roles(f, &[role("Storage Blob Data Reader", &[], &["*/read"])]), Missing, "/storageAccounts/datastore"),
    ("datastore-blob-data", |f| roles(f, &[Assignment { is_conditional: true, ..role("Storage Blob Data Owner", &[], &["*"]) }]), Warning, "under a condition"),

    ("primary-contributor", |_| {},                                              Met,           "Contributor"),
    ("primary-contributor", |f| f.primary = Ok(Some(account("datastore"))),      NotApplicable, "it is the storage account of the default datastore"),
    ("primary-contributor", |f| roles(f, &[]),                            Missing,       "/storageAccounts/primary"),
    ("primary-blob-data", |_| {},                                                Met,           "Storage Blob Data Contributor"),
    ("primary-contributor", |f| f.primary = unreadable(),                        NotReadable,   "AuthorizationFailed"),
    ("primary-blob-data", |f| f.primary = unreadable(),                          NotReadable,   "AuthorizationFailed"),
    ("datastore-blob-data", |f| f.datastore = unreadable(),                      NotReadable,   "AuthorizationFailed"),
    ("primary-network", |f| f.primary = unreadable(),                            NotReadable,   "AuthorizationFailed"),
    ("primary-blob-data", |f| roles(f, &[]),                              Missing,       "/storageAccounts/primary"),

    ("no-exfiltration-protection", |_| {},                                       Met,           "is off"),
    ("no-exfiltration-protection", |f| synapse(f).prevents_exfiltration = true,  Missing,       "which Azure ML does not support"),
    ("synapse-public-access", |_| {},                                            Met,           "is enabled"),
    ("synapse-public-access", |f| synapse(f).is_public = false,                  Missing,       "--set properties.publicNetworkAccess=Enabled"),
    ("synapse-firewall", |_| {},                                                 Met,           "accepts connections from Azure's services"),
    ("synapse-firewall", |f| f.firewall = Ok(vec![("0.0.0.0".to_owned(), "255.255.255.255".to_owned())]), Met, "accepts connections from Azure's services"),
    ("synapse-firewall", |f| f.firewall = Ok(vec![("20.0.0.1".to_owned(), "20.0.0.9".to_owned())]), Warning, "--start-ip-address 0.0.0.0"),
    ("synapse-firewall", |f| synapse(f).is_public = false,                       NotApplicable, "is disabled"),

    ("datastore-network", |_| {},                                                Met,           "from all networks"),
    ("primary-network", |f| closed(f, true, None),                               Missing,       "--pe-name primary-dfs --file '{\"privateLinkResourceId\": \"/subscriptions/"),
    ("spark-version", |_| {},                                                    Met,           "Spark 3.5 is supported until 2028-10-31"),
    ("spark-version", |f| f.spark_version = Ok(None),                            NotApplicable, "no version of Spark"),
    ("no-exfiltration-protection", |f| f.synapse = unreadable(),                 NotReadable,   "AuthorizationFailed"),
    ("synapse-public-access", |f| f.synapse = unreadable(),                      NotReadable,   "AuthorizationFailed"),
    ("synapse-firewall", |f| f.synapse = unreadable(),                           NotReadable,   "AuthorizationFailed"),
    ("synapse-firewall", |f| f.firewall = unreadable(),                          NotReadable,   "AuthorizationFailed"),
    ("primary-network", |_| {},                                                  Met,           "from all networks"),
    ("primary-network", |f| f.primary = Ok(Some(account("datastore"))),          NotApplicable, "of the default datastore"),
    ("datastore-network", |f| closed(f, false, None),                            Missing,       "az storage account update --subscription"),
    ("datastore-network", |f| closed(f, true, Some("Approved")),                 Met,           "endpoint lake leads to datastore"),
    ("datastore-network", |f| closed(f, true, Some("Pending")),                  Missing,       "az resource show --ids /subscriptions/"),
    ("datastore-network", |f| closed(f, true, Some("Rejected")),                 Missing,       "has no managed private endpoint"),
    ("datastore-network", |f| { closed(f, true, Some("Approved")); first_endpoint(f).group = "table".to_owned(); }, Missing, "--pe-name datastore-dfs"),
    ("datastore-network", |f| { closed(f, true, None); f.endpoints = unreadable(); }, NotReadable, "AuthorizationFailed"),
    ("datastore-network", |f| { closed(f, true, None); f.synapse = unreadable(); },   NotReadable, "AuthorizationFailed"),
    ("datastore-network", |f| datastore(f).network = unreadable(),               NotReadable,   "AuthorizationFailed"),
    ("datastore-network", |f| datastore(f).network = Ok(None),                   Missing,       "does not exist"),
    ("spark-version", |f| f.spark_version = Ok(Some("3.3".to_owned())),          Missing,       "disabled from 2025-03-31 on"),
    ("spark-version", |f| f.spark_version = Ok(Some("3.4".to_owned())),          Warning,       "ended on 2026-03-31"),
    ("spark-version", |f| f.today = date(2028, 10, 1),                           Warning,       "ends in 30 days, on 2028-10-31"),
    ("spark-version", |f| f.spark_version = unreadable(),                        NotReadable,   "AuthorizationFailed"),
];

fn text(outcome: &Outcome) -> String {
    let fix = match &outcome.fix {
        Some(Fix::Command(text) | Fix::Advice(text)) => text.as_str(),
        None => "",
    };
    format!("{}\n{fix}", outcome.message)
}

#[test]
fn each_check_tells_what_is_met_missing_and_not_readable() {
    for (number, (id, change, verdict, words)) in TABLE.iter().enumerate() {
        let mut facts = facts();
        change(&mut facts);
        let all = check(&facts);
        let found = &all.iter().find(|one| one.check.id == *id).expect("the check exists").outcome;
        assert_eq!(found.verdict, *verdict, "row {number}, {id}: {found:?}");
        assert!(text(found).contains(words), "row {number}, {id}: {words:?} is not in {found:?}");
        let is_undecided = *verdict == NotReadable && found.unreadable.is_none();
        assert_eq!(found.fix.is_some(), is_undecided || matches!(verdict, Missing | Warning), "row {number}, {id}: {found:?}");
    }
}

#[test]
fn each_check_has_a_row_that_passes_one_that_fails_and_one_that_cannot_be_read() {
    let all: BTreeSet<_> = CHECKS.iter().map(|check| check.id).collect();
    for verdicts in [&[Met][..], &[Missing, Warning], &[NotReadable]] {
        let rows: BTreeSet<_> = TABLE.iter().filter(|row| verdicts.contains(&row.2)).map(|row| row.0).collect();
        assert_eq!(all, rows, "{verdicts:?}");
    }
}

#[test]
fn an_attachment_whose_jobs_can_run_passes_every_check() {
    for result in check(&facts()) {
        assert_eq!(result.outcome.verdict, Met, "{}: {:?}", result.check.id, result.outcome);
    }
}

/// A connection of somebody else could await approval beside it, or instead of it.
#[test]
fn no_command_approves_a_connection_that_may_be_of_somebody_else() {
    let mut facts = facts();
    closed(&mut facts, true, Some("Pending"));
    let all = check(&facts);
    for id in ["datastore-network", "primary-network"] {
        let found = &all.iter().find(|one| one.check.id == id).expect("the check exists").outcome;
        let Some(Fix::Advice(advice)) = &found.fix else { panic!("{found:?}") };
        for words in ["compare the name of its private endpoint with lake and yogi-synapse-ws", "approve --id CONNECTION_ID"] {
            assert!(advice.contains(words), "{advice}");
        }
    }
}

#[test]
fn a_user_assigned_identity_is_checked_before_the_compute_exists() {
    let mut facts = facts();
    with_user_identity(&mut facts, Some(USER));
    facts.attached = Ok(None);
    let verdicts: Vec<_> = check(&facts).into_iter().filter(|one| one.outcome.verdict != Met).map(|one| one.check.id).collect();
    assert_eq!(verdicts, ["compute"]);
}
