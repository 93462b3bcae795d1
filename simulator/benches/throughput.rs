//! Requests per CPU second on one core, bytes per request in flight and, with `day` (`make bench-simulator`), days. Run by `make bench`.
#![expect(clippy::print_stdout, reason = "a benchmark prints")]

use std::time::Instant;

use balancer::{Algorithm, Nanos};
use simulator::{Engine, NoAutoscaler, Scenario, ScenarioBuilder, SimError, Warmup, run_all, run_on};

/// CPU time of the main thread [s] where the system tells (Linux), else wall time.
fn cpu_s(start: Instant) -> f64 {
    let schedstat = std::fs::read_to_string("/proc/self/schedstat").unwrap_or_default();
    let nanos = schedstat.split(' ').next().and_then(|first| first.parse::<f64>().ok());
    nanos.map_or_else(|| start.elapsed().as_secs_f64(), |nanos| nanos / 1e9)
}

/// CPU time of all threads, also of those that ended [s]; `None` where the system doesn't tell.
fn all_threads_cpu_s() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // User and system time are the 12th and 13th field after the name, in hundredths on every Linux.
    let fields = stat.rsplit(')').next()?.split_whitespace().skip(11).take(2);
    fields.map(|ticks| ticks.parse::<f64>().ok().map(|ticks| ticks / 100.0)).sum()
}

/// The most memory that this process ever had [bytes]; `None` where the system doesn't tell.
fn peak_bytes() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse::<f64>().ok().map(|kib| kib * 1024.0)
}

fn measure(name: &str, engine: Engine, requests: u64, builder: ScenarioBuilder) -> Result<(), SimError> {
    let scenario = builder.requests(requests).warmup(Warmup::Fixed(Nanos(0))).build()?;
    let (mut best, mut wait_ns) = (0.0_f64, 0.0);
    for replication in 0..3 {
        let start = Instant::now();
        let before = cpu_s(start);
        let run = run_on(engine, &scenario, &NoAutoscaler, 1, replication)?;
        let rate = run.counts.arrived as f64 / (cpu_s(start) - before);
        best = best.max(rate);
        wait_ns += run.wait.mean().unwrap_or_default() / 3.0;
    }
    println!("{name:<52} {:>8.2} M requests per CPU second, mean wait {:>8.4} ms (3 × {requests})", best / 1e6, wait_ns / 1e6);
    Ok(())
}

/// What the process grows by when two million requests wait for one replica that has hardly begun.
fn memory(name: &str, builder: ScenarioBuilder) -> Result<(), SimError> {
    const REQUESTS: u64 = 2_000_000;
    let scenario = builder.poisson(100_000.0).requests(REQUESTS).warmup(Warmup::Fixed(Nanos(0))).build()?;
    // Lets the peak begin anew; where that fails, earlier runs were smaller.
    let _ = std::fs::write("/proc/self/clear_refs", "5");
    let before = peak_bytes();
    run_on(Engine::Events, &scenario, &NoAutoscaler, 1, 0)?;
    if let (Some(before), Some(after)) = (before, peak_bytes()) {
        println!("{name:<52} {:>8.0} bytes per request in flight, {REQUESTS} of them", (after - before) / REQUESTS as f64);
    }
    Ok(())
}

fn main() -> Result<(), SimError> {
    let single = |load: f64, c: u32| Scenario::builder("bench").poisson(10.0 * load * f64::from(c)).concurrency(c);
    let fleet =
        |replicas: u32, algorithm| Scenario::builder("bench").poisson(8.0 * f64::from(replicas)).replicas(replicas).algorithm(algorithm);
    memory("in flight, no time-out", single(0.8, 1))?;
    memory("in flight, with a time-out", single(0.8, 1).timeout(Some(Nanos::from_secs(1_000_000))))?;
    measure("M/M/8 at 0.8, Kiefer-Wolfowitz recursion", Engine::Auto, 10_000_000, single(0.8, 8))?;
    measure("M/M/8 at 0.8, event loop", Engine::Events, 5_000_000, single(0.8, 8))?;
    measure("M/M/1 at 0.8, Lindley recursion", Engine::Auto, 10_000_000, single(0.8, 1))?;
    measure("least connections, N = 100 at 0.8", Engine::Events, 5_000_000, fleet(100, Algorithm::LeastConnections))?;
    measure("least connections, N = 1000 at 0.8", Engine::Events, 5_000_000, fleet(1_000, Algorithm::LeastConnections))?;
    measure("two choices, N = 100 at 0.8", Engine::Events, 5_000_000, fleet(100, Algorithm::P2c))?;
    measure("round robin, N = 100 at 0.8, recursion", Engine::Auto, 10_000_000, fleet(100, Algorithm::RoundRobin))?;
    let rich = fleet(100, Algorithm::P2c).timeout(Some(Nanos::from_secs(2))).queue(Some(20)).timeline(true);
    let rich = rich.retries(Some(simulator::RetryRule { policy: balancer::RetryPolicy::default(), idempotent: true }));
    measure("two choices, queue, time-outs, retries, timeline", Engine::Events, 5_000_000, rich.clone())?;
    // `make bench` has no minutes to spare for it.
    if std::env::args().any(|argument| argument == "day") { days(rich) } else { Ok(()) }
}

/// A day at 5,000 requests/s with all the rules of the rich request, to its end, 432 million requests; then two replications of it at once.
fn days(rich: ScenarioBuilder) -> Result<(), SimError> {
    let builder = rich.poisson(5_000.0).service(simulator::ServiceDist::Exponential, 16.0).duration(Nanos::from_secs(86_400));
    let scenario = builder.warmup(Warmup::Fixed(Nanos(0))).build()?;
    let start = Instant::now();
    let before = cpu_s(start);
    let run = run_on(Engine::Events, &scenario, &NoAutoscaler, 1, 0)?;
    let (took_s, wall_s) = (cpu_s(start) - before, start.elapsed().as_secs_f64());
    println!("a day at 5,000 requests/s, rich: {} requests in {took_s:.1} CPU seconds, {wall_s:.1} s", run.counts.arrived);

    let start = Instant::now();
    let before = all_threads_cpu_s();
    let runs = run_all(&scenario, &NoAutoscaler, 1, 2, 2)?;
    let wall_s = start.elapsed().as_secs_f64();
    let took_s = all_threads_cpu_s().zip(before).map_or(wall_s, |(after, before)| after - before);
    let arrived: u64 = runs.iter().map(|run| run.counts.arrived).sum();
    println!("two such days at once, two threads: {arrived} requests in {took_s:.1} CPU seconds, {wall_s:.1} s");
    Ok(())
}
