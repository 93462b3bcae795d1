//! A forecast: points with quantiles, and the quantiles of a window's maximum.

use serde::{Deserialize, Serialize};

use crate::{bound::BeyondHistory, clean::Cleaning, explanation::Explanation, frame::rounded, paths::Maxima, tracking::stretch_at};

/// What is expected from the origin on, and how sure that is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Forecast {
    /// Rows after this were not used [epoch ms].
    pub origin_ms: i64,
    /// Distance of two points [ms]: the series' own step.
    pub step_ms: i64,
    /// The model that answered.
    pub model: String,
    /// What the history was long enough for; `None` for a forecast that somebody else made.
    #[serde(default)]
    pub basis: Option<Basis>,
    /// Observed values that the forecast was learnt from.
    pub history_points: usize,
    /// Levels of [`Point::q`], ascending.
    pub quantiles: Vec<f64>,
    /// Point `i` stands for the step that ends at `origin_ms + (i + 1) · step_ms`.
    pub points: Vec<Point>,
    /// The blend's weights; they add up to 1.
    pub members: Vec<MemberWeight>,
    /// What was done to the history.
    pub cleaning: Vec<Cleaning>,
    /// Why it says that.
    #[serde(default)]
    pub explanation: Box<Explanation>,
    /// That it was cut off because it went beyond what the history supports.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub beyond_history: Option<Box<BeyondHistory>>,
    /// The highest load of the history, after cleaning; 0 where it isn't known.
    #[serde(default)]
    pub(crate) highest: f64,
    maxima: Maxima,
}

/// How much of the rhythm the history was long enough to show. Less means wider quantiles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// Less than a day: the recent level, held.
    Persistence,
    /// A day or more: the time of day is known, the weekday isn't.
    Day,
    /// The same weekday was seen before.
    Week,
}

impl Basis {
    /// The name in results.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Persistence => "persistence",
            Self::Day => "day",
            Self::Week => "week",
        }
    }
}

/// The distribution of one step's value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// End of the step [epoch ms].
    pub ts_ms: i64,
    /// The expected value.
    pub mean: f64,
    /// The value at each of [`Forecast::quantiles`], ascending, never negative.
    pub q: Vec<f64>,
}

/// How much of the blend a member is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MemberWeight {
    /// The member.
    pub name: String,
    /// Its share, 0 … 1.
    pub weight: f64,
}

/// Why points are no forecast.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum InvalidForecast {
    /// The levels are not ascending within (0, 1).
    #[error("quantiles = {0:?}: ascending levels between 0 and 1, both excluded, are allowed")]
    Quantiles(Vec<f64>),
    /// A point's time is not on the grid `origin + (i + 1) · step`.
    #[error("point {index}: its time is {ts_ms} ms, {expected_ms} ms was expected")]
    Time {
        /// Which point.
        index: usize,
        /// Its time [epoch ms].
        ts_ms: i64,
        /// The time that the grid has there [epoch ms].
        expected_ms: i64,
    },
    /// A value is not finite, negative, or below that of a lower level.
    #[error("point {index}: one finite value ≥ 0 per level, ascending, and a finite mean ≥ 0 are allowed")]
    Value {
        /// Which point.
        index: usize,
    },
    /// There is no point, or the step isn't positive.
    #[error("at least one point and a step above 0 are needed")]
    Empty,
}

impl Forecast {
    pub(crate) fn new(points: Vec<Point>, about: About, maxima: Maxima) -> Self {
        let About { origin_ms, step_ms, model, basis, history_points, quantiles, members, cleaning, explanation } = about;
        Self {
            origin_ms,
            step_ms,
            model,
            basis,
            history_points,
            quantiles,
            points,
            members,
            cleaning,
            explanation: Box::new(explanation),
            beyond_history: None,
            highest: 0.0,
            maxima,
        }
    }

    /// A forecast that somebody else made. Its window maximum is the highest point quantile of the window, which is too low for windows of many
    /// steps: the maximum of many uncertain steps lies above each of them.
    ///
    /// # Errors
    /// [`InvalidForecast`].
    pub fn from_quantiles(origin_ms: i64, step_ms: i64, quantiles: Vec<f64>, points: Vec<Point>) -> Result<Self, InvalidForecast> {
        if points.is_empty() || step_ms <= 0 {
            return Err(InvalidForecast::Empty);
        }
        let in_order = quantiles.windows(2).all(|pair| pair[0] < pair[1]);
        if quantiles.is_empty() || !in_order || quantiles.iter().any(|&q| !(q > 0.0 && q < 1.0)) {
            return Err(InvalidForecast::Quantiles(quantiles));
        }
        for (index, point) in points.iter().enumerate() {
            let expected_ms = origin_ms + (index as i64 + 1) * step_ms;
            if point.ts_ms != expected_ms {
                return Err(InvalidForecast::Time { index, ts_ms: point.ts_ms, expected_ms });
            }
            let ascending = point.q.windows(2).all(|pair| pair[0] <= pair[1]);
            let sound = point.q.iter().chain([&point.mean]).all(|v| v.is_finite() && *v >= 0.0);
            if point.q.len() != quantiles.len() || !ascending || !sound {
                return Err(InvalidForecast::Value { index });
            }
        }
        let about = About {
            origin_ms,
            step_ms,
            model: "external".to_owned(),
            basis: None,
            history_points: 0,
            quantiles,
            members: Vec::new(),
            cleaning: Vec::new(),
            explanation: Explanation::default(),
        };
        Ok(Self::new(points, about, Maxima::default()))
    }

