//! A regular series whose gaps are explicit: unknown is `None`, never a number.

use serde::{Deserialize, Serialize};

use crate::clean::{Cleaning, CleaningKind};

/// The finest step that a series may have.
pub const MIN_STEP_MS: i64 = 1_000;
/// The coarsest step that a series may have.
pub const MAX_STEP_MS: i64 = 3_600_000;
/// More slots than this (nearly eight years of minutes) is a mistyped timestamp, not a history.
pub const MAX_SLOTS: usize = 4_000_000;

/// Values at a regular step. A slot without an observation is a gap.
///
/// Slot `i` has the timestamp `start_ms + i · step_ms` (epoch milliseconds, UTC).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "Slots", into = "Slots")]
pub struct Series {
    start_ms: i64,
    step_ms: i64,
    /// NaN marks a gap; it never leaves this crate as a number.
    values: Vec<f64>,
}

/// What a series looks like as data: gaps are nulls.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Slots {
    start_ms: i64,
    step_ms: i64,
    values: Vec<Option<f64>>,
}

/// Why rows are no series. The caller's input is at fault; a retry can't help.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum SeriesError {
    /// There is not one row, or no step could be told from a single row.
    #[error("{rows} row(s): at least {need} are needed")]
    TooFewRows {
        /// Rows given.
        rows: usize,
        /// Rows needed.
        need: usize,
    },
    /// The step is outside of what is allowed.
    #[error("step = {step_ms} ms: a step between {MIN_STEP_MS} ms and {MAX_STEP_MS} ms (1 s to 1 h) is allowed")]
    Step {
        /// The step asked for or inferred [ms].
        step_ms: i64,
    },
    /// Too many rows lie between the slots of the step.
    #[error(
        "step = {step_ms} ms: {off_grid} of {rows} rows are more than a quarter of a step away from it (the first: {first_ms}); a regular step is needed"
    )]
    Irregular {
        /// The step asked for or inferred [ms].
        step_ms: i64,
        /// Rows off the grid.
        off_grid: usize,
        /// All rows.
        rows: usize,
        /// Timestamp of the first row off the grid [epoch ms].
        first_ms: i64,
    },
    /// The rows span more slots than [`MAX_SLOTS`].
    #[error("{slots} steps between the first and the last row: at most {MAX_SLOTS} are allowed (is a timestamp mistyped?)")]
    TooLong {
        /// Slots between the first and the last row.
        slots: i64,
    },
}

impl Series {
    /// A series from slots; `None` is a gap. Values that are not finite or negative stay until [`crate::clean::clean`] notes them and makes
    /// them gaps; NaN and infinities are gaps at once.
    ///
    /// # Errors
    /// [`SeriesError::Step`] and [`SeriesError::TooLong`].
    pub fn try_new(start_ms: i64, step_ms: i64, values: Vec<Option<f64>>) -> Result<Self, SeriesError> {
        check_step(step_ms)?;
        if values.len() > MAX_SLOTS {
            return Err(SeriesError::TooLong { slots: values.len() as i64 });
        }
        let values = values.into_iter().map(|value| value.filter(|v| v.is_finite()).unwrap_or(f64::NAN)).collect();
        Ok(Self { start_ms, step_ms, values })
    }

    /// A series from rows `(timestamp [epoch ms], value)` in any order. Sorts, keeps the last of duplicates, infers the step (the most frequent
    /// distance) unless it is given, moves rows by up to a quarter of a step onto the grid, makes gaps explicit, and says what it did.
    ///
    /// # Errors
    /// [`SeriesError`]: too few rows, a step outside of what is allowed, irregular rows, absurd length.
    pub fn try_from_points(points: &[(i64, f64)], step_ms: Option<i64>) -> Result<(Self, Vec<Cleaning>), SeriesError> {
        let need = if step_ms.is_some() { 1 } else { 2 };
        if points.len() < need {
            return Err(SeriesError::TooFewRows { rows: points.len(), need });
        }
        let mut notes = Vec::new();
        let rows = sort_and_dedup(points, &mut notes);
        let step_ms = match step_ms {
            Some(step_ms) => step_ms,
            None => infer_step(&rows).ok_or(SeriesError::TooFewRows { rows: rows.len(), need: 2 })?,
        };
        check_step(step_ms)?;
        let values = lay_on_grid(&rows, step_ms, &mut notes)?;
        Ok((Self { start_ms: rows[0].0, step_ms, values }, notes))
    }

