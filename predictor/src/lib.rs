//! A series in, a forecast with honest quantiles out. Pure.
//!
//! Members (whole-day lags averaged by the calendar, seasonal naive, ridge regression, the last value) are judged on past origins of the very
//! series and mixed by a sharp power of their loss; the quantiles come from what the mix got wrong there, recent errors counting more, scaled by
//! the time of day. The maximum of a window is a target of its own, because every smooth path under-predicts it.
//!
//! What it refuses: to call a gap a zero; to make a number of too little history ([`ForecastError::NotEnoughHistory`] says what is there and what
//! is needed: an hour); to go beyond 20 times the highest load of the history without saying so; to look at rows after the origin; to read a clock, a file or a random number.
//! The same rows give the same bytes on every machine.
//!
//! ```
//! use predictor::{forecast, Request, Series};
//!
//! // Four days at a quarter of an hour: quiet nights, busy days, and one lost hour.
//! let step_ms = 15 * 60_000;
//! let load = |i: usize| if (32..72).contains(&(i % 96)) { 400.0 } else { 100.0 };
//! let values = (0..4 * 96).map(|i| (!(50..54).contains(&i)).then(|| load(i))).collect();
//! let series = Series::try_new(0, step_ms, values)?;
//!
//! let forecast = forecast(&series, &Request::over(24 * 3_600_000))?;
//! let (from, to) = (forecast.origin_ms, forecast.horizon_end_ms());
//! assert_eq!(forecast.points.len(), 96);
//! assert!(forecast.window_max(from, to, 0.9).unwrap() >= 399.0);
//! assert!(forecast.quantile_at(from + 3 * 3_600_000, 0.5).unwrap() < 120.0);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod backtest;
mod bins;
mod blend;
pub mod boosted;
mod bound;
pub mod calendar;
pub mod clean;
mod cold;
mod crowd;
mod explanation;
mod fitted;
mod forecast;
mod frame;
mod grid;
mod holiday;
mod interval;
mod log;
mod member;
mod model;
mod normal;
mod paths;
mod peak;
pub mod recurrent;
mod request;
pub mod score;
mod series;
mod shed;
mod shift;
mod stretch;
mod tracking;

pub use bound::{BeyondHistory, MOST_TIMES};
pub use calendar::Calendar;
pub use clean::{Cleaning, CleaningKind};
pub use explanation::{Explanation, JudgedMember, Mix};
pub use fitted::Fitted;
pub use forecast::{Basis, Forecast, InvalidForecast, MemberWeight, Point};
pub use holiday::{ExpectedHoliday, Holiday};
pub use model::{fit, forecast_at, forecast_in, forecast_with};
pub use peak::Peak;
pub use request::{DAY_MS, DEFAULT_QUANTILES, ForecastError, MAX_HORIZON_MS, MIN_HISTORY_MS, Member, ModelChoice, Request, UnknownModel};
pub use series::{MAX_SLOTS, MAX_STEP_MS, MIN_STEP_MS, Series, SeriesError};
pub use shed::without_own_shedding;
pub use tracking::{Record, Tracker};

/// The forecast at the series' last row.
///
/// # Errors
/// [`ForecastError`], above all [`ForecastError::NotEnoughHistory`]: never a number made of nothing.
pub fn forecast(series: &Series, request: &Request) -> Result<Forecast, ForecastError> {
    let last = series.len().saturating_sub(1);
    forecast_at(series, series.timestamp_ms(last), request)
}
