//! A series in, a forecast with honest quantiles out. Pure.
pub mod calendar;
pub mod clean;
mod forecast;
mod paths;
mod request;
mod series;

pub use clean::{Cleaning, CleaningKind};
pub use forecast::{Forecast, InvalidForecast, MemberWeight, Point};
pub use request::{DAY_MS, DEFAULT_QUANTILES, ForecastError, MAX_HORIZON_MS, MIN_HISTORY_MS, Member, ModelChoice, Request, UnknownModel};
pub use series::{MAX_SLOTS, MAX_STEP_MS, MIN_STEP_MS, Series, SeriesError};

/// The forecast at the series' last row.
///
/// # Errors
/// [`ForecastError`], above all [`ForecastError::NotEnoughHistory`]: never a number made of nothing.
pub fn forecast(series: &Series, request: &Request) -> Result<Forecast, ForecastError> {
    let (series, cleaning) = clean::clean(series);
    if request.horizon_ms <= 0 || request.horizon_ms > MAX_HORIZON_MS {
        return Err(ForecastError::Horizon { horizon_ms: request.horizon_ms });
    }
    let mut quantiles = request.quantiles.clone();
    quantiles.sort_by(f64::total_cmp);
    quantiles.dedup();
    if quantiles.is_empty() || quantiles.iter().any(|&q| !(q > 0.0 && q < 1.0)) {
        return Err(ForecastError::Quantiles { quantiles });
    }
    let step_ms = series.step_ms();
    let have_ms = series.observed() as i64 * step_ms;
    let need_ms = MIN_HISTORY_MS.max(request.horizon_ms + DAY_MS);
    if have_ms < need_ms {
        return Err(ForecastError::NotEnoughHistory { have_ms, need_ms });
    }
    let day = (DAY_MS / step_ms) as usize;
    let n = series.len();
    let residuals: Vec<(f64, f64)> = (day..n).filter_map(|i| Some((series.value(i)? - series.value(i - day)?, 1.0))).collect();
    let offsets: Vec<f64> = quantiles.iter().map(|&q| paths::weighted_quantile(residuals.clone(), q).unwrap_or(0.0)).collect();
    let origin_ms = series.timestamp_ms(n - 1);
    let steps = (request.horizon_ms + step_ms - 1) / step_ms;
    let points = (1..=steps as usize)
        .map(|lead| {
            let mut at = n - 1 + lead;
            while at >= n || series.value(at).is_none() && at >= day {
                at -= day;
            }
            let level = series.value(at).unwrap_or(0.0);
            let q = offsets.iter().map(|offset| (level + offset).max(0.0)).collect();
            Point { ts_ms: origin_ms + lead as i64 * step_ms, mean: level, q }
        })
        .collect();
    let members = vec![MemberWeight { name: Member::SeasonalNaiveDay.name().to_owned(), weight: 1.0 }];
    let about = forecast::About {
        origin_ms,
        step_ms,
        model: request.model.to_string(),
        history_points: series.observed(),
        quantiles,
        members,
        cleaning,
    };
    Ok(Forecast::new(points, about, paths::Maxima::default()))
}
