//! From what is known to a decision, before the mode has its say.

use std::cmp::Ordering;

use super::Turn;
use crate::calendar::Calendar;
use crate::capacity::Capacities;
use crate::config::Capacity;
use crate::decision::{Action, Candidate, Check, Decision, ForecastMissing, Inputs, Rail, RailHit, ReasonCode};
use crate::event::ReplicaState;
use crate::policy::{self, Facts, Wish};
use crate::rails;

/// What the loop would do, and what keeps it from doing so.
pub(super) struct Plan {
    /// Action and sentence are still to come.
    pub decision: Decision,
    /// Set if the change must not happen now, although it is wanted.
    pub blocked: Option<ReasonCode>,
    /// The change is too large to be made without a person.
    pub implausible: bool,
    /// More than the maximum is needed: so many. The outer `None` = not known now.
    pub breach: Option<Option<u32>>,
}

/// A wish within the rails, proven.
struct Proven {
    target: u32,
    rail: Option<RailHit>,
    check: Option<Check>,
    /// The simulator's objection, if it changed the target.
    objection: Option<u32>,
}

impl Turn<'_> {
    /// Load known and young, fleet known and young?
    pub(super) fn data_is_fresh(&self) -> bool {
        self.missing_data().is_none()
    }

    fn missing_data(&self) -> Option<ReasonCode> {
        let oldest = self.now_ms.saturating_sub(self.service.config.stale_after_ms);
        let fleet = self.service.fleet.as_ref().filter(|fleet| fleet.at_ms >= oldest);
        if fleet.is_none() || self.service.fleet_problem.is_some() {
            return Some(ReasonCode::FleetUnknown);
        }
        if self.load_is_fresh() { None } else { Some(ReasonCode::LoadUnknown) }
    }

    fn load_is_fresh(&self) -> bool {
        let oldest = self.now_ms.saturating_sub(self.service.config.stale_after_ms);
        self.service.load.latest().is_some_and(|load| load.at_ms >= oldest)
    }

    pub(super) fn plan(&mut self) -> Plan {
        let lead = self.service.lead.lead(&self.service.config);
        let load = self.service.load.latest().copied();
        let fleet = self.service.fleet.as_ref();
        let inputs = Inputs {
            load_rps: load.map(|load| load.rps),
            load_age_ms: load.map(|load| self.now_ms.saturating_sub(load.at_ms).max(0)),
            saturated: load.is_some_and(|load| load.saturated),
            ready: fleet.map(|fleet| fleet.count(ReplicaState::Ready)),
            booting: fleet.map(|fleet| fleet.count(ReplicaState::Booting)),
            lead_ms: lead.ms,
            lead_source: lead.source,
            ..Inputs::default()
        };
        let id = self.decision_id();
        let decision = Decision {
            id,
            service: self.service.config.name.clone(),
            at_ms: self.now_ms,
            mode: self.service.mode,
            current: self.service.current(),
            target: self.service.current(),
            action: Action::Hold,
            reason: ReasonCode::Steady,
            sentence: String::new(),
            inputs,
            candidates: Vec::new(),
            rail: None,
            check: None,
            expires_ms: None,
        };
        match self.missing_data() {
            None => self.plan_with_data(decision),
            Some(ReasonCode::LoadUnknown) => self.plan_without_load(decision),
            // Nobody has to see the fleet of a service that is only watched.
            Some(_) if self.service.config.capacity == Capacity::Unknown && self.service.fleet.is_none() => {
                let reason = if self.load_is_fresh() { ReasonCode::CapacityUnknown } else { ReasonCode::LoadUnknown };
                Plan { decision: Decision { reason, ..decision }, blocked: Some(reason), implausible: false, breach: None }
            }
            Some(reason) => {
                let decision = Decision { reason, ..decision };
                Plan { decision, blocked: Some(reason), implausible: false, breach: None }
            }
        }
    }

    /// What a person has asked for by the calendar needs no load to be known.
    fn plan_without_load(&self, decision: Decision) -> Plan {
        let config = self.service.config.in_force(self.now_ms);
        let least = Calendar::of(&self.service.config).and_then(|calendar| calendar.least(self.now_ms, decision.inputs.lead_ms));
        if let (Some(current), Some((floor, why))) = (decision.current, least) {
            let railed = rails::apply(&config, current, floor, &self.service.changes, self.now_ms);
            if railed.target > current {
                let candidates = vec![Candidate { name: "event".to_owned(), replicas: floor, why }];
                let (target, reason) = (Some(railed.target), ReasonCode::EventUp);
                let decision = Decision { target, reason, candidates, rail: railed.hit, ..decision };
                return Plan { decision, blocked: self.blocked(current, railed.target), implausible: false, breach: None };
            }
        }
        let reason = ReasonCode::LoadUnknown;
        Plan { decision: Decision { reason, ..decision }, blocked: Some(reason), implausible: false, breach: None }
    }

    fn plan_with_data(&mut self, mut decision: Decision) -> Plan {
        let forecast_missing = self.forecast_missing();
        let service = &mut *self.service;
        // Fresh data means that there is a fleet and a load; without them nothing changes.
        let (Some(fleet), Some(load), Some(current)) = (&service.fleet, service.load.latest().copied(), service.current()) else {
            return Plan { decision, blocked: None, implausible: false, breach: None };
        };
        let forecast = match (&service.forecast, forecast_missing) {
            (Some(forecast), None) => Ok(forecast),
            (_, missing) => Err(missing.unwrap_or(ForecastMissing::None)),
        };
        let now_ms = self.now_ms;
        let lead = service.lead.lead(&service.config);
        let order_under_way = service.pending.is_some();
        let in_force = service.config.in_force(now_ms);
        let (config, changes, past) = (in_force.as_ref(), service.changes.as_slice(), &service.load);
        let calendar = Calendar::of(&service.config).map(|calendar| calendar.knowing(&service.learnt));
        let facts = Facts { now_ms, config, calendar, load, past, fleet, current, order_under_way, lead, forecast, changes };
        // What was found for the shape holds whatever the limits are now.
        let Some(mut capacities) = self.curves.of(&service.config) else {
            decision.reason = ReasonCode::CapacityUnknown;
            return Plan { decision, blocked: Some(ReasonCode::CapacityUnknown), implausible: false, breach: None };
        };
        let ready = fleet.count(ReplicaState::Ready).max(1);
        decision.inputs.capacity_rps_per_replica = Some(capacities.of(ready) / f64::from(ready));
        let mut wish = policy::wish(&facts, &config.policy, &mut service.memory, &mut capacities, &mut decision.inputs);
        restore(&mut wish, current, service.desired.filter(|_| !order_under_way));
        let base = current.max(service.desired.filter(|_| !order_under_way).unwrap_or(0));
        let proven = prove(&facts, &wish, base, &mut capacities);
        // A person has seen an event coming.
        let by_event = wish.reason == ReasonCode::EventUp || !decision.inputs.events.is_empty();
        let expected = by_event && wish.replicas > current;
        let implausible = !expected && is_implausible(&facts, wish.replicas, service.load.median_before(15 * 60_000));
        let breach = Some(wish.replicas).filter(|&wanted| wanted > config.rails.max);
        decision.target = Some(proven.target);
        decision.reason = reason(current, &wish, &proven, config.rails.min, config.rails.max);
        decision.rail = proven.rail;
        decision.check = proven.check;
        decision.candidates = wish.candidates;
        if implausible && proven.target != current {
            decision.rail = Some(RailHit { rail: Rail::MaxJump, wanted: wish.replicas, allowed: current });
        }
        if let Some(replicas) = proven.objection {
            let why = "the simulator says that fewer would break the SLO".to_owned();
            decision.candidates.push(Candidate { name: "check".to_owned(), replicas, why });
        }
        let blocked = self.blocked(current, proven.target);
        Plan { decision, blocked, implausible, breach: Some(breach) }
    }

    /// Why there is no forecast to trust; `None` = there is one.
    fn forecast_missing(&self) -> Option<ForecastMissing> {
        let Some(forecast) = &self.service.forecast else {
            return Some(self.service.forecast_problem.clone().unwrap_or(ForecastMissing::None));
        };
        let age_ms = self.now_ms.saturating_sub(forecast.origin_ms);
        if age_ms <= self.service.config.forecast_max_age_ms {
            return None;
        }
        Some(self.service.forecast_problem.clone().unwrap_or(ForecastMissing::Stale { age_ms }))
    }

    /// What forbids to go from `current` to `target` now.
    fn blocked(&self, current: u32, target: u32) -> Option<ReasonCode> {
        let (up, down) = (target > current, target < current);
        if (up && self.holds_up()) || (down && self.holds_down()) {
            return Some(ReasonCode::Paused);
        }
        if (up || down) && self.service.backoff.as_ref().is_some_and(|backoff| self.now_ms < backoff.until_ms) {
            return Some(ReasonCode::BackingOff);
        }
        if down && self.service.floor == Some(target) {
            return Some(ReasonCode::FloorIsSet);
        }
        // An order under way blocks a step down; a growing climb may raise it, once its outcome is known or somebody has looked.
        let pending = self.service.pending.as_ref()?;
        let raise = up && pending.may_be_replaced(self.service.fleet.as_ref());
        if (up || down) && !raise { Some(ReasonCode::OrderUnderWay) } else { None }
    }
}

