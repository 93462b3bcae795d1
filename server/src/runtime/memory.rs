//! What of the loop's state is written, and what the loop goes back to when it can't be.
//!
//! A step changes one service, and only that one is turned into text and written; of the others it is known that they are as they were. What
//! a step without a journal entry changed (a sample, a look at the fleet) is written with the next one that has an entry: what is in the
//! database is always the whole state of one moment.

use std::collections::{BTreeMap, BTreeSet};

use planner::capacity::Curves;
use planner::{ServiceState, State};

use crate::store::{Saved, StateChange};

/// The state as it was last written.
pub struct Memory {
    head: String,
    curves: String,
    services: BTreeMap<String, String>,
    /// Services that may differ from what is in `services`.
    touched: BTreeSet<String>,
    /// Services of which nobody knows what is in the database: what to write was given out, and no answer came.
    unsure: BTreeSet<String>,
    curves_unsure: bool,
}

/// Reads a stored state, refusing a format that this version doesn't know.
pub fn decode(saved: &Saved) -> Result<State, String> {
    let value: serde_json::Value = serde_json::from_str(&saved.head).map_err(|error| error.to_string())?;
    let found = value.get("version").and_then(serde_json::Value::as_u64);
    if found != Some(u64::from(State::VERSION)) {
        return Err(format!("format {found:?}, this version knows {}", State::VERSION));
    }
    let mut state: State = serde_json::from_value(value).map_err(|error| error.to_string())?;
    if let Some(curves) = &saved.curves {
        state.curves = serde_json::from_str(curves).map_err(|error| error.to_string())?;
    }
    for (name, text) in &saved.services {
        let service = serde_json::from_str(text).map_err(|error| format!("service {name}: {error}"))?;
        state.services.insert(name.clone(), service);
    }
    Ok(state)
}

/// JSON. The state's maps have string keys and it holds no foreign types, so this can't fail; should it ever, an empty text is refused when
/// it is read, and the loop keeps what it has.
fn encode(part: &impl serde::Serialize) -> String {
    serde_json::to_string(part).unwrap_or_default()
}

/// What belongs to no service.
fn encode_head(state: &mut State) -> String {
    let (services, curves) = (std::mem::take(&mut state.services), std::mem::take(&mut state.curves));
    let head = encode(state);
    (state.services, state.curves) = (services, curves);
    head
}

impl Memory {
    /// Of a state that the loop begins with, and what the database has of it.
    pub fn new(state: &mut State, saved: Option<&Saved>) -> Self {
        let services: BTreeMap<String, String> = state.services.iter().map(|(name, service)| (name.clone(), encode(service))).collect();
        let stored = |name: &String| saved.and_then(|saved| saved.services.get(name));
        let known = services.keys().chain(saved.iter().flat_map(|saved| saved.services.keys()));
        let unsure = known.filter(|name| stored(name) != services.get(*name)).cloned().collect();
        let curves = encode(&state.curves);
        let curves_unsure = saved.and_then(|saved| saved.curves.as_ref()) != Some(&curves);
        Self { head: encode_head(state), curves, services, touched: BTreeSet::new(), unsure, curves_unsure }
    }

    /// A step has changed this service; `None` = any of them.
    pub fn touch(&mut self, state: &State, service: Option<&str>) {
        match service {
            Some(name) => _ = self.touched.insert(name.to_owned()),
            None => self.touched.extend(state.services.keys().chain(self.services.keys()).cloned()),
        }
    }

    /// What is to be written, so that the database has the state as it is now.
    pub fn change(&self, state: &mut State) -> StateChange {
        let mut services = BTreeMap::new();
        for name in self.touched.union(&self.unsure) {
            let text = state.services.get(name).map(encode);
            if self.unsure.contains(name) || text.as_ref() != self.services.get(name) {
                services.insert(name.clone(), text);
            }
        }
        let curves = Some(encode(&state.curves)).filter(|text| self.curves_unsure || *text != self.curves);
        StateChange { head: encode_head(state), curves, services }
    }

    /// It was written.
    pub fn written(&mut self, change: StateChange) {
        self.head = change.head;
        if let Some(curves) = change.curves {
            self.curves = curves;
        }
        for (name, text) in change.services {
            match text {
                Some(text) => _ = self.services.insert(name, text),
                None => _ = self.services.remove(&name),
            }
        }
        self.touched.clear();
        self.unsure.clear();
        self.curves_unsure = false;
    }

    /// It wasn't, or nobody knows: the state becomes again what it was when it was last written. Forecasts aren't part of it; whoever calls
    /// this gives them back to the services that are returned.
    pub fn roll_back(&mut self, state: &mut State, change: &StateChange) -> BTreeSet<String> {
        self.unsure.extend(change.services.keys().cloned());
        self.curves_unsure |= change.curves.is_some();
        let touched = std::mem::take(&mut self.touched);
        // Only what could not be read after having been written by this very process would fail here; the loop then keeps what it has.
        if let Ok(mut head) = serde_json::from_str::<State>(&self.head) {
            (head.services, head.curves) = (std::mem::take(&mut state.services), std::mem::take(&mut state.curves));
            *state = head;
        }
        if change.curves.is_some()
            && let Ok(curves) = serde_json::from_str::<Curves>(&self.curves)
        {
            state.curves = curves;
        }
        for name in &touched {
            match self.services.get(name).map(|text| serde_json::from_str::<ServiceState>(text)) {
                Some(Ok(service)) => _ = state.services.insert(name.clone(), service),
                Some(Err(_)) => {}
                None => _ = state.services.remove(name),
            }
        }
        touched
    }
}

#[cfg(test)]
mod tests;
