//! The control loop as an autoscaler inside the simulator: the same [`step`] as live, fed with what the simulator shows, its commands turned
//! into the simulator's orders. A scenario chooses it with its `[autoscaler]` table:
//!
//! ```toml
//! [autoscaler]
//! policy = "predictive"        # or "hpa", "static", "schedule", "backlog"
//! min = 2                      # rails: min, max, step_up, step_down, stabilisation, cool_down
//! max = 20
//! interval = "15s"
//! quantile = 0.95              # predictive: quantile, target, fallback_target, fallback_stabilisation, lead_time, forecast_every, forecast_update, ramp
//! time_zone = "Europe/Berlin"  # whose days and hours forecasts go by; UTC without it
//! holidays = ["DE-BE", "2026-12-24 company holiday"]   # which days aren't as their weekday
//! target = 0.78                # hpa: target, tolerance, stabilisation, stabilisation_up
//! scale_up = { select = "max", policies = [{ kind = "pods", value = 4, period = "15s" }] }   # hpa: scale_up, scale_down
//! rps_per_replica = 120        # without it the capacity is found in the simulator, from the pool and the [slo]
//! service_time_ms = 40.0       # what the planner believes of the pool, when that isn't true
//! more = -3                    # so many replicas more (or fewer) than the policy wants
//! per_replica = 10             # backlog: requests at the broker for each replica; in_service = false counts those that wait alone
//! steps = [{ at = "0s", replicas = 4 }, { at = "1h", replicas = 9 }]     # schedule: from when on how many are to be ready
//! ```

use std::collections::BTreeMap;

use balancer::{Nanos, WeightSnapshot};
use predictor::{ForecastError, Request, Series, boosted::Models};
use simulator::{Autoscaler, AutoscalerFactory, Observation, Orders, Scenario, ScenarioError};

use crate::calendar::Outlined;
use crate::capacity::Curves;
use crate::command::{Command, Entry, OrderId};
use crate::config::ServiceConfig;
use crate::event::{Event, HistoryNeed, Replica, ReplicaState};
use crate::forecaster::{Asked, Forecaster};
use crate::state::State;
use crate::step;

mod backlog;
mod behaviour;
mod extra;
mod observed;
mod scheduled;
mod table;

use backlog::Backlog;
use extra::Extra;
use observed::Observed;
use scheduled::Scheduled;
use table::Choice;

/// Builds the planner for a scenario. Without a history the predictive policy has nothing to learn from but the run itself, and falls back to
/// its cautious reactive rule until that is enough.
#[derive(Clone, Debug, Default)]
pub struct Factory {
    history: Option<Series>,
    /// Capacities that are known already; what is missing is found by each run for itself, with the same result.
    curves: Curves,
}

/// Name of the one service of a simulation.
const SERVICE: &str = "simulated";

impl Factory {
    /// With the offered load `[rps]` of the past; the run starts at its last row.
    pub fn with_history(history: Series) -> Factory {
        Factory { history: Some(history), curves: Curves::default() }
    }

    /// With the capacity of this scenario's fleet, so that it is found once and not again in each replication: a second or so of computing
    /// where it is modelled. A table that can't be accepted is left for [`AutoscalerFactory::build`] to refuse.
    #[must_use]
    pub fn prepared(mut self, scenario: &Scenario) -> Factory {
        let choice = scenario.autoscaler.as_ref().map(|table| table::read(table, scenario));
        if let Some(Ok(Choice::Planned { config, .. })) = choice
            && let Ok(mut state) = State::new(vec![*config])
        {
            state.prepare();
            self.curves.learn(state.curves);
        }
        self
    }
}

impl AutoscalerFactory for Factory {
    fn stand_ins(&self) -> toml::Table {
        table::stand_ins()
    }

    fn build(&self, table: Option<&toml::Table>, scenario: &Scenario, _seed: u64) -> Result<Box<dyn Autoscaler>, ScenarioError> {
        let Some(table) = table else {
            return Ok(Box::new(Scheduled::fixed(None, Nanos(0))));
        };
        match table::read(table, scenario)? {
            Choice::Static { replicas, interval } => Ok(Box::new(Scheduled::fixed(Some(replicas), interval))),
            Choice::Scheduled { steps, boot, interval } => Ok(Box::new(Scheduled::new(steps, boot, interval))),
            Choice::Backlog(policy) => Ok(Box::new(Backlog::new(policy))),
            Choice::Planned { config, extra } => {
                let observed = Observed::after(self.history.clone());
                Ok(Box::new(Planned::try_new(*config, extra, observed, self.curves.clone())?))
            }
        }
    }
}

/// The control loop with the simulator as its world.
struct Planned {
    state: State,
    tick_ms: i64,
    extra: Extra,
    observed: Observed,
    forecaster: Forecaster,
    /// When each replica was ordered, as far as it was seen booting.
    ordered_ms: BTreeMap<u32, i64>,
    /// The order of the last tick, which the simulator has executed since.
    executed: Option<OrderId>,
    /// The size that was ordered last, as the plan has it.
    planned: Option<u32>,
    /// Replicas that the planner doesn't know of.
    surplus: Vec<u32>,
    rejected: u64,
    /// The sentence of the last decision.
    reason: Option<String>,
}

impl Planned {
    fn try_new(config: ServiceConfig, extra: Extra, observed: Observed, curves: Curves) -> Result<Planned, ScenarioError> {
        let tick_ms = config.tick_ms;
        let mut state = State::new(vec![config]).map_err(|error| {
            let key = error.key.trim_start_matches("rails.").trim_start_matches("policy.").trim_start_matches("capacity.");
            ScenarioError::new(format!("autoscaler.{}", key.trim_end_matches("_ms")), error.value, error.allowed)
        })?;
        state.curves.learn(curves);
        Ok(Planned {
            state,
            tick_ms,
            extra,
            observed,
            forecaster: Forecaster::default(),
            ordered_ms: BTreeMap::new(),
            executed: None,
            planned: None,
            surplus: Vec::new(),
            rejected: 0,
            reason: None,
        })
    }

