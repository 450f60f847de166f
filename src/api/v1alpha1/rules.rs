//! The admission rules of the custom resource, in CEL, and the messages of their refusals.
//!
//! One mistake has one message, which says what to write instead. So a rule about the content of a field passes where
//! another rule already refuses what is around the content.
//!
//! The API server estimates the cost of every rule by the bounds in the schema, and refuses a definition that may cost too
//! much; `tests/cluster/admission.rs` applies this one.

use kube::core::{Message, Reason, Rule};
use serde_json::{Value, json};

const GUID: &str = "[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}";

/// The beginning of an Azure resource ID, up to its provider.
const IN_GROUP: &str =
    r"(?i)^/subscriptions/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/resourceGroups/[-\p{L}\p{Nd}_.()]{1,90}/providers/";

/// What a text must not be to be the name of a compute, with `NAME` in its place, and the words for it.
const NAME_FAULTS: [(&str, &str); 7] = [
    ("size(NAME) < 3", "is shorter than 3 characters"),
    ("size(NAME) > 16", "is longer than 16 characters"),
    ("NAME.contains('.')", "contains a dot"),
    ("!NAME.matches('^[A-Za-z0-9.-]*$')", "contains characters other than letters, digits and hyphens"),
    ("NAME.matches('^[0-9]')", "begins with a digit"),
    ("NAME.startsWith('-')", "begins with a hyphen"),
    ("NAME.matches('-[0-9]*$')", "ends with a hyphen, or a hyphen and digits"),
];

fn refuse(rule: impl Into<String>, message: &str) -> Rule {
    Rule::new(rule).message(message)
}

fn refuse_with(rule: impl Into<String>, message: impl Into<String>) -> Rule {
    Rule::new(rule).message(Message::Expression(message.into()))
}

/// The CEL condition that a text has a fault as the name of a compute, and the CEL text with a sentence for each fault. A list that
/// is joined would cost too much by the estimate.
fn name_faults(name: &str) -> (String, String) {
    let conditions = NAME_FAULTS.map(|(condition, _)| condition.replace("NAME", name));
    let sentences = NAME_FAULTS.map(|(condition, words)| format!("({} ? ' It {words}.' : '')", condition.replace("NAME", name)));
    (conditions.join(" || "), sentences.join(" + "))
}

/// The name of the object is the value of a label elsewhere.
pub(super) fn object_name() -> Rule {
    refuse("size(self.metadata.name) <= 63", "metadata.name is longer than 63 characters")
}

pub(super) fn object_name_as_compute() -> Rule {
    let (is_wrong, why) = name_faults("self.metadata.name");
    refuse_with(
        format!("has(self.spec.computeName) || !({is_wrong})"),
        format!("'metadata.name is not a valid compute name.' + {why} + ' Set spec.computeName'"),
    )
    .field_path(".spec.computeName")
    .reason(Reason::FieldValueRequired)
}

pub(super) fn compute_name() -> Rule {
    let (is_wrong, why) = name_faults("self");
    refuse_with(format!("!({is_wrong})"), format!("'spec.computeName is not a valid compute name.' + {why}"))
}

pub(super) fn compute_name_is_immutable() -> Rule {
    let name = |of: &str| format!("(has({of}.spec.computeName) ? {of}.spec.computeName : {of}.metadata.name)");
    refuse(
        format!("{} == {}", name("self"), name("oldSelf")),
        "spec.computeName is immutable. Create another object instead; set spec.deletionPolicy: Retain on this one to keep its compute",
    )
    .field_path(".spec.computeName")
}

pub(super) fn workspace_is_immutable() -> Rule {
    refuse(
        "!has(oldSelf.workspace) || has(self.workspace) && self.workspace.subscriptionId.lowerAscii() == oldSelf.workspace.subscriptionId.lowerAscii() && self.workspace.resourceGroup == oldSelf.workspace.resourceGroup && self.workspace.name == oldSelf.workspace.name",
        "spec.workspace is immutable. Create another object instead; set spec.deletionPolicy: Retain on this one to keep its compute",
    )
    .field_path(".workspace")
}

pub(super) fn has_a_pool() -> Rule {
    refuse(
        "has(self.resourceId) || has(self.linkedService)",
        "set spec.resourceId to the ID of the Spark pool, or set spec.linkedService",
    )
    .field_path(".resourceId")
    .reason(Reason::FieldValueRequired)
}

pub(super) fn has_one_pool() -> Rule {
    refuse(
        "!has(self.resourceId) || !has(self.linkedService)",
        "spec.resourceId and spec.linkedService are both set. Remove one of them",
    )
    .field_path(".linkedService")
    .reason(Reason::FieldValueForbidden)
}

