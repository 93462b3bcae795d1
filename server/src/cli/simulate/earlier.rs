//! A result that was printed with `--format json`, to compare with.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};
use simulator::{Report, RunResult, Scenario};

use crate::api::dto::{Cell, Figure};
use crate::cli::CliError;
use crate::jobs::figures;

/// What is printed: the report, and what a later comparison needs.
#[derive(Serialize)]
pub struct Printed<'a> {
    #[serde(flatten)]
    report: &'a Report,
    /// Each figure with its value in every replication.
    figures: BTreeMap<String, Figure>,
    /// The `[workload]` as TOML, to tell whether two results were asked the same.
    workload: Option<String>,
}

impl<'a> Printed<'a> {
    pub fn new(report: &'a Report, scenario: &Scenario, text: &str, runs: &[RunResult]) -> Self {
        let figures = figures::cell(0, &scenario.name, scenario, report.seed, runs).figures;
        Self { report, figures, workload: workload(text) }
    }
}

/// What a scenario's users ask.
pub fn workload(text: &str) -> Option<String> {
    Some(text.parse::<toml::Table>().ok()?.get("workload")?.to_string())
}

/// An earlier result.
#[derive(Deserialize)]
pub struct Earlier {
    pub scenario: String,
    pub seed: u64,
    pub replications: u32,
    requests: Arrived,
    figures: BTreeMap<String, Figure>,
    #[serde(default)]
    pub workload: Option<String>,
}

#[derive(Deserialize)]
struct Arrived {
    arrived: u64,
}

impl Earlier {
    /// Whether a file holds a result, not a scenario: no TOML begins like this.
    pub fn is_one(text: &str) -> bool {
        text.trim_start().starts_with('{')
    }

    /// Reads a result.
    ///
    /// # Errors
    /// [`CliError::BadInput`] names the file, and what is wrong with it.
    pub fn read(file: &Path, text: &str) -> Result<Self, CliError> {
        let bad = |problem: &str| {
            let allowed = "what prescale simulate --format json has printed";
            CliError::BadInput(format!("--baseline {}: {problem}; allowed: {allowed}", file.display()))
        };
        let earlier: Self = serde_json::from_str(text).map_err(|error| bad(&error.to_string()))?;
        let seeds = earlier.replications as usize;
        match earlier.figures.iter().find(|(_, figure)| figure.seeds.len() != seeds) {
            Some((name, figure)) => Err(bad(&format!("figures.{name}.seeds has {} values for {seeds} replications", figure.seeds.len()))),
            None => Ok(earlier),
        }
    }

    /// The seed and replications that both are compared over: those of the earlier result.
    ///
    /// # Errors
    /// [`CliError::BadInput`] when others are asked for.
    pub fn over(&self, seed: Option<u64>, replications: Option<u32>) -> Result<(u64, u32), CliError> {
        for (name, asked, there) in
            [("--seed", seed, self.seed), ("--replications", replications.map(u64::from), u64::from(self.replications))]
        {
            if let Some(asked) = asked.filter(|asked| *asked != there) {
                return Err(CliError::BadInput(format!(
                    "{name} {asked}: the baseline was run with {there}; allowed: the same, or leave it out, or give the baseline as a scenario"
                )));
            }
        }
        Ok((self.seed, self.replications))
    }

    /// Its figures, to be held against `own`: reading a printed number may change its last bit, and that is no difference.
    pub fn cell(&self, own: &Cell) -> Cell {
        let (name, mut figures) = (self.scenario.clone(), self.figures.clone());
        for (name, figure) in &mut figures {
            let Some(own) = own.figures.get(name) else { continue };
            for (theirs, ours) in figure.seeds.iter_mut().zip(&own.seeds) {
                if (*theirs - ours).abs() <= 1e-14 * ours.abs() {
                    *theirs = *ours;
                }
            }
        }
        Cell { index: 1, name, requests: self.requests.arrived, error: None, figures, timeline: Vec::new() }
    }
}
