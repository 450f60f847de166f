//! Names of Kubernetes objects. The API server refuses others, but what is stored may be older than its rules, and a name becomes
//! part of a path.

/// Whether an object could have this name: a DNS subdomain.
///
/// Source: <https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#dns-subdomain-names>.
#[must_use]
pub fn is_subdomain(name: &str) -> bool {
    let is_end = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    name.len() <= 253
        && name.split('.').map(str::as_bytes).all(|part| {
            is_end(part.first())
                && is_end(part.last())
                && part.iter().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == b'-')
        })
}
