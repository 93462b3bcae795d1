//! A forecast with what is planned for it.

use std::collections::BTreeMap;

use super::{planned, seconds};
use crate::api::dto;
use crate::api::time::Time;

pub fn forecast(forecast: &predictor::Forecast, steps: &[(i64, u32)], kept_since: Option<i64>) -> dto::Forecast {
    let by_name = |values: &[f64]| -> BTreeMap<String, f64> {
        forecast.quantiles.iter().zip(values).map(|(quantile, value)| (quantile.to_string(), *value)).collect()
    };
    let first = forecast.points.first().map_or(forecast.origin_ms, |point| point.ts_ms);
    let mut max = BTreeMap::new();
    for (name, span_ms) in [("1h", 3_600_000), ("24h", 86_400_000)] {
        let to_ms = forecast.origin_ms + span_ms;
        let q: BTreeMap<String, f64> = forecast
            .quantiles
            .iter()
            .filter_map(|quantile| Some((quantile.to_string(), forecast.window_max(first, to_ms, *quantile)?)))
            .collect();
        if !q.is_empty() {
            let peak = forecast.peak(first, to_ms);
            let time = |of: fn(&predictor::Peak) -> i64| peak.as_ref().map(|peak| Time(of(peak)));
            let (at, from, to) = (time(|peak| peak.at_ms), time(|peak| peak.from_ms), time(|peak| peak.to_ms));
            max.insert(name.to_owned(), dto::WindowMax { q, at, from, to });
        }
    }
    dto::Forecast {
        origin: Time(forecast.origin_ms),
        step_s: seconds(forecast.step_ms),
        model: forecast.model.clone(),
        basis: forecast.basis.map(dto::Basis::from),
        history_points: forecast.history_points as u64,
        quantiles: forecast.quantiles.clone(),
        points: forecast
            .points
            .iter()
            .map(|point| dto::ForecastPoint { ts: Time(point.ts_ms), mean: point.mean, q: by_name(&point.q) })
            .collect(),
        members: forecast.members.iter().map(|member| dto::Member { name: member.name.clone(), weight: member.weight }).collect(),
        explanation: Some(dto::Explanation::of(forecast)),
        max,
        planned: planned(steps),
        beyond_history: forecast.beyond_history.as_deref().map(dto::BeyondHistory::from),
        kept_since: kept_since.map(Time),
    }
}

/// When the path is highest up to `to_ms`.
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_forecast_of_now_says_why_and_what_was_cleaned() {
        let load = |i: i64| (i != 500).then(|| 200.0 + (i % 288) as f64 + (i * 7 % 11) as f64);
        let series = predictor::Series::try_new(0, 300_000, (0..3_000).map(load).collect()).unwrap();
        let made = predictor::forecast(&series, &predictor::Request::over(86_400_000)).unwrap();
        let why = forecast(&made, &[], None).explanation.unwrap();
        let (near, far) = (why.near.unwrap(), why.far.unwrap());
        assert!(near.residuals > 100 && far.effective_residuals > 100.0 && far.effective_residuals < far.residuals as f64);
        assert!(far.members.iter().any(|member| member.loss == Some(1.0) && member.origins == 36), "{far:?}");
        assert_eq!((why.crowd, why.cleaning.len()), (0.0, 1), "{:?}", why.cleaning);
    }
}
