//! Durations as people write them, and conversions between nanoseconds and the units of reports.

use balancer::Nanos;

/// Nanoseconds in a second.
pub const SECOND: u64 = 1_000_000_000;
/// Nanoseconds in a minute, the step of a report's timeline.
pub const MINUTE: u64 = 60 * SECOND;
/// Nanoseconds in an hour.
pub const HOUR: u64 = 3_600 * SECOND;

/// Longest duration that is accepted, 100 years: sums of a few of them stay far below `u64::MAX` nanoseconds (584 years).
const LONGEST_S: f64 = 100.0 * 365.0 * 86_400.0;

/// What [`parse_duration`] accepts, for error messages.
pub const DURATION_FORM: &str = "a duration like \"250ms\", \"90s\", \"15m\", \"24h\" or \"7d\"";

/// Reads `90s`, `15m`, `24h`, `7d`, `250ms`, `1.5h`. `None` for anything else, also for negative, unitless and longer than 100 years.
///
/// ```
/// use balancer::Nanos;
/// assert_eq!(simulator::units::parse_duration("90s"), Some(Nanos(90_000_000_000)));
/// assert_eq!(simulator::units::parse_duration("90"), None);
/// ```
pub fn parse_duration(text: &str) -> Option<Nanos> {
    let split = text.find(|c: char| !(c.is_ascii_digit() || c == '.'))?;
    let (number, unit) = text.split_at(split);
    let unit_s = match unit {
        "us" => 1e-6,
        "ms" => 1e-3,
        "s" => 1.0,
        "m" => 60.0,
        "h" => 3_600.0,
        "d" => 86_400.0,
        _ => return None,
    };
    let seconds = number.parse::<f64>().ok()? * unit_s;
    nanos_from_s(seconds)
}

/// Seconds to nanoseconds, rounded; `None` when negative, not finite, or longer than 100 years.
pub fn nanos_from_s(seconds: f64) -> Option<Nanos> {
    (seconds.is_finite() && (0.0..=LONGEST_S).contains(&seconds)).then(|| Nanos(libm::round(seconds * 1e9) as u64))
}

/// Nanoseconds as seconds.
pub fn as_s(nanos: u64) -> f64 {
    nanos as f64 / 1e9
}

/// Nanoseconds as milliseconds.
pub fn as_ms(nanos: f64) -> f64 {
    nanos / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_need_a_unit_and_a_number() {
        for (text, nanos) in [("250ms", 250_000_000), ("1.5h", 5_400 * SECOND), ("7d", 604_800 * SECOND), ("0s", 0), ("3us", 3_000)] {
            assert_eq!(parse_duration(text), Some(Nanos(nanos)), "{text}");
        }
        for text in ["", "s", "90", "-3s", "1e3s", "5 s", "5x", "1.2.3s", "40000d", "ms5"] {
            assert_eq!(parse_duration(text), None, "{text}");
        }
    }
}