/// What the fleet lost by itself comes back first; only then may the rules take anything away.
fn restore(wish: &mut Wish, current: u32, desired: Option<u32>) {
    if let Some(desired) = desired.filter(|&desired| desired > current && wish.replicas < desired) {
        let why = format!("the fleet had {} and has {current}, and nobody ordered that", crate::text::replicas(desired));
        wish.candidates.push(Candidate { name: "restore".to_owned(), replicas: desired, why });
        wish.replicas = desired;
        wish.reason = ReasonCode::Restore;
    }
}

/// Rails, then the simulator; where it objects, more replicas as far as the rails allow.
fn prove(facts: &Facts, wish: &Wish, base: u32, capacities: &mut Capacities) -> Proven {
    let apply = |wanted| rails::apply(facts.config, base, wanted, facts.changes, facts.now_ms);
    let railed = apply(wish.replicas);
    if railed.target == facts.current {
        return Proven { target: railed.target, rail: railed.hit, check: None, objection: None };
    }
    let most = match railed.target > facts.current {
        true => apply(u32::MAX).target,
        false => facts.current.min(facts.config.rails.max),
    };
    let mut target = railed.target;
    let mut check = capacities.check(target, wish.planned_rps);
    let mut tries = 0;
    while !check.holds && target < most && tries < 8 {
        target = target.saturating_add((target / 16).max(1)).min(most);
        check = capacities.check(target, wish.planned_rps);
        tries += 1;
    }
    let objection = if target > railed.target { Some(target) } else { None };
    // A step down that the simulator doesn't believe in is not taken at all.
    if target < facts.current && !check.holds {
        return Proven { target: facts.current.min(most), rail: railed.hit, check: Some(check), objection: Some(facts.current) };
    }
    Proven { target, rail: railed.hit, check: Some(check), objection }
}

