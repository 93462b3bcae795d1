//! Requests per CPU second, one core: M/M/8 at 0.8 on both engines, and least connections over 100 replicas. Run by `make bench`.
#![expect(clippy::print_stdout, reason = "a benchmark prints")]

use std::time::Instant;

use balancer::{Algorithm, Nanos};
use simulator::{Engine, NoAutoscaler, Scenario, ScenarioBuilder, SimError, Warmup, run_on};

/// CPU time of this process [s] where the system tells (Linux), else wall time.
fn cpu_s(start: Instant) -> f64 {
    let schedstat = std::fs::read_to_string("/proc/self/schedstat").unwrap_or_default();
    let nanos = schedstat.split(' ').next().and_then(|first| first.parse::<f64>().ok());
    nanos.map_or_else(|| start.elapsed().as_secs_f64(), |nanos| nanos / 1e9)
}

fn measure(name: &str, engine: Engine, requests: u64, builder: ScenarioBuilder) -> Result<(), SimError> {
    let scenario = builder.requests(requests).warmup(Warmup::Fixed(Nanos(0))).build()?;
    let mut best = 0.0_f64;
    for replication in 0..3 {
        let start = Instant::now();
        let before = cpu_s(start);
        let run = run_on(engine, &scenario, &NoAutoscaler, 1, replication)?;
        let rate = run.counts.arrived as f64 / (cpu_s(start) - before);
        best = best.max(rate);
    }
    println!("{name:<52} {:>8.2} M requests per CPU second (best of 3 × {requests})", best / 1e6);
    Ok(())
}

fn main() -> Result<(), SimError> {
    let single = |load: f64, c: u32| Scenario::builder("bench").poisson(10.0 * load * f64::from(c)).concurrency(c);
    let fleet = |algorithm| Scenario::builder("bench").poisson(800.0).replicas(100).algorithm(algorithm);
    measure("M/M/8 at 0.8, Kiefer-Wolfowitz recursion", Engine::Auto, 10_000_000, single(0.8, 8))?;
    measure("M/M/8 at 0.8, event loop", Engine::Events, 5_000_000, single(0.8, 8))?;
    measure("M/M/1 at 0.8, Lindley recursion", Engine::Auto, 10_000_000, single(0.8, 1))?;
    measure("least connections, N = 100 at 0.8", Engine::Events, 5_000_000, fleet(Algorithm::LeastConnections))?;
    measure("two choices, N = 100 at 0.8", Engine::Events, 5_000_000, fleet(Algorithm::P2c))?;
    measure("round robin, N = 100 at 0.8, recursion", Engine::Auto, 10_000_000, fleet(Algorithm::RoundRobin))?;
    let rich = fleet(Algorithm::P2c).timeout(Some(Nanos::from_secs(2))).queue(Some(20)).timeline(true);
    let rich = rich.retries(Some(simulator::RetryRule { policy: balancer::RetryPolicy::default(), idempotent: true }));
    measure("two choices, queue, time-outs, retries, timeline", Engine::Events, 5_000_000, rich.clone())?;
    // `make bench` has no minutes to spare for it.
    if std::env::args().any(|argument| argument == "day") { day(rich) } else { Ok(()) }
}

/// A day at 5,000 requests/s with all the rules of the rich request, to its end: 432 million requests.
fn day(rich: ScenarioBuilder) -> Result<(), SimError> {
    let builder = rich.poisson(5_000.0).service(simulator::ServiceDist::Exponential, 16.0).duration(Nanos::from_secs(86_400));
    let scenario = builder.warmup(Warmup::Fixed(Nanos(0))).build()?;
    let start = Instant::now();
    let before = cpu_s(start);
    let run = run_on(Engine::Events, &scenario, &NoAutoscaler, 1, 0)?;
    let took_s = cpu_s(start) - before;
    println!("a day at 5,000 requests/s, rich: {} requests in {took_s:.1} CPU seconds", run.counts.arrived);
    Ok(())
}