    /// The value at the time and level; levels between two stored ones are interpolated, times take the step that they lie in.
    /// `None` before the origin, after the horizon, and for levels outside of the stored ones.
    #[must_use]
    pub fn quantile_at(&self, ts_ms: i64, q: f64) -> Option<f64> {
        let between = self.level(q)?;
        Some(between.of(&self.points[self.index(ts_ms)?].q))
    }

    /// The quantile of the *maximum* over `[from_ms, to_ms]`: with probability `q` no step of the window is above it. At least the highest point
    /// quantile of the window. `None` if the window leaves the horizon or is empty, or the level lies outside of the stored ones.
    ///
    /// Method: `forecasting.md`'s geometric mean of the maxima of the path plus whole stretches of past residuals, and of the path's maximum
    /// shifted by past errors of such maxima.
    #[must_use]
    pub fn window_max(&self, from_ms: i64, to_ms: i64, q: f64) -> Option<f64> {
        let between = self.level(q)?;
        let (first, last) = self.steps(from_ms, to_ms)?;
        let highest = self.points[first..=last].iter().map(|point| between.of(&point.q)).fold(0.0, f64::max);
        let lead = |index: usize| (index as i64 + 1) * self.step_ms;
        let (from, to) = (lead(first) - self.step_ms, lead(last));
        let stretch = self.maxima.stretch(from + (to - from) / 2, &self.quantiles, &between);
        // Most forecasts have no record, and need no median.
        let median = if stretch == 1.0 { None } else { self.maxima.quantile(from, to, 0.5) };
        let stretched = |max| median.map_or(max, |median| moved(max, median, self.maxima.scale, stretch));
        let simulated = self.maxima.quantile(from, to, q).map(stretched);
        let max = simulated.map_or(highest, |max| max.max(highest));
        Some(self.beyond_history.as_ref().map_or(max, |beyond| max.min(beyond.bound)))
    }

    /// Moves the quantiles away from the median, or towards it, on the log scale: each level by a factor that depends on the lead.
    pub(crate) fn stretch(&mut self, stretches: Vec<(i64, Vec<f64>)>) {
        let (Some(between), scale) = (self.level(0.5), self.maxima.scale) else { return };
        for (i, point) in self.points.iter_mut().enumerate() {
            let lead_ms = (i as i64 + 1) * self.step_ms;
            let median = between.of(&point.q);
            for (level, value) in point.q.iter_mut().enumerate() {
                *value = moved(*value, median, scale, stretch_at(&stretches, lead_ms, level));
            }
            for level in 1..point.q.len() {
                point.q[level] = point.q[level].max(point.q[level - 1]);
            }
        }
        rounded(&mut self.points, scale);
        self.maxima.stretches = stretches;
        self.cut_off();
    }

    /// End of the last step [epoch ms].
    #[must_use]
    pub fn horizon_end_ms(&self) -> i64 {
        self.origin_ms + self.points.len() as i64 * self.step_ms
    }

    /// The first and the last step of a window; `None` if it leaves the horizon or is empty.
    pub(crate) fn steps(&self, from_ms: i64, to_ms: i64) -> Option<(usize, usize)> {
        if from_ms > to_ms {
            return None;
        }
        Some((self.index(from_ms)?, self.index(to_ms)?))
    }

    /// The medians of these steps, or the lowest level's values where there is none.
    pub(crate) fn medians(&self, first: usize, last: usize) -> Option<Vec<f64>> {
        let between = self.level(0.5).or_else(|| self.level(self.quantiles[0]))?;
        Some(self.points[first..=last].iter().map(|point| between.of(&point.q)).collect())
    }

    pub(crate) fn maxima(&self) -> &Maxima {
        &self.maxima
    }

    /// The point whose step holds the time; the origin itself belongs to the first.
    fn index(&self, ts_ms: i64) -> Option<usize> {
        if ts_ms < self.origin_ms || ts_ms > self.horizon_end_ms() {
            return None;
        }
        Some(((ts_ms - self.origin_ms + self.step_ms - 1) / self.step_ms - 1).max(0) as usize)
    }

    fn level(&self, q: f64) -> Option<Between> {
        let above = self.quantiles.iter().position(|&level| level >= q - 1e-9)?;
        if (self.quantiles[above] - q).abs() <= 1e-9 {
            return Some(Between { above, share_below: 0.0 });
        }
        let below = above.checked_sub(1)?;
        Some(Between { above, share_below: (self.quantiles[above] - q) / (self.quantiles[above] - self.quantiles[below]) })
    }
}

/// What a forecast says about itself.
pub(crate) struct About {
    pub origin_ms: i64,
    pub step_ms: i64,
    pub model: String,
    pub basis: Option<Basis>,
    pub history_points: usize,
    pub quantiles: Vec<f64>,
    pub members: Vec<MemberWeight>,
    pub cleaning: Vec<Cleaning>,
    pub explanation: Explanation,
}

/// A value at another distance from the median on the log scale of that unit.
fn moved(value: f64, median: f64, scale: f64, stretch: f64) -> f64 {
    if stretch == 1.0 || scale <= 0.0 {
        return value;
    }
    let (z, middle) = (libm::log1p(value / scale), libm::log1p(median / scale));
    (scale * libm::expm1(middle + stretch * (z - middle))).max(0.0)
}

/// A level between two stored ones.
pub(crate) struct Between {
    pub above: usize,
    pub share_below: f64,
}

impl Between {
    pub fn of(&self, q: &[f64]) -> f64 {
        let above = q[self.above];
        if self.share_below == 0.0 { above } else { above + self.share_below * (q[self.above - 1] - above) }
    }
}

#[cfg(test)]
mod tests;
