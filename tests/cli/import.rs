//! `import`: what other tools have attached, as manifests.

use serde_json::{Value, json};

use super::import_terraform::{planned, resource, terraform};
use super::import_text::fixture;
use super::{POOL, WORKSPACE, program, text};

pub const SHORT: &str = "6560575d-fa06-4e7d-95fb-f962e74efd7a/yogi-res-group/yogi-aml-ws";

pub fn user(name: &str) -> String {
    format!(
        "/subscriptions/6560575d-fa06-4e7d-95fb-f962e74efd7a/resourceGroups/yogi-res-group/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{name}"
    )
}

/// Exit code, the objects of standard output, the lines of standard error.
pub fn import(args: &[&str], input: &str) -> (Option<i32>, Vec<Value>, Vec<String>) {
    read(&program(&[&["import"], args].concat(), &[], input))
}

pub fn read(out: &std::process::Output) -> (Option<i32>, Vec<Value>, Vec<String>) {
    let objects = serde_saphyr::from_multiple(&text(&out.stdout)).expect("YAML");
    (out.status.code(), objects, text(&out.stderr).lines().map(ToOwned::to_owned).collect())
}

/// The expected object: its name, and its spec without the workspace and the pool, which are always the same.
pub fn told(object: &Value) -> Value {
    assert_eq!(
        (&object["apiVersion"], &object["kind"]),
        (&json!("synapse-spark.dev/v1alpha1"), &json!("SynapseSparkAttachment"))
    );
    let mut spec = object["spec"].as_object().expect("a spec").clone();
    let workspace = spec.shift_remove("workspace").expect("a workspace");
    assert_eq!(
        workspace,
        json!({"subscriptionId": "6560575d-fa06-4e7d-95fb-f962e74efd7a", "resourceGroup": "yogi-res-group", "name": "yogi-aml-ws"})
    );
    assert_eq!(spec.shift_remove("resourceId").expect("a pool"), POOL);
    json!({"metadata": object["metadata"], "spec": spec})
}

/// A case, the document, the result, and parts of the lines on standard error in their order.
pub type Row<'a> = (&'a str, String, Value, &'a [&'a str]);

