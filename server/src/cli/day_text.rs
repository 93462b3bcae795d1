//! Times of one day after the other as text, RFC 3339 in UTC: files and forecasts have tens of thousands of them, and all but the first of a day
//! share its date.

use super::{parse_time, show_time};

const SECOND_MS: i64 = 1_000;
const DAY_MS: i64 = 86_400 * SECOND_MS;
/// `1998-05-26T`.
const DATE: usize = 11;

/// The last date that was read or written.
#[derive(Debug, Default)]
pub struct DayText {
    /// With its `T`; empty before the first one.
    date: String,
    /// When that day begins [epoch ms].
    begin_ms: i64,
}

impl DayText {
    /// [`parse_time`].
    ///
    /// # Errors
    /// As [`parse_time`].
    pub fn parse(&mut self, text: &str) -> Result<i64, String> {
        let time = || clock_ms(text.strip_prefix(self.date.as_str()).filter(|_| !self.date.is_empty())?);
        if let Some(since_ms) = time() {
            return Ok(self.begin_ms + since_ms);
        }
        let ms = parse_time(text)?;
        if let (Some(date), Some(since_ms)) = (text.get(..DATE), text.get(DATE..).and_then(clock_ms)) {
            (self.date, self.begin_ms) = (date.to_owned(), ms - since_ms);
        }
        Ok(ms)
    }

    /// [`show_time`].
    pub fn show(&mut self, ms: i64) -> String {
        let since_ms = ms.saturating_sub(self.begin_ms);
        if !self.date.is_empty() && (0..DAY_MS).contains(&since_ms) && since_ms % SECOND_MS == 0 {
            let s = since_ms / SECOND_MS;
            let mut text = String::with_capacity(DATE + 9);
            text.push_str(&self.date);
            for (number, after) in [(s / 3_600, ':'), (s / 60 % 60, ':'), (s % 60, 'Z')] {
                // Below 60: two digits.
                text.extend([(b'0' + (number / 10) as u8) as char, (b'0' + (number % 10) as u8) as char, after]);
            }
            return text;
        }
        let text = show_time(ms);
        let begin_ms = ms.div_euclid(DAY_MS).saturating_mul(DAY_MS);
        if let Some(date) = text.get(..DATE).filter(|date| date.as_bytes()[DATE - 1] == b'T') {
            (self.date, self.begin_ms) = (date.to_owned(), begin_ms);
        }
        text
    }
}

/// `06:00:00Z` as what has gone since midnight [ms]; `None` for anything else, a leap second among it.
fn clock_ms(text: &str) -> Option<i64> {
    let &[h, hh, b':', m, mm, b':', s, ss, b'Z'] = text.as_bytes() else { return None };
    let number =
        |tens: u8, ones: u8| (tens.is_ascii_digit() && ones.is_ascii_digit()).then(|| i64::from(tens - b'0') * 10 + i64::from(ones - b'0'));
    let (h, m, s) = (number(h, hh)?, number(m, mm)?, number(s, ss)?);
    (h < 24 && m < 60 && s < 60).then_some((h * 3_600 + m * 60 + s) * SECOND_MS)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_reads_and_writes_what_one_by_one_would(times in prop::collection::vec((-4_000_000_i64..4_000_000, 0..1_500_i64), 1..40)) {
            let mut day = (DayText::default(), DayText::default());
            for (minute, ms) in times {
                let ms = minute * 60_000 / 40 * 40 + ms / 1_000 * ms;
                let text = day.0.show(ms);
                prop_assert_eq!(&text, &show_time(ms));
                prop_assert_eq!(day.1.parse(&text), Ok(ms));
            }
        }
    }

    #[test]
    fn other_zones_leap_seconds_and_what_is_no_time_are_not_taken_for_that_day() {
        let mut day = DayText::default();
        for text in [
            "1998-05-26T06:00:00Z",
            "1998-05-26T06:00:00+02:00",
            "1998-05-26T06:00:60Z",
            "1998-05-26T24:00:00Z",
            "1998-05-26T6:00:00Z",
            "1998-05-26T06:00:00.5Z",
            "1998-05-26T",
            "",
            "T",
            "1998-05-27T23:59:59Z",
            "-000001-05-26T06:00:00Z",
        ] {
            assert_eq!(day.parse(text), parse_time(text), "{text}");
        }
        for ms in [i64::MAX, i64::MIN, -1, 0, 253_402_300_799_000, 253_402_300_800_000, i64::MIN] {
            assert_eq!(day.show(ms), show_time(ms), "{ms}");
        }
    }
}
