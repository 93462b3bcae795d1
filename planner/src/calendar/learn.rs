//! What an event's earlier occurrences did to the load.

use predictor::Series;
use serde::{Deserialize, Serialize};

use super::history::{Past, median};
use super::{Calendar, Occurrence, Place};

/// A piece of an event that gets a factor of its own, at least.
const PIECE_MS: i64 = 5 * 60_000;
/// Pieces of an event, at most.
const PIECES: i64 = 96;
/// What is allowed for a multiplier is so for one that is learnt.
const FACTORS: (f64, f64) = (0.01, 1_000.0);

/// What multiplies the load during an event, learnt from its earlier occurrences.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Uplift {
    /// Name of the event.
    pub event: String,
    /// How many occurrences it was learnt from. From none, nothing is multiplied.
    pub occurrences: u32,
    /// Length of the pieces.
    pub piece_ms: i64,
    /// For each piece from the begin on.
    pub factors: Vec<f64>,
}

impl Uplift {
    /// What multiplies the load so long after the event's begin.
    pub(super) fn at(&self, since_ms: i64) -> f64 {
        let piece = usize::try_from(since_ms / self.piece_ms.max(1)).unwrap_or(0).min(self.factors.len().saturating_sub(1));
        self.factors.get(piece).copied().unwrap_or(1.0)
    }

    /// The largest factor.
    #[must_use]
    pub fn highest(&self) -> f64 {
        self.factors.iter().copied().reduce(f64::max).unwrap_or(1.0)
    }
}

/// What the history says about each event with `learn`: per piece of five minutes (or the series' step) the median over the occurrences of the
/// load's ratio to the usual load then, `r`, drawn towards 1 while there are few: `1 + (r − 1) · n / (n + 1)` after `n` occurrences.
///
/// An occurrence that another event overlaps with is left out, and so is one that isn't over.
#[must_use]
pub fn learn(series: &Series, place: Place, now_ms: i64) -> Vec<Uplift> {
    let Some(calendar) = Calendar::at(place, &[]).filter(|_| place.events.iter().any(|event| event.learn)) else { return Vec::new() };
    let mut found = calendar.occurrences(series.start_ms(), now_ms);
    found.retain(|one| one.event.learn || one.event.multiplier.is_some());
    let past = Past::of(series, &calendar, &found);
    let alone = |one: &Occurrence| past.stretches.contains(&(one.from_ms, one.until_ms));
    let over = |one: &Occurrence| series.start_ms() <= one.from_ms && one.until_ms <= now_ms;
    let learnt = place.events.iter().filter(|event| event.learn).map(|event| {
        let piece_ms = PIECE_MS.max(series.step_ms()).max(event.lasts_ms.div_euclid(PIECES) + 1);
        let pieces = usize::try_from((event.lasts_ms - 1).div_euclid(piece_ms) + 1).unwrap_or(1);
        let mut ratios = vec![Vec::new(); pieces];
        let mut occurrences = 0;
        for one in found.iter().filter(|one| one.event.name == event.name && alone(one) && over(one)) {
            let seen = ratios_of(&past, one, piece_ms, pieces);
            occurrences += u32::from(seen.iter().any(Option::is_some));
            ratios.iter_mut().zip(seen).for_each(|(all, ratio)| all.extend(ratio));
        }
        Uplift { event: event.name.clone(), occurrences, piece_ms, factors: factors(ratios) }
    });
    learnt.collect()
}

/// The load's ratio to the usual load in each piece of an occurrence.
fn ratios_of(past: &Past, one: &Occurrence, piece_ms: i64, pieces: usize) -> Vec<Option<f64>> {
    let stretch = (one.from_ms, one.until_ms);
    let usual = past.usual(stretch);
    let mut seen = vec![Vec::new(); pieces];
    let touched = past.touched(stretch);
    // Steps that are longer than the event are the event's only in part, and yet all that there is.
    let coarse = !touched.clone().any(|slot| past.within(stretch, slot));
    for slot in touched.filter(|&slot| coarse || past.within(stretch, slot)) {
        let since_ms = (past.at_ms(slot) - one.from_ms).clamp(0, one.event.lasts_ms - 1);
        let piece = usize::try_from(since_ms / piece_ms).unwrap_or(0);
        let ratio = past.ratio(&usual, slot).filter(|ratio| ratio.is_finite());
        if let (Some(ratio), Some(seen)) = (ratio, seen.get_mut(piece)) {
            seen.push(ratio);
        }
    }
    seen.into_iter().map(median).collect()
}

/// A piece that was never seen is as the nearest one.
fn factors(ratios: Vec<Vec<f64>>) -> Vec<f64> {
    let drawn = |ratios: Vec<f64>| {
        let n = ratios.len() as f64;
        Some((1.0 + (median(ratios)? - 1.0) * n / (n + 1.0)).clamp(FACTORS.0, FACTORS.1))
    };
    let known: Vec<Option<f64>> = ratios.into_iter().map(drawn).collect();
    let nearest = |at: usize| {
        let near = known.iter().enumerate().filter_map(|(other, factor)| Some((at.abs_diff(other), (*factor)?)));
        near.min_by_key(|(distance, _)| *distance).map(|(_, factor)| factor)
    };
    (0..known.len()).filter_map(nearest).collect()
}
