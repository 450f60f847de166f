//! Texts: names, GUIDs, links, tokens, addresses.

/// Names shorter than this are replaced as whole words only: elsewhere they are parts of ordinary words.
const SHORT: usize = 6;

/// The query of a link, without the parameters that sign it.
pub(super) fn without_query(text: &str) -> String {
    let is_link = text.starts_with("https://") && !text.contains(char::is_whitespace);
    let Some((path, query)) = text.split_once('?').filter(|_| is_link) else {
        return text.to_owned();
    };
    let shown = query.split('&').map(|parameter| {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        let plain = matches!(
            name.to_ascii_lowercase().as_str(),
            "api-version" | "service" | "underlyingresourceaction" | "scope" | "principalid" | "roleid"
        );
        let number = value.len() < 10 && value.bytes().all(|b| b.is_ascii_digit());
        format!("{name}={}", if plain || number { value } else { "REDACTED" })
    });
    format!("{path}?{}", shown.collect::<Vec<_>>().join("&"))
}

/// Every occurrence of a name in any case. A short one has to be a whole word.
pub(super) fn replaced(text: &str, name: &str, placeholder: &str) -> String {
    let folded = text.to_ascii_lowercase();
    let mut done = String::with_capacity(text.len());
    let mut from = 0;
    for (at, _) in folded.match_indices(name) {
        let (before, after) = (folded[..at].chars().last(), folded[at + name.len()..].chars().next());
        let within = [before, after].into_iter().flatten().any(char::is_alphanumeric);
        if name.len() >= SHORT || !within {
            done.push_str(&text[from..at]);
            done.push_str(placeholder);
            from = at + name.len();
        }
    }
    done.push_str(&text[from..]);
    done
}

pub(super) fn is_guid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, b)| if matches!(at, 8 | 13 | 18 | 23) { b == b'-' } else { b.is_ascii_hexdigit() })
}

/// The text in pieces: a GUID is one.
pub(super) fn split_guids(text: &str) -> Vec<&str> {
    let (mut parts, mut from, mut at) = (Vec::new(), 0, 0);
    while at < text.len() {
        if text.get(at..at + 36).is_some_and(is_guid) {
            parts.extend([&text[from..at], &text[at..at + 36]]);
            at += 36;
            from = at;
        } else {
            at += 1;
        }
    }
    parts.push(&text[from..]);
    parts
}

pub(super) fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-._@+".contains(c)
}

/// A word with the character that ends it: an address, a token, a long number.
pub(super) fn word(text: &str) -> String {
    let body = text.trim_end_matches(|c: char| !is_word(c));
    let ending = &text[body.len()..];
    let bare = body.trim_matches('.');
    let is_address = bare.split_once('@').is_some_and(|(user, host)| !user.is_empty() && host.contains('.'));
    let is_ip = bare.split('.').count() == 4 && bare.split('.').all(|part| part.parse::<u8>().is_ok());
    let is_hex = bare.len() >= 32 && !bare.starts_with("00000000-") && bare.bytes().all(|b| b.is_ascii_hexdigit());
    if is_address {
        format!("user@example.com{ending}")
    } else if is_ip {
        format!("0.0.0.0{ending}")
    } else if is_hex || (bare.starts_with("eyJ") && bare.len() > 40) {
        format!("REDACTED{ending}")
    } else {
        text.to_owned()
    }
}
