//! The rule of Kubernetes' HorizontalPodAutoscaler v2, after `pkg/controller/podautoscaler` (replica_calculator.go, horizontal.go) of
//! Kubernetes 1.33 and its documentation: the ratio with its tolerance, pods that are not ready, stabilisation windows, and the
//! `behavior` policies.

use serde::{Deserialize, Serialize};

use crate::config::{Behaviour, RateKind, Select};

/// What the pods of a workload report.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PodMetrics {
    /// Sum over the measured pods, in the unit of the target.
    pub usage: f64,
    /// Ready pods with a metric.
    pub measured: u32,
    /// Pods that exist and are not ready.
    pub unready: u32,
    /// Ready pods without a metric.
    pub missing: u32,
}

/// `ceil(current × metric / target)`, with everything the controller does around it. `None` when there is nothing to go by: no measured
/// pod, or a number that isn't one; the caller keeps what it has.
///
/// Pods that are not ready count as idle when that is the cautious side (up); missing metrics count as on target when that is the cautious
/// side (down) and as idle for the way up. If these assumptions turn the direction around, nothing changes.
pub fn recommend(current: u32, pods: &PodMetrics, target: f64, tolerance: f64) -> Option<u32> {
    let sane = pods.usage.is_finite() && pods.usage >= 0.0 && target.is_finite() && target > 0.0;
    if pods.measured == 0 || !sane {
        return None;
    }
    let within = |ratio: f64| (1.0 - ratio).abs() <= tolerance;
    let ratio = pods.usage / (target * f64::from(pods.measured));
    let up_with_unready = pods.unready > 0 && ratio > 1.0;
    if !up_with_unready && pods.missing == 0 {
        return Some(if within(ratio) { current } else { ceil(ratio * f64::from(pods.measured)) });
    }
    let (mut usage, mut count) = (pods.usage, pods.measured);
    if ratio < 1.0 {
        usage += target * f64::from(pods.missing);
    }
    // Exactly on target, missing pods change nothing.
    if ratio != 1.0 {
        count = count.saturating_add(pods.missing);
    }
    if up_with_unready {
        count = count.saturating_add(pods.unready);
    }
    let assumed = usage / (target * f64::from(count));
    if within(assumed) || (ratio < 1.0 && assumed > 1.0) || (ratio > 1.0 && assumed < 1.0) {
        return Some(current);
    }
    let wanted = ceil(assumed * f64::from(count));
    let turned = (assumed < 1.0 && wanted > current) || (assumed > 1.0 && wanted < current);
    Some(if turned { current } else { wanted })
}

/// The smallest whole number that is not below `x`, with room for the noise of a division; beyond `u32` its largest value.
pub(crate) fn ceil(x: f64) -> u32 {
    // `as` saturates, so an absurd product can't wrap around to a small number (KEDA #7475).
    libm::ceil(x - 1e-9).max(0.0) as u32
}

/// Clamps a recommendation between the smallest one of the up window and the largest one of the down window (both including it).
pub fn stabilise(current: u32, up_limit: u32, down_limit: u32) -> u32 {
    current.max(up_limit).min(down_limit)
}

/// A change of the number of replicas that was ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// When.
    pub at_ms: i64,
    /// How many were added; negative = taken away.
    pub by: i64,
}

/// Keeps a wish within the `behavior` of its direction, given the changes that were made before.
pub fn limit_rate(current: u32, wanted: u32, changes: &[Change], up: &Behaviour, down: &Behaviour, now_ms: i64) -> u32 {
    if wanted > current {
        let limit = limits(current, changes, up, now_ms, 1).map(|all| pick(all, up.select));
        wanted.min(limit.unwrap_or(i64::from(u32::MAX)).max(i64::from(current)).min(i64::from(u32::MAX)) as u32)
    } else if wanted < current {
        let limit = limits(current, changes, down, now_ms, -1).map(|all| -pick(all.iter().map(|x| -x).collect(), down.select));
        wanted.max(limit.unwrap_or(0).clamp(0, i64::from(current)) as u32)
    } else {
        wanted
    }
}

/// What each policy allows; `None` = no limit. `sign` is 1 for up, −1 for down.
fn limits(current: u32, changes: &[Change], behaviour: &Behaviour, now_ms: i64, sign: i64) -> Option<Vec<i64>> {
    if behaviour.select == Select::Disabled {
        return Some(vec![i64::from(current)]);
    }
    if behaviour.policies.is_empty() {
        return None;
    }
    let allowed = behaviour.policies.iter().map(|policy| {
        let within = changes.iter().filter(|c| c.at_ms > now_ms.saturating_sub(policy.period_ms));
        let start = i64::from(current) - within.map(|c| c.by).sum::<i64>();
        let value = i64::from(policy.value);
        match policy.kind {
            RateKind::Pods => start + sign * value,
            // Up is rounded up, so that a small fleet can grow at all; down is rounded down, as the controller's cast does.
            RateKind::Percent if sign > 0 => start + (start * value + 99).div_euclid(100),
            RateKind::Percent => (start * (100 - value)).div_euclid(100),
        }
    });
    Some(allowed.collect())
}

/// The allowance that counts among limits on the way up.
fn pick(limits: Vec<i64>, select: Select) -> i64 {
    let best = match select {
        Select::Min => limits.into_iter().min(),
        Select::Max | Select::Disabled => limits.into_iter().max(),
    };
    best.unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
