//! The end of a run: who is still there, what each replica did.

use super::{NEVER, Phase, World};
use crate::fleet::BackendResult;
use crate::result::RunResult;
use crate::run::SimError;
use crate::scenario::{Horizon, Scenario};
use crate::station::Station;
use crate::tally::after_cut;
use crate::units::MINUTE;

impl World<'_> {
    /// Counts what is still there, and closes the books.
    pub(super) fn finish(mut self) -> Result<RunResult, SimError> {
        let end = self.end;
        if self.cut >= end {
            return Err(SimError::NothingLeft { warmup_s: crate::units::as_s(self.cut), end_s: crate::units::as_s(end) });
        }
        if self.scenario.timeline {
            self.end_minutes(end);
            if !end.is_multiple_of(MINUTE) {
                let (ready, booting) = self.fleet_now();
                self.tally.fleet(end / MINUTE, ready, booting);
            }
        }
        self.count_in_flight(end);
        let broker = self.broker.as_mut().map(|line| {
            line.count(self.cut, end);
            line.result
        });
        let connections = self.wires.as_ref().map(|wires| wires.opened);
        let (mut backends, mut dependencies) = (Vec::with_capacity(self.replicas.len()), Vec::new());
        for (id, replica) in (1_u32..).zip(&mut self.replicas) {
            let (from, busy) = replica.station.advance(end.max(replica.left_at.unwrap_or(end)));
            replica.busy += u128::from(after_cut(self.cut, from, end)) * u128::from(busy);
            if replica.down_until > 0 {
                replica.down += after_cut(self.cut, replica.since, end);
            }
            let concurrency = self.specs[replica.pool as usize].concurrency;
            let list = if (replica.pool as usize) < self.scenario.pools.len() { &mut backends } else { &mut dependencies };
            list.push(BackendResult::new(id, replica, concurrency, self.cut, end));
        }
        let result = RunResult::new(self.tally, self.cut, end, backends, self.scaling_actions);
        Ok(RunResult { dependencies, broker, connections, ..result })
    }

    /// Who is still there at the end, and the servers that they hold.
    fn count_in_flight(&mut self, end: u64) {
        for slot in 0..self.requests.len() {
            let request = &self.requests[slot];
            if !matches!(request.phase, Phase::Waiting | Phase::InService | Phase::Limbo | Phase::Away | Phase::Queued | Phase::AtDoor) {
                continue;
            }
            let front = request.journey.as_ref().and_then(|journey| journey.parents.first());
            let waited = match front {
                Some(front) => self.without_way(request, front.replica, front.started) > request.arrived,
                None => {
                    matches!(request.phase, Phase::Waiting | Phase::Queued | Phase::AtDoor)
                        || self.without_way(request, request.replica, request.started) > request.arrived
                }
            };
            self.tally.in_flight(request.arrived, waited, end);
            let current = (request.replica, request.started, request.phase == Phase::InService);
            let parents = request.journey.iter().flat_map(|journey| &journey.parents);
            for (at, started, holds) in parents.map(|parent| (parent.replica, parent.started, !parent.released)).chain([current]) {
                if holds && matches!(self.replicas[at as usize].station, Station::Fifo(_)) {
                    self.replicas[at as usize].busy += u128::from(after_cut(self.cut, started, end));
                }
            }
            self.note_in_flight(slot);
        }
    }
}

/// The end as far as it is known before the start: a run by number of requests ends with its last one, or with its series.
pub(crate) fn end_before_start(scenario: &Scenario) -> u64 {
    match (scenario.horizon, scenario.arrivals.ends()) {
        (Horizon::Duration(end), _) => end.0,
        (Horizon::Requests(_), Some(end)) => end,
        (Horizon::Requests(_), None) => NEVER - 1,
    }
}
