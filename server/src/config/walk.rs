//! Checks a document against the JSON Schema of the file's types: unknown keys, missing ones, and values of the wrong kind or out of range.
//! All of them are found, not only the first, which is why this isn't left to serde. What one key alone can't tell is checked afterwards.
//!
//! **One bad value hides nothing else.** The walk gives back what can be used: a value that can't is left out where the key may be absent, and
//! replaced by any value of the right kind where it must be there. So everything else of its table is read and checked as well. Whatever
//! such a stand-in would lead to isn't told: a problem says which other keys it follows from ([`Problem::because`]).

use serde_json::{Map, Value};
use toml::de::{DeTable, DeValue};

use super::problem::{KeyPath, Problem};
use super::value::check_kind;

/// Finds everything that is wrong with `value`, which is at `path`; `None` if nothing of it can be used.
pub fn walk(schema: &Value, value: &DeValue<'_>, path: &KeyPath, out: &mut Vec<Problem>) -> Option<toml::Value> {
    if let Some(choices) = choices(schema) {
        return choose(&choices, value, path, out);
    }
    let mut wrong = |allowed: &str| {
        out.push(Problem::value(path.clone(), show(value), allowed).not_to_be_used());
        None
    };
    match (kind(schema), value) {
        ("object", DeValue::Table(table)) => return Some(walk_table(schema, table, path, out)),
        ("array", DeValue::Array(list)) => {
            if list.len() < schema["minItems"].as_u64().unwrap_or(0) as usize {
                wrong("at least one");
            }
            let below = list.iter().enumerate();
            let used = below
                .map(|(at, one)| walk(&schema["items"], one.get_ref(), &path.at(at), out).unwrap_or_else(|| stand_in(&schema["items"])));
            return Some(toml::Value::Array(used.collect()));
        }
        ("string", DeValue::String(text)) => match check_text(schema, text) {
            Ok(()) => {}
            Err(allowed) => return wrong(&allowed),
        },
        ("integer", DeValue::Integer(_)) | ("number", DeValue::Integer(_) | DeValue::Float(_)) => {
            if let Err(allowed) = check_number(schema, value) {
                return wrong(&allowed);
            }
        }
        ("boolean", DeValue::Boolean(_)) => {}
        ("any", _) => return whole(value),
        (wanted, _) => {
            let allowed = match wanted {
                "object" => "a table".to_owned(),
                "array" => "a list".to_owned(),
                "integer" | "number" => check_number(schema, value).err().unwrap_or_else(|| "a number".into()),
                "boolean" => "true or false".to_owned(),
                _ => check_text(schema, "").err().unwrap_or_else(|| "a text in quotes".into()),
            };
            return wrong(&allowed);
        }
    }
    scalar(value)
}

fn walk_table(schema: &Value, table: &DeTable<'_>, path: &KeyPath, out: &mut Vec<Problem>) -> toml::Value {
    let none = Map::new();
    let known = schema["properties"].as_object().unwrap_or(&none);
    let mut used = toml::Table::new();
    for (key, value) in table {
        let below = path.key_of(key.get_ref());
        match known.get(key.get_ref().as_ref()) {
            Some(schema) => used.extend(walk(schema, value.get_ref(), &below, out).map(|value| (key.get_ref().to_string(), value))),
            // A map, whose keys aren't fixed.
            None if schema["additionalProperties"].is_object() || schema["additionalProperties"] == true => {
                let value = walk(&schema["additionalProperties"], value.get_ref(), &below, out);
                used.extend(value.map(|value| (key.get_ref().to_string(), value)));
            }
            None => out.push(Problem::unknown(below, hint(key.get_ref(), known.keys().map(String::as_str)))),
        }
    }
    for key in required(schema) {
        if !table.contains_key(key) {
            let wanted = known.get(key).and_then(|schema| schema["description"].as_str()).map_or("it is needed", first_sentence);
            out.push(Problem::missing(path.key_of(key), wanted).not_to_be_used());
        }
        used.entry(key).or_insert_with(|| stand_in(&schema["properties"][key]));
    }
    toml::Value::Table(used)
}

fn required(schema: &Value) -> impl Iterator<Item = &str> {
    schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str)
}

