//! A service of the file as the planner sees it.

use planner::config::DEFAULT_LEAD_MS;
use planner::{CalendarEvent, Capacity, HpaPolicy, Policy, PredictivePolicy, ServiceConfig, Slo};

use super::file::{self, Rails, Service};

/// Queue of a replica where the file doesn't give one, in multiples of what it serves at once.
const QUEUE_FACTOR: u32 = 4;

/// Fills in what is absent. What can't be is found by the checks, and by the planner's own.
pub fn checked(service: &Service) -> ServiceConfig {
    let slo = service.slo.clone().unwrap_or_default();
    let timing = &service.timing;
    ServiceConfig {
        name: service.name.clone(),
        slo: Slo { latency_ms: slo.latency_ms, percentile: slo.percentile, errors: slo.errors },
        capacity: capacity(service),
        lead_time_ms: (service.lead_time.ms() != DEFAULT_LEAD_MS).then_some(service.lead_time.ms()),
        rails: rails(service.rails.as_ref().unwrap_or(&Rails::of_the_observed())),
        mode: mode(service.mode),
        policy: policy(&service.policy),
        tick_ms: timing.tick.ms(),
        stale_after_ms: timing.stale_after.ms(),
        forecast_every_ms: timing.forecast_every.ms(),
        forecast_update_ms: timing.forecast_update.ms(),
        forecast_max_age_ms: timing.forecast_max_age.ms(),
        approval_ttl_ms: timing.approval_ttl.ms(),
        drain_ms: timing.drain.ms(),
        ramp_ms: timing.ramp.ms(),
        holds_at: service.act.as_ref().and_then(file::Act::holds_at),
        time_zone: service.time_zone.clone(),
        // What can't be read was told by the checks.
        holidays: service.holidays.texts().into_iter().filter_map(|text| text.parse().ok()).collect(),
        events: service.events.iter().filter_map(event).collect(),
    }
}

fn capacity(service: &Service) -> Capacity {
    let Some(given) = &service.capacity else { return Capacity::Unknown };
    match (given.rps_per_replica, given.concurrency, given.service_time_ms) {
        (Some(rps_per_replica), ..) => Capacity::Declared { rps_per_replica },
        (None, Some(concurrency), Some(service_time_ms)) => {
            let of_the_proxy = service.proxy.as_ref().map(|proxy| proxy.algorithm);
            let algorithm = given.algorithm.or(of_the_proxy).unwrap_or_default().0;
            let queue = given.queue.unwrap_or(concurrency.saturating_mul(QUEUE_FACTOR).min(1_000_000));
            Capacity::Modelled { concurrency, service_time_ms, queue, algorithm }
        }
        _ => Capacity::Unknown,
    }
}

/// `None` for one whose time or days can't be read, which the checks have told.
pub(crate) fn event(event: &file::Event) -> Option<CalendarEvent> {
    let day = |text: &Option<String>| text.as_ref().map(|text| text.parse()).transpose().ok();
    Some(CalendarEvent {
        name: event.name.clone(),
        at: event.at.parse().ok()?,
        from: day(&event.from)?,
        until: day(&event.until)?,
        lasts_ms: event.lasts.ms(),
        multiplier: event.multiplier,
        learn: event.learn,
        floor: event.floor,
        ceiling: event.ceiling,
    })
}

fn rails(rails: &Rails) -> planner::Rails {
    planner::Rails {
        min: rails.min,
        max: rails.max,
        step_up: rails.step_up,
        step_down: rails.step_down,
        stabilisation_ms: rails.stabilisation.ms(),
        cool_down_ms: rails.cool_down.ms(),
        max_jump_factor: rails.max_jump_factor,
    }
}

fn mode(mode: file::Mode) -> planner::Mode {
    match mode {
        file::Mode::Observe => planner::Mode::Observe,
        file::Mode::Recommend => planner::Mode::Recommend,
        file::Mode::Approve => planner::Mode::Approve,
        file::Mode::Automatic => planner::Mode::Automatic,
    }
}

fn policy(policy: &file::Policy) -> Policy {
    match policy {
        file::Policy::Predictive(knobs) => Policy::Predictive(PredictivePolicy {
            quantile: knobs.quantile,
            target: knobs.target,
            fallback_target: knobs.fallback_target,
            fallback_stabilisation_ms: knobs.fallback_stabilisation.ms(),
        }),
        file::Policy::Hpa(knobs) => Policy::Hpa(HpaPolicy {
            target: knobs.target,
            tolerance: knobs.tolerance,
            stabilisation_ms: knobs.stabilisation.ms(),
            ..HpaPolicy::default()
        }),
    }
}
