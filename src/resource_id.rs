//! Azure's resource IDs: parse them, compare them, print them.
//!
//! Azure compares IDs without regard to case, and returns them in
//! another case than they were sent (`/resourcegroups/`). Equality, order
//! and hash therefore fold the case, and the text is kept unchanged.
//! Source: `Azure/azure-rest-api-specs#8323`.
//!
//! The name of a resource group may have letters and digits of any script
//! (<https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules>).
//!
//! Longer than other files: the types of all IDs share one parser, and no layer is below this one.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

/// A text that is not the ID it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not the ID of a {wanted}: expected {pattern}")]
pub struct NotAnId {
    text: String,
    wanted: &'static str,
    pattern: &'static str,
}

/// Text that compares without regard to case, like Azure's: character by character, by its simple upper case.
#[derive(Debug, Clone)]
struct Folded(String);

impl Folded {
    fn folded(&self) -> impl Iterator<Item = char> {
        self.0.chars().map(fold)
    }
}

/// A character's upper case, if that is one character: `ß` stays.
fn fold(letter: char) -> char {
    let mut upper = letter.to_uppercase();
    match (upper.next(), upper.next()) {
        (Some(one), None) => one,
        _ => letter,
    }
}

impl PartialEq for Folded {
    fn eq(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0) || !self.0.is_ascii() && self.folded().eq(other.folded())
    }
}
impl Eq for Folded {}
impl Hash for Folded {
    fn hash<H: Hasher>(&self, state: &mut H) {
        for letter in self.folded() {
            letter.hash(state);
        }
    }
}
impl PartialOrd for Folded {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Folded {
    fn cmp(&self, other: &Self) -> Ordering {
        self.folded().cmp(other.folded())
    }
}

/// The parts of `/subscriptions/{}/resourceGroups/{}/providers/{namespace}/{type}/{name}…`.
///
/// `pattern` has `{}` in place of a name; every other segment must be equal
/// without regard to case.
fn names<'a, const N: usize>(text: &'a str, pattern: &str) -> Option<[&'a str; N]> {
    let mut names = [""; N];
    let mut at = 0;
    let (mut segments, mut wanted) = (text.split('/'), pattern.split('/'));
    loop {
        match (segments.next(), wanted.next()) {
            (None, None) => return (at == N).then_some(names),
            (Some(segment), Some("{}")) if is_name(segment, at == RESOURCE_GROUP) => {
                *names.get_mut(at)? = segment;
                at += 1;
            }
            (Some(segment), Some(word)) if word != "{}" && segment.eq_ignore_ascii_case(word) => {}
            _ => return None,
        }
    }
}

/// The place of the resource group among the names of each pattern.
const RESOURCE_GROUP: usize = 1;

/// Characters that can end a path segment or escape from it are refused.
fn is_name(segment: &str, is_resource_group: bool) -> bool {
    let is_alphanumeric =
        |letter: char| if is_resource_group { letter.is_alphanumeric() } else { letter.is_ascii_alphanumeric() };
    !segment.is_empty()
        && segment != "."
        && segment != ".."
        && segment.chars().all(|letter| is_alphanumeric(letter) || "-_.()".contains(letter))
}

const WORKSPACE: &str = "/subscriptions/{}/resourceGroups/{}/providers/Microsoft.MachineLearningServices/workspaces/{}";
const COMPUTE: &str = "/subscriptions/{}/resourceGroups/{}/providers/Microsoft.MachineLearningServices/workspaces/{}/computes/{}";
const POOL: &str = "/subscriptions/{}/resourceGroups/{}/providers/Microsoft.Synapse/workspaces/{}/bigDataPools/{}";
const SYNAPSE: &str = "/subscriptions/{}/resourceGroups/{}/providers/Microsoft.Synapse/workspaces/{}";
const STORAGE: &str = "/subscriptions/{}/resourceGroups/{}/providers/Microsoft.Storage/storageAccounts/{}";
const IDENTITY: &str = "/subscriptions/{}/resourceGroups/{}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{}";

