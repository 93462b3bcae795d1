//! Reads a TOML table key by key, so that every error can name the key with its path, the value found, and what is allowed; keys that
//! nobody asked for are errors too.

use balancer::Nanos;
use toml::{Table, Value};

use crate::units::{DURATION_FORM, parse_duration};

/// A key of a scenario that can't be accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}`{key}` is {value}; allowed: {allowed}", .line.map_or_else(String::new, |line| format!("line {line}: ")))]
pub struct ScenarioError {
    /// Where in the file, from 1; `None` for scenarios that come from code.
    pub line: Option<usize>,
    /// The key with its path, like `pools[0].concurrency`.
    pub key: String,
    /// The value found, as text.
    pub value: String,
    /// What would be accepted.
    pub allowed: String,
    /// The keys elsewhere that it follows from too, as `pools.name`. If one of them is wrong, this may not be.
    pub across: &'static [&'static str],
}

impl ScenarioError {
    /// Names the key, the value and what is allowed.
    pub fn new(key: impl Into<String>, value: impl Into<String>, allowed: impl Into<String>) -> Self {
        Self { line: None, key: key.into(), value: value.into(), allowed: allowed.into(), across: &[] }
    }

    /// The same, which follows from these keys elsewhere too.
    #[must_use]
    pub fn across(self, across: &'static [&'static str]) -> Self {
        Self { across, ..self }
    }
}

/// One table being read. Call [`Reader::finish`] when all keys have been asked for.
#[derive(Debug)]
pub struct Reader<'t> {
    path: String,
    table: &'t Table,
    asked: Vec<&'static str>,
}

impl<'t> Reader<'t> {
    /// `path` is how the table is called in errors; empty for the root.
    pub fn new(path: impl Into<String>, table: &'t Table) -> Self {
        Self { path: path.into(), table, asked: Vec::new() }
    }

