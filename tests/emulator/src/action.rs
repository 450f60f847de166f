//! Actions of Azure's roles, and patterns of them.

/// Whether the pattern, in which `*` matches anything, matches the action. ARM ignores their case (DOC).
pub(crate) fn covers(pattern: &str, action: &str) -> bool {
    matches(&pattern.to_ascii_lowercase(), &action.to_ascii_lowercase())
}

fn matches(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((head, tail)) => text
            .strip_prefix(head)
            .is_some_and(|rest| (0..=rest.len()).any(|at| rest.get(at..).is_some_and(|end| matches(tail, end)))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actions_have_wildcards_anywhere() {
        let read = "Microsoft.MachineLearningServices/workspaces/computes/read";
        for (pattern, expected) in [
            ("*", true),
            ("*/read", true),
            ("microsoft.machinelearningservices/*", true),
            ("Microsoft.MachineLearningServices/workspaces/*/write", false),
            ("Microsoft.MachineLearningServices/workspaces/read", false),
        ] {
            assert_eq!(covers(pattern, read), expected, "{pattern}");
        }
    }
}
