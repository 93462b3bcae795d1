//! What breaks: crashes, slowness, partitions, and replicas that run out of memory.

use balancer::OutcomeKind;

use super::{Phase, World};
use crate::autoscale::ReplicaState;
use crate::event::Kind;
use crate::run::SimError;
use crate::scenario::FaultKind;
use crate::station::Station;
use crate::tally::{Loss, after_cut};

impl World<'_> {
    pub(super) fn schedule_faults(&mut self) {
        for (i, fault) in (0_u32..).zip(&self.scenario.faults) {
            self.agenda.schedule(fault.at.0, Kind::Fault, 2 * i);
        }
    }

    /// A fault begins or ends.
    pub(super) fn fault(&mut self, index: u32) -> Result<(), SimError> {
        let place = (index / 2) as usize;
        let fault = &self.scenario.faults[place];
        let over = fault.at.0.saturating_add(fault.lasts.0);
        if index % 2 == 1 {
            let struck = std::mem::take(&mut self.struck[place]);
            self.note_fault(place, false, struck.len());
            for at in struck {
                let replica = &mut self.replicas[at as usize];
                match fault.kind {
                    FaultKind::Slow { factor } => replica.slow /= factor,
                    FaultKind::Partition => replica.cut_off -= 1,
                    FaultKind::Crash | FaultKind::Flapping { .. } | FaultKind::Store => {}
                }
                self.offer(at);
            }
            return Ok(());
        }
        let there =
            (0_u32..).zip(&self.replicas).filter(|(_, replica)| fault.pools.contains(&(replica.pool as usize)) && replica.state.is_some());
        let most = fault.replicas.map_or(usize::MAX, |most| most as usize);
        let struck: Vec<u32> = there.map(|(at, _)| at).take(most).collect();
        self.note_fault(place, true, struck.len());
        if fault.kind == FaultKind::Store {
            self.lose_store(over);
        }
        for at in &struck {
            let replica = &mut self.replicas[*at as usize];
            match fault.kind {
                FaultKind::Slow { factor } => replica.slow *= factor,
                FaultKind::Store => {}
                FaultKind::Partition => replica.cut_off += 1,
                FaultKind::Crash => self.crash(*at, over, "fault")?,
                FaultKind::Flapping { period } => self.crash(*at, over.min(self.now.saturating_add(period.0 / 2)), "fault")?,
            }
        }
        match fault.kind {
            FaultKind::Crash => {}
            FaultKind::Flapping { period } => {
                let next = self.now.saturating_add(period.0);
                if next < over {
                    self.agenda.schedule(next, Kind::Fault, index);
                }
            }
            FaultKind::Slow { .. } | FaultKind::Partition | FaultKind::Store => {
                self.struck[place] = struck;
                self.agenda.schedule(over, Kind::Fault, index + 1);
            }
        }
        Ok(())
    }

    /// A replica has more requests than its memory holds, if it still has.
    pub(super) fn kill(&mut self, at: u32) -> Result<(), SimError> {
        let replica = &self.replicas[at as usize];
        let restart = self.specs[replica.pool as usize].memory.map_or(0, |memory| memory.restart.0);
        if replica.serves() && replica.bursts() { self.crash(at, self.now.saturating_add(restart), "out of memory") } else { Ok(()) }
    }

    /// A replica dies with all that it has, and is back at a time.
    fn crash(&mut self, at: u32, until: u64, why: &str) -> Result<(), SimError> {
        let spec = self.specs[self.replicas[at as usize].pool as usize];
        self.advance(at);
        let replica = &mut self.replicas[at as usize];
        if !replica.serves() {
            // Who boots or is dead already stays so for longer, if the fault says so.
            if replica.down_until > 0 && until > replica.down_until {
                replica.down_until = until;
                self.agenda.schedule(until, Kind::Restarted, at);
            }
            return Ok(());
        }
        let draining = replica.state == Some(ReplicaState::Draining);
        let was = if draining { "draining" } else { "ready" };
        replica.crashes += 1;
        replica.state = Some(ReplicaState::Booting);
        (replica.since, replica.down_until) = (self.now, until.max(1));
        (replica.in_flight, replica.station) = (0, Station::new(spec));
        self.note_replica(at, Some(was), if draining { "left" } else { "dead" }, why);
        self.advance(at);
        self.cut_wires(at);
        let has = |request: &super::Request| {
            let here = matches!(request.phase, Phase::Waiting | Phase::InService | Phase::Limbo) && request.replica == at;
            let calls = || request.journey.iter().flat_map(|journey| &journey.parents).any(|parent| parent.replica == at);
            here || (request.phase != Phase::Free && calls())
        };
        let lost: Vec<u32> = (0_u32..).zip(&self.requests).filter(|(_, request)| has(request)).map(|(slot, _)| slot).collect();
        for slot in lost {
            self.give_up(slot, OutcomeKind::ServerError, Loss::Failed)?;
        }
        if draining {
            self.replicas[at as usize].leave(self.now);
        } else {
            self.agenda.schedule(until, Kind::Restarted, at);
        }
        Ok(())
    }

    /// A replica is back, unless something else keeps it down for longer. Nobody has to tell the balancer: it finds out as it found out
    /// that the replica was gone.
    pub(super) fn restarted(&mut self, at: u32) {
        let replica = &mut self.replicas[at as usize];
        if replica.state != Some(ReplicaState::Booting) || replica.down_until == 0 || self.now < replica.down_until {
            return;
        }
        replica.down += after_cut(self.cut, replica.since, self.now);
        replica.down_until = 0;
        replica.state = Some(ReplicaState::Ready);
        replica.since = self.now;
        self.note_replica(at, Some("dead"), "ready", "restarted");
        self.offer(at);
        self.schedule_probes();
    }
}
