//! From a sweep file to its cells: every combination, each put into the base scenario and checked before anything runs.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use planner::simulated::Factory;
use simulator::{AutoscalerFactory, Scenario, ScenarioError};
use toml::{Table, Value};

use super::file::{Source, SweepFile};
use super::keep::{Hashing, key_of};
use super::path;
use crate::cli::CliError;
use crate::cli::simulate::files::Files;
use crate::config::problem::Step;
use crate::jobs::figures::NAMES;

/// More cells than anybody reads, and some hours of computing for all but the smallest of them.
const MOST_CELLS: usize = 10_000;
/// As a scenario has.
const MOST_SEEDS: u32 = 10_000;

/// A sweep, ready to be run.
pub struct Matrix {
    pub name: String,
    pub scenario: PathBuf,
    pub seed: u64,
    pub seeds: u32,
    /// The figure that the file asks to be ranked by.
    pub rank_by: Option<&'static str>,
    /// What the cells differ in: `algorithm`, `plan`, then the paths in their order.
    pub axes: Vec<String>,
    pub cells: Vec<CellSpec>,
}

/// One combination.
#[derive(Debug)]
pub struct CellSpec {
    pub name: String,
    /// Its value on each axis.
    pub values: Vec<String>,
    /// The whole scenario.
    pub table: Table,
    /// Requests of one run.
    pub requests: f64,
    /// What it is recognised by when the sweep goes on.
    pub hash: String,
}

struct Axis {
    name: String,
    choices: Vec<Choice>,
}

struct Choice {
    label: String,
    changes: Vec<Change>,
}

struct Change {
    path: String,
    value: Value,
    /// Where it is written.
    steps: Vec<Step>,
}

fn key(key: &str) -> Step {
    Step::Key(key.to_owned())
}

impl Matrix {
    /// Reads the scenario beside the file, and checks every cell.
    ///
    /// # Errors
    /// [`CliError::BadInput`] names the line and the key of the sweep that is at fault.
    pub fn read(source: &Source<'_>, folder: &Path) -> Result<Self, CliError> {
        let file = source.parse()?;
        let rank_by = file.rank_by.as_deref().map(|name| ranked_by(source, name)).transpose()?;
        if let Some(seeds) = file.seeds.filter(|seeds| *seeds == 0 || *seeds > MOST_SEEDS) {
            return Err(source.wrong(vec![key("seeds")], &seeds.to_string(), &format!("a whole number from 1 to {MOST_SEEDS}")));
        }
        let scenario = folder.join(&file.scenario);
        let shown = scenario.display().to_string();
        let text = std::fs::read_to_string(&scenario).map_err(|error| {
            source.wrong(vec![key("scenario")], &format!("\"{}\": {error}", file.scenario.display()), "a scenario file")
        })?;
        let files = Files { folder: scenario.parent().unwrap_or(Path::new("")).to_path_buf() };
        let base = Scenario::parse(&text, &files).map_err(|error| CliError::BadInput(format!("{shown}: {error}")))?;
        let table: Table = text.parse().map_err(|error| CliError::BadInput(format!("{shown}: {error}")))?;
        let axes = axes(source, &file)?;
        let always = changes(&file.set, &[key("set")]);
        let count = axes.iter().try_fold(1_usize, |count, axis| count.checked_mul(axis.choices.len()));
        let Some(count) = count.filter(|count| *count <= MOST_CELLS) else {
            let sizes: Vec<String> = axes.iter().map(|axis| axis.choices.len().to_string()).collect();
            return Err(CliError::BadInput(format!("{}: {} cells; allowed: at most {MOST_CELLS}", source.path, sizes.join(" × "))));
        };
        let (seed, seeds) = (file.seed.unwrap_or(base.seed), file.seeds.unwrap_or(base.replications));
        let mut cells = Vec::with_capacity(count);
        for at in 0..count {
            let (name, values, chosen) = combination(&axes, at);
            cells.push(cell(source, (name, values), always.iter().chain(chosen), &table, &files, (seed, seeds))?);
        }
        Ok(Self {
            name: file.name.unwrap_or(base.name),
            scenario,
            seed,
            seeds,
            rank_by,
            axes: axes.into_iter().map(|axis| axis.name).collect(),
            cells,
        })
    }
}

