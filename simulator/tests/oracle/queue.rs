//! The file's queues as scenarios. Time unit: the mean service time is one second.

use balancer::{Algorithm, Nanos};
use simulator::{
    Arrivals, Backoff, Call, ClassSpec, ClientRetries, Clients, Contention, Dependency, Discipline, Jitter, PoolSpec, Scenario,
    ScenarioBuilder, ServiceDist, ServiceTime,
};

fn param(params: &str, key: &str) -> Option<f64> {
    params.split(';').find_map(|part| part.strip_prefix(key)?.strip_prefix('=')?.parse().ok())
}

fn poisson(rate: f64) -> ScenarioBuilder {
    Scenario::builder("oracle").poisson(rate).service(ServiceDist::Exponential, 1000.0)
}

fn fleet(params: &str, algorithm: Algorithm) -> Option<ScenarioBuilder> {
    let n = param(params, "N")?;
    Some(poisson(param(params, "rho")? * n).replicas(n as u32).algorithm(algorithm))
}

/// `None` for what the simulator doesn't have (yet).
pub fn scenario(model: &str, params: &str) -> Option<ScenarioBuilder> {
    let get = |key: &str| param(params, key);
    match model {
        "M/M/1-FIFO" => Some(poisson(get("lambda")?)),
        "M/M/c-FIFO" => Some(poisson(get("lambda")?).concurrency(get("c")? as u32)),
        "M/M/c/K" => {
            let c = get("c")? as u32;
            Some(poisson(get("lambda")?).concurrency(c).queue(Some(get("K")? as u32 - c)))
        }
        // Holds for any distribution: a constant, so that it isn't one more M/M/c/c.
        "M/G/c/c(ErlangB)" => {
            let c = get("c")? as u32;
            Some(poisson(get("a")?).concurrency(c).queue(Some(0)).service(ServiceDist::Deterministic, 1000.0))
        }
        "M/G/1-FIFO(PK)" => {
            let dist = match params.split(';').find_map(|part| part.strip_prefix("G="))? {
                "D" => ServiceDist::Deterministic,
                "M" => ServiceDist::Exponential,
                "Erlang4" => ServiceDist::Gamma { scv: 0.25 },
                "LogNormal_sigma1" => ServiceDist::Lognormal { scv: std::f64::consts::E - 1.0 },
                _ => return None,
            };
            Some(poisson(get("lambda")?).service(dist, 1000.0))
        }
        "M/D/1-FIFO" => Some(poisson(get("lambda")?).service(ServiceDist::Deterministic, 1000.0)),
        "M/G/1-PS" if params.ends_with("job of size x=2") => Some(two_sizes(get("rho")?)),
        "M/G/1-PS" => Some(poisson(get("rho")?).discipline(Discipline::Ps).service(any_distribution(get("rho")?), 1000.0)),
        "M/G/c-PS(generalised, rate min(1,c/n))" => {
            let c = get("c")?;
            let gamma = ServiceDist::Gamma { scv: 0.5 };
            Some(poisson(get("rho")? * c).concurrency(c as u32).discipline(Discipline::Ps).service(gamma, 1000.0))
        }
        "RoundRobin to N FIFO exp servers (E_N/M/1)" => fleet(params, Algorithm::RoundRobin),
        "Random to N FIFO exp servers" => fleet(params, Algorithm::Random),
        "JSQ exact CTMC (truncated)" => fleet(params, Algorithm::LeastConnections),
        "P2C w/o replacement exact CTMC (truncated)" => fleet(params, Algorithm::P2c),
        "D/M/1" => Some(poisson(1.0).arrivals(Arrivals::Constant { rate_rps: get("lambda")? })),
        _ => with_users(model, params),
    }
}

