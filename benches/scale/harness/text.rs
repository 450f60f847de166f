//! Figures as text.

/// A figure with thousands separators: three digits, or all of a larger or whole number.
pub fn figure(value: f64) -> String {
    let decimals = match value.abs() {
        _ if (value - value.round()).abs() < 1e-9 => 0,
        size if size < 10.0 => 2,
        size if size < 100.0 => 1,
        _ => 0,
    };
    let text = format!("{value:.decimals$}");
    let (sign, text) = text.strip_prefix('-').map_or(("", text.as_str()), |rest| ("-", rest));
    let (whole, rest) = text.find('.').map_or((text, ""), |at| text.split_at(at));
    format!("{sign}{}{rest}", thousands(whole))
}

fn thousands(digits: &str) -> String {
    let is_separated = |at: usize| at > 0 && (digits.len() - at).is_multiple_of(3);
    digits.char_indices().flat_map(|(at, digit)| is_separated(at).then_some(',').into_iter().chain([digit])).collect()
}

/// A number of things, with thousands separators.
pub fn count(number: usize) -> String {
    thousands(&number.to_string())
}

/// One row of a Markdown table.
pub fn line(cells: &[String]) -> String {
    format!("| {} |\n", cells.join(" | "))
}

/// The head of a Markdown table.
pub fn head(names: &[String]) -> String {
    line(names) + &line(&names.iter().map(|_| "---".to_owned()).collect::<Vec<_>>())
}
