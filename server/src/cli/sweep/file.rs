//! The file of a sweep, as it is written: a base scenario, and what is changed in it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};
use serde::Deserialize;

use super::mistakes::Mistake;
use crate::config::document::Document;
use crate::config::problem::{KeyPath, Problem, Step};
use crate::config::walk::walk;

/// A matrix of scenarios: every algorithm with every plan and every value of every key in `matrix`, each over the same seeds.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SweepFile {
    /// What the report is called; the scenario's name if absent.
    pub name: Option<String>,
    /// The base scenario, looked for beside this file.
    pub scenario: PathBuf,
    /// Seed of everything random; the scenario's if absent.
    pub seed: Option<u64>,
    /// Runs of each cell, at least 2 for intervals; run k of every cell has the same arrivals and the same work. The scenario's
    /// `replications`
    /// if absent.
    #[schemars(range(min = 1, max = 10_000))]
    pub seeds: Option<u32>,
    /// The figure that decides: `violation_minutes`, `error_ratio`, `latency_p50_ms`, `latency_p95_ms`, `latency_p99_ms`,
    /// `queue_wait_p99_ms`, `queue_wait_p999_ms`, `replica_hours` or `cost`. If absent, the first of `violation_minutes`, `error_ratio`, `latency_p99_ms` in which the cells differ.
    pub rank_by: Option<String>,
    /// Changes to the scenario in every cell: keys by their path in the scenario, as in `matrix`.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, serde_json::Value>")]
    pub set: BTreeMap<String, toml::Value>,
    /// Values of `balancer.algorithm`.
    pub algorithms: Option<Vec<String>>,
    /// Sets of changes that belong together.
    pub plans: Option<Vec<Plan>>,
    /// Values of further keys by their path in the scenario, in quotes: `"pools.app.replicas" = [4, 6]`. A table of a list is named by its
    /// `name` or by its place from 0.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, Vec<serde_json::Value>>")]
    pub matrix: BTreeMap<String, Vec<toml::Value>>,
}

/// Changes that belong together.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// What it is called in the report.
    pub name: String,
    /// Keys by their path in the scenario, in quotes, and their values; a table as a value replaces the whole table.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, serde_json::Value>")]
    pub set: BTreeMap<String, toml::Value>,
}

/// The text of a file and its name, to say where something is wrong.
pub struct Source<'a> {
    pub path: &'a str,
    pub text: &'a str,
}

impl Source<'_> {
    /// What is at `steps` of the file, and what is allowed there.
    pub fn wrong(&self, steps: &[Step], value: &str, allowed: &str) -> Mistake {
        let path = KeyPath(steps.to_vec());
        // It has been parsed before.
        let line = Document::parse(self.text).map_or(1, |document| document.line(&path));
        self.mistake(line, &format!("`{path}` is {value}; allowed: {allowed}"))
    }

    fn mistake(&self, line: usize, what: &str) -> Mistake {
        Mistake { place: (0, line), text: format!("{}: line {line}: {what}", self.path) }
    }

    /// What the file says as far as it can be used, and everything that its types alone forbid. `None` if there is nothing to go on with.
    pub fn parse(&self) -> (Option<SweepFile>, Vec<Mistake>) {
        let told = |problem: &Problem| match problem.path.0.is_empty() {
            true => self.mistake(problem.line, &problem.what),
            false => self.mistake(problem.line, &format!("`{}` {}", problem.path, problem.what)),
        };
        let document = match Document::parse(self.text) {
            Ok(document) => document,
            Err(problems) => return (None, problems.iter().map(told).collect()),
        };
        let mut problems = Vec::new();
        let usable = walk(schema().as_value(), &document.root, &KeyPath::default(), &mut problems);
        problems.iter_mut().for_each(|problem| problem.line = document.line(&problem.path));
        let mut mistakes: Vec<Mistake> = problems.iter().map(told).collect();
        // Without a scenario there is a stand-in that names none.
        let nowhere = problems.iter().any(|problem| problem.path == KeyPath::default().key("scenario"));
        let file = usable.map(toml::Value::try_into::<SweepFile>).transpose().unwrap_or_else(|error| {
            mistakes.push(self.mistake(1, error.message().trim()));
            None
        });
        (file.filter(|_| !nowhere), mistakes)
    }
}

fn schema() -> Schema {
    let settings = SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    settings.into_generator().into_root_schema_for::<SweepFile>()
}

/// The JSON Schema of the file.
#[must_use]
pub fn schema_text() -> String {
    // The schema is plain data with texts as keys, which always serialises.
    serde_json::to_string_pretty(&schema()).unwrap_or_default() + "\n"
}
