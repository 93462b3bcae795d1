//! What a service was seen doing, put in order for the fits.

use simulator::calibrate::{Buckets, CalibrateError, LoadPoint};

/// What the fits are made from, for one replica.
#[derive(Debug, Clone, PartialEq)]
pub struct Observed {
    /// Latencies of the quiet steps.
    pub buckets: Buckets,
    /// Every step that had load, in the order of time.
    pub points: Vec<LoadPoint>,
    /// The name for the draft.
    pub name: String,
    /// Highest load of the whole service in a step [requests/s].
    pub peak_rps: Option<f64>,
    /// Replicas in the last step.
    pub replicas: u32,
}

/// One step of a histogram.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// Observations up to each bound, the last up to infinity.
    pub cumulative: Vec<f64>,
    /// Requests finished per second, by all replicas.
    pub rps: f64,
    /// Sum of their latencies, per second: by Little's law, how many were there on average.
    pub in_system: f64,
    /// Replicas that shared them.
    pub replicas: f64,
}

/// Takes the service time from the quietest share of the steps and the points from all of them.
///
/// # Errors
/// The sums aren't a histogram.
pub fn sort_out(name: String, bounds_ms: &[f64], steps: &[Step], quiet_percent: u8) -> Result<Observed, CalibrateError> {
    let mut busy: Vec<&Step> = steps.iter().filter(|step| step.rps > 0.0 && step.in_system > 0.0 && step.replicas > 0.0).collect();
    let points = busy
        .iter()
        .map(|step| LoadPoint { concurrency: step.in_system / step.replicas, throughput_rps: step.rps / step.replicas })
        .collect();
    let peak_rps = busy.iter().map(|step| step.rps).max_by(f64::total_cmp);
    let replicas = busy.last().map_or(1, |step| step.replicas.round().clamp(1.0, 1e5) as u32);
    busy.sort_by(|left, right| (left.in_system / left.replicas).total_cmp(&(right.in_system / right.replicas)));
    let quiet = (busy.len() * usize::from(quiet_percent)).div_ceil(100);
    let mut sums = vec![0.0; bounds_ms.len() + 1];
    for step in busy.iter().take(quiet) {
        let mut highest = 0.0;
        for (sum, count) in sums.iter_mut().zip(&step.cumulative) {
            // Buckets are scraped together and still extrapolated one by one: a higher one may be a little behind.
            highest = f64::max(highest, *count);
            *sum += highest;
        }
    }
    Ok(Observed { buckets: Buckets::try_new(bounds_ms, &sums)?, points, name, peak_rps, replicas })
}