/// Any value that the schema allows.
fn stand_in(schema: &Value) -> toml::Value {
    if let Some(first) = choices(schema).as_deref().and_then(<[_]>::first) {
        return stand_in(first);
    }
    let text = |text: &str| toml::Value::String(text.to_owned());
    if let Some(word) = schema["const"].as_str().or_else(|| schema["enum"][0].as_str()) {
        return text(word);
    }
    match (kind(schema), schema["x-kind"].as_str()) {
        ("object", _) => {
            let keys = required(schema).map(|key| (key.to_owned(), stand_in(&schema["properties"][key])));
            toml::Value::Table(keys.collect())
        }
        ("array", _) => toml::Value::Array(Vec::new()),
        ("integer", _) => toml::Value::Integer(schema["minimum"].as_i64().unwrap_or(0)),
        ("number", _) => toml::Value::Float(schema["minimum"].as_f64().unwrap_or(0.0)),
        ("boolean", _) => toml::Value::Boolean(false),
        (_, Some("duration")) => text("1m"),
        (_, Some("address")) => text("127.0.0.1:0"),
        _ => text("unreadable"),
    }
}

/// A value that has passed; a date has no place in the file.
fn scalar(value: &DeValue<'_>) -> Option<toml::Value> {
    Some(match value {
        DeValue::String(text) => toml::Value::String(text.to_string()),
        DeValue::Integer(number) => toml::Value::Integer(i64::from_str_radix(number.as_str(), number.radix()).ok()?),
        DeValue::Float(number) => toml::Value::Float(number.as_str().parse().ok()?),
        DeValue::Boolean(flag) => toml::Value::Boolean(*flag),
        _ => return None,
    })
}

/// Whatever it is.
fn whole(value: &DeValue<'_>) -> Option<toml::Value> {
    match value {
        DeValue::Table(table) => {
            let below = table.iter().map(|(key, value)| Some((key.get_ref().to_string(), whole(value.get_ref())?)));
            below.collect::<Option<toml::Table>>().map(toml::Value::Table)
        }
        DeValue::Array(list) => list.iter().map(|value| whole(value.get_ref())).collect::<Option<_>>().map(toml::Value::Array),
        DeValue::Datetime(time) => Some(toml::Value::Datetime(*time)),
        other => scalar(other),
    }
}

/// The alternatives of a schema, without `null`: TOML has none, an optional key is left out.
fn choices(schema: &Value) -> Option<Vec<&Value>> {
    let all = schema["oneOf"].as_array().or_else(|| schema["anyOf"].as_array())?;
    Some(all.iter().filter(|one| one["type"] != "null").collect())
}

fn choose(choices: &[&Value], value: &DeValue<'_>, path: &KeyPath, out: &mut Vec<Problem>) -> Option<toml::Value> {
    if let [only] = choices {
        return walk(only, value, path, out);
    }
    let mut wrong = |problem: Problem| {
        out.push(problem.not_to_be_used());
        None
    };
    // Fixed words, each with a description of its own.
    let words: Vec<&str> = choices.iter().filter_map(|one| one["const"].as_str()).collect();
    if words.len() == choices.len() {
        return match value.as_str() {
            Some(text) if words.contains(&text) => scalar(value),
            _ => wrong(Problem::value(path.clone(), show(value), one_of(&words))),
        };
    }
    // Tables that `kind` tells apart.
    let kinds: Vec<&str> = choices.iter().filter_map(|one| one["properties"]["kind"]["const"].as_str()).collect();
    if kinds.len() == choices.len() {
        let Some(table) = value.as_table() else {
            return wrong(Problem::value(path.clone(), show(value), "a table"));
        };
        let Some(kind) = table.get("kind") else {
            return wrong(Problem::missing(path.key("kind"), one_of(&kinds)));
        };
        return match choices.iter().find(|one| one["properties"]["kind"]["const"].as_str() == kind.get_ref().as_str()) {
            Some(chosen) => Some(walk_table(chosen, table, path, out)),
            None => wrong(Problem::value(path.key("kind"), show(kind.get_ref()), one_of(&kinds))),
        };
    }
    // A text, or a table or a list that says more.
    let wanted = match value {
        DeValue::Table(_) => "object",
        DeValue::Array(_) => "array",
        _ => "string",
    };
    match choices.iter().find(|one| kind(one) == wanted) {
        Some(chosen) => walk(chosen, value, path, out),
        None => wrong(Problem::value(path.clone(), show(value), "another kind of value")),
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
