//! What services leave behind: held where nobody acts any more, and given up from there.

use super::Turn;
use crate::command::{AlertCode, Command, Entry, OrderId, ReleaseOutcome};
use crate::config::{Mode, ServiceConfig};
use crate::release::{Leftover, Releasing};
use crate::state::State;

/// Takes what is held for services that go away, or act elsewhere from now on, out of their hands, and begins to give it up. Where somebody
/// acts again, under whatever name, nothing is given up: it is his now. To be called before `services` are taken over.
pub(super) fn leave(state: &mut State, services: &[ServiceConfig], who: &str, now_ms: i64) -> Vec<Command> {
    let acts = |at: &str, config: &ServiceConfig| config.holds_at.as_deref() == Some(at);
    let taken_over = |at: &str| services.iter().any(|config| acts(at, config) && config.mode >= Mode::Approve);
    let (again, left) = std::mem::take(&mut state.leftovers).into_iter().partition::<Vec<_>, _>(|leftover| taken_over(&leftover.at));
    state.leftovers = left;
    let mut out: Vec<Command> = again.into_iter().map(|leftover| ended(leftover, now_ms, ReleaseOutcome::Superseded)).collect();
    let stays = |name: &str, at: &str| services.iter().any(|config| config.name == name && acts(at, config));
    let names: Vec<String> = state.services.keys().cloned().collect();
    for name in names {
        let Some(mut turn) = Turn::of(state, &name, now_ms) else { continue };
        let Some(at) = turn.service.config.holds_at.clone().filter(|at| !stays(&name, at)) else { continue };
        let leftover = turn.leave(who, taken_over(&at), at);
        out.append(&mut turn.out);
        state.leftovers.extend(leftover);
    }
    out
}

/// Sends all of them again, or those whose time has come.
pub(super) fn send(state: &mut State, now_ms: i64, all: bool) -> Vec<Command> {
    let due = state.leftovers.iter_mut().filter(|leftover| all || now_ms >= leftover.release.next_attempt_ms);
    due.map(|leftover| leftover.send(now_ms)).collect()
}

/// What came of a release, if it is one of these: done, or the error, whether it may be repeated, and not before when.
pub(super) fn answered(state: &mut State, id: OrderId, answer: Result<(), (String, bool, Option<i64>)>, now_ms: i64) -> Vec<Command> {
    let Some(at) = state.leftovers.iter().position(|leftover| leftover.release.id == id) else { return Vec::new() };
    let Err((error, retry, retry_after_ms)) = answer else {
        return vec![ended(state.leftovers.remove(at), now_ms, ReleaseOutcome::Released)];
    };
    let leftover = &mut state.leftovers[at];
    let (service, text) = (leftover.service.clone(), leftover.release.failed(now_ms, &error, retry, retry_after_ms));
    let mut out = Vec::new();
    if !retry {
        out.push(ended(state.leftovers.remove(at), now_ms, ReleaseOutcome::Failed { error }));
    }
    out.extend(text.map(|text| Command::Alert { service, code: AlertCode::ReleaseFailed, text }));
    out
}

fn ended(leftover: Leftover, at_ms: i64, outcome: ReleaseOutcome) -> Command {
    Command::Journal(Entry::ReleaseEnded { id: leftover.release.id, service: leftover.service, at_ms, outcome })
}

impl Leftover {
    fn send(&mut self, now_ms: i64) -> Command {
        self.release.begin(now_ms);
        Command::Release { service: self.service.clone(), id: self.release.id, at: Some(self.at.clone()) }
    }
}

impl Turn<'_> {
    /// Leaves the place where the service has acted. What is known of it there (the fleet, an order under way) goes too, and so does a release
    /// under way, which goes on by itself; `None` if nothing can be held there, or it is another's now.
    fn leave(&mut self, who: &str, taken_over: bool, at: String) -> Option<Leftover> {
        let service = &mut *self.service;
        let held = service.mode >= Mode::Approve || service.floor.is_some() || service.pending.is_some() || service.release.is_some();
        (service.fleet, service.floor) = (None, None);
        self.cancel();
        self.service.desired = None;
        if taken_over {
            self.end_release(ReleaseOutcome::Superseded);
        }
        if taken_over || !held {
            return None;
        }
        let release = match self.service.release.take() {
            Some(release) => release,
            None => self.begin_release(who.to_owned()),
        };
        let mut leftover = Leftover { service: self.service.config.name.clone(), at, release };
        self.out.push(leftover.send(self.now_ms));
        Some(leftover)
    }

    /// Writes a release down; it is still to be sent.
    pub(super) fn begin_release(&mut self, who: String) -> Releasing {
        let (id, service) = (self.order_id(), self.service.config.name.clone());
        self.journal(Entry::ReleaseOrdered { id, service, at_ms: self.now_ms, who });
        Releasing::new(id, self.now_ms)
    }
}
