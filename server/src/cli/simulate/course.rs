//! All replications of a scenario over time, in stretches of whole minutes.

use simulator::RunResult;
use simulator::stats::Histogram;
use simulator::units::{as_ms, as_s};

/// Points that a chart can show.
const POINTS: usize = 240;
const MINUTE_S: f64 = 60.0;

/// Some whole minutes of all replications together; the last may be shorter.
pub struct Stretch {
    /// When half of it is over.
    pub middle_s: f64,
    /// When it ends.
    pub end_s: f64,
    latency: Histogram<6>,
    /// Requests that arrived a second.
    pub load_rps: f64,
    /// Of the served, before their service; mean.
    pub wait_ms: Option<f64>,
    /// Share of those that arrived.
    pub errors_percent: Option<f64>,
    /// At the end of its minutes; mean.
    pub ready: f64,
    /// Of one replication from its start to the end of this stretch; mean.
    pub cost: Option<f64>,
}

impl Stretch {
    /// Quantile of the latency of the served.
    pub fn latency_ms(&self, q: f64) -> Option<f64> {
        self.latency.quantile(q).map(as_ms)
    }
}

/// The stretches in order.
pub fn course(runs: &[RunResult], price_per_replica_hour: Option<f64>) -> Vec<Stretch> {
    let longest = runs.iter().map(|run| run.minutes.len()).max().unwrap_or(0);
    let longest_s = runs.iter().map(|run| as_s(run.end.0)).fold(0.0, f64::max);
    let width = longest.div_ceil(POINTS).max(1);
    let mut replica_s = 0.0;
    let stretch = |first: usize| {
        let (mut latency, mut seconds) = (Histogram::<6>::default(), 0.0);
        let (mut arrived, mut served, mut errors, mut ready, mut wait, mut minutes) = (0_u64, 0_u64, 0_u64, 0_u64, 0_u128, 0_u32);
        for run in runs {
            for (at, minute) in run.minutes.iter().enumerate().skip(first).take(width) {
                let lasts_s = (as_s(run.end.0) - at as f64 * MINUTE_S).clamp(0.0, MINUTE_S);
                seconds += lasts_s;
                replica_s += f64::from(minute.ready + minute.booting) * lasts_s / runs.len() as f64;
                latency.merge(&minute.latency);
                arrived += minute.arrived;
                served += minute.served;
                errors += minute.errors;
                wait += minute.wait;
                ready += u64::from(minute.ready);
                minutes += 1;
            }
        }
        let start_s = first as f64 * MINUTE_S;
        let end_s = f64::min(start_s + width as f64 * MINUTE_S, longest_s);
        Stretch {
            middle_s: (start_s + end_s) / 2.0,
            end_s,
            latency,
            load_rps: arrived as f64 / f64::max(seconds, 1.0),
            wait_ms: (served > 0).then(|| as_ms(wait as f64 / served as f64)),
            errors_percent: (arrived > 0).then(|| 100.0 * errors as f64 / arrived as f64),
            ready: ready as f64 / f64::from(minutes.max(1)),
            cost: price_per_replica_hour.map(|price| price * replica_s / 3_600.0),
        }
    };
    (0..longest).step_by(width).map(stretch).collect()
}
