//! What is done to a series before it is believed, and the note that each thing leaves.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::series::Series;

/// A value above this multiple of the median, alone among its neighbours, is an error of measurement.
const SPIKE_FACTOR: f64 = 100.0;

/// No service has a load above this; what is larger is an error of measurement, and its sums would overflow.
const MAX_VALUE: f64 = 1e15;

/// What was done to some rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CleaningKind {
    /// Rows came later than a newer one and were sorted in.
    OutOfOrder,
    /// Rows had a timestamp (or slot) that was taken; the last one given won.
    Duplicate,
    /// Rows lay beside the step's grid and were moved onto it.
    OffGrid,
    /// NaN or infinite values, and those above 10¹⁵, became gaps.
    NotFinite,
    /// Negative values became gaps.
    Negative,
    /// Single values above 100 times the median, both neighbours below a tenth of them, became gaps.
    Spike,
    /// Slots without an observation. Bridged while features are computed, never reported as values.
    Gap,
    /// The level changed for good: rows before the change were left out.
    LevelShift,
}

/// One note: this was done to so many rows of that stretch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cleaning {
    /// What was done.
    pub kind: CleaningKind,
    /// To how many rows.
    pub rows: u64,
    /// The first of them [epoch ms].
    pub first_ms: i64,
    /// The last of them [epoch ms].
    pub last_ms: i64,
}

impl Cleaning {
    /// Counts one more row in a note that may not exist yet.
    pub(crate) fn count_in(note: &mut Option<Self>, kind: CleaningKind, ts_ms: i64) {
        match note {
            Some(note) => {
                note.rows += 1;
                note.first_ms = note.first_ms.min(ts_ms);
                note.last_ms = note.last_ms.max(ts_ms);
            }
            None => *note = Some(Self { kind, rows: 1, first_ms: ts_ms, last_ms: ts_ms }),
        }
    }
}

impl fmt::Display for Cleaning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let done = match self.kind {
            CleaningKind::OutOfOrder => "out of order, sorted in",
            CleaningKind::Duplicate => "duplicated, the last one given kept",
            CleaningKind::OffGrid => "beside the step, moved onto it",
            CleaningKind::NotFinite => "NaN, infinite or above 10^15, treated as gaps",
            CleaningKind::Negative => "negative, treated as gaps",
            CleaningKind::Spike => "a single spike above 100 times the median, treated as gaps",
            CleaningKind::Gap => "missing",
            CleaningKind::LevelShift => "before a lasting change of level, left out",
        };
        write!(f, "{} row(s) {done}", self.rows)
    }
}

/// Makes gaps of values that can't be true and notes it: negative ones, those above 10¹⁵, and single spikes above 100 times the median of the
/// positive values with both neighbours below a tenth of them. The newest value is never called a spike: it may be the first minute of a flash
/// crowd, and what is ambiguous must not lower a forecast.
#[must_use]
pub fn clean(series: Series) -> (Series, Vec<Cleaning>) {
    let Cleaned { series, notes, .. } = cleaned(series);
    (series, notes)
}

/// A series that may be believed.
pub(crate) struct Cleaned {
    pub series: Series,
    pub notes: Vec<Cleaning>,
    /// Of the values above 0; `None` if there is none.
    pub median: Option<f64>,
}

/// [`clean`], and what was found on the way.
pub(crate) fn cleaned(mut series: Series) -> Cleaned {
    let (mut absurd, mut negative, mut spike, mut gap) = (None, None, None, None);
    let (start_ms, step_ms) = (series.start_ms(), series.step_ms());
    let at_ms = |i: usize| start_ms + i as i64 * step_ms;
    let mut highest = 0.0_f64;
    for (i, value) in series.raw_mut().iter_mut().enumerate() {
        // Most values are neither; NaN is.
        if (0.0..=MAX_VALUE).contains(value) {
            highest = highest.max(*value);
            continue;
        }
        let (note, kind) = match *value {
            known if known < 0.0 => (&mut negative, CleaningKind::Negative),
            known if known > MAX_VALUE => (&mut absurd, CleaningKind::NotFinite),
            _ => (&mut gap, CleaningKind::Gap),
        };
        Cleaning::count_in(note, kind, at_ms(i));
        *value = f64::NAN;
    }
    let mut median = positive_median(series.raw());
    let limit = median.map(|median| SPIKE_FACTOR * median);
    if let Some(limit) = limit.filter(|limit| highest > *limit) {
        for i in spikes(series.raw(), limit) {
            Cleaning::count_in(&mut spike, CleaningKind::Spike, at_ms(i));
            series.raw_mut()[i] = f64::NAN;
        }
        median = positive_median(series.raw());
    }
    Cleaned { series, notes: [absurd, negative, spike, gap].into_iter().flatten().collect(), median }
}

/// The median of the values above 0; `None` if there is none.
pub(crate) fn positive_median(values: &[f64]) -> Option<f64> {
    let mut positive = Vec::with_capacity(values.len());
    positive.extend(values.iter().copied().filter(|&v| v > 0.0 && v.is_finite()));
    if positive.is_empty() {
        return None;
    }
    let middle = positive.len() / 2;
    let (_, median, _) = positive.select_nth_unstable_by(middle, f64::total_cmp);
    Some(*median)
}

/// Slots above the limit whose nearest observed neighbours on both sides are below a tenth of them.
fn spikes(values: &[f64], limit: f64) -> Vec<usize> {
    let observed: Vec<usize> = (0..values.len()).filter(|&i| values[i].is_finite()).collect();
    let mut found = Vec::new();
    for around in observed.windows(3) {
        let [before, at, after] = [values[around[0]], values[around[1]], values[around[2]]];
        if at > limit && before < 0.1 * at && after < 0.1 * at {
            found.push(around[1]);
        }
    }
    found
}

#[cfg(test)]
mod tests;
