//! What roles of Azure permit.
//!
//! Source: <https://learn.microsoft.com/azure/role-based-access-control/role-definitions>.

/// A role of Azure.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Role {
    /// Its name.
    pub name: String,
    /// What it permits, together.
    pub permissions: Vec<Permission>,
}

/// Actions that are permitted, without those that are excepted. `*` stands for any text.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Permission {
    /// In Azure Resource Manager.
    pub actions: Vec<String>,
    /// Excepted from these.
    pub not_actions: Vec<String>,
    /// On data.
    pub data_actions: Vec<String>,
    /// Excepted from these.
    pub not_data_actions: Vec<String>,
}

/// An action that a check asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// In Azure Resource Manager.
    Control(&'static str),
    /// On data.
    Data(&'static str),
}

impl Role {
    /// Whether the role permits an action.
    #[must_use]
    pub fn permits(&self, action: Action) -> bool {
        self.permissions.iter().any(|one| {
            let (name, granted, excepted) = match action {
                Action::Control(name) => (name, &one.actions, &one.not_actions),
                Action::Data(name) => (name, &one.data_actions, &one.not_data_actions),
            };
            let is_in = |patterns: &[String]| patterns.iter().any(|pattern| matches(pattern, name));
            is_in(granted) && !is_in(excepted)
        })
    }
}

/// Whether a pattern with `*` covers an action, in any case.
fn matches(pattern: &str, action: &str) -> bool {
    let (pattern, action) = (pattern.to_ascii_lowercase(), action.to_ascii_lowercase());
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|start| action.strip_prefix(start)) else { return false };
    let Some(end) = parts.next_back() else { return rest.is_empty() };
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_text() {
        const WRITE: &str = "Microsoft.Storage/storageAccounts/write";
        #[rustfmt::skip]
        let table = [
            (WRITE,                                         true),
            ("microsoft.storage/STORAGEACCOUNTS/write",     true),
            ("*",                                           true),
            ("Microsoft.Storage/*",                         true),
            ("Microsoft.Storage/storageAccounts/*",         true),
            ("Microsoft.Storage/*/write",                   true),
            ("*/write",                                     true),
            ("Microsoft.*/storage*/wr*",                    true),
            ("*/read",                                      false),
            ("Microsoft.Storage/storageAccounts",           false),
            ("Microsoft.Storage/storageAccounts/write/*",   false),
            ("Microsoft.Storage/storageAccounts/writer",    false),
            ("Microsoft.Compute/*",                         false),
            ("",                                            false),
        ];
        for (pattern, covers) in table {
            assert_eq!(matches(pattern, WRITE), covers, "{pattern:?}");
        }
    }

    #[test]
    fn exceptions_are_those_of_the_same_permission() {
        let list = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
        let all_but_write = Permission { actions: list(&["*"]), not_actions: list(&["*/write"]), ..Permission::default() };
        let write = Permission { actions: list(&["a/write"]), ..Permission::default() };
        let role =
            |permissions: &[&Permission]| Role { permissions: permissions.iter().copied().cloned().collect(), ..Role::default() };
        assert!(role(&[&all_but_write]).permits(Action::Control("a/read")));
        assert!(!role(&[&all_but_write]).permits(Action::Control("a/write")));
        assert!(role(&[&all_but_write, &write]).permits(Action::Control("a/write")));
        assert!(!role(&[&all_but_write]).permits(Action::Data("a/read")), "actions permit nothing on data");
    }
}
