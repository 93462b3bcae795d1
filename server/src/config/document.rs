//! The parsed text of a file, which still knows where everything is.

use std::ops::Range;

use toml::de::{DeTable, DeValue};

use super::problem::{KeyPath, Problem, Step};

/// A TOML text.
pub struct Document<'a> {
    text: &'a str,
    /// The whole of it.
    pub root: DeValue<'a>,
}

impl<'a> Document<'a> {
    /// Parses it.
    ///
    /// # Errors
    /// Where it isn't TOML.
    pub fn parse(text: &'a str) -> Result<Self, Vec<Problem>> {
        let (root, errors) = DeTable::parse_recoverable(text);
        if errors.is_empty() {
            return Ok(Self { text, root: DeValue::Table(root.into_inner()) });
        }
        let problem = |error: toml::de::Error| Problem {
            path: KeyPath::default(),
            what: format!("this isn't TOML: {}", error.message().trim().replace('\n', ", ")),
            line: error.span().map_or(0, |span| line_of(text, &span)),
            ..Problem::default()
        };
        Err(errors.into_iter().map(problem).collect())
    }

    /// The line of a value, or of the table that it should be in.
    pub fn line(&self, path: &KeyPath) -> usize {
        let (mut value, mut line) = (&self.root, 1);
        for step in &path.0 {
            let (key, next) = match step {
                Step::Key(key) => match value.as_table().and_then(|table| table.iter().find(|(known, _)| *known.get_ref() == key.as_str()))
                {
                    Some((key, next)) => (Some(key.span()), next),
                    None => break,
                },
                Step::At(index) => match value.as_array().and_then(|list| list.get(*index)) {
                    Some(next) => (None, next),
                    None => break,
                },
            };
            // A table's own span is its header's; a value is where its key is.
            line = line_of(self.text, &key.filter(|_| !next.get_ref().is_array()).unwrap_or_else(|| next.span()));
            value = next.get_ref();
        }
        line
    }
}

fn line_of(text: &str, span: &Range<usize>) -> usize {
    text.as_bytes().iter().take(span.start).filter(|byte| **byte == b'\n').count() + 1
}
