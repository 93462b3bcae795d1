//! Flash crowds: a real trace multiplied by a ramp to 5 in 10 minutes, held for 40, back in 60, at 12 times of its last 30 %.

use predictor::{DAY_MS, ModelChoice, Request, Series, backtest::SCORED_LEVELS, score::Tally};
use rayon::prelude::*;

/// Traces at one minute that the gates name.
pub const TRACES: [&str; 3] = ["wc98_may", "nasa_jul95", "twstream_aug21"];

const MINUTE_MS: i64 = 60_000;
const CROWDS: usize = 12;
const NORMAL: [f64; 4] = [0.0, 1.281_551_565_544_600_4, 1.644_853_626_951_472_7, 2.326_347_874_040_840_8];

/// What the load is multiplied by `minute` minutes after the crowd's start.
fn factor(minute: f64) -> f64 {
    if minute <= 0.0 || minute >= 110.0 {
        1.0
    } else if minute < 10.0 {
        1.0 + 4.0 * minute / 10.0
    } else if minute <= 50.0 {
        5.0
    } else {
        5.0 - 4.0 * (minute - 50.0) / 60.0
    }
}

/// Loss of our next hour relative to the last value's, at origins every 5 minutes: from 30 minutes before to the crowd's end, and of these
/// only those at which the crowd had begun.
pub fn score(series: &Series) -> (f64, f64) {
    let relative = |first_minute| {
        // The times of `make bench-forecast`: half an hour before the first crowd, and its ramp and an hour behind the last.
        let (first, last) = (series.len() * 7 / 10 + 30, series.len() - 1 - 170);
        let start = |i| first + (last - first) * i / (CROWDS - 1);
        let tallies: Vec<(Tally, Tally)> = (0..CROWDS).into_par_iter().map(|i| crowd(series, start(i), first_minute)).collect();
        let (mut own, mut last) = (Tally::new(&SCORED_LEVELS), Tally::new(&SCORED_LEVELS));
        for (a, b) in &tallies {
            own.merge(a);
            last.merge(b);
        }
        own.loss().unwrap_or(f64::NAN) / last.loss().unwrap_or(f64::NAN)
    };
    (relative(-30), relative(5))
}

fn crowd(series: &Series, start: usize, first_minute: i64) -> (Tally, Tally) {
    let crowded = (0..series.len()).map(|i| series.value(i).map(|v| v * factor(i as f64 - start as f64))).collect();
    let Ok(crowded) = Series::try_new(series.start_ms(), series.step_ms(), crowded) else { return Default::default() };
    let (mut own, mut last) = (Tally::new(&SCORED_LEVELS), Tally::new(&SCORED_LEVELS));
    for minute in (first_minute..=110).step_by(5) {
        let origin = (start as i64 + minute) as usize;
        let at_ms = crowded.timestamp_ms(origin);
        let history = crowded.until(at_ms).since(at_ms - 21 * DAY_MS);
        let request = Request { horizon_ms: 60 * MINUTE_MS, quantiles: SCORED_LEVELS.to_vec(), model: ModelChoice::Auto };
        let Ok(forecast) = predictor::forecast_at(&history, at_ms, &request) else { continue };
        let (level, sigma) = last_value(&history);
        for (h, point) in forecast.points.iter().enumerate() {
            if let Some(actual) = crowded.value(origin + 1 + h) {
                own.add(actual, &point.q);
                last.add(actual, &NORMAL.map(|z| level + z * sigma * ((h + 1) as f64).sqrt()));
            }
        }
    }
    (own, last)
}

/// The last observation, and the standard deviation of one step's change.
fn last_value(history: &Series) -> (f64, f64) {
    let seen: Vec<f64> = (0..history.len()).filter_map(|i| history.value(i)).collect();
    let squares: f64 = seen.windows(2).map(|pair| (pair[1] - pair[0]) * (pair[1] - pair[0])).sum();
    (seen.last().copied().unwrap_or(0.0), (squares / (seen.len() as f64 - 1.0).max(1.0)).sqrt())
}
