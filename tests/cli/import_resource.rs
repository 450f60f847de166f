//! `import` of computes as Azure shows them.

use serde_json::{Value, json};

use super::import::{SHORT, import, play, user};
use super::import_text::fixture;
use super::{POOL, WORKSPACE};

/// A compute as `GET` shows it; `more` is added, `properties` to its properties.
fn compute(more: &Value, properties: &Value) -> Value {
    let mut all = json!({
        "computeType": "SynapseSpark", "resourceId": POOL, "provisioningState": "Succeeded", "provisioningErrors": null,
        "createdOn": "2026-03-02T08:00:00.000000+00:00", "modifiedOn": "2026-03-02T08:05:00.000000+00:00", "isAttachedCompute": true,
        "disableLocalAuth": false,
    });
    all.as_object_mut().expect("a mapping").extend(properties.as_object().expect("a mapping").clone());
    let mut made = json!({
        "id": format!("{WORKSPACE}/computes/spark"), "name": "spark",
        "type": "Microsoft.MachineLearningServices/workspaces/computes", "properties": all,
    });
    made.as_object_mut().expect("a mapping").extend(more.as_object().expect("a mapping").clone());
    made
}

#[test]
fn a_compute_as_azure_shows_it_becomes_an_attachment() {
    let object = |spec: Value| json!({"metadata": {"name": "spark"}, "spec": spec});
    let of_az = json!({
        "changedTime": "2026-03-02T08:05:00+00:00", "createdTime": "2026-03-02T08:00:00+00:00", "extendedLocation": null, "kind": null,
        "managedBy": null, "plan": null, "provisioningState": "Succeeded", "resourceGroup": "yogi-res-group", "sku": null,
        "location": "eastus2", "tags": {"team": "data"}, "etag": null, "systemData": {"createdBy": "x"},
        "identity": {"type": "SystemAssigned, UserAssigned", "principalId": "x", "tenantId": "y", "userAssignedIdentities": {
            user("zeta"): {"clientId": "x", "principalId": "y"}, user("alpha"): {"clientId": "x", "principalId": "y"},
        }},
    });
    let both = json!({"type": "SystemAssigned,UserAssigned", "userAssignedIdentities": [{"resourceId": user("zeta")}, {"resourceId": user("alpha")}]});
    let of_the_pool =
        json!({"description": "nightly", "properties": {"nodeCount": 3, "sparkVersion": "3.4"}, "computeLocation": "eastus2"});
    let encoded = WORKSPACE.replace("yogi-res-group", "yogi%2Dres%2Dgroup") + "/computes/spark";
    let listed = json!({"value": [compute(&json!({}), &json!({}))], "nextLink": null});
    let body = json!({"name": "spark", "location": "eastus2", "properties": {"computeType": "SynapseSpark", "resourceId": POOL}});
    let (alone, local) = ("applying the manifest changes only the owner tag", "keep properties.disableLocalAuth: false");
    #[rustfmt::skip]
    let rows = [
        ("the JSON view",          compute(&json!({}), &json!({})).to_string(), object(json!({})), &[alone, local][..]),
        ("az resource show",       compute(&of_az, &of_the_pool).to_string(), object(json!({"identity": both, "description": "nightly", "tags": {"team": "data"}})),
            &[alone, "keep properties.computeLocation: \"eastus2\"", local]),
        ("another type's case",    compute(&json!({"type": "microsoft.machinelearningservices/workspaces/computes"}), &json!({"computeType": "synapsespark"})).to_string(), object(json!({})), &[alone, local]),
        ("a name of its own",      compute(&json!({"id": format!("{WORKSPACE}/computes/Spark1")}), &json!({})).to_string(), json!({"metadata": {"name": "spark1"}, "spec": {"computeName": "Spark1"}}), &[alone, local]),
        ("az rest, a list",        listed.to_string(), object(json!({})), &[alone, local]),
        ("az resource list",       json!([compute(&json!({}), &json!({}))]).to_string(), object(json!({})), &[alone, local]),
        ("percent-encoded",        compute(&json!({"id": encoded}), &json!({"resourceId": POOL.replace("yogi-res-group", "yogi%2Dres%2Dgroup")})).to_string(), object(json!({})), &[alone, local]),
        ("a failed one",           compute(&json!({}), &json!({"provisioningState": "Failed"})).to_string(), object(json!({})), &["its state is Failed; the operator will attach it again", alone, local]),
        ("what is kept",           compute(&json!({"sku": {"name": "x"}}), &json!({"disableLocalAuth": true, "new": [1]})).to_string(), object(json!({})), &[alone, "keep sku: {\"name\":\"x\"}", "keep properties.disableLocalAuth: true", "keep properties.new: [1]"]),
        ("what has no field",      compute(&json!({"zones": ["1"]}), &json!({})).to_string(), object(json!({})), &["zones: left out: a SynapseSparkAttachment has no such field", alone, local]),
    ];
    play(&rows, &[]);
    play(&[("the body of a PUT", body.to_string(), object(json!({})), &["location: left out"])], &["-w", SHORT]);
    let elsewhere = SHORT.replace("yogi-aml-ws", "another-ws");
    play(
        &[(
            "the document counts",
            compute(&json!({}), &json!({})).to_string(),
            object(json!({})),
            &["id: is in the workspace", alone, local],
        )],
        &["-w", &elsewhere],
    );
}

