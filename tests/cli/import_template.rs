//! `import` of templates of Azure Resource Manager, and of compiled Bicep.

use serde_json::{Value, json};

use super::import::{SHORT, import, play, user};
use super::import_text::fixture;
use super::{POOL, WORKSPACE};

const TYPE: &str = "Microsoft.MachineLearningServices/workspaces/computes";

fn with(mut of: Value, more: &Value) -> Value {
    of.as_object_mut().expect("a mapping").extend(more.as_object().expect("a mapping").clone());
    of
}

/// A template with these resources; `more` is added.
fn template(resources: &Value, more: &Value) -> Value {
    let schema = "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#";
    with(json!({"$schema": schema, "contentVersion": "1.0.0.0", "resources": resources}), more)
}

/// A compute of a template; `more` is added, `properties` to its properties.
fn compute(more: &Value, properties: &Value) -> Value {
    let properties = with(json!({"computeType": "SynapseSpark", "resourceId": POOL}), properties);
    with(json!({"type": TYPE, "apiVersion": "2023-10-01", "name": "yogi-aml-ws/spark", "properties": properties}), more)
}

fn one(more: &Value, properties: &Value, parameters: &Value) -> String {
    template(&json!([compute(more, properties)]), &json!({"parameters": parameters})).to_string()
}

/// What Bicep compiles a module to.
fn module(inner: &Value, passed: &Value, more: &Value) -> Value {
    let properties = json!({"expressionEvaluationOptions": {"scope": "inner"}, "mode": "Incremental", "parameters": passed, "template": inner});
    with(
        json!({"type": "Microsoft.Resources/deployments", "apiVersion": "2022-09-01", "name": "spark", "properties": properties}),
        more,
    )
}

fn object(spec: &Value) -> Value {
    json!({"metadata": {"name": "spark"}, "spec": spec})
}

#[test]
fn a_template_becomes_attachments() {
    let documented = std::fs::read_to_string(fixture("arm-template.json")).expect("a file");
    let of_fixture = json!({"metadata": {"name": "bigdatapool001"}, "spec": {"identity": {"type": "SystemAssigned"}, "description": "Synapse Spark pool", "tags": {"env": "prod"}}});
    let pool = json!({"resourceId": "[resourceId('Microsoft.Synapse/workspaces/bigDataPools', parameters('synapse'), 'yogisparkpool')]"});
    let synapse = json!({"synapse": {"type": "string", "defaultValue": "yogi-synapse-ws"}});
    let identity_key = "[format('{0}', resourceId('Microsoft.ManagedIdentity/userAssignedIdentities', 'zeta'))]";
    let user_assigned = json!({"identity": {"type": "UserAssigned", "userAssignedIdentities": [{"resourceId": user("zeta")}]}});
    let exported = json!({"workspaces_ml_name": {"defaultValue": "yogi-aml-ws", "type": "String"}, "bigDataPools_externalid": {"defaultValue": POOL, "type": "String"}});
    let child = json!({"type": "computes", "apiVersion": "2023-10-01", "name": "spark", "properties": {"computeType": "SynapseSpark", "resourceId": POOL}});
    let workspace = json!({"type": "Microsoft.MachineLearningServices/workspaces", "name": "yogi-aml-ws", "resources": [child]});
    #[rustfmt::skip]
    let rows = [
        ("as it is documented", documented, of_fixture, &["resources[0]: location: left out", "properties.computeLocation: left out", "properties.disableLocalAuth: left out"][..]),
        ("the least",           one(&json!({}), &json!({}), &json!({})), object(&json!({})), &[]),
        ("resourceId()",        one(&json!({}), &pool, &synapse), object(&json!({})), &[]),
        ("format() in the name", one(&json!({"name": "[format('{0}/{1}', 'yogi-aml-ws', 'spark')]"}), &json!({}), &json!({})), object(&json!({})), &[]),
        ("an identity's key",   one(&json!({"identity": {"type": "UserAssigned", "userAssignedIdentities": {(identity_key): {}}}}), &json!({}), &json!({})), object(&user_assigned), &[]),
        ("as it is exported",   one(&json!({"name": "[concat(parameters('workspaces_ml_name'), '/spark')]"}), &json!({"resourceId": "[parameters('bigDataPools_externalid')]"}), &exported), object(&json!({})), &[]),
        ("a child",             template(&json!([workspace]), &json!({})).to_string(), object(&json!({})), &[]),
        ("tags as a parameter", one(&json!({"tags": "[parameters('tags')]"}), &json!({}), &json!({"tags": {"type": "object", "defaultValue": {"team": "data"}}})), object(&json!({"tags": {"team": "data"}})), &[]),
        ("symbolic names",      template(&json!({"ml": {"existing": true, "type": "Microsoft.MachineLearningServices/workspaces", "name": "yogi-aml-ws"}, "spark": compute(&json!({}), &json!({}))}), &json!({"languageVersion": "2.0"})).to_string(), object(&json!({})), &[]),
        ("a location",          one(&json!({"location": "[resourceGroup().location]", "dependsOn": ["[reference('x')]"]}), &json!({}), &json!({})), object(&json!({})), &["resources[0]: location: left out"]),
        ("a true condition",    one(&json!({"condition": "[parameters('attach')]"}), &json!({}), &json!({"attach": {"type": "bool", "defaultValue": true}})), object(&json!({})), &[]),
        ("another condition",   one(&json!({"condition": "[parameters('attach')]"}), &json!({}), &json!({"attach": {"type": "bool"}})), object(&json!({})), &["condition: the parameter attach has no value: pass --parameter attach=VALUE"]),
        ("unknown texts",       one(&json!({"tags": {"team": "data", "id": "[uniqueString('x')]"}}), &json!({"description": "[parameters('text')]"}), &json!({"text": {"type": "string"}})),
            object(&json!({"tags": {"team": "data"}})), &["properties.description: left out: the parameter text has no value", "tags.id: left out: the function uniquestring() is not evaluated"]),
    ];
    play(&rows, &["-w", SHORT]);
}

