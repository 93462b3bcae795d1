//! Logs: one event a line on standard error, as text for people or as JSON for programs.
//!
//! `PRESCALE_LOG` sets the level (`info`, `debug`, `warn,server::act=trace`, …) and `PRESCALE_LOG_FORMAT` the form (`text`, `json`); both win
//! over what a configuration says, so that one run can be looked at more closely.
//!
//! **No secret is ever in a log**, for two reasons that hold at every level. Our own events name services, orders and decisions; a secret that
//! got into one would show as `***` ([`crate::secret::Secret`]). Other people's crates don't know what is secret: at `debug` and `trace` an
//! HTTP client writes headers, a database driver writes whole messages. So their events below `info` are dropped whatever the level: what was
//! never written needs no search, and a search for secrets would miss them in another encoding (base64, percent, cut in two). A test
//! runs the binary at `trace` with canaries in place of secrets.

use std::io::{self, IsTerminal, Write};

use tracing::{Level, Metadata};
use tracing_subscriber::filter::{EnvFilter, FilterExt, LevelFilter, filter_fn};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt};

/// The variable that sets the level.
pub const LEVEL: &str = "PRESCALE_LOG";
/// The variable that sets the form.
pub const FORMAT: &str = "PRESCALE_LOG_FORMAT";
/// What is logged when nobody says anything else.
const USUAL: &str = "warn";
/// The crates of this workspace: the first part of their events' targets.
const OURS: [&str; 6] = ["server", "proxy", "planner", "predictor", "balancer", "simulator"];

/// How an event is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Text,
    /// For programs: one object a line, fields beside `timestamp`, `level`, `target` and `message` (so no field may have one of these names).
    Json,
}

/// Why logging can't start.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LogError {
    /// A level that isn't one.
    #[error("{LEVEL} or log.level {value:?}: {why}; allowed: error, warn, info, debug, trace, and TARGET=LEVEL, separated by commas")]
    Level {
        /// What was given.
        value: String,
        /// What is wrong with it.
        why: String,
    },
    /// A form that there isn't.
    #[error("{FORMAT} or log.format {0:?}; allowed: text, json")]
    Format(String),
    /// It was started before.
    #[error("logging was started twice in this process")]
    Twice,
}

impl std::str::FromStr for Format {
    type Err = LogError;

    fn from_str(text: &str) -> Result<Self, LogError> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            other => Err(LogError::Format(other.to_owned())),
        }
    }
}

/// Starts logging, once in a process, with what a configuration says; the environment's variables win. Returns the form that was chosen.
///
/// # Errors
/// A level or form that isn't one; see [`LogError`].
pub fn init(format: Option<Format>, level: Option<&str>) -> Result<Format, LogError> {
    let set = |name| std::env::var(name).ok().filter(|text: &String| !text.is_empty());
    let format = set(FORMAT).map(|text| text.parse()).transpose()?.or(format).unwrap_or(Format::Text);
    let level = set(LEVEL).or_else(|| level.map(str::to_owned)).unwrap_or_else(|| USUAL.to_owned());
    let filter = filter(&level)?.and(filter_fn(may_be_written));
    let layer = match format {
        Format::Text => fmt::layer().with_ansi(io::stderr().is_terminal()).with_writer(Lines).boxed(),
        Format::Json => fmt::layer().json().flatten_event(true).with_current_span(false).with_span_list(false).with_writer(Lines).boxed(),
    };
    tracing_subscriber::registry().with(layer.with_filter(filter)).try_init().map_err(|_| LogError::Twice)?;
    Ok(format)
}

/// A level as a filter.
///
/// # Errors
/// A level that isn't one.
pub fn filter(level: &str) -> Result<EnvFilter, LogError> {
    let wrong = |why: String| LogError::Level { value: level.to_owned(), why };
    // The filter's own parser takes a lone word for the name of a module.
    let odd = level.split(',').map(str::trim).find(|one| !one.contains(['=', '[']) && one.parse::<LevelFilter>().is_err());
    match odd {
        Some(odd) => Err(wrong(format!("{odd:?} is no level"))),
        None => EnvFilter::try_new(level).map_err(|error| wrong(error.to_string())),
    }
}

/// Ours at any level; others from `info` on.
fn may_be_written(event: &Metadata<'_>) -> bool {
    let origin = event.target().split("::").next().unwrap_or_default();
    OURS.contains(&origin) || *event.level() <= Level::INFO
}

/// Standard error, an event a line: what another program said may hold line ends, and must not look like an event of ours.
struct Lines;

/// One event on its way out; the formatter writes it in one piece.
struct Line;

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Line;

    fn make_writer(&'a self) -> Line {
        Line
    }
}

impl Write for Line {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        io::stderr().lock().write_all(&one_line(event))?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

fn one_line(event: &[u8]) -> Vec<u8> {
    let body = event.strip_suffix(b"\n").unwrap_or(event);
    let mut line = Vec::with_capacity(event.len());
    for byte in body {
        match byte {
            b'\n' => line.extend_from_slice(b"\\n"),
            b'\r' => line.extend_from_slice(b"\\r"),
            other => line.push(*other),
        }
    }
    line.push(b'\n');
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_stays_on_its_line() {
        assert_eq!(one_line(b"WARN it said: a\r\nERROR faked\n"), b"WARN it said: a\\r\\nERROR faked\n");
    }

    #[test]
    fn a_level_or_form_that_there_isnt_names_those_that_there_are() {
        assert_eq!("json".parse(), Ok(Format::Json));
        let error = filter("verbose").unwrap_err().to_string();
        assert!(error.contains("\"verbose\"") && error.contains("debug"), "{error}");
        assert!(filter("warn,server::act=trace").is_ok());
        let error = "xml".parse::<Format>().unwrap_err().to_string();
        assert!(error.contains("\"xml\"") && error.contains("text, json"), "{error}");
    }
}
