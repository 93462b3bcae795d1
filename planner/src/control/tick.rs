//! A tick: settle what is open, decide, act, try again what failed, ask for a forecast.

use super::Turn;
use crate::command::{AlertCode, Command, Entry, OrderOutcome};
use crate::decision::Decision;
use crate::order::Phase;
use crate::text;

impl Turn<'_> {
    pub(super) fn tick(&mut self) {
        self.settle();
        self.expire();
        let plan = self.plan();
        let breach = plan.breach;
        let issued = self.act(plan);
        if let Some(decision) = self.service.last_decision.clone() {
            self.tell_about_data(&decision);
            self.tell_about_breach(breach, &decision);
        }
        if !issued {
            self.retry();
        }
        self.retry_release();
        self.push_weights();
        self.ask_for_forecast();
    }

    fn ask_for_forecast(&mut self) {
        let config = &self.service.config;
        // Nobody is asked twice at once: where answers take longer than a forecast is good for, they come when they can.
        let update_ms = config.forecast_every_ms.min(config.forecast_update_ms);
        let every_ms = if self.service.forecast_pending { config.forecast_every_ms } else { update_ms };
        if self.service.forecast_asked_ms.is_some_and(|asked| self.now_ms < asked.saturating_add(every_ms)) {
            return;
        }
        (self.service.forecast_asked_ms, self.service.forecast_pending) = (Some(self.now_ms), true);
        self.out.push(Command::RequestForecast { service: self.service.config.name.clone(), at_ms: self.now_ms });
    }

    /// Ends a proposal whose time is over.
    fn expire(&mut self) {
        let over = |decision: &Decision| decision.expires_ms.is_some_and(|expires| self.now_ms >= expires);
        if self.service.proposal.as_ref().is_some_and(over) {
            self.withdraw("nobody approved it in time");
        }
    }

    /// Ends the proposal that waits, if there is one.
    pub(super) fn withdraw(&mut self, why: &str) {
        if let Some(proposal) = self.service.proposal.take() {
            let entry = Entry::Expired { decision: proposal.id, service: proposal.service, at_ms: self.now_ms, why: why.to_owned() };
            self.journal(entry);
        }
    }

    /// Sends the same order again when its time has come; never a step down without data, nor against a pause.
    fn retry(&mut self) {
        let Some(pending) = &self.service.pending else { return };
        let forbidden = if pending.is_down() { self.holds_down() || !self.data_is_fresh() } else { self.holds_up() };
        if pending.retry_is_due(self.now_ms) && !forbidden {
            self.resend();
        }
    }

    /// The same order, the same id, one attempt more.
    pub(super) fn resend(&mut self) {
        let now_ms = self.now_ms;
        let Some(pending) = &mut self.service.pending else { return };
        pending.order.attempt = pending.order.attempt.saturating_add(1);
        pending.phase = Phase::Sent;
        pending.sent_ms = now_ms;
        let order = pending.order.clone();
        self.journal(Entry::OrderRetried(order.clone()));
        self.out.push(Command::Scale(order));
    }

    /// Ends the order under way without a successor: a person wants it stopped, or it isn't needed any more.
    pub(super) fn cancel(&mut self) {
        self.service.close(OrderOutcome::Cancelled, self.now_ms, &mut self.out);
    }

    fn tell_about_data(&mut self, decision: &Decision) {
        let fresh = self.data_is_fresh();
        let alarms = &mut self.service.alarms;
        alarms.data_seen |= fresh;
        if !alarms.data_seen || alarms.data_lost != fresh {
            return;
        }
        alarms.data_lost = !fresh;
        let (code, text) = match fresh {
            true => (AlertCode::DataBack, "load and fleet are known again".to_owned()),
            false => (AlertCode::DataLost, decision.sentence.clone()),
        };
        self.out.push(Command::Alert { service: self.service.config.name.clone(), code, text });
    }

    /// `breach` = how many replicas would be needed beyond the maximum; `None` = not known now.
    fn tell_about_breach(&mut self, breach: Option<Option<u32>>, decision: &Decision) {
        let Some(breach) = breach else { return };
        let (max, service) = (self.service.config.in_force(self.now_ms).rails.max, self.service.config.name.clone());
        match (breach, self.service.alarms.breach) {
            (Some(needed), false) => {
                let check = decision.check.as_ref().map_or(String::new(), |check| format!(" for {} rps", text::number(check.load_rps)));
                let text = format!("{} are needed{check}, and the maximum is {max}", text::replicas(needed));
                self.out.push(Command::Alert { service, code: AlertCode::Breach, text });
            }
            (None, true) => {
                let text = format!("the maximum of {} suffices again", text::replicas(max));
                self.out.push(Command::Alert { service, code: AlertCode::BreachOver, text });
            }
            _ => {}
        }
        self.service.alarms.breach = breach.is_some();
    }
}
