//! What was found, as a scenario and in words.

use std::fmt::Write as _;

use simulator::calibrate::{Estimate, Family, Usl};

use super::Found;

/// A distribution function that is further off than this is a poor model, whatever the criterion says.
const GAP: f64 = 0.03;
/// Requests that a replica serves at once when the curve has no peak, and none was seen.
const CONCURRENCY_MAX: f64 = 100_000.0;

/// How many requests a replica serves at once: at its peak it finishes `concurrency ÷ service time` of them. `None` where the curve has no
/// peak; then at least as many as were seen.
fn concurrency(found: &Found) -> Option<Estimate> {
    let service_s = found.service.candidates.first()?.mean_ms.value / 1_000.0;
    let peak = found.scalability.as_ref().ok()?.peak_rps;
    let at = |rps: f64| rps * service_s;
    peak.value.is_finite().then(|| Estimate { value: at(peak.value), low: at(peak.low), high: at(peak.high) })
}

/// The scenario, or its pool alone; with the uncertainty as comments.
pub fn write(found: &Found, pool_only: bool) -> String {
    let mut out = String::new();
    let observed = &found.observed;
    // Writing to a String can't fail, here and below.
    for line in told(found) {
        let _ = writeln!(out, "# {}", line.replace(['\n', '\r'], " "));
    }
    if !pool_only {
        let rate = observed.peak_rps.unwrap_or(1.0).clamp(0.001, 1e9);
        let source = if observed.peak_rps.is_some() { "the highest that was seen" } else { "assumed: no load was given" };
        let _ = write!(
            out,
            "name = {}\nseed = 1\nduration = \"10m\"\nwarmup = \"60s\"\n\n[workload]\n# {source}\narrivals = {{ kind = \"poisson\", rate_rps = {rate:?} }}\n\n\
             [balancer]\nalgorithm = \"least_connections\"\n\n",
            toml::Value::String(format!("calibrated {}", observed.name))
        );
    }
    let seen = found.scalability.as_ref().map_or(1.0, |usl| usl.seen_concurrency);
    let concurrency = concurrency(found).map_or(seen.ceil(), |estimate| estimate.value.round()).clamp(1.0, CONCURRENCY_MAX);
    let _ = writeln!(
        out,
        "[[pools]]\nname = {}\nreplicas = {}\nconcurrency = {concurrency}\nqueue = \"unbounded\"",
        toml::Value::String(observed.name.clone()),
        observed.replicas
    );
    let Some(best) = found.service.candidates.first() else { return out };
    let scv = best.scv.map_or(String::new(), |scv| format!(", scv = {:?}", scv.value.clamp(1e-4, 1e4)));
    let _ = writeln!(out, "service_time = {{ dist = \"{}\", mean_ms = {:?}{scv} }}", best.family.name(), best.mean_ms.value);
    out
}

/// What was found, line by line.
pub fn told(found: &Found) -> Vec<String> {
    let mut lines = Vec::new();
    for (at, candidate) in found.service.candidates.iter().enumerate() {
        let scv = candidate.scv.map_or(String::new(), |scv| format!(", scv {}", interval(scv)));
        let which = if at == 0 { "service time" } else { "instead of it" };
        let (family, mean) = (candidate.family.name(), interval(candidate.mean_ms));
        let (behind, gap) = (candidate.aic_behind, candidate.largest_gap * 100.0);
        lines.push(format!(
            "{which}: {family}, mean {mean} ms{scv}; AIC +{behind:.1}, at most {gap:.1} points off the observed distribution"
        ));
    }
    lines.push(format!("from {:.0} observations, intervals at 95 %", found.service.observations));
    if found.service.candidates.iter().all(|candidate| candidate.family == Family::Exponential) {
        lines.push("only the exponential was tried: a shape needs observations in at least three buckets".into());
    }
    if found.service.candidates.first().is_some_and(|best| best.largest_gap > GAP) {
        lines.push(
            "WARNING: no family fits well: several kinds of requests in one histogram, or waiting in it? Calibrate them one by one".into(),
        );
    }
    match &found.scalability {
        Ok(usl) => lines.extend(scalability(found, usl)),
        Err(why) => lines.push(format!("concurrency: not known, 1 is assumed: {why}")),
    }
    lines
}

fn scalability(found: &Found, usl: &Usl) -> Vec<String> {
    let (single, contention, coherency) = (interval(usl.single_rps), interval(usl.contention), interval(usl.coherency));
    let mut lines =
        vec![format!("scalability of a replica: {single} requests/s one at a time, contention {contention}, coherency {coherency}")];
    let seen = usl.seen_concurrency;
    lines.push(match concurrency(found) {
        Some(estimate) => {
            let (peak, at) = (interval(usl.peak_rps), usl.peak_concurrency);
            let beyond =
                if at > seen { format!(", extrapolated: {seen:.1} requests at once were the most that was seen") } else { String::new() };
            format!("concurrency: {}, from a peak of {peak} requests/s{beyond}", interval(estimate))
        }
        None => format!("concurrency: at least {seen:.1}, the most that was seen: throughput doesn't bend, so more load is needed to tell"),
    });
    lines
}

fn interval(estimate: Estimate) -> String {
    let shown = |x: f64| if x.is_infinite() { "∞".to_owned() } else { significant(x) };
    format!("{} ({} to {})", shown(estimate.value), shown(estimate.low), shown(estimate.high))
}

/// Four digits that count.
fn significant(x: f64) -> String {
    if x == 0.0 {
        return "0".into();
    }
    let digits = (3.0 - x.abs().log10().floor()).clamp(0.0, 9.0) as usize;
    format!("{x:.digits$}")
}