    /// The key with its path.
    pub fn name(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    /// An error about a key of this table; the value is looked up.
    pub fn error(&self, key: &str, allowed: impl Into<String>) -> ScenarioError {
        let value = self.table.get(key).map_or_else(|| "missing".to_owned(), Value::to_string);
        ScenarioError::new(self.name(key), value, allowed)
    }

    /// An error about the whole table.
    pub fn whole(&self, allowed: impl Into<String>) -> ScenarioError {
        ScenarioError::new(self.path.clone(), "there", allowed)
    }

    /// The value as it is.
    pub fn value(&mut self, key: &'static str) -> Option<&'t Value> {
        self.asked.push(key);
        self.table.get(key)
    }

    /// A string.
    pub fn string(&mut self, key: &'static str, allowed: &str) -> Result<Option<&'t str>, ScenarioError> {
        match self.value(key) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(self.error(key, allowed)),
        }
    }

    /// true or false.
    pub fn boolean(&mut self, key: &'static str) -> Result<Option<bool>, ScenarioError> {
        match self.value(key) {
            None => Ok(None),
            Some(Value::Boolean(flag)) => Ok(Some(*flag)),
            Some(_) => Err(self.error(key, "true or false")),
        }
    }

    /// A finite number (integers count) that `accept` agrees to.
    pub fn number(&mut self, key: &'static str, allowed: &str, accept: impl Fn(f64) -> bool) -> Result<Option<f64>, ScenarioError> {
        let number = match self.value(key) {
            None => return Ok(None),
            Some(Value::Float(number)) => *number,
            Some(Value::Integer(number)) => *number as f64,
            Some(_) => return Err(self.error(key, allowed)),
        };
        if number.is_finite() && accept(number) { Ok(Some(number)) } else { Err(self.error(key, allowed)) }
    }

    /// A whole number between `least` and `most`.
    pub fn integer(&mut self, key: &'static str, least: u64, most: u64) -> Result<Option<u64>, ScenarioError> {
        let allowed = || format!("a whole number from {least} to {most}");
        match self.value(key) {
            None => Ok(None),
            Some(Value::Integer(number)) => match u64::try_from(*number) {
                Ok(number) if (least..=most).contains(&number) => Ok(Some(number)),
                _ => Err(self.error(key, allowed())),
            },
            Some(_) => Err(self.error(key, allowed())),
        }
    }

    /// A duration with its unit.
    pub fn duration(&mut self, key: &'static str) -> Result<Option<Nanos>, ScenarioError> {
        match self.value(key) {
            None => Ok(None),
            Some(Value::String(text)) => parse_duration(text).map(Some).ok_or_else(|| self.error(key, DURATION_FORM)),
            Some(_) => Err(self.error(key, DURATION_FORM)),
        }
    }

    /// A table, to be read on its own.
    pub fn table(&mut self, key: &'static str) -> Result<Option<Reader<'t>>, ScenarioError> {
        match self.value(key) {
            None => Ok(None),
            Some(Value::Table(table)) => Ok(Some(Reader::new(self.name(key), table))),
            Some(_) => Err(self.error(key, "a table")),
        }
    }

    /// An array of tables; empty when absent.
    pub fn tables(&mut self, key: &'static str) -> Result<Vec<Reader<'t>>, ScenarioError> {
        let array = match self.value(key) {
            None => return Ok(Vec::new()),
            Some(Value::Array(array)) => array,
            Some(_) => return Err(self.error(key, "an array of tables")),
        };
        let mut readers = Vec::with_capacity(array.len());
        for (i, value) in array.iter().enumerate() {
            let Value::Table(table) = value else { return Err(self.error(key, "an array of tables")) };
            readers.push(Reader::new(format!("{}[{i}]", self.name(key)), table));
        }
        Ok(readers)
    }

    /// Turns "absent" into an error that says what was needed.
    pub fn required<T>(&self, found: Option<T>, key: &str, allowed: &str) -> Result<T, ScenarioError> {
        found.ok_or_else(|| self.error(key, allowed))
    }

    /// Refuses keys that nobody asked for.
    pub fn finish(self) -> Result<(), ScenarioError> {
        self.only(&self.asked)
    }

    /// Refuses keys that aren't in the list. To be asked before a required key is missed: a misspelt key should be called misspelt.
    pub fn only(&self, known: &[&str]) -> Result<(), ScenarioError> {
        let Some((unknown, value)) = self.table.iter().find(|(key, _)| !known.contains(&key.as_str())) else { return Ok(()) };
        let meant = nearest(unknown, known).map_or_else(String::new, |near| format!("; did you mean {near}?"));
        let value = format!("an unknown key (with the value {value}{meant})");
        Err(ScenarioError::new(self.name(unknown), value, format!("the keys {}", known.join(", "))))
    }
}

/// The known key that was probably meant: at most a third of its letters are others, missing, too many or in the wrong order.
fn nearest<'k>(key: &str, known: &[&'k str]) -> Option<&'k str> {
    let near = known.iter().map(|known| (distance(key, known), *known));
    near.filter(|(distance, known)| distance * 3 <= known.chars().count()).min_by_key(|(distance, _)| *distance).map(|(_, known)| known)
}

/// How many letters must be changed, added, left out or swapped with the next one to get from one word to the other (optimal string alignment).
fn distance(from: &str, to: &str) -> usize {
    // Nobody's key is that long; who writes one gets no hint, in no time.
    const LONGEST: usize = 40;
    let (from, to): (Vec<char>, Vec<char>) = (from.chars().take(LONGEST).collect(), to.chars().take(LONGEST).collect());
    let mut rows = vec![vec![0; to.len() + 1]; from.len() + 1];
    for i in 0..=from.len() {
        for j in 0..=to.len() {
            rows[i][j] = match (i, j) {
                (0, _) | (_, 0) => i + j,
                _ => {
                    let changed = rows[i - 1][j - 1] + usize::from(from[i - 1] != to[j - 1]);
                    let swapped = i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1];
                    let least = changed.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
                    if swapped { least.min(rows[i - 2][j - 2] + 1) } else { least }
                }
            };
        }
    }
    rows[from.len()][to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_key_is_told_which_one_was_meant_and_a_strange_one_none() {
        let known = ["pools", "policy", "rate_rps", "concurrency", "min", "max"];
        for (key, meant) in [
            ("pool", Some("pools")),
            ("polcy", Some("policy")),
            ("concurency", Some("concurrency")),
            ("cnocurrency", Some("concurrency")),
            ("maks", None),
            ("mix", Some("min")),
            ("colour", None),
            ("", None),
        ] {
            assert_eq!(nearest(key, &known), meant, "{key}");
        }
        assert_eq!((distance("abc", "acb"), distance("", "abc"), distance("abc", "abc")), (1, 3, 0));
    }
}
