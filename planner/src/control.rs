//! The control loop as a function of state, event and time.

use crate::capacity::Curves;
use crate::command::{Command, DecisionId, Entry, OrderId};
use crate::config::Pause;
use crate::event::Event;
use crate::state::{ServiceState, State};

mod act;
mod answer;
mod configure;
mod leftover;
mod observe;
mod operate;
mod plan;
mod release;
mod tick;

/// Takes one event in and says what is to be done. See the crate's documentation for the order in which the commands must be executed.
///
/// Nothing in an event is trusted: unknown services and orders, repeated and late answers, and numbers that aren't any are ignored, and a
/// clock that runs backwards is followed without lowering anything.
pub fn step(state: &mut State, event: Event, now_ms: i64) -> Vec<Command> {
    let now_ms = state.advance(now_ms);
    match event {
        Event::Operator { who, action, .. } => return operate::operate(state, who, action, now_ms),
        Event::Restarted { .. } => return operate::restarted(state, now_ms),
        Event::Configured { who, services, changes, curves, .. } => {
            return configure::configured(state, configure::New { who, services, changes, curves }, now_ms);
        }
        _ => {}
    }
    let mut out = leftovers(state, &event, now_ms);
    let Some(name) = service_of(state, &event) else { return out };
    let Some(mut turn) = Turn::of(state, &name, now_ms) else { return out };
    match event {
        Event::Tick { .. } => turn.tick(),
        Event::Sample { at_ms, load_rps, saturated, .. } => turn.service.load.insert(at_ms, load_rps, saturated, now_ms),
        Event::Fleet { at_ms, replicas, .. } => turn.fleet(at_ms, replicas),
        Event::FleetUnknown { at_ms, reason, .. } => turn.fleet_unknown(at_ms, reason),
        Event::Forecast { forecast, learnt, .. } => turn.forecast(forecast, learnt),
        Event::ForecastFailed { error, not_enough_history, .. } => turn.forecast_failed(error, not_enough_history),
        Event::Acknowledged { order, .. } => turn.acknowledged(order),
        Event::FloorSet { order, .. } => turn.floor_set(order),
        Event::ActFailed { order, error, retry, retry_after_ms, .. } => turn.act_failed(order, error, retry, retry_after_ms),
        Event::Released { id, .. } => turn.released(id),
        Event::ReleaseFailed { id, error, retry, retry_after_ms, .. } => turn.release_failed(id, error, retry, retry_after_ms),
        Event::WeightsApplied { epoch, .. } => turn.weights_applied(epoch),
        Event::WeightsRefused { epoch, current_epoch, .. } => turn.weights_refused(epoch, current_epoch),
        Event::Operator { .. } | Event::Configured { .. } | Event::Restarted { .. } => {}
    }
    out.append(&mut turn.out);
    out
}

/// What the event means for what services left behind. Nobody ticks for them: any tick will do.
fn leftovers(state: &mut State, event: &Event, now_ms: i64) -> Vec<Command> {
    match event {
        Event::Tick { .. } => leftover::send(state, now_ms, false),
        Event::Released { id, .. } => leftover::answered(state, *id, Ok(()), now_ms),
        Event::ReleaseFailed { id, error, retry, retry_after_ms, .. } => {
            leftover::answered(state, *id, Err((error.clone(), *retry, *retry_after_ms)), now_ms)
        }
        _ => Vec::new(),
    }
}

/// The one service that an event is about, and that [`step`] may change with it; `None` when it may be any of them, or none. Answers name only
/// the order or the release.
pub fn service_of(state: &State, event: &Event) -> Option<String> {
    match event {
        Event::Tick { service }
        | Event::Sample { service, .. }
        | Event::Fleet { service, .. }
        | Event::FleetUnknown { service, .. }
        | Event::Forecast { service, .. }
        | Event::ForecastFailed { service, .. }
        | Event::WeightsApplied { service, .. }
        | Event::WeightsRefused { service, .. } => Some(service.clone()),
        Event::Acknowledged { order, .. } | Event::FloorSet { order, .. } | Event::ActFailed { order, .. } => {
            let owns = |service: &&ServiceState| service.pending.as_ref().is_some_and(|pending| pending.order.id == *order);
            state.services.values().find(owns).map(|service| service.config.name.clone())
        }
        Event::Released { id, .. } | Event::ReleaseFailed { id, .. } => {
            let owns = |service: &&ServiceState| service.release.as_ref().is_some_and(|release| release.id == *id);
            state.services.values().find(owns).map(|service| service.config.name.clone())
        }
        Event::Operator { .. } | Event::Configured { .. } | Event::Restarted { .. } => None,
    }
}

/// One service's turn: what it may change and what it wants done.
struct Turn<'a> {
    service: &'a mut ServiceState,
    curves: &'a mut Curves,
    next_id: &'a mut u64,
    paused_all: Option<Pause>,
    now_ms: i64,
    out: Vec<Command>,
}

impl<'a> Turn<'a> {
    fn of(state: &'a mut State, name: &str, now_ms: i64) -> Option<Turn<'a>> {
        let State { services, curves, next_id, paused, .. } = state;
        let service = services.get_mut(name)?;
        Some(Turn { service, curves, next_id, paused_all: *paused, now_ms, out: Vec::new() })
    }

    fn journal(&mut self, entry: Entry) {
        self.out.push(Command::Journal(entry));
    }

    fn decision_id(&mut self) -> DecisionId {
        DecisionId(self.number())
    }

    fn order_id(&mut self) -> OrderId {
        OrderId(self.number())
    }

    fn number(&mut self) -> u64 {
        let id = *self.next_id;
        *self.next_id += 1;
        id
    }

    fn holds_up(&self) -> bool {
        [self.paused_all, self.service.paused].into_iter().flatten().any(Pause::holds_up)
    }

    fn holds_down(&self) -> bool {
        [self.paused_all, self.service.paused].into_iter().flatten().any(Pause::holds_down)
    }
}

#[cfg(test)]
pub(crate) mod tests;
