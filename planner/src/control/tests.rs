//! The loop, event by event.

use super::*;
use crate::fixtures;
use crate::*;

mod approval;
mod configure;
mod decisions;
mod events;
mod forecasts;
mod leftovers;
mod orders;
mod proof;
mod releases;
mod starts;
mod wanted;

/// A loop with one service, its clock, and what it did so far.
pub(crate) struct Desk {
    pub state: State,
    pub now_ms: i64,
    pub journal: Vec<Entry>,
}

/// 2023-11-14 22:00 UTC.
pub(crate) const START_MS: i64 = 1_699_999_200_000;

impl Desk {
    pub(crate) fn new(change: impl FnOnce(&mut ServiceConfig)) -> Desk {
        let mut config = fixtures::service("shop");
        change(&mut config);
        let state = State::new(vec![config]).unwrap();
        Desk { state, now_ms: START_MS, journal: Vec::new() }
    }

    pub(crate) fn send(&mut self, event: Event) -> Vec<Command> {
        let commands = step(&mut self.state, event, self.now_ms);
        self.journal.extend(commands.iter().filter_map(|c| if let Command::Journal(entry) = c { Some(entry.clone()) } else { None }));
        commands
    }

    pub(crate) fn load(&mut self, rps: f64) -> &mut Self {
        let event = Event::Sample { service: "shop".into(), at_ms: self.now_ms, load_rps: Some(rps), saturated: false };
        self.send(event);
        self
    }

    /// It was like this for the last six minutes.
    pub(crate) fn past(&mut self, rps: f64) -> &mut Self {
        for minutes in (1..=6).rev() {
            let at_ms = self.now_ms - minutes * 60_000;
            self.send(Event::Sample { service: "shop".into(), at_ms, load_rps: Some(rps), saturated: false });
        }
        self
    }

    pub(crate) fn fleet(&mut self, ready: u32, booting: u32) -> &mut Self {
        let replicas = fixtures::fleet(ready, booting, 0);
        let at_ms = self.now_ms;
        self.send(Event::Fleet { service: "shop".into(), at_ms, replicas });
        self
    }

    /// A forecast for four hours from now on.
    pub(crate) fn forecast(&mut self, load: impl Fn(i64) -> f64) -> &mut Self {
        let forecast = fixtures::forecast(self.now_ms, 240, load);
        self.send(Event::Forecast { service: "shop".into(), forecast, learnt: Vec::new() });
        self
    }

    pub(crate) fn wait(&mut self, ms: i64) -> &mut Self {
        self.now_ms += ms;
        self
    }

    pub(crate) fn tick(&mut self) -> Vec<Command> {
        self.send(Event::Tick { service: "shop".into() })
    }

    /// The decision of a tick.
    pub(crate) fn decide(&mut self) -> Decision {
        self.tick();
        self.service().last_decision.clone().unwrap()
    }

    pub(crate) fn service(&self) -> &ServiceState {
        &self.state.services["shop"]
    }

    pub(crate) fn operator(&mut self, action: OperatorAction) -> Vec<Command> {
        let at_ms = self.now_ms;
        self.send(Event::Operator { at_ms, who: "ada".into(), action })
    }
}

pub(crate) fn orders(commands: &[Command]) -> Vec<Order> {
    commands.iter().filter_map(|c| if let Command::Scale(order) = c { Some(order.clone()) } else { None }).collect()
}

pub(crate) fn refusals(commands: &[Command]) -> Vec<String> {
    commands
        .iter()
        .filter_map(|c| if let Command::Refused { what, reason } = c { Some(format!("{what}: {reason}")) } else { None })
        .collect()
}

pub(crate) fn alerts(commands: &[Command]) -> Vec<AlertCode> {
    commands.iter().filter_map(|c| if let Command::Alert { code, .. } = c { Some(*code) } else { None }).collect()
}
