//! What forecasts were worth: what they said a lead time ahead, against what came.
//!
//! A forecast matters at the lead time: what it says about the moment at which an order placed now is warm. So each forecast promises the
//! points from `origin + lead` until the next forecast takes over, no earlier ones (they are easier) and no later ones (nobody acts on them
//! yet). When a step's load is known, its promise is judged: the median's error, the error of "as it is now" that any forecast must beat,
//! and whether each quantile covered. Steps in which the service shed are not judged, since what could be measured is less than what was
//! offered. Sums are kept by hours, for the last day; they begin again with the process, and say how many points they are from.

use std::collections::{BTreeMap, VecDeque};

use predictor::Forecast;

use crate::collect::Step;

const HOUR_MS: i64 = 3_600_000;
/// Sums of so many hours are kept, the running one included.
const HOURS: i64 = 24;
/// The quantiles that are followed: the middle, and those that orders usually cover.
pub const QUANTILES: [f64; 3] = [0.5, 0.9, 0.95];

/// What was said about one step.
#[derive(Debug, Clone, PartialEq)]
struct Promise {
    /// By [`QUANTILES`].
    q: [f64; 3],
    /// The load when it was said: what a forecast that knows nothing would say.
    then_rps: Option<f64>,
    judged: bool,
}

/// Sums of one hour.
#[derive(Debug, Clone, Default)]
struct Hour {
    hour: i64,
    judged: u32,
    covered: [u32; 3],
    load: f64,
    error: f64,
    /// Of the steps for which there is a load to compare with.
    persistence: Sums,
}

#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    load: f64,
    error: f64,
}

/// The last day's forecasts of one service.
#[derive(Debug, Default)]
pub struct Accuracy {
    promises: BTreeMap<i64, Promise>,
    hours: VecDeque<Hour>,
}

/// The verdict on the last day.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Verdict {
    /// Steps that it is from.
    pub judged: u32,
    /// Sum of the median's absolute errors over the sum of the loads (WAPE); `None` without any load.
    pub error_ratio: Option<f64>,
    /// The same for "as it is now".
    pub persistence_error_ratio: Option<f64>,
    /// Share of the steps whose load was at most the quantile, by [`QUANTILES`].
    pub coverage: [f64; 3],
}

impl Accuracy {
    /// Takes down what a new forecast says about the steps that it is responsible for: at most those of `every_ms`, and less when a newer one
    /// takes over.
    pub fn promise(&mut self, forecast: &Forecast, lead_ms: i64, every_ms: i64, now_rps: Option<f64>) {
        let from = forecast.origin_ms.saturating_add(lead_ms);
        let until = from.saturating_add(every_ms.max(forecast.step_ms));
        // One step back from the next hour's begin: what is shown for now may be that old.
        self.promises.retain(|at, _| *at >= forecast.origin_ms - HOUR_MS);
        for point in forecast.points.iter().filter(|point| (from..until).contains(&point.ts_ms)) {
            let values = QUANTILES.map(|quantile| forecast.quantile_at(point.ts_ms, quantile));
            if let [Some(median), Some(high), Some(higher)] = values {
                let promise = Promise { q: [median, high, higher], then_rps: now_rps, judged: false };
                if !self.promises.get(&point.ts_ms).is_some_and(|known| known.judged) {
                    self.promises.insert(point.ts_ms, promise);
                }
            }
        }
    }

    /// Judges what was promised about these steps.
    pub fn judge(&mut self, steps: &[Step]) {
        for step in steps.iter().filter(|step| !step.saturated && step.load_rps.is_finite()) {
            let Some(promise) = self.promises.get_mut(&step.from_ms).filter(|promise| !promise.judged) else { continue };
            promise.judged = true;
            let promise = promise.clone();
            let load = step.load_rps;
            let Some(hour) = self.hour(step.from_ms.div_euclid(HOUR_MS)) else { continue };
            hour.judged += 1;
            hour.load += load;
            hour.error += (load - promise.q[0]).abs();
            for (covered, quantile) in hour.covered.iter_mut().zip(promise.q) {
                *covered += u32::from(load <= quantile);
            }
            if let Some(then) = promise.then_rps {
                hour.persistence.load += load;
                hour.persistence.error += (load - then).abs();
            }
        }
    }

    /// What was said, a lead time ahead, about the step that runs now or the last one that something was said about, at most an hour ago.
    pub fn said_about(&self, now_ms: i64) -> Option<[f64; 3]> {
        self.promises.range(now_ms - HOUR_MS..=now_ms).next_back().map(|(_, promise)| promise.q)
    }

    /// The verdict on the day before `now_ms`; `None` when nothing could be judged.
    pub fn verdict(&self, now_ms: i64) -> Option<Verdict> {
        let first = now_ms.div_euclid(HOUR_MS) - HOURS + 1;
        let mut sum = Hour::default();
        for hour in self.hours.iter().filter(|hour| hour.hour >= first) {
            sum.judged += hour.judged;
            sum.load += hour.load;
            sum.error += hour.error;
            sum.persistence.load += hour.persistence.load;
            sum.persistence.error += hour.persistence.error;
            for (total, covered) in sum.covered.iter_mut().zip(hour.covered) {
                *total += covered;
            }
        }
        let ratio = |error: f64, load: f64| (load > 0.0).then(|| error / load);
        (sum.judged > 0).then(|| Verdict {
            judged: sum.judged,
            error_ratio: ratio(sum.error, sum.load),
            persistence_error_ratio: ratio(sum.persistence.error, sum.persistence.load),
            coverage: sum.covered.map(|covered| f64::from(covered) / f64::from(sum.judged)),
        })
    }

