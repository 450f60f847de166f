//! What a plan does with the resources, and what they were before it.
//!
//! A resource that a `removed` block releases (the action `forget`) is among the planned values of Terraform 1.7 to 1.15.5,
//! without its values, and no longer from 1.15.6 on; its values are those of the state before the plan.
//! Source: `hashicorp/terraform#38641` and `#38665`.

use serde_json::Value;

use super::resource::{Fate, Resource, of_module};

pub(super) struct Changes<'a> {
    planned: &'a [Value],
    deferred: Vec<&'a Value>,
    /// The resources of the state before the plan.
    prior: Vec<Resource<'a>>,
}

impl<'a> Changes<'a> {
    pub(super) fn of(document: &'a Value) -> Self {
        let list = |key: &str| document[key].as_array().map_or(&[][..], Vec::as_slice);
        Self {
            planned: list("resource_changes"),
            deferred: list("deferred_changes").iter().map(|one| &one["resource_change"]).collect(),
            prior: of_module(&document["prior_state"]["values"]),
        }
    }

    /// Adds what the plan shows of a resource among its planned values.
    pub(super) fn complete(&self, resource: &mut Resource<'a>) {
        let change = self.planned.iter().find(|one| one["address"] == resource.address && one["deposed"].is_null());
        match change {
            Some(change) if fate(change) == Fate::Forgotten => {
                *resource = self.before(change).unwrap_or_else(|| resource.clone());
            }
            Some(change) => resource.unknown = &change["change"]["after_unknown"],
            None => {}
        }
    }

    /// The resources that the plan removes, and those that it defers.
    pub(super) fn not_among(&self, found: &[Resource<'_>]) -> Vec<Resource<'a>> {
        let is_new = |change: &Value| !change["deposed"].is_null() || !found.iter().any(|one| change["address"] == one.address);
        let removed = self.planned.iter().filter(|change| is_new(change) && fate(change) != Fate::Kept);
        let deferred = self.deferred.iter().copied().filter(|change| is_new(change)).filter_map(|change| {
            let after = &change["change"]["after"];
            let values = if after.is_object() { after } else { &change["change"]["before"] };
            Some(Resource { fate: Fate::Deferred, ..Resource::of(change, values)? })
        });
        removed.filter_map(|change| self.before(change)).chain(deferred).collect()
    }

    /// A resource as it is before the plan.
    fn before(&self, change: &'a Value) -> Option<Resource<'a>> {
        let is_same = |one: &&Resource<'_>| change["address"] == one.address || change["previous_address"] == one.address;
        let prior = self.prior.iter().find(|one| is_same(one) && one.fate != Fate::Deposed && one.values.is_object());
        let resource = match prior {
            Some(prior) if change["deposed"].is_null() => {
                Resource { sensitive: prior.sensitive, ..Resource::of(change, prior.values)? }
            }
            _ => Resource {
                sensitive: &change["change"]["before_sensitive"],
                ..Resource::of(change, &change["change"]["before"])?
            },
        };
        Some(Resource { fate: fate(change), ..resource })
    }
}

/// What a plan does with a resource. One that is replaced is kept.
fn fate(change: &Value) -> Fate {
    if !change["deposed"].is_null() {
        return Fate::Deposed;
    }
    let actions: Vec<_> = change["change"]["actions"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    match actions[..] {
        ["forget"] => Fate::Forgotten,
        ["delete"] => Fate::Destroyed,
        _ => Fate::Kept,
    }
}
