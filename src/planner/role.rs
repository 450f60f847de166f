//! Who is to hold which role in a Synapse workspace, and what of that is to be granted or taken back.
//!
//! Synapse's roles are its own, not Azure's: they are assigned on the data plane
//! of the workspace, to a principal, on a scope. The GUID of an assignment is
//! derived here from the object, the principal, the role and the scope. So an
//! answer that was lost never makes two, and a DELETE of that GUID can only
//! take back what this object granted.

use std::time::Duration;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use uuid::Uuid;

use crate::api::v1alpha1::RoleAssignmentStatus;
use crate::planner::Goal;
use crate::planner::goal::{Attached, Role};
use crate::planner::observed::{Compute, Fault, FaultKind, Finding, LinkedService};
use crate::planner::pause;
use crate::resource_id::PoolId;

/// Synapse's built-in roles that have to do with Spark pools, by name and GUID.
///
/// Source: `GET https://{workspace}.dev.azuresynapse.net/roleDefinitions`, as Azure SDK's recordings have it.
pub const ROLES: [(&str, &str); 3] = [
    ("Synapse Administrator", "6e4bf58a-b8e1-4cc3-bbf9-d73143322b78"),
    ("Synapse Compute Operator", "e3844cc7-4670-42cb-9349-9bdac1ee7881"),
    ("Apache Spark Administrator", SPARK_ADMINISTRATOR),
];
const SPARK_ADMINISTRATOR: &str = "c3a6d2f1-a26f-4810-9b0f-591308d5cbf1";

/// The GUID of a role, given by name or GUID.
#[must_use]
pub fn id_of(role: &str) -> Option<String> {
    let known = ROLES.iter().find(|(name, _)| *name == role).map(|(_, id)| (*id).to_owned());
    known.or_else(|| Uuid::try_parse(role).ok().map(|id| id.to_string()))
}

/// The name of a role, or its GUID if it has no name here.
#[must_use]
pub fn name_of(id: &str) -> &str {
    ROLES.iter().find(|(_, known)| known.eq_ignore_ascii_case(id)).map_or(id, |(name, _)| name)
}

/// A role, to a principal, on a scope.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Assignment {
    /// The role's GUID.
    pub role: String,
    /// The principal's object ID in Entra.
    pub principal: String,
    /// `workspaces/{workspace}`, or `workspaces/{workspace}/bigDataPools/{pool}`.
    pub scope: String,
}

impl Assignment {
    /// Its GUID, if this object grants it.
    #[must_use]
    pub fn id(&self, object_uid: &str) -> String {
        // An object's UID is a GUID; what is none still gets a namespace of its own.
        let namespace = Uuid::try_parse(object_uid).unwrap_or_else(|_| Uuid::new_v5(&Uuid::NAMESPACE_OID, object_uid.as_bytes()));
        let text = format!("{}/{}/{}", self.principal, self.role, self.scope).to_ascii_lowercase();
        Uuid::new_v5(&namespace, text.as_bytes()).to_string()
    }

    /// The same in lower case: Azure tells no cases apart.
    #[must_use]
    pub fn folded(&self) -> Self {
        let [role, principal, scope] = [&self.role, &self.principal, &self.scope].map(|text| text.to_ascii_lowercase());
        Self { role, principal, scope }
    }

    /// What the status keeps of it, under this GUID.
    #[must_use]
    pub fn remembered(&self, assignment_id: String, granted_at: Option<Time>, existed: bool) -> RoleAssignmentStatus {
        RoleAssignmentStatus {
            assignment_id,
            role_id: self.role.clone(),
            principal_id: self.principal.clone(),
            scope: self.scope.clone(),
            granted_at,
            existed,
            refused: false,
        }
    }

    /// The Synapse workspace.
    #[must_use]
    pub fn workspace(&self) -> &str {
        self.scope.split('/').nth(1).unwrap_or_default()
    }

    /// The command that grants it by hand.
    #[must_use]
    pub fn create_command(&self) -> String {
        format!(
            "az synapse role assignment create --workspace-name {} --role \"{}\" --assignee-object-id {} --assignee-principal-type ServicePrincipal --scope {}",
            self.workspace(),
            name_of(&self.role),
            self.principal,
            self.scope
        )
    }

    /// The command that takes it back by hand.
    #[must_use]
    pub fn delete_command(&self, id: &str) -> String {
        format!("az synapse role assignment delete --workspace-name {} --ids {id} --yes", self.workspace())
    }

    /// Whether the status means this one.
    #[must_use]
    pub fn is(&self, granted: &RoleAssignmentStatus) -> bool {
        let same = |one: &str, other: &str| one.eq_ignore_ascii_case(other);
        same(&self.role, &granted.role_id) && same(&self.principal, &granted.principal_id) && same(&self.scope, &granted.scope)
    }
}

/// Whether the object of this UID made that, or is about to: by its GUID.
#[must_use]
pub fn is_made_by(object_uid: &str, status: &RoleAssignmentStatus) -> bool {
    Assignment::from(status).id(object_uid) == status.assignment_id
}

