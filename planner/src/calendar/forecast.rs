//! The forecast of a service's load: of the usual load, by the clocks of its place.

use std::borrow::Cow;

use predictor::{Calendar as Clocks, Forecast, ForecastError, Request, Series, boosted::Models};

use super::{Calendar, Place, Uplift, clocks, factor, holidays, learn, without_events};

/// A forecast, and what it takes to put the events on it.
#[derive(Clone, Debug)]
pub struct Outlined {
    /// Of the usual load.
    pub forecast: Forecast,
    /// What the history says about the events that learn.
    pub learnt: Vec<Uplift>,
}

/// The forecast of a series as of `origin_ms`, live as in a simulation and for a file: by the service's time zone and holidays, and without what its events
/// multiply, which the planner does afterwards. Rows after the origin aren't looked at.
///
/// # Errors
/// As [`predictor::forecast`].
pub fn forecast(series: &Series, place: Place, origin_ms: i64, request: &Request) -> Result<Outlined, ForecastError> {
    forecast_with(series, place, origin_ms, request, Models::shipped())
}

/// [`forecast`] with other trained models than those in the binary.
///
/// # Errors
/// As [`predictor::forecast`].
pub fn forecast_with(series: &Series, place: Place, origin_ms: i64, request: &Request, models: &Models) -> Result<Outlined, ForecastError> {
    let Usual { series, learnt, clocks } = Usual::of(series, place, origin_ms, request.horizon_ms);
    let (forecast, _) = predictor::fit(&series, origin_ms, request, &clocks, models)?;
    Ok(Outlined { forecast, learnt })
}

/// The usual load, without its events.
pub(crate) struct Usual<'a> {
    /// Rows after the origin may be among them.
    pub series: Cow<'a, Series>,
    /// What it says about the events that learn.
    pub learnt: Vec<Uplift>,
    /// How the clocks stand from its begin to the end of the horizon, and the holidays.
    pub clocks: Clocks,
}

impl<'a> Usual<'a> {
    /// Of a series as it was known at `origin_ms`.
    pub fn of(series: &'a Series, place: Place, origin_ms: i64, horizon_ms: i64) -> Self {
        let (series, learnt) = if place.events.is_empty() {
            (Cow::Borrowed(series), Vec::new())
        } else {
            let known = series.until(origin_ms);
            let learnt = learn(&known, place, origin_ms);
            (Cow::Owned(without_events(known, place, &learnt, origin_ms)), learnt)
        };
        let to_ms = origin_ms.saturating_add(horizon_ms);
        // A name that is no zone's never gets past the check of the configuration.
        let clocks = clocks(place.time_zone, series.start_ms(), to_ms).unwrap_or_default();
        let clocks = clocks.with_holidays(holidays(place.holidays, place.time_zone, series.start_ms(), to_ms));
        Self { series, learnt, clocks }
    }
}

impl Outlined {
    /// With the events on it, for people to look at: each step is multiplied. The planner multiplies windows instead, whose maximum is more than
    /// the highest step.
    #[must_use]
    pub fn shown(self, place: Place) -> Forecast {
        let Outlined { mut forecast, learnt } = self;
        let Some(calendar) = Calendar::at(place, &learnt) else { return forecast };
        let found = calendar.multipliers(forecast.origin_ms, forecast.horizon_end_ms());
        for point in &mut forecast.points {
            // The step that ends then.
            let factor = factor(&found, point.ts_ms - 1);
            point.mean *= factor;
            point.q.iter_mut().for_each(|value| *value *= factor);
        }
        forecast
    }

    /// As [`Forecast::window_max`], with the load multiplied where an event says so: what the planner covers.
    #[must_use]
    pub fn window_max(&self, place: Place, from_ms: i64, to_ms: i64, quantile: f64) -> Option<f64> {
        match Calendar::at(place, &self.learnt) {
            Some(calendar) => calendar.window_max(&self.forecast, from_ms, to_ms, quantile),
            None => self.forecast.window_max(from_ms, to_ms, quantile),
        }
    }
}
