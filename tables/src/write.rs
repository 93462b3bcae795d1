//! Writes columns into Parquet files.

use std::io::Write;

use polars::prelude::{Column, DataFrame, IntoColumn, NamedFrom, ParquetWriter, Series};

use crate::TableError;

/// The values of a column, all of a kind; `None` is absent.
#[derive(Debug, Clone, PartialEq)]
pub enum Values {
    /// Texts.
    Text(Vec<Option<String>>),
    /// Numbers.
    Number(Vec<Option<f64>>),
    /// Whole numbers.
    Whole(Vec<Option<u64>>),
    /// Yes or no.
    Flag(Vec<Option<bool>>),
}

/// Writes a table; the same columns give the same bytes.
///
/// # Errors
/// [`TableError::Parquet`] when columns differ in length or name, or the writer fails.
pub fn write(to: impl Write, columns: Vec<(&str, Values)>) -> Result<(), TableError> {
    let columns: Vec<Column> = columns
        .into_iter()
        .map(|(name, values)| {
            match values {
                Values::Text(values) => Series::new(name.into(), values),
                Values::Number(values) => Series::new(name.into(), values),
                Values::Whole(values) => Series::new(name.into(), values),
                Values::Flag(values) => Series::new(name.into(), values),
            }
            .into_column()
        })
        .collect();
    let rows = columns.first().map_or(0, Column::len);
    ParquetWriter::new(to).finish(&mut DataFrame::new(rows, columns)?)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use polars::prelude::{ParquetReader, SerReader};

    use super::*;

    fn bytes(columns: Vec<(&str, Values)>) -> Result<Vec<u8>, TableError> {
        let mut bytes = Vec::new();
        write(&mut bytes, columns).map(|()| bytes)
    }

    #[test]
    fn what_is_written_is_read_again_and_absent_stays_absent() {
        let columns = || {
            vec![
                ("name", Values::Text(vec![Some("p2c".to_owned()), None])),
                ("p99", Values::Number(vec![None, Some(0.1)])),
                ("count", Values::Whole(vec![Some(7), Some(u64::MAX)])),
                ("new", Values::Flag(vec![Some(true), None])),
            ]
        };
        let written = bytes(columns()).unwrap();
        assert_eq!(written, bytes(columns()).unwrap());
        let table = ParquetReader::new(Cursor::new(written)).finish().unwrap();
        let texts: Vec<_> = table.column("name").unwrap().str().unwrap().iter().collect();
        assert_eq!(texts, [Some("p2c"), None]);
        let numbers: Vec<_> = table.column("p99").unwrap().f64().unwrap().iter().collect();
        assert_eq!(numbers, [None, Some(0.1)]);
        let counts: Vec<_> = table.column("count").unwrap().u64().unwrap().iter().collect();
        assert_eq!(counts, [Some(7), Some(u64::MAX)]);
        let flags: Vec<_> = table.column("new").unwrap().bool().unwrap().iter().collect();
        assert_eq!(flags, [Some(true), None]);
    }

    #[test]
    fn columns_of_different_lengths_or_the_same_name_are_an_error() {
        let column = |length| Values::Number(vec![Some(1.0); length]);
        assert!(bytes(vec![("a", column(1)), ("b", column(2))]).is_err());
        assert!(bytes(vec![("a", column(1)), ("a", column(1))]).is_err());
    }
}
