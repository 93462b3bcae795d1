//! Which part of a window is simulated. A week at 500 requests/s is 3 × 10^8 requests, and making it smaller by scaling load and capacity down
//! together would change how long the queues get: so the busiest stretch is simulated exactly, and the result says which.

use std::ops::Range;

/// The contiguous stretch with the most requests among the longest ones that keep within `most` requests; everything if all of it does.
/// `load` is requests/s, a value per step.
pub fn busiest(load: &[f64], step_s: f64, most: f64) -> Range<usize> {
    let mut sums = Vec::with_capacity(load.len() + 1);
    sums.push(0.0);
    let mut sum = 0.0;
    for rps in load {
        sum += rps * step_s;
        sums.push(sum);
    }
    if sum <= most {
        return 0..load.len();
    }
    let heaviest = |length: usize| {
        let starts = 0..=load.len() - length;
        let weight = |start: usize| sums[start + length] - sums[start];
        starts.max_by(|left, right| weight(*left).total_cmp(&weight(*right)).then(right.cmp(left))).map(|start| (weight(start), start))
    };
    // The heaviest stretch of a length gets heavier with the length.
    let (mut fits, mut breaks) = (0, load.len());
    while breaks - fits > 1 {
        let middle = fits + (breaks - fits) / 2;
        if heaviest(middle).is_some_and(|(weight, _)| weight <= most) { fits = middle } else { breaks = middle }
    }
    let start = heaviest(fits).map_or(0, |(_, start)| start);
    start..start + fits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_within_the_budget_stays_whole() {
        assert_eq!(busiest(&[1.0, 2.0, 3.0], 60.0, 360.0), 0..3);
        assert_eq!(busiest(&[], 60.0, 0.0), 0..0);
    }

    #[test]
    fn a_longer_one_is_cut_to_its_busiest_part() {
        let load = [1.0, 1.0, 5.0, 9.0, 4.0, 1.0, 9.0, 1.0];
        assert_eq!(busiest(&load, 1.0, 18.0), 2..5);
        assert_eq!(busiest(&load, 1.0, 14.0), 2..4);
        // One step of 9 fits, the heaviest two (14) don't, though a lighter two would.
        assert_eq!(busiest(&load, 1.0, 13.5), 3..4);
        // Two of the same weight: the first.
        assert_eq!(busiest(&load, 1.0, 9.0), 3..4);
        assert_eq!(busiest(&load, 1.0, 0.5), 0..0);
    }
}