#[test]
fn nested_deployments_are_imported() {
    let by_name = compute(&json!({"name": "[format('{0}/{1}', parameters('ws'), parameters('compute'))]"}), &json!({}));
    let inner = template(
        &json!([by_name]),
        &json!({"parameters": {"ws": {"type": "string"}, "compute": {"type": "string", "defaultValue": "spark"}}}),
    );
    let outer = |passed: Value, more: Value| {
        template(
            &json!([module(&inner, &passed, &more)]),
            &json!({"parameters": {"ws": {"type": "string", "defaultValue": "yogi-aml-ws"}}}),
        )
        .to_string()
    };
    let passed = || json!({"ws": {"value": "[parameters('ws')]"}});
    let old_style = json!({"mode": "Incremental", "template": template(&json!([compute(&json!({"name": "[concat(parameters('ws'), '/spark')]"}), &json!({}))]), &json!({}))});
    let old_style = template(
        &json!([{"type": "Microsoft.Resources/deployments", "name": "x", "properties": old_style}]),
        &json!({"parameters": {"ws": {"type": "string", "defaultValue": "yogi-aml-ws"}}}),
    );
    #[rustfmt::skip]
    let rows = [
        ("a module",                  outer(passed(), json!({})), object(&json!({})), &[][..]),
        ("of the same group",         outer(passed(), json!({"resourceGroup": "Yogi-Res-Group"})), json!({"metadata": {"name": "spark"}, "spec": {}}), &[]),
        ("an outer scope",            old_style.to_string(), object(&json!({})), &[]),
    ];
    play(&rows[..1], &["-w", SHORT]);
    play(&rows[2..], &["-w", SHORT]);
    let (code, objects, said) = import(&["-f", "-", "-w", SHORT], &rows[1].1);
    assert_eq!((code, objects.len(), said.len()), (Some(0), 1, 0), "{said:?}");
    // The deployment names its own group: no --workspace is needed, and one of another group is refused.
    let own = json!({"subscriptionId": SHORT.split('/').next(), "resourceGroup": "yogi-res-group"});
    play(&[("by its deployment", outer(passed(), own), object(&json!({})), &[])], &[]);
    let (code, objects, said) = import(&["-f", "-", "-w", SHORT], &outer(passed(), json!({"resourceGroup": "other"})));
    assert_eq!((code, objects.len()), (Some(1), 0), "{said:?}");
    assert!(
        said[0].starts_with(
            "-, resources[0].properties.template.resources[0]: name: skipped: a compute of the workspace /subscriptions/"
        ),
        "{said:?}"
    );
}

