//! A forecast far beyond what its history supports is cut off and says so.
//!
//! A log scale makes it possible: a history that lay at nearly nothing for days and jumps may answer with a hundred times its highest load.
//! On 18 traces (some 900 origins, 1 h to 42 d of history) the load of the next day exceeded [`MOST_TIMES`] the highest load before only within
//! hours of a trace's begin and at a change of level by 50 times, while a forecast of crane04 reached 370 times. So what lies beyond isn't
//! knowledge, and whoever plans with it must be told.

use serde::{Deserialize, Serialize};

use crate::{bins::six_digits, forecast::Forecast};

/// No value of a forecast exceeds the highest load of its history by more.
pub const MOST_TIMES: f64 = 20.0;

/// That a forecast was cut off, and where.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BeyondHistory {
    /// The highest load of the history, after cleaning.
    pub highest: f64,
    /// What no value exceeds any more: [`MOST_TIMES`] the highest.
    pub bound: f64,
    /// The largest value before it was cut off.
    pub reached: f64,
    /// Points with such a value; none if only the maximum of a window was beyond.
    pub points: usize,
}

impl Forecast {
    /// Cut off at [`MOST_TIMES`] the highest load that its history had, if a quantile or mean of a point or of the horizon's maximum lies beyond:
    /// then [`Forecast::beyond_history`] says so. A history without load bounds nothing.
    #[must_use]
    pub fn bounded(mut self, highest: f64) -> Self {
        self.highest = if highest > 0.0 && highest.is_finite() { six_digits(highest) } else { 0.0 };
        self.cut_off();
        self
    }

    /// Again, after its quantiles were moved.
    pub(crate) fn cut_off(&mut self) {
        let highest = self.highest;
        if highest <= 0.0 {
            return;
        }
        let bound = six_digits(MOST_TIMES * highest);
        let level = self.quantiles.last().copied().unwrap_or(0.5);
        let before = self.beyond_history.as_deref().map_or((0.0, 0), |beyond| (beyond.reached, beyond.points));
        let mut reached = self.window_max(self.origin_ms, self.horizon_end_ms(), level).unwrap_or(0.0).max(before.0);
        let mut points = 0;
        for point in &mut self.points {
            let most = point.q.iter().copied().fold(point.mean, f64::max);
            reached = reached.max(most);
            if most > bound {
                points += 1;
                point.mean = point.mean.min(bound);
                point.q.iter_mut().for_each(|value| *value = value.min(bound));
            }
        }
        if reached > bound {
            let reached = six_digits(reached);
            self.beyond_history = Some(Box::new(BeyondHistory { highest, bound, reached, points: points.max(before.1) }));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forecast::Point;

    fn of(values: &[f64]) -> Forecast {
        let point = |(i, value): (usize, &f64)| Point { ts_ms: (i as i64 + 1) * 60_000, mean: value / 2.0, q: vec![value / 4.0, *value] };
        Forecast::from_quantiles(0, 60_000, vec![0.5, 0.99], values.iter().enumerate().map(point).collect()).unwrap()
    }

    #[test]
    fn quantiles_that_a_record_moves_beyond_are_cut_off_too() {
        let mut moved = of(&[150.0]).bounded(10.0);
        moved.points[0].q[1] = 500.0;
        moved.cut_off();
        assert_eq!(moved.beyond_history.as_deref().map(|beyond| (beyond.reached, beyond.points)), Some((500.0, 1)));
        moved.points[0].q[1] = 300.0;
        moved.cut_off();
        assert_eq!(moved.beyond_history.as_deref().map(|beyond| beyond.reached), Some(500.0), "the most of all");
        assert_eq!(moved.points[0].q, [37.5, 200.0]);
    }

    #[test]
    fn what_lies_beyond_is_cut_off_and_said_with_the_numbers() {
        let cut = of(&[150.0, 900.0, 250.0]).bounded(10.0);
        assert_eq!(cut.beyond_history.as_deref(), Some(&BeyondHistory { highest: 10.0, bound: 200.0, reached: 900.0, points: 2 }));
        assert_eq!((cut.points[1].mean, &cut.points[1].q), (200.0, &vec![200.0, 200.0]));
        assert_eq!((cut.points[2].mean, &cut.points[2].q), (125.0, &vec![62.5, 200.0]));
        assert_eq!(cut.window_max(0, 180_000, 0.99), Some(200.0));
        let whole = of(&[150.0]);
        assert_eq!(whole.clone().bounded(10.0).points, whole.points, "within the bound nothing changes");
        assert_eq!(whole.clone().bounded(0.0), whole, "nothing but zeros bounds nothing");
    }
}
