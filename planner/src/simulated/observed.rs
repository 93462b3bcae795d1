//! The load as the simulator shows it: the rate since the last tick, and the series for the forecasts.

use balancer::Nanos;
use predictor::Series;

/// Start of a simulation without a history: 2024-01-01, a Monday.
const EPOCH_MS: i64 = 1_704_067_200_000;
/// Step of the series of a simulation without a history.
const STEP_MS: i64 = 60_000;

/// Counts arrivals into the steps of a series that continues the history.
pub(super) struct Observed {
    series: Option<Series>,
    /// The run's start in the loop's time.
    start_ms: i64,
    step_ns: u64,
    /// Arrivals counted into the step that is still open.
    open: f64,
    last_now: u64,
    last_arrived: u64,
}

impl Observed {
    /// Continues a history: its last row is the run's start.
    pub(super) fn after(history: Option<Series>) -> Observed {
        let history = history.filter(|series| !series.is_empty());
        let (start_ms, step_ms) = match &history {
            Some(series) => (series.end_ms() - series.step_ms(), series.step_ms()),
            None => (EPOCH_MS, STEP_MS),
        };
        let series = history.or_else(|| Series::try_new(EPOCH_MS + STEP_MS, STEP_MS, Vec::new()).ok());
        let step_ns = u64::try_from(step_ms).unwrap_or(1).max(1).saturating_mul(1_000_000);
        Observed { series, start_ms, step_ns, open: 0.0, last_now: 0, last_arrived: 0 }
    }

    /// The loop's time of a moment of the run.
    pub(super) fn domain_ms(&self, now: Nanos) -> i64 {
        self.start_ms.saturating_add(i64::try_from(now.0 / 1_000_000).unwrap_or(i64::MAX))
    }

    pub(super) fn series(&self) -> Option<&Series> {
        self.series.as_ref().filter(|series| !series.is_empty())
    }

    /// The newest known values of the history, as many as a loop remembers.
    pub(super) fn recent(&self) -> Vec<(i64, f64)> {
        let Some(series) = self.series() else { return Vec::new() };
        let newest = series.len().saturating_sub(crate::load::KEEP)..series.len();
        newest.filter_map(|slot| Some((series.timestamp_ms(slot), series.value(slot)?))).collect()
    }

    /// Takes the cumulative count in; the mean rate since the last call `[rps]`, `None` if no time has passed. Arrivals between two calls are
    /// spread evenly over the steps between them.
    pub(super) fn take(&mut self, now: Nanos, arrived: u64) -> Option<f64> {
        let elapsed = now.0.saturating_sub(self.last_now);
        if elapsed == 0 {
            return None;
        }
        let rate_per_ns = arrived.saturating_sub(self.last_arrived) as f64 / elapsed as f64;
        let mut from = self.last_now;
        loop {
            let end = (from / self.step_ns + 1) * self.step_ns;
            if end > now.0 {
                break;
            }
            let count = self.open + rate_per_ns * (end - from) as f64;
            if let Some(series) = &mut self.series {
                series.push(Some(count / self.step_ns as f64 * 1e9));
            }
            self.open = 0.0;
            from = end;
        }
        self.open += rate_per_ns * (now.0 - from) as f64;
        self.last_now = now.0;
        self.last_arrived = arrived;
        Some(rate_per_ns * 1e9)
    }
}