    /// The value of slot `i`; `None` for a gap and beyond the end.
    #[must_use]
    pub fn value(&self, i: usize) -> Option<f64> {
        self.values.get(i).copied().filter(|v| v.is_finite())
    }

    /// The timestamp of slot `i` [epoch ms].
    #[must_use]
    pub fn timestamp_ms(&self, i: usize) -> i64 {
        self.start_ms + i as i64 * self.step_ms
    }

    /// Number of slots, gaps included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// True without a slot.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Number of slots that hold an observation.
    #[must_use]
    pub fn observed(&self) -> usize {
        self.values.iter().filter(|v| v.is_finite()).count()
    }

    /// Distance of two slots [ms].
    #[must_use]
    pub fn step_ms(&self) -> i64 {
        self.step_ms
    }

    /// Timestamp of the first slot [epoch ms].
    #[must_use]
    pub fn start_ms(&self) -> i64 {
        self.start_ms
    }

    /// Timestamp of the slot after the last one [epoch ms].
    #[must_use]
    pub fn end_ms(&self) -> i64 {
        self.timestamp_ms(self.len())
    }

    /// The rows with a timestamp ≤ `origin_ms`.
    #[must_use]
    pub fn until(&self, origin_ms: i64) -> Self {
        self.between(self.start_ms, origin_ms)
    }

    /// The rows with a timestamp ≥ `from_ms`.
    #[must_use]
    pub fn since(&self, from_ms: i64) -> Self {
        self.between(from_ms, self.end_ms())
    }

    /// The rows with a timestamp ≥ `from_ms` and ≤ `to_ms`.
    #[must_use]
    pub fn between(&self, from_ms: i64, to_ms: i64) -> Self {
        let slots = if to_ms < self.start_ms { 0 } else { ((to_ms - self.start_ms) / self.step_ms) as usize + 1 }.min(self.len());
        let skipped = if from_ms <= self.start_ms { 0 } else { (from_ms - self.start_ms + self.step_ms - 1) / self.step_ms };
        let skipped = (skipped as usize).min(slots);
        Self { start_ms: self.timestamp_ms(skipped), step_ms: self.step_ms, values: self.values[skipped..slots].to_vec() }
    }

    /// The same rows, later by so much.
    pub(crate) fn moved(self, by_ms: i64) -> Self {
        Self { start_ms: self.start_ms + by_ms, ..self }
    }

    /// Adds the next slot; `None` is a gap.
    pub fn push(&mut self, value: Option<f64>) {
        self.values.push(value.filter(|v| v.is_finite()).unwrap_or(f64::NAN));
    }

    /// The series at a coarser step: means of the observations whose timestamps lie in `[t, t + step)`, `t` a multiple of the new step since
    /// the epoch. A bin with fewer than half of its slots observed is a gap.
    ///
    /// # Errors
    /// [`SeriesError::Step`] if the new step is no multiple of the old one.
    pub fn resample(&self, step_ms: i64) -> Result<Self, SeriesError> {
        check_step(step_ms)?;
        if step_ms % self.step_ms != 0 {
            return Err(SeriesError::Step { step_ms });
        }
        let start_ms = self.start_ms.div_euclid(step_ms) * step_ms;
        let per_bin = (step_ms / self.step_ms) as usize;
        let bins = ((self.end_ms() - self.step_ms - start_ms).div_euclid(step_ms) + 1).max(0) as usize;
        let mut sums = vec![(0.0, 0_usize); bins];
        for (i, value) in self.values.iter().enumerate().filter(|(_, v)| v.is_finite()) {
            let bin = ((self.timestamp_ms(i) - start_ms) / step_ms) as usize;
            sums[bin].0 += value;
            sums[bin].1 += 1;
        }
        let values = sums.iter().map(|&(sum, n)| if n * 2 >= per_bin.max(1) && n > 0 { sum / n as f64 } else { f64::NAN }).collect();
        Ok(Self { start_ms, step_ms, values })
    }

    /// Slots as they are stored: NaN is a gap.
    pub(crate) fn raw(&self) -> &[f64] {
        &self.values
    }

    /// Slots as they are stored: NaN is a gap.
    pub(crate) fn raw_mut(&mut self) -> &mut [f64] {
        &mut self.values
    }
}

/// Gaps are equal to each other.
impl PartialEq for Series {
    fn eq(&self, other: &Self) -> bool {
        let same = |(a, b): (&f64, &f64)| a == b || a.is_nan() && b.is_nan();
        (self.start_ms, self.step_ms, self.len()) == (other.start_ms, other.step_ms, other.len())
            && self.values.iter().zip(&other.values).all(same)
    }
}