/// Less is better in each of them.
fn ranked_by(source: &Source<'_>, name: &str) -> Result<&'static str, CliError> {
    let mut known = NAMES.iter().map(|(name, _)| *name).filter(|name| *name != "utilisation");
    known.clone().find(|known| *known == name).ok_or_else(|| {
        let names = known.by_ref().collect::<Vec<_>>().join(", ");
        source.wrong(vec![key("rank_by")], &format!("\"{name}\""), &format!("one of {names}"))
    })
}

fn axes(source: &Source<'_>, file: &SweepFile) -> Result<Vec<Axis>, CliError> {
    let empty = |steps: Vec<Step>| source.wrong(steps, "an empty list", "at least one value, or no such key");
    let mut axes = Vec::new();
    if let Some(algorithms) = &file.algorithms {
        let change = |(at, name): (usize, &String)| {
            let steps = vec![key("algorithms"), Step::At(at)];
            let changes = vec![Change { path: "balancer.algorithm".to_owned(), value: Value::String(name.clone()), steps }];
            Choice { label: name.clone(), changes }
        };
        axes.push(Axis { name: "algorithm".to_owned(), choices: algorithms.iter().enumerate().map(change).collect() });
        if algorithms.is_empty() {
            return Err(empty(vec![key("algorithms")]));
        }
    }
    if let Some(plans) = &file.plans {
        let change = |(at, plan): (usize, &super::file::Plan)| Choice {
            label: plan.name.clone(),
            changes: changes(&plan.set, &[key("plans"), Step::At(at), key("set")]),
        };
        axes.push(Axis { name: "plan".to_owned(), choices: plans.iter().enumerate().map(change).collect() });
        if plans.is_empty() {
            return Err(empty(vec![key("plans")]));
        }
    }
    for (path, values) in &file.matrix {
        let change = |(at, value): (usize, &Value)| {
            let label = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            Choice {
                label,
                changes: vec![Change { path: path.clone(), value: value.clone(), steps: vec![key("matrix"), key(path), Step::At(at)] }],
            }
        };
        axes.push(Axis { name: path.clone(), choices: values.iter().enumerate().map(change).collect() });
        if values.is_empty() {
            return Err(empty(vec![key("matrix"), key(path)]));
        }
    }
    match axes.iter().find_map(|axis| Some((axis, twice(&axis.choices)?))) {
        Some((axis, label)) => Err(CliError::BadInput(format!("{}: `{}` has {label} twice; allowed: each once", source.path, axis.name))),
        None => Ok(axes),
    }
}

fn twice(choices: &[Choice]) -> Option<&str> {
    let before = |at: usize| choices[..at].iter().any(|choice| choice.label == choices[at].label);
    (0..choices.len()).find(|at| before(*at)).map(|at| choices[at].label.as_str())
}

fn changes(set: &BTreeMap<String, Value>, at: &[Step]) -> Vec<Change> {
    let one = |(path, value): (&String, &Value)| {
        let steps = at.iter().cloned().chain([key(path)]).collect();
        Change { path: path.clone(), value: value.clone(), steps }
    };
    set.iter().map(one).collect()
}

/// The name of a cell, its value on each axis, and what is changed for it. The last axis changes fastest.
fn combination(axes: &[Axis], at: usize) -> (String, Vec<String>, impl Iterator<Item = &Change>) {
    let mut rest = at;
    let mut chosen: Vec<&Choice> = Vec::with_capacity(axes.len());
    for axis in axes.iter().rev() {
        chosen.push(&axis.choices[rest % axis.choices.len()]);
        rest /= axis.choices.len();
    }
    chosen.reverse();
    let values = chosen.iter().map(|choice| choice.label.clone()).collect();
    (name(axes, &chosen), values, chosen.into_iter().flat_map(|choice| &choice.changes))
}

fn cell<'a>(
    source: &Source<'_>,
    (name, values): (String, Vec<String>),
    changes: impl Iterator<Item = &'a Change>,
    base: &Table,
    files: &Files,
    seeds: (u64, u32),
) -> Result<CellSpec, CliError> {
    let mut table = base.clone();
    let mut done: Vec<(String, &Change)> = Vec::new();
    for change in changes {
        let resolved = path::set(&mut table, &change.path, change.value.clone())
            .map_err(|allowed| source.wrong(change.steps.clone(), "a path that leads nowhere", &allowed))?;
        done.push((resolved, change));
    }
    let blame = |error: ScenarioError| match done.iter().rev().find(|(path, _)| concerns(path, &error.key)) {
        Some((_, change)) => source.wrong(change.steps.clone(), &error.value, &error.allowed),
        None => CliError::BadInput(format!("{}: the cell “{name}”: {error}", source.path)),
    };
    let hashing = Hashing::new(files);
    let scenario = Scenario::from_table(&table, &hashing).map_err(&blame)?;
    Factory::default().build(scenario.autoscaler.as_ref(), &scenario, 0).map_err(&blame)?;
    let hash = key_of(&table, hashing.finish(), seeds);
    Ok(CellSpec { requests: scenario.expected_requests(), name, values, table, hash })
}

/// Whether a key of the scenario is the one that was set, or one inside or around it.
fn concerns(set: &str, wrong: &str) -> bool {
    let inside = |outer: &str, inner: &str| inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']));
    inside(set, wrong) || inside(wrong, set)
}

/// "p2c, replicas 4": the last part of a path, unless two paths end alike.
fn name(axes: &[Axis], chosen: &[&Choice]) -> String {
    let short = |path: &'_ str| path.rsplit('.').next().map(str::to_owned).unwrap_or_default();
    let one = |(axis, choice): (&Axis, &&Choice)| {
        let own = short(&axis.name);
        let shared = axes.iter().filter(|other| short(&other.name) == own).count() > 1;
        match axis.name.as_str() {
            "algorithm" | "plan" => choice.label.clone(),
            path => format!("{} {}", if shared { path } else { &own }, choice.label),
        }
    };
    let parts: Vec<String> = axes.iter().zip(chosen).map(one).collect();
    if parts.is_empty() { "the scenario as it is".to_owned() } else { parts.join(", ") }
}
