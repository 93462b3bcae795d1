//! Which cell is best, and whether that is real. All cells see the same arrivals and the same work (common random numbers), so they are
//! compared seed by seed. The claims of the sentence hold together at 95 % (Bonferroni): among many cells, one looks better by chance.

use std::cmp::Ordering;

use serde::Serialize;

use crate::api::dto::{Cell, Difference, Figure};
use crate::jobs::compare::{paired, signed};
use crate::jobs::figures::NAMES;
use crate::jobs::report::{interval, number};

const CONFIDENCE: f64 = 0.95;
/// What users see, in the order in which it counts.
const BY: [&str; 3] = ["violation_minutes", "error_ratio", "latency_p99_ms"];
/// Decides where the first figure is the same.
const THEN: [&str; 4] = ["violation_minutes", "error_ratio", "latency_p99_ms", "replica_hours"];
/// Names that a sentence can hold.
const NAMED: usize = 3;

/// The cells in order, and what that says.
#[derive(Debug, Serialize)]
pub struct Ranking {
    /// The figure that decides.
    pub by: &'static str,
    /// In order of rank; cells without a result last.
    pub rows: Vec<Ranked>,
    /// What won, and whether the difference is real.
    pub sentence: String,
}

/// A cell's place.
#[derive(Debug, Serialize)]
pub struct Ranked {
    /// Its number.
    pub cell: u32,
    /// Against the first, with a 95 % interval of its own; absent for the first and without a result.
    pub against_first: Option<Difference>,
    /// Whether it is really worse than the first, all comparisons together at 95 %.
    pub worse: bool,
}

fn figure<'a>(cell: &'a Cell, name: &str) -> Option<&'a Figure> {
    cell.figures.get(name).filter(|_| cell.error.is_none())
}

/// Ranks by the figure that is asked for, or by the first that users feel and in which the cells differ.
pub fn rank(cells: &[Cell], asked: Option<&'static str>) -> Ranking {
    let value = |cell: &Cell, name: &str| figure(cell, name).map(|figure| figure.value);
    let differ = |name: &&&str| {
        let mut values = cells.iter().filter_map(|cell| value(cell, name));
        values.next().is_some_and(|first| values.any(|other| other.to_bits() != first.to_bits()))
    };
    let by = asked.or_else(|| BY.iter().find(differ).copied()).unwrap_or("latency_p99_ms");
    let compare = |left: &Cell, right: &Cell| {
        let one = |name: &str| match (value(left, name), value(right, name)) {
            (Some(left), Some(right)) => left.total_cmp(&right),
            (left, right) => right.is_some().cmp(&left.is_some()),
        };
        THEN.iter().fold(one(by), |order, name| order.then_with(|| one(name))).then(left.index.cmp(&right.index))
    };
    let mut sorted: Vec<&Cell> = cells.iter().collect();
    sorted.sort_by(|left, right| (value(left, by).is_none()).cmp(&value(right, by).is_none()).then_with(|| compare(left, right)));
    let (known, unknown): (Vec<&Cell>, Vec<&Cell>) = sorted.into_iter().partition(|cell| figure(cell, by).is_some());
    let rows = known.iter().map(|cell| against(cell, known.first().copied(), by, known.len()));
    let none = |cell: &&Cell| Ranked { cell: cell.index, against_first: None, worse: false };
    let rows: Vec<Ranked> = rows.chain(unknown.iter().map(none)).collect();
    Ranking { by, sentence: sentence(&known, unknown.len(), &rows, by), rows }
}

fn against(cell: &Cell, first: Option<&Cell>, by: &str, count: usize) -> Ranked {
    let of_first = first.filter(|first| first.index != cell.index).and_then(|first| figure(first, by));
    let pair = figure(cell, by).zip(of_first).filter(|(own, of_first)| own.seeds.len() == of_first.seeds.len());
    let with = |confidence: f64| pair.map(|(own, of_first)| paired(&own.seeds, &of_first.seeds, confidence));
    let together = 1.0 - (1.0 - CONFIDENCE) / count.saturating_sub(1).max(1) as f64;
    let worse = with(together).is_some_and(|difference| difference.real && difference.value > 0.0);
    Ranked { cell: cell.index, against_first: with(CONFIDENCE), worse }
}

fn words(name: &str) -> &str {
    NAMES.iter().find(|(known, _)| *known == name).map_or(name, |(_, words)| words)
}

/// Shares are read in per cent.
pub fn factor(name: &str) -> (f64, &'static str) {
    if matches!(name, "error_ratio" | "utilisation") { (100.0, " %") } else { (1.0, "") }
}

