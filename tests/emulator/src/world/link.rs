//! Linked services in the world.

use jiff::{SignedDuration, Timestamp};

use super::{World, seed::LinkedService};
use crate::id;

/// ARM's type name of a linked service.
pub(crate) const LINK_TYPE: &str = "Microsoft.MachineLearningServices/workspaces/linkedServices";

impl World {
    /// Adds or replaces one. Its principal and creation time stay the same unless they are given.
    pub(crate) fn add_link(&mut self, now: Timestamp, mut link: LinkedService, tenant: &str) -> &LinkedService {
        let key = id::fold(&link.id);
        let before = self.links.remove(&key);
        let guid = self.guid().to_string();
        let (was, created) = before.map_or((None, None), |b| (b.principal_id, b.created_time));
        link.principal_id = Some(link.principal_id.or(was).unwrap_or(guid));
        link.tenant_id = Some(link.tenant_id.unwrap_or_else(|| tenant.to_owned()));
        link.created_time = Some(link.created_time.or(created).unwrap_or_else(|| pacific(now)));
        link.modified_time = Some(link.modified_time.unwrap_or_else(|| pacific(now)));
        self.links.entry(key).or_insert(link)
    }
}

/// Seven digits and the offset of Redmond's summer, as in the specification's example (SPEC).
fn pacific(at: Timestamp) -> String {
    let there = at.checked_sub(SignedDuration::from_hours(7)).unwrap_or(at);
    there.strftime("%Y-%m-%dT%H:%M:%S.%7f-07:00").to_string()
}
