//! From the path of a key, like `pools[0].service_time.scv`, to its line in the file.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::ScenarioError;

/// Adds the line of the key, or of the innermost table on the way to it that exists.
pub(super) fn locate(error: ScenarioError, text: &str) -> ScenarioError {
    let line = DeTable::parse(text).ok().and_then(|root| offset(root.get_ref(), &error.key)).map(|at| line_of(text, at));
    ScenarioError { line: error.line.or(line), ..error }
}

fn line_of(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1
}

fn offset(root: &DeTable<'_>, path: &str) -> Option<usize> {
    let mut table = Some(root);
    let mut found = None;
    for part in path.split('.') {
        let (name, place) = match part.split_once('[') {
            Some((name, rest)) => (name, rest.strip_suffix(']').and_then(|place| place.parse::<usize>().ok())),
            None => (part, None),
        };
        let Some((key, value)) = table.and_then(|table| table.iter().find(|(key, _)| key.get_ref().as_ref() == name)) else { break };
        found = Some(key.span().start);
        let mut value: &Spanned<DeValue<'_>> = value;
        if let (Some(place), DeValue::Array(array)) = (place, value.get_ref()) {
            let Some(item) = array.get(place) else { break };
            found = Some(item.span().start);
            value = item;
        }
        table = if let DeValue::Table(inner) = value.get_ref() { Some(inner) } else { None };
    }
    found
}