pub(super) fn pool_is_immutable() -> Rule {
    refuse(
        "self.replacePolicy == 'Recreate' || (has(self.resourceId) && has(oldSelf.resourceId) ? self.resourceId.lowerAscii() == oldSelf.resourceId.lowerAscii() : has(self.linkedService) && has(oldSelf.linkedService) && self.linkedService == oldSelf.linkedService)",
        "spec.resourceId and spec.linkedService are immutable, unless spec.replacePolicy is Recreate, which detaches the current pool first",
    )
}

/// What the role is assigned to.
const ROLE_NEEDS_AN_IDENTITY: &str = "spec.synapseRole needs spec.identity, which the role is assigned to";

/// A new object may leave the identity to the default of its namespace; if there is none either, the planner refuses it.
pub(super) fn role_needs_an_identity() -> Rule {
    refuse("!has(self.synapseRole) || !has(self.identity) || self.identity.type != 'None'", ROLE_NEEDS_AN_IDENTITY)
}

pub(super) fn role_keeps_its_identity() -> Rule {
    refuse("!has(self.synapseRole) || has(self.identity) || !has(oldSelf.identity)", ROLE_NEEDS_AN_IDENTITY)
}

pub(super) fn role_needs_a_linked_service() -> Rule {
    refuse(
        "!has(self.synapseRole) || !self.synapseRole.linkedService || has(self.linkedService)",
        "spec.synapseRole.linkedService needs spec.linkedService, whose identity the role is assigned to",
    )
}

/// Refuses text around an ID whose last segments are `/<kind>/<name>`, and says what to write.
fn id_alone(field: &str, kind: &str) -> Rule {
    let inner = format!("self.find('(?i)/subscriptions/.*/{kind}/[^/?# ]+')");
    refuse_with(
        format!("{inner} in ['', self]"),
        format!(
            "'{field} must ' + (self.startsWith('http') ? 'be a resource ID, not a URL' : self.endsWith('/') ? 'not end with a slash' : 'be the resource ID alone') + ': write ' + {inner}"
        ),
    )
}

/// Refuses what is not an ID of this provider and kind; text around it is refused by [`id_alone`].
fn id(provider: &str, kind: &str, names: &str, message: &str) -> Rule {
    refuse(
        format!(
            "!(self.find('(?i)/subscriptions/.*/{kind}/[^/?# ]+') in ['', self]) || self.matches(r'{IN_GROUP}{provider}/{names}$')"
        ),
        message,
    )
}

pub(super) fn pool_id_alone() -> Rule {
    id_alone("spec.resourceId", "bigDataPools")
}

pub(super) fn pool_id() -> Rule {
    id(
        "Microsoft.Synapse",
        "bigDataPools",
        "workspaces/[-a-z0-9_]{1,50}/bigDataPools/[a-z0-9]{1,15}",
        "spec.resourceId must be the ID of a Synapse Spark pool: /subscriptions/<guid>/resourceGroups/<group>/providers/Microsoft.Synapse/workspaces/<workspace>/bigDataPools/<pool>",
    )
}

pub(super) fn identity_id_alone() -> Rule {
    id_alone("resourceId", "userAssignedIdentities")
}

pub(super) fn identity_id() -> Rule {
    id(
        "Microsoft.ManagedIdentity",
        "userAssignedIdentities",
        "userAssignedIdentities/[-a-z0-9_]{3,128}",
        "resourceId must be the ID of a user-assigned identity, not its name or client ID: /subscriptions/<guid>/resourceGroups/<group>/providers/Microsoft.ManagedIdentity/userAssignedIdentities/<name>",
    )
}

/// Refuses a part of the workspace that is the workspace's whole ID, and says which part of it to write.
fn part_alone(field: &str, part: &str) -> Rule {
    let inner = format!("self.find('(?i)/{part}/[^/]+')");
    let length = part.len() + 2;
    refuse_with(
        format!("{inner} == ''"),
        format!("'spec.workspace.{field} must not be the whole workspace ID: write ' + {inner}.substring({length})"),
    )
}

pub(super) fn subscription_alone() -> Rule {
    part_alone("subscriptionId", "subscriptions")
}

pub(super) fn subscription() -> Rule {
    refuse(
        format!("self.matches('(?i)/subscriptions/[^/]|^{GUID}$')"),
        "spec.workspace.subscriptionId must be a GUID, as az account show --query id prints it",
    )
}

/// The operator's shards select objects by this text.
pub(super) fn subscription_case() -> Rule {
    refuse_with(
        "self.contains('/') || self == self.lowerAscii()",
        "'spec.workspace.subscriptionId must be in lower case: write ' + self.lowerAscii()",
    )
}

pub(super) fn group_alone() -> Rule {
    part_alone("resourceGroup", "resourceGroups")
}

