//! From a sweep file to its cells: every combination, each put into the base scenario and checked before anything runs.

use std::path::{Path, PathBuf};

use planner::simulated::Factory;
use simulator::Scenario;
use toml::Table;

use super::axes::{Change, axes, changes, combination, key};
use super::file::{Source, SweepFile};
use super::keep::{Hashing, key_of};
use super::mistakes::{Mistake, Mistakes};
use super::path;
use crate::cli::CliError;
use crate::cli::simulate::files::Files;
use crate::jobs::figures::NAMES;

/// More cells than anybody reads, and some hours of computing for all but the smallest of them.
const MOST_CELLS: usize = 10_000;
/// Cells with mistakes that are read: each costs some readings, and what is wrong in so many is wrong in more.
const MOST_WRONG: usize = 500;

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

impl Matrix {
    /// Reads the scenario beside the file, and checks every cell.
    ///
    /// # Errors
    /// [`CliError::BadInput`] names everything that is wrong with the sweep, its scenario and its cells, each thing once, with its line.
    pub fn read(source: &Source<'_>, folder: &Path) -> Result<Self, CliError> {
        let (file, found) = source.parse();
        let mut mistakes = Mistakes::new(source, found);
        let matrix = file.and_then(|file| Self::of(file, source, folder, &mut mistakes));
        mistakes.result()?;
        // What isn't there has left a mistake.
        matrix.ok_or_else(|| CliError::BadInput(format!("{}: no sweep", source.path)))
    }

    fn of(file: SweepFile, source: &Source<'_>, folder: &Path, mistakes: &mut Mistakes<'_>) -> Option<Self> {
        let rank_by = file.rank_by.as_deref().and_then(|name| ranked_by(source, name).map_err(|wrong| mistakes.add(wrong)).ok());
        let axes = axes(source, &file, mistakes);
        let always = changes(&file.set, &[key("set")]);
        let count = axes.iter().try_fold(1_usize, |count, axis| count.checked_mul(axis.choices.len()));
        let count = count.filter(|count| *count <= MOST_CELLS);
        if count.is_none() {
            let sizes: Vec<String> = axes.iter().map(|axis| axis.choices.len().to_string()).collect();
            let text = format!("{}: {} cells; allowed: at most {MOST_CELLS}", source.path, sizes.join(" × "));
            mistakes.add(Mistake { place: (0, 0), text });
        }
        let scenario = folder.join(&file.scenario);
        let shown = scenario.display().to_string();
        let unread = |error| source.wrong(&[key("scenario")], &format!("\"{}\": {error}", file.scenario.display()), "a scenario file");
        let text = std::fs::read_to_string(&scenario).map_err(|error| mistakes.add(unread(error))).ok()?;
        let files = Files { folder: scenario.parent().unwrap_or(Path::new("")).to_path_buf() };
        let base = Scenario::parse(&text, &files);
        if let Err(errors) = Scenario::parse_all(&text, &files, &Factory::default()) {
            mistakes.of_base(&shown, errors);
        }
        let table: Table = text.parse().ok()?;
        let (name, of_base) = base.map_or((String::new(), (0, 0)), |base| (base.name, (base.seed, base.replications)));
        let (seed, seeds) = (file.seed.unwrap_or(of_base.0), file.seeds.unwrap_or(of_base.1));
        let mut cells = Vec::new();
        let mut wrong = 0;
        let count = count?;
        for at in 0..count {
            let (name, values, chosen) = combination(&axes, at);
            match cell((name, values), always.iter().chain(chosen), &table, &files, (seed, seeds), mistakes) {
                Some(cell) => cells.push(cell),
                None => wrong += 1,
            }
            if wrong == MOST_WRONG {
                mistakes.unread(count - at - 1);
                break;
            }
        }
        let name = file.name.unwrap_or(name);
        Some(Self { name, scenario, seed, seeds, rank_by, axes: axes.into_iter().map(|axis| axis.name).collect(), cells })
    }
}

/// Less is better in each of them.
fn ranked_by(source: &Source<'_>, name: &str) -> Result<&'static str, Mistake> {
    let mut known = NAMES.iter().map(|(name, _)| *name).filter(|name| *name != "utilisation");
    known.clone().find(|known| *known == name).ok_or_else(|| {
        let names = known.by_ref().collect::<Vec<_>>().join(", ");
        source.wrong(&[key("rank_by")], &format!("\"{name}\""), &format!("one of {names}"))
    })
}

/// A cell, if nothing is wrong with it.
fn cell<'c>(
    (name, values): (String, Vec<String>),
    changes: impl Iterator<Item = &'c Change>,
    base: &Table,
    files: &Files,
    seeds: (u64, u32),
    mistakes: &mut Mistakes<'_>,
) -> Option<CellSpec> {
    let mut table = base.clone();
    let mut done: Vec<(String, &Change)> = Vec::new();
    let mut lost = false;
    for change in changes {
        match path::set(&mut table, &change.path, change.value.clone()) {
            Ok(resolved) => done.push((resolved, change)),
            Err(allowed) => {
                mistakes.nowhere(change, &allowed);
                lost = true;
            }
        }
    }
    mistakes.read(&done);
    let hashing = Hashing::new(files);
    let scenario = match Scenario::from_table_all(&table, &hashing, &Factory::default()) {
        Ok(scenario) => scenario,
        Err(errors) => {
            errors.iter().for_each(|error| mistakes.of_cell(&name, &done, error));
            return None;
        }
    };
    let hash = key_of(&table, hashing.finish(), seeds);
    Some(CellSpec { requests: scenario.expected_requests(), name, values, table, hash }).filter(|_| !lost)
}
