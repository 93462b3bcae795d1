//! The forecast's quantile of the maximum load at lead time, joined with the reactive rule; the conservative reactive rule without a forecast.

use std::cmp::Ordering;

use predictor::Forecast;

use super::{Facts, TOLERANCE, Wish, react, reactive_why};
use crate::capacity::Capacities;
use crate::config::PredictivePolicy;
use crate::decision::{Candidate, ForecastMissing, Inputs, ReasonCode};
use crate::event::ReplicaState;
use crate::state::Memory;
use crate::text;

/// The two windows of a forecast that matter, events of the calendar included.
struct Ahead {
    /// Quantile of the maximum over [now + lead, now + lead + tick]: what an order placed now can still help with.
    up_rps: f64,
    /// The same over [now, now + lead + tick + stabilisation]: what must be held if something is taken away; `None` = not known that far.
    down_rps: Option<f64>,
    /// Events that multiply the load in the one, in words.
    up_events: String,
    /// And in the other.
    down_events: String,
}

pub(super) fn wish(
    facts: &Facts,
    policy: &PredictivePolicy,
    memory: &mut Memory,
    capacities: &mut Capacities,
    inputs: &mut Inputs,
) -> Wish {
    let mut wish = by_forecast(facts, policy, memory, capacities, inputs);
    if facts.load.saturated {
        saturated(facts, &mut wish);
    }
    wish
}

/// A service that sheds never gets smaller, and grows when nothing is on its way yet.
fn saturated(facts: &Facts, wish: &mut Wish) {
    let on_the_way = facts.order_under_way || facts.fleet.count(ReplicaState::Booting) > 0;
    let least = if on_the_way { facts.current } else { facts.current.saturating_add(1) };
    let why = "requests were shed or every place was taken, so the true demand may be higher".to_owned();
    wish.candidates.push(Candidate { name: "saturation".to_owned(), replicas: least, why });
    if wish.replicas < least || (wish.replicas == least && least <= facts.current) {
        wish.replicas = least;
        wish.reason = ReasonCode::Saturated;
    }
}

fn by_forecast(facts: &Facts, policy: &PredictivePolicy, memory: &mut Memory, capacities: &mut Capacities, inputs: &mut Inputs) -> Wish {
    // The fallback is computed at every tick, so that its memory is full when it is needed.
    let cautious = react(facts, capacities, policy.fallback_target, TOLERANCE);
    let keep_ms = policy.fallback_stabilisation_ms.max(1);
    memory.fallback.record_after(facts.now_ms, i64::from(cautious), keep_ms, i64::from(facts.current));
    let missing = match &facts.forecast {
        Ok(forecast) => match ahead(facts, policy, forecast, inputs) {
            Ok(ahead) => {
                inputs.forecast_origin_ms = Some(forecast.origin_ms);
                return with_forecast(facts, policy, memory, capacities, &ahead);
            }
            Err(missing) => missing,
        },
        Err(missing) => missing.clone(),
    };
    inputs.forecast_missing = Some(missing);
    let highest = memory.fallback.max(facts.now_ms, keep_ms).map_or(cautious, |x| x as u32);
    fallback(facts, policy, capacities, cautious, highest)
}

fn ahead(facts: &Facts, policy: &PredictivePolicy, forecast: &Forecast, inputs: &mut Inputs) -> Result<Ahead, ForecastMissing> {
    let (now, q) = (facts.now_ms.max(forecast.origin_ms), policy.quantile);
    let from = now.saturating_add(facts.lead.ms);
    let to = from.saturating_add(facts.config.tick_ms);
    let end_ms = forecast.horizon_end_ms();
    if to > end_ms {
        return Err(ForecastMissing::TooShort { end_ms });
    }
    let usable = |x: &f64| x.is_finite() && *x >= 0.0;
    let calendar = facts.calendar.as_ref();
    let window_max = |from, to| match calendar {
        Some(calendar) => calendar.window_max(forecast, from, to, q),
        None => forecast.window_max(from, to, q),
    };
    let Some(up_rps) = window_max(from, to).filter(usable) else {
        let error = format!("it doesn't say what {} is", text::quantile(q));
        return Err(ForecastMissing::Failed { error });
    };
    inputs.quantile = Some(q);
    inputs.window_from_ms = Some(from);
    inputs.window_to_ms = Some(to);
    inputs.window_max_rps = Some(up_rps);
    inputs.beyond_history = forecast.beyond_history.is_some();
    let until = to.saturating_add(facts.config.rails.stabilisation_ms);
    let down_rps = window_max(now, until).filter(usable);
    let events = |from, to| calendar.map_or(String::new(), |calendar| calendar.multiplied(from, to));
    inputs.events = events(from, to);
    Ok(Ahead { up_rps, down_rps, up_events: inputs.events.clone(), down_events: events(now, until) })
}