pub(super) fn group() -> Rule {
    refuse(
        r"self.matches(r'(?i)/resourceGroups/[^/]|^[-\p{L}\p{Nd}_.()]{0,89}[-\p{L}\p{Nd}_()]$')",
        "spec.workspace.resourceGroup must be 1-90 letters, digits or -_.(), and not end in '.'",
    )
}

pub(super) fn workspace_name_alone() -> Rule {
    part_alone("name", "workspaces")
}

pub(super) fn workspace_name() -> Rule {
    refuse(
        "self.matches('(?i)/workspaces/[^/]|^[a-zA-Z0-9][a-zA-Z0-9_-]{2,32}$')",
        "spec.workspace.name must be 3-33 letters, digits, '_' or '-', and start with a letter or digit",
    )
}

pub(super) fn linked_service() -> Rule {
    refuse(
        "self.matches('^[a-zA-Z0-9][-a-zA-Z0-9_]*$')",
        "spec.linkedService.name must consist of letters, digits, '_' and '-', and start with a letter or digit",
    )
}

pub(super) fn linked_pool() -> Rule {
    refuse("self.matches('^[a-zA-Z0-9]+$')", "spec.linkedService.poolName must consist of letters and digits")
}

pub(super) fn role() -> Rule {
    refuse(
        format!("self in ['Synapse Administrator', 'Synapse Compute Operator'] || self.matches('^{GUID}$')"),
        "spec.synapseRole.name must be Synapse Administrator, Synapse Compute Operator, or a role's GUID",
    )
}

pub(super) fn identities_are_given() -> Rule {
    refuse(
        "!self.type.contains('UserAssigned') || has(self.userAssignedIdentities) && size(self.userAssignedIdentities) > 0",
        "spec.identity.userAssignedIdentities is required if spec.identity.type includes UserAssigned",
    )
    .field_path(".userAssignedIdentities")
    .reason(Reason::FieldValueRequired)
}

pub(super) fn identities_are_of_the_type() -> Rule {
    refuse_with(
        "self.type.contains('UserAssigned') || !has(self.userAssignedIdentities) || size(self.userAssignedIdentities) == 0",
        "'spec.identity.userAssignedIdentities must be empty with spec.identity.type ' + self.type + '. Remove it, or add UserAssigned to the type'",
    )
    .field_path(".userAssignedIdentities")
    .reason(Reason::FieldValueForbidden)
}

pub(super) fn identities_are_unique() -> Rule {
    refuse(
        "self.all(a, self.exists_one(b, a.resourceId.lowerAscii() == b.resourceId.lowerAscii()))",
        "spec.identity.userAssignedIdentities has a duplicate; IDs are case-insensitive",
    )
}

/// What the planner parses: hours, then minutes, then seconds. It takes a value out of these bounds as the nearest one within.
pub(super) fn deletion_guard_timeout() -> Rule {
    refuse(
        "self != '' && self.matches('^([0-9]{1,6}h)?([0-9]{1,6}m)?([0-9]{1,6}s)?$') && duration(self) >= duration('1m') && duration(self) <= duration('168h')",
        "spec.deletionGuardTimeout must be a duration from 1m to 168h, such as 30m, 24h or 1h30m",
    )
}

/// A name that an object in Kubernetes could have.
const SUBDOMAIN: &str = "self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$')";

pub(super) fn config_map_name() -> Rule {
    refuse(
        SUBDOMAIN,
        "spec.outputs.configMapName must name a ConfigMap of this namespace: lower-case letters, digits, '-' and '.'",
    )
}

pub(super) fn service_account() -> Rule {
    refuse(
        SUBDOMAIN,
        "spec.serviceAccountName must name a ServiceAccount of this namespace: lower-case letters, digits, '-' and '.'",
    )
}

/// The rules for the names of tags; each message quotes the name. The schema has no bound for the length of a name, and the
/// estimate counts none.
pub(super) fn tags() -> Value {
    // Azure ignores case. Of letters that are not ASCII, the planner checks that.
    let unique = "self.exists_one(b, a.lowerAscii() == b.lowerAscii())";
    json!([
        refuse("self.all(k, size(k) > 0 && size(k) <= 512)", "spec.tags: a tag's name must have 1-512 characters"),
        refuse_with(
            r"self.all(k, !k.matches('[<>%&\\\\?/]'))",
            r"'spec.tags: the name ' + self.filter(k, k.matches('[<>%&\\\\?/]'))[0] + ' has one of the characters <>%&\\?/, which Azure does not allow'",
        ),
        refuse(
            "self.all(k, k.lowerAscii() != 'synapse-spark-operator-owner')",
            "spec.tags: synapse-spark-operator-owner is reserved for the operator"
        ),
        refuse_with(
            format!("self.all(a, {unique})"),
            format!(
                "'spec.tags: the name ' + self.filter(a, !{unique})[0] + ' is a duplicate: Azure ignores the case of tag names'"
            ),
        ),
    ])
}
