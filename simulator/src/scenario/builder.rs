//! Scenarios made in code: for the planner, which asks "would n replicas hold this load?", and for tests.

use balancer::{Nanos, PoolConfig};

use super::{
    Arrivals, Balancing, Horizon, MAX_IN_FLIGHT, MOST_REPLICAS, PoolSpec, RetryRule, Scenario, ScenarioError, ServiceDist, ServiceTime,
    Slo, Warmup,
};
use super::{Discipline, balancing::check_pool_config};

/// Runs longer than this keep no per-minute timeline unless told so: 31 days.
pub(super) fn longest_timeline_s() -> f64 {
    31.0 * 86_400.0
}

/// Longest timeline that can be asked for, in seconds: ten years of minutes.
const MOST_TIMELINE_S: f64 = 3_650.0 * 86_400.0;

/// A scenario in the making. Starts as one FIFO replica with concurrency 1, an unbounded queue, exponential service with mean 100 ms,
/// Poisson arrivals at 1/s, least connections, 100,000 requests, one replication, automatic warm-up cut and no timeline.
///
/// ```
/// use simulator::{NoAutoscaler, Scenario, ServiceDist, replicate};
/// let scenario = Scenario::builder("would 4 replicas do?")
///     .poisson(120.0)
///     .replicas(4)
///     .concurrency(8)
///     .queue(Some(32))
///     .service(ServiceDist::Lognormal { scv: 1.0 }, 40.0)
///     .requests(20_000)
///     .build()?;
/// let report = replicate(&scenario, &NoAutoscaler, 1, 4, 1)?;
/// assert!(report.latency_ms.is_some_and(|latency| latency.p99 > 40.0));
/// # Ok::<(), simulator::SimError>(())
/// ```
#[derive(Debug, Clone)]
pub struct ScenarioBuilder {
    scenario: Scenario,
}

impl Scenario {
    /// Starts a scenario in code; see [`ScenarioBuilder`] for the defaults.
    pub fn builder(name: impl Into<String>) -> ScenarioBuilder {
        let pool = PoolSpec {
            name: "app".to_owned(),
            replicas: 1,
            weight: 1,
            concurrency: 1,
            discipline: Discipline::Fifo,
            queue: None,
            service_time: ServiceTime { dist: ServiceDist::Exponential, mean_ms: 100.0 },
            speed: 1.0,
            boot_delay: Nanos(0),
        };
        ScenarioBuilder {
            scenario: Scenario {
                name: name.into(),
                seed: 1,
                replications: 1,
                horizon: Horizon::Requests(100_000),
                warmup: Warmup::Auto,
                arrivals: Arrivals::Poisson { rate_rps: 1.0 },
                history: None,
                slo: None,
                balancing: Balancing::default(),
                pools: vec![pool],
                timeout: None,
                price_per_replica_hour: None,
                autoscaler: None,
                max_in_flight: MAX_IN_FLIGHT,
                timeline: false,
            },
        }
    }
}

impl ScenarioBuilder {
    /// Poisson arrivals [requests/s].
    pub fn poisson(mut self, rate_rps: f64) -> Self {
        self.scenario.arrivals = Arrivals::Poisson { rate_rps };
        self
    }

    /// Any arrivals.
    pub fn arrivals(mut self, arrivals: Arrivals) -> Self {
        self.scenario.arrivals = arrivals;
        self
    }

    /// Ends at this many arrivals.
    pub fn requests(mut self, requests: u64) -> Self {
        self.scenario.horizon = Horizon::Requests(requests);
        self
    }

    /// Ends at this time.
    pub fn duration(mut self, duration: Nanos) -> Self {
        self.scenario.horizon = Horizon::Duration(duration);
        self
    }

    /// Cut at the start.
    pub fn warmup(mut self, warmup: Warmup) -> Self {
        self.scenario.warmup = warmup;
        self
    }

    /// Replicas of the first pool.
    pub fn replicas(mut self, replicas: u32) -> Self {
        self.scenario.pools[0].replicas = replicas;
        self
    }

    /// Requests served at once per replica of the first pool.
    pub fn concurrency(mut self, concurrency: u32) -> Self {
        self.scenario.pools[0].concurrency = concurrency;
        self
    }

    /// Queue per replica of the first pool; `None` is unbounded.
    pub fn queue(mut self, queue: Option<u32>) -> Self {
        self.scenario.pools[0].queue = queue;
        self
    }

    /// Discipline of the first pool.
    pub fn discipline(mut self, discipline: Discipline) -> Self {
        self.scenario.pools[0].discipline = discipline;
        self
    }

    /// Service time of the first pool, mean in milliseconds.
    pub fn service(mut self, dist: ServiceDist, mean_ms: f64) -> Self {
        self.scenario.pools[0].service_time = ServiceTime { dist, mean_ms };
        self
    }

    /// Boot delay of the first pool.
    pub fn boot_delay(mut self, boot_delay: Nanos) -> Self {
        self.scenario.pools[0].boot_delay = boot_delay;
        self
    }

    /// All pools, instead of the single one.
    pub fn pools(mut self, pools: Vec<PoolSpec>) -> Self {
        self.scenario.pools = pools;
        self
    }

    /// The algorithm, with its other rules as they are.
    pub fn algorithm(mut self, algorithm: balancer::Algorithm) -> Self {
        self.scenario.balancing.pool.algorithm = algorithm;
        self
    }

