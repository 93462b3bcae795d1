//! Their clock against ours, from the `Date` of an answer.
//!
//! Samples carry the server's time, decisions ours. A difference of seconds is usual and corrected; a difference of minutes would make every
//! stale sample look fresh (or the reverse), and the history of a daily climb come at the wrong time, so it is an error.

use jiff::fmt::rfc2822::DateTimeParser;

use super::Problem;

/// The most that is corrected [ms].
pub const SKEW_MS_MAX: i64 = 60_000;

/// How far their clock is ahead of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Skew {
    ahead_ms: i64,
    /// Half a second of `Date`'s resolution and half of the round trip.
    margin_ms: i64,
}

impl Skew {
    /// From the header and our time around the exchange; `None` if the header is no date.
    pub(super) fn measure(date: &str, sent_ms: i64, received_ms: i64) -> Option<Self> {
        let theirs_ms = DateTimeParser::new().parse_timestamp(date).ok()?.as_millisecond() + 500;
        let ours_ms = sent_ms.midpoint(received_ms);
        Some(Self { ahead_ms: theirs_ms - ours_ms, margin_ms: 500 + (received_ms - sent_ms) / 2 })
    }

    /// Theirs minus ours [ms]; zero where it can't be told from none.
    #[must_use]
    pub fn ahead_ms(self) -> i64 {
        if self.ahead_ms.abs() <= self.margin_ms { 0 } else { self.ahead_ms }
    }

    /// Refuses what is certainly beyond the limit.
    pub(super) fn check(self, url: &str) -> Result<(), Problem> {
        if self.ahead_ms.abs() - self.margin_ms > SKEW_MS_MAX {
            return Err(Problem::Skew { url: url.to_owned(), ahead_ms: self.ahead_ms });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DATE: &str = "Wed, 25 Nov 2026 00:04:08 GMT";
    const DATE_MS: i64 = 1_795_565_048_000;

    #[test]
    fn what_lies_within_the_resolution_is_no_skew() {
        for ours in [DATE_MS, DATE_MS + 500, DATE_MS + 999] {
            assert_eq!(Skew::measure(DATE, ours, ours).unwrap().ahead_ms(), 0);
        }
        // A slow answer says less: the date may be from its beginning or its end.
        assert_eq!(Skew::measure(DATE, DATE_MS - 4_000, DATE_MS + 400).unwrap().ahead_ms(), 0);
        assert_eq!(Skew::measure("yesterday", 0, 0), None);
    }

    #[test]
    fn a_minute_is_tolerated_and_more_is_refused_with_its_direction() {
        let skew = |ours: i64| Skew::measure(DATE, ours, ours).unwrap();
        assert_eq!(skew(DATE_MS + 40_500).ahead_ms(), -40_000);
        assert!(skew(DATE_MS + 60_500).check("http://p").is_ok());
        let behind = skew(DATE_MS + 90_500).check("http://p").unwrap_err().to_string();
        assert!(behind.contains("90 s behind ours") && behind.contains("NTP"), "{behind}");
        let ahead = skew(DATE_MS - 89_500).check("http://p").unwrap_err().to_string();
        assert!(ahead.contains("90 s ahead of ours"), "{ahead}");
    }
}
