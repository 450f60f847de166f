use std::cmp::Ordering;
use std::hash::{Hash, Hasher};

use super::*;

const SUB: &str = "6560575d-fa06-4e7d-95fb-f962e74efd7a";

#[test]
fn only_ids_as_azure_writes_them_are_parsed() {
    let pool = |middle: &str| format!("/subscriptions/{SUB}/{middle}");
    #[rustfmt::skip]
    let table = [
        ("as documented",        pool("resourceGroups/rg/providers/Microsoft.Synapse/workspaces/ws/bigDataPools/p"), true),
        ("re-cased by Azure",    pool("resourcegroups/RG/providers/microsoft.synapse/workspaces/ws/bigdatapools/p"), true),
        ("of another type",      pool("resourceGroups/rg/providers/Microsoft.Synapse/workspaces/ws/sqlPools/p"), false),
        ("a segment short",      pool("resourceGroups/rg/providers/Microsoft.Synapse/workspaces/ws/bigDataPools"), false),
        ("a segment long",       pool("resourceGroups/rg/providers/Microsoft.Synapse/workspaces/ws/bigDataPools/p/q"), false),
        ("an empty name",        pool("resourceGroups/rg/providers/Microsoft.Synapse/workspaces//bigDataPools/p"), false),
        ("a name with a query",  pool("resourceGroups/rg/providers/Microsoft.Synapse/workspaces/ws/bigDataPools/p?x=1"), false),
        ("a name that climbs",   pool("resourceGroups/../providers/Microsoft.Synapse/workspaces/ws/bigDataPools/p"), false),
        ("a name with an escape", pool("resourceGroups/rg/providers/Microsoft.Synapse/workspaces/ws/bigDataPools/%2e"), false),
        ("a group of any script", pool("resourceGroups/Instruktører_データ1/providers/Microsoft.Synapse/workspaces/ws/bigDataPools/p"), true),
        ("a pool of any script",  pool("resourceGroups/rg/providers/Microsoft.Synapse/workspaces/ws/bigDataPools/ø"), false),
        ("an emoji",              pool("resourceGroups/🙂/providers/Microsoft.Synapse/workspaces/ws/bigDataPools/p"), false),
        ("nothing",              String::new(), false),
    ];
    for (case, text, good) in table {
        assert_eq!(PoolId::parse(&text).is_ok(), good, "{case}: {text}");
    }
}

#[test]
fn ids_are_compared_without_case_and_keep_their_text() {
    use std::collections::HashSet;
    let lower = format!("/subscriptions/{SUB}/resourcegroups/rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities/Id");
    let upper = lower.replace("resourcegroups", "resourceGroups");
    let (lower, upper) = (IdentityId::parse(&lower).expect("an ID"), IdentityId::parse(&upper).expect("an ID"));
    assert_eq!(lower, upper);
    assert_eq!(lower.cmp(&upper), Ordering::Equal);
    assert_eq!(HashSet::from([lower.clone(), upper.clone()]).len(), 1);
    assert_ne!(lower.to_string(), upper.to_string());
    assert_eq!(lower.name(), "Id");
}

#[test]
fn letters_of_any_script_are_compared_without_case() {
    let of = |group: &str| WorkspaceId::new(SUB, group, "ws").expect("an ID");
    #[rustfmt::skip]
    let table = [
        ("Instruktører", "INSTRUKTØRER", true),
        ("данные",       "ДАННЫЕ",       true),
        ("straße",       "STRASSE",      false),
        ("straße",       "STRAßE",       true),
        ("a",            "ä",            false),
    ];
    let hash = |id: &WorkspaceId| {
        let mut hasher = std::hash::DefaultHasher::new();
        id.hash(&mut hasher);
        hasher.finish()
    };
    for (one, other, is_same) in table {
        let (left, right) = (of(one), of(other));
        assert_eq!((left == right, left.cmp(&right) == Ordering::Equal), (is_same, is_same), "{one} {other}");
        assert_eq!(hash(&left) == hash(&right), is_same, "{one} {other}");
    }
}

#[test]
fn the_workspace_of_a_compute_is_parsed_from_its_id() {
    let workspace = WorkspaceId::new(SUB, "yogi-res-group", "yogi-aml-ws").expect("an ID");
    let compute = workspace.compute("my-spark-pool").expect("an ID");
    assert_eq!(compute, ComputeId::parse(&compute.to_string().to_uppercase()).expect("an ID"));
    assert_eq!((compute.workspace(), compute.name()), (&workspace, "my-spark-pool"));
    assert!(workspace.compute("a/../b").is_err());
    assert_eq!(WorkspaceId::parse(&workspace.to_string().to_lowercase()).expect("an ID"), workspace);
    assert!(WorkspaceId::parse(&compute.to_string()).is_err(), "a compute is no workspace");
}

#[test]
fn a_synapse_workspace_id_is_no_machine_learning_workspace_id() {
    let id = format!("/subscriptions/{SUB}/resourcegroups/rg/providers/microsoft.synapse/workspaces/Syn-1");
    let read = SynapseWorkspaceId::parse(&id).expect("an ID");
    assert_eq!((read.subscription(), read.name(), read.to_string()), (SUB, "Syn-1", id.clone()));
    assert!(SynapseWorkspaceId::parse(&id.replace("microsoft.synapse", "Microsoft.MachineLearningServices")).is_err());
    assert!(SynapseWorkspaceId::parse(&format!("{id}/bigDataPools/p")).is_err());
}

#[test]
fn the_parents_of_a_pool_and_of_a_storage_account_are_parsed_from_their_ids() {
    let pool = format!("/subscriptions/{SUB}/resourcegroups/rg/providers/microsoft.synapse/workspaces/Syn-1/bigdatapools/p");
    let workspace = PoolId::parse(&pool).expect("an ID").workspace();
    assert_eq!((workspace.resource_group(), workspace.name()), ("rg", "Syn-1"));
    let account = StorageAccountId::new(SUB, "rg", "yogistorage").expect("an ID");
    assert_eq!((account.subscription(), account.resource_group(), account.name()), (SUB, "rg", "yogistorage"));
    assert_eq!(StorageAccountId::parse(&account.to_string().to_lowercase()).expect("an ID"), account);
    assert!(StorageAccountId::new(SUB, "rg", "a/../b").is_err());
}
