//! `import` of objects of Azure Service Operator whose references are by name.

use serde_json::json;

use super::import::{import, play, user};
use super::import_text::fixture;

#[test]
fn identities_by_name_are_taken_from_the_status_of_azure_service_operator() {
    let document = std::fs::read_to_string(fixture("aso-identity-by-name.yaml")).expect("a file");
    let managed = user("yogi-managed-id");
    let reference = |name: &str| {
        format!(
            "      - reference:\n          group: managedidentity.azure.com\n          kind: UserAssignedIdentity\n          name: {name}\n"
        )
    };
    let two = |first: &str, second: &str, ids: [&str; 2]| {
        let one = reference("yogi-managed-id");
        let status = format!("      {managed}:\n");
        assert!(document.contains(&one) && document.contains(&status), "the fixture has both");
        let more = format!("      {}:\n        clientId: x\n      {}:\n", user(ids[0]), user(ids[1]));
        document.replace(&one, &(reference(first) + &reference(second))).replace(&status, &more)
    };
    let object = |ids: &[&str]| {
        let ids: Vec<_> = ids.iter().map(|name| json!({"resourceId": user(name)})).collect();
        json!({"metadata": {"name": "mysparkuser", "namespace": "default"}, "spec": {"identity": {"type": "UserAssigned", "userAssignedIdentities": ids}}})
    };
    let by_id = document.replace("          name: yogi-managed-id\n", &format!("          armId: {}\n", user("other")));
    let rest = [
        "spec.location: left out",
        "synapseSpark.computeLocation: left out",
        "synapseSpark.disableLocalAuth: left out",
        "spec.sku: left out",
    ];
    let unordered = [&["spec.identity.userAssignedIdentities: is an unordered set there"][..], &rest].concat();
    #[rustfmt::skip]
    let rows = [
        ("one",                       document.clone(), object(&["yogi-managed-id"]), &rest[..]),
        ("an object's own name",      document.replace("          name: yogi-managed-id\n", "          name: other\n"), object(&["yogi-managed-id"]), &rest),
        ("an ID prevails",            by_id, object(&["other"]), &rest),
        ("two in the order of names", two("zeta", "alpha", ["alpha", "zeta"]), object(&["zeta", "alpha"]), &rest),
        ("one of two by its name",    two("zeta", "own", ["alpha", "zeta"]), object(&["zeta", "alpha"]), &rest),
        ("none by its name",          two("own", "other", ["alpha", "zeta"]), object(&["alpha", "zeta"]), &unordered),
    ];
    play(&rows, &[]);
    let without = document.replace(&format!("      {managed}:\n        clientId: 00000000-0000-0000-0000-000000000003\n        principalId: 00000000-0000-0000-0000-000000000004\n"), "      {}\n");
    let (code, _, said) = import(&["-f", "-"], &without);
    assert_eq!(code, Some(1), "{said:?}");
    let words = "spec.identity.userAssignedIdentities[0].reference.name: yogi-managed-id is another object, which has the ID: write it as armId in its place, or import the output of kubectl get workspacescompute -o yaml";
    assert!(said.last().is_some_and(|line| line.contains(words)), "{said:#?}");
}
