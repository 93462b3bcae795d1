//! The command line: one module a command, exit codes in one place (cli contract: 0 done, 1 failed, 2 bad input, 130 interrupted).

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::log;

pub mod access;
pub mod backtest;
pub mod backup;
pub mod calibrate;
mod day_text;
pub mod forecast;
pub mod import;
pub mod import_history;
pub mod operate;
mod remote;
mod report_file;
mod schema;
pub mod simulate;
pub mod sweep;
pub mod train;
mod units;
pub mod webhook;

pub use day_text::DayText;
pub use units::{parse_duration, parse_time, show_time};

/// Why a command ended early, and whose fault it is.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// The input can't be used as it is: exit code 2. The text names key, value and what is allowed.
    #[error("{0}")]
    BadInput(String),
    /// The work failed: exit code 1. The text says what to do.
    #[error("{0}")]
    Failed(String),
    /// The user ended it: exit code 130.
    #[error("interrupted")]
    Interrupted,
}

/// Keeps an API from ever answering "busy": forecasts the load, proves a plan in a simulator, and scales before the demand arrives.
#[derive(Debug, Parser)]
#[command(name = "prescale", version, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Replay real traffic against an embedded fleet, and show it being scaled.
    Demo(crate::demo::Args),
    /// Forecast a series with quantiles, and its maximum.
    Forecast(forecast::Args),
    /// Score models on rolling origins of past data.
    Backtest(backtest::Args),
    /// Teach the boosted trees what your own services are like.
    Train(train::Args),
    /// Simulate a scenario: what would users have seen?
    Simulate(simulate::Args),
    /// Simulate a matrix of algorithms, plans and settings: which is best, and is that real?
    Sweep(sweep::Args),
    /// Draft a scenario from an nginx.conf, a HorizontalPodAutoscaler or a ScaledObject.
    Import(import::Args),
    /// Fit the pool of a scenario to what a running service measures.
    Calibrate(calibrate::Args),
    /// Put past data from files into the history of a service.
    ImportHistory(import_history::Args),
    /// Copy the database of a data folder while it is in use.
    Backup(backup::Args),
    /// Set how far Prescale may go by itself with a service.
    Mode(operate::Mode),
    /// Hold a service, or all, where it is.
    Pause(operate::Pause),
    /// End a pause.
    Resume(operate::Resume),
    /// Give up what is held on behalf of a service, and stop acting on it.
    Release(operate::Release),
    /// Let a proposal be carried out.
    Approve(operate::Approve),
    /// Turn a proposal down.
    Reject(operate::Reject),
    /// Make, list and revoke the tokens of programs.
    Token(access::Token),
    /// Make, list and remove the accounts of people.
    User(access::User),
    /// Run the control plane for real services.
    Serve(crate::serve::Args),
    /// Say what is wrong with a configuration, and try its connections.
    Check(crate::serve::check::Args),
    /// Print a JSON Schema.
    Schema(schema::Args),
    /// Try a webhook receiver with a signed test message.
    Webhook(webhook::Args),
    /// Print the API's OpenAPI document.
    Openapi,
}

/// Runs the command line of this process.
#[must_use]
pub fn main() -> ExitCode {
    crate::tls::install();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let help = !error.use_stderr();
            // Printing help can only fail when the reader has gone: nothing is left to tell.
            let _ = error.print();
            return ExitCode::from(if help { 0 } else { 2 });
        }
    };
    let logging = match &cli.command {
        // Its configuration says how, and is read first.
        Command::Serve(_) => Ok(()),
        _ => log::init(None, None).map(drop).map_err(|error| CliError::BadInput(error.to_string())),
    };
    let ended = logging.and_then(|()| dispatch(cli.command));
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(match error {
                CliError::BadInput(_) => 2,
                CliError::Failed(_) => 1,
                CliError::Interrupted => 130,
            })
        }
    }
}

/// Runs a command that waits for something.
fn block_on<T>(work: impl Future<Output = T>) -> Result<T, CliError> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    Ok(runtime.map_err(|error| CliError::Failed(format!("the runtime can't start: {error}")))?.block_on(work))
}

fn dispatch(command: Command) -> Result<(), CliError> {
    match command {
        Command::Demo(args) => crate::demo::run(args),
        Command::Forecast(args) => forecast::run(args),
        Command::Backtest(args) => backtest::run(args),
        Command::Train(args) => train::run(&args),
        Command::Simulate(args) => simulate::run(args),
        Command::Sweep(args) => sweep::run(args),
        Command::Import(args) => import::run(args),
        Command::Calibrate(args) => calibrate::run(args),
        Command::ImportHistory(args) => import_history::run(args),
        Command::Backup(args) => backup::run(args),
        Command::Mode(args) => args.run(),
        Command::Pause(args) => args.run(),
        Command::Resume(args) => args.run(),
        Command::Release(args) => args.run(),
        Command::Approve(args) => args.run(),
        Command::Reject(args) => args.run(),
        Command::Token(args) => args.run(),
        Command::User(args) => args.run(),
        Command::Serve(args) => crate::serve::run(args),
        Command::Check(args) => crate::serve::check::run(args),
        Command::Schema(args) => schema::run(args),
        Command::Webhook(args) => webhook::run(args),
        Command::Openapi => forecast::print(&crate::api::openapi_text()),
    }
}
