//! The file's queues as scenarios. Time unit: the mean service time is one second.

use balancer::Algorithm;
use simulator::{Arrivals, Discipline, Scenario, ScenarioBuilder, ServiceDist};

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
        _ => None,
    }
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
