//! Measurements from CSV files.

use std::path::Path;

use simulator::calibrate::{Buckets, LoadPoint};

use super::observed::Observed;
use super::{CliError, Unit};

/// Lines that are read at most: a histogram has tens, points are a step each.
const ROWS_MAX: usize = 1_000_000;

pub fn read(buckets: &Path, points: Option<&Path>, unit: Unit) -> Result<Observed, CliError> {
    let rows = rows(buckets, ["le", "count"])?;
    let wrong = |what: String| CliError::BadInput(format!("{}: {what}", buckets.display()));
    if rows.last().is_none_or(|(le, _)| *le != f64::INFINITY) {
        return Err(wrong("the last row's le must be +Inf, with the count of all observations".into()));
    }
    let bounds: Vec<f64> = rows.iter().map(|(le, _)| le * unit.in_ms()).filter(|le| le.is_finite()).collect();
    let counts: Vec<f64> = rows.iter().map(|(_, count)| *count).collect();
    let buckets = Buckets::try_new(&bounds, &counts).map_err(|error| wrong(error.to_string()))?;
    let points = match points {
        Some(path) => self::rows(path, ["concurrency", "throughput_rps"])?,
        None => Vec::new(),
    };
    let points: Vec<LoadPoint> =
        points.into_iter().map(|(concurrency, throughput_rps)| LoadPoint { concurrency, throughput_rps }).collect();
    let peak_rps = points.iter().map(|point| point.throughput_rps).filter(|rps| *rps > 0.0).max_by(f64::total_cmp);
    Ok(Observed { buckets, points, name: "app".into(), peak_rps, replicas: 1 })
}

/// Two columns of numbers with this header.
fn rows(path: &Path, header: [&str; 2]) -> Result<Vec<(f64, f64)>, CliError> {
    let name = path.display();
    let text = std::fs::read_to_string(path).map_err(|error| CliError::BadInput(format!("{name}: {error}")))?;
    let mut lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let said = lines.next().map_or("", |(_, line)| line);
    if said.split(',').map(str::trim).ne(header) {
        return Err(CliError::BadInput(format!("{name}:1: the header {said:?}; allowed: {}", header.join(","))));
    }
    let number = |text: &str| text.trim().trim_matches('"').parse::<f64>().ok().filter(|number| !number.is_nan());
    let row = |(at, line): (usize, &str)| {
        let pair = line.split_once(',').and_then(|(left, right)| Some((number(left)?, number(right)?)));
        pair.ok_or_else(|| CliError::BadInput(format!("{name}:{}: {line:?}; allowed: two numbers with a comma between them", at + 1)))
    };
    let rows = lines.take(ROWS_MAX + 1).map(row).collect::<Result<Vec<_>, _>>()?;
    if rows.len() > ROWS_MAX { Err(CliError::BadInput(format!("{name}: more than {ROWS_MAX} rows"))) } else { Ok(rows) }
}
