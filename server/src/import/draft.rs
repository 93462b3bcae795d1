//! What an import gives.

use std::fmt::Write as _;

use serde::Serialize;

/// What became of something that was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It is in the draft and means the same.
    Carried,
    /// It is in the draft and means nearly the same.
    Approximated,
    /// It isn't in the draft.
    NotCarried,
    /// It is in the draft and wasn't in the file.
    Assumed,
}

impl Status {
    /// As it is shown to people.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Carried => "carried over",
            Self::Approximated => "approximated",
            Self::NotCarried => "not carried over",
            Self::Assumed => "assumed",
        }
    }
}

/// One thing that was read (or assumed), and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Note {
    /// The file.
    pub file: String,
    /// Its line, counted from 1; 0 for an assumption.
    pub line: usize,
    /// The directive or field, with its value.
    pub what: String,
    /// What became of it.
    pub status: Status,
    /// Where it went, or why it didn't.
    pub why: String,
}

impl Note {
    /// In one line.
    #[must_use]
    pub fn line(&self) -> String {
        let place = if self.line == 0 { self.file.clone() } else { format!("{}:{}", self.file, self.line) };
        format!("{place}: {}: {}: {}", self.status.words(), self.what, self.why)
    }
}

/// What the files can't say.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Assumed {
    /// Offered load [requests/s].
    pub rate_rps: f64,
    /// Mean service time [ms].
    pub service_ms: f64,
    /// Requests that a replica serves at once.
    pub concurrency: u32,
}

impl Assumed {
    /// A note on each, so that nobody takes them for measurements.
    pub(super) fn notes(&self, file: &str) -> Vec<Note> {
        let note = |what: String, how: &str| Note {
            file: file.to_owned(),
            line: 0,
            what,
            status: Status::Assumed,
            why: format!("the file doesn't say it: give {how}, or what `prescale calibrate` finds"),
        };
        vec![
            note(format!("a load of {} requests/s", self.rate_rps), "--rate-rps"),
            note(format!("a service time of {} ms, exponential", self.service_ms), "--service-ms"),
            note(format!("{} requests at once per replica", self.concurrency), "--concurrency"),
        ]
    }
}

/// What an import gives.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Draft {
    /// A scenario for `prescale simulate`.
    pub scenario: String,
    /// A part of `prescale.toml`, if the file says enough for one.
    pub config: Option<String>,
    /// Everything that was read, in the order of files and lines.
    pub notes: Vec<Note>,
}

impl Draft {
    /// Notes that a person has to read: all but what was carried over as it is.
    pub fn open(&self) -> impl Iterator<Item = &Note> {
        self.notes.iter().filter(|note| note.status != Status::Carried)
    }

    /// A draft's text below a comment that lists what isn't in it.
    #[must_use]
    pub fn commented(&self, text: &str, source: &str) -> String {
        let mut out = format!("# Drafted by `prescale import` from {}. Not in it, or not quite:\n", one_line(source));
        for note in self.open() {
            // Writing to a String can't fail.
            let _ = writeln!(out, "# - {}", one_line(&note.line()));
        }
        out + "\n" + text
    }
}

/// For a comment: a line break would end it, and TOML allows no other control character either.
fn one_line(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
}

/// A file that can't be imported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportError {
    /// The file.
    pub file: String,
    /// Its line, counted from 1, where there is one.
    pub line: Option<usize>,
    /// What is wrong, and what is allowed.
    pub what: String,
}

impl std::fmt::Display for ImportError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}: {}", self.file, self.what),
            None => write!(f, "{}: {}", self.file, self.what),
        }
    }
}

impl std::error::Error for ImportError {}
