//! Draws from distributions, on `libm` and integer arithmetic only, so that every machine gets the same bytes. (`rand_distr` would go
//! through `num-traits`, whose `std` feature any other crate of a build can switch on: then its logarithms come from the system's libm.)

mod service;

use std::sync::LazyLock;

use rand::Rng;
use rand_pcg::Pcg64Mcg;

pub use service::ServiceSampler;

const LAYERS: usize = 256;
/// Where the tail of the exponential's ziggurat begins, and the area of each layer (Marsaglia and Tsang, "The ziggurat method for
/// generating random variables", 2000).
const EXP_R: f64 = 7.697_117_470_131_05;
const EXP_V: f64 = 0.003_949_659_822_581_572;

/// The same for the right half of the normal.
const NORMAL_R: f64 = 3.654_152_885_361_009;
const NORMAL_V: f64 = 0.004_928_673_233_992_336;

struct Ziggurat {
    x: [f64; LAYERS + 1],
    f: [f64; LAYERS + 1],
}

/// Layers of equal area `v` under a falling density `f` with inverse `inverse`; the lowest one includes the tail beyond `r`.
fn layers(r: f64, v: f64, f: impl Fn(f64) -> f64, inverse: impl Fn(f64) -> f64) -> Ziggurat {
    let mut x = [0.0; LAYERS + 1];
    x[0] = v / f(r);
    x[1] = r;
    for i in 2..LAYERS {
        x[i] = inverse(v / x[i - 1] + f(x[i - 1]));
    }
    Ziggurat { f: x.map(f), x }
}

static EXP: LazyLock<Ziggurat> = LazyLock::new(|| layers(EXP_R, EXP_V, |x| libm::exp(-x), |y| -libm::log(y)));
static NORMAL: LazyLock<Ziggurat> =
    LazyLock::new(|| layers(NORMAL_R, NORMAL_V, |x| libm::exp(-0.5 * x * x), |y| libm::sqrt(-2.0 * libm::log(y))));

/// Uniform in (0, 1), never an end: 52 random bits and a half.
pub(crate) fn open01(rng: &mut Pcg64Mcg) -> f64 {
    ((rng.next_u64() >> 12) as f64 + 0.5) * (1.0 / (1_u64 << 52) as f64)
}

/// Draws unit exponentials.
#[derive(Debug, Clone, Copy)]
pub struct Exponential {
    tables: &'static Ziggurat,
}

impl std::fmt::Debug for Ziggurat {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Ziggurat")
    }
}

impl Exponential {
    /// Looks the tables up once.
    pub fn new() -> Self {
        Self { tables: &EXP }
    }

    /// One draw with mean 1.
    #[inline]
    pub fn draw(&self, rng: &mut Pcg64Mcg) -> f64 {
        let bits = rng.next_u64();
        let layer = (bits & 0xff) as usize;
        let x = ((bits >> 12) as f64 + 0.5) * (1.0 / (1_u64 << 52) as f64) * self.tables.x[layer];
        if x < self.tables.x[layer + 1] { x } else { self.edge(rng, layer, x) }
    }

    /// The 1 % of draws at a layer's edge or in the tail.
    #[cold]
    fn edge(&self, rng: &mut Pcg64Mcg, layer: usize, x: f64) -> f64 {
        let (mut layer, mut x) = (layer, x);
        let Ziggurat { x: xs, f } = self.tables;
        loop {
            if x < xs[layer + 1] {
                return x;
            }
            if layer == 0 {
                return EXP_R - libm::log(open01(rng));
            }
            if f[layer] + open01(rng) * (f[layer + 1] - f[layer]) < libm::exp(-x) {
                return x;
            }
            let bits = rng.next_u64();
            layer = (bits & 0xff) as usize;
            x = ((bits >> 12) as f64 + 0.5) * (1.0 / (1_u64 << 52) as f64) * xs[layer];
        }
    }
}

/// Draws standard normals, by the same method.
#[derive(Debug, Clone, Copy)]
struct Normal {
    tables: &'static Ziggurat,
}