impl TryFrom<Slots> for Series {
    type Error = SeriesError;

    fn try_from(slots: Slots) -> Result<Self, SeriesError> {
        Self::try_new(slots.start_ms, slots.step_ms, slots.values)
    }
}

impl From<Series> for Slots {
    fn from(series: Series) -> Self {
        let values = (0..series.len()).map(|i| series.value(i)).collect();
        Self { start_ms: series.start_ms, step_ms: series.step_ms, values }
    }
}

fn check_step(step_ms: i64) -> Result<(), SeriesError> {
    if (MIN_STEP_MS..=MAX_STEP_MS).contains(&step_ms) { Ok(()) } else { Err(SeriesError::Step { step_ms }) }
}

/// Rows in time order, the last given of each timestamp.
fn sort_and_dedup(points: &[(i64, f64)], notes: &mut Vec<Cleaning>) -> Vec<(i64, f64)> {
    let mut late: Option<Cleaning> = None;
    let mut newest = i64::MIN;
    for &(ts_ms, _) in points {
        if ts_ms < newest {
            Cleaning::count_in(&mut late, CleaningKind::OutOfOrder, ts_ms);
        }
        newest = newest.max(ts_ms);
    }
    notes.extend(late);
    let mut rows = points.to_vec();
    rows.sort_by_key(|row| row.0); // stable: of equal timestamps the one given last stays last
    let mut unique: Vec<(i64, f64)> = Vec::with_capacity(rows.len());
    let mut doubled: Option<Cleaning> = None;
    for row in rows {
        match unique.last_mut() {
            Some(last) if last.0 == row.0 => {
                Cleaning::count_in(&mut doubled, CleaningKind::Duplicate, row.0);
                *last = row;
            }
            _ => unique.push(row),
        }
    }
    notes.extend(doubled);
    unique
}

/// The most frequent distance; of equally frequent ones the smallest.
fn infer_step(rows: &[(i64, f64)]) -> Option<i64> {
    let mut counts = std::collections::BTreeMap::<i64, usize>::new();
    for pair in rows.windows(2) {
        *counts.entry(pair[1].0.saturating_sub(pair[0].0)).or_default() += 1;
    }
    counts.into_iter().max_by_key(|&(step, n)| (n, std::cmp::Reverse(step))).map(|(step, _)| step)
}

fn lay_on_grid(rows: &[(i64, f64)], step_ms: i64, notes: &mut Vec<Cleaning>) -> Result<Vec<f64>, SeriesError> {
    let start_ms = rows[0].0;
    let slots = rows[rows.len() - 1].0.saturating_sub(start_ms).saturating_add(step_ms / 2) / step_ms + 1;
    if slots > MAX_SLOTS as i64 {
        return Err(SeriesError::TooLong { slots });
    }
    let mut values = vec![f64::NAN; slots as usize];
    let mut filled = vec![false; slots as usize];
    let (mut off_grid, mut first_ms) = (0, 0);
    let (mut moved, mut doubled): (Option<Cleaning>, Option<Cleaning>) = (None, None);
    for &(ts_ms, value) in rows {
        let slot = (ts_ms - start_ms + step_ms / 2) / step_ms;
        let away_ms = (ts_ms - start_ms - slot * step_ms).abs();
        if away_ms * 4 > step_ms {
            if off_grid == 0 {
                first_ms = ts_ms;
            }
            off_grid += 1;
        }
        if away_ms > 0 {
            Cleaning::count_in(&mut moved, CleaningKind::OffGrid, ts_ms);
        }
        if std::mem::replace(&mut filled[slot as usize], true) {
            Cleaning::count_in(&mut doubled, CleaningKind::Duplicate, ts_ms);
        }
        values[slot as usize] = if value.is_finite() { value } else { f64::NAN };
    }
    if off_grid * 20 > rows.len() {
        return Err(SeriesError::Irregular { step_ms, off_grid, rows: rows.len(), first_ms });
    }
    let mut unknown: Option<Cleaning> = None;
    for &(ts_ms, value) in rows {
        if !value.is_finite() {
            Cleaning::count_in(&mut unknown, CleaningKind::NotFinite, ts_ms);
        }
    }
    notes.extend(moved.into_iter().chain(doubled).chain(unknown));
    Ok(values)
}

#[cfg(test)]
mod tests;
