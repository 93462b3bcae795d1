//! What the plan will be: replicas over the forecast's horizon, for people to look at. It orders nothing; each order is decided at its tick.

use crate::config::{Policy, ServiceConfig};
use crate::state::State;

/// A plan is shown in steps of a quarter of an hour: finer than people read, coarse enough to be computed with each forecast.
const SLOT_MS: i64 = 900_000;

/// Replicas that the forecast will ask for, as `(epoch ms, replicas)` from `now_ms` on, only changes; empty without a usable forecast or with a
/// policy that doesn't look ahead.
///
/// Each slot covers the planned quantile of the maximum over the slot and the stabilisation time after it (what is needed soon isn't taken
/// away), within the rails' minimum and maximum.
pub fn outlook(state: &mut State, service: &str, now_ms: i64) -> Vec<(i64, u32)> {
    let State { services, curves, .. } = state;
    let Some(service) = services.get(service) else { return Vec::new() };
    let (Some(forecast), Policy::Predictive(policy)) = (&service.forecast, &service.config.policy) else { return Vec::new() };
    let ServiceConfig { rails, .. } = &service.config;
    let Some(mut capacities) = curves.of(&service.config) else { return Vec::new() };
    let mut plan: Vec<(i64, u32)> = Vec::new();
    let mut from = now_ms.max(forecast.origin_ms.saturating_add(forecast.step_ms));
    let last = forecast.horizon_end_ms().saturating_sub(SLOT_MS);
    while from <= last {
        let to = from.saturating_add(SLOT_MS).saturating_add(rails.stabilisation_ms).min(forecast.horizon_end_ms());
        let Some(load_rps) = forecast.window_max(from, to, policy.quantile).filter(|rps| rps.is_finite()) else { break };
        let replicas = capacities.needed(load_rps).clamp(rails.min, rails.max);
        if plan.last().is_none_or(|(_, before)| *before != replicas) {
            plan.push((from, replicas));
        }
        from = from.saturating_add(SLOT_MS);
    }
    plan
}
