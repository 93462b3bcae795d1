//! `prescale import`: configurations of others in, drafts of ours out.

use std::path::{Path, PathBuf};

use clap::{Subcommand, ValueEnum};

use super::CliError;
use super::forecast::{json, print};
use crate::import::{Assumed, Draft, Status, kubernetes, nginx};

mod files;

/// A configuration is some thousand lines; what is bigger is something else [bytes].
const FILE_BYTES_MAX: u64 = 16 << 20;

/// Drafts a scenario (or a part of prescale.toml) from the configuration of something else.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  prescale import nginx /etc/nginx/nginx.conf > scenario.toml
  prescale import nginx nginx.conf --upstream api --rate-rps 1200 --service-ms 35 --concurrency 16 --out scenario.toml
  prescale import nginx nginx.conf --as config > prescale.toml
  prescale import hpa hpa.yaml --name chat-api > scenario.toml
  prescale import scaledobject so.yaml --as config > prescale.toml

What isn't carried over, or not quite, is listed on standard error with file, line, value and reason, and in the draft's first lines.")]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// An upstream of an nginx.conf, with the location that proxies to it; includes are followed relative to the file.
    #[command(after_help = "\
Examples:
  prescale import nginx /etc/nginx/nginx.conf > scenario.toml && prescale simulate scenario.toml
  prescale import nginx nginx.conf --upstream api --as config > prescale.toml && prescale check --config prescale.toml")]
    Nginx {
        /// Which upstream [default: the first that is proxied to]
        #[arg(long, value_name = "NAME")]
        upstream: Option<String>,
        #[command(flatten)]
        common: Common,
    },
    /// A HorizontalPodAutoscaler (autoscaling/v1 or v2) of a YAML file.
    #[command(after_help = "Example:\n  prescale import hpa hpa.yaml --rate-rps 800 > scenario.toml && prescale simulate scenario.toml")]
    Hpa {
        /// Which, by metadata.name [default: the first]
        #[arg(long, value_name = "NAME")]
        name: Option<String>,
        #[command(flatten)]
        common: Common,
    },
    /// A ScaledObject (keda.sh/v1alpha1) of a YAML file.
    #[command(
        name = "scaledobject",
        after_help = "Example:\n  prescale import scaledobject so.yaml --as config > prescale.toml && prescale check --config prescale.toml"
    )]
    ScaledObject {
        /// Which, by metadata.name [default: the first]
        #[arg(long, value_name = "NAME")]
        name: Option<String>,
        #[command(flatten)]
        common: Common,
    },
}

#[derive(Debug, clap::Args)]
struct Common {
    /// The file
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// What to draft
    #[arg(long = "as", value_enum, default_value = "scenario")]
    kind: Kind,
    /// Write the draft there instead of to standard output
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// How to print; json has both drafts and all notes
    #[arg(long, value_enum, default_value = "toml")]
    format: Form,
    /// Offered load, which the file doesn't say [requests/s]
    #[arg(long, value_name = "RPS", default_value = "100", value_parser = positive)]
    rate_rps: f64,
    /// Mean service time, which the file doesn't say [ms]
    #[arg(long, value_name = "MS", default_value = "50", value_parser = positive)]
    service_ms: f64,
    /// Requests that a replica serves at once, which the file doesn't say
    #[arg(long, value_name = "N", default_value = "8", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    concurrency: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// A scenario for `prescale simulate`
    Scenario,
    /// A part of prescale.toml, for `prescale serve`
    Config,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// The draft, below a comment with what isn't in it
    Toml,
    /// Both drafts and all notes
    Json,
}

fn positive(text: &str) -> Result<f64, String> {
    let number = text.parse::<f64>().ok().filter(|number| (0.001..=1e7).contains(number));
    number.ok_or_else(|| "a number from 0.001 to 10000000 is allowed".to_owned())
}

/// Runs the command.
///
/// # Errors
/// [`CliError::BadInput`] with file and line for what can't be imported; [`CliError::Failed`] when the draft can't be written.
pub fn run(args: Args) -> Result<(), CliError> {
    let (common, draft) = match &args.what {
        What::Nginx { upstream, common } => {
            let (name, text) = read(&common.file)?;
            let includes = files::Beside::of(&common.file);
            (common, nginx::import(&name, &text, &includes, upstream.as_deref(), common.assumed()))
        }
        What::Hpa { name, common } => (common, yaml(kubernetes::Kind::Hpa, common, name.as_deref())?),
        What::ScaledObject { name, common } => (common, yaml(kubernetes::Kind::ScaledObject, common, name.as_deref())?),
    };
    let draft = draft.map_err(|error| CliError::BadInput(error.to_string()))?;
    common.hand_out(&draft)
}

type Drafted = Result<Draft, crate::import::ImportError>;

fn yaml(kind: kubernetes::Kind, common: &Common, wanted: Option<&str>) -> Result<Drafted, CliError> {
    let (name, text) = read(&common.file)?;
    Ok(kubernetes::import(kind, &name, &text, wanted, common.assumed()))
}

/// Name and text of a file; bytes that aren't UTF-8 (comments of old) are replaced.
fn read(path: &Path) -> Result<(String, String), CliError> {
    let name = path.display().to_string();
    let text = files::text(path).map_err(|why| CliError::BadInput(format!("{name}: {why}")))?;
    Ok((name, text))
}

impl Common {
    fn assumed(&self) -> Assumed {
        Assumed { rate_rps: self.rate_rps, service_ms: self.service_ms, concurrency: self.concurrency }
    }

    fn hand_out(&self, draft: &Draft) -> Result<(), CliError> {
        let source = self.file.display().to_string();
        let text = match (self.format, self.kind) {
            (Form::Json, _) => json(draft, true)?,
            (Form::Toml, Kind::Scenario) => draft.commented(&draft.scenario, &source),
            (Form::Toml, Kind::Config) => match &draft.config {
                Some(config) => draft.commented(config, &source),
                None => return Err(CliError::BadInput(format!("{source}: {}", self.no_config(draft)))),
            },
        };
        for note in draft.open() {
            eprintln!("{}", note.line());
        }
        let carried = draft.notes.iter().filter(|note| note.status == Status::Carried).count();
        eprintln!("{carried} carried over, {} to look at", draft.notes.len() - carried);
        match &self.out {
            None => print(&text),
            Some(out) => std::fs::write(out, text).map_err(|error| CliError::Failed(format!("{}: {error}", out.display()))),
        }
    }

    fn no_config(&self, draft: &Draft) -> String {
        let why = draft.notes.iter().find(|note| note.what.ends_with("(its address)")).map(|note| note.why.clone());
        let why = why.unwrap_or_else(|| "there is no Prometheus trigger, whose query would be the load".to_owned());
        format!("it doesn't say enough for a part of prescale.toml: {why}")
    }
}

#[cfg(test)]
mod tests;
