//! Series to forecast.

use predictor::{DAY_MS, Series};

pub const HOUR_MS: i64 = 3_600_000;
pub const MINUTE_MS: i64 = 60_000;

/// Monday 2026-03-02T00:00:00Z.
pub const START_MS: i64 = 1_772_409_600_000;

/// Reproducible noise in −1 … 1 for a slot.
pub fn noise(seed: u64, i: usize) -> f64 {
    let mut x = (seed ^ 0x9e37_79b9_7f4a_7c15).wrapping_add(i as u64).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^= x >> 31;
    (x >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
}

/// A service's load at a time: nights of 100, afternoons of 500, weekends at 60 %.
pub fn shape(ts_ms: i64) -> f64 {
    let hour = ts_ms.rem_euclid(DAY_MS) as f64 / HOUR_MS as f64;
    let weekend = predictor::calendar::is_weekend(ts_ms);
    let day = 300.0 - 200.0 * libm::cos((hour - 3.0) / 24.0 * std::f64::consts::TAU);
    day * if weekend { 0.6 } else { 1.0 }
}

/// Slots from [`START_MS`] on.
pub fn series(days: f64, step_ms: i64, value: impl Fn(usize, i64) -> Option<f64>) -> Series {
    let slots = (days * DAY_MS as f64 / step_ms as f64).round() as usize;
    let values = (0..slots).map(|i| value(i, START_MS + i as i64 * step_ms)).collect();
    Series::try_new(START_MS, step_ms, values).unwrap()
}

/// [`shape`] with 5 % noise.
pub fn service(days: f64, step_ms: i64) -> Series {
    series(days, step_ms, |i, ts_ms| Some(shape(ts_ms) * (1.0 + 0.05 * noise(1, i))))
}

/// A trace of `testdata`.
pub fn trace(csv: &str) -> Series {
    let points: Vec<(i64, f64)> =
        csv.lines().skip(1).map(|line| line.split_once(',').unwrap()).map(|(t, v)| (epoch_ms(t), v.parse().unwrap())).collect();
    Series::try_from_points(&points, None).unwrap().0
}

/// `YYYY-MM-DDTHH:MM:SSZ` (days from the civil calendar after Howard Hinnant).
fn epoch_ms(text: &str) -> i64 {
    let part = |range: std::ops::Range<usize>| text[range].parse::<i64>().unwrap();
    let (month, day) = (part(5..7), part(8..10));
    let year = part(0..4) - i64::from(month <= 2);
    let day_of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
    let days = year * 365 + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + day_of_year - 719_468;
    (((days * 24 + part(11..13)) * 60 + part(14..16)) * 60 + part(17..19)) * 1000
}
