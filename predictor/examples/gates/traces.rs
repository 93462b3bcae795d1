//! Traces from a folder.

use std::{fs, path::Path};

use predictor::{DAY_MS, Series};

/// One file.
pub struct Trace {
    /// Its name without the ending.
    pub name: String,
    /// At its own step.
    pub series: Series,
}

/// All traces of at least a week, by name; with names, only those.
pub fn read_folder(folder: &str, names: &[String]) -> Result<Vec<Trace>, String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(|error| error.to_string())? {
        let path = entry.map_err(|error| error.to_string())?.path();
        let name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        if path.extension().is_some_and(|ending| ending == "csv") && (names.is_empty() || names.contains(&name)) {
            let series = read(&path)?;
            if series.len() as i64 * series.step_ms() >= 7 * DAY_MS {
                found.push(Trace { name, series });
            }
        }
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}

fn read(path: &Path) -> Result<Series, String> {
    let text = fs::read_to_string(path).map_err(|error| error.to_string())?;
    let row = |line: &str| {
        let (ts, value) = line.split_once(',')?;
        Some((epoch_ms(ts)?, value.trim().parse().ok()?))
    };
    let points: Vec<(i64, f64)> = text.lines().skip(1).filter_map(row).collect();
    let (series, _) = Series::try_from_points(&points, None).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(series)
}

/// `2014-04-10T00:04:00Z` as epoch milliseconds.
fn epoch_ms(ts: &str) -> Option<i64> {
    let part = |from: usize, to: usize| ts.get(from..to)?.parse::<i64>().ok();
    let (year, month, day) = (part(0, 4)?, part(5, 7)?, part(8, 10)?);
    // Days from the civil calendar (Hinnant, "chrono-compatible low-level date algorithms").
    let shifted = if month <= 2 { year - 1 } else { year };
    let era = shifted.div_euclid(400);
    let of_era = shifted - era * 400;
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468;
    Some(days * DAY_MS + ((part(11, 13)? * 60 + part(14, 16)?) * 60 + part(17, 19)?) * 1000)
}
