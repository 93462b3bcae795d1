//! Minima of smooth functions of one and two variables, without derivatives.

/// Steps of a search; each narrows it by a constant factor, so that these are more than double precision can show.
const STEPS: u32 = 400;
const GOLDEN: f64 = 0.618_033_988_749_894_9;

/// Golden section between two ends: (place, value).
pub(super) fn golden(mut low: f64, mut high: f64, tolerance: f64, f: impl Fn(f64) -> f64) -> (f64, f64) {
    let (mut a, mut b) = (high - GOLDEN * (high - low), low + GOLDEN * (high - low));
    let (mut fa, mut fb) = (f(a), f(b));
    for _ in 0..STEPS {
        if high - low < tolerance {
            break;
        }
        if fa <= fb {
            (high, b, fb) = (b, a, fa);
            a = high - GOLDEN * (high - low);
            fa = f(a);
        } else {
            (low, a, fa) = (a, b, fb);
            b = low + GOLDEN * (high - low);
            fb = f(b);
        }
    }
    if fa <= fb { (a, fa) } else { (b, fb) }
}

/// Nelder and Mead, "A simplex method for function minimization", 1965, in two dimensions: (place, value).
pub(super) fn simplex(start: [f64; 2], size: f64, f: impl Fn([f64; 2]) -> f64) -> ([f64; 2], f64) {
    let at = |point: [f64; 2]| (point, f(point));
    let mut corners = [at(start), at([start[0] + size, start[1]]), at([start[0], start[1] + size])];
    for _ in 0..STEPS {
        corners.sort_by(|left, right| left.1.total_cmp(&right.1));
        let [best, middle, worst] = corners;
        let spread = corners.iter().map(|corner| libm::fabs(corner.0[0] - best.0[0]) + libm::fabs(corner.0[1] - best.0[1]));
        if spread.fold(0.0, f64::max) < 1e-9 {
            break;
        }
        let centre = [0.5 * (best.0[0] + middle.0[0]), 0.5 * (best.0[1] + middle.0[1])];
        let along = |by: f64| at([centre[0] + by * (worst.0[0] - centre[0]), centre[1] + by * (worst.0[1] - centre[1])]);
        let mirrored = along(-1.0);
        corners[2] = if mirrored.1 < best.1 {
            let further = along(-2.0);
            if further.1 < mirrored.1 { further } else { mirrored }
        } else if mirrored.1 < middle.1 {
            mirrored
        } else {
            let inside = if mirrored.1 < worst.1 { along(-0.5) } else { along(0.5) };
            if inside.1 < worst.1.min(mirrored.1) {
                inside
            } else {
                let half = |corner: [f64; 2]| at([0.5 * (corner[0] + best.0[0]), 0.5 * (corner[1] + best.0[1])]);
                corners[1] = half(middle.0);
                half(worst.0)
            }
        };
    }
    corners.sort_by(|left, right| left.1.total_cmp(&right.1));
    corners[0]
}

/// Where a function that rises away from `from` first passes 0 on the way to `to`, or `None` if it doesn't.
pub(super) fn crossing(from: f64, to: f64, f: impl Fn(f64) -> f64) -> Option<f64> {
    if f(to) < 0.0 {
        return None;
    }
    let (mut inside, mut outside) = (from, to);
    for _ in 0..40 {
        let middle = 0.5 * (inside + outside);
        if f(middle) < 0.0 { inside = middle } else { outside = middle }
    }
    Some(0.5 * (inside + outside))
}
