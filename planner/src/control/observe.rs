//! What is seen: the fleet and the forecasts.

use predictor::Forecast;

use super::Turn;
use crate::calendar::Uplift;
use crate::command::{AlertCode, Command, OrderOutcome};
use crate::decision::ForecastMissing;
use crate::event::{HistoryNeed, Replica};
use crate::load::CLOCK_SKEW_MS;
use crate::order::Pending;
use crate::state::{FleetProblem, FleetSeen};

impl Turn<'_> {
    /// A newer observation replaces the older one, teaches start-up times, settles the order under way, and moves the weights.
    pub(super) fn fleet(&mut self, at_ms: i64, mut replicas: Vec<Replica>) {
        let known = self.service.fleet.as_ref();
        if at_ms > self.now_ms.saturating_add(CLOCK_SKEW_MS) || known.is_some_and(|known| known.at_ms >= at_ms) {
            return;
        }
        replicas.sort_by_key(|r| r.id);
        replicas.dedup_by_key(|r| r.id);
        let seen = FleetSeen { at_ms, replicas };
        self.service.lead.learn(known, &seen);
        if self.service.fleet_problem.as_ref().is_some_and(|problem| problem.at_ms <= at_ms) {
            self.service.fleet_problem = None;
        }
        self.service.fleet = Some(seen);
        self.settle();
        self.push_weights();
    }

    pub(super) fn fleet_unknown(&mut self, at_ms: i64, reason: String) {
        let newer = self.service.fleet.as_ref().is_none_or(|fleet| fleet.at_ms < at_ms);
        if newer && at_ms <= self.now_ms.saturating_add(CLOCK_SKEW_MS) {
            self.service.fleet_problem = Some(FleetProblem { at_ms, reason });
        }
    }

    pub(super) fn forecast(&mut self, forecast: Forecast, learnt: Vec<Uplift>) {
        let newest = self.service.forecast.as_ref().map(|known| known.origin_ms);
        let from_future = forecast.origin_ms > self.now_ms.saturating_add(CLOCK_SKEW_MS);
        if from_future || newest.is_some_and(|newest| newest > forecast.origin_ms) {
            return;
        }
        self.service.forecast = Some(forecast);
        self.service.forecast_pending = false;
        self.service.learnt = learnt;
        self.service.forecast_problem = None;
    }

    pub(super) fn forecast_failed(&mut self, error: String, not_enough_history: Option<HistoryNeed>) {
        self.service.forecast_problem = Some(match not_enough_history {
            Some(HistoryNeed { have_ms, need_ms }) => ForecastMissing::NotEnoughHistory { have_ms, need_ms },
            None => ForecastMissing::Failed { error },
        });
    }

    /// Ends the order under way if the fleet shows its target, or if it should have by now.
    pub(super) fn settle(&mut self) {
        let (Some(pending), fleet) = (&self.service.pending, self.service.fleet.as_ref()) else { return };
        if fleet.is_some_and(|fleet| pending.reached(fleet)) {
            self.service.backoff = None;
            self.service.close(OrderOutcome::Reached, self.now_ms, &mut self.out);
        } else if pending.is_invisible(fleet, self.now_ms) {
            let Pending { order, .. } = pending;
            let text = format!("the order for {} was acknowledged, but the fleet does not show it", crate::text::replicas(order.target));
            let alert = Command::Alert { service: order.service.clone(), code: AlertCode::OrderNotVisible, text };
            self.service.close(OrderOutcome::NotVisible, self.now_ms, &mut self.out);
            self.out.push(alert);
        }
    }

    /// Brings the balancer's snapshot up to date, and sends it again until it is confirmed.
    pub(super) fn push_weights(&mut self) {
        let now_ms = self.now_ms;
        let service = &mut *self.service;
        let Some(fleet) = &service.fleet else { return };
        let leaving = service.pending.as_ref().map_or(0, |pending| match pending.is_down() {
            true => fleet.counted().saturating_sub(pending.order.target),
            false => 0,
        });
        let changed = service.weights.update(fleet, leaving, service.config.ramp_ms, now_ms);
        let overdue = service.weights.unconfirmed() && now_ms >= service.weights.sent_ms.saturating_add(service.config.tick_ms);
        if changed || overdue {
            self.send_weights();
        }
    }

    /// Sends the newest snapshot, if there is one.
    pub(super) fn send_weights(&mut self) {
        if self.service.weights.plan.epoch == 0 {
            return;
        }
        self.service.weights.sent_ms = self.now_ms;
        let (service, snapshot) = (self.service.config.name.clone(), self.service.weights.plan.clone());
        self.out.push(Command::PushWeights { service, snapshot });
    }
}
