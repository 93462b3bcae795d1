//! Rolling origins on the last part of a series, against the yardstick that everybody knows: seasonal naive (day) with Gaussian intervals.

use std::ops::ControlFlow;

use rayon::prelude::*;

use crate::{
    boosted::Models,
    calendar::Calendar,
    model::made,
    request::{DAY_MS, ForecastError, ModelChoice, Request},
    score::Tally,
    series::Series,
};

/// Levels that are scored.
pub const SCORED_LEVELS: [f64; 4] = [0.5, 0.9, 0.95, 0.99];

/// z-scores of the normal distribution at [`SCORED_LEVELS`].
const NORMAL: [f64; 4] = [0.0, 1.281_551_565_544_600_4, 1.644_853_626_951_472_7, 2.326_347_874_040_840_8];

/// What is backtested.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Setup {
    /// How far each origin looks ahead [ms].
    pub horizon_ms: i64,
    /// How many origins, evenly spread.
    pub origins: usize,
    /// The share of the series, at its end, that is scored: 0 … 1.
    pub last: f64,
    /// Rows older than this before an origin aren't shown to the models [ms].
    pub history_ms: i64,
    /// The clocks and holidays of the series' place.
    pub calendar: Calendar,
    /// Origins [epoch ms] in place of evenly spread ones, if there are any; those without a whole horizon in the series are left out.
    pub at_ms: Vec<i64>,
}

/// How a model did.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// The model's scores, all origins together.
    pub model: Tally,
    /// The yardstick's on the same origins and points.
    pub yardstick: Tally,
    /// Per origin, where the whole horizon was observed: (q.50, q.90 of the maximum, the actual maximum).
    pub maxima: Vec<(f64, f64, f64)>,
}

impl Report {
    /// Loss relative to the yardstick's: below 1 is better. `None` if the yardstick never erred.
    #[must_use]
    pub fn relative(&self) -> Option<f64> {
        let (own, base) = (self.model.loss()?, self.yardstick.loss()?);
        (base > 0.0).then(|| own / base)
    }

    /// How far the median of the horizon's maximum was from what came, relative to that: the median over origins. `None` without an origin
    /// whose whole horizon was observed and held load.
    #[must_use]
    pub fn peak_error(&self) -> Option<f64> {
        let mut errors: Vec<f64> = self.peaks().map(|(median, _, actual)| (median - actual).abs() / actual).collect();
        errors.sort_by(f64::total_cmp);
        let (lower, upper) = (errors.get(errors.len().saturating_sub(1) / 2)?, errors.get(errors.len() / 2)?);
        Some((lower + upper) / 2.0)
    }

    /// Share of the maxima at or below their q.90; `None` as [`Report::peak_error`].
    #[must_use]
    pub fn peaks_below_q90(&self) -> Option<f64> {
        let below = self.peaks().filter(|(_, high, actual)| actual <= high).count();
        let all = self.peaks().count();
        (all > 0).then(|| below as f64 / all as f64)
    }

    fn peaks(&self) -> impl Iterator<Item = &(f64, f64, f64)> {
        self.maxima.iter().filter(|(_, _, actual)| *actual > 0.0)
    }
}

/// Why nothing could be scored.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum BacktestError {
    /// The scored part is shorter than one horizon.
    #[error(
        "the scored part holds {have} steps after its first row, one horizon is {need}: give a longer series, a larger share or a shorter horizon"
    )]
    TooShort {
        /// Steps in the scored part.
        have: usize,
        /// Steps of a horizon.
        need: usize,
    },
    /// A model could not answer at an origin.
    #[error("at origin {origin_ms} ms: {error}")]
    Forecast {
        /// The origin [epoch ms].
        origin_ms: i64,
        /// Why.
        error: ForecastError,
    },
    /// The watcher ended it.
    #[error("ended by its watcher")]
    Stopped,
}

/// The origins of a setup: slots of the series, ascending. The whole horizon lies after each of them.
///
/// # Errors
/// [`BacktestError::TooShort`].
pub fn origins(series: &Series, setup: &Setup) -> Result<Vec<usize>, BacktestError> {
    let steps = (setup.horizon_ms as usize).div_ceil(series.step_ms() as usize);
    let first = libm::floor(series.len() as f64 * (1.0 - setup.last) + 1e-6) as usize;
    let last = (series.len().saturating_sub(1)).checked_sub(steps).filter(|&last| last >= first);
    let Some(last) = last else {
        return Err(BacktestError::TooShort { have: (series.len().saturating_sub(1)).saturating_sub(first), need: steps });
    };
    if !setup.at_ms.is_empty() {
        return named_origins(series, setup, steps);
    }
    let count = setup.origins.max(1);
    let mut found: Vec<usize> = (0..count).map(|i| first + (last - first) * i / (count - 1).max(1)).collect();
    found.dedup();
    Ok(found)
}

/// The slots of the origins that somebody named.
fn named_origins(series: &Series, setup: &Setup, steps: usize) -> Result<Vec<usize>, BacktestError> {
    let slot = |at_ms: &i64| usize::try_from((at_ms - series.start_ms()).div_euclid(series.step_ms())).ok();
    let mut found: Vec<usize> = setup.at_ms.iter().filter_map(slot).filter(|slot| slot + steps < series.len()).collect();
    found.sort_unstable();
    found.dedup();
    if found.is_empty() { Err(BacktestError::TooShort { have: 0, need: steps }) } else { Ok(found) }
}

