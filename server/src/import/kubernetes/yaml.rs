//! YAML as values that know their lines.

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::Spanned;

use crate::import::ImportError;

/// A value with its line.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// Counted from 1.
    pub line: usize,
    pub value: Value,
}

/// What YAML can say, as far as Kubernetes uses it.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Null,
    Bool(bool),
    Number(f64),
    Text(String),
    List(Vec<Node>),
    Map(Vec<(String, Node)>),
}

/// Reads every document of a file; empty ones are left out.
///
/// # Errors
/// The first place that isn't YAML.
pub fn documents(file: &str, text: &str) -> Result<Vec<Node>, ImportError> {
    let read: Result<Vec<Spanned<Value>>, _> = serde_saphyr::from_multiple(text);
    match read {
        Ok(documents) => Ok(documents.into_iter().map(node).filter(|node| node.value != Value::Null).collect()),
        Err(error) => {
            let line = error.location().map(|location| line(location.line()));
            // The first line of the message: the rest draws the place.
            let what = error.to_string().lines().next().unwrap_or_default().to_owned();
            Err(ImportError { file: file.to_owned(), line, what: format!("this isn't YAML that can be read: {what}") })
        }
    }
}

fn node(spanned: Spanned<Value>) -> Node {
    Node { line: line(spanned.referenced.line()), value: spanned.value }
}

fn line(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a value of YAML")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value as f64))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value as f64))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::Number(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::Text(value.to_owned()))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        Value::deserialize(deserializer)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = access.next_element::<Spanned<Value>>()? {
            list.push(node(item));
        }
        Ok(Value::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut map = Vec::new();
        while let Some(key) = access.next_key::<String>()? {
            map.push((key, node(access.next_value::<Spanned<Value>>()?)));
        }
        Ok(Value::Map(map))
    }
}

impl Node {
    /// The value of a key; `None` where there is none, or null.
    pub fn get(&self, key: &str) -> Option<&Self> {
        let Value::Map(map) = &self.value else { return None };
        map.iter().find(|(name, _)| name == key).map(|(_, node)| node).filter(|node| node.value != Value::Null)
    }

    /// Follows keys.
    pub fn at(&self, path: &[&str]) -> Option<&Self> {
        path.iter().try_fold(self, |node, key| node.get(key))
    }

    /// The items of a list; none for anything else.
    pub fn items(&self) -> &[Self] {
        if let Value::List(list) = &self.value { list } else { &[] }
    }

    /// A text, a number or a truth value as text.
    pub fn text(&self) -> Option<String> {
        match &self.value {
            Value::Text(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            Value::Bool(value) => Some(value.to_string()),
            Value::Null | Value::List(_) | Value::Map(_) => None,
        }
    }

    /// A number, also one that is written as a text (KEDA's metadata are all texts).
    pub fn number(&self) -> Option<f64> {
        let number = match &self.value {
            Value::Number(number) => *number,
            Value::Text(text) => text.trim().parse().ok()?,
            _ => return None,
        };
        number.is_finite().then_some(number)
    }

    /// In one line, for a note.
    pub fn shown(&self) -> String {
        match &self.value {
            Value::Null => "null".into(),
            Value::Text(_) | Value::Number(_) | Value::Bool(_) => self.text().unwrap_or_default(),
            Value::List(list) => format!("[{}]", list.iter().map(Self::shown).collect::<Vec<_>>().join(", ")),
            Value::Map(map) => {
                let entries = map.iter().map(|(key, node)| format!("{key}: {}", node.shown()));
                format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
            }
        }
    }
}

/// A Kubernetes quantity: `100`, `500m`, `2k`, `1Gi`, `1e3`.
pub fn quantity(node: &Node) -> Option<f64> {
    const SUFFIXES: [(&str, f64); 13] = [
        ("n", 1e-9),
        ("u", 1e-6),
        ("m", 1e-3),
        ("k", 1e3),
        ("M", 1e6),
        ("G", 1e9),
        ("T", 1e12),
        ("P", 1e15),
        ("Ki", 1_024.0),
        ("Mi", 1_048_576.0),
        ("Gi", 1_073_741_824.0),
        ("Ti", 1_099_511_627_776.0),
        ("Pi", 1_125_899_906_842_624.0),
    ];
    if let Some(number) = node.number() {
        return Some(number);
    }
    let text = node.text()?;
    let suffix = SUFFIXES.iter().rev().find(|(suffix, _)| text.ends_with(suffix));
    let (suffix, factor) = suffix?;
    let number: f64 = text.strip_suffix(suffix)?.trim().parse().ok()?;
    (number * factor).is_finite().then_some(number * factor)
}