#[test]
fn parameters_are_taken_from_the_command_line_and_from_files() {
    let document = one(
        &json!({"name": "[concat(parameters('ws'), '/spark')]", "tags": "[parameters('tags')]"}),
        &json!({}),
        &json!({
            "ws": {"type": "string"}, "tags": {"type": "object", "defaultValue": {}},
        }),
    );
    let file = |parameters: &Value| {
        json!({"$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentParameters.json#", "contentVersion": "1.0.0.0", "parameters": parameters}).to_string()
    };
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("parameters.json").display().to_string();
    let run = |parameters: &Value, args: &[&str]| {
        std::fs::write(&path, file(parameters)).expect("a file");
        import(&[&["-f", "-", &path, "-w", SHORT], args].concat(), &document)
    };
    let ws = json!({"ws": {"value": "yogi-aml-ws"}, "TAGS": {"value": {"team": "data"}}});
    let (code, objects, said) = run(&ws, &[]);
    assert_eq!((code, said.len(), &objects[0]["spec"]["tags"]), (Some(0), 0, &json!({"team": "data"})), "{said:?}");
    let (code, objects, said) = run(&ws, &["--parameter", "tags={\"team\": \"other\"}"]);
    assert_eq!((code, said.len(), &objects[0]["spec"]["tags"]), (Some(0), 0, &json!({"team": "other"})), "{said:?}");
    let (code, _, said) = run(&with(ws.clone(), &json!({"old": {"value": 1}})), &[]);
    assert_eq!(code, Some(0), "{said:?}");
    assert_eq!(said, [format!("{path}: parameters.old: left out: no template declares it.")]);
    #[rustfmt::skip]
    let table = [
        (json!({}),                                 &[][..],                        "name: the parameter ws has no value: pass --parameter ws=VALUE, or the file with its parameters as another -f"),
        (json!({"ws": {"reference": {}}}),          &[],                            "name: the parameter ws has a reference instead of a value: pass --parameter ws=VALUE"),
        (ws.clone(),                                &["--parameter", "w=x"],        "--parameter w: no template of -f declares this parameter"),
        (ws.clone(),                                &["--parameter", "tags=x"],     "error: --parameter tags: must be JSON for the type object"),
        (ws,                                        &["--parameter", "tags"],       "write it as NAME=VALUE"),
    ];
    for (parameters, args, words) in table {
        let (code, objects, said) = run(&parameters, args);
        assert_eq!((code, objects.len()), (Some(1), 0), "{words}: {said:?}");
        assert!(said.iter().any(|line| line.contains(words)), "{words:?} is not in {said:#?}");
    }
}

#[test]
fn a_compute_of_a_template_that_is_not_imported_is_reported() {
    let cases = |more: Value, properties: Value| one(&more, &properties, &json!({"x": {"type": "string"}}));
    let looped = json!({"copy": {"name": "c", "count": "[parameters('x')]"}});
    let linked = json!([{"type": "Microsoft.Resources/deployments", "name": "x", "properties": {"templateLink": {"uri": "https://example.com"}}}]);
    let w = &["-w", SHORT][..];
    #[rustfmt::skip]
    let table = [
        ("another type",      cases(json!({}), json!({"computeType": "AmlCompute", "resourceId": "[parameters('x')]"})), w, "-, resources[0]: properties.computeType: skipped: a compute of type AmlCompute"),
        ("a false condition", cases(json!({"condition": "[not(true())]"}), json!({})), w, "-, resources[0]: condition: skipped: it is false"),
        ("existing",          cases(json!({"existing": true}), json!({})), w, "-, resources[0]: existing: skipped: the template refers to a compute that it does not deploy"),
        ("another workspace", cases(json!({"name": "other-ws/spark"}), json!({})), w, "-, resources[0]: name: skipped: a compute of the workspace /subscriptions/"),
        ("no compute",        template(&json!([{"type": "Microsoft.Storage/storageAccounts", "name": "x"}]), &json!({})).to_string(), w, "-: skipped: it contains no compute"),
        ("a linked template", template(&linked, &json!({})).to_string(), w, "-, resources[0]: properties.templateLink: skipped: a linked template is not read. Import that template, too"),
        ("no workspace",      cases(json!({}), json!({})), &[], "error: -, resources[0]: name: a template does not name the subscription and the resource group that it is deployed to: pass --workspace SUBSCRIPTION/GROUP/WORKSPACE"),
        ("a loop",            cases(looped, json!({})), w, "error: -, resources[0]: copy: count: the parameter x has no value: pass --parameter x=VALUE, or the file with its parameters as another -f: write one resource for each compute, or deploy the template and use import --workspace"),
        ("an endless loop",   cases(json!({"copy": {"name": "c", "count": 10_001}}), json!({})), w, "error: -, resources[0]: copy: count: all loops together make more than 10000 copies: write one resource"),
        ("no loop",           cases(json!({"name": "[concat('yogi-aml-ws/spark', copyIndex())]"}), json!({})), w, "error: -, resources[0]: name: copyIndex() is not in a loop that is evaluated"),
        ("twice one name",    cases(json!({"copy": {"name": "c", "count": 2}}), json!({})), w, "error: -, resources[0][1]: it is the same compute as in -, resources[0][0]"),
        ("a loop of modules", template(&json!([module(&template(&json!([compute(&json!({}), &json!({}))]), &json!({})), &json!({}), &json!({"copy": {"name": "c", "count": "[reference('x').n]"}}))]), &json!({})).to_string(), w, "error: -, resources[0].properties.template.resources[0]: copy: count: the function reference() is not evaluated"),
        ("an unknown pool",   cases(json!({}), json!({"resourceId": "[parameters('x')]"})), w, "error: -, resources[0]: properties.resourceId: the parameter x has no value: pass --parameter x=VALUE"),
        ("a reference()",     cases(json!({}), json!({"resourceId": "[reference('x').id]"})), w, "error: -, resources[0]: properties.resourceId: the function reference() is not evaluated with these arguments: write its result in its place"),
        ("an unknown type",   cases(json!({}), json!({"computeType": "[parameters('x')]"})), w, "error: -, resources[0]: properties.computeType: the parameter x has no value"),
        ("no type",           cases(json!({}), json!({"computeType": null})), w, "error: -, resources[0]: properties.computeType: must be a string"),
        ("an unknown identity", cases(json!({"identity": {"type": "[parameters('x')]"}}), json!({})), w, "error: -, resources[0]: identity: the parameter x has no value"),
        ("an unknown name",   cases(json!({"name": "[parameters('x')]"}), json!({})), w, "error: -, resources[0]: name: the parameter x has no value"),
        ("half a name",       cases(json!({"name": "spark"}), json!({})), w, "error: -, resources[0]: name: \"spark\" must have the name of the workspace, a slash and the name of the compute"),
        ("a bad expression",  cases(json!({"name": "[concat('a']"}), json!({})), w, "error: -, resources[0]: name: the expression has no"),
        ("no pool",           cases(json!({}), json!({"resourceId": WORKSPACE})), w, "error: -, resources[0]: spec.resourceId: must be the ID of a Synapse Spark pool"),
    ];
    for (case, document, args, words) in table {
        let (code, objects, said) = import(&[&["-f", "-"], args].concat(), &document);
        assert_eq!((code, objects.len()), (Some(1), 0), "{case}: {said:?}");
        assert!(said.iter().any(|line| line.starts_with(words)), "{case}: {words:?} is not in {said:#?}");
    }
}

