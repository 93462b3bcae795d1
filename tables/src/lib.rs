//! Reads series from Parquet files (a column of times and a column of values), and writes columns into them.
//!
//! It knows nothing of Prescale. It is a crate of its own because of what lies below it: polars takes longer to compile than all of `server`,
//! and is compiled once here. CSV is not read here: a line-by-line reader can name the line that is wrong.
//!
//! ```
//! let parse_time = |text: &str| text.parse::<i64>();
//! let error = tables::read_series(std::io::Cursor::new(b"no parquet".to_vec()), "timestamp", "value", parse_time).unwrap_err();
//! assert!(error.to_string().contains("Parquet"));
//! ```

mod write;

use std::fmt::Display;
use std::io::{Read, Seek, SeekFrom};
use std::panic::{AssertUnwindSafe, catch_unwind};

use polars::prelude::{Column, DataFrame, DataType, ParquetReader, PolarsError, SerReader, TimeUnit};

pub use write::{Values, write};

/// Why a file is no series.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// Not a Parquet file, or a broken one.
    #[error("no readable Parquet file: {0}")]
    Parquet(String),
    /// A column is missing.
    #[error("no column {name:?}; it has {found:?}")]
    Column {
        /// What is needed.
        name: String,
        /// What there is.
        found: Vec<String>,
    },
    /// A column holds something else.
    #[error("column {name:?} holds {found}; allowed: {allowed}")]
    Type {
        /// Which column.
        name: String,
        /// What it holds.
        found: String,
        /// What is allowed.
        allowed: &'static str,
    },
    /// A row can't be used.
    #[error("row {row}: {problem}")]
    Row {
        /// Which row, from 1.
        row: usize,
        /// Column, value and what is allowed.
        problem: String,
    },
}

impl From<PolarsError> for TableError {
    fn from(error: PolarsError) -> Self {
        Self::Parquet(error.to_string())
    }
}

/// Every Parquet file begins with these bytes.
const MAGIC: &[u8; 4] = b"PAR1";

/// Reads `(epoch ms, value)` rows in the file's order.
///
/// Times are timestamps of any unit (without a zone they are UTC), or texts and whole numbers that `parse_time` understands, as text; values are
/// numbers, absent ones NaN.
///
/// # Errors
/// [`TableError`]. A file that is broken in ways that the Parquet reader doesn't foresee is an error too, not a panic.
pub fn read_series<R, E>(
    mut reader: R,
    time: &str,
    value: &str,
    parse_time: impl Fn(&str) -> Result<i64, E>,
) -> Result<Vec<(i64, f64)>, TableError>
where
    R: Read + Seek + polars::io::mmap::MmapBytesReader,
    E: Display,
{
    let broken = |error: std::io::Error| TableError::Parquet(error.to_string());
    let mut magic = [0; MAGIC.len()];
    reader.read_exact(&mut magic).map_err(broken)?;
    reader.seek(SeekFrom::Start(0)).map_err(broken)?;
    if &magic != MAGIC {
        return Err(TableError::Parquet("it doesn't begin with PAR1".into()));
    }
    // The reader trusts lengths and offsets that a broken file gets wrong.
    let table = catch_unwind(AssertUnwindSafe(|| ParquetReader::new(reader).with_columns(None).finish()))
        .map_err(|_| TableError::Parquet("its contents contradict each other".into()))??;
    let times = times(column(&table, time)?, time, parse_time)?;
    let numbers = column(&table, value)?;
    if !numbers.dtype().is_primitive_numeric() {
        return Err(wrong_type(numbers, value, "numbers"));
    }
    let numbers = numbers.cast(&DataType::Float64)?;
    Ok(times.into_iter().zip(numbers.f64()?.iter().map(|number| number.unwrap_or(f64::NAN))).collect())
}

fn column<'a>(table: &'a DataFrame, name: &str) -> Result<&'a Column, TableError> {
    table.column(name).map_err(|_| TableError::Column {
        name: name.to_owned(),
        found: table.get_column_names().into_iter().map(|name| name.to_string()).collect(),
    })
}

fn wrong_type(column: &Column, name: &str, allowed: &'static str) -> TableError {
    TableError::Type { name: name.to_owned(), found: column.dtype().to_string(), allowed }
}