impl Normal {
    #[inline]
    fn draw(self, rng: &mut Pcg64Mcg) -> f64 {
        let Ziggurat { x: xs, f } = self.tables;
        loop {
            let bits = rng.next_u64();
            let layer = (bits & 0xff) as usize;
            let x = ((bits >> 12) as f64 + 0.5) * (1.0 / (1_u64 << 52) as f64) * xs[layer];
            let sign = if bits & 0x100 == 0 { 1.0 } else { -1.0 };
            if x < xs[layer + 1] {
                return sign * x;
            }
            if layer == 0 {
                return sign * Self::tail(rng);
            }
            if f[layer] + open01(rng) * (f[layer + 1] - f[layer]) < libm::exp(-0.5 * x * x) {
                return sign * x;
            }
        }
    }

    /// Beyond the last layer (Marsaglia 1964).
    #[cold]
    fn tail(rng: &mut Pcg64Mcg) -> f64 {
        loop {
            let x = -libm::log(open01(rng)) / NORMAL_R;
            if -2.0 * libm::log(open01(rng)) > x * x {
                return NORMAL_R + x;
            }
        }
    }
}

/// Gamma with this shape and scale 1 (Marsaglia and Tsang, "A simple method for generating gamma variables", 2000); below shape 1 by the
/// power of a uniform.
fn gamma(normal: Normal, rng: &mut Pcg64Mcg, shape: f64) -> f64 {
    if shape < 1.0 {
        let boost = libm::pow(open01(rng), 1.0 / shape);
        return gamma(normal, rng, shape + 1.0) * boost;
    }
    let d = shape - 1.0 / 3.0;
    let c = 1.0 / libm::sqrt(9.0 * d);
    loop {
        let z = normal.draw(rng);
        let v = 1.0 + c * z;
        if v > 0.0 {
            let v = v * v * v;
            let u = open01(rng);
            // The squeeze spares the logarithms nearly always.
            if u < 1.0 - 0.0331 * z * z * z * z || libm::log(u) < 0.5 * z * z + d - d * v + d * libm::log(v) {
                return d * v;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Stream, child};

    #[test]
    fn the_normal_has_its_distribution_function_on_both_sides_also_in_the_tails() {
        let normal = Normal { tables: &NORMAL };
        let mut rng = child(3, 0, Stream::Service);
        let n = 2_000_000;
        let draws: Vec<f64> = (0..n).map(|_| normal.draw(&mut rng)).collect();
        // P(X > x) from libm's error function.
        for x in [-3.7, -2.0, -1.0, -0.1, 0.0, 0.5, 1.0, 2.0, 3.0, 3.66, 4.0] {
            let expected = 0.5 * libm::erfc(x / std::f64::consts::SQRT_2);
            let share = draws.iter().filter(|draw| **draw > x).count() as f64 / f64::from(n);
            let sigma = libm::sqrt(expected * (1.0 - expected) / f64::from(n));
            assert!((share - expected).abs() < 4.5 * sigma, "P(X > {x}) = {share}, expected {expected} ± {sigma}");
        }
    }

    #[test]
    fn the_exponential_has_its_distribution_function_everywhere_also_in_the_tail() {
        let exponential = Exponential::new();
        let mut rng = child(2, 0, Stream::Service);
        let n = 2_000_000;
        let draws: Vec<f64> = (0..n).map(|_| exponential.draw(&mut rng)).collect();
        for x in [0.01, 0.1, 0.5, 1.0, 2.0, 4.0, 7.0, 7.7, 9.0, 11.0] {
            let expected = libm::exp(-x);
            let share = draws.iter().filter(|draw| **draw > x).count() as f64 / f64::from(n);
            let sigma = libm::sqrt(expected * (1.0 - expected) / f64::from(n));
            assert!((share - expected).abs() < 4.5 * sigma, "P(X > {x}) = {share}, expected {expected} ± {sigma}");
        }
    }
}
