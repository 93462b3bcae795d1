//! What the plan will be: replicas over the forecast's horizon, for people to look at. It orders nothing; each order is decided at its tick.
//!
//! In two parts, because they age differently. What the load will need is found once per forecast: it asks the forecast for many windows. What
//! the rules make of it from now on costs next to nothing and is computed when somebody looks, so that it never begins in the past and never
//! shows a change that a cool-down, a step limit or a pause forbids.

use crate::calendar::{self, Calendar};
use crate::config::{Pause, Policy};
use crate::state::{ServiceState, State};

/// A plan is shown in steps of a quarter of an hour: finer than people read, coarse enough to be computed with each forecast.
const SLOT_MS: i64 = 900_000;
/// Steps of the rules are shown to the minute.
const BEAT_MS: i64 = 60_000;
/// So far ahead an event is shown for which there is no forecast.
const AHEAD_MS: i64 = 86_400_000;

/// What the forecast load needs, slot by slot, before any limit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    slots: Vec<Slot>,
    /// End of the last slot.
    until_ms: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Slot {
    from_ms: i64,
    /// Covers the slot.
    needed: u32,
    /// Covers the slot and the stabilisation time after it: what is needed soon isn't taken away.
    stays: u32,
    /// What the rule of the load now will want on the way down, if the load is as expected; it isn't asked while there are no more than
    /// `tolerated`.
    reactive: u32,
    tolerated: u32,
}

/// The reactive rule's tolerance.
const TOLERANCE: f64 = 0.1;

/// What the newest forecast will ask for, the calendar's multipliers included; nothing without a usable forecast or with a policy that doesn't
/// look ahead.
pub fn needs(state: &mut State, service: &str, now_ms: i64) -> Needs {
    let State { services, curves, .. } = state;
    let Some(service) = services.get(service) else { return Needs::default() };
    let (Some(forecast), Policy::Predictive(policy)) = (&service.forecast, &service.config.policy) else { return Needs::default() };
    let Some(mut capacities) = curves.of(&service.config) else { return Needs::default() };
    let (calendar, end_ms) = (Calendar::of(&service.config).map(|calendar| calendar.knowing(&service.learnt)), forecast.horizon_end_ms());
    let highest = |from_ms: i64, to_ms: i64, quantile: f64| {
        let to_ms = to_ms.min(end_ms);
        let rps = match &calendar {
            Some(calendar) => calendar.window_max(forecast, from_ms, to_ms, quantile),
            None => forecast.window_max(from_ms, to_ms, quantile),
        };
        rps.filter(|rps| rps.is_finite())
    };
    let begin_ms = now_ms.max(forecast.origin_ms.saturating_add(forecast.step_ms));
    let cuts = calendar.as_ref().map_or_else(Vec::new, |calendar| calendar.cuts(begin_ms, end_ms));
    let mut found = Needs { slots: Vec::new(), until_ms: begin_ms };
    let mut from_ms = begin_ms;
    while from_ms.saturating_add(SLOT_MS) <= end_ms {
        // An event begins and ends to the minute.
        let to_ms = cuts.iter().copied().find(|&cut| cut > from_ms).map_or(from_ms + SLOT_MS, |cut| cut.min(from_ms + SLOT_MS));
        let stays_ms = to_ms.saturating_add(service.config.rails.stabilisation_ms);
        let (now, soon) = (highest(from_ms, to_ms - 1, policy.quantile), highest(from_ms, stays_ms, policy.quantile));
        let (Some(now), Some(soon)) = (now, soon) else { break };
        let usual = highest(from_ms, to_ms - 1, 0.5).unwrap_or(now) / policy.target;
        found.slots.push(Slot {
            from_ms,
            needed: capacities.needed(now),
            stays: capacities.needed(soon.max(now)),
            reactive: capacities.needed(usual),
            tolerated: capacities.needed(usual / (1.0 - TOLERANCE)),
        });
        (from_ms, found.until_ms) = (to_ms, to_ms);
    }
    found
}

