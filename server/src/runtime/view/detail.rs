//! One service with everything around it.

use planner::{Capacity, Policy};

use super::super::metrics::accuracy::QUANTILES;
use super::super::shared::View;
use super::super::{Service, Shared};
use super::{decision, lead_source, seconds};
use crate::api::dto;
use crate::api::time::Time;

pub fn detail(shared: &Shared, service: &Service, view: &View, summary: dto::ServiceSummary) -> dto::ServiceDetail {
    let config = &view.state.config;
    let inputs = view.decision.as_ref().map(|decision| &decision.inputs);
    let (policy, target) = match &config.policy {
        Policy::Predictive(policy) => ("predictive", policy.target),
        Policy::Hpa(policy) => ("hpa", policy.target),
    };
    let source = match &config.capacity {
        Capacity::Unknown => "unknown",
        Capacity::Declared { .. } => "declared",
        Capacity::Modelled { .. } => "simulated",
    };
    dto::ServiceDetail {
        summary,
        now: Time(shared.clock.now_ms()),
        speed: shared.clock.speed(),
        slo: dto::Slo { latency_ms: config.slo.latency_ms, percentile: config.slo.percentile, errors: config.slo.errors },
        rails: dto::Rails {
            min: config.rails.min,
            max: config.rails.max,
            step_up: config.rails.step_up,
            step_down: config.rails.step_down,
            stabilisation_s: seconds(config.rails.stabilisation_ms),
            cool_down_s: seconds(config.rails.cool_down_ms),
            max_jump_factor: config.rails.max_jump_factor,
        },
        policy: policy.into(),
        target_utilisation: Some(target),
        capacity: dto::Capacity { rps_per_replica: inputs.and_then(|inputs| inputs.capacity_rps_per_replica), source: source.into() },
        lead_s: inputs.map(|inputs| seconds(inputs.lead_ms)),
        lead_source: inputs.map(|inputs| lead_source(inputs.lead_source)),
        time_zone: config.time_zone.clone(),
        events: config.events.iter().map(event).collect(),
        accuracy: accuracy(shared, &config.name),
        proxy: service.source.proxy(),
        pending_approval: view.state.proposal.as_ref().map(|waiting| decision(waiting, None)),
    }
}

fn event(event: &planner::CalendarEvent) -> dto::Event {
    dto::Event {
        name: event.name.clone(),
        at: event.at.to_string(),
        from: event.from.as_ref().map(ToString::to_string),
        until: event.until.as_ref().map(ToString::to_string),
        lasts_s: seconds(event.lasts_ms),
        multiplier: event.multiplier,
        floor: event.floor,
        ceiling: event.ceiling,
    }
}

/// What the service's forecasts of the last day were worth.
fn accuracy(shared: &Shared, service: &str) -> Option<dto::Accuracy> {
    let now_ms = shared.clock.now_ms();
    let mut verdict = None;
    shared.counts.of(service, |counts| verdict = counts.accuracy.verdict(now_ms));
    verdict.map(|verdict| dto::Accuracy {
        judged: verdict.judged,
        error_ratio: verdict.error_ratio,
        persistence_error_ratio: verdict.persistence_error_ratio,
        coverage: QUANTILES.into_iter().zip(verdict.coverage).map(|(quantile, share)| dto::Coverage { quantile, share }).collect(),
    })
}
