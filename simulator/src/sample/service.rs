//! Draws the work of requests.

use std::sync::Arc;

use rand::Rng;
use rand_pcg::Pcg64Mcg;

use super::{Exponential, NORMAL, Normal, gamma, open01};
use crate::scenario::{ServiceDist, ServiceTime};

/// Draws the work of a request in nanoseconds at speed 1.
#[derive(Debug, Clone)]
pub struct ServiceSampler {
    shape: Shape,
    exponential: Exponential,
    normal: Normal,
}

/// Parameters worked out once; means in nanoseconds.
#[derive(Debug, Clone)]
enum Shape {
    Deterministic(u64),
    Exponential(f64),
    Lognormal {
        mu: f64,
        sigma: f64,
    },
    Gamma {
        shape: f64,
        scale: f64,
    },
    Hyperexponential {
        first: f64,
        mean_first: f64,
        mean_second: f64,
    },
    /// By inversion.
    Pareto {
        least: f64,
        power: f64,
    },
    Empirical {
        mean: f64,
        shape: Arc<[f64]>,
    },
}

impl ServiceSampler {
    /// For a checked service time; a replica's speed divides it.
    pub fn new(service: &ServiceTime, speed: f64) -> Self {
        let mean = service.mean_ms * 1e6 / speed;
        let shape = match &service.dist {
            ServiceDist::Deterministic => Shape::Deterministic(libm::round(mean) as u64),
            ServiceDist::Exponential => Shape::Exponential(mean),
            ServiceDist::Lognormal { scv } => {
                let variance = libm::log1p(*scv);
                Shape::Lognormal { mu: libm::log(mean) - variance / 2.0, sigma: libm::sqrt(variance) }
            }
            ServiceDist::Gamma { scv } => Shape::Gamma { shape: 1.0 / scv, scale: mean * scv },
            ServiceDist::Hyperexponential { scv } => {
                let first = 0.5 * (1.0 + libm::sqrt((scv - 1.0) / (scv + 1.0)));
                Shape::Hyperexponential { first, mean_first: mean / (2.0 * first), mean_second: mean / (2.0 * (1.0 - first)) }
            }
            ServiceDist::Pareto { alpha } => Shape::Pareto { least: mean * (alpha - 1.0) / alpha, power: -1.0 / alpha },
            ServiceDist::Empirical { shape } => Shape::Empirical { mean, shape: shape.clone() },
        };
        Self { shape, exponential: Exponential::new(), normal: Normal { tables: &NORMAL } }
    }

    /// One request's work [ns].
    #[inline]
    pub fn draw(&self, rng: &mut Pcg64Mcg) -> u64 {
        let nanos = match &self.shape {
            Shape::Deterministic(nanos) => return *nanos,
            Shape::Exponential(mean) => mean * self.exponential.draw(rng),
            Shape::Lognormal { mu, sigma } => libm::exp(mu + sigma * self.normal.draw(rng)),
            Shape::Gamma { shape, scale } => scale * gamma(self.normal, rng, *shape),
            Shape::Hyperexponential { first, mean_first, mean_second } => {
                let mean = if open01(rng) < *first { mean_first } else { mean_second };
                mean * self.exponential.draw(rng)
            }
            Shape::Pareto { least, power } => least * libm::pow(open01(rng), *power),
            Shape::Empirical { mean, shape } => {
                let place = ((u128::from(rng.next_u64()) * shape.len() as u128) >> 64) as usize;
                mean * shape[place]
            }
        };
        // Half up is rounding enough for positive numbers, and much cheaper than `round`; `as` saturates.
        (nanos + 0.5) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Stream, child};

    fn moments(dist: ServiceDist) -> (f64, f64) {
        let sampler = ServiceSampler::new(&ServiceTime { dist, mean_ms: 10.0 }, 2.0);
        let mut rng = child(1, 0, Stream::Service);
        let n = 400_000;
        let (mut sum, mut square) = (0.0, 0.0);
        for _ in 0..n {
            let x = sampler.draw(&mut rng) as f64 / 5e6;
            sum += x;
            square += x * x;
        }
        let mean = sum / f64::from(n);
        (mean, square / f64::from(n) - mean * mean)
    }

    #[test]
    fn every_distribution_has_the_mean_and_the_scv_it_was_asked_for() {
        for dist in [
            ServiceDist::Exponential,
            ServiceDist::Deterministic,
            ServiceDist::Lognormal { scv: 0.5 },
            ServiceDist::Gamma { scv: 0.25 },
            ServiceDist::Gamma { scv: 3.0 },
            ServiceDist::Hyperexponential { scv: 4.0 },
            ServiceDist::Pareto { alpha: 6.0 },
            ServiceDist::Empirical { shape: vec![0.5, 0.5, 2.0].into() },
        ] {
            let (mean, variance) = moments(dist.clone());
            assert!((mean - 1.0).abs() < 0.01, "{dist:?}: mean {mean}");
            assert!((variance - dist.scv()).abs() < 0.04 * dist.scv().max(1.0), "{dist:?}: variance {variance}");
        }
    }
}
