//! The load history without its events, so that a forecast is of the usual load, and multiplied once.
//!
//! How much of an event the history shows is judged against the usual load of the same hours: that of the days within a week on which the
//! event didn't take place, brought to the level just before and after it; without two such days, a line from the level before to the level
//! after.

use std::ops::Range;

use predictor::{DAY_MS, Series};

use super::{Calendar, Occurrence, Place, Uplift, clocks, factor};

/// Days before and after whose load may stand for the usual one.
const DAYS: i64 = 7;
/// The levels before and after are of half of the event's length, within these.
const AROUND_MS: (i64, i64) = (30 * 60_000, 2 * 3_600_000);

/// The series without what multiplying events have shown: the forecast is of the load without them, and is multiplied afterwards. Left in, they
/// would count twice.
///
/// An event that runs now becomes a gap. One that is over is divided out as far as the load really was multiplied then: not at all where it
/// stayed as usual, and by no more than its multiplier. Where the usual load can't be told the history is left alone.
///
/// Of an event that learns, what was learnt stands for the multiplier.
pub fn without_events(series: Series, place: Place, learnt: &[Uplift], now_ms: i64) -> Series {
    let Some(calendar) = Calendar::at(place, learnt) else { return series };
    let running = calendar.multipliers(now_ms, now_ms).iter().map(|one| one.from_ms).min();
    let past_end_ms = running.unwrap_or(now_ms).min(now_ms);
    let found = calendar.multipliers(series.start_ms(), past_end_ms);
    if running.is_none() && found.is_empty() {
        return series;
    }
    let step_ms = series.step_ms();
    let past = Past::of(&series, &calendar, &found);
    let mut values: Vec<Option<f64>> = (0..series.len()).map(|slot| series.value(slot)).collect();
    for stretch in &past.stretches {
        past.divide(&found, *stretch, &mut values);
    }
    if let Some(from_ms) = running {
        let kept = past.slots(series.start_ms(), from_ms.saturating_sub(step_ms)).end;
        values[kept..].fill(None);
    }
    // The same start, step and length as a series that there is.
    Series::try_new(series.start_ms(), step_ms, values).unwrap_or(series)
}

/// A history and when events took place in it.
pub(super) struct Past<'a> {
    series: &'a Series,
    clocks: predictor::Calendar,
    /// When at least one event ran, ascending and apart.
    pub stretches: Vec<(i64, i64)>,
}

/// What is known of the usual load during a stretch.
pub(super) struct Usual {
    /// Time and level just before and just after.
    ends: [Option<(i64, f64)>; 2],
    /// Days to look at: how far away, and what brings them to the level of this one.
    days: Vec<(i64, f64)>,
}

