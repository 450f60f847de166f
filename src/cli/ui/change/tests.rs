use super::*;

const ID: &str = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities";

fn object() -> SynapseSparkAttachment {
    serde_json::from_value(json!({
        "metadata": {"namespace": "team-a", "name": "one", "uid": "u", "generation": 3},
        "spec": {
            "workspace": {"subscriptionId": "s", "resourceGroup": "g", "name": "w"}, "resourceId": "x",
            "identity": {"type": "UserAssigned", "userAssignedIdentities": [{"resourceId": format!("{ID}/b")}, {"resourceId": format!("{ID}/a")}]},
            "tags": {"team": "data", "equation": "a=b"},
        },
    }))
    .expect("an attachment")
}

fn edit() -> Change {
    Change { action: Action::Edit, ..Change::default() }.seen(&object())
}

#[test]
fn the_form_begins_with_what_the_object_has() {
    let form = edit();
    assert_eq!((form.uid.as_str(), form.generation.as_str(), form.identity.as_str()), ("u", "3", "UserAssigned"));
    assert_eq!(form.identities, format!("{ID}/b\n{ID}/a"), "the order is kept");
    assert_eq!(form.tags, "equation=a=b\nteam=data");
    let mut spec = json!(object().spec);
    let patch = form.patch(&object(), Timestamp::UNIX_EPOCH).expect("valid").expect("a patch");
    let before = spec.clone();
    for (field, value) in patch["spec"].as_object().expect("fields") {
        spec[field] = value.clone();
    }
    assert_eq!(spec, before, "without an edit it changes nothing");
}

#[test]
fn an_edit_is_a_patch_of_what_was_edited() {
    let patched =
        |change: Change| change.patch(&object(), Timestamp::UNIX_EPOCH).expect("valid").expect("a patch")["spec"].clone();
    let other = patched(Change { identities: format!(" {ID}/a \r\n\n{ID}/b"), tags: "team = ml\n".to_owned(), ..edit() });
    let order = json!([{"resourceId": format!("{ID}/a")}, {"resourceId": format!("{ID}/b")}]);
    assert_eq!(other["identity"], json!({"type": "UserAssigned", "userAssignedIdentities": order}));
    assert_eq!(other["tags"], json!({"team": "ml", "equation": null}), "a tag that was removed is removed");
    let system = patched(Change { identity: "SystemAssigned".to_owned(), identities: String::new(), ..edit() });
    assert_eq!(system["identity"], json!({"type": "SystemAssigned", "userAssignedIdentities": null}));
    let none = patched(Change { identity: String::new(), identities: String::new(), ..edit() });
    assert_eq!(none["identity"], Value::Null);
}

#[test]
fn tags_that_cannot_be_read_are_refused_at_their_field() {
    for (tags, expected) in [("team", "not of the form name=value"), ("a=1\na=2", "\"a\" appears twice")] {
        let refused = Change { tags: tags.to_owned(), ..edit() }.patch(&object(), Timestamp::UNIX_EPOCH).expect_err("not valid");
        assert!(refused.field == "spec.tags" && refused.message.contains(expected), "{refused:?}");
    }
}