pub fn play(rows: &[Row<'_>], args: &[&str]) {
    for (case, document, wanted, lines) in rows {
        let (code, objects, said) = import(&[&["-f", "-"], args].concat(), document);
        assert_eq!((code, objects.len()), (Some(0), 1), "{case}: {said:?}");
        let mut wanted = wanted.clone();
        let is_compared = lines.iter().any(|line| line.contains("the owner tag") || line.contains("OwnedByAnother"));
        if is_compared && wanted["spec"]["identity"].is_null() {
            // A compute without an identity, which is not to get the default of its namespace.
            wanted["spec"]["identity"] = json!({"type": "None"});
        }
        assert_eq!(told(&objects[0]), wanted, "{case}");
        assert_eq!(said.len(), lines.len(), "{case}: {said:#?}");
        for (said, words) in said.iter().zip(*lines) {
            assert!(said.starts_with("-: ") || said.starts_with("-, "), "{case}: it names the file: {said}");
            assert!(said.contains(words), "{case}: {words:?} is not in {said:?}");
        }
    }
}

#[test]
fn a_compute_of_az_ml_becomes_an_attachment() {
    let yaml = |more: &str| format!("name: spark\ntype: synapsespark\nresource_id: {POOL}\n{more}");
    let spark = |spec: Value| json!({"metadata": {"name": "spark"}, "spec": spec});
    let ids = json!([{"resourceId": user("zeta")}, {"resourceId": user("alpha")}]);
    let two = format!("user_assigned_identities: [{{resource_id: {}}}, {{resource_id: {}}}]", user("zeta"), user("alpha"));
    #[rustfmt::skip]
    let rows = [
        ("as it is documented",  format!("$schema: https://azuremlschemas.azureedge.net/latest/synapseSparkCompute.schema.json\n{}", yaml("")), spark(json!({})), &[][..]),
        ("another spelling",     yaml("").replace("synapsespark", "SynapseSpark"), spark(json!({})), &[]),
        ("azureml: before it",   yaml("").replace("resource_id: ", "resource_id: azureml:"), spark(json!({})), &[]),
        ("a name of its own",    yaml("").replace("name: spark", "name: MySpark"), json!({"metadata": {"name": "myspark"}, "spec": {"computeName": "MySpark"}}), &[]),
        ("system_assigned",      yaml("identity: {type: system_assigned}"), spark(json!({"identity": {"type": "SystemAssigned"}})), &[]),
        ("Systemassigned",       yaml("identity: {type: Systemassigned}"), spark(json!({"identity": {"type": "SystemAssigned"}})), &[]),
        ("none",                 yaml("identity: {type: none}"), spark(json!({"identity": {"type": "None"}})), &[]),
        ("in their order",       yaml(&format!("identity:\n  type: user_assigned\n  {two}")), spark(json!({"identity": {"type": "UserAssigned", "userAssignedIdentities": ids}})), &[]),
        ("as texts",             yaml(&format!("identity:\n  type: 'SystemAssigned, UserAssigned'\n  user_assigned_identities: [{}]", user("zeta"))), spark(json!({"identity": {"type": "SystemAssigned,UserAssigned", "userAssignedIdentities": [{"resourceId": user("zeta")}]}})), &[]),
        ("tags and description", yaml("description: nightly\ntags: {team: data, cost: '042', on: 'yes'}"), spark(json!({"description": "nightly", "tags": {"team": "data", "cost": "042", "on": "yes"}})), &[]),
        ("as show prints it",    yaml("id: null\nprovisioning_state: Succeeded\nidentity: {type: system_assigned, principal_id: x, tenant_id: y}\nnode_size: small\nscale_settings: {auto_scale_enabled: false}\nlocation: eastus2\nsize: x"),
            spark(json!({"identity": {"type": "SystemAssigned"}})), &["location: left out", "node_size: left out: it belongs to the pool", "scale_settings: left out", "size: left out: a SynapseSparkAttachment has no such field"]),
        ("the operator's tag",   yaml("tags: {team: data, Synapse-Spark-Operator-Owner: \"c/n/spark/u\\e[2J\"}"), spark(json!({"tags": {"team": "data"}})), &["tags.Synapse-Spark-Operator-Owner: left out: the operator sets this tag, which names the owner of the compute: c/n/spark/u [2J"]),
    ];
    play(&rows, &["--workspace", SHORT]);
    play(&rows[..1], &["-w", WORKSPACE]);
    // The output of `show` contains the workspace.
    let shown = yaml(&format!("id: {WORKSPACE}/computes/spark\n"));
    let alone = "applying the manifest changes only the owner tag";
    play(&[("by its id", shown.clone(), spark(json!({})), &[alone])], &[]);
    let by_users = format!("{shown}identity: {{type: user_assigned, {two}}}\n");
    play(
        &[(
            "with identities",
            by_users,
            spark(json!({"identity": {"type": "UserAssigned", "userAssignedIdentities": ids}})),
            &[alone],
        )],
        &[],
    );
    let printed = format!("{shown}provisioning_state: ProvisioningState.SUCCEEDED\n");
    play(&[("as azure-ai-ml prints its state", printed, spark(json!({})), &[alone])], &[]);
    let owned = format!("{shown}tags: {{synapse-spark-operator-owner: c/team-a/spark/u}}\n");
    play(&[("another's", owned, spark(json!({})), &["tags.synapse-spark-operator-owner: left out", "OwnedByAnother: "])], &[]);
    let elsewhere = shown.replace("yogi-aml-ws", "another-ws");
    play(&[("the command line counts", elsewhere, spark(json!({})), &["id: is in the workspace"])], &["-w", SHORT]);
}

#[test]
fn resource_groups_with_letters_of_any_script_are_imported() {
    let document = std::fs::read_to_string(fixture("az-ml-unicode-group.yml")).expect("a file");
    for document in [document.replace("/Instruktører/", "/Instrukt%C3%B8rer/"), document] {
        let (code, objects, said) = import(&["-f", "-"], &document);
        assert_eq!((code, objects.len()), (Some(0), 1), "{said:?}");
        assert_eq!(objects[0]["spec"]["workspace"]["resourceGroup"], "Instruktører");
        assert_eq!(objects[0]["spec"]["resourceId"], POOL.replace("/yogi-res-group/", "/Instruktører/"));
    }
}

#[test]
fn a_compute_of_azure_service_operator_becomes_an_attachment() {
    let yaml = |metadata: &str, spec: &str, spark: &str| {
        format!(
            "apiVersion: machinelearningservices.azure.com/v1api20240401\nkind: WorkspacesCompute\nmetadata: {{name: spark, namespace: team-a{metadata}}}\nspec:\n  owner: {{armId: {WORKSPACE}}}\n{spec}\n  properties:\n    synapseSpark:\n      computeType: SynapseSpark\n      resourceReference: {{armId: {POOL}}}\n{spark}"
        )
    };
    let object = |spec: Value| json!({"metadata": {"name": "spark", "namespace": "team-a"}, "spec": spec});
    let policy = |word: &str| format!(", annotations: {{serviceoperator.azure.com/reconcile-policy: {word}}}");
    #[rustfmt::skip]
    let rows = [
        ("the least",       yaml("", "", ""), object(json!({})), &[][..]),
        ("a name in Azure", yaml("", "  azureName: Spark1", ""), json!({"metadata": {"name": "spark1", "namespace": "team-a"}, "spec": {"computeName": "Spark1"}}), &[]),
        ("all of it",       yaml("", &format!("  tags: {{team: data}}\n  identity: {{type: UserAssigned, userAssignedIdentities: [{{reference: {{armId: {}}}}}]}}", user("zeta")), "      description: nightly"),
            object(json!({"identity": {"type": "UserAssigned", "userAssignedIdentities": [{"resourceId": user("zeta")}]}, "description": "nightly", "tags": {"team": "data"}})), &[]),
        ("what is left out", yaml(", labels: {a: b}", "  location: eastus2\n  sku: {name: x}", "      disableLocalAuth: true\n      properties: {nodeCount: 3}"),
            object(json!({})), &["metadata.labels: left out", "spec.location: left out", "synapseSpark.disableLocalAuth: left out", "synapseSpark.properties: left out: it belongs to the pool", "spec.sku: left out"]),
        ("manage",          yaml(&policy("manage"), "", ""), object(json!({})), &[]),
        ("detach-on-delete", yaml(&policy("detach-on-delete"), "", ""), object(json!({"deletionPolicy": "Retain"})), &[]),
        ("skip",            yaml(&policy("skip"), "", ""), object(json!({"deletionPolicy": "Retain", "suspend": true})), &["skip is converted to suspend: true"]),
        ("a credential",    yaml(", annotations: {serviceoperator.azure.com/credential-from: team, serviceoperator.azure.com/new: x}", "", ""), object(json!({})), &["annotations.serviceoperator.azure.com/credential-from: left out: the operator uses its own identity, or that of the ServiceAccount in spec.serviceAccountName", "metadata.annotations: left out"]),
        ("of a cluster",    yaml(&format!(", uid: x, resourceVersion: '1', annotations: {{serviceoperator.azure.com/resource-id: {WORKSPACE}/computes/spark, serviceoperator.azure.com/latest-reconciled-generation: '1', serviceoperator.azure.com/operator-namespace: x}}"), "", "").replace(&format!("owner: {{armId: {WORKSPACE}}}"), "owner: {name: ml}"), object(json!({})), &[]),
        ("a pool by name",  format!("{}\nstatus: {{properties: {{synapseSpark: {{resourceId: {POOL}}}}}}}", yaml("", "", "").replace(&format!("{{armId: {POOL}}}"), "{group: synapse.azure.com, kind: X, name: pool}")), object(json!({})), &[]),
    ];
    play(&rows, &[]);
    let by_name = yaml("", "", "").replace(&format!("owner: {{armId: {WORKSPACE}}}"), "owner: {name: ml}");
    play(&[("an owner by name", by_name, object(json!({})), &["spec.owner.name: ml is another object"])], &["-w", SHORT]);
}

#[test]
fn an_attached_pool_of_crossplane_becomes_an_attachment() {
    let yaml = |metadata: &str, wanted: &str, spec: &str| {
        format!(
            "apiVersion: machinelearningservices.azure.upbound.io/v1beta1\nkind: SynapseSpark\nmetadata: {{name: spark{metadata}}}\nspec:\n  forProvider:\n    location: West Europe\n    machineLearningWorkspaceId: {WORKSPACE}\n    synapseSparkPoolId: {POOL}\n{wanted}\n{spec}"
        )
    };
    let object = |spec: Value| json!({"metadata": {"name": "spark"}, "spec": spec});
    let location = "spec.forProvider.location: left out";
    let system = json!({"identity": {"type": "SystemAssigned"}});
    #[rustfmt::skip]
    let rows = [
        ("the least",          yaml("", "", ""), object(json!({})), &[location][..]),
        ("an external name",   yaml(", annotations: {crossplane.io/external-name: Spark1}", "", ""), json!({"metadata": {"name": "spark1"}, "spec": {"computeName": "Spark1"}}), &[location]),
        ("identity of v1beta1", yaml("", "    identity: [{type: SystemAssigned}]", ""), object(system.clone()), &[location]),
        ("identity of v1beta2", yaml("", "    identity: {type: SystemAssigned}", "").replace("v1beta1", "v1beta2"), object(system.clone()), &[location]),
        ("namespaced",         yaml(", namespace: team-a", "", "").replace("azure.upbound.io", "azure.m.upbound.io"), json!({"metadata": {"name": "spark", "namespace": "team-a"}, "spec": {}}), &[location]),
        ("identities without order", yaml("", &format!("    identity: [{{type: 'SystemAssigned, UserAssigned', identityIds: [{}, {}]}}]", user("zeta"), user("alpha")), ""),
            object(json!({"identity": {"type": "SystemAssigned,UserAssigned", "userAssignedIdentities": [{"resourceId": user("zeta")}, {"resourceId": user("alpha")}]}})), &["identityIds: is an unordered set there", location]),
        ("initProvider too",   yaml("", "    tags: {team: data}", "  initProvider: {description: nightly, tags: {team: theirs, cost: '42'}}"), object(json!({"description": "nightly", "tags": {"team": "data", "cost": "42"}})), &[location]),
        ("Orphan",             yaml("", "", "  deletionPolicy: Orphan"), object(json!({"deletionPolicy": "Retain"})), &[location]),
        ("no Delete",          yaml("", "", "  managementPolicies: [Observe, Create, Update, LateInitialize]"), object(json!({"deletionPolicy": "Retain"})), &[location]),
        ("Observe alone",      yaml("", "", "  managementPolicies: [Observe]"), object(json!({"deletionPolicy": "Retain", "suspend": true})), &[location, "is converted to suspend: true"]),
        ("no policy at all",   yaml("", "", "  managementPolicies: []"), object(json!({"deletionPolicy": "Retain", "suspend": true})), &[location, "spec.managementPolicies: is converted to suspend: true"]),
        ("paused",             yaml(", annotations: {crossplane.io/paused: 'true'}", "", ""), object(json!({"suspend": true})), &[location, "crossplane.io/paused: is converted to suspend"]),
        ("what is left out",   yaml("", "    localAuthEnabled: false", "  providerConfigRef: {name: x}"), object(json!({})), &[location, "localAuthEnabled: left out", "providerConfigRef: left out"]),
        ("by reference",       format!("{}\nstatus: {{atProvider: {{machineLearningWorkspaceId: {WORKSPACE}, synapseSparkPoolId: {POOL}}}}}", yaml("", "", "").replace(&format!("machineLearningWorkspaceId: {WORKSPACE}"), "machineLearningWorkspaceIdRef: {name: ml}").replace(&format!("synapseSparkPoolId: {POOL}"), "synapseSparkPoolIdSelector: {matchLabels: {a: b}}")), object(json!({})), &[location]),
    ];
    play(&rows, &[]);
}

#[test]
fn documents_of_other_kinds_are_reported_and_skipped() {
    let az_ml = |name: &str| format!("name: {name}\ntype: synapsespark\nresource_id: {POOL}\n");
    let going = |version: &str, kind: &str| {
        format!("{{apiVersion: {version}, kind: {kind}, metadata: {{name: x, deletionTimestamp: '2026-03-02T08:00:00Z'}}}}")
    };
    let list = format!(
        "apiVersion: v1\nkind: List\nitems:\n- {{apiVersion: v1, kind: ConfigMap, metadata: {{name: x}}}}\n---\n{}---\nname: cpu\ntype: amlcompute\n---\n{}---\napiVersion: machinelearningservices.azure.com/v1api20240401\nkind: WorkspacesCompute\nmetadata: {{name: vm}}\nspec: {{properties: {{virtualMachine: {{computeType: VirtualMachine}}}}}}\n---\n{}\n---\n{}\n",
        az_ml("one"),
        az_ml("two"),
        going("machinelearningservices.azure.com/v1api20240401", "WorkspacesCompute"),
        going("machinelearningservices.azure.upbound.io/v1beta1", "SynapseSpark"),
    );
    let (code, objects, said) = import(&["-f", "-", "-w", SHORT], &list);
    assert_eq!(code, Some(0), "{said:?}");
    assert_eq!(objects.iter().map(|one| &one["metadata"]["name"]).collect::<Vec<_>>(), ["one", "two"]);
    let wanted = [
        "-, document 1, item 1: ConfigMap of v1: skipped",
        "-, document 3: type amlcompute: skipped",
        "-, document 5: spec.properties: skipped: a compute of type virtualMachine",
        "-, document 6: metadata.deletionTimestamp: skipped: it is being deleted",
        "-, document 7: metadata.deletionTimestamp: skipped: it is being deleted",
    ];
    assert!(said.len() == wanted.len() && said.iter().zip(wanted).all(|(said, wanted)| said.starts_with(wanted)), "{said:#?}");
    // Several files, each by its name.
    let dir = tempfile::tempdir().expect("a folder");
    let files: Vec<_> = ["a.yaml", "b.yaml"].iter().map(|name| dir.path().join(name).display().to_string()).collect();
    for (file, name) in files.iter().zip(["one", "two"]) {
        std::fs::write(file, format!("{}size: x\n", az_ml(name))).expect("a file");
    }
    let (code, objects, said) = import(&["-f", &files[0], &files[1], "-w", SHORT], "");
    assert_eq!((code, objects.len()), (Some(0), 2), "{said:?}");
    assert!(said[1].starts_with(&format!("{}: size: left out", files[1])), "{said:?}");
}

#[test]
// Longer than other functions: a table with one row per case.
fn an_invalid_document_is_reported_and_nothing_is_printed() {
    let az_ml = format!("name: spark\ntype: synapsespark\nresource_id: {POOL}\n");
    let aso = format!(
        "apiVersion: machinelearningservices.azure.com/v1api20240401\nkind: WorkspacesCompute\nmetadata: {{name: spark}}\nspec:\n  owner: {{name: ml}}\n  properties: {{synapseSpark: {{resourceReference: {{armId: {POOL}}}}}}}\n"
    );
    let upjet = format!(
        "apiVersion: machinelearningservices.azure.upbound.io/v1beta1\nkind: SynapseSpark\nmetadata: {{name: spark}}\nspec: {{forProvider: {{machineLearningWorkspaceId: {WORKSPACE}, synapseSparkPoolIdRef: {{name: pool}}}}}}\n"
    );
    let mut later = resource("spark", &json!({}));
    later.as_object_mut().expect("a mapping").shift_remove("synapse_spark_pool_id");
    let w = &["-w", SHORT][..];
    #[rustfmt::skip]
    let table = [
        ("no workspace",       az_ml.clone(), &[][..], "-: the document names no workspace: pass --workspace SUBSCRIPTION/GROUP/WORKSPACE"),
        ("a workspace's name", az_ml.clone(), &["-w", "ws"], "write it as SUBSCRIPTION/GROUP/WORKSPACE"),
        ("no pool",            "name: spark\ntype: synapsespark".to_owned(), w, "-: resource_id: is missing"),
        ("another pool",       az_ml.replace("bigDataPools", "sqlPools"), w, "is not the ID of a Synapse Spark pool"),
        ("an unknown identity", format!("{az_ml}identity: {{type: managed}}"), w, "-: identity.type: \"managed\" is not known"),
        ("none with IDs",      format!("{az_ml}identity: {{type: none, user_assigned_identities: [{}]}}", user("zeta")), w, "spec.identity.userAssignedIdentities: requires at least one identity"),
        ("an ID that is none", format!("{az_ml}identity: {{type: user_assigned, user_assigned_identities: [x]}}"), w, "-: spec.identity.userAssignedIdentities.resourceId: must be the ID of a user-assigned identity"),
        ("a tag's zero",       format!("{az_ml}tags: {{team: data, cost: 042}}"), w, "-: tags.cost: must be a string: quote it"),
        ("a tag's point",      format!("{az_ml}tags: {{version: 1.10}}"), w, "-: tags.version: must be a string: quote it"),
        ("a tag's power",      format!("{az_ml}tags: {{build: 1e3}}"), w, "-: tags.build: must be a string: quote it"),
        ("a tag's truth",      format!("{az_ml}tags: {{on: true}}"), w, "-: tags.on: must be a string: quote it"),
        ("a tag's nothing",    format!("{az_ml}tags: {{none: ~}}"), w, "-: tags.none: must be a string: quote it"),
        ("a long name",        az_ml.replace("name: spark", "name: a-very-long-name-of-a-compute"), w, "-: spec.computeName: must have 3-16"),
        ("twice",              format!("{az_ml}---\n{az_ml}"), w, "-, document 2: it is the same compute as in -, document 1"),
        ("one bad of two",     format!("{az_ml}---\nname: other\ntype: synapsespark\n"), w, "-, document 2: resource_id: is missing"),
        ("an owner by name",   aso.clone(), &[], "-: spec.owner.name: ml is another object"),
        ("a pool by name",     aso.replace(&format!("armId: {POOL}"), "name: pool"), w, "resourceReference.name: pool is another object, which has the ID: write it as armId"),
        ("a reference",        upjet, &[], "-: spec.forProvider.synapseSparkPoolId: is missing"),
        ("known later",        terraform(&[later]).to_string(), &[], "one[0]: synapse_spark_pool_id: is missing: in a plan"),
        ("an identity later",  planned(&resource("spark", &json!({})), &json!({"identity": true})).to_string(), &[], "one[0]: identity: is known only after the apply"),
        ("its IDs later",      planned(&resource("spark", &json!({"identity": [{"type": "UserAssigned"}]})), &json!({"identity": [{"identity_ids": [false, true]}]})).to_string(), &[], "one[0]: identity[0].identity_ids[1]: is known only after the apply"),
        ("a state's file",     json!({"version": 4, "terraform_version": "1.9.5", "lineage": "x", "resources": []}).to_string(), &[], "-: it is a Terraform state file"),
        ("nothing of use",     "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n".to_owned(), &[], "no attached Synapse Spark pool to import"),
        ("nothing at all",     String::new(), &[], "no attached Synapse Spark pool to import"),
        ("no YAML",            "a: [".to_owned(), &[], "-f -: "),
        ("a bad namespace",    az_ml.clone(), &["-w", SHORT, "-n", "Team A"], "-: metadata.namespace: must be 1-63"),
    ];
    for (case, document, args, words) in table {
        let (code, objects, said) = import(&[&["-f", "-"], args].concat(), &document);
        assert_eq!((code, objects.len()), (Some(1), 0), "{case}: {said:?}");
        let last = said.iter().find(|line| line.starts_with("error: ")).unwrap_or_else(|| panic!("{case}: {said:?}"));
        assert!(last.contains(words), "{case}: {words:?} is not in {said:#?}");
    }
    let out = program(&["import"], &[], "");
    assert!(out.status.code() == Some(1) && text(&out.stderr).contains("--file <FILE>...|--workspace"), "{}", text(&out.stderr));
}
