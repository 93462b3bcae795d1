//! The name of an event: `epoch-seq`.

use std::fmt;
use std::str::FromStr;

/// Which event of which process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventId {
    /// Another one after each start of the process: what was told before says nothing about now.
    pub epoch: u64,
    /// Counts up by one.
    pub seq: u64,
}

impl fmt::Display for EventId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:016x}-{}", self.epoch, self.seq)
    }
}

/// A text that no event is called.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not the id of an event, such as 00c0ffee00c0ffee-42")]
pub struct NoEventId(String);

impl FromStr for EventId {
    type Err = NoEventId;

    fn from_str(text: &str) -> Result<Self, NoEventId> {
        let parts = text.split_once('-').and_then(|(epoch, seq)| Some((u64::from_str_radix(epoch, 16).ok()?, seq.parse().ok()?)));
        parts.map(|(epoch, seq)| Self { epoch, seq }).ok_or_else(|| NoEventId(text.to_owned()))
    }
}
