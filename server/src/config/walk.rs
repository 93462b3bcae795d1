//! Checks a document against the JSON Schema of the file's types: unknown keys, missing ones, and values of the wrong kind or out of range.
//! All of them are found, not only the first, which is why this isn't left to serde. What one key alone can't tell is checked afterwards.

use serde_json::{Map, Value};
use toml::de::{DeTable, DeValue};

use super::problem::{KeyPath, Problem};
use super::value::check_kind;

/// Everything that is wrong with `value`, which is at `path`.
pub fn walk(schema: &Value, value: &DeValue<'_>, path: &KeyPath, out: &mut Vec<Problem>) {
    if let Some(choices) = choices(schema) {
        return choose(&choices, value, path, out);
    }
    let wrong = |allowed: &str| Problem { unreadable: true, ..Problem::value(path.clone(), show(value), allowed) };
    match (kind(schema), value) {
        ("object", DeValue::Table(table)) => walk_table(schema, table, path, out),
        ("array", DeValue::Array(list)) => {
            if list.len() < schema["minItems"].as_u64().unwrap_or(0) as usize {
                out.push(wrong("at least one"));
            }
            for (at, element) in list.iter().enumerate() {
                walk(&schema["items"], element.get_ref(), &path.at(at), out);
            }
        }
        ("string", DeValue::String(text)) => {
            if let Err(allowed) = check_text(schema, text) {
                out.push(wrong(&allowed));
            }
        }
        ("integer", DeValue::Integer(_)) | ("number", DeValue::Integer(_) | DeValue::Float(_)) => {
            if let Err(allowed) = check_number(schema, value) {
                // Out of range and still a number: the rest of its section can be read all the same.
                out.push(Problem::value(path.clone(), show(value), allowed));
            }
        }
        ("boolean", DeValue::Boolean(_)) | ("any", _) => {}
        (wanted, _) => {
            let allowed = match wanted {
                "object" => "a table".to_owned(),
                "array" => "a list".to_owned(),
                "integer" | "number" => check_number(schema, value).err().unwrap_or_else(|| "a number".into()),
                "boolean" => "true or false".to_owned(),
                _ => check_text(schema, "").err().unwrap_or_else(|| "a text in quotes".into()),
            };
            out.push(wrong(&allowed));
        }
    }
}

fn walk_table(schema: &Value, table: &DeTable<'_>, path: &KeyPath, out: &mut Vec<Problem>) {
    let none = Map::new();
    let known = schema["properties"].as_object().unwrap_or(&none);
    for (key, value) in table {
        let below = path.key_of(key.get_ref());
        match known.get(key.get_ref().as_ref()) {
            Some(schema) => walk(schema, value.get_ref(), &below, out),
            None => out.push(Problem::unknown(below, hint(key.get_ref(), known.keys().map(String::as_str)))),
        }
    }
    for key in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if !table.contains_key(key) {
            let wanted = known.get(key).and_then(|schema| schema["description"].as_str()).map_or("it is needed", first_sentence);
            out.push(Problem { unreadable: true, ..Problem::missing(path.key_of(key), wanted) });
        }
    }
}

/// The alternatives of a schema, without `null`: TOML has none, an optional key is left out.
fn choices(schema: &Value) -> Option<Vec<&Value>> {
    let all = schema["oneOf"].as_array().or_else(|| schema["anyOf"].as_array())?;
    Some(all.iter().filter(|one| one["type"] != "null").collect())
}

