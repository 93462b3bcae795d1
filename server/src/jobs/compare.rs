//! Cells against a baseline. All cells of a job see the same arrivals and the same work (common random numbers), so differences are taken
//! seed by seed: what chance does to both cancels out, for means more than for tails.

use std::collections::BTreeMap;

use simulator::stats::t_interval;

use super::figures::NAMES;
use crate::api::dto::{Cell, Comparison, ComparisonRow, Difference};

/// Every finished cell against `baseline` (the first finished one when absent or without a result); `None` with fewer than two.
pub fn compare(cells: &[Cell], baseline: Option<u32>) -> Option<Comparison> {
    let finished: Vec<&Cell> = cells.iter().filter(|cell| cell.error.is_none()).collect();
    let base = finished.iter().find(|cell| Some(cell.index) == baseline).or(finished.first())?;
    let others = finished.iter().filter(|cell| cell.index != base.index);
    let rows: Vec<ComparisonRow> = others.map(|cell| ComparisonRow { cell: cell.index, differences: differences(cell, base) }).collect();
    if rows.is_empty() {
        return None;
    }
    Some(Comparison { baseline: base.index, sentence: sentence(base, &rows, &finished), rows })
}

fn differences(cell: &Cell, base: &Cell) -> BTreeMap<String, Difference> {
    let mut found = BTreeMap::new();
    for (name, figure) in &cell.figures {
        let Some(of_base) = base.figures.get(name).filter(|of_base| of_base.seeds.len() == figure.seeds.len()) else { continue };
        found.insert(name.clone(), paired(&figure.seeds, &of_base.seeds, 0.95));
    }
    found
}

/// Mean difference of two lists of values, seed by seed, with its interval (Student's t) at this confidence.
pub(crate) fn paired(of_cell: &[f64], of_base: &[f64], confidence: f64) -> Difference {
    let apart: Vec<f64> = of_cell.iter().zip(of_base).map(|(cell, base)| cell - base).collect();
    let interval = t_interval(&apart, confidence);
    Difference {
        value: apart.iter().sum::<f64>() / apart.len().max(1) as f64,
        low: interval.map(|interval| interval.0),
        high: interval.map(|interval| interval.1),
        // Both ends zero: every seed agrees that nothing differs.
        real: interval.is_some_and(|interval| interval.0 > 0.0 || interval.1 < 0.0),
    }
}

/// What is better, in the order in which it counts: fewer violation minutes; else fewer errors; else as few for fewer replica-hours; else a
/// lower p99, at best for no more replica-hours.
fn sentence(base: &Cell, rows: &[ComparisonRow], cells: &[&Cell]) -> String {
    let seeds = base.figures.values().next().map_or(0, |figure| figure.seeds.len());
    if seeds < 2 {
        return "With one seed nobody can tell whether a difference is real: ask for two or more.".to_owned();
    }
    let lower = |row: &&ComparisonRow, name: &str| row.differences.get(name).is_some_and(|found| found.real && found.value < 0.0);
    let higher = |row: &&ComparisonRow, name: &str| row.differences.get(name).is_some_and(|found| found.real && found.value > 0.0);
    let users_lose = |row: &&ComparisonRow| higher(row, "violation_minutes") || higher(row, "error_ratio");
    let least = |name: &'static str, rows: Vec<&ComparisonRow>| -> Option<ComparisonRow> {
        let value = |row: &ComparisonRow| row.differences.get(name).map_or(f64::INFINITY, |found| found.value);
        rows.into_iter().min_by(|left, right| value(left).total_cmp(&value(right))).cloned()
    };
    let safer = rows.iter().filter(|row| lower(row, "violation_minutes") && !higher(row, "error_ratio")).collect();
    let cheaper = rows.iter().filter(|row| lower(row, "replica_hours") && !users_lose(row)).collect();
    let surer = rows.iter().filter(|row| lower(row, "error_ratio") && !higher(row, "violation_minutes")).collect();
    let faster: Vec<&ComparisonRow> = rows.iter().filter(|row| lower(row, "latency_p99_ms") && !users_lose(row)).collect();
    let (dearer, faster) = faster.into_iter().partition(|row| higher(row, "replica_hours"));
    let won = least("violation_minutes", safer)
        .map(|row| (row, "has fewer violation minutes"))
        .or_else(|| least("error_ratio", surer).map(|row| (row, "fails fewer requests")))
        .or_else(|| least("replica_hours", cheaper).map(|row| (row, "keeps the promise as well for fewer replica-hours")))
        .or_else(|| least("latency_p99_ms", faster).map(|row| (row, "is faster for no more replica-hours")))
        .or_else(|| least("latency_p99_ms", dearer).map(|row| (row, "is faster for more replica-hours")));
    let name = |index: u32| cells.iter().find(|cell| cell.index == index).map_or("", |cell| cell.name.as_str());
    let base_name = name(base.index);
    let verdict = match won {
        Some((row, how)) => {
            let worse = spelled(&row, |value| value > 0.0);
            let but = if worse.is_empty() { String::new() } else { format!(" What is worse with it: {worse}.") };
            let better = spelled(&row, |value| value < 0.0);
            format!("“{}” {how} than “{base_name}”, and that is no chance: {better}.{but}", name(row.cell))
        }
        None if rows.iter().all(|row| users_lose(&row)) => {
            let nearest = least("violation_minutes", rows.iter().collect());
            let nearest = nearest
                .map_or(String::new(), |row| format!(" The nearest, “{}”: {}.", name(row.cell), spelled(&row, |value| value != 0.0)));
            let with = match rows {
                [only] => format!("“{}”", name(only.cell)),
                _ => "every other cell".to_owned(),
            };
            format!("“{base_name}” is best: with {with} users are really worse off.{nearest}")
        }
        None => format!("Nothing is better than “{base_name}” beyond chance, over {seeds} seeds."),
    };
    verdict + &none_holds(cells)
}