/// Scores a model on all origins (in parallel; the result doesn't depend on the number of threads).
///
/// # Errors
/// [`BacktestError`].
pub fn run(series: &Series, setup: &Setup, model: ModelChoice) -> Result<Report, BacktestError> {
    run_with(series, setup, model, Models::shipped())
}

/// [`run`] with other trained models than those in the binary.
///
/// # Errors
/// [`BacktestError`].
pub fn run_with(series: &Series, setup: &Setup, model: ModelChoice, models: &Models) -> Result<Report, BacktestError> {
    score_all(series, setup, model, models, &|| ControlFlow::Continue(()))
}

/// [`run_with`], asking before each origin whether to go on: the same result, or [`BacktestError::Stopped`].
///
/// # Errors
/// [`BacktestError`].
pub fn run_watched(
    series: &Series,
    setup: &Setup,
    model: ModelChoice,
    models: &Models,
    watch: &(dyn Fn() -> ControlFlow<()> + Sync),
) -> Result<Report, BacktestError> {
    score_all(series, setup, model, models, watch)
}

fn score_all(
    series: &Series,
    setup: &Setup,
    model: ModelChoice,
    models: &Models,
    watch: &(dyn Fn() -> ControlFlow<()> + Sync),
) -> Result<Report, BacktestError> {
    let score = |origin| match watch() {
        ControlFlow::Continue(()) => score_origin(series, setup, model, models, origin),
        ControlFlow::Break(()) => Err(BacktestError::Stopped),
    };
    let tallies: Vec<Result<_, BacktestError>> = origins(series, setup)?.into_par_iter().map(score).collect();
    let mut report = Report { model: Tally::new(&SCORED_LEVELS), yardstick: Tally::new(&SCORED_LEVELS), maxima: Vec::new() };
    for tally in tallies {
        let (model, yardstick, max) = tally?;
        report.model.merge(&model);
        report.yardstick.merge(&yardstick);
        report.maxima.extend(max);
    }
    Ok(report)
}

type Scored = (Tally, Tally, Option<(f64, f64, f64)>);

fn score_origin(series: &Series, setup: &Setup, model: ModelChoice, models: &Models, origin: usize) -> Result<Scored, BacktestError> {
    let origin_ms = series.timestamp_ms(origin);
    let history = series.until(origin_ms).since(origin_ms - setup.history_ms);
    let request = Request { horizon_ms: setup.horizon_ms, quantiles: SCORED_LEVELS.to_vec(), model };
    let forecast =
        made(&history, origin_ms, &request, &setup.calendar, models).map_err(|error| BacktestError::Forecast { origin_ms, error })?;
    let naive = seasonal_naive(&history, forecast.points.len());
    let (mut own, mut yardstick) = (Tally::new(&SCORED_LEVELS), Tally::new(&SCORED_LEVELS));
    let mut highest = Some(0.0_f64);
    for (i, point) in forecast.points.iter().enumerate() {
        match series.value(origin + 1 + i).filter(|v| *v >= 0.0) {
            Some(actual) => {
                own.add(actual, &point.q);
                yardstick.add(actual, &naive[i]);
                highest = highest.map(|max| max.max(actual));
            }
            None => highest = None,
        }
    }
    let max = |q| forecast.window_max(origin_ms, forecast.horizon_end_ms(), q);
    let maxima = highest.and_then(|actual| Some((max(0.5)?, max(0.9)?, actual)));
    Ok((own, yardstick, maxima))
}

/// The yardstick: yesterday's values (gaps bridged by a straight line) with Gaussian intervals of the in-sample errors of a day, as statsforecast's
/// `SeasonalNaive`. One row a step, a value per level of [`SCORED_LEVELS`].
fn seasonal_naive(history: &Series, steps: usize) -> Vec<[f64; 4]> {
    let values = bridged(history);
    let day = ((DAY_MS + history.step_ms() / 2) / history.step_ms()) as usize;
    let errors = values.iter().zip(values.iter().skip(day)).map(|(then, now)| (now - then) * (now - then));
    let sigma = (errors.sum::<f64>() / values.len().saturating_sub(day).max(1) as f64).sqrt();
    (0..steps)
        .map(|i| {
            let seasons = i / day + 1;
            let level = values.get((values.len() + i).wrapping_sub(seasons * day)).copied().unwrap_or(0.0);
            NORMAL.map(|z| level + z * sigma * (seasons as f64).sqrt())
        })
        .collect()
}

fn bridged(series: &Series) -> Vec<f64> {
    let mut values = series.raw().to_vec();
    let observed: Vec<usize> = (0..values.len()).filter(|&i| values[i].is_finite()).collect();
    for pair in observed.windows(2) {
        let (from, to) = (pair[0], pair[1]);
        for i in from + 1..to {
            values[i] = values[from] + (values[to] - values[from]) * (i - from) as f64 / (to - from) as f64;
        }
    }
    if let (Some(&first), Some(&last)) = (observed.first(), observed.last()) {
        let (head, tail) = (values[first], values[last]);
        values[..first].fill(head);
        values[last + 1..].fill(tail);
    }
    values
}

#[cfg(test)]
mod tests;