fn choose(choices: &[&Value], value: &DeValue<'_>, path: &KeyPath, out: &mut Vec<Problem>) {
    if let [only] = choices {
        return walk(only, value, path, out);
    }
    let wrong = |path: KeyPath, allowed: String| Problem { unreadable: true, ..Problem::value(path, show(value), allowed) };
    // Fixed words, each with a description of its own.
    let words: Vec<&str> = choices.iter().filter_map(|one| one["const"].as_str()).collect();
    if words.len() == choices.len() {
        if !value.as_str().is_some_and(|text| words.contains(&text)) {
            out.push(wrong(path.clone(), one_of(&words)));
        }
        return;
    }
    // Tables that `kind` tells apart.
    let kinds: Vec<&str> = choices.iter().filter_map(|one| one["properties"]["kind"]["const"].as_str()).collect();
    if kinds.len() == choices.len() {
        let Some(table) = value.as_table() else {
            return out.push(wrong(path.clone(), "a table".into()));
        };
        let Some(kind) = table.get("kind") else {
            return out.push(Problem { unreadable: true, ..Problem::missing(path.key("kind"), one_of(&kinds)) });
        };
        return match choices.iter().find(|one| one["properties"]["kind"]["const"].as_str() == kind.get_ref().as_str()) {
            Some(chosen) => walk_table(chosen, table, path, out),
            None => {
                let problem = Problem::value(path.key("kind"), show(kind.get_ref()), one_of(&kinds));
                out.push(Problem { unreadable: true, ..problem });
            }
        };
    }
    // A text, or a table that says more.
    let wanted = if value.is_table() { "object" } else { "string" };
    match choices.iter().find(|one| kind(one) == wanted) {
        Some(chosen) => walk(chosen, value, path, out),
        None => out.push(wrong(path.clone(), "another kind of value".into())),
    }
}

/// The type that a schema asks for; an optional one is listed beside `null`.
fn kind(schema: &Value) -> &str {
    let listed = schema["type"].as_array().and_then(|types| types.iter().filter_map(Value::as_str).find(|kind| *kind != "null"));
    schema["type"].as_str().or(listed).unwrap_or("any")
}

fn check_text(schema: &Value, text: &str) -> Result<(), String> {
    if let Some(words) = schema["enum"].as_array() {
        let words: Vec<&str> = words.iter().filter_map(Value::as_str).collect();
        return if words.contains(&text) { Ok(()) } else { Err(one_of(&words)) };
    }
    check_kind(schema["x-kind"].as_str().unwrap_or_default(), text)?;
    let length = text.chars().count() as u64;
    match (schema["minLength"].as_u64().unwrap_or(0), schema["maxLength"].as_u64()) {
        (least, Some(most)) if length < least || length > most => Err(format!("{least} to {most} characters")),
        (least, None) if length < least => Err("a text that isn't empty".into()),
        _ => Ok(()),
    }
}

fn check_number(schema: &Value, value: &DeValue<'_>) -> Result<(), String> {
    let (least, most) = (schema["minimum"].as_f64(), schema["maximum"].as_f64());
    let whole = if kind(schema) == "integer" { "a whole number" } else { "a number" };
    let allowed = match (least, most) {
        (Some(least), Some(most)) => format!("{whole} from {least} to {most}"),
        (Some(least), None) => format!("{whole} from {least} on"),
        _ => whole.to_owned(),
    };
    let number = match value {
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix()).ok().map(|number| number as f64),
        DeValue::Float(number) => number.as_str().parse::<f64>().ok(),
        _ => None,
    };
    let fits = number.is_some_and(|number| number >= least.unwrap_or(f64::MIN) && number <= most.unwrap_or(f64::MAX));
    if fits { Ok(()) } else { Err(allowed) }
}

/// A value as it is shown in an error: what is long, or might hold a secret behind a wrong key, isn't repeated.
fn show(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) if text.chars().count() <= 80 => format!("{text:?}"),
        DeValue::String(_) => "a long text".into(),
        DeValue::Integer(number) => number.to_string(),
        DeValue::Float(number) => number.to_string(),
        DeValue::Boolean(flag) => flag.to_string(),
        other => format!("({})", other.type_str()),
    }
}

fn one_of(words: &[&str]) -> String {
    format!("one of {}", words.join(", "))
}

/// The known key that was probably meant, else all of them.
fn hint<'a>(key: &str, known: impl Iterator<Item = &'a str>) -> String {
    let known: Vec<&str> = known.collect();
    let likeness = |known: &&str| strsim::jaro_winkler(key, known);
    match known.iter().copied().max_by(|left, right| likeness(left).total_cmp(&likeness(right))) {
        Some(nearest) if likeness(&nearest) > 0.8 => format!("did you mean {nearest}?"),
        _ => format!("known are {}", known.join(", ")),
    }
}

fn first_sentence(text: &str) -> &str {
    let end = text.find(". ").or_else(|| text.find(".\n")).unwrap_or(text.len());
    text[..end].trim_end_matches('.')
}
