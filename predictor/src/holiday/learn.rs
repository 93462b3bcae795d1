//! What a holiday does to the load, hour by hour, on the log scale.
//!
//! Usual is the mean of the nearest ordinary days of the same weekday, one before and one after. What is expected of a holiday without a
//! predecessor is λ · (Sundays − days of its weekday, over the last five weeks); λ is how much of that the holidays of the history showed, drawn
//! to [`PRIOR`]: many a public holiday is a working day for a service's users. An earlier holiday of the same name counts as much as three such guesses.

use std::collections::BTreeMap;

use super::hours::{DayHours, HOURS, Hours, less, level, mean_of};
use crate::{grid::HOUR_MS, request::DAY_MS};

/// The share of a Sunday's difference that a holiday is expected to show. Fitted to the holidays of two traces (docs/forecasting.md).
const PRIOR: f64 = 0.6;
/// How many holidays that expectation is worth.
const PRIOR_COUNT: f64 = 4.0;
/// What an earlier holiday of the same name counts against what Sundays say.
const SAME_NAME: f64 = 3.0;
/// How unsure the guess is, as a share of what a whole Sunday would do; half of that once the holiday was seen.
const UNSURE: f64 = 0.5;
/// Sundays that are looked at, and how far back [days].
const SUNDAYS: (usize, i64) = (4, 35);
/// Weeks that an ordinary day of the same weekday may be away.
const WEEKS: i64 = 3;
/// What the last hour of a holiday that has begun showed beyond what was expected fades over that [h].
const FADE_HOURS: f64 = 6.0;
/// How fast a holiday sets in after its midnight [h].
const BEGIN_HOURS: f64 = 2.0;
/// Hours of the day itself that an expectation is worth.
const EXPECTED_HOURS: f64 = 3.0;
/// Sundays that differ by less (root mean square, z) tell nothing about how much of it a holiday shows.
const LEAST_DIFFERENCE: f64 = 0.05;
const SUNDAY: i64 = 6;

/// One holiday.
pub(super) struct Learnt {
    /// What is taken from the past's z, and added to what comes.
    pub by_hour: DayHours,
    /// Standard deviation of what is yet to come.
    pub unsure: DayHours,
    /// Earlier holidays of this name in the history.
    pub earlier: usize,
}

type Names<'a> = BTreeMap<i64, &'a str>;

pub(super) fn learn(hours: &Hours, names: &Names, day: i64) -> Learnt {
    let seen = shown(hours, names, day).unwrap_or([f64::NAN; HOURS]);
    let last_day = hours.last_day();
    if day < last_day {
        return Learnt { by_hour: seen.map(known), unsure: [0.0; HOURS], earlier: 0 };
    }
    // The hour that the last row lies in was seen, if only in part.
    let first = ((hours.last_ms - day * DAY_MS - 1).div_euclid(HOUR_MS) + 1).clamp(0, HOURS as i64) as usize;
    let Expected { by_hour: expected, unsure, earlier } = expected(hours, names, day).revised(&seen[..first]);
    let beyond = first.checked_sub(1).map_or(0.0, |hour| known(seen[hour] - expected[hour]));
    let by_hour = |hour: usize| match hour.checked_sub(first) {
        None => known(seen[hour]),
        Some(ahead) => expected[hour] + beyond * libm::exp(-(ahead as f64 + 0.5) / FADE_HOURS),
    };
    // The next hours of a day that has begun are known better.
    let since_known = |hour: usize| if first == 0 { f64::INFINITY } else { hour as f64 + 0.5 - first as f64 };
    let unsure = |hour: usize| unsure * (1.0 - libm::exp(-2.0 * since_known(hour).max(0.0) / FADE_HOURS)).sqrt();
    Learnt { by_hour: std::array::from_fn(by_hour), unsure: std::array::from_fn(unsure), earlier }
}

/// Hours that nobody knows are as usual.
fn known(z: f64) -> f64 {
    if z.is_finite() { z } else { 0.0 }
}

/// What is expected of a holiday that wasn't seen yet, how unsure that is, and how often it was seen before.
struct Expected {
    by_hour: DayHours,
    unsure: f64,
    earlier: usize,
}

fn expected(hours: &Hours, names: &Names, day: i64) -> Expected {
    let sunday = sundays(hours, names, day).map(known);
    let whole = level(&sunday.map(f64::abs)).unwrap_or(0.0);
    let strength = strength(hours, names, day);
    let same = names.range(..day).filter(|(_, name)| base(name) == base(names.get(&day).copied().unwrap_or_default()));
    let same: Vec<DayHours> = same.filter_map(|(&then, _)| shown(hours, names, then)).collect();
    let earlier = same.len();
    let seen = mean_of(&same);
    let weight = SAME_NAME * earlier as f64;
    let by_hour = std::array::from_fn(|hour| {
        // The evening before is an ordinary one, a Saturday's isn't.
        let begun = if names.contains_key(&(day - 1)) { 1.0 } else { 1.0 - libm::exp(-(hour as f64 + 0.5) / BEGIN_HOURS) };
        let guess = strength * begun * sunday[hour];
        if seen[hour].is_finite() { (guess + weight * seen[hour]) / (1.0 + weight) } else { guess }
    });
    Expected { by_hour, unsure: UNSURE * whole * if earlier > 0 { 0.5 } else { 1.0 }, earlier }
}

