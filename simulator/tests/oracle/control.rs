//! Control variates (Lavenberg and Welch, "A perspective on the use of control variables", 1981): the part of a replication's result that
//! its input explains, whose mean is known exactly, is taken out by linear regression over the replications. What is left scatters less
//! and has the same mean.

use balancer::Nanos;
use simulator::stats::{Interval, student_t_quantile};
use simulator::{Arrivals, Discipline, RunResult, Scenario};

/// What is known about the input, as relative deviations from its exact mean: one list over the replications per control.
pub fn controls(scenario: &Scenario, runs: &[RunResult]) -> Vec<Vec<f64>> {
    let mut controls = Vec::new();
    if let Arrivals::Poisson { rate_rps } = scenario.arrivals {
        let arrived = |run: &RunResult| run.counts.arrived as f64 / (rate_rps * run.window_s()) - 1.0;
        controls.push(runs.iter().map(arrived).collect());
    }
    // Where many are in service at the end, or users leave or come back, who is served by the end isn't a fair sample of the work.
    let plain = scenario.clients.retries.is_none() && scenario.clients.patience.is_none();
    let whole = plain && matches!(scenario.arrivals, Arrivals::Poisson { .. } | Arrivals::Constant { .. });
    let fifo = whole && scenario.pools.iter().all(|pool| pool.discipline == Discipline::Fifo && pool.calls.is_empty());
    let unit = Nanos::from_secs_f64(1.0).0 as f64;
    // A request's work is its latency less its wait; it doesn't depend on whether the request was let in.
    let work = |run: &RunResult| Some((run.latency.mean()? - run.wait.mean()?) / unit - 1.0);
    if fifo && let Some(works) = runs.iter().map(work).collect() {
        controls.push(works);
    }
    controls
}

/// The two-sided interval for the mean of `values` where all `controls` are zero: the intercept of their regression. Controls that don't
/// vary (constant work) are left out; without any it is `simulator::stats::t_interval`. `None` for too few values.
pub fn interval(values: &[f64], controls: &[Vec<f64>], confidence: f64) -> Option<Interval> {
    let mut basis: Vec<Vec<f64>> = Vec::new();
    for control in controls {
        let rest = without(control, &basis);
        if dot(&rest, &rest) > 1e-18 * values.len() as f64 {
            basis.push(rest);
        }
    }
    // Gram-Schmidt: what the controls explain neither of the ones nor of the values gives intercept and scatter.
    let ones = without(&vec![1.0; values.len()], &basis);
    let rest = without(values, &basis);
    let free = values.len().checked_sub(1 + basis.len()).filter(|free| *free > 0)? as f64;
    let mean = dot(&ones, &rest) / dot(&ones, &ones);
    let squares: f64 = rest.iter().zip(&ones).map(|(y, one)| (y - mean * one) * (y - mean * one)).sum();
    let error = (squares / free / dot(&ones, &ones)).sqrt();
    let half = student_t_quantile(0.5 + confidence / 2.0, free) * error;
    Some(Interval(mean - half, mean + half))
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// A vector less its projections on orthogonal others.
fn without(vector: &[f64], basis: &[Vec<f64>]) -> Vec<f64> {
    let mut rest = vector.to_vec();
    for other in basis {
        let share = dot(&rest, other) / dot(other, other);
        rest.iter_mut().zip(other).for_each(|(value, other)| *value -= share * other);
    }
    rest
}
