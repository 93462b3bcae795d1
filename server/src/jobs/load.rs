//! The load of a what-if: what was measured, what is forecast, or what somebody made up; and before it the history that the planner may
//! learn from.

use predictor::Series;

use super::request::WINDOW_MS_MIN;
use crate::api::control::ControlError;
use crate::api::dto::{LoadOrigin, Shape};
use crate::cli::{parse_duration, show_time};
use crate::runtime::Shared;
use crate::series_file::to_csv;
use crate::store::{SeriesKey, StoreError};

const DAY_MS: i64 = 86_400_000;
/// What a live forecast may look back on, too; where the store has only hourly means of so long ago, less.
const LOOK_BACK_DAYS: [i64; 5] = [28, 14, 7, 3, 0];
/// Step of a made-up load.
const STEP_MS: i64 = 60_000;

/// A load without gaps, and from where on it is simulated.
#[derive(Clone, Debug, PartialEq)]
pub struct Load {
    /// Time of the first value.
    pub start_ms: i64,
    /// From one value to the next.
    pub step_ms: i64,
    /// Offered load [requests/s], unscaled.
    pub values: Vec<f64>,
    /// Values before the simulated window.
    pub before: usize,
    /// What was done to it, in words.
    pub notes: Vec<String>,
}

impl Load {
    /// The part that is simulated.
    pub fn window(&self) -> &[f64] {
        self.values.get(self.before..).unwrap_or_default()
    }

    /// As a series file.
    pub fn csv(&self) -> String {
        let values = self.values.iter().copied().map(Some).collect();
        // Its step and length come from a stored series, so this can't fail; an empty file would be refused by the scenario.
        Series::try_new(self.start_ms, self.step_ms, values).map(|series| to_csv(&series)).unwrap_or_default()
    }

    /// Time of the window's first value.
    pub fn window_ms(&self) -> i64 {
        self.start_ms + self.before as i64 * self.step_ms
    }
}

pub fn unavailable(error: StoreError) -> ControlError {
    ControlError::Unavailable { reason: error.to_string(), retry_after_s: 5 }
}

fn no_load(key: &str, value: impl Into<String>, allowed: impl Into<String>) -> ControlError {
    ControlError::BadInput { key: key.into(), value: value.into(), allowed: allowed.into() }
}

/// A duration that was checked with the request.
fn checked_ms(text: &str) -> i64 {
    parse_duration(text).unwrap_or(WINDOW_MS_MIN)
}

/// The same origin with its times fixed, so that it means the same tomorrow.
pub fn pinned(origin: &LoadOrigin, now_ms: i64) -> LoadOrigin {
    match origin {
        LoadOrigin::Recorded { last: Some(last), .. } => {
            let to_ms = now_ms.div_euclid(STEP_MS) * STEP_MS;
            let at = crate::api::time::Time;
            LoadOrigin::Recorded { from: Some(at(to_ms - checked_ms(last))), to: Some(at(to_ms)), last: None }
        }
        other => other.clone(),
    }
}

/// Gets the load of a service.
pub async fn get(shared: &Shared, service: &str, origin: &LoadOrigin) -> Result<Load, ControlError> {
    match pinned(origin, shared.clock.now_ms()) {
        LoadOrigin::Recorded { from, to, .. } => {
            let (from_ms, to_ms) = (from.map_or(0, |at| at.0), to.map_or(0, |at| at.0));
            recorded(shared, service, from_ms, to_ms).await
        }
        LoadOrigin::Forecast { quantile, lasts } => forecast(shared, service, quantile, checked_ms(&lasts)).await,
        LoadOrigin::Synthetic { shape, rps, peak_rps, lasts } => {
            let start_ms = shared.clock.now_ms().div_euclid(STEP_MS) * STEP_MS;
            Ok(synthetic(shape, rps, peak_rps.unwrap_or(rps), checked_ms(&lasts), start_ms))
        }
    }
}

async fn read(shared: &Shared, service: &str, from_ms: i64, to_ms: i64) -> Result<Option<Series>, ControlError> {
    shared.store.read(SeriesKey { service, metric: "load" }, from_ms, to_ms - 1).await.map_err(unavailable)
}

async fn recorded(shared: &Shared, service: &str, from_ms: i64, to_ms: i64) -> Result<Load, ControlError> {
    let window = format!("{} to {}", show_time(from_ms), show_time(to_ms));
    let nothing = || no_load("source", format!("recorded, {window}"), format!("a window in which the load of {service} was measured"));
    let known = read(shared, service, from_ms, to_ms).await?.ok_or_else(nothing)?;
    let step_ms = known.step_ms();
    if known.len() as i64 * step_ms < WINDOW_MS_MIN {
        return Err(nothing());
    }
    let mut notes = Vec::new();
    let (first_ms, end_ms) = (known.start_ms(), known.end_ms() + step_ms);
    if first_ms > from_ms + step_ms || end_ms < to_ms - step_ms {
        notes.push(format!("Of {window} the load is known from {} to {} only.", show_time(first_ms), show_time(end_ms)));
    }
    if step_ms >= 3_600_000 {
        notes.push("Of so long ago only hourly means are kept: shorter peaks are missing.".to_owned());
    }
    let all = with_history(shared, service, known).await?;
    let before = usize::try_from((first_ms - all.start_ms()) / step_ms).unwrap_or(0);
    let (values, held) = filled(&all, before);
    if held > 0 {
        notes.push(format!("Gaps of {} min in all were filled with the value before them.", held as i64 * step_ms / 60_000));
    }
    notes.extend(history_note(before, step_ms));
    Ok(Load { start_ms: all.start_ms(), step_ms, values, before, notes })
}