/// "34.2 (95 %: 33.9 to 34.5)".
pub fn shown(figure: &Figure, name: &str) -> String {
    let (factor, unit) = factor(name);
    let value = number(figure.value * factor);
    let range = interval(figure.low, figure.high, |end| number(end * factor));
    range.map_or_else(|| format!("{value}{unit}"), |range| format!("{value}{unit} ({range})"))
}

/// The same of a difference.
pub fn apart(difference: &Difference, name: &str) -> String {
    let (factor, unit) = factor(name);
    let value = signed(difference.value * factor);
    let range = interval(difference.low, difference.high, |end| signed(end * factor));
    range.map_or_else(|| format!("{value}{unit}"), |range| format!("{value}{unit} ({range})"))
}

fn sentence(known: &[&Cell], unknown: usize, rows: &[Ranked], by: &str) -> String {
    let lost = match unknown {
        0 => String::new(),
        1 => " One cell has no result.".to_owned(),
        many => format!(" {many} cells have no result."),
    };
    let lost = none_keeps_the_slo(known) + &lost;
    let Some((first, of_first)) = known.first().and_then(|first| Some((first, figure(first, by)?))) else {
        return format!("Nothing can be ranked by {}: no cell has it.{lost}", words(by));
    };
    let lead = format!("“{}” comes first with {} {}", first.name, words(by), shown(of_first, by));
    let others = known.len() - 1;
    if others == 0 {
        return format!("{lead}; there is nothing to compare it with.{lost}");
    }
    let seeds = of_first.seeds.len();
    if seeds < 2 {
        return format!("{lead}, but with one seed nobody can tell whether a difference is real: ask for two or more.{lost}");
    }
    let alike: Vec<&Cell> = known.iter().zip(rows).skip(1).filter(|(_, row)| !row.worse).map(|(cell, _)| *cell).collect();
    let how = format!("paired over {seeds} seeds, Student's t, 95 % for all comparisons together");
    let next = rows.get(1).and_then(|row| row.against_first.as_ref());
    let verdict = if alike.is_empty() {
        let next = known
            .get(1)
            .zip(next)
            .map_or_else(String::new, |(next, found)| format!(" The next, “{}”, has {}.", next.name, apart(found, by)));
        let whom = if others == 1 { "the other one".to_owned() } else { format!("each of the other {others}") };
        format!(", and that is real: it beats {whom} beyond chance ({how}).{next}")
    } else {
        let mut names: Vec<String> = alike.iter().take(NAMED).map(|cell| format!("“{}”", cell.name)).collect();
        if alike.len() > NAMED {
            names.push(format!("{} more", alike.len() - NAMED));
        }
        let beaten = match others - alike.len() {
            0 => String::new(),
            1 => " It really beats the last one.".to_owned(),
            beaten => format!(" It really beats the other {beaten}."),
        };
        format!(", but that may be chance: it can't be told from {} ({how}).{beaten}", names.join(", "))
    };
    lead + &verdict + &cheapest(first, &alike, by) + &lost
}

/// The best of what isn't good enough is still not good enough.
fn none_keeps_the_slo(known: &[&Cell]) -> String {
    let minutes = known.iter().filter_map(|cell| Some(figure(cell, "violation_minutes")?.value));
    let least = minutes.fold(f64::INFINITY, f64::min);
    if !least.is_finite() || least == 0.0 {
        return String::new();
    }
    format!(" But no cell keeps the SLO in every minute: even the best of them has {} violation minutes a run.", number(least))
}

/// Among those that are as good as the first, the one that needs really fewer replica-hours.
fn cheapest(first: &Cell, alike: &[&Cell], by: &str) -> String {
    const HOURS: &str = "replica_hours";
    let Some(of_first) = figure(first, HOURS).filter(|_| by != HOURS && by != "cost") else { return String::new() };
    let found = alike.iter().filter_map(|cell| {
        let own = figure(cell, HOURS)?;
        let difference = paired(&own.seeds, &of_first.seeds, CONFIDENCE);
        (difference.real && difference.value < 0.0).then_some((cell, own))
    });
    let least = found.min_by(|(_, left), (_, right)| left.value.total_cmp(&right.value).then(Ordering::Equal));
    least.map_or_else(String::new, |(cell, own)| {
        format!(" Of these, “{}” needs the fewest replica-hours: {} instead of {}.", cell.name, number(own.value), number(of_first.value))
    })
}
