//! Active health: when to probe whom, and what the answers mean.

use super::Pool;
use crate::backend::BackendId;
use crate::time::Nanos;

impl Pool {
    /// Whom to probe now. Each is named once per interval; also gives up probes that had no answer in time. Draining backends aren't probed.
    pub fn probes_due(&mut self, now: Nanos) -> Vec<BackendId> {
        let Some(active) = self.config.active else { return Vec::new() };
        let mut due = Vec::new();
        for at in 0..self.members.len() {
            let change = self.members[at].active.expire(&active, now);
            self.follow(at, change, now);
            let member = &mut self.members[at];
            if !member.draining() && member.active.send(&active, now) {
                due.push(self.ids[at]);
            }
        }
        due
    }

    /// When [`probes_due`](Pool::probes_due) next has something to do; `None` without active health or backends. For callers that sleep
    /// until then.
    pub fn next_probe(&self) -> Option<Nanos> {
        let active = self.config.active?;
        self.members.iter().filter(|member| !member.draining()).map(|member| member.active.due(&active)).min()
    }

    /// A probe's answer: true if the backend is well. An answer when no probe is out (repeated, or after its time-out) changes nothing. As
    /// answers carry no mark, the caller must itself stop waiting after the time-out: a later one would pass as the next probe's.
    pub fn probe_result(&mut self, id: BackendId, now: Nanos, ok: bool) {
        let (Some(active), Some(at)) = (self.config.active, self.index.get(id)) else { return };
        let change = self.members[at].active.result(&active, ok);
        self.follow(at, change, now);
    }
}
