//! The control loop as a function of state, event and time.

use crate::command::{Command, Entry};
use crate::decision::{Action, Decision, Inputs, ReasonCode};
use crate::event::Event;
use crate::state::State;

/// Takes one event in and says what is to be done. See the crate's documentation for the order in which the commands must be executed.
pub fn step(state: &mut State, event: Event, now_ms: i64) -> Vec<Command> {
    state.clock_ms = state.clock_ms.max(now_ms);
    match event {
        Event::Tick { service } => tick(state, &service, now_ms),
        _ => Vec::new(),
    }
}

fn tick(state: &mut State, name: &str, now_ms: i64) -> Vec<Command> {
    if !state.services.contains_key(name) {
        return Vec::new();
    }
    let id = state.next_decision();
    let Some(service) = state.services.get_mut(name) else { return Vec::new() };
    let decision = Decision {
        id,
        service: name.to_owned(),
        at_ms: now_ms,
        mode: service.mode,
        current: None,
        target: None,
        action: Action::Hold,
        reason: ReasonCode::FleetUnknown,
        sentence: "Hold: the fleet has not been observed yet.".to_owned(),
        inputs: Inputs::default(),
        candidates: Vec::new(),
        rail: None,
        check: None,
        expires_ms: None,
    };
    service.last_decision = Some(decision.clone());
    vec![Command::Journal(Entry::Decision(Box::new(decision)))]
}