/// The ID of an Azure Machine Learning workspace.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct WorkspaceId {
    subscription: Folded,
    resource_group: Folded,
    name: Folded,
}

impl WorkspaceId {
    /// Puts the ID together from its names.
    ///
    /// # Errors
    ///
    /// [`NotAnId`] if a name has characters that no name of Azure has.
    pub fn new(subscription: &str, resource_group: &str, name: &str) -> Result<Self, NotAnId> {
        let text = format!(
            "/subscriptions/{subscription}/resourceGroups/{resource_group}\
             /providers/Microsoft.MachineLearningServices/workspaces/{name}"
        );
        let [subscription, resource_group, name] = names(&text, WORKSPACE).ok_or_else(|| NotAnId {
            text: text.clone(),
            wanted: "Machine Learning workspace",
            pattern: WORKSPACE,
        })?;
        Ok(Self {
            subscription: Folded(subscription.into()),
            resource_group: Folded(resource_group.into()),
            name: Folded(name.into()),
        })
    }

    /// Reads the ID of a workspace.
    ///
    /// # Errors
    ///
    /// [`NotAnId`] if the text has another form.
    pub fn parse(text: &str) -> Result<Self, NotAnId> {
        let not = || NotAnId { text: text.to_owned(), wanted: "Machine Learning workspace", pattern: WORKSPACE };
        let [subscription, group, name] = names(text, WORKSPACE).ok_or_else(not)?;
        Self::new(subscription, group, name)
    }

    /// The GUID of the subscription, as it was given.
    #[must_use]
    pub fn subscription(&self) -> &str {
        &self.subscription.0
    }

    /// The name of the resource group, as it was given.
    #[must_use]
    pub fn resource_group(&self) -> &str {
        &self.resource_group.0
    }

    /// The name of the workspace, as it was given.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name.0
    }

    /// The compute of this name in the workspace.
    ///
    /// # Errors
    ///
    /// [`NotAnId`] if the name has characters that no name of Azure has.
    pub fn compute(&self, name: &str) -> Result<ComputeId, NotAnId> {
        ComputeId::parse(&format!("{self}/computes/{name}"))
    }
}

impl fmt::Display for WorkspaceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "/subscriptions/{}/resourceGroups/{}/providers/Microsoft.MachineLearningServices/workspaces/{}",
            self.subscription.0, self.resource_group.0, self.name.0
        )
    }
}

/// The ID of a compute of a Machine Learning workspace.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ComputeId {
    workspace: WorkspaceId,
    name: Folded,
}

impl ComputeId {
    /// Reads the ID of a compute.
    ///
    /// # Errors
    ///
    /// [`NotAnId`] if the text has another form.
    pub fn parse(text: &str) -> Result<Self, NotAnId> {
        let not = || NotAnId { text: text.to_owned(), wanted: "Machine Learning compute", pattern: COMPUTE };
        let [subscription, group, workspace, name] = names(text, COMPUTE).ok_or_else(not)?;
        Ok(Self { workspace: WorkspaceId::new(subscription, group, workspace)?, name: Folded(name.into()) })
    }

    /// The workspace that the compute belongs to.
    #[must_use]
    pub fn workspace(&self) -> &WorkspaceId {
        &self.workspace
    }

    /// The name of the compute inside its workspace.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name.0
    }
}

impl fmt::Display for ComputeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/computes/{}", self.workspace, self.name.0)
    }
}

/// The ID of an Azure Synapse workspace.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SynapseWorkspaceId(Folded);

impl SynapseWorkspaceId {
    /// Reads the ID of a Synapse workspace.
    ///
    /// # Errors
    ///
    /// [`NotAnId`] if the text has another form.
    pub fn parse(text: &str) -> Result<Self, NotAnId> {
        names::<3>(text, SYNAPSE).map(|_| Self(Folded(text.to_owned()))).ok_or_else(|| NotAnId {
            text: text.to_owned(),
            wanted: "Synapse workspace",
            pattern: SYNAPSE,
        })
    }

