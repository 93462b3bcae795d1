//! `prescale schema`: JSON Schemas of the files that prescale reads, for editors and other programs.

use clap::ValueEnum;

use super::{CliError, forecast};
use crate::config::reference;

/// Prints the JSON Schema of a file that prescale reads.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  prescale schema config > prescale.schema.json")]
pub struct Args {
    /// Which file
    #[arg(value_enum)]
    file: File,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum File {
    /// The configuration of `serve` and `check`.
    Config,
    /// A scenario of `simulate`.
    Scenario,
    /// A matrix of scenarios for `sweep`.
    Sweep,
}

/// # Errors
/// Nobody reads what is printed.
pub fn run(args: Args) -> Result<(), CliError> {
    match args.file {
        File::Config => forecast::print(&reference::schema_text()),
        File::Scenario => forecast::print(simulator::scenario::SCHEMA),
        File::Sweep => forecast::print(&super::sweep::schema_text()),
    }
}
