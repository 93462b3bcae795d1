//! What people do, and what a restart does.

use super::{Turn, leftover};
use crate::command::{Command, DecisionId, Entry};
use crate::config::{Capacity, Mode};
use crate::event::OperatorAction;
use crate::journal::Edit;
use crate::order::Phase;
use crate::rails;
use crate::state::{Rejected, State};
use crate::text;

pub(super) fn operate(state: &mut State, who: String, action: OperatorAction, now_ms: i64) -> Vec<Command> {
    match action {
        OperatorAction::SetMode { service, mode } => match Turn::of(state, &service, now_ms) {
            Some(turn) => turn.set_mode(who, mode),
            None => unknown("set the mode", &service),
        },
        OperatorAction::Pause { service, pause } => match slot(state, service.as_deref()) {
            Some(paused) => {
                let was = paused.replace(pause);
                vec![Command::Journal(Entry::Paused { service, at_ms: now_ms, who, was, pause })]
            }
            None => unknown("pause", &service.unwrap_or_default()),
        },
        OperatorAction::Resume { service } => match slot(state, service.as_deref()) {
            Some(paused) => match paused.take() {
                was @ Some(_) => vec![Command::Journal(Entry::Resumed { service, at_ms: now_ms, who, was })],
                None => Vec::new(),
            },
            None => unknown("resume", &service.unwrap_or_default()),
        },
        OperatorAction::Release { service } => match Turn::of(state, &service, now_ms) {
            Some(turn) => turn.release(who),
            None => unknown("release", &service),
        },
        OperatorAction::Approve { decision } => match proposer(state, decision) {
            Some(name) => Turn::of(state, &name, now_ms).map_or_else(Vec::new, |turn| turn.approve(decision, who, None)),
            None => not_waiting("approve", decision),
        },
        OperatorAction::Edit { decision, replicas, reason } => match proposer(state, decision) {
            Some(name) => {
                Turn::of(state, &name, now_ms).map_or_else(Vec::new, |turn| turn.approve(decision, who, Some((replicas, reason))))
            }
            None => not_waiting("edit", decision),
        },
        OperatorAction::Reject { decision, reason } => match proposer(state, decision) {
            Some(name) => Turn::of(state, &name, now_ms).map_or_else(Vec::new, |turn| turn.reject(who, reason)),
            None => not_waiting("reject", decision),
        },
    }
}

/// Sends again what may have been lost: orders without an answer with the same id, the weights, the question for a forecast.
pub(super) fn restarted(state: &mut State, now_ms: i64) -> Vec<Command> {
    let names: Vec<String> = state.services.keys().cloned().collect();
    let mut out = Vec::new();
    for name in names {
        let Some(mut turn) = Turn::of(state, &name, now_ms) else { continue };
        let open = turn.service.pending.as_ref().filter(|pending| !matches!(pending.phase, Phase::Acknowledged { .. }));
        if let Some(pending) = open {
            let forbidden = if pending.is_down() { turn.holds_down() || !turn.data_is_fresh() } else { turn.holds_up() };
            if !forbidden {
                turn.resend();
            }
        }
        if turn.service.release.is_some() {
            turn.send_release();
        }
        turn.send_weights();
        (turn.service.forecast_asked_ms, turn.service.forecast_pending) = (Some(now_ms), true);
        turn.out.push(Command::RequestForecast { service: name, at_ms: now_ms });
        out.append(&mut turn.out);
    }
    out.extend(leftover::send(state, now_ms, true));
    out
}

