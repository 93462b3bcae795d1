//! The life of an order: sent, answered or not, tried again, seen in the fleet, or given up.

use serde::{Deserialize, Serialize};

use crate::command::{Order, OrderId};
use crate::state::FleetSeen;

/// The one order of a service that is not settled.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pending {
    /// With the number of the last attempt.
    pub order: Order,
    /// What is known of it.
    pub phase: Phase,
    /// When it was last sent.
    pub sent_ms: i64,
}

/// What is known of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// No answer yet: it may have happened or not.
    Sent,
    /// Executed; the fleet doesn't show it yet.
    Acknowledged {
        /// When.
        at_ms: i64,
    },
    /// Not executed, or nobody knows; the same order is tried again.
    Failed {
        /// When.
        next_attempt_ms: i64,
    },
}

/// After orders that failed for good: when the next different order may be issued.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backoff {
    /// How many in a row.
    pub failures: u32,
    /// Not before.
    pub until_ms: i64,
    /// What the last one said.
    pub error: String,
}

/// First delay of a retry; it doubles with each attempt.
const BASE_MS: i64 = 5_000;
/// Longest delay: after a long outage of the other side the loop is back within minutes.
const CAP_MS: i64 = 300_000;
/// A `retry_after` beyond this is not believed.
const RETRY_AFTER_CAP_MS: i64 = 3_600_000;
/// Without an answer for so long, the same order is sent again.
pub(crate) const ANSWER_MS: i64 = 30_000;
/// An acknowledged order that the fleet doesn't show for so long is given up.
pub(crate) const VISIBLE_MS: i64 = 180_000;

/// Exponential back-off with a jitter of ± 25 % that depends only on the order and the attempt, so that many services that failed together
/// don't come back together, and a replay is the same to the byte.
pub fn backoff_ms(order: OrderId, attempt: u32, retry_after_ms: Option<i64>) -> i64 {
    let doubled = BASE_MS << attempt.saturating_sub(1).min(10);
    let jitter = mix(order.0 ^ (u64::from(attempt) << 48)) % 501; // per mille
    let delay = doubled.min(CAP_MS) * (750 + jitter as i64) / 1000;
    delay.max(retry_after_ms.unwrap_or(0).clamp(0, RETRY_AFTER_CAP_MS))
}

/// SplitMix64's finaliser (Steele, Lea, Flood 2014).
fn mix(x: u64) -> u64 {
    let x = x.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}

impl Pending {
    /// Does an observation made after the order show its target? Then it is done, whatever became of the answer. More than was ordered on the
    /// way up is enough: a rolling update or somebody else's autoscaler has added to it.
    pub fn reached(&self, fleet: &FleetSeen) -> bool {
        let since = match self.phase {
            Phase::Acknowledged { at_ms } => at_ms.min(self.sent_ms),
            _ => self.sent_ms,
        };
        let counted = fleet.counted();
        let there = if self.is_down() { counted == self.order.target } else { counted >= self.order.target };
        fleet.at_ms > since && there
    }

    /// May a different order be issued? Not while the outcome is unknown and nobody has looked since.
    pub fn may_be_replaced(&self, fleet: Option<&FleetSeen>) -> bool {
        self.phase != Phase::Sent || fleet.is_some_and(|fleet| fleet.at_ms > self.sent_ms)
    }

    /// Is it time to send the same order again?
    pub fn retry_is_due(&self, now_ms: i64) -> bool {
        match self.phase {
            Phase::Sent => now_ms >= self.sent_ms.saturating_add(ANSWER_MS),
            Phase::Failed { next_attempt_ms } => now_ms >= next_attempt_ms,
            Phase::Acknowledged { .. } => false,
        }
    }

    /// Acknowledged, looked at since, and still not there?
    pub fn is_invisible(&self, fleet: Option<&FleetSeen>, now_ms: i64) -> bool {
        let Phase::Acknowledged { at_ms } = self.phase else { return false };
        now_ms >= at_ms.saturating_add(VISIBLE_MS) && fleet.is_some_and(|fleet| fleet.at_ms > at_ms)
    }

    /// Takes replicas away?
    pub fn is_down(&self) -> bool {
        self.order.target < self.order.from
    }

    /// The clock was set back: nothing lies in the future.
    pub fn clamp(&mut self, now_ms: i64) {
        self.sent_ms = self.sent_ms.min(now_ms);
        match &mut self.phase {
            Phase::Acknowledged { at_ms } => *at_ms = (*at_ms).min(now_ms),
            Phase::Failed { next_attempt_ms } => *next_attempt_ms = (*next_attempt_ms).min(now_ms.saturating_add(CAP_MS)),
            Phase::Sent => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_with_jitter_up_to_a_cap_and_honour_the_other_side() {
        let delays: Vec<i64> = (1..=9).map(|attempt| backoff_ms(OrderId(7), attempt, None)).collect();
        for (i, &delay) in delays.iter().enumerate() {
            let plain = (BASE_MS << i).min(CAP_MS);
            assert!((plain * 3 / 4..=plain * 5 / 4).contains(&delay), "attempt {}: {delay}", i + 1);
        }
        assert_eq!(delays, (1..=9).map(|attempt| backoff_ms(OrderId(7), attempt, None)).collect::<Vec<_>>());
        assert_ne!(backoff_ms(OrderId(7), 1, None), backoff_ms(OrderId(8), 1, None));
        assert_eq!(backoff_ms(OrderId(7), 1, Some(60_000)), 60_000);
        assert_eq!(backoff_ms(OrderId(7), 1, Some(i64::MAX)), RETRY_AFTER_CAP_MS);
        assert!(backoff_ms(OrderId(7), u32::MAX, Some(-5)) <= CAP_MS * 5 / 4);
    }
}