/// The number of replicas from now on as `(epoch ms, replicas)`: what holds now, then only changes, each after `now_ms`. Empty while nobody
/// knows how many there are.
///
/// `paused` is the pause of all services.
pub fn outlook(needs: &Needs, service: &ServiceState, paused: Option<Pause>, now_ms: i64) -> Vec<(i64, u32)> {
    let Some(mut replicas) = service.wanted().or_else(|| service.current()) else { return Vec::new() };
    let config = &service.config;
    let calendar = Calendar::of(config);
    let lead_ms = service.lead.lead(config).ms;
    let holds = |direction: fn(Pause) -> bool| [paused, service.paused].into_iter().flatten().any(direction);
    let (up_held, down_held) = (holds(Pause::holds_up), holds(Pause::holds_down));
    let mut changed_ms = service.changes.iter().map(|change| change.at_ms).max();
    let mut plan = vec![(now_ms, replicas)];
    let until_ms = match &calendar {
        Some(_) => needs.until_ms.max(now_ms.saturating_add(AHEAD_MS)),
        None => needs.until_ms,
    };
    // Nothing changes before the next decision.
    let decided_ms = service.last_decision.as_ref().map_or(now_ms, |decision| decision.at_ms);
    let limits = calendar.as_ref().map_or_else(Vec::new, |calendar| calendar.limits(now_ms, until_ms, lead_ms));
    let mut at_ms = decided_ms.saturating_add(config.tick_ms).max(now_ms.saturating_add(1));
    while at_ms < until_ms {
        let beat_ms = BEAT_MS.max(config.tick_ms);
        let next_ms = at_ms.div_euclid(beat_ms).saturating_add(1).saturating_mul(beat_ms);
        let floor = calendar.as_ref().and_then(|calendar| calendar.floor(&limits, at_ms, lead_ms)).map_or(0, |(floor, _)| floor);
        let ceiling = calendar::ceiling(&limits, at_ms).map_or(config.rails.max, |(ceiling, _)| ceiling);
        let target = goal(needs, service, replicas, at_ms).max(floor).max(config.rails.min).min(ceiling);
        let decisions = |apart_ms: i64| u32::try_from((beat_ms / apart_ms.max(1)).max(1)).unwrap_or(u32::MAX);
        let cooled = changed_ms.is_none_or(|changed| at_ms >= changed.saturating_add(config.rails.cool_down_ms));
        let next = if target > replicas && !up_held {
            target.min(replicas.saturating_add(config.rails.step_up.saturating_mul(decisions(config.tick_ms))))
        } else if target < replicas && !down_held && cooled {
            let steps = decisions(config.tick_ms.max(config.rails.cool_down_ms));
            target.max(replicas.saturating_sub(config.rails.step_down.saturating_mul(steps)))
        } else {
            replicas
        };
        if next != replicas {
            plan.push((at_ms, next));
            (replicas, changed_ms) = (next, Some(at_ms));
        }
        at_ms = next_ms;
    }
    plan
}

/// Where the rules would go at a moment with so many replicas, without any limit.
fn goal(needs: &Needs, service: &ServiceState, replicas: u32, at_ms: i64) -> u32 {
    let before = needs.slots.partition_point(|slot| slot.from_ms <= at_ms);
    let slot = before.checked_sub(1).and_then(|at| needs.slots.get(at)).filter(|_| at_ms < needs.until_ms);
    match (slot, &service.config.policy) {
        (Some(slot), _) if slot.needed > replicas => slot.needed,
        (Some(slot), Policy::Predictive(policy)) if slot.stays.max(slot.tolerated) < replicas => {
            // What the rule of the load remembers counts too.
            let keep_ms = policy.fallback_stabilisation_ms.max(1);
            let agreed = service.memory.reactive.max(at_ms, keep_ms).and_then(|highest| u32::try_from(highest).ok());
            slot.stays.max(slot.reactive).max(agreed.unwrap_or(0)).min(replicas)
        }
        _ => replicas,
    }
}

#[cfg(test)]
mod tests;
