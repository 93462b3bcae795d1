//! Series in files: CSV with the header `timestamp,value` and RFC 3339 times with a zone (or whole numbers since 1970), or Parquet with the same
//! two columns; one row a step, missing rows are gaps. And from a Prometheus in place of a file ([`prometheus`]).

mod past;
mod prometheus;

use std::fmt::Write as _;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use predictor::{Cleaning, Series, SeriesError};

pub use past::Past;

use crate::cli::{DayText, show_time};
use crate::collect::prometheus::Problem;

/// The header that is read and written.
const HEADER: [&str; 2] = ["timestamp", "value"];

/// A file's rows in its own order.
#[derive(Clone, Debug, PartialEq)]
pub struct SeriesFile {
    /// The file's name without folder and ending.
    pub name: String,
    /// (timestamp [epoch ms], value); a value that is empty, `NaN` or infinite in the file is NaN: a gap.
    pub points: Vec<(i64, f64)>,
}

/// Why a file is no series. The text names file, line, value and what is allowed.
#[derive(Debug, thiserror::Error)]
pub enum SeriesFileError {
    /// The file can't be read.
    #[error("{file}: {source}")]
    Read {
        /// Which file.
        file: String,
        /// The system's answer.
        source: std::io::Error,
    },
    /// The address of a Prometheus, or what it asks for, is wrong.
    #[error("{input}: {problem}")]
    Address {
        /// As it was given.
        input: String,
        /// Key, value and what is allowed.
        problem: String,
    },
    /// A Prometheus gives no series.
    #[error("{query:?}: {problem}")]
    Prometheus {
        /// What was asked.
        query: String,
        /// What is wrong, and what to do.
        problem: Problem,
    },
    /// A Parquet file without a series in it.
    #[error("{file}: {source}")]
    Parquet {
        /// Which file.
        file: String,
        /// What is wrong with it.
        source: tables::TableError,
    },
    /// The header or a row is wrong.
    #[error("{file}, line {line}: {problem}")]
    Row {
        /// Which file.
        file: String,
        /// Which line, from 1.
        line: u64,
        /// Key, value and what is allowed.
        problem: String,
    },
    /// The rows are no regular series.
    #[error("{file}: {source}")]
    Series {
        /// Which file.
        file: String,
        /// What is wrong with them.
        source: SeriesError,
    },
}

impl SeriesFileError {
    /// Whether the input must change; otherwise the same may be read another time.
    #[must_use]
    pub fn is_input(&self) -> bool {
        !matches!(self, Self::Prometheus { problem, .. } if !problem.is_ours())
    }
}

impl SeriesFile {
    /// Reads whatever a command line may name as a series: this is the one place that tells the kinds apart.
    ///
    /// # Errors
    /// [`SeriesFileError`].
    pub fn read(path: &Path) -> Result<Self, SeriesFileError> {
        let file = path.display().to_string();
        if file.starts_with(prometheus::SCHEME) {
            return prometheus::read(&file);
        }
        let opened = File::open(path).map_err(|source| SeriesFileError::Read { file: file.clone(), source })?;
        let name = path.file_stem().map_or_else(|| file.clone(), |stem| stem.to_string_lossy().into_owned());
        if path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("parquet")) {
            let points = tables::read_series(opened, HEADER[0], HEADER[1], |text| moment(text, &mut DayText::default()));
            return Ok(Self { name, points: points.map_err(|source| SeriesFileError::Parquet { file, source })? });
        }
        Self::parse(opened, &file, name)
    }

    /// Reads CSV from anywhere; `file` is what errors call it.
    ///
    /// # Errors
    /// [`SeriesFileError`].
    pub fn parse(mut reader: impl Read, file: &str, name: String) -> Result<Self, SeriesFileError> {
        let mut bytes = Vec::new();
        reader.read_to_end(&mut bytes).map_err(|source| SeriesFileError::Read { file: file.to_owned(), source })?;
        let wrong = |line: usize, problem: String| SeriesFileError::Row { file: file.to_owned(), line: line as u64, problem };
        let text = std::str::from_utf8(&bytes).map_err(|error| {
            let line = 1 + bytes[..error.valid_up_to()].iter().filter(|byte| **byte == b'\n').count();
            wrong(line, "not UTF-8 text: a CSV file is allowed".to_owned())
        })?;
        // Line by line, so that an error names the line that a person sees: a quoted line break has no place in these two columns.
        let mut lines = text.lines().zip(1..).filter(|(line, _)| !line.trim().is_empty());
        let Some((header, at)) = lines.next() else {
            return Err(wrong(1, "the file is empty: the header `timestamp,value` and rows are needed".to_owned()));
        };
        // Spreadsheets put a byte order mark before the first name.
        check_header(&fields(header.trim_start_matches('\u{feff}'))).map_err(|problem| wrong(at, problem))?;
        let mut day = DayText::default();
        let points = lines.map(|(line, at)| point(line, &mut day).map_err(|problem| wrong(at, problem)));
        Ok(Self { name, points: points.collect::<Result<_, _>>()? })
    }

    /// All rows as a series, and what was done to them.
    ///
    /// # Errors
    /// [`SeriesFileError::Series`].
    pub fn series(&self) -> Result<(Series, Vec<Cleaning>), SeriesFileError> {
        Series::try_from_points(&self.points, None).map_err(|source| SeriesFileError::Series { file: self.name.clone(), source })
    }

    /// The file as it was at any moment.
    ///
    /// # Errors
    /// [`SeriesFileError::Series`].
    pub fn past(&self) -> Result<Past<'_>, SeriesFileError> {
        let (whole, notes) = self.series()?;
        Ok(Past { file: self, whole, in_order: notes.is_empty() })
    }
}

