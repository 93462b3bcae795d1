//! All that is wrong with a sweep, each thing once, however many cells it is in.

use std::collections::BTreeMap;

use simulator::ScenarioError;

use super::axes::Change;
use super::file::Source;
use crate::cli::CliError;
use crate::config::problem::{KeyPath, Step};

/// Whoever has made more is told about these first.
const MOST: usize = 20;

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mistake {
    /// Which file (0 the sweep, 1 the scenario, 2 neither alone) and which line of it.
    pub place: (u8, usize),
    pub text: String,
}

/// The cells that have a mistake.
#[derive(Default)]
struct Cells {
    first: String,
    count: usize,
    /// The change that brings it.
    change: Option<KeyPath>,
}

/// What has been found so far.
pub struct Mistakes<'a> {
    source: &'a Source<'a>,
    /// The scenario's name, and what is wrong with it before anything is changed.
    base: (String, Vec<ScenarioError>),
    found: BTreeMap<Mistake, Cells>,
    /// In how many cells each change is.
    changed: BTreeMap<KeyPath, usize>,
    /// Cells that nobody has looked at.
    unread: usize,
}

impl<'a> Mistakes<'a> {
    pub fn new(source: &'a Source<'a>, found: Vec<Mistake>) -> Self {
        let found = found.into_iter().map(|mistake| (mistake, Cells::default())).collect();
        Self { source, base: (String::new(), Vec::new()), found, changed: BTreeMap::new(), unread: 0 }
    }

    pub fn add(&mut self, mistake: Mistake) {
        self.found.entry(mistake).or_default();
    }

    /// The base scenario's own. A wrong `[autoscaler]` counts only where a cell has it: plans may bring another one.
    pub fn of_base(&mut self, file: &str, errors: Vec<ScenarioError>) {
        for error in errors.iter().filter(|error| !error.key.starts_with("autoscaler.")) {
            self.found.entry(in_base(file, error)).or_default();
        }
        self.base = (file.to_owned(), errors);
    }

    /// A change that leads nowhere.
    pub fn nowhere(&mut self, change: &Change, allowed: &str) {
        let mistake = self.source.wrong(&change.steps, "a path that leads nowhere", allowed);
        self.found.entry(mistake).or_default();
    }

    /// Counts what was changed in a cell, to know whether a mistake comes from one of these alone.
    pub fn read(&mut self, changes: &[(String, &Change)]) {
        for (_, change) in changes {
            *self.changed.entry(KeyPath(change.steps.clone())).or_default() += 1;
        }
    }

    /// A mistake of a cell. The last of its changes that concerns the key is to blame; else the scenario, if it has the same; else nobody
    /// alone.
    pub fn of_cell(&mut self, name: &str, changes: &[(String, &Change)], error: &ScenarioError) {
        let blamed = changes.iter().rev().find(|(path, _)| concerns(path, &error.key));
        let same = |own: &&ScenarioError| (&own.key, &own.value, &own.allowed) == (&error.key, &error.value, &error.allowed);
        let (mistake, change) = match (blamed, self.base.1.iter().find(same)) {
            (Some((path, change)), _) => {
                let mut steps = change.steps.clone();
                steps.extend(below(path, &error.key));
                (self.source.wrong(&steps, &error.value, &error.allowed), Some(KeyPath(change.steps.clone())))
            }
            (None, Some(own)) => (in_base(&self.base.0, own), None),
            (None, None) => (Mistake { place: (2, 0), text: format!("{}: {error}", self.source.path) }, None),
        };
        let cells = self.found.entry(mistake).or_insert_with(|| Cells { first: name.to_owned(), count: 0, change });
        cells.count += 1;
    }

    /// So many cells are left out, because enough is wrong already.
    pub fn unread(&mut self, cells: usize) {
        self.unread = cells;
    }

    /// Nothing, or everything as one message.
    pub fn result(self) -> Result<(), CliError> {
        let Self { source, found, changed, unread, .. } = self;
        let more = found.len().saturating_sub(MOST);
        let told = |(mistake, cells): (&Mistake, &Cells)| {
            let alone = match &cells.change {
                Some(change) => changed.get(change).is_none_or(|all| cells.count >= *all),
                None => mistake.place.0 < 2,
            };
            let others = match cells.count {
                0 | 1 => String::new(),
                2 => " and one more".to_owned(),
                count => format!(" and {} more", count - 1),
            };
            if alone { mistake.text.clone() } else { format!("{} (in the cell “{}”{others})", mistake.text, cells.first) }
        };
        let mut lines: Vec<String> = found.iter().take(MOST).map(told).collect();
        if more > 0 {
            lines.push(format!("and {more} more"));
        }
        if unread > 0 {
            lines.push(format!("{}: {unread} cells were not read", source.path));
        }
        if lines.is_empty() { Ok(()) } else { Err(CliError::BadInput(lines.join("\n"))) }
    }
}

fn in_base(file: &str, error: &ScenarioError) -> Mistake {
    Mistake { place: (1, error.line.unwrap_or(0)), text: format!("{file}: {error}") }
}

/// Whether a key of the scenario is the one that was set, or one inside or around it.
fn concerns(set: &str, wrong: &str) -> bool {
    inside(set, wrong).is_some() || inside(wrong, set).is_some()
}

fn inside<'k>(outer: &str, inner: &'k str) -> Option<&'k str> {
    inner.strip_prefix(outer).filter(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

/// The steps from what was set to the key in it that is wrong.
fn below(set: &str, wrong: &str) -> Vec<Step> {
    let parts = inside(set, wrong).unwrap_or_default().split(['.', '[']).filter(|part| !part.is_empty());
    let step = |part: &str| match part.strip_suffix(']').map(str::parse) {
        Some(Ok(at)) => Step::At(at),
        _ => Step::Key(part.to_owned()),
    };
    parts.map(step).collect()
}