    /// The sums of an hour; `None` for one that is older than a day.
    fn hour(&mut self, hour: i64) -> Option<&mut Hour> {
        let newest = self.hours.back().map_or(hour, |last| last.hour.max(hour));
        self.hours.retain(|known| known.hour > newest - HOURS);
        if hour <= newest - HOURS {
            return None;
        }
        let at = self.hours.partition_point(|known| known.hour < hour);
        if self.hours.get(at).is_none_or(|known| known.hour != hour) {
            self.hours.insert(at, Hour { hour, ..Hour::default() });
        }
        self.hours.get_mut(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use predictor::Point;

    const MINUTE: i64 = 60_000;

    /// A day ahead by the minute; the median is `load`, the quantiles above it are 20 and 30 more.
    fn forecast(origin_ms: i64, load: impl Fn(i64) -> f64) -> Forecast {
        let points = (1..=1_440).map(|step| {
            let ts_ms = origin_ms + step * MINUTE;
            let load = load(ts_ms);
            Point { ts_ms, mean: load, q: vec![load, load + 20.0, load + 30.0] }
        });
        Forecast::from_quantiles(origin_ms, MINUTE, QUANTILES.to_vec(), points.collect()).unwrap()
    }

    fn step(from_ms: i64, load_rps: f64) -> Step {
        Step { from_ms, load_rps, saturated: false, error_ratio: None, latency_p95_ms: None }
    }

    #[test]
    fn a_forecast_is_judged_at_its_lead_time_only() {
        let mut accuracy = Accuracy::default();
        accuracy.promise(&forecast(0, |_| 100.0), 7 * MINUTE, 5 * MINUTE, Some(80.0));
        assert_eq!(accuracy.said_about(6 * MINUTE), None);
        // Minutes 7 to 11 are promised: 3 of 5 loads are within the 0.9 quantile of 120, one more within 130.
        let loads = [90.0, 100.0, 110.0, 125.0, 200.0];
        accuracy.judge(&(1..7).map(|minute| step(minute * MINUTE, 1e6)).collect::<Vec<_>>());
        for (minute, load) in (7..).zip(loads) {
            accuracy.judge(&[step(minute * MINUTE, load)]);
        }
        accuracy.judge(&[step(12 * MINUTE, 1e6)]);
        let verdict = accuracy.verdict(20 * MINUTE).unwrap();
        assert_eq!(verdict.judged, 5);
        assert!((verdict.error_ratio.unwrap() - 145.0 / 625.0).abs() < 1e-9, "{verdict:?}");
        assert!((verdict.persistence_error_ratio.unwrap() - 225.0 / 625.0).abs() < 1e-9, "{verdict:?}");
        assert_eq!(verdict.coverage, [0.4, 0.6, 0.8]);
        assert_eq!(accuracy.said_about(9 * MINUTE + 30_000), Some([100.0, 120.0, 130.0]));
    }

    #[test]
    fn a_step_counts_once_and_not_when_it_shed() {
        let mut accuracy = Accuracy::default();
        accuracy.promise(&forecast(0, |_| 100.0), 0, 5 * MINUTE, None);
        accuracy.judge(&[step(MINUTE, 50.0), step(MINUTE, 500.0), Step { saturated: true, ..step(2 * MINUTE, 500.0) }]);
        let verdict = accuracy.verdict(3 * MINUTE).unwrap();
        assert_eq!((verdict.judged, verdict.error_ratio, verdict.persistence_error_ratio), (1, Some(1.0), None));
        // A later forecast doesn't make it better in hindsight.
        accuracy.promise(&forecast(MINUTE, |_| 50.0), 3 * MINUTE, 5 * MINUTE, None);
        accuracy.judge(&[step(3 * MINUTE, 100.0)]);
        assert_eq!(accuracy.verdict(3 * MINUTE).unwrap().error_ratio, Some(50.0 / 150.0));
        // A newer one takes over from its lead time on.
        accuracy.judge(&[step(4 * MINUTE, 100.0)]);
        assert_eq!(accuracy.verdict(4 * MINUTE).unwrap().error_ratio, Some(100.0 / 250.0));
    }

    #[test]
    fn a_day_is_remembered_and_no_more() {
        let mut accuracy = Accuracy::default();
        let mut now = 0;
        for _ in 0..3 * 24 * 12 {
            accuracy.promise(&forecast(now, |_| 100.0), 10 * MINUTE, 5 * MINUTE, Some(100.0));
            accuracy.judge(&(0..5).map(|minute| step(now + minute * MINUTE, 100.0)).collect::<Vec<_>>());
            now += 5 * MINUTE;
        }
        let verdict = accuracy.verdict(now).unwrap();
        assert!((23 * 60..=24 * 60).contains(&verdict.judged), "{verdict:?}");
        assert!(accuracy.promises.len() < 90 && accuracy.hours.len() <= 24);
        assert_eq!(accuracy.verdict(now + 25 * HOUR_MS), None);
    }

    #[test]
    fn silence_is_no_verdict() {
        let mut accuracy = Accuracy::default();
        assert_eq!(accuracy.verdict(0), None);
        accuracy.promise(&forecast(0, |_| 0.0), 0, 5 * MINUTE, Some(0.0));
        accuracy.judge(&[step(MINUTE, 0.0), step(2 * MINUTE, f64::NAN)]);
        let verdict = accuracy.verdict(MINUTE).unwrap();
        assert_eq!((verdict.judged, verdict.error_ratio), (1, None), "an error relative to nothing is unknown, not zero");
    }
}
