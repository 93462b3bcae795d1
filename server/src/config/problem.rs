//! What is wrong with a file, in words that name key, value and what is allowed.

use std::fmt;
use std::path::PathBuf;

/// A step on the way to a value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// A key of a table.
    Key(String),
    /// An element of a list.
    At(usize),
}

/// The way to a value, from the top of the file.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyPath(pub Vec<Step>);

impl KeyPath {
    /// The path of a key below this one; `key` may be dotted.
    #[must_use]
    pub fn key(&self, key: &str) -> Self {
        let mut path = self.clone();
        path.0.extend(key.split('.').map(|part| Step::Key(part.to_owned())));
        path
    }

    /// The same for a key that may have a dot itself.
    #[must_use]
    pub fn key_of(&self, key: &str) -> Self {
        let mut path = self.clone();
        path.0.push(Step::Key(key.to_owned()));
        path
    }

    /// The path of an element below this one.
    #[must_use]
    pub fn at(&self, index: usize) -> Self {
        let mut path = self.clone();
        path.0.push(Step::At(index));
        path
    }

    /// The part of the file that it is in: a table at the top, or one of the services.
    #[must_use]
    pub fn section(&self) -> Self {
        let depth = if matches!(self.0.get(1), Some(Step::At(_))) { 2 } else { 1 };
        Self(self.0.iter().take(depth).cloned().collect())
    }
}

impl fmt::Display for KeyPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, step) in self.0.iter().enumerate() {
            match step {
                Step::Key(key) if at == 0 => f.write_str(key)?,
                Step::Key(key) => write!(f, ".{key}")?,
                Step::At(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

/// One thing that is wrong.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Problem {
    /// Where.
    pub path: KeyPath,
    /// What; follows the key.
    pub what: String,
    /// The line, from 1 on; 0 = the file as a whole.
    pub line: usize,
    /// Whether the value at `path` can't be used, so that nothing is concluded from it.
    pub unusable: bool,
    /// The other keys that it follows from. If one of them can't be used, neither can this conclusion.
    pub because: Vec<KeyPath>,
}

impl Problem {
    /// A value that isn't allowed.
    pub fn value(path: KeyPath, value: impl fmt::Display, allowed: impl fmt::Display) -> Self {
        Self { path, what: format!("= {value} is not allowed: {allowed}"), ..Self::default() }
    }

    /// A key that must be there.
    pub fn missing(path: KeyPath, wanted: impl fmt::Display) -> Self {
        Self { path, what: format!("is missing: {wanted}"), ..Self::default() }
    }

    /// A key that nobody knows.
    pub fn unknown(path: KeyPath, hint: impl fmt::Display) -> Self {
        Self { path, what: format!("is unknown: {hint}"), ..Self::default() }
    }
}

impl Problem {
    /// The same of a value that can't be used.
    #[must_use]
    pub fn not_to_be_used(self) -> Self {
        Self { unusable: true, ..self }
    }

    /// The same, which follows from these keys as well.
    #[must_use]
    pub fn because(self, keys: impl IntoIterator<Item = KeyPath>) -> Self {
        Self { because: keys.into_iter().collect(), ..self }
    }

    /// Whether it follows from a value that can't be used.
    #[must_use]
    pub fn follows_from_any(&self, unusable: &[KeyPath]) -> bool {
        let touches = |one: &KeyPath, other: &KeyPath| one.0.starts_with(&other.0) || other.0.starts_with(&one.0);
        self.because.iter().chain([&self.path]).any(|mine| unusable.iter().any(|other| touches(mine, other)))
    }
}

/// Everything that is wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Problems {
    /// The file.
    pub file: PathBuf,
    /// In the order of the lines.
    pub problems: Vec<Problem>,
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = self.file.display();
        let count = self.problems.len();
        write!(f, "{file} can't be used ({count} {}):", if count == 1 { "problem" } else { "problems" })?;
        for Problem { path, what, line, .. } in &self.problems {
            let line = if *line > 0 { format!(":{line}") } else { String::new() };
            let space = if path.0.is_empty() { "" } else { " " };
            write!(f, "\n  {file}{line}: {path}{space}{what}")?;
        }
        Ok(())
    }
}