/// A stored window with as much history before it as there is at the same step.
async fn with_history(shared: &Shared, service: &str, window: Series) -> Result<Series, ControlError> {
    let end_ms = window.end_ms() + window.step_ms();
    for days in LOOK_BACK_DAYS {
        let read = read(shared, service, window.start_ms() - days * DAY_MS, end_ms).await?;
        if let Some(longer) = read.filter(|longer| longer.step_ms() == window.step_ms() && longer.start_ms() <= window.start_ms()) {
            return Ok(longer);
        }
    }
    Ok(window)
}

fn history_note(before: usize, step_ms: i64) -> Option<String> {
    let hours = before as i64 * step_ms / 3_600_000;
    Some(match hours {
        0 => "There is no history before it: a predictive planner has nothing to learn from, and reacts.".to_owned(),
        hours => format!(
            "The planner knows {} of history before it, scaled by the same factor.",
            if hours >= 48 { format!("{} days", hours / 24) } else { format!("{hours} h") }
        ),
    })
}

/// Three decimals are more than was measured, and the same in a file as in memory.
fn rounded(rps: f64) -> f64 {
    (rps * 1_000.0).round() / 1_000.0
}

/// Values with gaps held, and how many there were from slot `from` on.
fn filled(series: &Series, from: usize) -> (Vec<f64>, usize) {
    let (mut last, mut held) = (0.0, 0);
    let values = (0..series.len()).map(|slot| {
        match series.value(slot).filter(|value| value.is_finite() && *value >= 0.0) {
            Some(value) => last = rounded(value),
            None => held += usize::from(slot >= from),
        }
        last
    });
    (values.collect(), held)
}

async fn forecast(shared: &Shared, service: &str, quantile: f64, lasts_ms: i64) -> Result<Load, ControlError> {
    let found = shared.view(service).and_then(|view| view.forecast);
    let Some(forecast) = found else {
        return Err(ControlError::NotFound { what: "forecast for service", name: service.to_owned() });
    };
    if !forecast.quantiles.iter().any(|known| (known - quantile).abs() < 1e-9) {
        let known = forecast.quantiles.iter().map(f64::to_string).collect::<Vec<_>>().join(", ");
        return Err(no_load("source.quantile", quantile.to_string(), format!("one of the forecast's: {known}")));
    }
    let step_ms = forecast.step_ms;
    let ahead: Vec<f64> = (forecast.points.iter().take_while(|point| point.ts_ms <= forecast.origin_ms + lasts_ms))
        .filter_map(|point| forecast.quantile_at(point.ts_ms, quantile))
        .map(|rps| rounded(rps.max(0.0)))
        .collect();
    let first_ms = forecast.points.first().map_or(forecast.origin_ms, |point| point.ts_ms);
    let mut notes = vec![format!(
        "Every step of the load is the forecast's q{quantile} as of {}: all steps as high at once are less likely than that.",
        show_time(forecast.origin_ms)
    )];
    // What was known when the forecast was made is the planner's history, if it is still stored at the same step.
    let known = read(shared, service, first_ms - LOOK_BACK_DAYS[0] * DAY_MS, first_ms).await?;
    let known = known.filter(|known| known.step_ms() == step_ms && known.end_ms() + step_ms >= first_ms - 5 * step_ms);
    let (start_ms, mut values) = known.map_or((first_ms, Vec::new()), |known| {
        let (mut values, _) = filled(&known, usize::MAX);
        let slots = usize::try_from((first_ms - known.start_ms()) / step_ms).unwrap_or(values.len());
        values.resize(slots, values.last().copied().unwrap_or(0.0));
        (first_ms - values.len() as i64 * step_ms, values)
    });
    let before = values.len();
    notes.extend(history_note(before, step_ms));
    values.extend(ahead);
    Ok(Load { start_ms, step_ms, values, before, notes })
}

fn synthetic(shape: Shape, rps: f64, peak_rps: f64, lasts_ms: i64, start_ms: i64) -> Load {
    let steps = (lasts_ms / STEP_MS).max(1);
    let value = |step: i64| match shape {
        Shape::Constant => rps,
        Shape::Ramp => rps + (peak_rps - rps) * step as f64 / (steps - 1).max(1) as f64,
        Shape::Spike if (steps * 5 / 12..steps * 7 / 12).contains(&step) => peak_rps,
        Shape::Spike => rps,
    };
    let values = (0..steps).map(|step| rounded(value(step)).max(0.001)).collect();
    let notes = history_note(0, STEP_MS).into_iter().collect();
    Load { start_ms, step_ms: STEP_MS, values, before: 0, notes }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn made_up_loads_have_their_shape() {
        let of = |shape, peak| synthetic(shape, 10.0, peak, 3_600_000, 0).values;
        assert!(of(Shape::Constant, 10.0).iter().all(|rps| *rps == 10.0));
        let ramp = of(Shape::Ramp, 40.0);
        assert_eq!((ramp.len(), ramp[0], ramp[59]), (60, 10.0, 40.0));
        assert!(ramp.is_sorted());
        let spike = of(Shape::Spike, 50.0);
        assert_eq!(spike.iter().filter(|rps| **rps == 50.0).count(), 10);
        assert_eq!((spike[24], spike[25], spike[34], spike[35]), (10.0, 50.0, 50.0, 10.0));
    }

    #[test]
    fn gaps_are_held_and_counted_in_the_window_only() {
        let series = Series::try_new(0, 60_000, vec![Some(1.0), None, Some(3.00049), None, None, Some(6.0)]).unwrap();
        assert_eq!(filled(&series, 2), (vec![1.0, 1.0, 3.0, 3.0, 3.0, 6.0], 2));
    }
}