impl<'a> Past<'a> {
    /// With the events by their begin.
    pub fn of(series: &'a Series, calendar: &Calendar, found: &[Occurrence]) -> Past<'a> {
        let clocks = clocks(calendar.place.time_zone, series.start_ms(), series.end_ms()).unwrap_or_default();
        let mut stretches: Vec<(i64, i64)> = Vec::new();
        for one in found {
            match stretches.last_mut() {
                Some(last) if one.from_ms <= last.1 => last.1 = last.1.max(one.until_ms),
                _ => stretches.push((one.from_ms, one.until_ms)),
            }
        }
        Past { series, clocks, stretches }
    }

    /// The slots with a timestamp in `[from_ms, to_ms]`.
    pub fn slots(&self, from_ms: i64, to_ms: i64) -> Range<usize> {
        let (start_ms, step_ms) = (self.series.start_ms(), self.series.step_ms());
        let slot = |ms: i64| usize::try_from(ms).unwrap_or(0).min(self.series.len());
        let first = slot(from_ms.saturating_sub(start_ms).saturating_add(step_ms - 1).div_euclid(step_ms));
        let end = slot(to_ms.saturating_sub(start_ms).div_euclid(step_ms).saturating_add(1));
        first..end.max(first)
    }

    /// The slots that an event may have a part in, whether a timestamp is the begin or the end of its step.
    pub fn touched(&self, (from_ms, until_ms): (i64, i64)) -> Range<usize> {
        let step_ms = self.series.step_ms();
        self.slots(from_ms.saturating_sub(step_ms).saturating_add(1), until_ms.saturating_add(step_ms).saturating_sub(1))
    }

    /// Whether a slot is the event's altogether.
    pub fn within(&self, (from_ms, until_ms): (i64, i64), slot: usize) -> bool {
        let (at_ms, step_ms) = (self.series.timestamp_ms(slot), self.series.step_ms());
        at_ms - step_ms >= from_ms && at_ms + step_ms <= until_ms
    }

    /// Whether no event takes place in `[from_ms, to_ms]`, nor a step away.
    fn free(&self, from_ms: i64, to_ms: i64) -> bool {
        let step_ms = self.series.step_ms();
        let next = self.stretches.partition_point(|&(_, until_ms)| until_ms.saturating_add(step_ms) <= from_ms);
        self.stretches.get(next).is_none_or(|&(begin_ms, _)| begin_ms.saturating_sub(step_ms) >= to_ms)
    }

    /// The median load within `[from_ms, to_ms]`, events left out, with the middle's time.
    fn level(&self, from_ms: i64, to_ms: i64) -> Option<(i64, f64)> {
        let free = self.slots(from_ms, to_ms).filter(|&slot| {
            let at_ms = self.series.timestamp_ms(slot);
            self.free(at_ms, at_ms)
        });
        let level = median(free.filter_map(|slot| self.series.value(slot)).collect())?;
        Some((from_ms / 2 + to_ms / 2, level))
    }

    /// The levels before and after a stretch.
    fn ends(&self, (from_ms, until_ms): (i64, i64)) -> [Option<(i64, f64)>; 2] {
        let step_ms = self.series.step_ms();
        let around_ms = ((until_ms - from_ms) / 2).clamp(AROUND_MS.0, AROUND_MS.1).max(3 * step_ms);
        let (before_ms, after_ms) = (from_ms.saturating_sub(step_ms), until_ms.saturating_add(step_ms));
        [self.level(before_ms.saturating_sub(around_ms), before_ms), self.level(after_ms, after_ms.saturating_add(around_ms))]
    }

    /// How far away the same local time of a day is.
    fn shift_ms(&self, at_ms: i64, days: i64) -> i64 {
        let shift_ms = days * DAY_MS;
        shift_ms - (self.clocks.offset_ms(at_ms.saturating_add(shift_ms)) - self.clocks.offset_ms(at_ms))
    }

    /// What is known of the usual load during a stretch.
    pub fn usual(&self, stretch: (i64, i64)) -> Usual {
        let ends = self.ends(stretch);
        let mut days = Vec::new();
        for day in (-DAYS..=DAYS).filter(|day| *day != 0) {
            let shift_ms = self.shift_ms(stretch.0, day);
            let there = (stretch.0.saturating_add(shift_ms), stretch.1.saturating_add(shift_ms));
            if !self.free(there.0, there.1) {
                continue;
            }
            let both = ends.iter().zip(self.ends(there)).filter_map(|(here, there)| Some((here.as_ref()?.1, there?.1)));
            let (here, there) = both.fold((0.0, 0.0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
            if there > 0.0 {
                days.push((shift_ms, here / there));
            }
        }
        Usual { ends, days }
    }

    /// The usual load of a slot; `None` where nothing tells it.
    pub fn usual_at(&self, usual: &Usual, slot: usize) -> Option<f64> {
        let at_ms = self.series.timestamp_ms(slot);
        let there = |&(shift_ms, scale): &(i64, f64)| {
            let slot = self.slots(at_ms.saturating_add(shift_ms), i64::MAX).start;
            (at_ms.saturating_add(shift_ms) >= self.series.start_ms()).then(|| self.series.value(slot)).flatten().map(|value| value * scale)
        };
        let days: Vec<f64> = usual.days.iter().filter_map(there).collect();
        if days.len() >= 2 {
            return median(days);
        }
        match usual.ends {
            [Some((from_ms, before)), Some((to_ms, after))] => {
                let share = (at_ms - from_ms) as f64 / (to_ms - from_ms).max(1) as f64;
                Some(before + (after - before) * share.clamp(0.0, 1.0))
            }
            [one, other] => one.or(other).map(|(_, level)| level),
        }
    }

    /// A slot's load over the usual one.
    pub fn ratio(&self, usual: &Usual, slot: usize) -> Option<f64> {
        Some(self.series.value(slot)? / self.usual_at(usual, slot)?)
    }

    /// Timestamp of a slot.
    pub fn at_ms(&self, slot: usize) -> i64 {
        self.series.timestamp_ms(slot)
    }

    /// Takes a stretch's events out of the values, as far as they show there.
    fn divide(&self, found: &[Occurrence], stretch: (i64, i64), values: &mut [Option<f64>]) {
        let usual = self.usual(stretch);
        let factor_at = |slot: usize| factor(found, self.series.timestamp_ms(slot).clamp(stretch.0, stretch.1 - 1));
        // Which part of the factor, in logarithms, a slot shows: 0 as usual, 1 the whole.
        let shown = |slot: usize| {
            let part = libm::log(self.ratio(&usual, slot)?) / libm::log(factor_at(slot));
            if part.is_nan() { Some(0.0) } else { Some(part.clamp(0.0, 1.0)) }
        };
        let touched = self.touched(stretch);
        let inner = median(touched.clone().filter(|&slot| self.within(stretch, slot)).filter_map(shown).collect());
        for slot in touched {
            // The first and the last step are the event's only in part.
            let share = inner.filter(|_| self.within(stretch, slot)).or_else(|| shown(slot));
            if let (Some(value), Some(share)) = (self.series.value(slot), share) {
                values[slot] = Some(value / libm::pow(factor_at(slot), share));
            }
        }
    }
}

/// The middle value; of an even number the mean of the two.
pub(super) fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_unstable_by(f64::total_cmp);
    let (low, high) = (values.get(values.len().checked_sub(1)? / 2)?, values.get(values.len() / 2)?);
    Some(low / 2.0 + high / 2.0)
}