fn with_forecast(facts: &Facts, policy: &PredictivePolicy, memory: &mut Memory, capacities: &mut Capacities, ahead: &Ahead) -> Wish {
    let current = facts.current;
    let keep_ms = policy.fallback_stabilisation_ms.max(1);
    recall(facts, policy, memory, capacities, keep_ms);
    let reactive = react(facts, capacities, policy.target, TOLERANCE);
    // One quiet reading is no agreement: on the way down the highest of the last minutes speaks, as in the fallback.
    memory.reactive.record(facts.now_ms, i64::from(reactive), keep_ms);
    let agreed = memory.reactive.max(facts.now_ms, keep_ms).map_or(reactive, |highest| highest as u32);
    let forecast = capacities.needed(ahead.up_rps);
    let stays = ahead.down_rps.map(|rps| capacities.needed(rps).max(forecast));
    let q = text::quantile(policy.quantile);
    let mut candidates = vec![
        Candidate {
            name: "forecast".to_owned(),
            replicas: forecast,
            why: format!("{q} of the maximum when an order placed now is warm is {} rps{}", text::number(ahead.up_rps), ahead.up_events),
        },
        Candidate { name: "reactive".to_owned(), replicas: reactive, why: reactive_why(facts, capacities, policy.target) },
    ];
    if agreed > reactive {
        let why = format!("the reactive rule's highest wish of the last {}", text::duration(keep_ms));
        candidates.push(Candidate { name: "stabilised".to_owned(), replicas: agreed, why });
    }
    candidates.push(match (stays, ahead.down_rps) {
        (Some(replicas), Some(rps)) => {
            let ahead_ms = facts.lead.ms + facts.config.tick_ms + facts.config.rails.stabilisation_ms;
            let why =
                format!("{q} of the maximum of the next {} is {} rps{}", text::duration(ahead_ms), text::number(rps), ahead.down_events);
            Candidate { name: "stays".to_owned(), replicas, why }
        }
        _ => Candidate { name: "unknown_ahead".to_owned(), replicas: current, why: "the forecast ends too early to tell".to_owned() },
    });
    let up = forecast.max(reactive);
    if up > current {
        let reason = if forecast >= reactive { ReasonCode::ForecastUp } else { ReasonCode::ReactiveUp };
        return Wish { replicas: up, reason, candidates, planned_rps: ahead.up_rps.max(facts.load.rps) };
    }
    let ahead_needs = stays.unwrap_or(current);
    let needed = ahead_needs.max(agreed).min(current);
    let reason = match (ahead_needs.cmp(&current), agreed.cmp(&current)) {
        (Ordering::Less, Ordering::Less) => ReasonCode::EnoughAhead,
        (_, Ordering::Less) => ReasonCode::ForecastHolds,
        (Ordering::Less, _) => ReasonCode::ReactiveHolds,
        _ => ReasonCode::Steady,
    };
    let planned_rps = ahead.down_rps.unwrap_or(ahead.up_rps).max(facts.load.rps);
    Wish { replicas: needed, reason, candidates, planned_rps }
}

/// After a start, or a long gap, nothing is remembered. What was measured before speaks then, as far as it reaches over the whole window: the
/// history of a service that was watched before. Where it doesn't, nobody knows how high the load was, and what there is was needed.
fn recall(facts: &Facts, policy: &PredictivePolicy, memory: &mut Memory, capacities: &mut Capacities, keep_ms: i64) {
    if memory.reactive.max(facts.now_ms, keep_ms).is_some() {
        return;
    }
    match facts.past.since(facts.now_ms.saturating_sub(keep_ms), facts.config.stale_after_ms) {
        Some(samples) => samples.iter().for_each(|&load| {
            let then = Facts { load, ..facts.clone() };
            memory.reactive.record(load.at_ms, i64::from(react(&then, capacities, policy.target, TOLERANCE)), keep_ms);
        }),
        None => memory.reactive.record(facts.now_ms, i64::from(facts.current), keep_ms),
    }
}

fn fallback(facts: &Facts, policy: &PredictivePolicy, capacities: &mut Capacities, cautious: u32, highest: u32) -> Wish {
    let why = reactive_why(facts, capacities, policy.fallback_target);
    let mut candidates = vec![Candidate { name: "fallback".to_owned(), replicas: cautious, why }];
    if highest != cautious {
        let why = format!("the highest of the last {}", text::duration(policy.fallback_stabilisation_ms));
        candidates.push(Candidate { name: "stabilised".to_owned(), replicas: highest, why });
    }
    let (replicas, reason) = match (cautious.cmp(&facts.current), highest.cmp(&facts.current)) {
        (Ordering::Greater, _) => (cautious, ReasonCode::FallbackUp),
        (_, Ordering::Less) => (highest, ReasonCode::FallbackDown),
        (Ordering::Less, _) => (facts.current, ReasonCode::ReactiveHolds),
        _ => (facts.current, ReasonCode::Steady),
    };
    Wish { replicas, reason, candidates, planned_rps: facts.load.rps }
}
