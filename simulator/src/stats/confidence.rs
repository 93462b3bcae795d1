//! Student's t over replications.

use serde::Serialize;

/// A confidence interval, serialised as `[low, high]`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Interval(pub f64, pub f64);

impl Interval {
    /// Half of its width.
    pub fn half_width(&self) -> f64 {
        (self.1 - self.0) / 2.0
    }

    /// Whether a value lies inside (ends included).
    pub fn contains(&self, value: f64) -> bool {
        (self.0..=self.1).contains(&value)
    }
}

/// The two-sided interval for the mean of independent values at this confidence (0.95, say). `None` for fewer than two values.
pub fn t_interval(values: &[f64], confidence: f64) -> Option<Interval> {
    let n = values.len();
    if n < 2 {
        return None;
    }
    let mean = values.iter().sum::<f64>() / n as f64;
    let squares: f64 = values.iter().map(|value| (value - mean) * (value - mean)).sum();
    let error = libm::sqrt(squares / (n - 1) as f64 / n as f64);
    let half = student_t_quantile(0.5 + confidence / 2.0, (n - 1) as f64) * error;
    Some(Interval(mean - half, mean + half))
}

/// Quantile of Student's t with `df` degrees of freedom for p in [0.5, 1): bisection on the distribution function.
pub fn student_t_quantile(p: f64, df: f64) -> f64 {
    let tail = 1.0 - p;
    let (mut low, mut high) = (0.0, 1.0);
    while upper_tail(high, df) > tail && high < 1e12 {
        high *= 2.0;
    }
    // 120 halvings leave nothing between the two.
    for _ in 0..120 {
        let middle = 0.5 * (low + high);
        if upper_tail(middle, df) > tail { low = middle } else { high = middle }
    }
    0.5 * (low + high)
}

/// P(T > t) for t ≥ 0, through the regularised incomplete beta function.
fn upper_tail(t: f64, df: f64) -> f64 {
    0.5 * incomplete_beta(df / (df + t * t), df / 2.0, 0.5)
}

/// Regularised incomplete beta function by its continued fraction (Abramowitz and Stegun 26.5.8, Lentz's method).
fn incomplete_beta(x: f64, a: f64, b: f64) -> f64 {
    if x <= 0.0 || x >= 1.0 {
        return if x <= 0.0 { 0.0 } else { 1.0 };
    }
    let front = libm::exp(libm::lgamma(a + b) - libm::lgamma(a) - libm::lgamma(b) + a * libm::log(x) + b * libm::log1p(-x));
    if x < (a + 1.0) / (a + b + 2.0) { front * fraction(x, a, b) / a } else { 1.0 - front * fraction(1.0 - x, b, a) / b }
}

fn fraction(x: f64, a: f64, b: f64) -> f64 {
    const TINY: f64 = 1e-300;
    let guard = |value: f64| if value.abs() < TINY { TINY } else { value };
    let mut c = 1.0;
    let mut d = 1.0 / guard(1.0 - (a + b) * x / (a + 1.0));
    let mut result = d;
    for m in 1..500 {
        let m = f64::from(m);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        for term in [even, odd] {
            d = 1.0 / guard(1.0 + term * d);
            c = guard(1.0 + term / c);
            result *= d * c;
        }
        if (d * c - 1.0).abs() < 1e-15 {
            break;
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_agree_with_the_tables() {
        // Published tables of Student's t (two-sided 95 %, 99 %, and the normal limit).
        for (p, df, expected) in
            [(0.975, 1.0, 12.7062), (0.975, 9.0, 2.26216), (0.995, 9.0, 3.24984), (0.975, 30.0, 2.04227), (0.995, 1e7, 2.57583)]
        {
            let found = student_t_quantile(p, df);
            assert!((found - expected).abs() < 1e-4, "t({p}, {df}) = {found}");
        }
    }

    #[test]
    fn an_interval_needs_two_values() {
        assert_eq!(t_interval(&[1.0], 0.95), None);
        let interval = t_interval(&[1.0, 3.0], 0.95).unwrap();
        assert!((interval.half_width() - 12.7062).abs() < 1e-3 && interval.contains(2.0), "{interval:?}");
    }
}