    /// The GUID of the subscription, as it was given.
    #[must_use]
    pub fn subscription(&self) -> &str {
        names::<3>(&self.0.0, SYNAPSE).map(|[subscription, ..]| subscription).unwrap_or_default()
    }

    /// The name of the resource group, as it was given.
    #[must_use]
    pub fn resource_group(&self) -> &str {
        names::<3>(&self.0.0, SYNAPSE).map(|names| names[RESOURCE_GROUP]).unwrap_or_default()
    }

    /// The name of the workspace, the last segment of its ID.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.0.rsplit('/').next().unwrap_or_default()
    }
}

impl fmt::Display for SynapseWorkspaceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.0)
    }
}

/// The ID of an Apache Spark pool of Azure Synapse (`bigDataPools`).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PoolId(Folded);

impl PoolId {
    /// Reads the ID of a Spark pool.
    ///
    /// # Errors
    ///
    /// [`NotAnId`] if the text has another form.
    pub fn parse(text: &str) -> Result<Self, NotAnId> {
        names::<4>(text, POOL).map(|_| Self(Folded(text.to_owned()))).ok_or_else(|| NotAnId {
            text: text.to_owned(),
            wanted: "Synapse Spark pool",
            pattern: POOL,
        })
    }

    /// The pool of this name in the Synapse workspace of this resource ID.
    ///
    /// # Errors
    ///
    /// [`NotAnId`] if the two make no ID of a pool.
    pub fn within(synapse_workspace: &str, name: &str) -> Result<Self, NotAnId> {
        Self::parse(&format!("{}/bigDataPools/{name}", synapse_workspace.trim_end_matches('/')))
    }

    /// The name of the pool, the last segment of its ID.
    #[must_use]
    pub fn name(&self) -> &str {
        self.names()[3]
    }

    /// The name of its Synapse workspace.
    #[must_use]
    pub fn workspace_name(&self) -> &str {
        self.names()[2]
    }

    /// Its Synapse workspace.
    #[must_use]
    pub fn workspace(&self) -> SynapseWorkspaceId {
        // `/bigDataPools/` and the name are what the ID of a pool has in addition.
        let text = self.0.0.rsplitn(3, '/').last().unwrap_or_default();
        SynapseWorkspaceId::parse(text).expect("it is the start of the ID of a pool")
    }

    /// The GUID of its subscription.
    #[must_use]
    pub fn subscription(&self) -> &str {
        self.names()[0]
    }

    fn names(&self) -> [&str; 4] {
        names(&self.0.0, POOL).expect("it was parsed so")
    }
}

impl fmt::Display for PoolId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.0)
    }
}

/// The ID of a user-assigned managed identity.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct IdentityId(Folded);

impl IdentityId {
    /// Reads the ID of a user-assigned identity.
    ///
    /// # Errors
    ///
    /// [`NotAnId`] if the text has another form.
    pub fn parse(text: &str) -> Result<Self, NotAnId> {
        names::<3>(text, IDENTITY).map(|_| Self(Folded(text.to_owned()))).ok_or_else(|| NotAnId {
            text: text.to_owned(),
            wanted: "user-assigned managed identity",
            pattern: IDENTITY,
        })
    }

    /// The GUID of its subscription.
    #[must_use]
    pub fn subscription(&self) -> &str {
        names::<3>(&self.0.0, IDENTITY).map(|[subscription, ..]| subscription).unwrap_or_default()
    }

    /// The name of the resource group, as it was given.
    #[must_use]
    pub fn resource_group(&self) -> &str {
        names::<3>(&self.0.0, IDENTITY).map(|names| names[RESOURCE_GROUP]).unwrap_or_default()
    }

    /// The name of the identity, the last segment of its ID.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.0.rsplit('/').next().unwrap_or_default()
    }
}

impl fmt::Display for IdentityId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.0)
    }
}

