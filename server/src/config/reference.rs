//! The JSON Schema of the file, and the reference for people that is made from it: `docs/configuration.md`.

use std::fmt::Write;

use schemars::Schema;
use schemars::generate::SchemaSettings;
use serde_json::Value;

use super::file::File;

/// The JSON Schema of `prescale.toml`, without references: whoever reads it needs to follow none.
#[must_use]
pub fn schema() -> Schema {
    SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true).into_generator().into_root_schema_for::<File>()
}

/// The schema as `prescale schema config` prints it.
#[must_use]
pub fn schema_text() -> String {
    // The schema is plain data with texts as keys, which always serialises.
    serde_json::to_string_pretty(&schema()).unwrap_or_default() + "\n"
}

const HEAD: &str = "\
# Configuration

<!-- Made from the types in server/src/config/file; a test says how when this is out of date. -->

Everything that `prescale serve` and `prescale check` read is in one TOML file. [deploy/prescale.toml](../deploy/prescale.toml) is one to
begin with, and [getting started](getting-started.md) goes through it. `prescale check --config prescale.toml` says
everything that is wrong with a file in one run, prints what is in force with every default, and tries the data folder, the ports and the
connections. `prescale schema config` prints the JSON Schema, with which editors complete and check.

- **Durations** are a number with a unit: `500ms`, `90s`, `15m`, `24h`, `7d`.
- **Secrets** aren't written in the file: a `*_file` names the file that holds one, and `${NAME}` an environment variable. They are shown as
  `***` wherever the configuration is shown.
- **A rotated secret** (or `ca_file`) is in force within two seconds of its file's change; an environment variable is read at the start only.
- **Relative paths** of secrets are relative to the folder of the file; `server.data_dir` is relative to where prescale runs.
- **A changed file takes effect while it runs**: within two seconds, or at once on SIGHUP. It is checked whole and taken over whole. If
  anything in it is wrong, the old one stays in force, the log has the reasons, and the check `configuration` on `/readyz` says so. What
  changed is logged and journalled, key by key. `[server]`, `[log]`, `prometheus.step`, and a running proxy's keys but `backends` take effect at
  the next start only: a file that changes them is refused until then.
- **Replicas are never changed by a changed file** itself, only by the decisions that follow. A service that is taken out is left as it is.
";

/// The reference in Markdown.
#[must_use]
pub fn markdown() -> String {
    let mut out = HEAD.to_owned();
    section(&mut out, "", schema().as_value());
    out
}

/// A table of the file, then the tables in it.
fn section(out: &mut String, path: &str, schema: &Value) {
    let mut rows = String::new();
    let mut below = Vec::new();
    let required: Vec<&str> = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    for (key, of_key) in schema["properties"].as_object().into_iter().flatten() {
        let description = text(&of_key["description"]);
        let inner = innermost(of_key);
        if key == "kind" && inner["const"].is_string() {
            continue;
        }
        let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        let variants = variants(inner);
        if !variants.is_empty() {
            below.extend(variants.into_iter().map(|(kind, one)| (format!("{path}` with `kind = \"{kind}\""), path.clone(), one)));
            continue;
        }
        let table = if inner["type"] == "array" { innermost(&inner["items"]) } else { inner };
        if table["properties"].is_object() {
            below.push((path.clone(), path, table));
            continue;
        }
        let default = match (required.contains(&key.as_str()), &of_key["default"]) {
            (true, _) => "**required**".to_owned(),
            (false, Value::Null) => "absent".to_owned(),
            (false, Value::String(text)) => format!("`\"{text}\"`"),
            (false, value) => format!("`{value}`"),
        };
        // Writing into a String can't fail.
        let _ = writeln!(rows, "| `{key}` | {} | {default} | {description} |", allowed(of_key));
    }
    if !rows.is_empty() {
        let _ = writeln!(out, "\n| key | value | default | meaning |\n| --- | --- | --- | --- |\n{}", rows.trim_end());
    }
    for (title, path, table) in below {
        let brackets =
            if ["services", "services.events", "services.proxy.traffic.rules", "services.proxy.traffic.splits"].contains(&path.as_str()) {
                ("[[", "]]")
            } else {
                ("[", "]")
            };
        let title = title.replacen(&path, &format!("{}{path}{}", brackets.0, brackets.1), 1);
        let _ = writeln!(out, "\n## `{title}`\n\n{}", text(&table["description"]));
        section(out, &path, table);
    }
}

/// Without the `null` that stands for an absent key.
fn innermost(schema: &Value) -> &Value {
    let some = schema["anyOf"].as_array().and_then(|all| {
        let mut some = all.iter().filter(|one| one["type"] != "null");
        some.next().filter(|_| some.next().is_none())
    });
    some.unwrap_or(schema)
}

/// The tables that `kind` tells apart.
fn variants(schema: &Value) -> Vec<(&str, &Value)> {
    let all = schema["oneOf"].as_array().into_iter().flatten();
    all.filter_map(|one| Some((one["properties"]["kind"]["const"].as_str()?, one))).collect()
}

/// What a value may be.
fn allowed(schema: &Value) -> String {
    let schema = innermost(schema);
    if let Some(words) = schema["enum"].as_array() {
        let words: Vec<String> = words.iter().filter_map(Value::as_str).map(|word| format!("`{word}`")).collect();
        return words.join(", ");
    }
    if let Some(words) = schema["oneOf"].as_array().filter(|all| all.iter().all(|one| one["const"].is_string())) {
        let word = |one: &Value| format!("`{}`: {}", text(&one["const"]), text(&one["description"]).trim_end_matches('.'));
        return words.iter().map(word).collect::<Vec<_>>().join("; ");
    }
    if schema["type"] == "array" && schema["items"]["type"] == "string" {
        return "list of texts".into();
    }
    if schema["type"] == "array" {
        return "list of addresses, or of tables `{ address = …, weight = 0 to 65535 }` with the weight 100 by default".into();
    }
    let listed = schema["type"].as_array().and_then(|types| types.iter().filter_map(Value::as_str).find(|kind| *kind != "null"));
    let kind = schema["x-kind"].as_str().or(schema["type"].as_str()).or(listed).unwrap_or("value");
    let kind = match kind {
        "string" => "text",
        "integer" => "whole number",
        "boolean" => "`true`, `false`",
        other => other,
    };
    match (&schema["minimum"], &schema["maximum"]) {
        (Value::Number(least), Value::Number(most)) => format!("{kind}, {least} to {most}"),
        _ => kind.to_owned(),
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().replace('\n', " ").replace('|', "\\|")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reference_is_up_to_date() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/configuration.md");
        let made = markdown();
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            std::fs::write(path, &made).unwrap();
        }
        assert!(
            std::fs::read_to_string(path).unwrap_or_default() == made,
            "docs/configuration.md is out of date; refresh it: UPDATE_EXPECT=1 cargo test -p server --lib config::"
        );
    }

    #[test]
    fn every_key_is_explained() {
        fn look(schema: &Value, path: &str) {
            for (key, of_key) in schema["properties"].as_object().into_iter().flatten() {
                let path = format!("{path}.{key}");
                let inner = innermost(of_key);
                let told = of_key["description"].is_string() || inner["description"].is_string() || inner["const"].is_string();
                assert!(told, "{path} has no description: {of_key}");
                look(inner, &path);
                look(&inner["items"], &path);
                variants(inner).iter().for_each(|(_, one)| look(one, &path));
            }
        }
        look(schema().as_value(), "");
    }
}
