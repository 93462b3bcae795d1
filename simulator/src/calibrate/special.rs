//! The distribution functions that `libm` leaves to us.

/// Terms after which a series or fraction is as good as it gets: both converge in some hundred steps for the shapes that are searched.
const TERMS: u32 = 10_000;
const SMALL: f64 = 1e-300;

/// Probability that a standard normal is above `z`, also far out.
pub(super) fn normal_above(z: f64) -> f64 {
    0.5 * libm::erfc(z * std::f64::consts::FRAC_1_SQRT_2)
}

/// The regularised incomplete gamma functions (P, Q) of shape `a` at `x`: a series below the mean, Lentz's continued fraction above
/// (Press et al., "Numerical Recipes", 3rd ed., 6.2), so that each is exact where it is small.
pub(super) fn gamma_below_above(a: f64, x: f64) -> (f64, f64) {
    if x <= 0.0 {
        return (0.0, 1.0);
    }
    if x == f64::INFINITY {
        return (1.0, 0.0);
    }
    let front = libm::exp(a * libm::log(x) - x - libm::lgamma(a));
    if x < a + 1.0 {
        let (mut term, mut sum, mut n) = (1.0 / a, 1.0 / a, a);
        for _ in 0..TERMS {
            n += 1.0;
            term *= x / n;
            sum += term;
            if term < sum * 1e-15 {
                break;
            }
        }
        let below = (sum * front).min(1.0);
        return (below, 1.0 - below);
    }
    let mut b = x + 1.0 - a;
    let mut c = 1.0 / SMALL;
    let mut d = 1.0 / b;
    let mut h = d;
    for i in 1..=TERMS {
        let i = f64::from(i);
        let an = -i * (i - a);
        b += 2.0;
        d = an * d + b;
        d = if libm::fabs(d) < SMALL { SMALL } else { d };
        c = b + an / c;
        c = if libm::fabs(c) < SMALL { SMALL } else { c };
        d = 1.0 / d;
        h *= d * c;
        if libm::fabs(d * c - 1.0) < 1e-15 {
            break;
        }
    }
    let above = (front * h).clamp(0.0, 1.0);
    (1.0 - above, above)
}