fn times<E: Display>(column: &Column, name: &str, parse: impl Fn(&str) -> Result<i64, E>) -> Result<Vec<i64>, TableError> {
    let absent = |row: usize| TableError::Row { row: row + 1, problem: format!("{name} is absent") };
    match column.dtype() {
        DataType::Datetime(unit, _) => {
            let per_ms = match unit {
                TimeUnit::Nanoseconds => 1_000_000,
                TimeUnit::Microseconds => 1_000,
                TimeUnit::Milliseconds => 1,
            };
            let physical = column.to_physical_repr();
            let ticks = physical.i64()?.iter().enumerate();
            ticks.map(|(row, tick)| tick.map(|tick| tick.div_euclid(per_ms)).ok_or_else(|| absent(row))).collect()
        }
        DataType::String => {
            let texts = column.str()?.iter().enumerate();
            let time = |row: usize, text: &str| {
                parse(text).map_err(|problem| TableError::Row { row: row + 1, problem: format!("{name} = {problem}") })
            };
            texts.map(|(row, text)| time(row, text.ok_or_else(|| absent(row))?)).collect()
        }
        DataType::Int64 | DataType::Int32 | DataType::UInt64 | DataType::UInt32 => {
            let texts = column.cast(&DataType::String)?;
            times(&texts, name, parse)
        }
        _ => Err(wrong_type(column, name, "timestamps, RFC 3339 texts, or whole numbers since 1970")),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use polars::prelude::{IntoColumn, NamedFrom, ParquetWriter, Series};

    use super::*;

    fn parquet(columns: Vec<Column>) -> Vec<u8> {
        let rows = columns[0].len();
        let mut bytes = Vec::new();
        ParquetWriter::new(&mut bytes).finish(&mut DataFrame::new(rows, columns).unwrap()).unwrap();
        bytes
    }

    fn ticks(unit: TimeUnit, values: &[i64]) -> Column {
        Series::new("timestamp".into(), values).cast(&DataType::Datetime(unit, None)).unwrap().into_column()
    }

    fn values<T>(values: T) -> Column
    where
        Series: NamedFrom<T, [f64]>,
    {
        Series::new("value".into(), values).into_column()
    }

    fn read(bytes: Vec<u8>) -> Result<Vec<(i64, f64)>, TableError> {
        let parse = |text: &str| text.parse::<i64>().map_err(|_| format!("{text:?} is not a time"));
        read_series(Cursor::new(bytes), "timestamp", "value", parse)
    }

    #[test]
    fn timestamps_of_every_unit_and_texts_are_times() {
        for (unit, per_ms) in [(TimeUnit::Milliseconds, 1), (TimeUnit::Microseconds, 1_000), (TimeUnit::Nanoseconds, 1_000_000)] {
            let rows = read(parquet(vec![ticks(unit, &[60_000 * per_ms, 120_000 * per_ms]), values([1.5, 2.0])])).unwrap();
            assert_eq!(rows, [(60_000, 1.5), (120_000, 2.0)]);
        }
        let texts = Series::new("timestamp".into(), ["60000", "120000"]).into_column();
        let numbers = Series::new("timestamp".into(), [60_000_i64, 120_000]).into_column();
        assert_eq!(read(parquet(vec![numbers, values([1.5, 2.0])])).unwrap(), [(60_000, 1.5), (120_000, 2.0)]);
        let counts = Series::new("value".into(), [Some(3_u32), None]).into_column();
        let rows = read(parquet(vec![counts, texts])).unwrap();
        assert_eq!(rows[0], (60_000, 3.0));
        assert!(rows[1].1.is_nan(), "an absent value is unknown, not zero");
    }

    #[test]
    fn errors_name_the_column_and_what_is_allowed() {
        let error = |columns| read(parquet(columns)).unwrap_err().to_string();
        let time = || ticks(TimeUnit::Milliseconds, &[1]);
        assert!(error(vec![time()]).contains("no column \"value\"; it has [\"timestamp\"]"));
        let text = Series::new("value".into(), ["many"]).into_column();
        assert!(error(vec![time(), text]).contains("column \"value\" holds str; allowed: numbers"));
        let number = Series::new("timestamp".into(), [1.5]).into_column();
        assert!(error(vec![number, values([1.0])]).contains("allowed: timestamps"));
        let text = Series::new("timestamp".into(), ["60000", "noon"]).into_column();
        assert!(error(vec![text, values([1.0, 2.0])]).contains("row 2: timestamp = \"noon\" is not a time"));
        let absent = Series::new("timestamp".into(), [Some("60000"), None]).into_column();
        assert!(error(vec![absent, values([1.0, 2.0])]).contains("row 2: timestamp is absent"));
    }

    #[test]
    fn a_broken_file_is_an_error_and_never_a_panic() {
        let whole = parquet(vec![ticks(TimeUnit::Milliseconds, &(0..500).collect::<Vec<_>>()), values(vec![1.25; 500])]);
        for length in (0..whole.len()).step_by(7) {
            assert!(read(whole[..length].to_vec()).is_err(), "cut at {length}");
        }
        for at in 4..whole.len() {
            let mut bent = whole.clone();
            bent[at] ^= 0x5a;
            // Some bytes don't matter, some change a value: only a panic or an abort would be wrong.
            let _ = read(bent);
        }
    }
}
