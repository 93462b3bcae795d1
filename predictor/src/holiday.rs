//! Public holidays: days on which a load isn't that of its weekday.
//!
//! They are taken out of the history before the members look at it, so that a holiday Monday teaches nothing about ordinary Mondays, and what a
//! holiday does to the load is put on the forecast of those to come. What it does is learnt from the history (`holiday/learn.rs`): from the
//! same holiday a year ago where the history holds it, and from what Sundays are against that weekday.

mod hours;
mod learn;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{grid::HOUR_MS, request::DAY_MS, series::Series};
use hours::{DayHours, HOURS, Hours};
use learn::Learnt;

/// A day that isn't as its weekday.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Holiday {
    /// Days since 1970-01-01, by the clocks of the place.
    pub day: i64,
    /// For people.
    pub name: String,
}

/// What a forecast says about a holiday of its horizon.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExpectedHoliday {
    /// The day, such as `2026-12-25`.
    pub date: String,
    /// The holiday.
    pub name: String,
    /// What the load of the whole day is multiplied by, on average; 1 while nothing is known of such days.
    pub factor: f64,
    /// How often the history showed this holiday. Without it, Sundays stand for it.
    pub earlier: usize,
}

/// More than this share of the history can't be exceptions from it: then it is judged as it is.
const MOST_LEFT_OUT: f64 = 0.5;
/// How fast a holiday is left behind after its midnight.
const TAIL_MS: f64 = 2.0 * HOUR_MS as f64;
/// Older holidays teach nothing.
pub(crate) const LEARNT_MS: i64 = 800 * DAY_MS;

/// What each holiday of the history and the horizon does to the load, by the clocks. Without holidays nothing changes anywhere.
#[derive(Default)]
pub(crate) struct Effects {
    days: BTreeMap<i64, Day>,
    first_day: i64,
    tail: Option<Tail>,
}

/// What is left of a holiday that ends as the history does, or soon after: the load doesn't jump at midnight.
struct Tail {
    from_ms: i64,
    z: f64,
}

/// One of them.
struct Day {
    name: String,
    learnt: Learnt,
}

impl Effects {
    /// Learns from `whole`, takes what holidays did out of `series`, and looks ahead to `until_ms`. All by the clocks; `whole` ends as `series` does.
    pub fn take_out(whole: &Series, series: &mut Series, holidays: &[Holiday], scale: f64, until_ms: i64) -> Self {
        let names: BTreeMap<i64, &str> = holidays.iter().map(|holiday| (holiday.day, holiday.name.as_str())).collect();
        if names.is_empty() || series.is_empty() {
            return Self::default();
        }
        let hours = Hours::of(whole, scale);
        let first_day = hours.last_day();
        let within = series.start_ms().div_euclid(DAY_MS)..=until_ms.div_euclid(DAY_MS);
        let days =
            names.range(within).map(|(&day, name)| (day, Day { name: (*name).to_owned(), learnt: learn::learn(&hours, &names, day) }));
        let mut effects = Self { days: days.collect(), first_day, tail: None };
        let usual = |i: usize| {
            let value = series.value(i)?;
            let effect = effects.at(series.timestamp_ms(i) - series.step_ms() / 2).0;
            Some(if effect == 0.0 { value } else { scale * libm::expm1((libm::log1p(value / scale) - effect).max(0.0)) })
        };
        let values = (0..series.len()).map(usual).collect();
        if let Ok(usual) = Series::try_new(series.start_ms(), series.step_ms(), values) {
            *series = usual;
        }
        effects.tail = effects.tail(hours.last_ms);
        effects
    }

    /// What the last hour of a holiday leaves, if it is the origin's day, or ended within the last hour.
    fn tail(&self, last_ms: i64) -> Option<Tail> {
        let holiday = (last_ms - HOUR_MS).div_euclid(DAY_MS);
        let (day, end_ms) = (self.days.get(&holiday)?, (holiday + 1) * DAY_MS);
        let seen_since = (last_ms - end_ms).max(0) as f64 / HOUR_MS as f64;
        Some(Tail { from_ms: end_ms.max(last_ms), z: day.learnt.by_hour[HOURS - 1] * (1.0 - seen_since) })
    }

    /// What is added to z at a time, and how unsure that is (a standard deviation).
    pub fn at(&self, local_ms: i64) -> (f64, f64) {
        let Some(day) = self.days.get(&local_ms.div_euclid(DAY_MS)) else {
            let left = |tail: &Tail| tail.z * libm::exp(-((local_ms - tail.from_ms) as f64) / TAIL_MS);
            return (self.tail.as_ref().filter(|tail| local_ms >= tail.from_ms).map_or(0.0, left), 0.0);
        };
        // Straight lines between the middles of hours, within the day.
        let position = (local_ms.rem_euclid(DAY_MS) as f64 / DAY_MS as f64 * HOURS as f64 - 0.5).clamp(0.0, (HOURS - 1) as f64);
        let (left, right) = (position as usize, (position as usize + 1).min(HOURS - 1));
        let between = |by_hour: &DayHours| by_hour[left] + (by_hour[right] - by_hour[left]) * (position - left as f64);
        (between(&day.learnt.by_hour), between(&day.learnt.unsure))
    }

    /// Whether the time lies on a holiday.
    pub fn holds(&self, local_ms: i64) -> bool {
        self.days.contains_key(&local_ms.div_euclid(DAY_MS))
    }

    /// Puts what the holidays do on a path, whose leads are at these times.
    pub fn put_on(&self, path: &mut [f64], middle_ms: impl Fn(usize) -> i64) {
        if !self.days.is_empty() {
            path.iter_mut().enumerate().for_each(|(h, z)| *z = (*z + self.at(middle_ms(h)).0).max(0.0));
        }
    }

    /// The series without its holidays: nobody is judged there.
    pub fn left_out(&self, series: &Series) -> Option<Series> {
        if self.days.is_empty() {
            return None;
        }
        let ordinary = |i: usize| series.value(i).filter(|_| !self.holds(series.timestamp_ms(i) - series.step_ms() / 2));
        let without = Series::try_new(series.start_ms(), series.step_ms(), (0..series.len()).map(ordinary).collect()).ok()?;
        (without.observed() as f64 >= (1.0 - MOST_LEFT_OUT) * series.observed() as f64).then_some(without)
    }

    /// Those from the origin's day on.
    pub fn told(&self) -> Vec<ExpectedHoliday> {
        let told = |(&day, it): (&i64, &Day)| ExpectedHoliday {
            date: date(day),
            name: it.name.clone(),
            factor: libm::round(libm::exp(it.learnt.by_hour.iter().sum::<f64>() / HOURS as f64) * 100.0) / 100.0,
            earlier: it.learnt.earlier,
        };
        self.days.range(self.first_day..).map(told).collect()
    }
}

/// A day of the proleptic Gregorian calendar, as ISO 8601 writes it (H. Hinnant, "chrono-Compatible Low-Level Date Algorithms").
fn date(day: i64) -> String {
    let shifted = day + 719_468;
    let (era, of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

#[cfg(test)]
mod tests;
