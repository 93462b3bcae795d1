//! A release under way: what is held on behalf of a service (the floor of somebody else's autoscaler) is being given up.
//!
//! Like an order, it has an id, is written down before it is executed, and is sent until it is answered for good; unlike an order it has no
//! target, and a newer order replaces it.
//!
//! A service may be taken out of the configuration, or told to act elsewhere, while something is held for it. What it leaves behind is a
//! [`Leftover`]: its release goes on without it, until it is done or somebody acts there again.

use serde::{Deserialize, Serialize};

use crate::command::OrderId;
use crate::order::{ANSWER_MS, backoff_ms};

/// A release that isn't answered for good.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Releasing {
    /// The same on every attempt.
    pub id: OrderId,
    /// 1 for the first attempt.
    pub attempt: u32,
    /// When it is sent (again) if nothing is heard until then.
    pub next_attempt_ms: i64,
}

/// What a service left behind where nobody acts any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leftover {
    /// Whose it was.
    pub service: String,
    /// Where: the service's [`crate::ServiceConfig::holds_at`] then.
    pub at: String,
    /// How it is given up.
    pub release: Releasing,
}

/// So many attempts in vain are worth telling a person.
const TELL_AFTER: u32 = 3;

impl Releasing {
    /// To be sent for the first time now.
    pub fn new(id: OrderId, now_ms: i64) -> Releasing {
        Releasing { id, attempt: 0, next_attempt_ms: now_ms }
    }

    /// Counts an attempt that begins now.
    pub fn begin(&mut self, now_ms: i64) {
        self.attempt = self.attempt.saturating_add(1);
        self.next_attempt_ms = now_ms.saturating_add(ANSWER_MS);
    }

    /// An attempt failed: the next one is put off, if there is to be one. Returns what a person should be told.
    pub fn failed(&mut self, now_ms: i64, error: &str, retry: bool, retry_after_ms: Option<i64>) -> Option<String> {
        if !retry {
            return Some(format!("the release failed for good, so a floor may be left behind: {error}"));
        }
        self.next_attempt_ms = now_ms.saturating_add(backoff_ms(self.id, self.attempt, retry_after_ms));
        (self.attempt == TELL_AFTER).then(|| format!("the release failed {TELL_AFTER} times, and is tried again: {error}"))
    }

    /// The clock was set back: the next attempt is never further away than from now on.
    pub fn clamp(&mut self, now_ms: i64) {
        self.next_attempt_ms = self.next_attempt_ms.min(now_ms.saturating_add(ANSWER_MS));
    }
}
