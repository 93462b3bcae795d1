//! Shared by the tests of this crate.

use predictor::{Forecast, Point};

use crate::*;

/// An automatic, predictive service: 2 to 20 replicas of 100 rps, 5 min to start, a tick every 15 s.
pub(crate) fn service(name: &str) -> ServiceConfig {
    ServiceConfig {
        name: name.to_owned(),
        slo: Slo { latency_ms: 500.0, percentile: 99.0, errors: 0.001 },
        capacity: Capacity::Declared { rps_per_replica: 100.0 },
        lead_time_ms: Some(300_000),
        rails: Rails { min: 2, max: 20, step_up: 10, step_down: 2, stabilisation_ms: 600_000, cool_down_ms: 60_000, max_jump_factor: None },
        mode: Mode::Automatic,
        policy: Policy::Predictive(PredictivePolicy::default()),
        tick_ms: 15_000,
        stale_after_ms: 180_000,
        forecast_every_ms: 600_000,
        forecast_update_ms: 60_000,
        forecast_max_age_ms: 3_600_000,
        approval_ttl_ms: 900_000,
        drain_ms: 30_000,
        ramp_ms: 0,
        holds_at: None,
        time_zone: "UTC".to_owned(),
        events: Vec::new(),
        holidays: Vec::new(),
    }
}

/// A forecast in one-minute steps whose every quantile is the function of the time.
pub(crate) fn forecast(origin_ms: i64, minutes: usize, load: impl Fn(i64) -> f64) -> Forecast {
    let point = |i: usize| {
        let ts_ms = origin_ms + (i as i64 + 1) * 60_000;
        let mean = load(ts_ms);
        Point { ts_ms, mean, q: vec![mean, mean, mean] }
    };
    Forecast::from_quantiles(origin_ms, 60_000, vec![0.5, 0.95, 0.99], (0..minutes).map(point).collect()).unwrap()
}

/// Replicas with ids from 1 on: so many ready, booting, draining.
pub(crate) fn fleet(ready: u32, booting: u32, draining: u32) -> Vec<Replica> {
    let state = |id| match id {
        id if id <= ready => ReplicaState::Ready,
        id if id <= ready + booting => ReplicaState::Booting,
        _ => ReplicaState::Draining,
    };
    let replica =
        |id| Replica { id, address: format!("10.0.0.{id}:80"), state: state(id), ordered_ms: Some(i64::from(id)), ready_ms: None };
    (1..=ready + booting + draining).map(replica).collect()
}
