//! `links`: the linked services of an Azure ML workspace.

use clap::Args;
use prometheus_client::registry::Registry;
use serde_json::{Value, json};

use super::args::AzureArgs;
use super::explained::explained;
use super::output::{Output, plain, print, remark, table};
use super::workspace::{WORKSPACE, workspace};
use crate::azure;
use crate::azure::wire::LinkedService;
use crate::resource_id::WorkspaceId;

#[derive(Debug, Args)]
pub(crate) struct Links {
    /// The Azure ML workspace, or its full resource ID.
    #[arg(short, long, value_name = WORKSPACE, value_parser = workspace)]
    workspace: WorkspaceId,
    /// The output format.
    #[arg(short, long, default_value = "text", value_enum)]
    output: Output,
    #[command(flatten)]
    azure: AzureArgs,
}

impl Links {
    pub(crate) async fn execute(self) -> Result<u8, String> {
        let (client, _) = self.azure.client(azure::Metrics::new(&mut Registry::default()))?;
        let links = client.linked_services(&self.workspace).await;
        let links =
            links.map_err(|error| format!("{}: its linked services cannot be listed: {}", self.workspace, explained(&error)))?;
        if links.is_empty() && self.output == Output::Text {
            remark(&format!("{} has no linked service.", self.workspace));
            return Ok(0);
        }
        print(&shown(&links, self.output)).map(|()| 0)
    }
}

fn shown(links: &[LinkedService], output: Output) -> String {
    let leads = |link: &LinkedService| Some(link.properties.linked_service_resource_id.clone());
    let principal = |link: &LinkedService| link.identity.as_ref().and_then(|identity| identity.principal_id.clone());
    match output {
        Output::Text => {
            let row = |link: &LinkedService| {
                [Some(link.name.clone()), principal(link), leads(link)]
                    .into_iter()
                    .map(|cell| plain(cell.as_deref().unwrap_or("-")))
            };
            let rows: Vec<_> = links.iter().map(|link| row(link).collect()).collect();
            table(&["NAME", "PRINCIPAL ID", "SYNAPSE WORKSPACE"], &rows)
        }
        Output::Json => {
            let as_json = |link: &LinkedService| json!({"name": link.name, "synapseWorkspaceId": leads(link), "principalId": principal(link)});
            format!("{:#}\n", json!({"links": links.iter().map(as_json).collect::<Vec<Value>>()}))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_linked_service_is_shown_with_its_workspace_and_principal() {
        let file: Value = serde_json::from_str(include_str!("../../tests/fixtures/aml-linked-services-2020-09-01-preview.json"))
            .expect("an example");
        let mut links: Vec<LinkedService> =
            serde_json::from_value(file["responses"]["200"]["body"]["value"].clone()).expect("links");
        links[1].identity = None;
        let text = anstream::adapter::strip_str(&shown(&links, Output::Text)).to_string();
        let id = "/subscriptions/00000000-1111-2222-3333-444444444444/resourceGroups/linkRg";
        assert_eq!(
            text,
            format!(
                "NAME     PRINCIPAL ID                           SYNAPSE WORKSPACE\n\
                 link-1   aaaaaaaa-1111-2222-3333-444444444444   {id}-1/providers/Microsoft.Synapse/workspaces/Syn-1\n\
                 link-2   -                                      {id}-2/providers/Microsoft.Synapse/workspaces/Syn-2\n"
            )
        );
        let parsed: Value = serde_json::from_str(&shown(&links, Output::Json)).expect("JSON");
        assert_eq!(parsed["links"][0]["principalId"], "aaaaaaaa-1111-2222-3333-444444444444");
        assert_eq!(parsed["links"][1]["principalId"], Value::Null);
    }
}
