//! What a service's replicas are in a simulation, from what its configuration says.

use planner::{Capacity, ServiceConfig, Slo};

/// The replicas of a service.
#[derive(Clone, Debug, PartialEq)]
pub struct Fleet {
    /// Requests that one serves at once.
    pub concurrency: u32,
    /// Mean time in service [ms], exponential.
    pub service_time_ms: f64,
    /// Places to wait in one.
    pub queue: u32,
    /// Who picks, unless the request says otherwise.
    pub algorithm: balancer::Algorithm,
    /// What the planner goes by, where it isn't the model itself.
    pub declared_rps: Option<f64>,
    /// What was assumed.
    pub note: String,
}

/// Places of a replica of which only its rate is known.
const CONCURRENCY: u32 = 8;
/// Its queue, per place.
const QUEUE_PER_PLACE: u32 = 8;

/// `None` when nobody has said what a replica holds.
pub fn of(config: &ServiceConfig) -> Option<Fleet> {
    match &config.capacity {
        Capacity::Unknown => None,
        Capacity::Modelled { concurrency, service_time_ms, queue, algorithm } => Some(Fleet {
            concurrency: *concurrency,
            service_time_ms: *service_time_ms,
            queue: *queue,
            algorithm: *algorithm,
            declared_rps: None,
            note: format!(
                "A replica serves {concurrency} requests at once, each {service_time_ms} ms on average (exponential), and lets {queue} wait: as configured."
            ),
        }),
        Capacity::Declared { rps_per_replica } => {
            let service_time_ms = slowest(*rps_per_replica, &config.slo);
            let queue = CONCURRENCY * QUEUE_PER_PLACE;
            Some(Fleet {
                concurrency: CONCURRENCY,
                service_time_ms,
                queue,
                algorithm: balancer::Algorithm::LeastConnections,
                declared_rps: Some(*rps_per_replica),
                note: format!(
                    "Configured is only that a replica holds {rps_per_replica} requests/s. Assumed: it serves {CONCURRENCY} at once, each \
                     {service_time_ms} ms on average (exponential), which is the slowest that keeps {} % within {} ms at that rate, and \
                     lets {queue} wait. Configure `concurrency` and `service_time_ms` to replace the assumption.",
                    config.slo.percentile, config.slo.latency_ms
                ),
            })
        }
    }
}

/// The longest mean service time [ms] with which one replica by itself keeps the objective at this rate: M/M/c.
fn slowest(rps: f64, slo: &Slo) -> f64 {
    let late_allowed = 1.0 - slo.percentile / 100.0;
    let holds = |service_ms: f64| late(rps / 1_000.0, service_ms, slo.latency_ms) <= late_allowed;
    let (mut fits, mut breaks) = (0.0, f64::from(CONCURRENCY) * 1_000.0 / rps);
    for _ in 0..60 {
        let middle = (fits + breaks) / 2.0;
        if holds(middle) { fits = middle } else { breaks = middle }
    }
    // Three digits are enough for an assumption, rounded to the safe side.
    let digit = 10_f64.powf(fits.log10().floor() - 2.0);
    ((fits / digit).floor() * digit * 1e6).round() / 1e6
}

/// Share of requests that take longer than `t_ms` in M/M/c with `rate` arrivals a millisecond (Erlang 1917; the tail of the time in the
/// system is that of waiting and service, which are independent).
fn late(rate: f64, service_ms: f64, t_ms: f64) -> f64 {
    let places = f64::from(CONCURRENCY);
    let busy = rate * service_ms;
    if busy >= places {
        return 1.0;
    }
    // Erlang B by its recursion, then C.
    let blocked = (1..=CONCURRENCY).fold(1.0, |blocked, n| busy * blocked / (f64::from(n) + busy * blocked));
    let waits = blocked / (1.0 - busy / places * (1.0 - blocked));
    let (mu, drain) = (1.0 / service_ms, (places - busy) / service_ms);
    let served = (-mu * t_ms).exp();
    let waited = if (drain - mu).abs() < 1e-9 * mu {
        served * (1.0 + mu * t_ms)
    } else {
        (drain * served - mu * (-drain * t_ms).exp()) / (drain - mu)
    };
    (1.0 - waits) * served + waits * waited
}

#[cfg(test)]
mod tests {
    use super::*;
    use simulator::{NoAutoscaler, Scenario, ServiceDist, replicate};

    #[test]
    fn the_assumed_service_time_is_the_slowest_that_keeps_the_objective() {
        for (rps, latency_ms, percentile) in [(100.0, 500.0, 99.0), (420.0, 60.0, 95.0), (3.0, 4_000.0, 99.0)] {
            let slo = Slo { latency_ms, percentile, errors: 0.01 };
            let service_ms = slowest(rps, &slo);
            assert!(late(rps / 1e3, service_ms, latency_ms) <= 1.0 - percentile / 100.0);
            assert!(late(rps / 1e3, service_ms * 1.02, latency_ms) > 1.0 - percentile / 100.0, "{rps}: {service_ms}");
            let scenario = Scenario::builder("assumed").poisson(rps).concurrency(CONCURRENCY).service(ServiceDist::Exponential, service_ms);
            let scenario = scenario.slo(balancer::Nanos::from_secs_f64(latency_ms / 1e3), percentile).requests(400_000).build().unwrap();
            let late = replicate(&scenario, &NoAutoscaler, 1, 2, 1).unwrap().slo.unwrap().violation_ratio.unwrap();
            let allowed = 1.0 - percentile / 100.0;
            assert!((late / allowed - 1.0).abs() < 0.25, "{rps} requests/s, {service_ms} ms: {late} late, {allowed} allowed");
        }
    }
}
