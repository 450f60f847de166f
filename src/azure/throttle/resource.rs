//! The resource that a request is about, for limits of its resource provider.

/// A resource of Azure Resource Manager by its path in lower case, and the workspace that it is part of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Resource {
    pub(super) path: String,
    pub(super) workspace: Option<String>,
}

impl Resource {
    /// The resource of a path without a query.
    pub(crate) fn of(path: &str) -> Self {
        let path = path.trim_end_matches('/').to_ascii_lowercase();
        let workspace = path.find("/workspaces/").map(|at| at + "/workspaces/".len()).map(|name| {
            let end = path[name..].find('/').map_or(path.len(), |length| name + length);
            path[..end].to_owned()
        });
        Self { path, workspace }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workspace_is_the_part_of_the_path_that_names_it() {
        let workspace = "/subscriptions/s/resourcegroups/g/providers/microsoft.machinelearningservices/workspaces/w";
        for (path, expected) in [
            (format!("{}/computes/c", workspace.to_uppercase()), Some(workspace)),
            (format!("{workspace}/computes"), Some(workspace)),
            (workspace.to_owned(), Some(workspace)),
            (format!("{workspace}/"), Some(workspace)),
            ("/subscriptions/s/providers/x/workspaces".to_owned(), None),
            ("/subscriptions/s/providers/x/locations/l/computeOperationsStatus/id".to_owned(), None),
            (String::new(), None),
        ] {
            assert_eq!(Resource::of(&path).workspace.as_deref(), expected, "{path}");
        }
    }
}
