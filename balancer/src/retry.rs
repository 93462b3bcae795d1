//! Retries that can do no harm: never a request that might be carried out twice, and never so many that they finish off a service that is
//! already struggling.

use crate::backend::{Outcome, OutcomeKind};
use crate::config::ConfigError;
use crate::time::Nanos;
use serde::{Deserialize, Serialize};

fn default_max_attempts() -> u32 {
    2
}
fn yes() -> bool {
    true
}

/// Which failures may be tried again, and how often. A failed connection always may.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RetryPolicy {
    /// Attempts per request in all, the first included; 1 = no retries.
    #[serde(default = "default_max_attempts")]
    pub max_attempts: u32,
    /// Whether a time-out may be tried again.
    #[serde(default = "yes")]
    pub timeouts: bool,
    /// Whether a 5xx may be tried again.
    #[serde(default = "yes")]
    pub server_errors: bool,
    /// Whether a request that was refused for lack of room (429, 503) may be tried again. Off unless asked for: where loads are balanced
    /// the others have no room either, and retries are more load.
    #[serde(default)]
    pub overloads: bool,
    /// How many retries all requests together may cause.
    #[serde(default)]
    pub budget: RetryBudgetConfig,
}

impl Default for RetryPolicy {
    fn default() -> RetryPolicy {
        RetryPolicy {
            max_attempts: default_max_attempts(),
            timeouts: true,
            server_errors: true,
            overloads: false,
            budget: RetryBudgetConfig::default(),
        }
    }
}

impl RetryPolicy {
    /// Says what is wrong, if anything.
    pub fn validate(&self) -> Result<(), ConfigError> {
        if self.max_attempts == 0 {
            return Err(ConfigError::new("retry.max_attempts", self.max_attempts, "1 or more (1 = no retries)"));
        }
        self.budget.validate()
    }
}

/// Whether a request whose attempt number `attempts` (the first is 1) ended with `outcome` may be sent to another backend.
///
/// Only failures (and refusals, if the policy says so) are tried again, and only if that can't carry the request out twice: its method is idempotent (RFC 9110, 9.2.2), or not a
/// byte of it was sent to the backend (`bytes_sent` false). The caller must have sent nothing of an answer to its client, exclude the
/// backends already tried ([`PickRequest::exclude`](crate::PickRequest::exclude)), and ask the [`RetryBudget`] last, for asking spends.
pub fn may_retry(method_idempotent: bool, bytes_sent: bool, outcome: &Outcome, attempts: u32, policy: &RetryPolicy) -> bool {
    let worth_it = match outcome.kind {
        OutcomeKind::ConnectFailed => true,
        OutcomeKind::Timeout => policy.timeouts,
        OutcomeKind::ServerError => policy.server_errors,
        OutcomeKind::Overloaded => policy.overloads,
        OutcomeKind::Success | OutcomeKind::Cancelled => false,
    };
    worth_it && attempts < policy.max_attempts && (method_idempotent || !bytes_sent)
}

fn default_ratio() -> f64 {
    0.2
}
fn default_min_per_second() -> u32 {
    10
}

/// How many retries are allowed (Finagle's defaults).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RetryBudgetConfig {
    /// Retries per request, 0 to 10: 0.2 lets the backends see at most 20 % more than was asked for.
    #[serde(default = "default_ratio")]
    pub ratio: f64,
    /// Retries per second that are allowed on top, so that a quiet service can retry at all.
    #[serde(default = "default_min_per_second")]
    pub min_per_second: u32,
}

impl Default for RetryBudgetConfig {
    fn default() -> RetryBudgetConfig {
        RetryBudgetConfig { ratio: default_ratio(), min_per_second: default_min_per_second() }
    }
}

impl RetryBudgetConfig {
    fn validate(&self) -> Result<(), ConfigError> {
        // Written so that NaN is refused as well.
        if !(0.0..=10.0).contains(&self.ratio) {
            return Err(ConfigError::new("retry.budget.ratio", self.ratio, "0 to 10"));
        }
        Ok(())
    }
}

/// Seconds that the budget looks back, as Finagle's.
const WINDOW_S: u64 = 10;

#[derive(Debug, Clone, Copy, Default)]
struct Second {
    /// Which second this slot counts; slots are used in a ring.
    second: u64,
    requests: u64,
    retries: u64,
}

/// Counts requests and retries over the last ten seconds and allows a retry while there are fewer of them than `ratio` of the requests
/// plus `min_per_second`. Exact counts instead of a token balance: what a quiet hour saved up can't be spent in one bad second.
///
/// Its clock is wall time.
#[derive(Debug, Clone)]
pub struct RetryBudget {
    config: RetryBudgetConfig,
    ring: [Second; WINDOW_S as usize],
}

impl RetryBudget {
    /// An unspent budget.
    pub fn try_new(config: RetryBudgetConfig) -> Result<RetryBudget, ConfigError> {
        config.validate()?;
        Ok(RetryBudget { config, ring: [Second::default(); WINDOW_S as usize] })
    }

    /// A new request (not a retry) came in.
    pub fn on_request(&mut self, now: Nanos) {
        self.slot(now).requests += 1;
    }

    /// Takes one retry from the budget; false if there is none left, and then the request must fail.
    pub fn try_spend(&mut self, now: Nanos) -> bool {
        let second = now.0 / 1_000_000_000;
        let fresh = self.ring.iter().filter(|slot| slot.second + WINDOW_S > second);
        let (requests, retries) = fresh.fold((0, 0), |(requests, retries), slot| (requests + slot.requests, retries + slot.retries));
        let allowed = requests as f64 * self.config.ratio + (u64::from(self.config.min_per_second) * WINDOW_S) as f64;
        // One more retry must fit as a whole.
        let affordable = (retries + 1) as f64 <= allowed;
        if affordable {
            self.slot(now).retries += 1;
        }
        affordable
    }

    fn slot(&mut self, now: Nanos) -> &mut Second {
        let second = now.0 / 1_000_000_000;
        let slot = &mut self.ring[(second % WINDOW_S) as usize];
        if slot.second != second {
            *slot = Second { second, ..Second::default() };
        }
        slot
    }
}