/// The ID of a storage account.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StorageAccountId(Folded);

impl StorageAccountId {
    /// Reads the ID of a storage account.
    ///
    /// # Errors
    ///
    /// [`NotAnId`] if the text has another form.
    pub fn parse(text: &str) -> Result<Self, NotAnId> {
        names::<3>(text, STORAGE).map(|_| Self(Folded(text.to_owned()))).ok_or_else(|| NotAnId {
            text: text.to_owned(),
            wanted: "storage account",
            pattern: STORAGE,
        })
    }

    /// Puts the ID together from its names.
    ///
    /// # Errors
    ///
    /// [`NotAnId`] if a name has characters that no name of Azure has.
    pub fn new(subscription: &str, resource_group: &str, name: &str) -> Result<Self, NotAnId> {
        Self::parse(&format!(
            "/subscriptions/{subscription}/resourceGroups/{resource_group}/providers/Microsoft.Storage/storageAccounts/{name}"
        ))
    }

    /// The GUID of its subscription.
    #[must_use]
    pub fn subscription(&self) -> &str {
        self.names()[0]
    }

    /// The name of the resource group, as it was given.
    #[must_use]
    pub fn resource_group(&self) -> &str {
        self.names()[RESOURCE_GROUP]
    }

    /// The name of the account, the last segment of its ID.
    #[must_use]
    pub fn name(&self) -> &str {
        self.names()[2]
    }

    fn names(&self) -> [&str; 3] {
        names(&self.0.0, STORAGE).expect("it was parsed so")
    }
}

