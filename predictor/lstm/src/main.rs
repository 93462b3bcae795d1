//! Trains the recurrent network that predictor ships, and for honest scores those that have not seen one source each (`make train-lstm`).
//!
//! ```text
//! train-lstm TRACES NETWORKS.bin LEFT_OUT_DIR EXAMPLE.json
//! ```
//!
//! Only the first 70 % of each trace are looked at: the rest is what the gates score. `EXAMPLE.json` gets a small network with what candle says
//! that it answers; a test holds predictor's own answer against that. The same traces give the same bytes on one kind of processor.

#[path = "../../examples/gates/traces.rs"]
mod traces;
mod train;

use std::{fs, path::Path, process::ExitCode, thread, time::Instant};

use predictor::{
    Series,
    recurrent::{Networks, Sequences, sequences},
};
use traces::Trace;
use train::{Recipe, train};

/// The part of each trace that is trained on.
const FIRST: f64 = 0.7;
/// Sequences of one series: long ones don't outweigh the others.
const SEQUENCES: usize = 660;
/// More cells or epochs learn the sources by heart: 32 cells and 12 epochs are worse alone on a source that was left out (.765 for the day, not .737).
const RECIPE: Recipe = Recipe { cells: 16, epochs: 6, batch: 128, rate: 4e-3, decay: 0.02 };

type Failure = Box<dyn std::error::Error + Send + Sync>;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [folder, shipped, left_out, example] = &args[..] else {
        eprintln!("train-lstm TRACES NETWORKS.bin LEFT_OUT_DIR EXAMPLE.json");
        return ExitCode::from(2);
    };
    match run(folder, Path::new(shipped), Path::new(left_out), Path::new(example)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(2)
        }
    }
}

/// What is trained on: a source with its sequences for the next hour and for the day.
type Seen<'a> = (&'a str, Sequences, Sequences);

fn run(folder: &str, shipped: &Path, left_out: &Path, example: &Path) -> Result<(), Failure> {
    let began = Instant::now();
    let traces = traces::read_folder(folder, &[])?;
    let seen: Vec<Seen> = traces.iter().map(|trace| (source(&trace.name), scaled(trace, true), scaled(trace, false))).collect();
    println!(
        "{} sequences read after {:.0} s",
        seen.iter().map(|(_, near, far)| near.count + far.count).sum::<usize>(),
        began.elapsed().as_secs_f64()
    );
    fs::create_dir_all(left_out)?;
    let mut jobs = vec![(None, shipped.to_owned())];
    let mut sources: Vec<&str> = seen.iter().map(|(source, ..)| *source).collect();
    sources.dedup();
    jobs.extend(sources.iter().map(|source| (Some(*source), left_out.join(format!("{source}.lstm")))));
    // Each network is trained by one thread alone, whose sums don't depend on how many there are.
    for some in jobs.chunks(thread::available_parallelism().map_or(1, usize::from)) {
        thread::scope(|scope| {
            let running: Vec<_> = some.iter().map(|(without, path)| scope.spawn(|| write(&seen, *without, path))).collect();
            running.into_iter().try_for_each(|thread| thread.join().unwrap_or_else(|_| Err("a training ended early".into())))
        })?;
        println!("after {:.0} s", began.elapsed().as_secs_f64());
    }
    fs::write(example, train::example()?)?;
    Ok(())
}

fn write(seen: &[Seen], without: Option<&str>, path: &Path) -> Result<(), Failure> {
    let kept = || seen.iter().filter(|(source, ..)| Some(*source) != without);
    let (mut near, mut far) = (Sequences::default(), Sequences::default());
    kept().for_each(|(_, one, other)| {
        near.extend(one);
        far.extend(other);
    });
    let networks = Networks { near: train(&near, &RECIPE)?, far: train(&far, &RECIPE)? };
    let bytes = networks.to_bytes();
    fs::write(path, &bytes)?;
    println!("{}: {} bytes", path.display(), bytes.len());
    Ok(())
}

/// Series of one source share what their names begin with: letters, up to the last `_` if there are several.
fn source(name: &str) -> &str {
    let name = name.trim_end_matches(|c: char| c.is_ascii_digit());
    if name.starts_with("nab_tweets") { "nab_tweets" } else { name }
}

/// The first part's sequences, with weights that make each series' error without a network 1.
fn scaled(trace: &Trace, near: bool) -> Sequences {
    let series = &trace.series;
    let until = series.timestamp_ms((series.len() as f64 * FIRST) as usize - 1);
    let first: Series = series.until(until);
    let mut sequences = sequences(&first, near, SEQUENCES);
    let total: f32 = sequences.weights.iter().zip(&sequences.targets).map(|(weight, target)| weight * target.abs()).sum();
    sequences.weights.iter_mut().for_each(|weight| *weight /= total);
    sequences
}
