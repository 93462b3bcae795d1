//! Times and durations as the command line writes them.

use jiff::Timestamp;

/// Reads an RFC 3339 time with a zone as epoch milliseconds.
///
/// # Errors
/// The text, and what is allowed.
pub fn parse_time(text: &str) -> Result<i64, String> {
    text.parse::<Timestamp>()
        .map(Timestamp::as_millisecond)
        .map_err(|_| format!("{text:?} is not a time; allowed: RFC 3339 with a zone, such as 1998-05-26T06:00:00Z"))
}

/// Shows epoch milliseconds as RFC 3339 UTC; a number outside of the calendar as it is.
#[must_use]
pub fn show_time(ms: i64) -> String {
    Timestamp::from_millisecond(ms).map_or_else(|_| format!("{ms} ms"), |at| at.to_string())
}

/// Reads a duration such as `500ms`, `90s`, `15m`, `24h` or `7d` as milliseconds: a positive number and one unit.
///
/// # Errors
/// The text, and what is allowed.
pub fn parse_duration(text: &str) -> Result<i64, String> {
    let bad = || format!("{text:?} is not a duration; allowed: a positive number with a unit, such as 500ms, 90s, 15m, 24h or 7d");
    let split = text.find(|letter: char| letter.is_ascii_alphabetic()).ok_or_else(bad)?;
    let (number, unit) = text.split_at(split);
    let factor = match unit {
        "ms" => 1.0,
        "s" => 1_000.0,
        "m" => 60_000.0,
        "h" => 3_600_000.0,
        "d" => 86_400_000.0,
        _ => return Err(bad()),
    };
    let ms = number.parse::<f64>().map_err(|_| bad())? * factor;
    // Ten thousand years: beyond it, times leave the calendar.
    if (1.0..=3.2e14).contains(&ms) { Ok(ms.round() as i64) } else { Err(bad()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_need_a_unit_and_a_positive_number() {
        assert_eq!(parse_duration("90s"), Ok(90_000));
        assert_eq!(parse_duration("1.5h"), Ok(5_400_000));
        for text in ["", "90", "h", "-3h", "3 weeks", "0s", "NaNs", "infd", "1e300d", "3hh"] {
            let error = parse_duration(text).unwrap_err();
            assert!(error.contains("15m"), "{text}: {error}");
        }
    }

    #[test]
    fn times_need_a_zone_and_come_back_as_they_were() {
        assert_eq!(show_time(parse_time("1998-05-26T06:00:00Z").unwrap()), "1998-05-26T06:00:00Z");
        assert!(parse_time("1998-05-26").unwrap_err().contains("RFC 3339"));
        assert_eq!(show_time(i64::MAX), format!("{} ms", i64::MAX));
    }
}