#[test]
fn a_compute_that_is_not_imported_is_reported() {
    let page = json!({"value": [compute(&json!({}), &json!({}))], "nextLink": "https://management.azure.com/next"});
    let (code, objects, said) = import(&["-f", "-"], &page.to_string());
    assert_eq!((code, objects.len(), said.len()), (Some(0), 1, 3), "{said:?}");
    assert!(said[0].starts_with("-: nextLink: the list has another page, which is not in the document"), "{said:?}");
    #[rustfmt::skip]
    let table = [
        ("another type",     compute(&json!({}), &json!({"computeType": "AmlCompute"})), "-: properties.computeType: skipped: a compute of type AmlCompute, not a Synapse Spark pool"),
        ("in a list",        json!({"value": [compute(&json!({}), &json!({"computeType": "AKS"}))]}), "-, item 1: properties.computeType: skipped: a compute of type AKS"),
        ("being detached",   compute(&json!({}), &json!({"provisioningState": "Deleting"})), "-: properties.provisioningState: skipped: it is being detached"),
        ("another resource", json!({"id": POOL, "type": "Microsoft.Synapse/workspaces/bigDataPools", "properties": {}}), "-: type Microsoft.Synapse/workspaces/bigDataPools: skipped: this type of document is not supported"),
        ("az resource list", compute(&json!({"properties": null}), &json!({})), "error: -: properties: is missing, as in the output of az resource list: import the output of az resource show --ids ID instead"),
        ("no pool",          compute(&json!({}), &json!({"resourceId": null})), "error: -: properties.resourceId: is missing: the ID of the Spark pool"),
        ("another ID",       compute(&json!({"id": POOL}), &json!({})), "error: -: id: "),
        ("no ID",            compute(&json!({"id": null}), &json!({})), "error: -: id: is missing: name the workspace with --workspace SUBSCRIPTION/GROUP/WORKSPACE"),
        ("a tag's number",   compute(&json!({"tags": {"cost": 42}}), &json!({})), "error: -: tags.cost: must be a string: quote it"),
        ("its identity",     compute(&json!({"identity": {"type": "Federated"}}), &json!({})), "error: -: identity.type: \"Federated\" is not known"),
    ];
    for (case, document, words) in table {
        let (code, objects, said) = import(&["-f", "-"], &document.to_string());
        assert_eq!((code, objects.len()), (Some(1), 0), "{case}: {said:?}");
        assert!(said[0].starts_with(words), "{case}: {words:?} is not in {said:#?}");
    }
}

#[test]
fn what_applying_the_manifest_changes_and_keeps_is_reported() {
    let file = fixture("compute-with-local-auth-off.json");
    let (code, objects, said) = import(&["-f", &file], "");
    assert_eq!((code, objects.len()), (Some(0), 1), "{said:?}");
    assert_eq!(objects[0]["spec"]["tags"], json!({"env": "prod"}));
    let wanted = [
        "applying the manifest changes only the owner tag, tags.synapse-spark-operator-owner",
        "keep properties.computeLocation: \"eastus2\"",
        "keep properties.disableLocalAuth: true",
    ];
    assert_eq!(said, wanted.map(|line| format!("{file}: {line}")));
    // Another object owns it: applying the manifest is refused, and changes nothing.
    let owned = compute(&json!({"tags": {"synapse-spark-operator-owner": "c/team-a/spark/u"}}), &json!({})).to_string();
    let (_, _, said) = import(&["-f", "-"], &owned);
    assert!(said.len() == 2 && said[1].starts_with("-: OwnedByAnother: "), "{said:#?}");
    // It is the same object: there is nothing to do.
    let (_, _, said) = import(&["-f", "-", "--namespace", "team-a"], &owned);
    assert!(said.len() == 2 && said[1].starts_with("-: Attached: "), "{said:#?}");
}
