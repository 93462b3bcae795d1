//! Gunther's universal scalability law ("Guerrilla Capacity Planning", 2007): throughput at concurrency N is
//! `γ N / (1 + σ (N − 1) + κ N (N − 1))`, with γ the throughput of one request at a time, σ the share that queues for something shared and κ
//! the cost of keeping copies in step. Written for the time a request is there, `N ÷ X`, it is linear, and so it is fitted: least squares of
//! the relative error with σ, κ ≥ 0. Intervals are percentiles of a block bootstrap, whose blocks keep what neighbouring minutes share.

use rand::Rng;
use rand_pcg::Pcg64Mcg;
use serde::Serialize;

use super::{CalibrateError, Estimate};

/// Resamples: the ends of a 95 % interval rest on ten of them on each side.
const RESAMPLES: usize = 400;
/// Three parameters need three different loads.
const DISTINCT: usize = 3;

/// What a replica did at one load.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LoadPoint {
    /// Requests there on average (in service and waiting): by Little's law, load × mean latency.
    pub concurrency: f64,
    /// Requests per second that were finished.
    pub throughput_rps: f64,
}

/// The law's parameters, and what they say about the most that a replica can do.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Usl {
    /// γ: requests per second with one request at a time.
    pub single_rps: Estimate,
    /// σ: contention.
    pub contention: Estimate,
    /// κ: coherency.
    pub coherency: Estimate,
    /// The highest throughput [requests/s]; infinite where nothing in the data bends the curve.
    pub peak_rps: Estimate,
    /// The concurrency at which it is reached; infinite without coherency.
    pub peak_concurrency: f64,
    /// The highest concurrency that was seen: a peak beyond it is extrapolated.
    pub seen_concurrency: f64,
}

#[derive(Debug, Clone, Copy)]
struct Law {
    single: f64,
    contention: f64,
    coherency: f64,
}

impl Law {
    fn peak_concurrency(&self) -> f64 {
        if self.coherency > 0.0 { libm::sqrt((1.0 - self.contention).max(0.0) / self.coherency).max(1.0) } else { f64::INFINITY }
    }

    fn peak(&self) -> f64 {
        let n = self.peak_concurrency();
        if n.is_finite() {
            return self.single * n / (1.0 + self.contention * (n - 1.0) + self.coherency * n * (n - 1.0));
        }
        if self.contention > 0.0 { self.single / self.contention } else { f64::INFINITY }
    }
}

/// Fits the law to what was seen, in the order of time.
///
/// # Errors
/// [`CalibrateError::TooFewPoints`] with fewer than three different concurrencies; points without load are left out.
pub fn fit_usl(points: &[LoadPoint], seed: u64) -> Result<Usl, CalibrateError> {
    let usable = |x: f64| x.is_finite() && x > 0.0;
    let points: Vec<LoadPoint> = points.iter().copied().filter(|point| usable(point.concurrency) && usable(point.throughput_rps)).collect();
    let mut different: Vec<f64> = points.iter().map(|point| point.concurrency).collect();
    different.sort_by(f64::total_cmp);
    different.dedup();
    let few = CalibrateError::TooFewPoints { have: points.len(), distinct: different.len(), need: DISTINCT };
    let law = match solve(&points) {
        Some(law) if different.len() >= DISTINCT => law,
        _ => return Err(few),
    };
    let mut again: Vec<Law> = Vec::with_capacity(RESAMPLES);
    let mut rng = Pcg64Mcg::new(u128::from(seed) << 1 | 1);
    // The usual length of blocks, the cube root of the number of points.
    let block = (libm::cbrt(points.len() as f64) as usize).max(1);
    for _ in 0..RESAMPLES {
        let drawn: Vec<LoadPoint> = (0..points.len().div_ceil(block))
            .flat_map(|_| {
                let start = (rng.next_u64() % points.len() as u64) as usize;
                (start..start + block).map(|at| points[at % points.len()]).collect::<Vec<_>>()
            })
            .take(points.len())
            .collect();
        again.extend(solve(&drawn));
    }
    let estimate = |of: &dyn Fn(&Law) -> f64| {
        let mut values: Vec<f64> = again.iter().map(of).collect();
        values.sort_by(f64::total_cmp);
        let at = |share: f64| values.get(((values.len() as f64 - 1.0).max(0.0) * share) as usize).copied().unwrap_or(of(&law));
        let value = of(&law);
        Estimate { value, low: at(0.025).min(value), high: at(0.975).max(value) }
    };
    Ok(Usl {
        single_rps: estimate(&|law| law.single),
        contention: estimate(&|law| law.contention),
        coherency: estimate(&|law| law.coherency),
        peak_rps: estimate(&Law::peak),
        peak_concurrency: law.peak_concurrency(),
        seen_concurrency: different.last().copied().unwrap_or(0.0),
    })
}

/// Least squares over every choice of parameters that may be 0; the best that is allowed. `None` if nothing can be told apart.
fn solve(points: &[LoadPoint]) -> Option<Law> {
    // In units of the largest, so that the squares are of one size.
    let largest = points.iter().map(|point| point.concurrency).fold(0.0, f64::max);
    let rows: Vec<[f64; 4]> = points
        .iter()
        .map(|point| {
            let (n, time) = (point.concurrency, point.concurrency / point.throughput_rps);
            [1.0 / time, (n - 1.0) / (time * largest), n * (n - 1.0) / (time * largest * largest), 1.0]
        })
        .collect();
    let mut best: Option<(f64, [f64; 3])> = None;
    for used in [[true, false, false], [true, true, false], [true, false, true], [true, true, true]] {
        let Some(solution) = normal_equations(&rows, used) else { continue };
        if solution[0] <= 0.0 || solution[1] < 0.0 || solution[2] < 0.0 {
            continue;
        }
        let miss = |row: &[f64; 4]| {
            let off = row[0] * solution[0] + row[1] * solution[1] + row[2] * solution[2] - row[3];
            off * off
        };
        let error: f64 = rows.iter().map(miss).sum();
        if best.is_none_or(|(least, _)| error < least) {
            best = Some((error, solution));
        }
    }
    let (_, [a, b, c]) = best?;
    Some(Law { single: 1.0 / a, contention: b / (a * largest), coherency: c / (a * largest * largest) })
}

/// Solves the normal equations of the columns in use by elimination with pivots; `None` when they are singular.
fn normal_equations(rows: &[[f64; 4]], used: [bool; 3]) -> Option<[f64; 3]> {
    let mut m = [[0.0; 4]; 3];
    for i in 0..3 {
        if !used[i] {
            m[i][i] = 1.0;
            continue;
        }
        for j in (0..3).filter(|j| used[*j]) {
            m[i][j] = rows.iter().map(|row| row[i] * row[j]).sum();
        }
        m[i][3] = rows.iter().map(|row| row[i] * row[3]).sum();
    }
    let scale = m.iter().flatten().fold(0.0, |most: f64, x| most.max(libm::fabs(*x)));
    for column in 0..3 {
        let pivot = (column..3).max_by(|i, j| libm::fabs(m[*i][column]).total_cmp(&libm::fabs(m[*j][column])))?;
        if libm::fabs(m[pivot][column]) <= scale * 1e-13 {
            return None;
        }
        m.swap(column, pivot);
        for i in (0..3).filter(|i| *i != column) {
            let factor = m[i][column] / m[column][column];
            for j in column..4 {
                m[i][j] -= factor * m[column][j];
            }
        }
    }
    Some([m[0][3] / m[0][0], m[1][3] / m[1][1], m[2][3] / m[2][2]])
}