/// The best of what doesn't hold isn't good: beyond this share of failed requests in each cell the sentence says so.
const FAILING: f64 = 0.05;

fn none_holds(cells: &[&Cell]) -> String {
    let errors = cells.iter().map(|cell| cell.figures.get("error_ratio").map_or(0.0, |figure| figure.value));
    let least = errors.fold(f64::INFINITY, f64::min);
    if least.is_finite() && least > FAILING {
        return format!(
            " But none of them holds this load: {} % of the requests or more fail in each.",
            super::report::number(least * 100.0)
        );
    }
    String::new()
}

/// The differences that are real and go the `way`, in words. Less is better in all of them but utilisation, which is neither.
fn spelled(row: &ComparisonRow, way: impl Fn(f64) -> bool) -> String {
    let real = NAMES.iter().filter_map(|(name, words)| {
        let found =
            row.differences.get(*name).filter(|found| found.real && way(found.value) && !matches!(*name, "cost" | "utilisation"))?;
        // Shares are read in per cent.
        let (factor, unit) = if *name == "error_ratio" { (100.0, " [%]") } else { (1.0, "") };
        let range = super::report::interval(found.low, found.high, |end| signed(end * factor));
        let range = range.map_or_else(String::new, |range| format!(" (95 %: {range})"));
        Some(format!("{words}{unit} {}{range}", signed(found.value * factor)))
    });
    real.collect::<Vec<_>>().join("; ")
}

