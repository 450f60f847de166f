//! `--workspace`: an Azure Machine Learning workspace on the command line.

use super::manifest::rules::is_guid;
use crate::resource_id::WorkspaceId;

/// How help names the value.
pub(super) const WORKSPACE: &str = "SUBSCRIPTION/GROUP/WORKSPACE";

/// Reads the three names, or the full resource ID.
pub(super) fn workspace(text: &str) -> Result<WorkspaceId, String> {
    let read = match text.split('/').collect::<Vec<_>>()[..] {
        [subscription, group, name] => WorkspaceId::new(subscription, group, name).ok(),
        _ => WorkspaceId::parse(text).ok(),
    };
    read.filter(|workspace| is_guid(workspace.subscription())).ok_or_else(|| {
        format!("write it as {WORKSPACE}, the subscription by its GUID, or as the workspace's full resource ID (az ml workspace show --name WORKSPACE --resource-group GROUP --query id)")
    })
}

/// Reads the GUID of a subscription.
pub(super) fn subscription(text: &str) -> Result<String, String> {
    if is_guid(text) { Ok(text.to_owned()) } else { Err("must be a GUID, as az account show --query id prints it".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_workspace_is_parsed_from_three_names_or_its_resource_id() {
        const SUB: &str = "6560575d-fa06-4e7d-95fb-f962e74efd7a";
        let whole = format!("/subscriptions/{SUB}/resourcegroups/rg/providers/microsoft.machinelearningservices/workspaces/ws1");
        assert_eq!(workspace(&format!("{SUB}/rg/ws1")), workspace(&whole));
        for wrong in ["ws1", "rg/ws1", "mine/rg/ws1", &format!("{SUB}/rg/w?s"), &format!("{whole}/computes/c"), ""] {
            assert!(workspace(wrong).is_err(), "{wrong}");
        }
    }
}