impl From<&RoleAssignmentStatus> for Assignment {
    fn from(granted: &RoleAssignmentStatus) -> Self {
        Self { role: granted.role_id.clone(), principal: granted.principal_id.clone(), scope: granted.scope.clone() }
    }
}

/// The assignments that a goal asks for; `None` in place of one whose principal Azure does not show yet.
#[must_use]
pub fn wanted(goal: &Attached, compute: &Compute, link: Option<&LinkedService>) -> Vec<Option<Assignment>> {
    let (Some(role), Some(pool)) = (&goal.role, &goal.pool) else { return Vec::new() };
    let principal = match (goal.identity.system, goal.identity.user.first()) {
        (true, _) => compute.identity.principal_id.clone(),
        (false, Some(first)) => {
            compute.identity.user.iter().find(|(id, ..)| id == first).and_then(|(_, principal, _)| principal.clone())
        }
        (false, None) => None,
    };
    let mut all = vec![principal.map(|principal| Assignment { role: role.id.clone(), principal, scope: scope(role, pool) })];
    if role.linked_service {
        let principal = link.and_then(|link| link.principal.clone());
        all.push(principal.map(|principal| Assignment {
            role: SPARK_ADMINISTRATOR.to_owned(),
            principal,
            scope: format!("workspaces/{}", pool.workspace_name()),
        }));
    }
    all
}

fn scope(role: &Role, pool: &PoolId) -> String {
    let workspace = format!("workspaces/{}", pool.workspace_name());
    if role.workspace_wide { workspace } else { format!("{workspace}/bigDataPools/{}", pool.name()) }
}

/// What is known of roles when a decision is taken.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Roles {
    /// What the status remembers.
    pub granted: Vec<Granted>,
    /// What is wanted, and whether Synapse shows that the principal holds it: under which GUID.
    pub wanted: Vec<(Option<Assignment>, Finding<String>)>,
    /// What may be there no longer.
    pub doubts: Vec<Doubt>,
    /// A grant, or the taking back of one, that did not succeed.
    pub trouble: Option<Trouble>,
}

/// A doubt whether a role that this object relies on is still there: another took it back, or somebody asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Doubt {
    /// The role, in lower case.
    pub assignment: Assignment,
    /// The GUID that was taken back: a list that still has it is behind.
    pub taken_back: Option<String>,
    /// The how manieth it is: a doubt that comes during a look outlives it.
    pub number: u64,
}

impl Doubt {
    /// Whether it is over: the role was seen or granted meanwhile, or is not wanted.
    #[must_use]
    pub fn is_over(&self, goal: &Goal, roles: &Roles, granted: Option<&RoleAssignmentStatus>) -> bool {
        let Goal::Attached(Attached { role: Some(_), .. }) = goal else { return true };
        let is_granted = granted.is_some_and(|one| one.granted_at.is_some() && Assignment::from(one).folded() == self.assignment);
        // Where a principal does not show, nobody knows what is wanted.
        let wanted: Option<Vec<_>> = roles.wanted.iter().map(|(one, finding)| Some((one.as_ref()?.folded(), finding))).collect();
        let is_seen = wanted.is_some_and(|wanted| {
            let mut of_it = wanted.iter().filter(|(one, _)| *one == self.assignment);
            !wanted.is_empty() && of_it.all(|(_, finding)| matches!(finding, Finding::Present(id) if !self.denies(id)))
        });
        is_granted || is_seen
    }

    fn denies(&self, id: &str) -> bool {
        self.taken_back.as_deref().is_some_and(|gone| gone.eq_ignore_ascii_case(id))
    }
}

impl Roles {
    /// The doubt about this role.
    #[must_use]
    pub fn doubt(&self, one: &Assignment) -> Option<&Doubt> {
        self.doubts.iter().find(|doubt| doubt.assignment == one.folded())
    }

    /// What the status is to remember of a grant that was not made for this reason.
    ///
    /// It may have been made all the same, unless this and all requests before were refused.
    #[must_use]
    pub fn not_granted(&self, one: &Assignment, object_uid: &str, kind: FaultKind, is_first: bool) -> RoleAssignmentStatus {
        let known = self.granted.iter().find(|granted| granted.is_ours && one.is(&granted.status)).map(|granted| &granted.status);
        let was = |mark: fn(&RoleAssignmentStatus) -> bool| known.is_some_and(mark);
        let refused = kind.is_refusal() && (is_first || was(|known| known.refused));
        // What is there after this may be ours.
        let existed = kind.is_refusal() && was(|known| known.existed);
        RoleAssignmentStatus { refused, ..one.remembered(one.id(object_uid), None, existed) }
    }

    /// The command that takes back by hand what cannot be taken back for this reason and is no longer tried; an empty one if
    /// it was never granted.
    ///
    /// Each is tried once, also what was refused.
    pub(super) fn given_up(&self, one: &Assignment, kind: FaultKind) -> Option<Vec<String>> {
        let known = &self.granted.iter().find(|granted| granted.is_ours && one.is(&granted.status))?.status;
        match self.trouble {
            _ if known.refused && kind.is_refusal() => Some(Vec::new()),
            Some(trouble) if trouble.lasts >= pause::ROLE_UNWANTED => Some(vec![one.delete_command(&known.assignment_id)]),
            _ => None,
        }
    }

