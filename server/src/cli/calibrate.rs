//! `prescale calibrate`: what a running service measures in, the pool of a scenario out.

use std::path::PathBuf;

use simulator::calibrate::{CalibrateError, Fit, Usl, fit, fit_usl};

use super::forecast::{json, print};
use super::{CliError, parse_duration, parse_time};

mod draft;
mod file;
mod observed;
mod prometheus;
#[cfg(test)]
mod tests;

use observed::Observed;

/// Fits service time and concurrency of a replica to a latency histogram and the load, and drafts the scenario's pool.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  prescale calibrate --prometheus http://127.0.0.1:9090 --histogram 'http_request_duration_seconds{service=\"chat-api\"}' --range 1d --replicas 4
  prescale calibrate --buckets buckets.csv --points points.csv --out scenario.toml

The service time is fitted to the quietest minutes, in which hardly anybody waits. buckets.csv has the header `le,count` with cumulative counts
(the last le is +Inf), points.csv the header `concurrency,throughput_rps`, both for one replica. A bearer token is read from the variable
PRESCALE_PROMETHEUS_TOKEN.")]
pub struct Args {
    /// The Prometheus to ask
    #[arg(long, value_name = "URL", requires = "histogram", conflicts_with = "buckets", required_unless_present = "buckets")]
    prometheus: Option<String>,
    /// A classic histogram of latencies, without _bucket: METRIC or METRIC{label="value"}
    #[arg(long, value_name = "METRIC")]
    histogram: Option<String>,
    /// PromQL for the requests per second that were finished [default: the histogram's own count]
    #[arg(long, value_name = "QUERY", requires = "prometheus")]
    load: Option<String>,
    /// How far back to look
    #[arg(long, value_name = "DURATION", default_value = "1d", value_parser = parse_duration)]
    range: i64,
    /// Where the range ends [default: now]
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    end: Option<i64>,
    /// Length of a step, at least four scrapes
    #[arg(long, value_name = "DURATION", default_value = "1m", value_parser = parse_duration)]
    step: i64,
    /// Replicas that shared the load: a number or PromQL
    #[arg(long, value_name = "N|QUERY", default_value = "1")]
    replicas: String,
    /// Histogram as CSV, instead of a Prometheus
    #[arg(long, value_name = "FILE")]
    buckets: Option<PathBuf>,
    /// Throughput against concurrency as CSV
    #[arg(long, value_name = "FILE", requires = "buckets")]
    points: Option<PathBuf>,
    /// Unit of the histogram's bounds
    #[arg(long, value_enum, default_value = "s")]
    unit: Unit,
    /// Which share of the steps counts as quiet, by requests in flight per replica, in per cent
    #[arg(long, value_name = "PERCENT", default_value = "25", value_parser = clap::value_parser!(u8).range(1..=100))]
    quiet: u8,
    /// Seed of the bootstrap
    #[arg(long, value_name = "N", default_value = "1")]
    seed: u64,
    /// Only the [[pools]] table, not a whole scenario
    #[arg(long)]
    pool_only: bool,
    /// Write the draft there instead of to standard output
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// How to print; json has every candidate and interval
    #[arg(long, value_enum, default_value = "toml")]
    format: Form,
}

/// Unit of a histogram's bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Unit {
    /// Seconds, as Prometheus advises
    S,
    /// Milliseconds
    Ms,
}

impl Unit {
    fn in_ms(self) -> f64 {
        if self == Self::S { 1_000.0 } else { 1.0 }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Form {
    /// A scenario, with what was found as comments
    Toml,
    /// Every candidate and interval
    Json,
}

/// What was found.
#[derive(Debug, serde::Serialize)]
struct Found {
    #[serde(skip)]
    observed: Observed,
    service: Fit,
    /// Or the reason why there is none.
    scalability: Result<Usl, String>,
}

/// Runs the command.
///
/// # Errors
/// [`CliError::BadInput`] for options, files and histograms that nothing can be learnt from; [`CliError::Failed`] when the server can't be
/// asked or the draft can't be written.
pub fn run(args: Args) -> Result<(), CliError> {
    let observed = match &args.buckets {
        Some(buckets) => file::read(buckets, args.points.as_deref(), args.unit)?,
        None => prometheus::read(&args)?,
    };
    let found = found(observed, args.seed).map_err(|error| CliError::BadInput(format!("the histogram: {error}")))?;
    let text = match args.format {
        Form::Json => json(&found, true)?,
        Form::Toml => draft::write(&found, args.pool_only),
    };
    for line in draft::told(&found) {
        eprintln!("{line}");
    }
    match &args.out {
        None => print(&text),
        Some(out) => std::fs::write(out, text).map_err(|error| CliError::Failed(format!("{}: {error}", out.display()))),
    }
}

fn found(observed: Observed, seed: u64) -> Result<Found, CalibrateError> {
    let service = fit(&observed.buckets)?;
    let scalability = fit_usl(&observed.points, seed).map_err(|error| error.to_string());
    Ok(Found { observed, service, scalability })
}
