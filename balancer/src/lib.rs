//! Which backend gets this request, and is it healthy, warming, draining? Pure.
//!
//! A [`Pool`] holds the backends of one service and picks one per request. The simulator and the live proxy call this same code, so that
//! what is proven in a simulation is what runs. The caller sends the request and says what became of it:
//!
//! ```
//! use balancer::{Algorithm, BackendConfig, Nanos, Outcome, OutcomeKind, PickRequest, Pool, PoolConfig};
//! use rand_pcg::{Pcg64Mcg, rand_core::SeedableRng};
//!
//! let backends = vec![BackendConfig::new(1, 5), BackendConfig::new(2, 1), BackendConfig::new(3, 1)];
//! let mut pool = Pool::try_new(PoolConfig::new(Algorithm::WeightedRoundRobin, backends))?;
//! let mut rng = Pcg64Mcg::seed_from_u64(7);
//! let mut picks = Vec::new();
//! for second in 0..7 {
//!     let now = Nanos::from_secs(second);
//!     let id = pool.pick(now, &PickRequest::default(), &mut rng).expect("a backend with weight, and nothing failed");
//!     pool.begin(id, now);
//!     pool.finish(id, now, &Outcome::new(OutcomeKind::Success, Nanos::from_millis(20)));
//!     picks.push(id.0);
//! }
//! assert_eq!(picks, [1, 1, 2, 1, 3, 1, 1]);
//! # Ok::<(), balancer::ConfigError>(())
//! ```
//!
//! What it promises: weight 0 is never picked, nor a draining or an excluded backend, not even on a retry or in panic; while any backend
//! is usable (weight above 0, not draining) and the panic threshold isn't switched off, a pick succeeds; "nobody" is a [`NoBackend`] with
//! its reason, never a panic; a change of weight keeps health, in-flight counts, drain and slow start; a lower epoch changes nothing;
//! the same calls with the same seed give the same picks.
//!
//! What it refuses to do: look at a clock, draw random numbers of its own, open sockets, spawn anything, or know HTTP. It keeps no
//! addresses either: a backend is an id here.
//!
//! There are two clocks, and the caller keeps them apart: `now` of pools (health timers, slow start) is the caller's domain clock, which a
//! demo may speed up; latencies in an [`Outcome`] and the clock of a [`RetryBudget`] are wall time.

mod algorithm;
mod backend;
mod config;
mod distance;
mod hash;
mod health;
mod latency;
mod limit;
mod pool;
mod retry;
mod route;
mod session;
mod time;
mod tuning;
mod warmup;

pub use algorithm::Algorithm;
pub use backend::{BackendConfig, BackendId, BackendState, BackendView, Outcome, OutcomeKind, Place, WEIGHT_MAX};
pub use config::{ConfigError, PoolConfig};
pub use distance::{Site, levels_by_distance};
pub use hash::{hash_client, hash_key};
pub use health::{ActiveHealth, PassiveHealth};
pub use latency::LatencyEjection;
pub use limit::{
    AdmissionQueue, Admitted, ConcurrencyConfig, ConcurrencyLimit, GradientConfig, QueueConfig, QueueFull, TokenBucket, TokenBucketConfig,
};
pub use pool::{Applied, BackendWeight, ChangeError, NoBackend, PickRequest, Pool, ProbeAnswer, ProbeTarget, WeightSnapshot};
pub use retry::{RetryBudget, RetryBudgetConfig, RetryPolicy, may_retry};
pub use route::{Action, Facts, HeaderMatch, Rule, Rules};
pub use session::SessionTable;
pub use time::{Nanos, span};
pub use tuning::{EwmaRules, HashRules, LevelRules, PrequalRules, Split};
pub use warmup::{RampShape, SlowStart};
