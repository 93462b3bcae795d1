//! When the next day's maximum comes: how far the highest median is from it, and the peak of the sample paths.

use predictor::{DAY_MS, Request, Series, forecast_with};

use crate::measure::{HOUR_MS, How, QUARTER_MS, mean, median};
use crate::traces::Trace;

/// Origins per trace.
const ORIGINS: usize = 40;

/// Prints one line over all traces.
pub fn report(how: &How, traces: &[Trace]) {
    let found: Vec<Scored> = traces.iter().flat_map(|trace| peaks(how, trace)).collect();
    let of = |pick: &dyn Fn(&Scored) -> f64| found.iter().map(pick).collect::<Vec<f64>>();
    println!(
        "time of the day's maximum     mean error {:.2} h (highest median {:.2} h), median error {:.2} h ({:.2} h), within its {:.1} h {:.3}",
        mean(&of(&|row| row.0)),
        mean(&of(&|row| row.1)),
        median(of(&|row| row.0)),
        median(of(&|row| row.1)),
        median(of(&|row| row.3)),
        mean(&of(&|row| f64::from(u8::from(row.2))))
    );
}

/// Of one origin: error of the peak [h], error of the highest median [h], whether it lay within, and how long that is [h].
type Scored = (f64, f64, bool, f64);

fn peaks(how: &How, trace: &Trace) -> Vec<Scored> {
    let coarse = if trace.series.step_ms() < QUARTER_MS { trace.series.resample(QUARTER_MS).ok() } else { None };
    let series: &Series = coarse.as_ref().unwrap_or(&trace.series);
    let steps = (DAY_MS / series.step_ms()) as usize;
    let first = series.len() * 7 / 10;
    let Some(room) = series.len().checked_sub(first + steps + 1) else { return Vec::new() };
    let hours = |ms: i64| ms as f64 / HOUR_MS as f64;
    let one = |k: usize| {
        let origin = first + room * k / (ORIGINS - 1);
        let origin_ms = series.timestamp_ms(origin);
        let history = series.until(origin_ms).since(origin_ms - 21 * DAY_MS);
        let forecast = forecast_with(&history, origin_ms, &Request::over(DAY_MS), how.models(&trace.name)).ok()?;
        let actual: Option<Vec<f64>> = (1..=steps).map(|step| series.value(origin + step)).collect();
        let highest = actual?.into_iter().enumerate().reduce(|best, one| if one.1 > best.1 { one } else { best })?.0;
        let came_ms = series.timestamp_ms(origin + 1 + highest);
        let peak = forecast.peak(origin_ms, forecast.horizon_end_ms())?;
        let median = forecast.points.iter().reduce(|best, point| if point.q[2] > best.q[2] { point } else { best })?.ts_ms;
        let within = came_ms > peak.from_ms && came_ms <= peak.to_ms;
        Some((hours((peak.at_ms - came_ms).abs()), hours((median - came_ms).abs()), within, hours(peak.to_ms - peak.from_ms)))
    };
    (0..ORIGINS).filter_map(one).collect()
}
