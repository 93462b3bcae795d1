//! How good quantiles were: pinball loss and coverage.

/// The pinball loss of a quantile: the asymmetric error whose minimum is that quantile (Koenker & Bassett 1978). Same unit as the value.
#[must_use]
pub fn pinball(actual: f64, predicted: f64, level: f64) -> f64 {
    let error = actual - predicted;
    if error >= 0.0 { level * error } else { (level - 1.0) * error }
}

/// Sums over scored points; add up the tallies of several origins.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tally {
    /// Levels that are scored, ascending.
    pub levels: Vec<f64>,
    /// Σ pinball loss per level.
    pub losses: Vec<f64>,
    /// Points at or below the quantile, per level.
    pub covered: Vec<u64>,
    /// Scored points.
    pub points: u64,
    /// Σ |actual|.
    pub volume: f64,
}

impl Tally {
    /// Nothing scored yet.
    #[must_use]
    pub fn new(levels: &[f64]) -> Self {
        Self { levels: levels.to_vec(), losses: vec![0.0; levels.len()], covered: vec![0; levels.len()], points: 0, volume: 0.0 }
    }

    /// Scores one point; `predicted` has a value per level.
    pub fn add(&mut self, actual: f64, predicted: &[f64]) {
        self.points += 1;
        self.volume += actual.abs();
        for (i, &value) in predicted.iter().enumerate().take(self.levels.len()) {
            self.losses[i] += pinball(actual, value, self.levels[i]);
            self.covered[i] += u64::from(actual <= value);
        }
    }

    /// Adds another tally of the same levels.
    pub fn merge(&mut self, other: &Self) {
        self.points += other.points;
        self.volume += other.volume;
        for i in 0..self.levels.len() {
            self.losses[i] += other.losses[i];
            self.covered[i] += other.covered[i];
        }
    }

    /// Mean weighted quantile loss: the mean over levels of 2 Σ loss / Σ |actual|. `None` without volume.
    #[must_use]
    pub fn loss(&self) -> Option<f64> {
        let sum: f64 = self.losses.iter().sum();
        (self.volume > 0.0 && !self.levels.is_empty()).then(|| 2.0 * sum / self.volume / self.levels.len() as f64)
    }

    /// Share of points at or below the quantile of that level. `None` if the level isn't scored or no point was.
    #[must_use]
    pub fn coverage(&self, level: f64) -> Option<f64> {
        let i = self.levels.iter().position(|&scored| (scored - level).abs() < 1e-9)?;
        (self.points > 0).then(|| self.covered[i] as f64 / self.points as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loss_of_a_high_quantile_punishes_being_too_low_more() {
        assert_eq!(pinball(10.0, 6.0, 0.75), 3.0);
        assert_eq!(pinball(6.0, 10.0, 0.75), 1.0);
    }

    #[test]
    fn tallies_add_up_and_an_empty_one_has_no_loss() {
        let (mut one, mut other) = (Tally::new(&[0.5, 0.9]), Tally::new(&[0.5, 0.9]));
        assert_eq!(one.loss(), None);
        assert_eq!(one.coverage(0.5), None);
        one.add(10.0, &[10.0, 20.0]);
        other.add(30.0, &[10.0, 20.0]);
        one.merge(&other);
        // Losses 0 + 10 at the median, 1 + 9 at q.90, over a volume of 40.
        assert!((one.loss().unwrap() - 2.0 * 20.0 / 40.0 / 2.0).abs() < 1e-12);
        assert_eq!(one.coverage(0.9), Some(0.5));
        assert_eq!(one.coverage(0.99), None);
    }
}
