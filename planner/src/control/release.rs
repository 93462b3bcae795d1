//! Gives up what is held on behalf of a service, and tries again until that is done.

use super::Turn;
use crate::command::{AlertCode, Command, Entry, OrderId, ReleaseOutcome};

impl Turn<'_> {
    /// Writes a release down and sends it; one that is under way is sent again instead.
    pub(super) fn order_release(&mut self, who: String) {
        if self.service.release.is_none() {
            self.service.release = Some(self.begin_release(who));
        }
        self.send_release();
    }

    /// Sends the release under way (again).
    pub(super) fn send_release(&mut self) {
        let Some(release) = &mut self.service.release else { return };
        release.begin(self.now_ms);
        let id = release.id;
        self.out.push(Command::Release { service: self.service.config.name.clone(), id, at: None });
    }

    /// Sends it again when its time has come.
    pub(super) fn retry_release(&mut self) {
        if self.service.release.as_ref().is_some_and(|release| self.now_ms >= release.next_attempt_ms) {
            self.send_release();
        }
    }

    pub(super) fn released(&mut self, id: OrderId) {
        if self.service.release.as_ref().is_some_and(|release| release.id == id) {
            self.end_release(ReleaseOutcome::Released);
        }
    }

    pub(super) fn release_failed(&mut self, id: OrderId, error: String, retry: bool, retry_after_ms: Option<i64>) {
        let now_ms = self.now_ms;
        let Some(release) = self.service.release.as_mut().filter(|release| release.id == id) else { return };
        let text = release.failed(now_ms, &error, retry, retry_after_ms);
        if !retry {
            self.end_release(ReleaseOutcome::Failed { error });
        }
        if let Some(text) = text {
            self.out.push(Command::Alert { service: self.service.config.name.clone(), code: AlertCode::ReleaseFailed, text });
        }
    }

    /// Ends the release under way, if there is one, and writes down how.
    pub(super) fn end_release(&mut self, outcome: ReleaseOutcome) {
        if let Some(release) = self.service.release.take() {
            let service = self.service.config.name.clone();
            self.journal(Entry::ReleaseEnded { id: release.id, service, at_ms: self.now_ms, outcome });
        }
    }
}