    fn replicas(&mut self, seen: &Observation) -> Vec<Replica> {
        let mut replicas = Vec::with_capacity(seen.replicas.len());
        for view in &seen.replicas {
            let since_ms = self.observed.domain_ms(view.since);
            let state = match view.state {
                simulator::ReplicaState::Booting => ReplicaState::Booting,
                simulator::ReplicaState::Ready => ReplicaState::Ready,
                simulator::ReplicaState::Draining => ReplicaState::Draining,
            };
            if state == ReplicaState::Booting {
                self.ordered_ms.insert(view.id, since_ms);
            }
            let ready_ms = if state == ReplicaState::Ready { Some(since_ms) } else { None };
            let ordered_ms = self.ordered_ms.get(&view.id).copied();
            replicas.push(Replica { id: view.id, address: format!("replica-{}", view.id), state, ordered_ms, ready_ms });
        }
        self.ordered_ms.retain(|id, _| replicas.iter().any(|replica| replica.id == *id));
        self.surplus = self.extra.disguise(&mut replicas, self.planned);
        replicas
    }

    /// What the loop is told before it decides.
    fn events(&mut self, seen: &Observation, now_ms: i64) -> Vec<Event> {
        let service = || SERVICE.to_owned();
        let mut events: Vec<Event> = self.executed.take().map(|order| Event::Acknowledged { order, at_ms: now_ms }).into_iter().collect();
        // What is shed because the plan isn't followed is none of the plan's business.
        let saturated = seen.rejected > self.rejected && self.extra.more == 0;
        self.rejected = seen.rejected;
        let load_rps = self.observed.take(seen.now, seen.arrived);
        events.push(Event::Fleet { service: service(), at_ms: now_ms, replicas: self.replicas(seen) });
        events.push(Event::Sample { service: service(), at_ms: now_ms, load_rps, saturated });
        events.push(Event::Tick { service: service() });
        events
    }

    /// The answer to a request for a forecast.
    fn forecast(&mut self, at_ms: i64) -> Event {
        let service = SERVICE.to_owned();
        let failed = |error: &dyn std::fmt::Display, not_enough_history| Event::ForecastFailed {
            service: SERVICE.to_owned(),
            at_ms,
            error: error.to_string(),
            not_enough_history,
        };
        let (Some(series), Some(known)) = (self.observed.series(), self.state.services.get(SERVICE)) else {
            return failed(&"there is no history", None);
        };
        let need_ms = known.config.horizon_needed_ms(known.lead.lead(&known.config).ms);
        let request = Request::over(need_ms.clamp(series.step_ms(), predictor::MAX_HORIZON_MS));
        let (origin_ms, refit_ms) = (series.end_ms() - series.step_ms(), known.config.forecast_every_ms);
        let asked = Asked { place: (&known.config).into(), origin_ms, request: &request, refit_ms, models: Models::shipped() };
        match self.forecaster.forecast(series, &asked) {
            Ok(Outlined { forecast, learnt }) => Event::Forecast { service, forecast, learnt },
            Err(error @ ForecastError::NotEnoughHistory { have_ms, need_ms }) => failed(&error, Some(HistoryNeed { have_ms, need_ms })),
            Err(error) => failed(&error, None),
        }
    }
}

impl Autoscaler for Planned {
    fn interval(&self) -> Nanos {
        Nanos(u64::try_from(self.tick_ms).unwrap_or(0).saturating_mul(1_000_000))
    }

    fn tick(&mut self, seen: &Observation) -> Option<Orders> {
        let now_ms = self.observed.domain_ms(seen.now);
        // The first forecast must be there before the first decision, as it is live after a start, and so must the load of the last minutes.
        if self.state.services.values().all(|service| service.forecast_asked_ms.is_none()) {
            let first = self.forecast(now_ms);
            step(&mut self.state, first, now_ms);
            for (at_ms, rps) in self.observed.recent() {
                let sample = Event::Sample { service: SERVICE.to_owned(), at_ms, load_rps: Some(rps), saturated: false };
                step(&mut self.state, sample, now_ms);
            }
        }
        let mut orders = Orders::default();
        for event in self.events(seen, now_ms) {
            for command in step(&mut self.state, event, now_ms) {
                match command {
                    Command::Scale(order) => {
                        orders.replicas = Some(self.extra.shifted(order.target));
                        self.planned = Some(order.target);
                        self.executed = Some(order.id);
                    }
                    Command::PushWeights { snapshot, service } => {
                        step(&mut self.state, Event::WeightsApplied { service, epoch: snapshot.epoch }, now_ms);
                        if self.extra.ramp {
                            let real: Vec<u32> = seen.replicas.iter().map(|replica| replica.id).collect();
                            let weights = self.extra.weights(&snapshot.backends, &real, &self.surplus);
                            orders.weights = Some(WeightSnapshot { epoch: snapshot.epoch, weights });
                        }
                    }
                    Command::RequestForecast { at_ms, .. } => {
                        let answer = self.forecast(at_ms);
                        step(&mut self.state, answer, now_ms);
                    }
                    Command::Journal(Entry::Decision(decision)) => self.reason = Some(decision.sentence),
                    Command::Journal(_) | Command::Release { .. } | Command::Alert { .. } | Command::Refused { .. } => {}
                }
            }
        }
        if orders == Orders::default() { None } else { Some(orders) }
    }

    fn reason(&mut self) -> Option<String> {
        self.reason.take()
    }
}

#[cfg(test)]
mod tests;
