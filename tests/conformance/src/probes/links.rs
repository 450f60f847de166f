//! Linked services of Machine Learning.

use serde_json::json;

use crate::client::{Azure, LINKED_SERVICES};
use crate::ledger::Created;
use crate::seen::{Failure, Seen};
use crate::table::{Probe, row};
use crate::transport::Body;

pub(super) const PROBES: &[&Probe] = &[&Probe {
    id: "linked-services",
    sends: "LIST of linked services, PUT of one, GET and DELETE of it",
    writes: true,
    needs: &[],
    rows: &[
        row("linked services: bodies, 200 at once, LIST without pages, 204", &["list", "list.nextLink", "delete absent"])
            .without("the body of a linked service: only in workspaces that still take new ones"),
        row("no new linked services: 400 `UserError`", &["put", "put.message", "get"])
            .distinguishes(&["linkedServicesCreatable"]),
    ],
    ask: |azure, seen| Box::pin(links(azure, seen)),
}];

async fn links(azure: &Azure, seen: &mut Seen) -> Result<(), Failure> {
    let (name, absent) = (azure.name(), azure.name());
    let all = format!("{}/linkedServices", azure.target.workspace);
    let list = azure.arm("GET", &all, LINKED_SERVICES, Body::None).await?;
    seen.refusal("list", &list);
    seen.note("list.nextLink", list.body.get("nextLink").is_some());
    seen.refusal("delete absent", &azure.arm("DELETE", &format!("{all}/{absent}"), LINKED_SERVICES, Body::None).await?);

    let body = json!({
        "name": name,
        "location": azure.location(),
        "identity": {"type": "SystemAssigned"},
        "properties": {"linkedServiceResourceId": azure.target.synapse_id(), "linkType": "Synapse"},
    });
    azure.will_create(Created::LinkedService(name.clone()));
    let put = azure.arm("PUT", &format!("{all}/{name}"), LINKED_SERVICES, Body::Json(body)).await?;
    seen.refusal("put", &put);
    seen.text("put.message", azure.message(&put));
    seen.refusal("get", &azure.arm("GET", &format!("{all}/{name}"), LINKED_SERVICES, Body::None).await?);
    Ok(())
}
