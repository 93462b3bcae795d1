//! The largest value of the recent past, in bounded memory.

use serde::{Deserialize, Serialize};

/// Values with their time, of which only those are kept that can still be the maximum of some window that ends now: times rise, values fall.
/// So it holds at most one entry per distinct value. For a minimum, record negated values.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MaxWindow {
    entries: Vec<(i64, i64)>,
}

impl MaxWindow {
    /// Adds a value and forgets what is not younger than `keep_ms`.
    pub fn record(&mut self, at_ms: i64, value: i64, keep_ms: i64) {
        while self.entries.last().is_some_and(|&(_, last)| last <= value) {
            self.entries.pop();
        }
        let oldest = at_ms.saturating_sub(keep_ms);
        self.entries.retain(|&(at, _)| at > oldest);
        self.entries.push((at_ms, value));
    }

    /// As [`MaxWindow::record`]; where nothing is remembered (a start, a long gap in the data), `assumed` stands for the past, so that an empty
    /// memory doesn't read as a quiet one.
    pub fn record_after(&mut self, at_ms: i64, value: i64, keep_ms: i64, assumed: i64) {
        if self.max(at_ms, keep_ms).is_none() {
            self.record(at_ms, assumed, keep_ms);
        }
        self.record(at_ms, value, keep_ms);
    }

    /// The largest value that is younger than `within_ms` at `now_ms`.
    pub fn max(&self, now_ms: i64, within_ms: i64) -> Option<i64> {
        let oldest = now_ms.saturating_sub(within_ms);
        self.entries.iter().find(|&&(at, _)| at > oldest).map(|&(_, value)| value)
    }

    /// The clock was set back: what lies in the future counts as of now.
    pub fn clamp(&mut self, now_ms: i64) {
        for entry in &mut self.entries {
            entry.0 = entry.0.min(now_ms);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn it_is_the_maximum_of_the_window(values in prop::collection::vec((1i64..50, 0i64..40), 1..80), within in 1i64..400) {
            let (mut window, mut all, mut now) = (MaxWindow::default(), Vec::new(), 0);
            for (gap, value) in values {
                now += gap;
                window.record(now, value, within);
                all.push((now, value));
                let expected = all.iter().filter(|&&(at, _)| at > now - within).map(|&(_, v)| v).max();
                prop_assert_eq!(window.max(now, within), expected);
                prop_assert!(window.entries.len() <= 41);
            }
        }
    }
}
