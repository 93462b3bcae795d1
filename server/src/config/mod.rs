//! The configuration: one TOML file, checked whole at the edge.
//!
//! The types in [`file`] are the file; their docs and ranges are its JSON Schema. A text goes through three sieves, and everything that stays
//! in any of them is reported with its line, all in one run: TOML; the schema ([`walk`]: unknown keys, kinds, ranges); and what only several
//! keys together can tell ([`check`]), as far as it doesn't depend on what an earlier sieve kept back. What comes out is [`Config`], with defaults filled in and a [`planner::ServiceConfig`] for each service.
//!
//! Secrets are never written in the file, only named there (`${NAME}` or a `*_file`); they are read here, and shown as `***` ever after.

mod check;
pub mod difference;
pub(crate) mod document;
pub mod file;
pub(crate) mod problem;
pub mod reference;
mod secrets;
mod service;
mod value;
pub(crate) mod walk;

use std::path::{Path, PathBuf};

use planner::Changed;
use serde::de::DeserializeOwned;

use document::Document;
use file::File;
pub use problem::{KeyPath, Problem, Problems};
pub(crate) use service::event as planned_event;
pub use value::{AlgorithmName, EnvText, Secret, Span};

/// A file that can be used.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// Where it was read.
    pub path: PathBuf,
    /// What it says, with defaults and secrets filled in.
    pub file: File,
    /// Its services as the planner sees them, in the same order.
    pub services: Vec<planner::ServiceConfig>,
    /// Every file that it was read from, with its content: when one changes, it is read again.
    pub read: Sources,
}

/// Files with the content that they had, or `None` for one that couldn't be read.
pub type Sources = Vec<(PathBuf, Option<Vec<u8>>)>;

impl Config {
    /// Reads and checks a file.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn load(path: &Path) -> Result<Self, Problems> {
        let failed = |what: String| {
            let problem = Problem { what, ..Problem::default() };
            Problems { file: path.to_path_buf(), problems: vec![problem] }
        };
        let bytes = std::fs::read(path).map_err(|error| failed(format!("it can't be read: {error}")))?;
        let text = std::str::from_utf8(&bytes).map_err(|error| failed(format!("it isn't UTF-8: {error}")))?;
        let mut config = Self::parse(path, text)?;
        config.read.insert(0, (path.to_path_buf(), Some(bytes)));
        Ok(config)
    }

    fn parse(path: &Path, text: &str) -> Result<Self, Problems> {
        let problems_of = |mut problems: Vec<Problem>| {
            problems.sort_by(|left, right| (left.line, &left.path).cmp(&(right.line, &right.path)));
            problems.dedup_by(|left, right| left.path == right.path && left.what == right.what);
            Problems { file: path.to_path_buf(), problems }
        };
        let document = Document::parse(text).map_err(problems_of)?;
        let mut problems = Vec::new();
        let usable = walk::walk(reference::schema().as_value(), &document.root, &KeyPath::default(), &mut problems);
        let mut parts = Parts::read(usable, &mut problems);
        let read = secrets::resolve(&mut parts, path.parent().unwrap_or(Path::new(".")), &mut problems);
        let unusable: Vec<KeyPath> = problems.iter().filter(|one| one.unusable).map(|one| one.path.clone()).collect();
        let mut conclusions = Vec::new();
        check::check(&parts, &mut conclusions);
        conclusions.retain(|one| !one.follows_from_any(&unusable));
        problems.append(&mut conclusions);
        let services = parts.services.iter().flatten().map(service::checked).collect::<Vec<_>>();
        check::planner_agrees(&parts, &mut problems);
        for problem in &mut problems {
            problem.line = document.line(&problem.path);
        }
        match (problems.is_empty(), parts.whole()) {
            (true, Some(file)) => Ok(Self { path: path.to_path_buf(), file, services, read }),
            _ => Err(problems_of(problems)),
        }
    }

    /// What it says in full, for people and for comparing; secrets as `***`.
    #[must_use]
    pub fn shown(&self) -> serde_json::Value {
        // Plain data with texts as keys always serialises.
        serde_json::to_value(&self.file).unwrap_or_default()
    }

    /// The same as TOML.
    #[must_use]
    pub fn shown_toml(&self) -> String {
        toml::to_string(&self.file).unwrap_or_default()
    }

    /// Key by key, what differs from `before`. A secret that changed is told, and not what it is.
    #[must_use]
    pub fn changes_since(&self, before: &Self) -> Vec<Changed> {
        let mut changes = difference::between(&before.shown(), &self.shown());
        if changes.is_empty() && before.file != self.file {
            changes.push(Changed { key: "secrets".into(), before: Some("***".into()), after: Some("another ***".into()) });
        }
        changes
    }

    /// Whether any file that this was read from has another content now. A link that points elsewhere counts: that is how Kubernetes changes
    /// what it mounts.
    #[must_use]
    pub fn is_outdated(&self) -> bool {
        self.read.iter().any(|(path, content)| std::fs::read(path).ok() != *content)
    }
}

/// The file's parts, each as far as it could be read, so that what is wrong in one hides nothing in another.
struct Parts {
    server: Option<file::Server>,
    /// The inner `None`: there is none.
    prometheus: Option<Option<file::Prometheus>>,
    log: Option<file::Log>,
    services: Vec<Option<file::Service>>,
}

impl Parts {
    /// From what the walk over the schema left: serde finds nothing more, unless schema and types disagree.
    fn read(usable: Option<toml::Value>, problems: &mut Vec<Problem>) -> Self {
        let mut table = match usable {
            Some(toml::Value::Table(table)) => table,
            _ => toml::Table::new(),
        };
        let top = KeyPath::default();
        let empty = || toml::Value::Table(toml::Table::new());
        let services = match table.remove("services") {
            Some(toml::Value::Array(list)) => list,
            _ => Vec::new(),
        };
        Self {
            server: part(top.key("server"), table.remove("server").unwrap_or_else(empty), problems),
            prometheus: match table.remove("prometheus") {
                None => Some(None),
                Some(value) => part(top.key("prometheus"), value, problems).map(Some),
            },
            log: part(top.key("log"), table.remove("log").unwrap_or_else(empty), problems),
            services: services.into_iter().enumerate().map(|(at, value)| part(top.key("services").at(at), value, problems)).collect(),
        }
    }

    fn whole(self) -> Option<File> {
        let services = self.services.into_iter().collect::<Option<Vec<_>>>()?;
        Some(File { server: self.server?, prometheus: self.prometheus?, log: self.log?, services })
    }
}

fn part<T: DeserializeOwned>(path: KeyPath, value: toml::Value, problems: &mut Vec<Problem>) -> Option<T> {
    value
        .try_into()
        .map_err(|error: toml::de::Error| {
            let what = format!("can't be read: {}", error.message());
            problems.push(Problem { path, what, ..Problem::default() }.not_to_be_used());
        })
        .ok()
}

#[cfg(test)]
mod tests;
