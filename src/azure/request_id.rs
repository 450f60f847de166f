//! The IDs that the client gives its requests (`x-ms-client-request-id`). Azure's Activity Log shows them.
//!
//! Those of a client with a mark can be told from all others without a record of them, also after a restart and with another
//! identity: the second half of the ID is derived from the first half and the mark.

use uuid::Uuid;

/// Half the bytes of an ID.
const HALF: usize = 8;

/// A new ID: a random one, or one with this mark.
pub(super) fn new(mark: Option<&str>) -> Uuid {
    let random = Uuid::new_v4();
    mark.map_or(random, |mark| marked(random, mark))
}

/// Whether an ID was made with this mark.
pub(super) fn has_mark(id: &str, mark: &str) -> bool {
    Uuid::parse_str(id).is_ok_and(|id| marked(id, mark) == id)
}

/// The first half of the ID, followed by what is derived from it. Both halves are those of UUIDs, so that the whole is one.
fn marked(id: Uuid, mark: &str) -> Uuid {
    let mut bytes = id.into_bytes();
    let derived = Uuid::new_v5(&Uuid::NAMESPACE_OID, &[&bytes[..HALF], mark.as_bytes()].concat());
    bytes[HALF..].copy_from_slice(&derived.as_bytes()[HALF..]);
    Uuid::from_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_ids_with_a_mark_are_recognized_by_it() {
        let (one, two, none) = (new(Some("one")), new(Some("one")), new(None));
        assert_ne!(one, two);
        assert_eq!((one.get_version_num(), one.get_variant()), (4, uuid::Variant::RFC4122));
        let upper = one.to_string().to_ascii_uppercase();
        #[rustfmt::skip]
        let table = [
            (one.to_string(),  "one",   true),
            (two.to_string(),  "one",   true),
            (upper,            "one",   true),
            (one.to_string(),  "other", false),
            (none.to_string(), "one",   false),
            (String::new(),    "one",   false),
        ];
        for (id, mark, expected) in table {
            assert_eq!(has_mark(&id, mark), expected, "{id} {mark}");
        }
    }
}