impl fmt::Display for StorageAccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SUB: &str = "6560575d-fa06-4e7d-95fb-f962e74efd7a";

    #[test]
    fn only_ids_as_azure_writes_them_are_parsed() {
        let pool = |middle: &str| format!("/subscriptions/{SUB}/{middle}");
        #[rustfmt::skip]
        let table = [
            ("as documented",        pool("resourceGroups/rg/providers/Microsoft.Synapse/workspaces/ws/bigDataPools/p"), true),
            ("re-cased by Azure",    pool("resourcegroups/RG/providers/microsoft.synapse/workspaces/ws/bigdatapools/p"), true),
            ("of another type",      pool("resourceGroups/rg/providers/Microsoft.Synapse/workspaces/ws/sqlPools/p"), false),
            ("a segment short",      pool("resourceGroups/rg/providers/Microsoft.Synapse/workspaces/ws/bigDataPools"), false),
            ("a segment long",       pool("resourceGroups/rg/providers/Microsoft.Synapse/workspaces/ws/bigDataPools/p/q"), false),
            ("an empty name",        pool("resourceGroups/rg/providers/Microsoft.Synapse/workspaces//bigDataPools/p"), false),
            ("a name with a query",  pool("resourceGroups/rg/providers/Microsoft.Synapse/workspaces/ws/bigDataPools/p?x=1"), false),
            ("a name that climbs",   pool("resourceGroups/../providers/Microsoft.Synapse/workspaces/ws/bigDataPools/p"), false),
            ("a name with an escape", pool("resourceGroups/rg/providers/Microsoft.Synapse/workspaces/ws/bigDataPools/%2e"), false),
            ("a group of any script", pool("resourceGroups/Instruktører_データ1/providers/Microsoft.Synapse/workspaces/ws/bigDataPools/p"), true),
            ("a pool of any script",  pool("resourceGroups/rg/providers/Microsoft.Synapse/workspaces/ws/bigDataPools/ø"), false),
            ("an emoji",              pool("resourceGroups/🙂/providers/Microsoft.Synapse/workspaces/ws/bigDataPools/p"), false),
            ("nothing",              String::new(), false),
        ];
        for (case, text, good) in table {
            assert_eq!(PoolId::parse(&text).is_ok(), good, "{case}: {text}");
        }
    }

    #[test]
    fn ids_are_compared_without_case_and_keep_their_text() {
        use std::collections::HashSet;
        let lower =
            format!("/subscriptions/{SUB}/resourcegroups/rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities/Id");
        let upper = lower.replace("resourcegroups", "resourceGroups");
        let (lower, upper) = (IdentityId::parse(&lower).expect("an ID"), IdentityId::parse(&upper).expect("an ID"));
        assert_eq!(lower, upper);
        assert_eq!(lower.cmp(&upper), Ordering::Equal);
        assert_eq!(HashSet::from([lower.clone(), upper.clone()]).len(), 1);
        assert_ne!(lower.to_string(), upper.to_string());
        assert_eq!(lower.name(), "Id");
    }

    #[test]
    fn letters_of_any_script_are_compared_without_case() {
        let of = |group: &str| WorkspaceId::new(SUB, group, "ws").expect("an ID");
        #[rustfmt::skip]
        let table = [
            ("Instruktører", "INSTRUKTØRER", true),
            ("данные",       "ДАННЫЕ",       true),
            ("straße",       "STRASSE",      false),
            ("straße",       "STRAßE",       true),
            ("a",            "ä",            false),
        ];
        let hash = |id: &WorkspaceId| {
            let mut hasher = std::hash::DefaultHasher::new();
            id.hash(&mut hasher);
            hasher.finish()
        };
        for (one, other, is_same) in table {
            let (left, right) = (of(one), of(other));
            assert_eq!((left == right, left.cmp(&right) == Ordering::Equal), (is_same, is_same), "{one} {other}");
            assert_eq!(hash(&left) == hash(&right), is_same, "{one} {other}");
        }
    }

    #[test]
    fn the_workspace_of_a_compute_is_parsed_from_its_id() {
        let workspace = WorkspaceId::new(SUB, "yogi-res-group", "yogi-aml-ws").expect("an ID");
        let compute = workspace.compute("my-spark-pool").expect("an ID");
        assert_eq!(compute, ComputeId::parse(&compute.to_string().to_uppercase()).expect("an ID"));
        assert_eq!((compute.workspace(), compute.name()), (&workspace, "my-spark-pool"));
        assert!(workspace.compute("a/../b").is_err());
        assert_eq!(WorkspaceId::parse(&workspace.to_string().to_lowercase()).expect("an ID"), workspace);
        assert!(WorkspaceId::parse(&compute.to_string()).is_err(), "a compute is no workspace");
    }

    #[test]
    fn a_synapse_workspace_id_is_no_machine_learning_workspace_id() {
        let id = format!("/subscriptions/{SUB}/resourcegroups/rg/providers/microsoft.synapse/workspaces/Syn-1");
        let read = SynapseWorkspaceId::parse(&id).expect("an ID");
        assert_eq!((read.subscription(), read.name(), read.to_string()), (SUB, "Syn-1", id.clone()));
        assert!(SynapseWorkspaceId::parse(&id.replace("microsoft.synapse", "Microsoft.MachineLearningServices")).is_err());
        assert!(SynapseWorkspaceId::parse(&format!("{id}/bigDataPools/p")).is_err());
    }

    #[test]
    fn the_parents_of_a_pool_and_of_a_storage_account_are_parsed_from_their_ids() {
        let pool = format!("/subscriptions/{SUB}/resourcegroups/rg/providers/microsoft.synapse/workspaces/Syn-1/bigdatapools/p");
        let workspace = PoolId::parse(&pool).expect("an ID").workspace();
        assert_eq!((workspace.resource_group(), workspace.name()), ("rg", "Syn-1"));
        let account = StorageAccountId::new(SUB, "rg", "yogistorage").expect("an ID");
        assert_eq!((account.subscription(), account.resource_group(), account.name()), (SUB, "rg", "yogistorage"));
        assert_eq!(StorageAccountId::parse(&account.to_string().to_lowercase()).expect("an ID"), account);
        assert!(StorageAccountId::new(SUB, "rg", "a/../b").is_err());
    }
}
