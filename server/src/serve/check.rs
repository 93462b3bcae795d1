//! `prescale check`: says what is wrong with a file, shows what is in force with every default, and tries every connection.

use std::io::Write;
use std::path::PathBuf;

use serde::Serialize;

use super::assemble::OBSERVE_TIMEOUT;
use super::{access, act, failed, place, source, tokio_runtime, wall_clock};
use crate::cli::{self, CliError};
use crate::clock::Clock;
use crate::config::Config;
use crate::config::file::{Prometheus, Service};

/// Checks a configuration and tries its connections, without changing anything anywhere.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  prescale check --config prescale.toml\n  prescale check --config prescale.toml --format json\n\n\
                        It may run beside the prescale that works with this file: nothing is changed, and nothing is in its way.\n\n\
                        Exit codes: 0 all is well, 1 a check failed, 2 the file can't be used.")]
pub struct Args {
    /// The configuration file
    #[arg(long, default_value = "prescale.toml")]
    config: PathBuf,
    /// How the result is printed
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
}

/// How the result is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// For people.
    Table,
    /// For programs.
    Json,
}

/// One thing that was tried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What: `database`, `load of chat-api`, …
    pub what: String,
    /// As it should be?
    pub ok: bool,
    /// What was found, or what is wrong and how to mend it.
    pub text: String,
}

impl Finding {
    pub(super) fn new(what: impl Into<String>, ok: bool, text: impl Into<String>) -> Self {
        Self { what: what.into(), ok, text: text.into() }
    }
}

#[derive(Serialize)]
struct Report<'a> {
    configuration: serde_json::Value,
    checks: &'a [Finding],
}

/// Prints what is in force and how the connections are.
///
/// # Errors
/// [`CliError::BadInput`] for a file that can't be used, [`CliError::Failed`] when a connection failed.
pub fn run(args: Args) -> Result<(), CliError> {
    let config = Config::load(&args.config).map_err(|problems| CliError::BadInput(problems.to_string()))?;
    if args.format == Format::Table {
        // Before the connections are tried, which may take a while.
        cli::forecast::print(&format!("# {} with every default\n{}\n", config.path.display(), config.shown_toml()))?;
    }
    let findings = tokio_runtime()?.block_on(try_all(&config))?;
    match args.format {
        Format::Table => cli::forecast::print(&table(&findings))?,
        Format::Json => {
            let report = Report { configuration: config.shown(), checks: &findings };
            cli::forecast::print(&(serde_json::to_string_pretty(&report).map_err(failed)? + "\n"))?;
        }
    }
    let wrong = findings.iter().filter(|finding| !finding.ok).count();
    if wrong == 0 { Ok(()) } else { Err(failed(format!("{wrong} of {} checks failed; each says how to mend it", findings.len()))) }
}

fn table(findings: &[Finding]) -> String {
    let mut out = Vec::new();
    for finding in findings {
        let mark = if finding.ok { "ok   " } else { "FAIL " };
        // Writing into memory can't fail.
        let _ = writeln!(out, "{mark} {}: {}", finding.what, finding.text);
    }
    String::from_utf8_lossy(&out).into_owned()
}

async fn try_all(config: &Config) -> Result<Vec<Finding>, CliError> {
    let clock = wall_clock()?;
    let mut findings = place::test(config).await;
    findings.extend(access::test(config).await);
    for service in &config.file.services {
        try_service(service, config.file.prometheus.as_ref(), &clock, &mut findings).await;
    }
    Ok(findings)
}

async fn try_service(service: &Service, prometheus: Option<&Prometheus>, clock: &Clock, findings: &mut Vec<Finding>) {
    let name = &service.name;
    if let Some(proxy) = &service.proxy {
        for backend in proxy.backends.iter().flatten() {
            findings.push(try_backend(name, backend.address()).await);
        }
    }
    // A load that the proxy counts needs no connection, and nothing that the proxy isn't there to tell.
    let eyes = match service.load {
        None => None,
        Some(_) => match source::build(service, prometheus, None, clock) {
            Ok(eyes) => {
                findings.extend(source::test(service, &eyes).await);
                Some(eyes)
            }
            Err(why) => {
                findings.push(Finding::new(format!("load of {name}"), false, why));
                None
            }
        },
    };
    findings.extend(act::test(service, eyes.as_ref(), clock).await);
}

async fn try_backend(name: &str, address: std::net::SocketAddr) -> Finding {
    let what = format!("backend {address} of {name}");
    match tokio::time::timeout(OBSERVE_TIMEOUT, tokio::net::TcpStream::connect(address)).await {
        Ok(Ok(_)) => Finding::new(what, true, "it takes connections"),
        Ok(Err(error)) => Finding::new(what, false, format!("{error}; start it, or take it out of proxy.backends")),
        Err(_) => Finding::new(what, false, format!("no answer within {OBSERVE_TIMEOUT:?}; is the address right?")),
    }
}