    /// The balancer's algorithm and health rules; its list of backends must be empty.
    pub fn balancer(mut self, pool: PoolConfig) -> Self {
        self.scenario.balancing.pool = pool;
        self
    }

    /// Retries of failed attempts.
    pub fn retries(mut self, retries: Option<RetryRule>) -> Self {
        self.scenario.balancing.retries = retries;
        self
    }

    /// After how long an attempt is given up.
    pub fn timeout(mut self, timeout: Option<Nanos>) -> Self {
        self.scenario.timeout = timeout;
        self
    }

    /// The objective: this share of requests (per cent) within this latency.
    pub fn slo(mut self, latency: Nanos, percentile: f64) -> Self {
        self.scenario.slo = Some(Slo { latency, percentile });
        self
    }

    /// Price of a replica hour.
    pub fn price_per_replica_hour(mut self, price: f64) -> Self {
        self.scenario.price_per_replica_hour = Some(price);
        self
    }

    /// The autoscaler's table, for the factory.
    pub fn autoscaler(mut self, table: toml::Table) -> Self {
        self.scenario.autoscaler = Some(table);
        self
    }

    /// How many requests may be in flight before the run ends with an error.
    pub fn max_in_flight(mut self, most: u32) -> Self {
        self.scenario.max_in_flight = most;
        self
    }

    /// Keep the per-minute timeline.
    pub fn timeline(mut self, keep: bool) -> Self {
        self.scenario.timeline = keep;
        self
    }

    /// Checks it all.
    ///
    /// # Errors
    /// [`ScenarioError`] names the key, the value and what is allowed.
    pub fn build(self) -> Result<Scenario, ScenarioError> {
        check(self.scenario)
    }
}

/// Everything that holds across keys or that code can get wrong as well as a file.
pub(super) fn check(scenario: Scenario) -> Result<Scenario, ScenarioError> {
    let rate = scenario.arrivals.mean_rps();
    if !(rate > 0.0 && rate <= 1e9) {
        return Err(ScenarioError::new(
            "workload.arrivals",
            format!("{rate} requests/s on average"),
            "above 0 and at most 10^9 requests/s",
        ));
    }
    if crate::units::nanos_from_s(scenario.expected_s()).is_none() {
        return Err(ScenarioError::new("requests", format!("{} s at the mean rate", scenario.expected_s()), "a run of at most 100 years"));
    }
    if scenario.timeline && scenario.expected_s() > MOST_TIMELINE_S {
        return Err(ScenarioError::new("timeline", "true", "false for a run of more than ten years"));
    }
    if let (Horizon::Duration(end), Warmup::Fixed(cut)) = (scenario.horizon, scenario.warmup)
        && cut >= end
    {
        return Err(ScenarioError::new("warmup", cut.to_string(), format!("less than the duration, {end}")));
    }
    if scenario.pools.is_empty() {
        return Err(ScenarioError::new("pools", "missing", "at least one [[pools]]"));
    }
    if scenario.autoscaler.is_some() && scenario.pools.len() != 1 {
        return Err(ScenarioError::new("pools", format!("{} pools", scenario.pools.len()), "exactly one with an [autoscaler]"));
    }
    if !(1..=crate::event::MOST_INDEX).contains(&scenario.max_in_flight) {
        let allowed = format!("1 to {}", crate::event::MOST_INDEX);
        return Err(ScenarioError::new("max_in_flight", scenario.max_in_flight.to_string(), allowed));
    }
    let replicas: u64 = scenario.pools.iter().map(|pool| u64::from(pool.replicas)).sum();
    if replicas > u64::from(MOST_REPLICAS) || (replicas == 0 && scenario.autoscaler.is_none()) {
        return Err(ScenarioError::new(
            "pools[0].replicas",
            format!("{replicas} in all pools"),
            format!("1 to {MOST_REPLICAS} in all pools"),
        ));
    }
    for (i, pool) in scenario.pools.iter().enumerate() {
        check_pool(i, pool)?;
    }
    check_pool_config(&scenario.balancing)?;
    Ok(scenario)
}

fn check_pool(i: usize, pool: &PoolSpec) -> Result<(), ScenarioError> {
    let error = |key: &str, value: String, allowed: &str| Err(ScenarioError::new(format!("pools[{i}].{key}"), value, allowed));
    if pool.concurrency == 0 {
        return error("concurrency", "0".to_owned(), "a whole number from 1 on");
    }
    if pool.weight > balancer::WEIGHT_MAX {
        return error("weight", pool.weight.to_string(), "a whole number from 0 to 1000000");
    }
    let mean_ms = pool.service_time.mean_ms;
    if !(mean_ms > 0.0 && mean_ms <= 1e12) {
        return error("service_time.mean_ms", mean_ms.to_string(), "a number above 0, at most 10^12");
    }
    let scv = pool.service_time.dist.scv();
    let least = if matches!(pool.service_time.dist, ServiceDist::Hyperexponential { .. }) { 1.0 } else { 0.0 };
    let free = !matches!(pool.service_time.dist, ServiceDist::Deterministic | ServiceDist::Exponential);
    if free && !(scv > 0.0 && scv >= least && scv <= 1e4) {
        return error("service_time.scv", scv.to_string(), "above 0 (hyperexponential: from 1 on), at most 10000");
    }
    if !(pool.speed > 0.0 && pool.speed.is_finite()) {
        return error("speed", pool.speed.to_string(), "a number above 0");
    }
    Ok(())
}