/// Queues whose users leave, come back, or go on to another queue.
fn with_users(model: &str, params: &str) -> Option<ScenarioBuilder> {
    let get = |key: &str| param(params, key);
    match model {
        "Erlang-A(M/M/c+M)" => {
            let clients = Clients { patience: Some(exponential(1.0 / get("theta")?)), retries: None };
            Some(poisson(get("lambda")?).concurrency(get("c")? as u32).clients(clients))
        }
        // Whoever fails asks again at once, at the end of the queue.
        "M/M/1 with Bernoulli feedback retries (FIFO rejoin, geometric inf)" => {
            Some(failing(get("lambda")?, get("pf")?).clients(again(MANY, 0.0, Jitter::None)))
        }
        "Retries, independent failure pf, <=R retries" => {
            Some(failing(get("lambda")?, get("pf")?).clients(again(get("R")? as u32 + 1, 0.0, Jitter::None)))
        }
        // Whoever finds the server taken comes back after an exponential time.
        "M/M/1/1 retrial queue (orbit rate nu per customer)" => {
            let clients = again(MANY, 1.0 / get("nu")?, Jitter::Exponential);
            Some(poisson(get("lambda")?).queue(Some(0)).clients(clients))
        }
        "Tandem M/M/1 -> M/M/1" => {
            let second = dependency("second", 1, 1, 1.0 / get("mu2")?, Vec::new());
            Some(poisson(get("lambda")?).pools(vec![PoolSpec { calls: calls(0), ..unit() }]).dependencies(vec![second]))
        }
        // What comes back from the database asks again, as a request whose last step fails does.
        "Jackson open: LB(mu=10)->2x M/M/2 (p=.5,mu=1)->DB M/M/3 (mu=.5), p_back=.2" => {
            let front = PoolSpec { service_time: exponential(0.1), calls: calls(0), ..unit() };
            let mut database = dependency("database", 1, 3, 2.0, Vec::new());
            database.pool.failure = 0.2;
            let tiers = vec![dependency("app", 2, 2, 1.0, calls(1)), database];
            let builder = poisson(get("gamma")?).pools(vec![front]).dependencies(tiers);
            Some(builder.clients(again(MANY, 0.0, Jitter::None)))
        }
        "M/M/1 non-preemptive priority" => two_classes(params, Discipline::Priority),
        "M/M/1 preemptive-resume priority" => two_classes(params, Discipline::PreemptivePriority),
        "Closed M/M/1 + think (MVA)" => {
            Some(poisson(1.0).arrivals(Arrivals::Closed { sessions: get("N")? as u32, think: exponential(get("Z")?) }))
        }
        // 32 users that never think: as many requests are always there.
        "USL" => {
            let contention = Contention { sigma: get("sigma")?, kappa: get("kappa")? };
            let service_time = ServiceTime { dist: ServiceDist::Exponential, mean_ms: 1e3 / get("lambda")? };
            let discipline = Discipline::Ps;
            let pool = PoolSpec { concurrency: 1_000, discipline, contention: Some(contention), service_time, ..PoolSpec::default() };
            let think = ServiceTime { dist: ServiceDist::Deterministic, mean_ms: 1e-6 };
            Some(poisson(1.0).pools(vec![pool]).arrivals(Arrivals::Closed { sessions: 32, think }))
        }
        _ => None,
    }
}

/// As often as it takes.
const MANY: u32 = 1_000_000;

fn exponential(mean_s: f64) -> ServiceTime {
    ServiceTime { dist: ServiceDist::Exponential, mean_ms: 1e3 * mean_s }
}

/// One server with a mean of one second.
fn unit() -> PoolSpec {
    PoolSpec { service_time: exponential(1.0), ..PoolSpec::default() }
}

fn failing(rate: f64, failure: f64) -> ScenarioBuilder {
    poisson(rate).pools(vec![PoolSpec { failure, ..unit() }])
}

/// Users that try again.
fn again(max_attempts: u32, delay_s: f64, jitter: Jitter) -> Clients {
    let delay = Nanos::from_secs_f64(delay_s);
    let backoff = Backoff { delay, factor: 1.0, max: Nanos::from_secs(86_400), jitter };
    Clients { patience: None, retries: Some(ClientRetries { max_attempts, backoff }) }
}

/// A call for which nobody waits with a worker.
fn calls(to: usize) -> Vec<Call> {
    vec![Call { to, probability: 1.0, hold: false }]
}

fn dependency(name: &str, replicas: u32, concurrency: u32, mean_s: f64, calls: Vec<Call>) -> Dependency {
    let pool = PoolSpec { name: name.to_owned(), replicas, concurrency, service_time: exponential(mean_s), calls, ..PoolSpec::default() };
    Dependency { pool, algorithm: Algorithm::Random }
}

fn two_classes(params: &str, discipline: Discipline) -> Option<ScenarioBuilder> {
    let (first, second) = (param(params, "l1")?, param(params, "l2")?);
    let class = |share, priority| ClassSpec { name: format!("class {}", priority + 1), share, priority, work: 1.0, ..ClassSpec::default() };
    Some(poisson(first + second).discipline(discipline).classes(vec![class(first, 0), class(second, 1)]))
}

/// Processor sharing with jobs of two sizes, a sixth of them of size 2 and the others of 0.8, which makes a mean of 1.
fn two_sizes(rho: f64) -> ScenarioBuilder {
    let class = |name: &str, share, work| ClassSpec { name: name.to_owned(), share, work, ..ClassSpec::default() };
    let classes = vec![class("usual", 5.0, 0.8), class("large", 1.0, 2.0)];
    poisson(rho).discipline(Discipline::Ps).service(ServiceDist::Deterministic, 1000.0).classes(classes)
}

/// Processor sharing doesn't care about the distribution: another one at each load.
fn any_distribution(rho: f64) -> ServiceDist {
    if rho < 0.6 {
        ServiceDist::Hyperexponential { scv: 2.0 }
    } else if rho < 0.85 {
        ServiceDist::Gamma { scv: 0.5 }
    } else {
        ServiceDist::Deterministic
    }
}
