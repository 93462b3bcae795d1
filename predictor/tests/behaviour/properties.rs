//! What holds for every series.

use predictor::{DAY_MS, Forecast, ForecastError, ModelChoice, Request, Series, forecast, forecast_at};
use proptest::{prelude::*, test_runner::RngSeed};

use super::support::{HOUR_MS, MINUTE_MS, START_MS, noise, shape};

/// Any regular step, also such that no day holds a whole number of.
const STEPS_MIN: [i64; 6] = [5, 7, 15, 20, 30, 60];

/// What a series looks like.
#[derive(Debug, Clone)]
struct Look {
    step_ms: i64,
    days: f64,
    scale: f64,
    noise: f64,
    seed: u64,
    gaps: f64,
    zeros: f64,
    spikes: f64,
    ramp: f64,
}

fn looks() -> impl Strategy<Value = Look> {
    let shape = (0.0..0.9_f64, any::<u64>(), 0.0..0.3_f64, prop_oneof![Just(0.0), Just(0.5), Just(1.0)], 0.0..0.02_f64, -0.02..0.05_f64);
    (prop::sample::select(&STEPS_MIN[..]), 3.5..16.0_f64, -6.0..9.0_f64, shape).prop_map(
        |(step, days, scale, (noise, seed, gaps, zeros, spikes, ramp))| Look {
            step_ms: step * MINUTE_MS,
            days,
            scale: libm::exp(scale),
            noise,
            seed,
            gaps,
            zeros,
            spikes,
            ramp,
        },
    )
}

impl Look {
    fn value(&self, i: usize, ts_ms: i64) -> f64 {
        let share = |salt: u64| 0.5 + 0.5 * noise(self.seed ^ salt, i);
        if (ts_ms.div_euclid(6 * HOUR_MS) % 2) as f64 >= 2.0 - 2.0 * self.zeros {
            return 0.0;
        }
        let days = (ts_ms - START_MS) as f64 / DAY_MS as f64;
        let spike = if share(3) < self.spikes { 30.0 } else { 1.0 };
        self.scale * shape(ts_ms) * (1.0 + self.noise * noise(self.seed, i)) * spike * libm::exp(self.ramp * days)
    }

    fn series(&self) -> Series {
        super::support::series(self.days, self.step_ms, |i, ts_ms| {
            let gap = 0.5 + 0.5 * noise(self.seed ^ 7, i) < self.gaps;
            (!gap).then(|| self.value(i, ts_ms))
        })
    }
}

fn check_sound(forecast: &Forecast) -> Result<(), TestCaseError> {
    for point in &forecast.points {
        prop_assert!(point.mean.is_finite() && point.mean >= 0.0);
        prop_assert!(point.q.iter().all(|v| v.is_finite() && *v >= 0.0), "{point:?}");
        prop_assert!(point.q.windows(2).all(|pair| pair[0] <= pair[1]), "quantiles cross: {point:?}");
    }
    let (from, to) = (forecast.origin_ms, forecast.horizon_end_ms());
    let maxima: Vec<f64> = forecast.quantiles.iter().map(|&q| forecast.window_max(from, to, q).unwrap()).collect();
    prop_assert!(maxima.windows(2).all(|pair| pair[0] <= pair[1]), "maxima cross: {maxima:?}");
    for (i, max) in maxima.iter().enumerate() {
        let highest = forecast.points.iter().map(|point| point.q[i]).fold(0.0, f64::max);
        prop_assert!(max.is_finite() && *max >= highest, "a maximum of {max} below a point of {highest}");
    }
    let weight: f64 = forecast.members.iter().map(|member| member.weight).sum();
    prop_assert!((weight - 1.0).abs() < 0.01, "the weights add up to {weight}");
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, rng_seed: RngSeed::Fixed(20_261_125), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn quantiles_never_cross_and_are_never_negative(look in looks(), hours in 1_i64..50) {
        let series = look.series();
        match forecast(&series, &Request::over(hours * HOUR_MS)) {
            Ok(forecast) => {
                prop_assert_eq!(forecast.points.len() as i64, (hours * HOUR_MS + look.step_ms - 1) / look.step_ms);
                check_sound(&forecast)?;
            }
            Err(ForecastError::NotEnoughHistory { have_ms, need_ms }) => prop_assert!(have_ms < need_ms),
            Err(other) => prop_assert!(false, "{other}"),
        }
    }

    #[test]
    fn rows_after_the_origin_are_never_used(look in looks(), share in 0.8..0.99_f64, off_grid in 0_i64..2) {
        let series = look.series();
        let request = Request::over(12 * HOUR_MS);
        let origin_ms = series.timestamp_ms((series.len() as f64 * share) as usize) + off_grid * look.step_ms / 3;
        let bytes = |series: &Series| forecast_at(series, origin_ms, &request).map(|f| serde_json::to_string(&f).unwrap()).map_err(|e| e.to_string());
        prop_assert_eq!(bytes(&series), bytes(&series.until(origin_ms)));
    }

    #[test]
    fn another_unit_of_load_gives_the_same_forecast_in_that_unit(look in looks(), power in -8_i32..8) {
        let factor = 2.0_f64.powi(power);
        let series = look.series();
        let scaled = Series::try_new(series.start_ms(), series.step_ms(), (0..series.len()).map(|i| series.value(i).map(|v| v * factor)).collect()).unwrap();
        let request = Request::over(6 * HOUR_MS);
        if let (Ok(one), Ok(other)) = (forecast(&series, &request), forecast(&scaled, &request)) {
            let usual = one.points.iter().map(|p| p.mean).fold(0.0, f64::max);
            for (a, b) in one.points.iter().zip(&other.points) {
                for (a, b) in a.q.iter().zip(&b.q) {
                    prop_assert!((a * factor - b).abs() <= 1e-3 * factor * (usual + a), "{a} × {factor} became {b}");
                }
            }
        }
    }

    #[test]
    fn what_was_stored_comes_back(look in looks()) {
        if let Ok(forecast) = forecast(&look.series(), &Request::over(3 * HOUR_MS)) {
            let text = serde_json::to_string(&forecast).unwrap();
            let again: Forecast = serde_json::from_str(&text).unwrap();
            prop_assert!(again == forecast, "what was read differs from what was written");
        }
    }

    #[test]
    fn every_member_alone_is_sound(look in looks(), index in 0..predictor::Member::ALL.len()) {
        let request = Request { model: ModelChoice::Named(predictor::Member::ALL[index]), ..Request::over(24 * HOUR_MS) };
        match forecast(&look.series(), &request) {
            Ok(forecast) => check_sound(&forecast)?,
            Err(ForecastError::NotEnoughHistory { have_ms, need_ms }) => prop_assert!(have_ms < need_ms, "{have_ms} {need_ms}"),
            Err(other) => prop_assert!(false, "{other}"),
        }
    }
}
