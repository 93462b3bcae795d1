//! What goes wrong out there: sources, the executor, forecasts, people.

use planner::{Event, HistoryNeed, Mode, OperatorAction, Order, OrderId, Pause};
use predictor::{Forecast, Point};
use rand::RngExt;

use crate::sim::{Mail, Sim};

impl Sim {
    /// Samples and observations, good, bad, late, twice, or not at all.
    pub fn observe(&mut self, at: usize) {
        let now_ms = self.now_ms;
        if self.happens(0.01) {
            self.outages[at].0 = now_ms + self.rng.random_range(0..400_000);
        }
        if self.happens(0.01) {
            self.outages[at].1 = now_ms + self.rng.random_range(0..400_000);
        }
        let service = self.sites[at].name.to_owned();
        if now_ms >= self.outages[at].0 {
            let noise: f64 = self.rng.random_range(0.97..1.03);
            let mut load_rps = Some(self.sites[at].demand(now_ms) * noise);
            if self.happens(0.06) {
                let odd = [None, Some(f64::NAN), Some(f64::INFINITY), Some(-5.0), Some(f64::NEG_INFINITY), Some(-0.0)];
                load_rps = odd[self.rng.random_range(0..odd.len())];
            }
            let skew = if self.happens(0.02) { self.rng.random_range(-600_000..600_000) } else { 0 };
            let saturated = self.happens(0.01);
            self.send(Event::Sample { service: service.clone(), at_ms: now_ms + skew, load_rps, saturated });
        }
        if now_ms >= self.outages[at].1 {
            let replicas = self.sites[at].fleet.replicas.clone();
            self.send(Event::Fleet { service, at_ms: now_ms, replicas });
        } else if self.happens(0.5) {
            self.send(Event::FleetUnknown { service, at_ms: now_ms, reason: "503".to_owned() });
        }
    }

    /// The executor does it, or fails; its answer arrives, is lost, or comes twice.
    pub fn execute(&mut self, order: &Order) {
        self.auditor.scale(order);
        let now_ms = self.now_ms;
        let (id, at_ms) = (order.id, now_ms);
        let Some(site) = self.sites.iter_mut().position(|site| site.name == order.service) else { return };
        if self.happens(0.12) {
            let retry_after_ms = if self.happens(0.3) { Some(self.rng.random_range(-5_000..60_000)) } else { None };
            let retry = !self.happens(0.2);
            self.send(Event::ActFailed { order: id, at_ms, error: "503 Service Unavailable".to_owned(), retry, retry_after_ms });
            return;
        }
        self.sites[site].fleet.execute(order, now_ms);
        let counted = self.sites[site].fleet.counted();
        self.sites[site].fleet.execute(order, now_ms);
        assert_eq!(self.sites[site].fleet.counted(), counted, "executed twice, done once");
        if self.happens(0.1) {
            // Done, but the answer says otherwise.
            self.send(Event::ActFailed { order: id, at_ms, error: "timed out".to_owned(), retry: true, retry_after_ms: None });
        } else if self.happens(0.3) {
            self.send(Event::FloorSet { order: id, at_ms });
        } else if !self.happens(0.1) {
            self.send(Event::Acknowledged { order: id, at_ms });
        }
    }

    /// The executor gives up what it holds, or fails; its answer arrives, is lost, or comes twice.
    pub fn execute_release(&mut self, service: &str, id: OrderId) {
        self.auditor.release(service, id);
        let at_ms = self.now_ms;
        if self.happens(0.3) {
            let retry = !self.happens(0.2);
            self.send(Event::ReleaseFailed { id, at_ms, error: "503 Service Unavailable".to_owned(), retry, retry_after_ms: None });
        } else if !self.happens(0.2) {
            self.send(Event::Released { id, at_ms });
        }
    }

    /// People do things, sensible or not.
    pub fn meddle(&mut self) {
        let pick = self.rng.random_range(0..2usize);
        let service = self.sites[pick].name.to_owned();
        let proposal = self.state.services[&service].proposal.as_ref().map(|proposal| proposal.id);
        let stale = planner::DecisionId(self.rng.random_range(0..1_000));
        let action = match self.rng.random_range(0..22) {
            0 => OperatorAction::SetMode { service, mode: Mode::Observe },
            1 => OperatorAction::SetMode { service, mode: Mode::Recommend },
            2 | 3 => OperatorAction::SetMode { service, mode: Mode::Approve },
            4 => {
                OperatorAction::Pause { service: Some(service), pause: [Pause::Up, Pause::Down, Pause::Both][self.rng.random_range(0..3)] }
            }
            5 => OperatorAction::Pause { service: None, pause: Pause::Both },
            6 | 7 => OperatorAction::Approve { decision: proposal.unwrap_or(stale) },
            8 => OperatorAction::Reject { decision: proposal.unwrap_or(stale), reason: "no".to_owned() },
            9 => OperatorAction::Pause { service: Some("nobody".to_owned()), pause: Pause::Up },
            20 => OperatorAction::Release { service },
            21 => OperatorAction::Edit {
                decision: proposal.unwrap_or(stale),
                replicas: self.rng.random_range(0..60),
                reason: "sale".to_owned(),
            },
            _ => {
                self.operator(OperatorAction::Resume { service: None });
                self.operator(OperatorAction::Resume { service: Some(service.clone()) });
                OperatorAction::SetMode { service, mode: Mode::Automatic }
            }
        };
        self.operator(action);
        // Whoever waits for approval gets it most of the time, or the world would stand still.
        let proposals: Vec<_> = self.state.services.values().filter_map(|s| s.proposal.as_ref().map(|p| p.id)).collect();
        for decision in proposals {
            self.operator(OperatorAction::Approve { decision });
        }
    }

    pub fn answer_forecast(&mut self, service: String, at_ms: i64) {
        let Some(at) = self.sites.iter().position(|site| site.name == service) else { return };
        if self.happens(0.25) {
            let not_enough_history = if self.happens(0.3) { Some(HistoryNeed { have_ms: 1, need_ms: 2 }) } else { None };
            let failed = Event::ForecastFailed { service, at_ms, error: "out of memory".to_owned(), not_enough_history };
            if self.happens(0.7) {
                self.mail.push((at_ms, Mail::Event(Box::new(failed))));
            }
            return;
        }
        let minutes = if self.happens(0.1) { 4 } else { 90 };
        let origin_ms = self.now_ms;
        let wrong: f64 = if self.happens(0.1) { self.rng.random_range(0.2..2.0) } else { 1.0 };
        let point = |i: i64| {
            let ts_ms = origin_ms + (i + 1) * 60_000;
            let mean = self.sites[at].demand(ts_ms) * wrong;
            Point { ts_ms, mean, q: vec![mean, mean * 1.05, mean * 1.1] }
        };
        let points = (0..minutes).map(point).collect();
        let forecast = Forecast::from_quantiles(origin_ms, 60_000, vec![0.5, 0.95, 0.99], points).unwrap();
        self.mail.push((at_ms, Mail::Event(Box::new(Event::Forecast { service, forecast, learnt: Vec::new() }))));
    }
}
