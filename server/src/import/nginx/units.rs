//! Numbers as nginx writes them.

/// Longest time that is accepted [ms]: a year, far from where our own durations end.
const LONGEST_MS: u64 = 365 * 86_400_000;

/// `10s`, `1m30s`, `500ms`, `2` (seconds) as milliseconds.
pub fn time_ms(text: &str) -> Option<u64> {
    let mut total: u64 = 0;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(rest.len());
        let number: u64 = rest.get(..digits)?.parse().ok()?;
        rest = &rest[digits..];
        let letters = rest.find(|letter: char| letter.is_ascii_digit() || letter == ' ').unwrap_or(rest.len());
        let unit_ms = match rest.get(..letters)? {
            "ms" => 1,
            "s" | "" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            "w" => 604_800_000,
            "M" => 2_592_000_000,
            "y" => 31_536_000_000,
            _ => return None,
        };
        rest = rest[letters..].trim_start();
        total = total.checked_add(number.checked_mul(unit_ms)?)?;
    }
    (!text.is_empty() && total <= LONGEST_MS).then_some(total)
}

/// `8k`, `10m`, `1g`, `512` as bytes.
pub fn bytes(text: &str) -> Option<u64> {
    let digits = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
    let factor = match text.get(digits..)?.to_ascii_lowercase().as_str() {
        "" => 1,
        "k" => 1 << 10,
        "m" => 1 << 20,
        "g" => 1 << 30,
        _ => return None,
    };
    text.get(..digits)?.parse::<u64>().ok()?.checked_mul(factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_sizes_are_read_as_nginx_reads_them() {
        let times =
            [("10", 10_000), ("10s", 10_000), ("500ms", 500), ("1m30s", 90_000), ("1h 30m", 5_400_000), ("0", 0), ("1w", 604_800_000)];
        for (text, ms) in times {
            assert_eq!(time_ms(text), Some(ms), "{text}");
        }
        for text in ["", "s", "-1s", "10x", "1.5s", "99999999999999999999", "99y", "9223372036854775807y"] {
            assert_eq!(time_ms(text), None, "{text}");
        }
        assert_eq!((bytes("8k"), bytes("10M"), bytes("7"), bytes("x"), bytes("1t")), (Some(8_192), Some(10 << 20), Some(7), None, None));
    }
}
