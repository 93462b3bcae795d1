//! All that is wrong with a scenario, not the first alone.
//!
//! The reader stops at the first mistake. So the mistake is taken out and the rest read again, as often as needed; where a key can't be done
//! without, the table around it is taken out, and at last its whole section is replaced by a plain one. A key that is missing in a section from which something was taken, and settings
//! that don't go together, are not reported beyond the first mistake: they may come from what was taken out.

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

    /// [`Scenario::parse_all`] of a table that was put together in code: errors have no line, and are in the order in which they were found.
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
        read(table).map_err(|first| all(table.clone(), first, read))
    }
}

fn all(mut table: Table, first: ScenarioError, read: impl Fn(&Table) -> Result<Scenario, ScenarioError>) -> Vec<ScenarioError> {
    let (mut found, mut taken, mut replaced, mut touched) = (Vec::new(), BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    let mut next = Some(first);
    for _ in 0..ROUNDS {
        let Some(error) = next.take() else { break };
        let known = taken.contains(&error.key);
        let section = parts(&error.key).next().map(|(name, place)| (name.to_owned(), place));
        if found.is_empty() || (!known && !may_be_ours(&error, touched.contains(&section))) {
            found.push(error.clone());
        }
        if found.len() == MOST {
            break;
        }
        touched.insert(section);
        let again = !known && taken.insert(error.key.clone()) && take_out(&mut table, &error.key);
        if !again && !take_out_around(&mut table, &error.key) && !replace_section(&mut table, &error.key, &mut replaced) {
            break;
        }
        next = read(&table).err();
    }
    found
}

/// Whether an error may come from what was taken out: out of its own section, or out of one that it goes together with.
fn may_be_ours(error: &ScenarioError, touched: bool) -> bool {
    let missing = error.value == "missing" || error.value.starts_with("wrong: missing");
    // A section that isn't there may have been misspelt.
    // What is "there" doesn't go with another section.
    (missing && (touched || !error.key.contains('.'))) || error.across || error.value == "there"
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

/// Takes out the innermost table or list around a key, but not its whole section; false if there is none.
fn take_out_around(root: &mut Table, path: &str) -> bool {
    let ends = path.match_indices(['.', '[']).map(|(at, _)| &path[..at]);
    let around: Vec<&str> = ends.filter(|around| around.contains('.')).collect();
    around.iter().rev().any(|around| take_out(root, around))
}

const WORKLOAD: &str = "arrivals = { kind = \"poisson\", rate_rps = 1.0 }";
const POOL: &str = "concurrency = 1\nservice_time = { dist = \"exponential\", mean_ms = 1.0 }";
const FAULT: &str = "kind = \"crash\"\nat = \"0s\"\nlasts = \"1s\"";

/// Replaces the section that a path is in by one that is well; false if that has been done before.
fn replace_section(root: &mut Table, path: &str, replaced: &mut BTreeSet<String>) -> bool {
    let Some((name, place)) = parts(path).next() else { return false };
    if !replaced.insert(format!("{name} {place:?}")) {
        return false;
    }
    let plain = |text: &str| text.parse::<Table>().unwrap_or_default();
    match (name, place) {
        ("workload", _) => {
            root.insert(name.to_owned(), Value::Table(plain(WORKLOAD)));
        }
        ("requests" | "duration", _) => {
            root.remove("duration");
            root.insert("requests".to_owned(), Value::Integer(1));
        }
        ("pools" | "dependencies" | "faults", Some(place)) => {
            let Some(old) = root.get_mut(name).and_then(Value::as_array_mut).and_then(|list| list.get_mut(place)) else { return false };
            let mut section = plain(if name == "faults" { FAULT } else { POOL });
            for key in ["name", "region"] {
                if let Some(value) = old.get(key).filter(|_| name != "faults") {
                    section.insert(key.to_owned(), value.clone());
                }
            }
            *old = Value::Table(section);
        }
        ("pools", None) => {
            root.insert(name.to_owned(), Value::Array(vec![Value::Table(plain(POOL))]));
        }
        _ => return root.remove(name).is_some(),
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::autoscale::NoAutoscaler;

    fn found(text: &str) -> Vec<(Option<usize>, String)> {
        let errors = Scenario::parse_all(text, &(), &NoAutoscaler).unwrap_err();
        errors.into_iter().map(|error| (error.line, error.key)).collect()
    }

    #[test]
    fn every_mistake_is_named_in_the_order_of_lines_and_nothing_that_is_none() {
        let text = "requests = 10\nseed = -4\nwarmup = 12\n[workload]\narrivals = { kind = \"poisson\", rate_rps = -6.4 }\n\
                    classes = [{ name = \"a\", share = 0 }]\n[users]\ncount = 0\n[sessions]\nstore = { dist = \"exponential\", mean_ms = 1 }\n\
                    [balancer]\nalgorithm = \"best\"\npassive = { max_fails = 2, timeout = 3 }\n[slo]\nlatency_ms = 5\n[[pools]]\nname = \"app\"\nreplicas = -1\n\
                    concurrency = 0\nservice_time = { dist = \"normal\", mean_ms = 4 }\n[[pools]]\nspeed = nan\nconcurrency = 2\n\
                    service_time = { dist = \"gamma\", scv = 2, mean_ms = 4 }\n[[faults]]\nkind = \"fire\"\nat = \"1s\"\nlasts = \"1s\"\n\
                    [[faults]]\nkind = \"crash\"\nat = \"now\"\nlasts = \"1s\"\n";
        let expected = [
            (2, "seed"),
            (3, "warmup"),
            (5, "workload.arrivals.rate_rps"),
            (8, "users.count"),
            (12, "balancer.algorithm"),
            (13, "balancer.passive"),
            (14, "slo.percentile"),
            (18, "pools[0].replicas"),
            (19, "pools[0].concurrency"),
            (22, "pools[1].speed"),
            (26, "faults[0].kind"),
            (31, "faults[1].at"),
        ];
        assert_eq!(found(text), expected.map(|(line, key)| (Some(line), key.to_owned())));
    }

    #[test]
    fn one_mistake_stays_one_and_a_good_scenario_has_none() {
        let good = "requests = 10\n[workload]\narrivals = { kind = \"poisson\", rate_rps = 6.4 }\n[[pools]]\nconcurrency = 2\n\
                    service_time = { dist = \"exponential\", mean_ms = 4 }\n";
        assert_eq!(Scenario::parse_all(good, &(), &NoAutoscaler), Scenario::parse(good, &()).map_err(|error| vec![error]));
        assert_eq!(found(&good.replace("concurrency", "concurency")), [(Some(5), "pools[0].concurency".to_owned())]);
        assert_eq!(found(&good.replace("[workload]", "[work]")), [(Some(2), "work".to_owned())]);
        assert_eq!(found(&good.replace("requests = 10", "")), [(None, "requests".to_owned())]);
        let other_end = good.replace("requests = 10", "requests = 10\nduration = \"1h\"");
        assert_eq!(found(&other_end), [(Some(2), "duration".to_owned())]);
        assert_eq!(found("requests = ["), [(None, "line 1".to_owned())]);
    }

    #[test]
    fn no_scenario_has_more_mistakes_than_people_read() {
        let unknown: String = (0..100).map(|i| format!("key{i} = {i}\n")).collect();
        assert_eq!(found(&unknown).len(), MOST);
    }
}
