//! A forecast as it was issued, small enough to keep one for each hour of a fortnight, and the plan that followed from it.
//!
//! A picture needs neither every minute nor every digit: a point every five minutes, the five quantiles that are drawn, four digits. That is
//! JSON with names, so that a later version may add some, and deflated: about 5 KB for a day by the minute (the test below holds it under 8),
//! 336 of them or 2 MB for a service.

use std::sync::Arc;

use miniz_oxide::deflate::compress_to_vec;
use miniz_oxide::inflate::decompress_to_vec_with_limit;
use predictor::Forecast;
use serde::{Deserialize, Serialize};

use super::Shared;
use super::view::seconds;
use crate::api::dto;
use crate::api::time::Time;

/// Between two points that are kept.
const POINT_MS: i64 = 300_000;
/// What is drawn: the middle, and the bands of 50 % and 90 %.
const QUANTILES: [f64; 5] = [0.05, 0.25, 0.5, 0.75, 0.95];
const BYTES_MAX: usize = 1 << 20;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Issued {
    origin_ms: i64,
    step_ms: i64,
    model: String,
    /// Absent in what older versions kept.
    #[serde(default)]
    basis: Option<predictor::Basis>,
    history_points: u64,
    members: Vec<(String, f64)>,
    quantiles: Vec<f64>,
    /// The mean and the quantiles of each point, from `origin + step` on.
    points: Vec<Vec<f64>>,
    /// Replicas, each from an instant on.
    planned: Vec<(i64, u32)>,
}

/// Keeps a forecast, if it is the first of its hour. That it can't be kept is no reason to do without it.
pub async fn keep(shared: Arc<Shared>, service: String, issued: Issued) {
    let Ok(text) = serde_json::to_vec(&issued) else { return };
    let data = compress_to_vec(&text, 6);
    if let Err(error) = shared.store.keep_forecast(&service, issued.origin_ms, &data).await {
        tracing::warn!(service, %error, "the forecast can't be kept for later comparison");
    }
}

/// What [`keep`] stored; `None` when it can't be read.
pub fn read(data: &[u8]) -> Option<Issued> {
    serde_json::from_slice(&decompress_to_vec_with_limit(data, BYTES_MAX).ok()?).ok()
}

impl Issued {
    pub fn of(forecast: &Forecast, planned: &[(i64, u32)]) -> Self {
        let every = usize::try_from(POINT_MS / forecast.step_ms.max(1)).unwrap_or(1).max(1);
        let quantiles: Vec<f64> = QUANTILES.into_iter().filter(|wanted| forecast.quantiles.contains(wanted)).collect();
        let places: Vec<usize> = quantiles.iter().filter_map(|wanted| forecast.quantiles.iter().position(|one| one == wanted)).collect();
        let kept = forecast.points.iter().skip(every - 1).step_by(every);
        let values = kept.map(|point| {
            let of_quantiles = places.iter().map(|place| point.q.get(*place).copied().unwrap_or(point.mean));
            std::iter::once(point.mean).chain(of_quantiles).map(four_digits).collect()
        });
        Self {
            origin_ms: forecast.origin_ms,
            step_ms: forecast.step_ms.saturating_mul(i64::try_from(every).unwrap_or(1)),
            model: forecast.model.clone(),
            basis: forecast.basis,
            history_points: forecast.history_points as u64,
            members: forecast.members.iter().map(|member| (member.name.clone(), four_digits(member.weight))).collect(),
            quantiles,
            points: values.collect(),
            planned: planned.to_vec(),
        }
    }

    pub fn shown(&self, kept_since: Option<i64>) -> dto::Forecast {
        let point = |(place, values): (usize, &Vec<f64>)| {
            let steps = i64::try_from(place + 1).unwrap_or(i64::MAX);
            let names = self.quantiles.iter().map(f64::to_string);
            dto::ForecastPoint {
                ts: Time(self.origin_ms.saturating_add(steps.saturating_mul(self.step_ms))),
                mean: values.first().copied().unwrap_or_default(),
                q: names.zip(values.iter().skip(1).copied()).collect(),
            }
        };
        dto::Forecast {
            origin: Time(self.origin_ms),
            step_s: seconds(self.step_ms),
            model: self.model.clone(),
            basis: self.basis.map(dto::Basis::from),
            history_points: self.history_points,
            quantiles: self.quantiles.clone(),
            points: self.points.iter().enumerate().map(point).collect(),
            members: self.members.iter().map(|(name, weight)| dto::Member { name: name.clone(), weight: *weight }).collect(),
            explanation: None,
            max: Default::default(),
            planned: self.planned.iter().map(|(at_ms, replicas)| dto::PlannedStep { at: Time(*at_ms), replicas: *replicas }).collect(),
            beyond_history: None,
            kept_since: kept_since.map(Time),
        }
    }
}

fn four_digits(value: f64) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return 0.0;
    }
    let scale = 10_f64.powf(3.0 - value.abs().log10().floor());
    let rounded = (value * scale).round() / scale;
    if rounded.is_finite() { rounded } else { value }
}

#[cfg(test)]
mod tests {
    use super::*;
    use predictor::Point;

    /// A day by the minute, as the runtime asks for it.
    fn forecast() -> Forecast {
        let quantiles = vec![0.05, 0.25, 0.5, 0.75, 0.9, 0.95, 0.98, 0.99];
        let points = (1..=1_440).map(|step| {
            let median = 300.0 + 200.0 * (f64::from(step) / 229.0).sin() + f64::from(step * 7919 % 101) / 10.0;
            let q = quantiles.iter().map(|quantile| median * (0.8 + 0.4 * quantile)).collect();
            Point { ts_ms: 1_000_000 + i64::from(step) * 60_000, mean: median, q }
        });
        Forecast::from_quantiles(1_000_000, 60_000, quantiles.clone(), points.collect()).unwrap()
    }

    #[test]
    fn a_forecast_comes_back_as_it_was_to_four_digits() {
        let (forecast, planned) = (forecast(), [(1_060_000, 5), (7_000_000, 8)]);
        let issued = Issued::of(&forecast, &planned);
        let data = compress_to_vec(&serde_json::to_vec(&issued).unwrap(), 6);
        assert!(data.len() < 8_000, "{} bytes", data.len());
        let back = read(&data).unwrap();
        assert_eq!(back, issued);
        let shown = back.shown(Some(7));
        assert_eq!((shown.origin, shown.step_s, shown.points.len(), shown.kept_since), (Time(1_000_000), 300.0, 288, Some(Time(7))));
        assert_eq!(shown.planned.len(), 2);
        for point in &shown.points {
            let exact = forecast.quantile_at(point.ts.0, 0.75).unwrap();
            assert!((point.q["0.75"] - exact).abs() <= exact * 5.1e-4, "{point:?}, {exact}");
        }
    }

    #[test]
    fn what_is_no_forecast_is_none() {
        assert_eq!(read(b"nonsense"), None);
        assert_eq!(read(&compress_to_vec(b"{}", 6)), None);
    }
}
