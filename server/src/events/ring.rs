//! The newest events, as many as fit.

use std::collections::VecDeque;

use bytes::Bytes;

/// What an event costs beside its bytes.
const OVERHEAD_BYTES: usize = 64;

/// Framed events with consecutive numbers; the oldest make room for new ones.
#[derive(Debug)]
pub struct Ring {
    frames: VecDeque<Bytes>,
    /// The number of the newest event; 0 = there was none yet.
    newest: u64,
    bytes: usize,
    bytes_max: usize,
}

impl Ring {
    /// An empty ring that holds about `bytes_max`.
    pub fn new(bytes_max: usize) -> Self {
        Self { frames: VecDeque::new(), newest: 0, bytes: 0, bytes_max }
    }

    /// The number of the newest event.
    pub fn newest(&self) -> u64 {
        self.newest
    }

    /// Adds the event with the next number.
    pub fn push(&mut self, frame: Bytes) {
        self.bytes += frame.len() + OVERHEAD_BYTES;
        self.frames.push_back(frame);
        self.newest += 1;
        while self.bytes > self.bytes_max
            && let Some(oldest) = self.frames.pop_front()
        {
            self.bytes -= oldest.len() + OVERHEAD_BYTES;
        }
    }

    /// The event with this number; `None` if it isn't here (any more).
    pub fn get(&self, seq: u64) -> Option<Bytes> {
        let behind = usize::try_from(self.newest.checked_sub(seq)?).ok()?;
        let at = self.frames.len().checked_sub(behind + 1)?;
        self.frames.get(at).cloned()
    }
}