/// Three digits and always a sign.
pub(crate) fn signed(value: f64) -> String {
    let text = super::report::number(value.abs());
    if value < 0.0 { format!("−{text}") } else { format!("+{text}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::dto::Figure;

    fn cell(index: u32, name: &str, figures: &[(&str, [f64; 4])]) -> Cell {
        let figure = |seeds: &[f64; 4]| Figure { value: seeds[0], low: None, high: None, seeds: seeds.to_vec() };
        let figures = figures.iter().map(|(name, seeds)| ((*name).to_owned(), figure(seeds))).collect();
        Cell { index, name: name.to_owned(), requests: 1, error: None, figures, timeline: Vec::new() }
    }

    #[test]
    fn differences_are_paired_by_seed() {
        // Apart by 1 within each seed, by much more between them: unpaired, nobody could tell.
        let base = cell(0, "base", &[("latency_p99_ms", [100.0, 200.0, 300.0, 400.0])]);
        let other = cell(1, "other", &[("latency_p99_ms", [99.0, 198.9, 299.1, 399.0])]);
        let comparison = compare(&[base, other], None).unwrap();
        let difference = comparison.rows[0].differences["latency_p99_ms"];
        assert!(difference.real && (difference.value + 1.0).abs() < 1e-9 && difference.high.unwrap() < 0.0, "{difference:?}");
        assert!(comparison.sentence.starts_with("“other” is faster for no more replica-hours than “base”"), "{}", comparison.sentence);
    }

    #[test]
    fn what_users_see_counts_before_what_it_costs() {
        let base = cell(
            0,
            "base",
            &[("violation_minutes", [10.0, 11.0, 9.0, 10.0]), ("replica_hours", [5.0, 5.1, 5.0, 5.1]), ("error_ratio", [0.04; 4])],
        );
        let safe = cell(
            1,
            "safe",
            &[("violation_minutes", [1.0, 2.0, 1.0, 1.0]), ("replica_hours", [9.0, 9.1, 9.0, 9.1]), ("error_ratio", [0.03; 4])],
        );
        let lean = cell(2, "lean", &[("violation_minutes", [30.0, 31.0, 29.0, 30.0]), ("replica_hours", [2.0, 2.1, 2.0, 2.1])]);
        let cells = [base, safe, lean];
        let first = compare(&cells, None).unwrap();
        assert!(first.sentence.starts_with("“safe” has fewer violation minutes than “base”"), "{}", first.sentence);
        assert!(first.sentence.contains("replica-hours +4"), "{}", first.sentence);
        assert!(first.sentence.contains("errors [%] −1."), "{}", first.sentence);
        let pinned = compare(&cells, Some(1)).unwrap();
        assert_eq!((pinned.baseline, pinned.rows.len()), (1, 2));
        assert!(pinned.sentence.starts_with("“safe” is best"), "{}", pinned.sentence);
        assert!(pinned.sentence.contains("The nearest, “base”: SLO violation minutes +"), "{}", pinned.sentence);
        assert!(!pinned.sentence.contains("none of them holds"), "{}", pinned.sentence);
    }

    #[test]
    fn what_is_worse_is_no_proof_and_nothing_that_fails_is_praised() {
        let base = cell(
            0,
            "base",
            &[("latency_p50_ms", [90.0, 91.0, 90.0, 91.0]), ("latency_p99_ms", [900.0, 901.0, 902.0, 903.0]), ("error_ratio", [0.40; 4])],
        );
        let other = cell(
            1,
            "other",
            &[
                ("latency_p50_ms", [109.0, 110.0, 109.0, 110.0]),
                ("latency_p99_ms", [890.0, 891.0, 892.0, 893.0]),
                ("error_ratio", [0.41; 4]),
            ],
        );
        let mut even = other.clone();
        even.figures.insert("error_ratio".to_owned(), base.figures["error_ratio"].clone());
        let sentence = compare(&[base.clone(), even], None).unwrap().sentence;
        let (better, worse) = sentence.split_once("What is worse with it: ").unwrap();
        assert!(better.contains("p99") && !better.contains("p50"), "{sentence}");
        assert!(worse.starts_with("p50 [ms] +19"), "{sentence}");
        assert!(sentence.ends_with("none of them holds this load: 40 % of the requests or more fail in each."), "{sentence}");
        assert!(compare(&[base, other], None).unwrap().sentence.starts_with("“base” is best"));
    }

    #[test]
    fn fewer_errors_and_a_lower_p99_count_also_where_they_cost_more() {
        let hours = |hours| ("replica_hours", [hours; 4]);
        let base =
            cell(0, "three", &[("error_ratio", [0.12, 0.121, 0.12, 0.121]), ("latency_p99_ms", [900.0, 901.0, 902.0, 903.0]), hours(3.0)]);
        let sure = cell(1, "six", &[("error_ratio", [0.01, 0.011, 0.01, 0.011]), ("latency_p99_ms", [30.0; 4]), hours(6.0)]);
        let sentence = compare(&[base.clone(), sure], None).unwrap().sentence;
        assert!(sentence.starts_with("“six” fails fewer requests than “three”, and that is no chance: p99 [ms] −872"), "{sentence}");
        assert!(sentence.ends_with("What is worse with it: replica-hours +3."), "{sentence}");
        let fast = cell(1, "six", &[("error_ratio", [0.121, 0.12, 0.121, 0.12]), ("latency_p99_ms", [30.0; 4]), hours(6.0)]);
        let sentence = compare(&[base, fast], None).unwrap().sentence;
        assert!(sentence.starts_with("“six” is faster for more replica-hours than “three”"), "{sentence}");
    }

    #[test]
    fn chance_and_single_seeds_are_called_so() {
        let noisy = |index, name, seeds| cell(index, name, &[("latency_p99_ms", seeds)]);
        let comparison = compare(&[noisy(0, "a", [1.0, 9.0, 3.0, 5.0]), noisy(1, "b", [5.0, 2.0, 7.0, 1.0])], None).unwrap();
        assert!(comparison.sentence.contains("beyond chance, over 4 seeds"), "{}", comparison.sentence);
        let one = |index| {
            let mut cell = noisy(index, "x", [1.0; 4]);
            cell.figures.values_mut().for_each(|figure| figure.seeds.truncate(1));
            cell
        };
        assert!(compare(&[one(0), one(1)], None).unwrap().sentence.contains("one seed"));
        assert!(compare(&[one(0)], None).is_none());
        let mut failed = one(1);
        failed.error = Some("overload".to_owned());
        assert!(compare(&[one(0), failed], None).is_none());
    }
}
