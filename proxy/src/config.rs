//! What the proxy is told once, checked once.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use balancer::{Nanos, PoolConfig, RetryPolicy};

use crate::error::InvalidConfig;
use crate::network::Network;
use crate::traffic::Traffic;
use crate::weights::Backend;

/// The caller's domain clock: monotonic, origin arbitrary. Health timers and slow start live in it; latency and time-outs are wall time.
pub type DomainClock = Arc<dyn Fn() -> Nanos + Send + Sync>;

/// A proxy in front of one service.
#[derive(Clone)]
pub struct ProxyConfig {
    /// The data port. Port 0 takes a free one; [`ProxyHandle::data_addr`](crate::ProxyHandle::data_addr) says which.
    pub listen: SocketAddr,
    /// The port of the weights API and `/metrics`; `None` = neither. Never the data port.
    pub admin_listen: Option<SocketAddr>,
    /// The bearer token of the admin port. At least 16 characters when there is one.
    pub admin_token: String,
    /// The balancer's rules. Its `backends` must be empty: a backend needs an address, so they are listed in `backends` here.
    pub pool: PoolConfig,
    /// The backends at the start. More, and changes, come as [`WeightUpdate`](crate::WeightUpdate)s.
    pub backends: Vec<Backend>,
    /// Limits, stickiness and rules in front of the pool.
    pub traffic: Traffic,
    /// How big and how slow things may be.
    pub limits: Limits,
    /// Which failures may be tried again, and how often.
    pub retry: RetryPolicy,
    /// The path that active probes ask for; any 2xx or 3xx answer is well. Used only with `pool.active`.
    pub probe_path: String,
    /// Peers whose `X-Forwarded-*` and `Forwarded` headers are believed and carried on. From everybody else they are replaced.
    pub trusted: Vec<Network>,
    /// The domain clock.
    pub clock: DomainClock,
    /// Domain seconds per wall second: how long the wall waits for a health timer.
    pub speed: f64,
    /// Seeds the picks of the random algorithms.
    pub seed: u64,
}

impl fmt::Debug for ProxyConfig {
    /// Without the token and the clock.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProxyConfig")
            .field("listen", &self.listen)
            .field("admin_listen", &self.admin_listen)
            .field("pool", &self.pool)
            .field("backends", &self.backends)
            .field("traffic", &self.traffic)
            .field("limits", &self.limits)
            .field("retry", &self.retry)
            .field("speed", &self.speed)
            .finish_non_exhaustive()
    }
}

impl ProxyConfig {
    /// A proxy on this address with default rules, no backend, no admin port, and a clock that runs with the wall.
    #[must_use]
    pub fn new(listen: SocketAddr) -> Self {
        let started = Instant::now();
        Self {
            listen,
            admin_listen: None,
            admin_token: String::new(),
            pool: PoolConfig::default(),
            backends: Vec::new(),
            traffic: Traffic::default(),
            limits: Limits::default(),
            retry: RetryPolicy::default(),
            probe_path: "/healthz".to_owned(),
            trusted: Vec::new(),
            clock: Arc::new(move || Nanos(u64::try_from(started.elapsed().as_nanos()).unwrap_or(u64::MAX))),
            speed: 1.0,
            seed: 0,
        }
    }

    pub(crate) fn validate(&self) -> Result<(), InvalidConfig> {
        if !self.pool.backends.is_empty() {
            let count = self.pool.backends.len();
            return Err(InvalidConfig::new("pool.backends", format!("{count} backends"), "none: list them in `backends`, with addresses"));
        }
        if self.admin_listen.is_some() && self.admin_token.len() < 16 {
            let length = format!("{} characters", self.admin_token.len());
            return Err(InvalidConfig::new("admin_token", length, "16 characters or more, with an admin port"));
        }
        if self.admin_listen == Some(self.listen) && self.listen.port() != 0 {
            return Err(InvalidConfig::new("admin_listen", self.listen, "an address of its own, not the data port's"));
        }
        // Written so that NaN is refused as well.
        if !(self.speed > 0.0 && self.speed.is_finite()) {
            return Err(InvalidConfig::new("speed", self.speed, "a number above 0"));
        }
        if !self.probe_path.starts_with('/') || self.probe_path.bytes().any(|byte| !byte.is_ascii_graphic()) {
            return Err(InvalidConfig::new("probe_path", &self.probe_path, "a path such as /healthz"));
        }
        self.retry.validate()?;
        self.traffic.validate()?;
        self.limits.validate()
    }
}

/// How big and how slow things may be. All times are wall time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Connections at once; more wait in the operating system's queue.
    pub connections: usize,
    /// The request line and the headers together, in bytes (→ 431).
    pub head_bytes: usize,
    /// Headers of a request (→ 431). At most 100.
    pub headers: usize,
    /// The body of a request, in bytes (→ 413).
    pub body_bytes: u64,
    /// Bodies of idempotent requests up to this length are kept until the answer, so that the request can be tried again.
    pub replay_bytes: u64,
    /// From the first byte of a head to its last (→ 408).
    pub head_time: Duration,
    /// Without a byte moving, in the middle of a body or of an answer (→ 408, or the connection is closed).
    pub stall_time: Duration,
    /// A kept-alive client connection without a request; then it is closed.
    pub idle_time: Duration,
    /// From the request's head to the head of the answer, retries included (→ 504).
    pub request_time: Duration,
    /// To open a connection to a backend.
    pub connect_time: Duration,
    /// Idle connections kept per backend.
    pub upstream_idle: usize,
    /// How long an idle connection to a backend is kept. Keep it below the backends' own idle time-out.
    pub upstream_idle_time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 20_000,
            head_bytes: 32 * 1024,
            headers: 100,
            body_bytes: 16 * 1024 * 1024,
            replay_bytes: 16 * 1024,
            head_time: Duration::from_secs(10),
            stall_time: Duration::from_secs(30),
            idle_time: Duration::from_secs(75),
            request_time: Duration::from_secs(30),
            connect_time: Duration::from_secs(1),
            upstream_idle: 256,
            upstream_idle_time: Duration::from_secs(30),
        }
    }
}

impl Limits {
    fn validate(&self) -> Result<(), InvalidConfig> {
        if !(1..=1_000_000).contains(&self.connections) {
            return Err(InvalidConfig::new("limits.connections", self.connections, "1 to 1000000"));
        }
        if !(1024..=1024 * 1024).contains(&self.head_bytes) {
            return Err(InvalidConfig::new("limits.head_bytes", self.head_bytes, "1024 to 1048576"));
        }
        if !(1..=100).contains(&self.headers) {
            return Err(InvalidConfig::new("limits.headers", self.headers, "1 to 100"));
        }
        if self.replay_bytes > 1024 * 1024 {
            return Err(InvalidConfig::new("limits.replay_bytes", self.replay_bytes, "0 to 1048576"));
        }
        let times = [
            ("limits.head_time", self.head_time),
            ("limits.stall_time", self.stall_time),
            ("limits.idle_time", self.idle_time),
            ("limits.request_time", self.request_time),
            ("limits.connect_time", self.connect_time),
            ("limits.upstream_idle_time", self.upstream_idle_time),
        ];
        for (key, time) in times {
            if time.is_zero() {
                return Err(InvalidConfig::new(key, "0s", "longer than 0s"));
            }
        }
        Ok(())
    }
}
