//! What the calendar adds to a policy's wish: the replicas that an event asks for, and its load where no forecast says it.

use super::{Facts, Wish};
use crate::capacity::Capacities;
use crate::decision::{Candidate, Inputs, ReasonCode};
use crate::text;

/// A multiplier is part of the forecast's windows already. Without a forecast the load now is the best that is known of the load then.
pub(super) fn add(facts: &Facts, wish: &mut Wish, capacities: &mut Capacities, inputs: &Inputs) {
    let Some(calendar) = &facts.calendar else { return };
    if inputs.window_max_rps.is_none() {
        let to_ms = facts.now_ms.saturating_add(facts.lead.ms).saturating_add(facts.config.tick_ms);
        let grows = calendar.highest_factor(facts.now_ms, to_ms) / calendar.highest_factor(facts.now_ms, facts.now_ms);
        // What runs now is in the load already.
        if grows.is_finite() && grows > 1.0 {
            let rps = facts.load.rps * grows;
            let replicas = capacities.needed(rps);
            let events = calendar.multiplied(facts.now_ms, to_ms);
            let (then, now) = (text::number(rps), text::number(facts.load.rps));
            let why = format!("{now} rps now make {then} rps{events}, which needs {}", text::replicas(replicas));
            raise(facts, wish, replicas, why);
            wish.planned_rps = wish.planned_rps.max(rps);
        }
    }
    if let Some((floor, why)) = calendar.least(facts.now_ms, facts.lead.ms) {
        raise(facts, wish, floor, why);
    }
}

fn raise(facts: &Facts, wish: &mut Wish, replicas: u32, why: String) {
    wish.candidates.push(Candidate { name: "event".to_owned(), replicas, why });
    if replicas <= wish.replicas {
        return;
    }
    wish.replicas = replicas;
    if replicas >= facts.current {
        wish.reason = if replicas > facts.current { ReasonCode::EventUp } else { ReasonCode::EventHolds };
    }
}
