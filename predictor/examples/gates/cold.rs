//! Cold starts: coverage and loss of forecasts from little history.

use predictor::{DAY_MS, Request, Series, score::Tally};

use crate::measure::{HOUR_MS, QUARTER_MS, mean, median, off};
use crate::traces::Trace;

const LEVELS: [f64; 4] = [0.5, 0.9, 0.95, 0.99];
/// Starts per trace.
const ORIGINS: i64 = 40;
/// Histories [h].
const HISTORIES: [i64; 6] = [1, 3, 12, 24, 36, 72];

/// Prints a row per history and horizon: mean over the traces, and the farthest trace.
pub fn report(traces: &[Trace]) {
    println!("cold start               coverage q.90/q.95/q.99   lowest q.90   maxima: error, < q.90   width");
    for hours in HISTORIES {
        for horizon_ms in [HOUR_MS, DAY_MS] {
            let rows: Vec<Scored> = traces.iter().filter_map(|trace| score(&trace.series, hours * HOUR_MS, horizon_ms)).collect();
            let cover = |i: usize| mean(&rows.iter().map(|row| row.cover[i]).collect::<Vec<_>>());
            let lowest = rows.iter().map(|row| row.cover[0]).fold(1.0, f64::min);
            let maxima: Vec<_> = rows.iter().flat_map(|row| row.maxima.iter().copied()).collect();
            let below = mean(&maxima.iter().map(|(_, high, actual)| f64::from(u8::from(actual <= high))).collect::<Vec<_>>());
            let error = median(maxima.iter().map(|(mid, _, actual)| off(*mid, *actual)).collect());
            let width = median(rows.iter().map(|row| row.width).collect());
            println!(
                "{hours:>3} h seen, {:>2} h ahead     {:.3}/{:.3}/{:.3}           {lowest:.3}         {error:.3}  {below:.3}            {width:.2}",
                horizon_ms / HOUR_MS,
                cover(0),
                cover(1),
                cover(2),
            );
        }
    }
}

struct Scored {
    cover: [f64; 3],
    maxima: Vec<(f64, f64, f64)>,
    /// Median of q.90 ÷ q.50.
    width: f64,
}

fn score(series: &Series, history_ms: i64, horizon_ms: i64) -> Option<Scored> {
    let coarse = (horizon_ms >= DAY_MS && series.step_ms() < QUARTER_MS).then(|| series.resample(QUARTER_MS).ok()).flatten();
    let series = coarse.as_ref().unwrap_or(series);
    let (first, last) = (series.start_ms() + history_ms, series.end_ms() - series.step_ms() - horizon_ms);
    let (mut tally, mut maxima, mut widths) = (Tally::new(&LEVELS), Vec::new(), Vec::new());
    for k in 0..ORIGINS {
        let slot = ((first - series.start_ms()) + (last - first) / ORIGINS * k) / series.step_ms();
        let origin_ms = series.timestamp_ms(slot as usize);
        let history = series.until(origin_ms).since(origin_ms - history_ms + series.step_ms());
        let request = Request { quantiles: LEVELS.to_vec(), ..Request::over(horizon_ms) };
        let Ok(forecast) = predictor::forecast_at(&history, origin_ms, &request) else { continue };
        let actual = |i: usize| series.value(slot as usize + 1 + i);
        for (i, point) in forecast.points.iter().enumerate() {
            if let Some(actual) = actual(i) {
                tally.add(actual, &point.q);
            }
            widths.push(point.q[1] / point.q[0].max(1e-9));
        }
        let highest: Option<Vec<f64>> = (0..forecast.points.len()).map(actual).collect();
        if let Some(highest) = highest {
            let max = |q| forecast.window_max(origin_ms, forecast.horizon_end_ms(), q).unwrap_or(f64::NAN);
            maxima.push((max(0.5), max(0.9), highest.into_iter().fold(0.0, f64::max)));
        }
    }
    Some(Scored { cover: [tally.coverage(0.9)?, tally.coverage(0.95)?, tally.coverage(0.99)?], maxima, width: median(widths) })
}