#[test]
fn each_copy_of_a_loop_becomes_an_attachment() {
    let looped = |name: &str, count: Value| {
        one(
            &json!({"name": name, "copy": {"name": "pools", "count": count}}),
            &json!({}),
            &json!({"names": {"type": "array", "defaultValue": ["blue", "green"]}}),
        )
    };
    // As Bicep compiles a module in a loop.
    let inner = template(
        &json!([compute(&json!({"name": "[format('yogi-aml-ws/{0}', parameters('name'))]"}), &json!({}))]),
        &json!({"parameters": {"name": {"type": "string"}}}),
    );
    let passed = json!({"name": {"value": "[variables('names')[copyIndex()]]"}});
    let copy = json!({"copy": {"name": "pools", "count": "[length(variables('names'))]"}});
    let modules = template(&json!([module(&inner, &passed, &copy)]), &json!({"variables": {"names": ["blue", "green"]}}));
    let listed = json!("[length(parameters('names'))]");
    #[rustfmt::skip]
    let table = [
        ("a number",        looped("[concat('yogi-aml-ws/spark', copyIndex())]", json!(2)),                      &["spark0", "spark1"][..]),
        ("an offset",       looped("[concat('yogi-aml-ws/spark', copyIndex(1))]", json!(2)),                     &["spark1", "spark2"]),
        ("by its name",     looped("[format('yogi-aml-ws/spark{0}', copyIndex('Pools', 7))]", json!(1)),         &["spark7"]),
        ("of a list",       looped("[format('yogi-aml-ws/{0}', parameters('names')[copyIndex()])]", listed),     &["blue", "green"]),
        ("of a range",      looped("[format('yogi-aml-ws/spark{0}', range(3, 2)[copyIndex()])]", json!("[length(range(3, 2))]")), &["spark3", "spark4"]),
        ("of modules",      modules.to_string(),                                                                 &["blue", "green"]),
    ];
    for (case, document, names) in table {
        let (code, objects, said) = import(&["-f", "-", "-w", SHORT], &document);
        assert_eq!((code, said.len()), (Some(0), 0), "{case}: {said:?}");
        let made: Vec<_> = objects.iter().map(|one| one["metadata"]["name"].as_str().expect("a name")).collect();
        assert_eq!(made, names, "{case}");
    }
    // Each copy has its own condition.
    let but_one = json!({"name": "[concat('yogi-aml-ws/spark', copyIndex())]", "condition": "[not(equals(copyIndex(), 0))]", "copy": {"name": "pools", "count": 2}});
    let (_, objects, said) = import(&["-f", "-", "-w", SHORT], &one(&but_one, &json!({}), &json!({})));
    assert_eq!((objects.len(), said.len()), (1, 1), "{said:?}");
    assert!(said[0].starts_with("-, resources[0][0]: condition: skipped: it is false"), "{said:?}");
}
