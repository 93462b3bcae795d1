//! All that is wrong with a scenario, not the first alone.
//!
//! The reader stops at the first mistake. So the mistake is taken out and the rest read again, as often as needed; where a key can't be
//! done without, the table around it is taken out, or it gets a plain value, and at last its whole section is replaced by a plain one. A
//! key that is missing where something was taken or misspelt, and settings that don't go together, are not reported beyond the first
//! mistake: they may come from what was taken out.

use std::collections::BTreeSet;

use toml::{Table, Value};

use super::{Scenario, ScenarioError, SeriesSource, lines};
use crate::autoscale::AutoscalerFactory;

/// Whoever has made more is told about these first. Each costs another reading.
const MOST: usize = 20;
/// Takings-out in all, those that report nothing included.
const ROUNDS: usize = 60;

impl Scenario {
    /// [`Scenario::parse`] that names every mistake it can find (at most 20), in the order of the file's lines. `autoscalers` reads the
    /// `[autoscaler]` table.
    ///
    /// # Errors
    /// At least one [`ScenarioError`].
    pub fn parse_all(text: &str, source: &dyn SeriesSource, autoscalers: &dyn AutoscalerFactory) -> Result<Self, Vec<ScenarioError>> {
        // Without a table there is nothing to go on with.
        let Ok(table) = text.parse::<Table>() else { return Self::parse(text, source).map_err(|error| vec![error]) };
        Self::from_table_all(&table, source, autoscalers).map_err(|found| {
            let mut found: Vec<ScenarioError> = found.into_iter().map(|error| lines::locate(error, text)).collect();
            found.sort_by_key(|error| error.line);
            found
        })
    }

    /// [`Scenario::parse_all`] of a table that was put together in code: errors have no line, and come in the order in which they are found.
    ///
    /// # Errors
    /// As [`Scenario::parse_all`].
    pub fn from_table_all(
        table: &Table,
        source: &dyn SeriesSource,
        autoscalers: &dyn AutoscalerFactory,
    ) -> Result<Self, Vec<ScenarioError>> {
        let read = |table: &Table| {
            let scenario = Self::from_table(table, source)?;
            autoscalers.build(scenario.autoscaler.as_ref(), &scenario, 0).map(|_| scenario)
        };
        read(table).map_err(|first| all(table.clone(), first, &autoscalers.stand_ins(), read))
    }
}

fn all(
    mut table: Table,
    first: ScenarioError,
    autoscaler: &Table,
    read: impl Fn(&Table) -> Result<Scenario, ScenarioError>,
) -> Vec<ScenarioError> {
    let (mut found, mut replaced, mut out) = (Vec::new(), BTreeSet::new(), Out::default());
    let mut next = Some(first);
    for _ in 0..ROUNDS {
        let Some(error) = next.take() else { break };
        let known = out.taken.contains(&error.key);
        if found.is_empty() || (!known && !out.may_cause(&error)) {
            found.push(error.clone());
        }
        if found.len() == MOST {
            break;
        }
        out.note(&error);
        let again = (!known && take_out(&mut table, &error.key))
            || out.and_around(take_out_around(&mut table, &error.key))
            || mend(&mut table, &error.key, autoscaler);
        if !again && !replace_section(&mut table, &error.key, &mut replaced) {
            break;
        }
        next = read(&table).err();
    }
    found
}

/// What has been taken out.
#[derive(Default)]
struct Out {
    /// By path.
    taken: BTreeSet<String>,
    /// Tables with a key that nobody knows: what they miss may be that one, misspelt.
    misspelt: BTreeSet<String>,
}

impl Out {
    fn note(&mut self, error: &ScenarioError) {
        self.taken.insert(error.key.clone());
        if error.value.starts_with("an unknown key") {
            self.misspelt.insert(table_of(&error.key).to_owned());
        }
    }

    /// Something around a key had to go too, if it had.
    fn and_around(&mut self, around: Option<String>) -> bool {
        around.map(|around| self.taken.insert(around)).is_some()
    }

    /// Whether an error may come from what was taken out, or out of a section that its own goes together with.
    fn may_cause(&self, error: &ScenarioError) -> bool {
        let missing = error.value == "missing" || error.value.starts_with("wrong: missing");
        let table = table_of(&error.key);
        let misspelt = self.misspelt.contains(table);
        let gone = || ends(&error.key).any(|around| self.taken.contains(around));
        // A section that isn't there may have been misspelt; what is "there" doesn't go with another section.
        (missing && (table.is_empty() || misspelt || gone()))
            || (misspelt && error.allowed.starts_with("nothing"))
            || error.value == "there"
            || self.taken.iter().any(|taken| chooses(taken, table))
            || error.across.iter().any(|key| self.concerns(key))
    }

    /// Whether a key elsewhere is one that was taken out, or may have been misspelt.
    fn concerns(&self, key: &str) -> bool {
        let misspelt = |table: &String| table.is_empty() || without_places(table) == table_of(key);
        self.misspelt.iter().any(misspelt) || self.taken.iter().any(|taken| touch(&without_places(taken), key))
    }
}

