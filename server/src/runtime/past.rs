//! What the list of services shows of the last day: kept in memory, so that the list needs no database.

use predictor::Series;

use super::view::mean;

/// Points of the sparkline's past and of its future, a quarter of an hour each: a day back and a day ahead.
pub const SPARK_STEP_MS: i64 = 900_000;
pub const SPARK_POINTS: i64 = 96;

/// The load of the last day as means of quarters of an hour.
#[derive(Debug, Clone, Default)]
pub struct Past {
    /// The end of the last mean (domain ms).
    end_ms: i64,
    means: Vec<Option<f64>>,
}

impl Past {
    /// The first instant of what is looked back on at `now_ms`.
    pub fn from_ms(now_ms: i64) -> i64 {
        last_end(now_ms) - SPARK_POINTS * SPARK_STEP_MS
    }

    /// Of the quarters that are over.
    pub fn of(series: Option<&Series>, now_ms: i64) -> Self {
        let start = Self::from_ms(now_ms);
        let of_slot = |slot| series.and_then(|series| mean(series, start + slot * SPARK_STEP_MS, SPARK_STEP_MS));
        Self { end_ms: last_end(now_ms), means: (0..SPARK_POINTS).map(of_slot).collect() }
    }

    /// When there is another quarter to look at.
    pub fn until_ms(&self) -> i64 {
        self.end_ms + SPARK_STEP_MS
    }

    /// Its means as seen from `now_ms` on: quarters that were not looked at since are unknown.
    pub fn seen(&self, now_ms: i64) -> Vec<Option<f64>> {
        let newer = (last_end(now_ms) - self.end_ms).div_euclid(SPARK_STEP_MS);
        let at = |slot: i64| usize::try_from(slot + newer).ok().and_then(|slot| *self.means.get(slot)?);
        (0..SPARK_POINTS).map(at).collect()
    }
}

/// Digits that a chart 36 pixels high can show, and more: the rest would be most of what is sent.
const DIGITS: i32 = 4;

/// A value as the sparkline shows it.
pub fn short(value: f64) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return value;
    }
    let scale = 10_f64.powi(DIGITS - 1 - value.abs().log10().floor() as i32);
    let rounded = (value * scale).round() / scale;
    // Beyond the range of a double's powers of ten the value stays as it is.
    if rounded.is_finite() { rounded } else { value }
}

/// The end of the newest quarter that is over.
pub fn last_end(now_ms: i64) -> i64 {
    now_ms.div_euclid(SPARK_STEP_MS) * SPARK_STEP_MS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_keeps_four_digits() {
        for (value, expected) in
            [(0.0, 0.0), (1234.56, 1235.0), (0.012_345_6, 0.012_35), (-98_765.4, -98_770.0), (7.0, 7.0), (1e-320, 1e-320)]
        {
            assert_eq!(short(value).to_string(), f64::to_string(&expected), "{value}");
        }
    }

    #[test]
    fn what_was_looked_at_moves_back_and_what_was_not_is_unknown() {
        let start_ms = 1_000 * 86_400_000;
        let series = Series::try_new(start_ms, 60_000, (0..1_440).map(|minute| Some(f64::from(minute / 15))).collect()).unwrap();
        let end_ms = start_ms + 86_400_000;
        let past = Past::of(Some(&series), end_ms + 1);
        assert_eq!((Past::from_ms(end_ms + 1), past.until_ms()), (start_ms, end_ms + SPARK_STEP_MS));
        let seen = past.seen(end_ms + SPARK_STEP_MS - 1);
        assert!(seen.len() == 96 && (0..96).all(|slot| seen[slot] == Some(slot as f64)), "{seen:?}");
        let later = past.seen(end_ms + 2 * SPARK_STEP_MS);
        assert_eq!((later.len(), later[0], later[93], later[94], later[95]), (96, Some(2.0), Some(95.0), None, None));
        assert!(Past::default().seen(end_ms).iter().all(Option::is_none));
        assert_eq!(Past::default().seen(end_ms).len(), 96);
    }
}