    /// Whether this is wanted.
    #[must_use]
    pub fn wants(&self, status: &RoleAssignmentStatus) -> bool {
        self.wanted.iter().any(|(one, _)| one.as_ref().is_some_and(|one| one.is(status)))
    }
}

/// A role that the status remembers.
#[derive(Debug, Clone, PartialEq)]
pub struct Granted {
    /// As the status remembers it.
    pub status: RoleAssignmentStatus,
    /// Its GUID is the one that this object makes: it is this object's to take back.
    pub is_ours: bool,
    /// How long ago it was granted; none if it is only about to be.
    pub ago: Option<Duration>,
}

/// Why a role could not be granted or taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trouble {
    /// Whoever asked was refused, by Synapse or by Entra: trying again soon will not help.
    pub is_refused: bool,
    /// For so long already.
    pub lasts: Duration,
}

/// The next thing to do about roles.
#[derive(Debug, Clone, PartialEq)]
pub enum Next {
    /// Nothing: what is wanted is there, and nothing else of ours.
    Nothing,
    /// Wait until Azure shows a principal.
    Principal,
    /// Wait until Synapse answers: nobody knows whether it is there.
    Answer(Fault),
    /// Grant this.
    Grant(Assignment),
    /// Take this back: it is not wanted any longer.
    Revoke(Assignment),
}

/// What to do about roles while the pool is to be attached.
///
/// What is wanted comes first, unless it cannot be had just now: then what is not wanted does not wait for it.
#[must_use]
pub fn next(roles: &Roles, asked: bool) -> Next {
    // Until all principals are known, what seems to be unwanted may be just what is wanted.
    let is_known = roles.wanted.iter().all(|(one, _)| one.is_some());
    let unwanted = ours(roles).find(|granted| is_known && !roles.wants(&granted.status)).map(|granted| (&granted.status).into());
    match (missing(roles, asked), unwanted, roles.trouble) {
        (missing, None, _) => missing.unwrap_or(Next::Nothing),
        (Some(Next::Grant(one)), _, None) => Next::Grant(one),
        (_, Some(one), _) => Next::Revoke(one),
    }
}

/// What to do about the roles that are wanted; none if they are there.
///
/// Who asks, or doubts, wants to see what is: then a role that does not show is granted once more, which does no harm.
#[must_use]
pub fn missing(roles: &Roles, asked: bool) -> Option<Next> {
    roles.wanted.iter().find_map(|(one, finding)| {
        let Some(one) = one else { return Some(Next::Principal) };
        let doubt = roles.doubt(one);
        let asked = asked || doubt.is_some();
        let granted = roles.granted.iter().find(|granted| one.is(&granted.status));
        // Only what was granted, not what was about to be.
        let since = granted.and_then(|granted| granted.ago);
        let is_trusted = |granted: &Granted| granted.is_ours && (granted.status.existed || since < Some(pause::PROPAGATION));
        match finding {
            Finding::Present(id) if doubt.is_some_and(|doubt| doubt.denies(id)) => Some(Next::Grant(one.clone())),
            Finding::Present(_) => None,
            // It takes minutes until Synapse shows it, and what it says to be there may never show. What others granted, and
            // is gone, is gone.
            Finding::Absent if !asked && granted.is_some_and(is_trusted) => since.is_none().then(|| Next::Grant(one.clone())),
            Finding::Absent => Some(Next::Grant(one.clone())),
            // Who may not list has the word of the answer to the PUT; and whoever asks hears it again, of what others made.
            Finding::Unknown(Fault { kind: FaultKind::Unauthorized | FaultKind::Refused, .. }) => {
                let is_doubted = asked && granted.is_some_and(|granted| granted.status.existed || !granted.is_ours);
                (since.is_none() || is_doubted).then(|| Next::Grant(one.clone()))
            }
            Finding::Unknown(fault) => since.is_none().then(|| Next::Answer(fault.clone())),
        }
    })
}

/// What to take back before a detach, if it can be: a detach is not held up for longer than [`pause::ROLE_PATIENCE`].
#[must_use]
pub fn leaving(roles: &Roles) -> Option<Assignment> {
    let is_given_up = roles.trouble.is_some_and(|trouble| trouble.is_refused || trouble.lasts >= pause::ROLE_PATIENCE);
    ours(roles).next().filter(|_| !is_given_up).map(|granted| (&granted.status).into())
}

/// What may stay behind at a detach, with the command that takes each back.
///
/// Also what was there when it was asked for: an answer that was lost may have made it.
#[must_use]
pub fn left_behind(roles: &Roles) -> Vec<String> {
    ours(roles)
        .filter(|granted| !granted.status.refused)
        .map(|granted| Assignment::from(&granted.status).delete_command(&granted.status.assignment_id))
        .collect()
}

fn ours(roles: &Roles) -> impl Iterator<Item = &Granted> {
    roles.granted.iter().filter(|granted| granted.is_ours)
}
