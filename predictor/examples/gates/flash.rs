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

/// Mean weighted quantile loss of our next hour and of the last value's, origins every 5 minutes from 30 minutes before to the crowd's end.
pub fn score(series: &Series) -> (f64, f64) {
    let (first, room) = (series.len() * 7 / 10, series.len() * 3 / 10 - 240);
    let tallies: Vec<(Tally, Tally)> = (0..CROWDS).into_par_iter().map(|i| crowd(series, first + 40 + room * i / (CROWDS - 1))).collect();
    let (mut own, mut last) = (Tally::new(&SCORED_LEVELS), Tally::new(&SCORED_LEVELS));
    for (a, b) in &tallies {
        own.merge(a);
        last.merge(b);
    }
    (own.loss().unwrap_or(f64::NAN), last.loss().unwrap_or(f64::NAN))
}
pub fn detail(series: &Series) {
    let (first, room) = (series.len() * 7 / 10, series.len() * 3 / 10 - 240);
    for off in (-30..=110).step_by(5) {
        let (mut own, mut last) = (Tally::new(&SCORED_LEVELS), Tally::new(&SCORED_LEVELS));
        for i in 0..CROWDS {
            let (a, b) = crowd_at(series, first + 40 + room * i / (CROWDS - 1), off..=off);
            own.merge(&a);
            last.merge(&b);
        }
        let v = own.volume / 2.0 * 4.0 / 1e2;
        let l: Vec<i64> = own.losses.iter().map(|x| (x / own.volume * 500.0) as i64).collect();
        let m: Vec<i64> = last.losses.iter().map(|x| (x / own.volume * 500.0) as i64).collect();
        println!("{off:>4} own {:>9.0} last {:>9.0} {:?} {:?}", own.loss().unwrap() * v, last.loss().unwrap() * v, l, m);
    }
}

fn crowd(series: &Series, start: usize) -> (Tally, Tally) {
    crowd_at(series, start, -30..=110)
}
fn crowd_at(series: &Series, start: usize, r: std::ops::RangeInclusive<i32>) -> (Tally, Tally) {
    let crowded = (0..series.len()).map(|i| series.value(i).map(|v| v * factor(i as f64 - start as f64))).collect();
    let Ok(crowded) = Series::try_new(series.start_ms(), series.step_ms(), crowded) else { return Default::default() };
    let (mut own, mut last) = (Tally::new(&SCORED_LEVELS), Tally::new(&SCORED_LEVELS));
    for off in r.step_by(5) {
        let origin = (start as i64 + off as i64) as usize;
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
