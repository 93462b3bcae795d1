//! Scores the forecaster on a folder of traces against the gates of docs/forecasting.md and prints one row a series.
//!
//! ```text
//! cargo run --release -p predictor --example gates -- [--left-out DIR] [--model NAME] [--issued] [--many SERVICES] DIR [NAME…]
//! ```
//!
//! With `--many`, so many services are forecast from slices of the traces; CPU time and memory are told, and nothing else.
//! With `--issued`, forecasts are replayed as they are issued live: every ten minutes, updated between fits, and tracked.
//!
//! Each file of the folder is `timestamp,value` with RFC 3339 times at a regular step. Files shorter than a week are left out.
//! With `--left-out`, a series whose name begins with that of a file of the folder (`make train-model` writes it) is forecast with that file's
//! trained models, which never saw its source; the others with those in the binary.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "its output is the table")]

mod cold;
mod flash;
mod many;
mod measure;
mod peaks;
mod traces;
mod tracked;

use std::process::ExitCode;

use measure::{How, Row, geometric_mean, mean, median};
use predictor::{ModelChoice, UnknownModel};

fn main() -> ExitCode {
    let (how, folder, names) = match arguments() {
        Ok(arguments) => arguments,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(2);
        }
    };
    match traces::read_folder(&folder, &names) {
        Ok(traces) if traces.is_empty() => {
            eprintln!("{folder}: no trace of a week or more");
            ExitCode::from(2)
        }
        Ok(traces) if how.many > 0 => {
            many::report(how.many, &traces);
            ExitCode::SUCCESS
        }
        Ok(traces) if how.issued => {
            tracked::report(&how, &traces);
            ExitCode::SUCCESS
        }
        Ok(traces) => {
            report(&how, &traces);
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{folder}: {error}");
            ExitCode::from(2)
        }
    }
}

fn arguments() -> Result<(How, String, Vec<String>), String> {
    let mut how = How { model: ModelChoice::Auto, left_out: Vec::new(), issued: false, many: 0 };
    let mut places = Vec::new();
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--left-out" => how.left_out = measure::read_models(&args.next().unwrap_or_default())?,
            "--issued" => how.issued = true,
            "--many" => how.many = args.next().and_then(|many| many.parse().ok()).ok_or("--many: a whole number of services is allowed")?,
            "--model" => how.model = args.next().unwrap_or_default().parse().map_err(|error: UnknownModel| error.to_string())?,
            _ => places.push(arg),
        }
    }
    if places.is_empty() {
        return Err(
            "a folder of traces is needed: gates [--left-out DIR] [--model NAME] [--issued] [--many SERVICES] DIR [NAME…]".to_owned()
        );
    }
    let folder = places.remove(0);
    Ok((how, folder, places))
}

fn report(how: &How, traces: &[traces::Trace]) {
    println!(
        "{:<18} {:>6} {:>6} | {:^16} {:^16} | {:>6} {:>6} {:>6} | {:>6}",
        "series", "24h", "1h", "cover 24h", "cover 10min", "max.er", "<q.90", "bias", "cpu ms"
    );
    let rows: Vec<Row> = traces.iter().map(|trace| Row::of(how, trace)).collect();
    for row in &rows {
        println!("{row}");
    }
    let all = |pick: &dyn Fn(&Row) -> f64| rows.iter().map(pick).collect::<Vec<f64>>();
    println!("24 h rMWQL, geometric mean    {:.4}", geometric_mean(&all(&|r| r.day)));
    println!("1 h rMWQL, geometric mean     {:.4}", geometric_mean(&all(&|r| r.hour)));
    println!("worst series, 24 h            {:.3}", all(&|r| r.day).into_iter().fold(0.0, f64::max));
    for (i, level) in ["q.90", "q.95", "q.99"].iter().enumerate() {
        let (day, lead) = (all(&|r| r.cover_day[i]), all(&|r| r.cover_lead[i]));
        println!("coverage {level} 24 h, 10 min    {:.3} {:.3}", mean(&day), mean(&lead));
    }
    let errors: Vec<f64> = rows.iter().flat_map(|row| row.maxima.iter().map(|(mid, _, actual)| measure::off(*mid, *actual))).collect();
    let below: Vec<f64> =
        rows.iter().flat_map(|row| row.maxima.iter().map(|(_, high, actual)| f64::from(u8::from(actual <= high)))).collect();
    println!("day's maximum: median error   {:.3}, median of series' medians {:.3}", median(errors), median(all(&|r| r.max_error)));
    println!("maxima below their q.90       {:.3}", mean(&below));
    println!("CPU per series                {:.2} ms (mean)", mean(&all(&|r| r.cpu_ms)));
    peaks::report(how, traces);
    cold::report(traces);
    for trace in traces.iter().filter(|trace| flash::TRACES.contains(&trace.name.as_str())) {
        let (whole, begun) = flash::score(&trace.series);
        println!("flash crowd on {:<14} {whole:.3} of last value's loss, {begun:.3} once it has begun", trace.name);
    }
}
