//! A series in, a forecast with honest quantiles out. Pure.
pub mod backtest;
mod blend;
pub mod calendar;
pub mod clean;
mod forecast;
mod grid;
mod interval;
mod member;
mod model;
mod paths;
mod request;
pub mod score;
mod series;
mod shift;

pub use clean::{Cleaning, CleaningKind};
pub use forecast::{Forecast, InvalidForecast, MemberWeight, Point};
pub use model::forecast_at;
pub use request::{DAY_MS, DEFAULT_QUANTILES, ForecastError, MAX_HORIZON_MS, MIN_HISTORY_MS, Member, ModelChoice, Request, UnknownModel};
pub use series::{MAX_SLOTS, MAX_STEP_MS, MIN_STEP_MS, Series, SeriesError};

/// The forecast at the series' last row.
///
/// # Errors
/// [`ForecastError`], above all [`ForecastError::NotEnoughHistory`]: never a number made of nothing.
pub fn forecast(series: &Series, request: &Request) -> Result<Forecast, ForecastError> {
    let last = series.len().saturating_sub(1);
    forecast_at(series, series.timestamp_ms(last), request)
}
