//! Series in files: CSV with the header `timestamp,value` and RFC 3339 times with a zone (or whole numbers since 1970), or Parquet with the same
//! two columns; one row a step, missing rows are gaps. And from a Prometheus in place of a file ([`prometheus`]).

mod prometheus;

use std::borrow::Cow;
use std::fmt::Write as _;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use predictor::{Cleaning, Series, SeriesError};

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

/// What a file held at any moment.
#[derive(Debug)]
pub struct Past<'a> {
    file: &'a SeriesFile,
    whole: Series,
    /// Nothing had to be done to its rows, so that the first of them are the beginning of the series.
    in_order: bool,
}

impl Past<'_> {
    /// All rows.
    #[must_use]
    pub fn whole(&self) -> &Series {
        &self.whole
    }

    /// The file's name without folder and ending.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.file.name
    }

    /// The rows with a timestamp ≤ `origin_ms`: what could be known then; the series may go on after it. The step is that of the whole file, so
    /// that a few first rows can't tell another.
    ///
    /// # Errors
    /// [`SeriesFileError::Series`].
    pub fn until(&self, origin_ms: i64) -> Result<(Cow<'_, Series>, Vec<Cleaning>), SeriesFileError> {
        let (whole, step_ms) = (&self.whole, self.whole.step_ms());
        let last = usize::try_from((origin_ms.min(whole.end_ms() - step_ms) - whole.start_ms()).div_euclid(step_ms)).ok();
        match last.and_then(|last| (0..=last).rev().find(|&slot| whole.value(slot).is_some())) {
            Some(slot) if self.in_order && Some(slot) == last => Ok((Cow::Borrowed(whole), Vec::new())),
            // A gap at the end isn't known to be one.
            Some(slot) if self.in_order => Ok((Cow::Owned(whole.until(whole.timestamp_ms(slot))), Vec::new())),
            _ => {
                let known: Vec<(i64, f64)> = self.file.points.iter().copied().filter(|point| point.0 <= origin_ms).collect();
                let found = Series::try_from_points(&known, Some(step_ms));
                let (series, notes) = found.map_err(|source| SeriesFileError::Series { file: self.file.name.clone(), source })?;
                Ok((Cow::Owned(series), notes))
            }
        }
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
mod tests {
    use super::*;
    use crate::cli::parse_time;

    fn parse(text: &str) -> Result<SeriesFile, SeriesFileError> {
        SeriesFile::parse(text.as_bytes(), "load.csv", "load".to_owned())
    }

    #[test]
    fn errors_name_the_line_the_value_and_what_is_allowed() {
        for (text, parts) in [
            ("", ["line 1", "timestamp,value"]),
            ("time,value\n", ["unknown column \"time\"", "`timestamp,value` is allowed"]),
            ("value,timestamp\n", ["line 1", "`timestamp,value` is allowed"]),
            ("timestamp,value\n2026-01-01T00:00:00Z,1\n2026-01-01,2\n", ["line 3", "\"2026-01-01\" is not a time"]),
            ("timestamp,value\n\n2026-01-01T00:00:00Z,many\n", ["line 3", "\"many\" is no number"]),
            ("timestamp,value\n2026-01-01T00:00:00Z,1,2\n", ["line 2", "two are allowed"]),
            ("timestamp,value\n2026-01-01T00:00:00Z\n", ["line 2", "1 field(s)"]),
        ] {
            let error = parse(text).unwrap_err().to_string();
            assert!(error.starts_with("load.csv, line"), "{error}");
            assert!(parts.iter().all(|part| error.contains(part)), "{text:?}: {error}");
        }
        let latin =
            SeriesFile::parse(&b"timestamp,value\n2026-01-01T00:00:00Z,\xe9\n"[..], "load.csv", "load".to_owned()).unwrap_err().to_string();
        assert!(latin.contains("line 2") && latin.contains("UTF-8"), "{latin}");
        let csv = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/wc98_may.csv");
        let folder = tempfile::tempdir().unwrap();
        let named = folder.path().join("load.parquet");
        std::fs::copy(csv, &named).unwrap();
        let parquet = SeriesFile::read(&named).unwrap_err().to_string();
        assert!(parquet.contains("load.parquet") && parquet.contains("no readable Parquet file"), "{parquet}");
        assert!(SeriesFile::read(Path::new("no/such/file.csv")).unwrap_err().to_string().contains("no/such/file.csv"));
    }

    #[test]
    fn missing_rows_empty_values_and_nan_are_gaps_and_the_series_comes_back() {
        let text = "timestamp,value\n2026-01-01T00:00:00Z,1\n2026-01-01T00:01:00Z,\n2026-01-01T00:02:00Z,NaN\n2026-01-01T00:04:00Z,2.5\n2026-01-01T00:05:00Z,3\n";
        let (series, _) = parse(text).unwrap().series().unwrap();
        let values: Vec<_> = (0..series.len()).map(|i| series.value(i)).collect();
        assert_eq!(values, [Some(1.0), None, None, None, Some(2.5), Some(3.0)]);
        let again = parse(&to_csv(&series)).unwrap().series().unwrap().0;
        assert_eq!(again, series);
    }

    #[test]
    fn what_a_spreadsheet_writes_is_read() {
        let text = "\u{feff}\"timestamp\",\"value\"\r\n\"2026-01-01T00:00:00Z\", 5\r\n2026-01-01T01:01:00+01:00,\"6.5\"\r\n";
        let points = parse(text).unwrap().points;
        assert_eq!(points, [(1_767_225_600_000, 5.0), (1_767_225_660_000, 6.5)]);
    }

    #[test]
    fn whole_numbers_since_1970_are_told_apart_by_their_size_and_small_ones_are_refused() {
        for text in ["1767225600", "1767225600000", "1767225600000000", "1767225600000000000", "2026-01-01T00:00:00Z"] {
            assert_eq!(moment(text, &mut DayText::default()), Ok(1_767_225_600_000), "{text}");
        }
        for text in ["0", "20260101", "99999999", "-1767225600", "1767225600.5"] {
            assert!(moment(text, &mut DayText::default()).unwrap_err().contains("RFC 3339"), "{text}");
        }
        let points = parse("timestamp,value\n1767225600,5\n1767225660,6\n").unwrap().points;
        assert_eq!(points, [(1_767_225_600_000, 5.0), (1_767_225_660_000, 6.0)]);
    }

    #[test]
    fn a_parquet_file_that_pandas_wrote_holds_the_same_series_as_its_csv() {
        let file = |name: &str| SeriesFile::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata").join(name)).unwrap();
        let (parquet, csv) = (file("load.parquet"), file("load.csv"));
        assert_eq!(parquet.name, "load");
        assert_eq!(parquet.series().unwrap(), csv.series().unwrap());
        assert_eq!(parquet.series().unwrap().0.observed(), 1_380);
    }

    #[test]
    fn what_was_known_at_an_origin_ends_there() {
        let text = "timestamp,value\n2026-01-01T00:00:00Z,1\n2026-01-01T00:02:00Z,7\n2026-01-01T00:01:00Z,2\n2026-01-01T00:03:00Z,9\n";
        let file = parse(text).unwrap();
        let origin_ms = parse_time("2026-01-01T00:01:30Z").unwrap();
        let past = file.past().unwrap();
        let (series, notes) = past.until(origin_ms).unwrap();
        assert_eq!((series.len(), series.value(1)), (2, Some(2.0)));
        assert!(notes.is_empty(), "the row that came late came late to one after the origin: {notes:?}");
    }

    #[test]
    fn a_file_in_order_is_at_any_moment_what_its_first_rows_are() {
        let text = "timestamp,value\n2026-01-01T00:00:00Z,1\n2026-01-01T00:01:00Z,2\n2026-01-01T00:02:00Z,4\n2026-01-01T00:05:00Z,3\n";
        let (file, minute) = (parse(text).unwrap(), 60_000);
        let past = file.past().unwrap();
        for origin_ms in (-3..16).map(|half| file.points[0].0 + half * minute / 2) {
            let rows: Vec<(i64, f64)> = file.points.iter().copied().filter(|point| point.0 <= origin_ms).collect();
            let told = past.until(origin_ms).map(|(series, notes)| (series.until(origin_ms), notes)).ok();
            assert_eq!(told, Series::try_from_points(&rows, Some(minute)).ok(), "{origin_ms}");
        }
    }
}