impl Turn<'_> {
    pub(super) fn set_mode(mut self, who: String, mode: Mode) -> Vec<Command> {
        if mode > Mode::Observe && self.service.config.capacity == Capacity::Unknown {
            let reason = "nobody has said yet how much load a replica holds; give the service a capacity first".to_owned();
            return self.refuse(format!("set the mode {}", mode.name()), reason);
        }
        let from = self.service.mode;
        self.change_mode(who.clone(), mode);
        if mode < from && from >= Mode::Approve {
            self.let_go(who);
        }
        self.out
    }

    /// The mode and no more. Said again after a release, it is news.
    pub(super) fn change_mode(&mut self, who: String, mode: Mode) {
        let from = self.service.mode;
        if from == mode && !self.service.released {
            return;
        }
        if from == Mode::Observe && mode == Mode::Approve {
            // What was only observed was told to nobody, and nobody has approved it: what there is stays.
            self.service.told = self.service.current();
        }
        self.service.mode = mode;
        self.service.released = false;
        let service = self.service.config.name.clone();
        self.journal(Entry::ModeChanged { service, at_ms: self.now_ms, who, from, to: mode });
        self.withdraw("the mode changed");
    }

    /// Also in a mode that doesn't act: what is held may be left from before, or a first release may have failed.
    fn release(mut self, who: String) -> Vec<Command> {
        if self.service.mode >= Mode::Approve {
            self.change_mode(who.clone(), Mode::Recommend);
        }
        self.let_go(who);
        self.service.released = true;
        self.out
    }

    /// Nothing is sent again from here on, what the fleet loses is its owner's business, and what is held for it is given up.
    fn let_go(&mut self, who: String) {
        if self.service.pending.as_ref().is_some_and(|pending| !matches!(pending.phase, Phase::Acknowledged { .. })) {
            self.cancel();
        }
        (self.service.desired, self.service.floor) = (None, None);
        self.order_release(who);
    }

    /// Acts on a proposal; with `instead`, on another number of replicas that a person gave a reason for.
    fn approve(mut self, id: DecisionId, who: String, instead: Option<(u32, String)>) -> Vec<Command> {
        let what = format!("{} decision {}", if instead.is_some() { "edit" } else { "approve" }, id.0);
        let Some(proposal) = self.service.proposal.clone() else { return self.out };
        let (Some(from), Some(proposed)) = (proposal.current, proposal.target) else { return self.out };
        let target = instead.as_ref().map_or(proposed, |(replicas, _)| *replicas);
        if let Some(expires) = proposal.expires_ms.filter(|&expires| self.now_ms >= expires) {
            self.withdraw("nobody approved it in time");
            return self.refuse(what, format!("it expired at {} UTC", text::clock(expires)));
        }
        if self.service.current() != Some(from) {
            self.withdraw("the fleet has changed since");
            let now = self.service.current().map_or_else(|| "now they can't be seen".to_owned(), |now| format!("now there are {now}"));
            return self.refuse(what, format!("it was made for {}, and {now}", text::replicas(from)));
        }
        if target == from {
            return self.refuse(what, format!("there are {} already; reject the proposal to keep them", text::replicas(from)));
        }
        if !self.data_is_fresh() {
            return self.refuse(what, "load or fleet are unknown now".to_owned());
        }
        if (target > from && self.holds_up()) || (target < from && self.holds_down()) {
            return self.refuse(what, "the service is paused".to_owned());
        }
        if self.service.pending.is_some() {
            return self.refuse(what, "another order is under way".to_owned());
        }
        let allowed = rails::apply(&self.service.config.in_force(self.now_ms), from, target, &self.service.changes, self.now_ms).target;
        if allowed != target {
            return self.refuse(what, format!("the rails allow {allowed} now, not {target}"));
        }
        let service = self.service.config.name.clone();
        let edit = instead.map(|(replicas, reason)| Edit { proposed, replicas, reason });
        self.journal(Entry::Approved { decision: id, service, at_ms: self.now_ms, who, edit });
        self.issue(id, from, target);
        self.out
    }

    fn reject(mut self, who: String, reason: String) -> Vec<Command> {
        let Some(proposal) = self.service.proposal.take() else { return self.out };
        if let (Some(current), Some(target)) = (proposal.current, proposal.target) {
            let until_ms = self.now_ms.saturating_add(self.service.config.approval_ttl_ms);
            self.service.rejected = Some(Rejected { current, target, until_ms });
        }
        self.journal(Entry::Rejected { decision: proposal.id, service: proposal.service, at_ms: self.now_ms, who, reason });
        self.out
    }

    fn refuse(mut self, what: String, reason: String) -> Vec<Command> {
        self.out.push(Command::Refused { what, reason });
        self.out
    }
}

/// Where the pause of a service, or of all, is kept.
fn slot<'a>(state: &'a mut State, service: Option<&str>) -> Option<&'a mut Option<crate::Pause>> {
    match service {
        None => Some(&mut state.paused),
        Some(name) => state.services.get_mut(name).map(|service| &mut service.paused),
    }
}

fn proposer(state: &State, id: DecisionId) -> Option<String> {
    let proposes = |service: &&crate::ServiceState| service.proposal.as_ref().is_some_and(|proposal| proposal.id == id);
    state.services.values().find(proposes).map(|service| service.config.name.clone())
}

fn unknown(what: &str, service: &str) -> Vec<Command> {
    vec![Command::Refused { what: what.to_owned(), reason: format!("there is no service {service:?}") }]
}

fn not_waiting(what: &str, id: DecisionId) -> Vec<Command> {
    let reason = "no such proposal waits: it expired, was replaced, answered, or never made".to_owned();
    vec![Command::Refused { what: format!("{what} decision {}", id.0), reason }]
}