/// The series as CSV text; gaps are missing rows.
#[must_use]
pub fn to_csv(series: &Series) -> String {
    let mut text = format!("{}\n", HEADER.join(","));
    for i in 0..series.len() {
        if let Some(value) = series.value(i) {
            // Writing to a String can't fail.
            let _ = writeln!(text, "{},{value}", show_time(series.timestamp_ms(i)));
        }
    }
    text
}

/// The fields of a line, without blanks and quotes around them.
fn fields(line: &str) -> Vec<&str> {
    line.split(',').map(field).collect()
}

fn field(text: &str) -> &str {
    let text = text.trim();
    text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(text)
}

fn check_header(columns: &[&str]) -> Result<(), String> {
    if let Some(unknown) = columns.iter().find(|name| !HEADER.contains(name)) {
        return Err(format!("unknown column {unknown:?}: the header `timestamp,value` is allowed"));
    }
    if columns != HEADER {
        return Err(format!("header {:?}: `timestamp,value` is allowed", columns.join(",")));
    }
    Ok(())
}

fn point(line: &str, day: &mut DayText) -> Result<(i64, f64), String> {
    let Some((timestamp, value)) = line.split_once(',').filter(|(_, value)| !value.contains(',')) else {
        return Err(format!("{} field(s): two are allowed, timestamp and value", fields(line).len()));
    };
    let ts_ms = moment(field(timestamp), day).map_err(|problem| format!("timestamp = {problem}"))?;
    let value = match field(value) {
        "" => f64::NAN,
        text => text.parse().map_err(|_| format!("value = {text:?} is no number; allowed: a number ≥ 0, or nothing for a gap"))?,
    };
    Ok((ts_ms, value))
}

/// Seconds since 1970 from 1973 on, of which fewer are left out: they could be anything. A thousand times as many are milliseconds, and so on, as
/// far as the year 5138: no moment between the two can be read in two ways.
const EPOCH: std::ops::Range<i64> = 100_000_000..100_000_000_000;

/// A time in RFC 3339 with a zone, or as a whole number of s, ms, µs or ns since 1970, which its size tells apart [epoch ms].
fn moment(text: &str, day: &mut DayText) -> Result<i64, String> {
    let Ok(number) = text.parse::<i64>() else { return day.parse(text) };
    let units = [(1, 1_000, 1), (1_000, 1, 1), (1_000_000, 1, 1_000), (1_000_000_000, 1, 1_000_000)];
    let unit = units.into_iter().find(|(per_s, ..)| EPOCH.contains(&(number / per_s)) && number > 0);
    let (_, times, over) = unit.ok_or_else(|| {
        format!("{text:?} is not a time; allowed: RFC 3339 with a zone, such as 1998-05-26T06:00:00Z, or s, ms, µs or ns since 1970 (from 1973 on)")
    })?;
    Ok(number * times / over)
}

#[cfg(test)]
mod tests;
