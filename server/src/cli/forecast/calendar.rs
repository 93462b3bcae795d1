//! The file of `--calendar`: what the history's place is.

use std::path::Path;

use predictor::Calendar;
use serde::Deserialize;

use super::bad_input;
use crate::cli::CliError;

/// What may stand in it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    time_zone: String,
}

/// The clocks of the file's zone between two times.
pub(super) fn read(path: &Path, from_ms: i64, to_ms: i64) -> Result<Calendar, CliError> {
    let named = |problem: &dyn std::fmt::Display| bad_input(format!("{}: {problem}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|error| named(&error))?;
    let File { time_zone } = toml::from_str(&text).map_err(|error| named(&error))?;
    planner::calendar::clocks(&time_zone, from_ms, to_ms).ok_or_else(|| {
        let allowed = "a name of the IANA time zone database, such as Europe/Berlin or UTC";
        named(&format!("time_zone = {time_zone:?} is not allowed: {allowed}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_meant_is_named_with_what_is_allowed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("calendar.toml");
        let read = |text: &str| {
            std::fs::write(&path, text).unwrap();
            read(&path, 0, 1_000_000_000_000).map_err(|error| error.to_string())
        };
        assert_eq!(read("time_zone = \"Europe/Berlin\"").unwrap().offset_ms(946_684_800_000), 3_600_000);
        for (text, parts) in [
            ("time_zone = \"Mars/Olympus\"", ["calendar.toml: time_zone = \"Mars/Olympus\"", "Europe/Berlin"]),
            ("timezone = \"UTC\"", ["timezone", "time_zone"]),
            ("", ["calendar.toml", "time_zone"]),
        ] {
            let error = read(text).unwrap_err();
            assert!(parts.iter().all(|part| error.contains(part)), "{error}");
        }
        let missing = super::read(&folder.path().join("none.toml"), 0, 1).unwrap_err().to_string();
        assert!(missing.contains("none.toml"), "{missing}");
    }
}
