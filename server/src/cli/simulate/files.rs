//! The files that a scenario names: series and request logs, looked for beside it.

use std::path::PathBuf;

use simulator::{SeriesData, SeriesSource};

use super::series_data;
use crate::series_file::SeriesFile;

pub(in crate::cli) struct Files {
    pub folder: PathBuf,
}

impl SeriesSource for Files {
    fn load(&self, file: &str) -> Result<SeriesData, String> {
        let read = SeriesFile::read(&self.folder.join(file)).map_err(|error| error.to_string())?;
        let (series, _cleaning) = read.series().map_err(|error| error.to_string())?;
        Ok(series_data(&series))
    }

    fn load_log(&self, file: &str) -> Result<Vec<f64>, String> {
        let text = std::fs::read_to_string(self.folder.join(file)).map_err(|error| error.to_string())?;
        parse_log(&text)
    }
}

/// The first column of each row, seconds; a first row that isn't a number is the header.
fn parse_log(text: &str) -> Result<Vec<f64>, String> {
    let mut seconds = Vec::new();
    for (i, row) in text.lines().enumerate().filter(|(_, row)| !row.trim().is_empty()) {
        let cell = row.split(',').next().unwrap_or_default().trim();
        match cell.parse::<f64>() {
            Ok(at) if at.is_finite() => seconds.push(at),
            Err(_) if i == 0 => {}
            _ => return Err(format!("a number of seconds in the first column of row {}, not \"{cell}\"", i + 1)),
        }
    }
    Ok(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_log_is_read_with_and_without_a_header_and_names_the_row_that_is_wrong() {
        assert_eq!(parse_log("seconds_offset,input_tokens\n0.5,12\n1.25,3\n\n"), Ok(vec![0.5, 1.25]));
        assert_eq!(parse_log("0\n1\n"), Ok(vec![0.0, 1.0]));
        assert_eq!(parse_log(""), Ok(Vec::new()));
        let error = "a number of seconds in the first column of row 3, not \"soon\"".to_owned();
        assert_eq!(parse_log("at\n1\nsoon\n"), Err(error));
        assert!(parse_log("at\nNaN\n").is_err());
    }
}
