//! One who watches.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, watch};

use super::Feed;
use super::feed::Tip;

/// A place in a [`Feed`]; it is free again when this is dropped.
pub struct Subscription {
    feed: Arc<Feed>,
    /// The last event that was sent; `None` = it needs everything.
    seen: Option<u64>,
    tip: watch::Receiver<Tip>,
    _place: OwnedSemaphorePermit,
}

impl Subscription {
    pub(super) fn new(feed: Arc<Feed>, seen: Option<u64>, tip: watch::Receiver<Tip>, place: OwnedSemaphorePermit) -> Self {
        Self { feed, seen, tip, _place: place }
    }

    /// What to send next, as soon as there is something; `None` when the feed is closed.
    pub async fn next(&mut self) -> Option<Bytes> {
        loop {
            // Marked as seen before looking: what is published in between wakes us again.
            if self.tip.borrow_and_update().closed {
                return None;
            }
            if let Some((seq, frame)) = self.feed.after(self.seen) {
                self.seen = Some(seq);
                return Some(frame);
            }
            match tokio::time::timeout(self.feed.beat_every(), self.tip.changed()).await {
                Ok(Ok(())) => {}
                // The sender lives in the feed, which we hold.
                Ok(Err(_)) => return None,
                Err(_) => return Some(self.feed.beat()),
            }
        }
    }
}
