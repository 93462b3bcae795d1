//! Trains the boosted trees that predictor ships, and for honest scores those that have not seen one source each (`make train-model`).
//!
//! ```text
//! cargo run --release -p predictor --example train-model -- TRACES MODELS.bin LEFT_OUT_DIR
//! ```
//!
//! Only the first 70 % of each trace are looked at: the rest is what the gates score. Series of one source (`nab_tweets_…`, `crane…`) are
//! left out together. The same traces give the same bytes.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "its output is what it did")]

#[path = "../gates/traces.rs"]
mod traces;

use std::{fs, path::Path, process::ExitCode};

use predictor::boosted::{Lesson, Models, train};
use traces::Trace;

/// The part of each trace that is trained on.
const FIRST: f64 = 0.7;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [folder, shipped, left_out] = &args[..] else {
        eprintln!("train-model TRACES MODELS.bin LEFT_OUT_DIR");
        return ExitCode::from(2);
    };
    match train_all(folder, Path::new(shipped), Path::new(left_out)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(2)
        }
    }
}

fn train_all(folder: &str, shipped: &Path, left_out: &Path) -> Result<(), String> {
    let traces = traces::read_folder(folder, &[])?;
    let lessons: Vec<(&str, Lesson)> =
        traces.iter().map(|trace| Ok((source(&trace.name), lesson(trace)?))).collect::<Result<_, String>>()?;
    fs::create_dir_all(left_out).map_err(|error| format!("{}: {error}", left_out.display()))?;
    write(shipped, &lessons, None)?;
    let mut sources: Vec<&str> = lessons.iter().map(|(source, _)| *source).collect();
    sources.dedup();
    sources.into_iter().try_for_each(|source| write(&left_out.join(format!("{source}.bin")), &lessons, Some(source)))
}

/// Series of one source share what their names begin with: letters, up to the last `_` if there are several.
fn source(name: &str) -> &str {
    let name = name.trim_end_matches(|c: char| c.is_ascii_digit());
    if name.starts_with("nab_tweets") { "nab_tweets" } else { name }
}

fn lesson(trace: &Trace) -> Result<Lesson, String> {
    let series = &trace.series;
    let until_ms = series.timestamp_ms((series.len() as f64 * FIRST) as usize - 1);
    Lesson::of(&series.until(until_ms)).ok_or_else(|| format!("{}: its first part is too short", trace.name))
}

fn write(path: &Path, lessons: &[(&str, Lesson)], without: Option<&str>) -> Result<(), String> {
    let kept = lessons.iter().filter(|(source, _)| Some(*source) != without).map(|(_, lesson)| lesson);
    // They are for any series, and only ever scored on rows that they didn't see.
    let models = Models { until_ms: None, ..train(kept, Models::default()) };
    let bytes = models.to_bytes();
    fs::write(path, &bytes).map_err(|error| format!("{}: {error}", path.display()))?;
    println!("{}: {} bytes", path.display(), bytes.len());
    Ok(())
}
