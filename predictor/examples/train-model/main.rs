//! Trains the boosted trees that predictor ships, and for honest scores those that have not seen one source each (`make train-model`).
//!
//! ```text
//! cargo run --release -p predictor --example train-model -- TRACES MODELS.bin LEFT_OUT_DIR
//! ```
//!
//! Only the first 70 % of each trace are looked at: the rest is what the gates score. Series of one source (`nab_tweets_…`, `crane…`) are
//! left out together. The same traces give the same bytes.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "its output is what it did")]

mod grow;
#[path = "../gates/traces.rs"]
mod traces;

use std::{fs, path::Path, process::ExitCode};

use grow::{Recipe, grow};
use predictor::{
    Series,
    boosted::{Models, Rows, rows},
};
use traces::Trace;

/// The part of each trace that is trained on.
const FIRST: f64 = 0.7;
/// Rows of one series: long ones don't outweigh the others.
const ROWS: usize = 8_000;
const NEAR: Recipe = Recipe { trees: 150, depth: 5, rate: 0.06, doubt: 0.5 };
const FAR: Recipe = Recipe { trees: 150, depth: 5, rate: 0.06, doubt: 0.5 };

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [folder, shipped, left_out] = &args[..] else {
        eprintln!("train-model TRACES MODELS.bin LEFT_OUT_DIR");
        return ExitCode::from(2);
    };
    match train(folder, Path::new(shipped), Path::new(left_out)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(2)
        }
    }
}

fn train(folder: &str, shipped: &Path, left_out: &Path) -> Result<(), String> {
    let traces = traces::read_folder(folder, &[])?;
    let rows: Vec<(&str, Rows, Rows)> =
        traces.iter().map(|trace| (source(&trace.name), scaled(trace, true), scaled(trace, false))).collect();
    fs::create_dir_all(left_out).map_err(|error| format!("{}: {error}", left_out.display()))?;
    write(shipped, &models(&rows, None))?;
    let mut sources: Vec<&str> = rows.iter().map(|(source, ..)| *source).collect();
    sources.dedup();
    for source in sources {
        write(&left_out.join(format!("{source}.bin")), &models(&rows, Some(source)))?;
    }
    Ok(())
}

/// Series of one source share what their names begin with: letters, up to the last `_` if there are several.
fn source(name: &str) -> &str {
    let name = name.trim_end_matches(|c: char| c.is_ascii_digit());
    if name.starts_with("nab_tweets") { "nab_tweets" } else { name }
}

/// The first part's rows, with weights that add up to 1.
fn scaled(trace: &Trace, near: bool) -> Rows {
    let series = &trace.series;
    let until = series.timestamp_ms((series.len() as f64 * FIRST) as usize - 1);
    let first: Series = series.until(until);
    let mut rows = rows(&first, near, ROWS);
    let total: f32 = rows.weights.iter().zip(&rows.targets).map(|(weight, target)| weight * target.abs()).sum();
    rows.weights.iter_mut().for_each(|weight| *weight /= total);
    rows
}

fn models(rows: &[(&str, Rows, Rows)], without: Option<&str>) -> Models {
    let kept = || rows.iter().filter(|(source, ..)| Some(*source) != without);
    let near = joined(kept().map(|(_, near, _)| near));
    let far = joined(kept().map(|(_, _, far)| far));
    Models { near: grow(&near, &NEAR), far: grow(&far, &FAR) }
}

fn joined<'a>(mut all: impl Iterator<Item = &'a Rows>) -> Rows {
    let Some(mut joined) = all.next().cloned() else { return Rows { columns: Vec::new(), targets: Vec::new(), weights: Vec::new() } };
    for rows in all {
        joined.columns.iter_mut().zip(&rows.columns).for_each(|(column, more)| column.extend(more));
        joined.targets.extend(&rows.targets);
        joined.weights.extend(&rows.weights);
    }
    joined
}

fn write(path: &Path, models: &Models) -> Result<(), String> {
    let bytes = models.to_bytes();
    fs::write(path, &bytes).map_err(|error| format!("{}: {error}", path.display()))?;
    println!("{}: {} bytes", path.display(), bytes.len());
    Ok(())
}
