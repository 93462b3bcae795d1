//! The file of a sweep, as it is written: a base scenario, and what is changed in it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::Deserialize;

use crate::cli::CliError;
use crate::config::document::Document;
use crate::config::problem::{KeyPath, Step};

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
    /// `queue_wait_p99_ms`,
    /// `replica_hours` or `cost`. If absent, the first of `violation_minutes`, `error_ratio`, `latency_p99_ms` in which the cells differ.
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
    pub fn wrong(&self, steps: Vec<Step>, value: &str, allowed: &str) -> CliError {
        let path = KeyPath(steps);
        // It has been parsed before.
        let line = Document::parse(self.text).map_or(1, |document| document.line(&path));
        CliError::BadInput(format!("{}: line {line}: `{path}` is {value}; allowed: {allowed}", self.path))
    }

    pub fn parse(&self) -> Result<SweepFile, CliError> {
        toml::from_str(self.text).map_err(|error| {
            let line = error.span().map_or(1, |span| self.text.bytes().take(span.start).filter(|byte| *byte == b'\n').count() + 1);
            CliError::BadInput(format!("{}: line {line}: {}", self.path, error.message().trim().replace('\n', ", ")))
        })
    }
}

/// The JSON Schema of the file.
#[must_use]
pub fn schema_text() -> String {
    let settings = SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    let schema = settings.into_generator().into_root_schema_for::<SweepFile>();
    // The schema is plain data with texts as keys, which always serialises.
    serde_json::to_string_pretty(&schema).unwrap_or_default() + "\n"
}
