//! A token bucket: so many requests per second and a burst; the rest are told when to come again (429 with Retry-After).

use crate::config::ConfigError;
use crate::time::Nanos;
use serde::{Deserialize, Serialize};

/// More per second is no limit, and would leave less than a nanosecond per request.
const RATE_MAX: u64 = 100_000_000;

/// Requests per second and their burst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenBucketConfig {
    /// Requests per second in the long run, 1 to 100000000.
    pub rate: u64,
    /// Requests at once after a quiet time, 1 to 100000000; absent = a second's worth.
    #[serde(default)]
    pub burst: Option<u64>,
}

/// A token bucket in the form of the generic cell rate algorithm (ITU-T I.371): instead of a number of tokens that is topped up, it keeps
/// the time at which the bucket will be full again. Whole nanoseconds, so nothing is lost to rounding and no timer runs. Wall time.
///
/// ```
/// use balancer::{Nanos, TokenBucket, TokenBucketConfig};
/// let mut bucket = TokenBucket::try_new(TokenBucketConfig { rate: 2, burst: Some(1) })?;
/// assert_eq!(bucket.take(Nanos::ZERO), Ok(()));
/// assert_eq!(bucket.take(Nanos::ZERO), Err(Nanos::from_millis(500)));
/// # Ok::<(), balancer::ConfigError>(())
/// ```
#[derive(Debug, Clone)]
pub struct TokenBucket {
    rate: u64,
    burst: u64,
    /// When the bucket is full again, in units of 1 / rate of a nanosecond.
    full_at: u128,
}

impl TokenBucketConfig {
    /// Says what is wrong, if anything.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let allowed = 1..=RATE_MAX;
        if !allowed.contains(&self.rate) {
            return Err(ConfigError::new("rate_limit.rate", self.rate, format!("1 to {RATE_MAX}")));
        }
        match self.burst {
            Some(burst) if !allowed.contains(&burst) => Err(ConfigError::new("rate_limit.burst", burst, format!("1 to {RATE_MAX}"))),
            _ => Ok(()),
        }
    }
}

const SECOND: u128 = 1_000_000_000;

impl TokenBucket {
    /// A full bucket.
    pub fn try_new(config: TokenBucketConfig) -> Result<TokenBucket, ConfigError> {
        config.validate()?;
        Ok(TokenBucket { rate: config.rate, burst: config.burst.unwrap_or(config.rate), full_at: 0 })
    }

    /// Takes a token. If there is none: how long until there is one (the Retry-After, before rounding up to seconds).
    pub fn take(&mut self, now: Nanos) -> Result<(), Nanos> {
        // One token is a second of these units, as they are nanoseconds × rate.
        let now = u128::from(now.0) * u128::from(self.rate);
        let full_at = self.full_at.max(now) + SECOND;
        let allowed = now + SECOND * u128::from(self.burst);
        if full_at > allowed {
            // At most a second's worth: far below 2⁶⁴.
            return Err(Nanos((full_at - allowed).div_ceil(u128::from(self.rate)) as u64));
        }
        self.full_at = full_at;
        Ok(())
    }
}
