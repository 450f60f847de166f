//! The text of a file as shells and CI systems write it: UTF-16 of Windows PowerShell, and log lines around JSON.

use serde_json::Value;

/// Decodes UTF-8, or UTF-16 that has a byte order mark; the mark itself is left out.
pub(super) fn decode(bytes: Vec<u8>) -> Result<String, String> {
    const SAVE: &str = "save it as UTF-8";
    if bytes.starts_with(b"PK\x03\x04") {
        return Err(
            "it is a ZIP archive, as a saved plan of Terraform is: use the output of terraform show -json FILE".to_owned()
        );
    }
    let utf16 = match bytes[..] {
        [0xff, 0xfe, ..] => Some(units(&bytes[2..], u16::from_le_bytes)),
        [0xfe, 0xff, ..] => Some(units(&bytes[2..], u16::from_be_bytes)),
        _ => None,
    };
    let text = match utf16 {
        Some(units) => {
            units.and_then(|units| String::from_utf16(&units).ok()).ok_or(format!("it is not valid UTF-16: {SAVE}"))?
        }
        None => String::from_utf8(bytes).map_err(|error| format!("it is not valid UTF-8 ({}): {SAVE}", error.utf8_error()))?,
    };
    if text.contains('\0') {
        return Err(format!("it has NUL bytes, as UTF-16 without a byte order mark does: {SAVE}"));
    }
    Ok(text.strip_prefix('\u{feff}').map(ToOwned::to_owned).unwrap_or(text))
}

fn units(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Option<Vec<u16>> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    rest.is_empty().then(|| pairs.iter().map(|pair| unit(*pair)).collect())
}

/// JSON among the lines of a log.
pub(super) struct Logged {
    pub(super) value: Value,
    /// How many lines are not part of it, and the first of them.
    pub(super) lines: usize,
    pub(super) first: String,
}

/// The JSON value of a text that has other lines before or after it; nothing if it has several.
pub(super) fn logged(text: &str) -> Option<Logged> {
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        if line.starts_with(['{', '['])
            && let Some((value, end)) = value_at(text, at)
        {
            let after = &text[end..];
            let others: Vec<_> = text[..at].lines().chain(after.lines()).filter(|line| !line.trim().is_empty()).collect();
            let is_only = !after.lines().any(|line| line.starts_with('{'));
            return is_only.then(|| Logged {
                value,
                lines: others.len(),
                first: others.first().map(|line| line.trim().to_owned()).unwrap_or_default(),
            });
        }
        at += line.len();
    }
    None
}

/// The mapping or list that begins here and ends its last line, and where it ends. `[2026-03-02] …` is neither.
fn value_at(text: &str, at: usize) -> Option<(Value, usize)> {
    let mut values = serde_json::Deserializer::from_str(&text[at..]).into_iter::<Value>();
    let value = values.next()?.ok()?;
    let end = at + values.byte_offset();
    let rest_of_line = text[end..].lines().next().unwrap_or_default();
    rest_of_line.trim().is_empty().then_some((value, end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_decoded_by_their_byte_order_mark() {
        let words = "{\"a\": \"Instruktører\"}\r\n";
        let wide =
            |order: fn(u16) -> [u8; 2]| "\u{feff}".chars().chain(words.chars()).map(|c| c as u16).flat_map(order).collect();
        let little: Vec<u8> = wide(u16::to_le_bytes);
        #[rustfmt::skip]
        let table = [
            ("UTF-8",               words.as_bytes().to_vec(),                    Ok(())),
            ("UTF-8 with a mark",   format!("\u{feff}{words}").into_bytes(),      Ok(())),
            ("UTF-16LE",            little.clone(),                               Ok(())),
            ("UTF-16BE",            wide(u16::to_be_bytes),                       Ok(())),
            ("UTF-16 without one",  little[2..].to_vec(),                         Err("not valid UTF-8")),
            ("half a letter",       little[..little.len() - 1].to_vec(),          Err("not valid UTF-16")),
            ("ASCII in UTF-16",     b"{\0}\0".to_vec(),                           Err("without a byte order mark")),
            ("Latin-1",             b"\xf8".to_vec(),                             Err("not valid UTF-8")),
            ("a saved plan",        b"PK\x03\x04tfplan".to_vec(),                 Err("terraform show -json FILE")),
        ];
        for (case, bytes, wanted) in table {
            match (decode(bytes), wanted) {
                (Ok(text), Ok(())) => assert_eq!(text, words, "{case}"),
                (Err(why), Err(wanted)) => assert!(why.contains(wanted), "{case}: {why}"),
                (text, _) => panic!("{case}: {text:?}"),
            }
        }
    }

    #[test]
    fn json_is_found_among_log_lines() {
        #[rustfmt::skip]
        let table = [
            ("a line before it",       "WARNING: preview\n{\"a\": 1}\n",                        Some((1, "WARNING: preview"))),
            ("CRLF",                   "Loading\r\n\r\n{\r\n\"a\": 1\r\n}\r\n",               Some((1, "Loading"))),
            ("brackets before it",     "[command]/bin/terraform\n[1] done\n{\"a\": 1}",        Some((2, "[command]/bin/terraform"))),
            ("lines after it, too",    "a\n{\"a\": 1}\n::debug::x\n",                           Some((2, "a"))),
            ("a list",                 "a\n[{\"a\": 1}]\n",                                     Some((1, "a"))),
            ("two of them",            "a\n{\"a\": 1}\n{\"b\": 1}\n",                           None),
            ("cut short",              "a\n{\"a\": \n",                                         None),
            ("no JSON",                "a\nb\n",                                                None),
        ];
        for (case, text, wanted) in table {
            let found = logged(text);
            assert_eq!(found.as_ref().map(|one| (one.lines, one.first.as_str())), wanted, "{case}");
        }
    }
}
