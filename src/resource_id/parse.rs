//! The one parser of all IDs.

/// A text that is not the ID it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not the ID of a {wanted}: expected {pattern}")]
pub struct NotAnId {
    pub(super) text: String,
    pub(super) wanted: &'static str,
    pub(super) pattern: &'static str,
}

/// The parts of `/subscriptions/{}/resourceGroups/{}/providers/{namespace}/{type}/{name}…`.
///
/// `pattern` has `{}` in place of a name; every other segment must be equal
/// without regard to case.
pub(super) fn names<'a, const N: usize>(text: &'a str, pattern: &str) -> Option<[&'a str; N]> {
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
pub(super) const RESOURCE_GROUP: usize = 1;

/// Characters that can end a path segment or escape from it are refused.
fn is_name(segment: &str, is_resource_group: bool) -> bool {
    let is_alphanumeric =
        |letter: char| if is_resource_group { letter.is_alphanumeric() } else { letter.is_ascii_alphanumeric() };
    !segment.is_empty()
        && segment != "."
        && segment != ".."
        && segment.chars().all(|letter| is_alphanumeric(letter) || "-_.()".contains(letter))
}