/// Whether a key says which others its table has.
fn chooses(key: &str, table: &str) -> bool {
    key.rsplit_once('.').is_some_and(|(of, last)| of == table && matches!(last, "kind" | "pick" | "policy" | "dist"))
}

/// `pools[0].name` is `pools.name`.
fn without_places(path: &str) -> String {
    path.split('[').enumerate().map(|(at, part)| if at == 0 { part } else { part.split_once(']').map_or("", |(_, rest)| rest) }).collect()
}

/// Whether a key is the other one, or in it.
fn touch(one: &str, other: &str) -> bool {
    let inside = |outer: &str, inner: &str| inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
    inside(one, other) || inside(other, one)
}

/// The path of the table that a key is in; empty for the root.
fn table_of(path: &str) -> &str {
    path.rsplit_once('.').map_or("", |(table, _)| table)
}

/// The paths of everything around a key, from the outside in.
fn ends(path: &str) -> impl DoubleEndedIterator<Item = &str> {
    path.match_indices(['.', '[']).map(|(at, _)| &path[..at])
}

/// A part of a path: its name, and the place in its list.
fn parts(path: &str) -> impl Iterator<Item = (&str, Option<usize>)> {
    path.split('.').map(|part| match part.split_once('[') {
        Some((name, place)) => (name, place.trim_end_matches(']').parse().ok()),
        None => (part, None),
    })
}

/// Takes a key out; false if it isn't there, or is a part of a list (others would change their places).
fn take_out(root: &mut Table, path: &str) -> bool {
    let parts: Vec<_> = parts(path).collect();
    let Some(((last, None), way)) = parts.split_last() else { return false };
    let mut table = root;
    for (name, place) in way {
        let Some(value) = table.get_mut(*name) else { return false };
        let inner = match place {
            None => Some(value),
            Some(place) => value.as_array_mut().and_then(|list| list.get_mut(*place)),
        };
        let Some(inner) = inner.and_then(Value::as_table_mut) else { return false };
        table = inner;
    }
    table.remove(*last).is_some()
}

/// Takes out the innermost table or list around a key, but not its whole section; says which, if there is one.
fn take_out_around(root: &mut Table, path: &str) -> Option<String> {
    ends(path).rev().filter(|around| around.contains('.')).find(|around| take_out(root, around)).map(str::to_owned)
}

const WORKLOAD: &str = "arrivals = { kind = \"poisson\", rate_rps = 1.0 }";
const POOL: &str = "concurrency = 1\nservice_time = { dist = \"exponential\", mean_ms = 1.0 }";
const SLO: &str = "latency_ms = 1.0\npercentile = 99.0";
const FAULT: &str = "kind = \"crash\"\nat = \"0s\"\nlasts = \"1s\"";

/// A section of this name that is well; empty if any may be left out.
fn plain(name: &str) -> Table {
    let text = match name {
        "workload" => WORKLOAD,
        "pools" | "dependencies" => POOL,
        "faults" => FAULT,
        "slo" => SLO,
        _ => "",
    };
    text.parse().unwrap_or_default()
}

/// The table of a section.
fn section_of<'t>(root: &'t mut Table, name: &str, place: Option<usize>) -> Option<&'t mut Table> {
    let value = root.get_mut(name)?;
    match place {
        None => value.as_table_mut(),
        Some(place) => value.as_array_mut()?.get_mut(place)?.as_table_mut(),
    }
}

/// Gives a section a value that is well for a key that it can't be without; false if that isn't known, or has been done.
fn mend(root: &mut Table, path: &str, autoscaler: &Table) -> bool {
    let parts: Vec<_> = parts(path).collect();
    let [(name, place), (key, None)] = parts[..] else { return false };
    let value = if name == "autoscaler" { autoscaler.get(key).cloned() } else { plain(name).remove(key) };
    let (Some(value), Some(table)) = (value, section_of(root, name, place)) else { return false };
    table.insert(key.to_owned(), value.clone()) != Some(value)
}

/// Replaces the section that a path is in by one that is well; false if that has been done before.
fn replace_section(root: &mut Table, path: &str, replaced: &mut BTreeSet<String>) -> bool {
    let Some((name, place)) = parts(path).next() else { return false };
    if !replaced.insert(format!("{name} {place:?}")) {
        return false;
    }
    match (name, place) {
        ("workload", _) => {
            root.insert(name.to_owned(), Value::Table(plain(name)));
        }
        ("requests" | "duration", _) => {
            root.remove("duration");
            root.insert("requests".to_owned(), Value::Integer(1));
        }
        ("pools" | "dependencies" | "faults", Some(_)) => {
            let Some(old) = section_of(root, name, place) else { return false };
            let mut section = plain(name);
            for key in ["name", "region"] {
                if let Some(value) = old.get(key).filter(|_| name != "faults") {
                    section.insert(key.to_owned(), value.clone());
                }
            }
            *old = section;
        }
        ("pools", None) => {
            root.insert(name.to_owned(), Value::Array(vec![Value::Table(plain(name))]));
        }
        _ => return root.remove(name).is_some(),
    }
    true
}

#[cfg(test)]
mod tests;
