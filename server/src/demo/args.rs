//! Options of `prescale demo`, checked once.

use std::net::SocketAddr;
use std::path::PathBuf;

use super::trace::Trace;
use super::world;
use crate::cli::{self, CliError};

/// Replays real traffic against an embedded fleet, and shows Prescale scaling it.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  prescale demo\n  prescale demo --from 1998-05-28T18:00:00Z --for 3h --exit\n  \
                        prescale demo --reactive --target 0.6 --exit")]
pub struct Args {
    /// Domain seconds per wall second, 1 to 120
    #[arg(long, default_value_t = 60.0)]
    speed: f64,
    /// Where the page and the API are served; a loopback address
    #[arg(long, default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Folder for history, journal and state; a folder with an earlier run goes on where that stopped
    #[arg(long, default_value = "data/demo")]
    data_dir: PathBuf,
    /// A trace of your own: CSV with the header timestamp,value, requests a minute
    #[arg(long)]
    trace: Option<PathBuf>,
    /// Factor on the trace's counts [default: 4.9 for the bundled trace, else what makes the window's peak 500 requests/s]
    #[arg(long)]
    scale: Option<f64>,
    /// Beginning of the replay in the trace's own time [default: 1998-05-26T06:00:00Z, or two weeks into a trace of your own]
    #[arg(long)]
    from: Option<String>,
    /// Length of the measured window
    #[arg(long = "for", default_value = "3h")]
    length: String,
    /// Scale by the Kubernetes HPA rule instead of by the forecast, within the same rails
    #[arg(long)]
    reactive: bool,
    /// Utilisation of the capacity under the SLO that the reactive term aims at, above 0 and up to 1 [default: 0.9]
    #[arg(long)]
    target: Option<f64>,
    /// Quantile of the maximum load at lead time that orders cover, 0.5 to 0.99 [default: 0.95]
    #[arg(long)]
    quantile: Option<f64>,
    /// End after the window and print its summary
    #[arg(long)]
    exit: bool,
    /// How the summary is printed
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// Don't open the page in a browser
    #[arg(long)]
    no_open: bool,
}

/// How the summary is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people.
    Table,
    /// For programs.
    Json,
}

/// The options, checked.
#[derive(Debug)]
pub struct Options {
    pub speed: f64,
    pub listen: SocketAddr,
    pub data_dir: PathBuf,
    /// The trace in its own time; the run shifts it.
    pub trace: Trace,
    /// Names trace, factor and beginning: a data folder belongs to one of these.
    pub identity: String,
    pub reactive: bool,
    pub target: f64,
    pub quantile: f64,
    pub exit: bool,
    pub format: Format,
    pub open: bool,
}

impl Args {
    /// Checks every option.
    ///
    /// # Errors
    /// [`CliError::BadInput`] naming the option, its value and what is allowed.
    pub fn check(self) -> Result<Options, CliError> {
        let bad = |option: &str, value: &dyn std::fmt::Display, allowed: &str| {
            Err(CliError::BadInput(format!("--{option} {value}; allowed: {allowed}")))
        };
        if !(1.0..=120.0).contains(&self.speed) {
            return bad("speed", &self.speed, "1 to 120");
        }
        if !self.listen.ip().is_loopback() {
            return bad("listen", &self.listen, "a loopback address such as 127.0.0.1:8080, since there is no sign-in");
        }
        let target = self.target.unwrap_or(world::TARGET);
        if !(target > 0.0 && target <= 1.0) {
            return bad("target", &target, "above 0 and up to 1");
        }
        let quantile = self.quantile.unwrap_or(world::QUANTILE);
        if !(0.5..=0.99).contains(&quantile) {
            return bad("quantile", &quantile, "0.5 to 0.99");
        }
        let length_ms = cli::parse_duration(&self.length).map_err(|why| CliError::BadInput(format!("--for: {why}")))?;
        if length_ms % world::STEP_MS != 0 {
            return bad("for", &self.length, "whole minutes");
        }
        let from = self.from.as_deref().map(cli::parse_time).transpose().map_err(|why| CliError::BadInput(format!("--from: {why}")))?;
        let trace = Trace::load(self.trace.as_deref(), self.scale, from, length_ms)?;
        let file = self.trace.as_deref().map_or_else(|| "bundled".to_owned(), |path| path.display().to_string());
        let identity = format!("trace {file}, scale {}, from {}", trace.scale, cli::show_time(trace.from_ms));
        Ok(Options {
            speed: self.speed,
            listen: self.listen,
            data_dir: self.data_dir,
            trace,
            identity,
            reactive: self.reactive,
            target,
            quantile,
            exit: self.exit,
            format: self.format,
            open: !self.no_open,
        })
    }
}
