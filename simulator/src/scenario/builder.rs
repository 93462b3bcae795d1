//! Scenarios made in code: for the planner, which asks "would n replicas hold this load?", and for tests.

use balancer::{Nanos, PoolConfig};

use super::check::check;
use super::{
    Arrivals, Balancing, Broker, ClassSpec, Clients, Dependency, Discipline, Fault, Horizon, MAX_IN_FLIGHT, PoolSpec, RetryRule, Scenario,
    ScenarioError, ServiceDist, ServiceTime, Slo, Warmup,
};

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
                pools: vec![PoolSpec::default()],
                dependencies: Vec::new(),
                classes: Vec::new(),
                clients: Clients::default(),
                network: None,
                broker: None,
                connections: None,
                users: None,
                sessions: None,
                faults: Vec::new(),
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

    /// What the pools call.
    pub fn dependencies(mut self, dependencies: Vec<Dependency>) -> Self {
        self.scenario.dependencies = dependencies;
        self
    }

    /// Kinds of requests.
    pub fn classes(mut self, classes: Vec<ClassSpec>) -> Self {
        self.scenario.classes = classes;
        self
    }

    /// What users do when they wait or fail.
    pub fn clients(mut self, clients: Clients) -> Self {
        self.scenario.clients = clients;
        self
    }

    /// A queue in front, out of which the replicas pull.
    pub fn broker(mut self, broker: Broker) -> Self {
        self.scenario.broker = Some(broker);
        self
    }

    /// What breaks, and when.
    pub fn faults(mut self, faults: Vec<Fault>) -> Self {
        self.scenario.faults = faults;
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
