//! Pieces of TOML.

/// A text as TOML writes it.
pub fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// A duration in the largest unit that needs no fraction, as scenario and configuration both read it.
pub fn span(ms: u64) -> String {
    if ms.is_multiple_of(1_000) { format!("\"{}s\"", ms / 1_000) } else { format!("\"{ms}ms\"") }
}

/// A name that a service may have: letters, digits, `-`, `_` and `.`.
pub fn service_name(text: &str) -> String {
    let name: String =
        text.chars().map(|letter| if letter.is_ascii_alphanumeric() || "-_.".contains(letter) { letter } else { '-' }).take(253).collect();
    if name.is_empty() { "service".to_owned() } else { name }
}
