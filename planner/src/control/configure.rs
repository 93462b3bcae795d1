//! A changed configuration: checked whole, then taken over whole.

use super::{Turn, leftover};
use crate::capacity::Curves;
use crate::command::{Changed, Command, Entry};
use crate::config::{Capacity, Mode, ServiceConfig};
use crate::state::State;

/// What a [`crate::Event::Configured`] brings.
pub(super) struct New {
    pub who: String,
    pub services: Vec<ServiceConfig>,
    pub changes: Vec<Changed>,
    pub curves: Curves,
}

/// The mode of a service is what was said last: by the file if it says something new, else by the operator. A service whose capacity is
/// taken away can only be observed.
pub(super) fn configured(state: &mut State, new: New, now_ms: i64) -> Vec<Command> {
    if let Err(error) = ServiceConfig::validate_all(&new.services) {
        return vec![Command::Refused { what: "take over the configuration".to_owned(), reason: error.to_string() }];
    }
    let mut out = Vec::new();
    if !new.changes.is_empty() {
        out.push(Command::Journal(Entry::Configured { at_ms: now_ms, who: new.who.clone(), changes: new.changes }));
    }
    let modes: Vec<(String, Mode)> = new.services.iter().filter_map(|config| Some((config.name.clone(), mode(state, config)?))).collect();
    let left = leftover::leave(state, &new.services, &new.who, now_ms);
    let leaves = |name: &str| left.iter().any(|command| matches!(command, Command::Release { service, .. } if service == name));
    let (moved, modes): (Vec<_>, Vec<_>) = modes.into_iter().partition(|(name, _)| leaves(name));
    out.extend(left);
    // What the check has let through isn't refused here.
    if let Err(error) = state.reconfigure(new.services) {
        return vec![Command::Refused { what: "take over the configuration".to_owned(), reason: error.to_string() }];
    }
    state.curves.learn(new.curves);
    // Where these act now, nothing is held for them yet.
    for (name, mode) in moved {
        let Some(mut turn) = Turn::of(state, &name, now_ms) else { continue };
        turn.change_mode(new.who.clone(), mode);
        out.append(&mut turn.out);
    }
    for (name, mode) in modes {
        out.extend(Turn::of(state, &name, now_ms).map_or_else(Vec::new, |turn| turn.set_mode(new.who.clone(), mode)));
    }
    out
}

/// The mode that a known service must change to, if the file gives a reason to.
fn mode(state: &State, config: &ServiceConfig) -> Option<Mode> {
    let known = state.services.get(&config.name)?;
    if config.capacity == Capacity::Unknown {
        return Some(Mode::Observe);
    }
    (known.config.mode != config.mode).then_some(config.mode)
}