impl Expected {
    /// After the day's first hours: they show how much of what was expected really comes. The expectation counts as a few of them.
    fn revised(self, seen: &[f64]) -> Self {
        let Self { by_hour, unsure, earlier } = self;
        let squares = |hours: &[f64]| hours.iter().map(|z| z * z).sum::<f64>();
        let prior = squares(&by_hour) / HOURS as f64 * EXPECTED_HOURS;
        let pairs = || seen.iter().zip(&by_hour).filter(|(seen, _)| seen.is_finite());
        let known: f64 = pairs().map(|(_, expected)| expected * expected).sum();
        if known <= 0.0 {
            return Self { by_hour, unsure, earlier };
        }
        let shown: f64 = pairs().map(|(seen, expected)| seen * expected).sum();
        let share = ((prior + shown) / (prior + known)).clamp(-0.5, 2.0);
        Self { by_hour: by_hour.map(|z| share * z), unsure: unsure * (prior / (prior + known)).sqrt(), earlier }
    }
}

/// "Veterans Day (observed)" is Veterans Day.
fn base(name: &str) -> &str {
    name.split(" (").next().unwrap_or(name)
}

fn ordinary<'a>(hours: &'a Hours, names: &Names, day: i64) -> Option<&'a DayHours> {
    hours.day(day).filter(|_| !names.contains_key(&day))
}

/// What a day showed against the usual of its weekday; NaN for hours without either.
fn shown(hours: &Hours, names: &Names, day: i64) -> Option<DayHours> {
    let own = hours.any(day)?;
    let nearest = |sign: i64| (1..=WEEKS).find_map(|weeks| ordinary(hours, names, day + sign * 7 * weeks));
    let (before, after) = (nearest(-1), nearest(1));
    let mut usual = mean_of(&[before.copied(), after.copied()].into_iter().flatten().collect::<Vec<_>>());
    // What follows isn't known yet: the level's change of the days before stands for it.
    if before.is_some() && after.is_none() {
        let change = |back: i64| {
            let (now, then) = (ordinary(hours, names, day - back)?, ordinary(hours, names, day - back - 7)?);
            Some(level(now)? - level(then)?)
        };
        let changes: Vec<f64> = (1..=3).filter_map(change).collect();
        let moved = changes.iter().sum::<f64>() / changes.len().max(1) as f64;
        usual = usual.map(|z| z + moved);
    }
    let shown = less(own, &usual);
    shown.iter().any(|z| z.is_finite()).then_some(shown)
}

/// What Sundays were against days of a day's weekday, over the weeks before it; NaN where nobody knows.
fn sundays(hours: &Hours, names: &Names, day: i64) -> DayHours {
    let weekday = Hours::weekday(day);
    if weekday == SUNDAY {
        return [0.0; HOURS];
    }
    let last = (day - 1).min(hours.last_day());
    let sundays = (day - SUNDAYS.1..=last).rev().filter(|&day| Hours::weekday(day) == SUNDAY);
    let sundays = sundays.filter_map(|sunday| Some((sunday, ordinary(hours, names, sunday)?))).take(SUNDAYS.0);
    let differences = sundays.map(|(sunday, own)| {
        let before = sunday - (SUNDAY - weekday);
        let around = [before, before + 7].map(|other| ordinary(hours, names, other).copied());
        less(own, &mean_of(&around.into_iter().flatten().collect::<Vec<_>>()))
    });
    mean_of(&differences.collect::<Vec<_>>())
}

/// How much of a Sunday's difference the holidays before a day showed.
fn strength(hours: &Hours, names: &Names, day: i64) -> f64 {
    let share = |&then: &i64| {
        let (shown, sunday) = (shown(hours, names, then)?, sundays(hours, names, then));
        let both = || shown.iter().zip(&sunday).filter(|(a, b)| a.is_finite() && b.is_finite());
        let squares: f64 = both().map(|(_, sunday)| sunday * sunday).sum();
        let least = LEAST_DIFFERENCE * LEAST_DIFFERENCE * HOURS as f64;
        (squares > least).then(|| (both().map(|(shown, sunday)| shown * sunday).sum::<f64>() / squares).clamp(-0.5, 1.5))
    };
    let shares: Vec<f64> = names.range(..day).filter(|(then, _)| hours.day(**then).is_some()).filter_map(|(then, _)| share(then)).collect();
    (PRIOR_COUNT * PRIOR + shares.iter().sum::<f64>()) / (PRIOR_COUNT + shares.len() as f64)
}