/// Larger than the configured factor, up by the wish, down by the load (a source that suddenly reads next to nothing)?
fn is_implausible(facts: &Facts, wanted: u32, median_rps: Option<f64>) -> bool {
    let Some(factor) = facts.config.rails.max_jump_factor else { return false };
    let current = f64::from(facts.current.max(facts.config.rails.min));
    match wanted.cmp(&facts.current) {
        Ordering::Greater => f64::from(wanted) > current * factor,
        Ordering::Less => median_rps.is_some_and(|median| facts.load.rps * factor < median),
        Ordering::Equal => false,
    }
}

fn reason(current: u32, wish: &Wish, proven: &Proven, min: u32, max: u32) -> ReasonCode {
    let rail = proven.rail.map(|hit| hit.rail);
    match proven.target.cmp(&current) {
        Ordering::Greater if current < min && wish.replicas <= min => ReasonCode::BelowMinimum,
        Ordering::Less if current > max => ReasonCode::AboveMaximum,
        Ordering::Equal if proven.objection.is_some() && wish.replicas < current => ReasonCode::CheckHolds,
        Ordering::Equal if wish.replicas != current => match rail {
            Some(Rail::Minimum | Rail::Maximum) => ReasonCode::AtLimit,
            _ => ReasonCode::CoolDown,
        },
        _ => wish.reason,
    }
}
