//! The kinds of values in the file that are more than a number or a text. Each says in its schema what it is (`x-kind`), so that one walk
//! over the document finds everything that is wrong, and not only the first.

use std::borrow::Cow;
use std::fmt;

use balancer::Algorithm;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use crate::cli::parse_duration;

/// A duration in whole milliseconds, written as `90s`, `15m`, `24h` or `7d`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Span(pub i64);

impl Span {
    /// So many seconds.
    #[must_use]
    pub const fn seconds(seconds: i64) -> Self {
        Self(seconds * 1_000)
    }

    /// In milliseconds.
    #[must_use]
    pub fn ms(self) -> i64 {
        self.0
    }

    /// For timers of the wall.
    #[must_use]
    pub fn duration(self) -> std::time::Duration {
        std::time::Duration::from_millis(self.0.unsigned_abs())
    }
}

impl TryFrom<String> for Span {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        // Nothing is a duration too: no cool-down, no ramp.
        if ["0", "0s", "0ms", "0m", "0h"].contains(&text.as_str()) { Ok(Self(0)) } else { parse_duration(&text).map(Self) }
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let units = [(86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1_000, "s")];
        let (size, unit) = units.into_iter().find(|(size, _)| self.0 != 0 && self.0 % size == 0).unwrap_or((1, "ms"));
        if self.0 == 0 { f.write_str("0s") } else { write!(f, "{}{unit}", self.0 / size) }
    }
}

impl From<Span> for String {
    fn from(span: Span) -> String {
        span.to_string()
    }
}

impl JsonSchema for Span {
    fn schema_name() -> Cow<'static, str> {
        "Duration".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^[0-9.]+(ms|s|m|h|d)$", "x-kind": "duration" })
    }
}

/// A text in which `${NAME}` stands for the environment variable NAME. It is shown as it is written: the variable may hold what is secret.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct EnvText {
    written: String,
    value: String,
}

impl EnvText {
    /// With the variables filled in.
    #[must_use]
    pub fn value(&self) -> &str {
        &self.value
    }

    /// As it is in the file.
    #[must_use]
    pub fn written(&self) -> &str {
        &self.written
    }

    pub(super) fn resolve(&mut self) -> Result<(), String> {
        self.value = expand(&self.written)?;
        Ok(())
    }
}

impl fmt::Debug for EnvText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.written, f)
    }
}

impl From<String> for EnvText {
    fn from(written: String) -> Self {
        Self { value: written.clone(), written }
    }
}

impl From<EnvText> for String {
    fn from(text: EnvText) -> String {
        text.written
    }
}

impl JsonSchema for EnvText {
    fn schema_name() -> Cow<'static, str> {
        "Text".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "x-kind": "text with ${NAME}" })
    }
}

/// What must not be seen: never shown, in no log and no error. In the file it is the name of an environment variable, `${NAME}`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct Secret(String);

impl Secret {
    /// The secret itself, for whoever sends it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    pub(super) fn resolve(&mut self) -> Result<(), String> {
        let name = self.0.strip_prefix("${").and_then(|rest| rest.strip_suffix('}'));
        if name.is_none_or(|name| name.contains(['$', '{', '}'])) {
            return Err("${NAME}, the name of an environment variable that holds it: a secret doesn't belong in this file".into());
        }
        self.0 = expand(&self.0)?;
        Ok(())
    }

    /// The content of a file, without the line end that editors add.
    pub(super) fn of_file(text: &str) -> Result<Self, String> {
        let secret = text.trim_end_matches(['\r', '\n']);
        if secret.is_empty() { Err("a file that isn't empty".into()) } else { Ok(Self(secret.to_owned())) }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<Secret> for String {
    fn from(_: Secret) -> String {
        "***".into()
    }
}

impl JsonSchema for Secret {
    fn schema_name() -> Cow<'static, str> {
        "Secret".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": r"^\$\{[A-Za-z_][A-Za-z0-9_]*\}$", "x-kind": "secret, as ${NAME}" })
    }
}

/// Fills in `${NAME}`; an error says what would be allowed, and never what a variable holds.
fn expand(text: &str) -> Result<String, String> {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        let (name, behind) = after.split_once('}').ok_or("a } after each ${")?;
        let value = std::env::var(name).map_err(|_| format!("environment variables that are set, and {name} is not"))?;
        out.push_str(before);
        out.push_str(&value);
        rest = behind;
    }
    out.push_str(rest);
    Ok(out)
}

/// How a balancer picks a backend.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AlgorithmName(pub Algorithm);

impl JsonSchema for AlgorithmName {
    fn schema_name() -> Cow<'static, str> {
        "Algorithm".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "enum": Algorithm::NAMES })
    }
}

/// Says what would be allowed where a text isn't of the kind that its schema names.
pub(super) fn check_kind(kind: &str, text: &str) -> Result<(), String> {
    match kind {
        "duration" => match Span::try_from(text.to_owned()) {
            Ok(_) => Ok(()),
            Err(_) => Err("a number with a unit, such as 500ms, 90s, 15m, 24h or 7d".into()),
        },
        "address" => match text.parse::<std::net::SocketAddr>() {
            Ok(_) => Ok(()),
            Err(_) => Err("an IP address and a port, such as 127.0.0.1:8080".into()),
        },
        "event time" => text.parse::<planner::At>().map(drop),
        "day" => text.parse::<planner::Day>().map(drop),
        "holidays" => text.parse::<planner::Holidays>().map(drop),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_come_back_as_people_write_them() {
        for text in ["0s", "500ms", "90s", "15m", "24h", "7d", "61s"] {
            let span = Span::try_from(text.to_owned()).unwrap();
            let shown = if text == "24h" {
                "1d"
            } else if text == "90s" {
                "90s"
            } else {
                text
            };
            assert_eq!(span.to_string(), shown);
        }
    }

    #[test]
    fn a_secret_is_never_shown() {
        let secret = Secret::of_file("hunter2\n").unwrap();
        assert_eq!(secret.reveal(), "hunter2");
        assert_eq!(format!("{secret:?} {}", serde_json::to_string(&secret).unwrap()), "*** \"***\"");
        assert!(!Secret::from("hunter2".to_owned()).resolve().unwrap_err().contains("hunter2"));
    }

    #[test]
    fn variables_are_filled_in_and_missing_ones_named() {
        assert_eq!(expand("a${PATH}b"), Ok(format!("a{}b", std::env::var("PATH").unwrap())));
        assert!(expand("${PRESCALE_NOT_SET_ANYWHERE}").unwrap_err().contains("PRESCALE_NOT_SET_ANYWHERE is not"));
        assert!(expand("${open").unwrap_err().contains('}'));
    }
}
