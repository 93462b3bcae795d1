//! `prescale token` and `prescale user`: who may come in. They write into the database directly, so that they work before the first start,
//! while a prescale runs, and when nobody can sign in any more; whoever can write the database may do that anyway.

mod token;
mod user;

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde_json::Value;

use super::{CliError, block_on};
use crate::auth::desk::{self, Deed, Doer};
use crate::auth::{Random, Tools, wall_ms};
use crate::config::Config;
use crate::store::{AccessRows, Beside, Location, StoreError};

pub use token::Token;
pub use user::User;

/// The configuration that says where the database is.
#[derive(Debug, Args)]
struct Database {
    /// The configuration file
    #[arg(long, default_value = "prescale.toml")]
    config: PathBuf,
}

#[derive(Debug, Args)]
struct Output {
    /// How the list is printed
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people.
    Table,
    /// For programs.
    Json,
}

impl Database {
    /// # Errors
    /// A file that can't be used.
    fn location(&self) -> Result<Location, CliError> {
        let config = Config::load(&self.config).map_err(|problems| CliError::BadInput(problems.to_string()))?;
        let server = config.file.server;
        Location::try_new(server.data_dir, server.database.map(|url| url.value().to_owned()))
            .map_err(|error| CliError::BadInput(error.to_string()))
    }
}

fn failed(error: StoreError) -> CliError {
    CliError::Failed(error.to_string())
}

fn read(location: &Location) -> Result<AccessRows, CliError> {
    block_on(async { Beside::open(location).await?.access().await })?.map_err(failed)
}

/// True if something changed.
fn write(location: &Location, (change, event): &Deed) -> Result<bool, CliError> {
    block_on(async { Beside::open(location).await?.change_access(change, Some(event)).await })?.map_err(failed)
}

/// Whoever runs this, as far as their shell says it.
fn who() -> String {
    let user = ["USER", "LOGNAME"].iter().find_map(|name| std::env::var(name).ok()).filter(|name| desk::is_name(name));
    format!("{} on the command line", user.as_deref().unwrap_or("somebody"))
}

fn doer(who: &str) -> Doer<'_> {
    let now_ms = wall_ms();
    Doer { who, now_ms, journal_ms: now_ms }
}

fn random() -> Random {
    Tools::system(std::sync::Arc::new(wall_ms)).random
}

fn check_name(what: &str, name: &str) -> Result<(), CliError> {
    if desk::is_name(name) { Ok(()) } else { Err(CliError::BadInput(format!("{what} {name:?}; allowed: {}", desk::NAMES))) }
}

fn unknown<'a>(what: &str, name: &str, known: impl Iterator<Item = &'a str>) -> CliError {
    let known: Vec<&str> = known.collect();
    let known = if known.is_empty() { "there is none yet".to_owned() } else { format!("there are {}", known.join(", ")) };
    CliError::BadInput(format!("there is no {what} {name:?}; {known}"))
}

fn print<const N: usize>(
    output: &Output,
    header: [&str; N],
    lines: impl Iterator<Item = [String; N]>,
    values: Vec<Value>,
) -> Result<(), CliError> {
    if output.format == Format::Json {
        return super::forecast::print(&format!("{}\n", Value::from(values)));
    }
    let lines: Vec<[String; N]> = std::iter::once(header.map(str::to_owned)).chain(lines).collect();
    let widths: [usize; N] = std::array::from_fn(|at| lines.iter().map(|line| line[at].chars().count()).max().unwrap_or(0));
    let line = |line: &[String; N]| {
        let cells: Vec<String> = line.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        cells.join("  ").trim_end().to_owned() + "\n"
    };
    super::forecast::print(&lines.iter().map(line).collect::<String>())
}
