//! ARM resource IDs: folded for comparison, split for their names.

use uuid::Uuid;

/// The form in which IDs are compared: ARM ignores their ASCII case (DOC).
pub(crate) fn fold(id: &str) -> String {
    id.trim_end_matches('/').to_ascii_lowercase()
}

/// Whether a folded ID is this scope or lies below it; `/` holds everything.
pub(crate) fn is_within(folded: &str, scope: &str) -> bool {
    scope.is_empty() || folded.strip_prefix(scope).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The value after this key: `resourceGroups` of `…/resourceGroups/rg/…` is `rg`.
pub(crate) fn part<'a>(id: &'a str, key: &str) -> Option<&'a str> {
    let mut segments = id.split('/').filter(|s| !s.is_empty());
    segments.find(|s| s.eq_ignore_ascii_case(key))?;
    segments.next()
}

/// The last segment.
pub(crate) fn name(id: &str) -> &str {
    id.rsplit('/').next().unwrap_or(id)
}

/// The ID of the subscription that this resource lies in, without its path.
pub(crate) fn subscription(id: &str) -> Option<&str> {
    part(id, "subscriptions")
}

/// The ID of the resource group that this resource lies in.
pub(crate) fn resource_group(id: &str) -> Option<String> {
    Some(format!("/subscriptions/{}/resourceGroups/{}", subscription(id)?, part(id, "resourceGroups")?))
}

/// Whether the ID has this type, such as `Microsoft.Synapse/workspaces/bigDataPools`.
pub(crate) fn has_type(id: &str, of: &str) -> bool {
    let segments: Vec<&str> = id.split('/').filter(|s| !s.is_empty()).collect();
    let Some((head, tail)) = segments.split_at_checked(5) else {
        return false;
    };
    let mut of = of.split('/');
    let provider = of.next().unwrap_or_default();
    let types: Vec<&str> = of.collect();
    head[0].eq_ignore_ascii_case("subscriptions")
        && head[2].eq_ignore_ascii_case("resourceGroups")
        && head[4].eq_ignore_ascii_case("providers")
        && tail.len() == 1 + 2 * types.len()
        && tail[0].eq_ignore_ascii_case(provider)
        && types.iter().enumerate().all(|(at, t)| tail[1 + 2 * at].eq_ignore_ascii_case(t))
}

/// A GUID that belongs to this resource, the same in each run: its `principal` or its own ID as a `workspace`, for example.
pub(crate) fn guid(what: &str, id: &str) -> Uuid {
    Uuid::new_v5(&Uuid::NAMESPACE_URL, format!("{what} {}", fold(id)).as_bytes())
}

/// The ID with its key `resourceGroups` in lower case, as the service writes user-assigned identities (DOC).
pub(crate) fn with_small_resource_groups(id: &str) -> String {
    let small = |s: &str| {
        if s.eq_ignore_ascii_case("resourceGroups") { "resourcegroups".to_owned() } else { s.to_owned() }
    };
    id.split('/').map(small).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_need_their_whole_path() {
        let pool = "/Subscriptions/s/resourcegroups/g/providers/microsoft.synapse/workspaces/w/bigdatapools/p";
        assert!(has_type(pool, "Microsoft.Synapse/workspaces/bigDataPools"));
        assert!(!has_type(pool, "Microsoft.Synapse/workspaces"));
        assert!(!has_type("/subscriptions/s", "Microsoft.Synapse/workspaces/bigDataPools"));
    }

    #[test]
    fn a_scope_ends_at_a_slash() {
        assert!(is_within("/subscriptions/s/resourcegroups/g", "/subscriptions/s"));
        assert!(!is_within("/subscriptions/s2", "/subscriptions/s"));
        assert!(is_within("/subscriptions/s", &fold("/")));
    }
}
