//! What is written down while a run is recorded; nothing of it changes the run. Texts are made only when somebody records.

use balancer::{BackendId, BackendView, OutcomeKind, WeightSnapshot};

use super::{Nanos, Request, World};
use crate::scenario::{Fault, FaultKind, Scenario};
use crate::trace::{DecisionKind, DecisionRow, RequestOutcome, RequestRow};

/// The row of a request whose end is still to be told.
fn row(request: &Request, backend: Option<u32>, outcome: RequestOutcome) -> RequestRow {
    RequestRow {
        number: request.number,
        arrived: Nanos(request.arrived),
        counted: false,
        class: request.class,
        home: request.home,
        region: request.region,
        backend,
        attempts: request.attempts,
        user_retries: request.tries,
        started: None,
        served: None,
        ended: None,
        outcome,
    }
}

impl World<'_> {
    /// A request has its answer, which is with its user at `ended`.
    #[inline]
    pub(super) fn note_served(&mut self, slot: u32, ended: u64) {
        let Some(recorder) = &mut self.recorder else { return };
        let request = &self.requests[slot as usize];
        if recorder.wants(request.number) {
            let (started, served, ended) = (Some(Nanos(request.started)), Some(Nanos(self.now)), Some(Nanos(ended)));
            let row = row(request, Some(request.replica + 1), RequestOutcome::Served);
            recorder.request(RequestRow { started, served, ended, ..row });
        }
    }

    /// A request is lost; `backend` is where it was sent last.
    pub(super) fn note_lost(&mut self, request: &Request, backend: Option<BackendId>, outcome: RequestOutcome) {
        let Some(recorder) = &mut self.recorder else { return };
        if recorder.wants(request.number) {
            let ended = Some(Nanos(self.now));
            recorder.request(RequestRow { ended, ..row(request, backend.map(|id| id.0), outcome) });
        }
    }

    /// Who is still there at the end.
    pub(super) fn note_in_flight(&mut self, slot: usize) {
        let Some(recorder) = &mut self.recorder else { return };
        let request = &self.requests[slot];
        if recorder.wants(request.number) {
            let caller = request.journey.as_ref().and_then(|journey| journey.parents.first()).map(|visit| visit.replica);
            let at = caller.or((request.replica != u32::MAX).then_some(request.replica));
            recorder.request(row(request, at.map(|at| at + 1), RequestOutcome::InFlight));
        }
    }

    /// An attempt has ended at a replica: does the balancer think otherwise of it now?
    #[inline]
    pub(super) fn note_health(&mut self, at: u32, region: u8, kind: OutcomeKind) {
        if self.recorder.is_some() {
            self.note_belief(at, region, reason_of(kind));
        }
    }

    /// `region` is that of the balancer.
    #[cold]
    pub(super) fn note_belief(&mut self, at: u32, region: u8, reason: &str) {
        if !self.recorder.as_ref().is_some_and(|recorder| recorder.doubts()) {
            return;
        }
        let now = self.now();
        let state = self.fronts.get_mut(usize::from(region)).and_then(|front| front.state(BackendId(at + 1), now));
        // Where several balancers have a replica, each has a belief of its own.
        let shared = self.scenario.network.as_ref().filter(|_| !self.detours.is_empty());
        let whose = shared.map(|network| format!("{reason}, at the balancer of {}", network.regions[usize::from(region)].name));
        if let (Some(state), Some(recorder)) = (state, &mut self.recorder) {
            let believer = if shared.is_some() { usize::from(region) } else { 0 };
            recorder.believes(now, (at, believer), state, whose.as_deref().unwrap_or(reason));
        }
    }

    /// A replica goes on in its life.
    pub(super) fn note_replica(&mut self, at: u32, from: Option<&str>, to: &str, reason: &str) {
        self.note(DecisionKind::Replica, Some(at), || (from.map(str::to_owned), to.to_owned(), Some(reason.to_owned())));
    }

    /// The autoscaler was asked: the replicas that it saw, and those that it wants.
    pub(super) fn note_decision(&mut self, saw: u32, wants: Option<u32>) {
        if self.recorder.is_none() {
            return;
        }
        let reason = self.autoscaler.reason();
        self.note(DecisionKind::Autoscaler, None, || (Some(saw.to_string()), wants.unwrap_or(saw).to_string(), reason));
    }

    /// The members of the balancer, if somebody wants to know what changes.
    pub(super) fn weights_before(&self) -> Vec<BackendView> {
        if self.recorder.is_some() { self.fronts[0].view(self.now()) } else { Vec::new() }
    }

    /// A snapshot of weights is in force.
    pub(super) fn note_weights(&mut self, before: &[BackendView], snapshot: &WeightSnapshot) {
        if self.recorder.is_none() {
            return;
        }
        let reason = || Some(format!("snapshot {}", snapshot.epoch));
        for line in &snapshot.weights {
            let known = before.iter().find(|view| view.id == line.id).map(|view| view.weight);
            if known != Some(line.weight) {
                let weights = || (known.map(|weight| weight.to_string()), line.weight.to_string(), reason());
                self.note(DecisionKind::Weight, Some(line.id.0.wrapping_sub(1)), weights);
            }
        }
        for view in before.iter().filter(|view| snapshot.weights.iter().all(|line| line.id != view.id)) {
            self.note(DecisionKind::Weight, Some(view.id.0 - 1), || (Some(view.weight.to_string()), "not listed".to_owned(), reason()));
        }
    }

    /// A fault begins or ends.
    pub(super) fn note_fault(&mut self, place: usize, begins: bool, struck: usize) {
        let (scenario, faults) = (self.scenario, &self.scenario.faults);
        let words = if begins { ("well", "broken") } else { ("broken", "well") };
        self.note(DecisionKind::Fault, None, || {
            let reason = faults.get(place).map(|fault| describe(scenario, fault, struck));
            (Some(words.0.to_owned()), words.1.to_owned(), reason)
        });
    }

    pub(super) fn note_region(&mut self, region: usize, well: bool) {
        let name = self.scenario.network.as_ref().and_then(|network| network.regions.get(region)).map(|region| region.name.clone());
        let word = |well: bool| if well { "well" } else { "lost" };
        self.note(DecisionKind::Region, None, || (Some(word(!well).to_owned()), word(well).to_owned(), name));
    }

    fn note(&mut self, kind: DecisionKind, at: Option<u32>, texts: impl FnOnce() -> (Option<String>, String, Option<String>)) {
        let now = Nanos(self.now);
        if let Some(recorder) = &mut self.recorder {
            let (from, to, reason) = texts();
            recorder.decision(DecisionRow { at: now, kind, backend: at.map(|at| at.wrapping_add(1)), from, to, reason });
        }
    }
}

fn reason_of(kind: OutcomeKind) -> &'static str {
    match kind {
        OutcomeKind::Success => "a request succeeded",
        OutcomeKind::ServerError => "a request failed",
        OutcomeKind::Overloaded => "a request was refused",
        OutcomeKind::Timeout => "a request timed out",
        OutcomeKind::ConnectFailed => "no connection",
        OutcomeKind::Cancelled => "a request was given up",
    }
}

fn describe(scenario: &Scenario, fault: &Fault, struck: usize) -> String {
    let kind = match fault.kind {
        FaultKind::Crash => "crash".to_owned(),
        FaultKind::Slow { factor } => format!("{factor} times slower"),
        FaultKind::Partition => "partition".to_owned(),
        FaultKind::Store => return "the store of sessions".to_owned(),
        FaultKind::Flapping { .. } => "flapping".to_owned(),
    };
    let pools = scenario.pools.iter().chain(scenario.dependencies.iter().map(|dependency| &dependency.pool));
    let names = pools.enumerate().filter(|(i, _)| fault.pools.contains(i)).map(|(_, pool)| pool.name.as_str());
    format!("{kind}: {struck} replicas of {}", names.collect::<Vec<_>>().join(", "))
}
