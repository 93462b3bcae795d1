//! A history by days and hours.

use crate::{calendar::weekday, grid::HOUR_MS, request::DAY_MS, series::Series};

/// Hours of a day.
pub(super) const HOURS: usize = 24;
/// A day with fewer hours seen says nothing about days.
const LEAST_HOURS: usize = 12;

/// z of each hour; NaN where nothing was seen.
pub(super) type DayHours = [f64; HOURS];

/// The hours of all days of a history, by the clocks.
pub(super) struct Hours {
    first_day: i64,
    days: Vec<DayHours>,
    /// The last row's time.
    pub last_ms: i64,
}

impl Hours {
    /// The mean load of each hour, as z = ln(1 + y / scale). A step may be as long as an hour.
    pub fn of(series: &Series, scale: f64) -> Self {
        let first_day = (series.start_ms() - series.step_ms()).div_euclid(DAY_MS);
        let last_ms = series.end_ms() - series.step_ms();
        let count = (last_ms.div_euclid(DAY_MS) - first_day + 1).max(0) as usize;
        let mut sums = vec![[(0.0, 0_u32); HOURS]; count];
        for i in 0..series.len() {
            let middle_ms = series.timestamp_ms(i) - series.step_ms() / 2;
            let hour = (middle_ms.rem_euclid(DAY_MS) / HOUR_MS) as usize;
            let day = usize::try_from(middle_ms.div_euclid(DAY_MS) - first_day).ok().and_then(|day| sums.get_mut(day));
            if let (Some(value), Some(day)) = (series.value(i).filter(|value| *value >= 0.0), day) {
                day[hour].0 += value;
                day[hour].1 += 1;
            }
        }
        let z = |(sum, n): (f64, u32)| if n == 0 { f64::NAN } else { libm::log1p(sum / f64::from(n) / scale) };
        Self { first_day, days: sums.into_iter().map(|day| day.map(z)).collect(), last_ms }
    }

    /// The day that the last row's step lies on.
    pub fn last_day(&self) -> i64 {
        (self.last_ms - 1).div_euclid(DAY_MS)
    }

    /// The hours of a day; `None` if too few of them were seen.
    pub fn day(&self, day: i64) -> Option<&DayHours> {
        let hours = self.any(day)?;
        (hours.iter().filter(|z| z.is_finite()).count() >= LEAST_HOURS).then_some(hours)
    }

    /// The hours of a day, however few were seen.
    pub fn any(&self, day: i64) -> Option<&DayHours> {
        self.days.get(usize::try_from(day - self.first_day).ok()?)
    }

    /// 0 is Monday.
    pub fn weekday(day: i64) -> i64 {
        i64::from(weekday(day * DAY_MS))
    }
}

/// Mean of what is known of each hour; NaN where nothing is.
pub(super) fn mean_of(days: &[DayHours]) -> DayHours {
    std::array::from_fn(|hour| {
        let known = days.iter().map(|day| day[hour]).filter(|z| z.is_finite());
        let (sum, n) = known.fold((0.0, 0), |(sum, n), z| (sum + z, n + 1));
        if n == 0 { f64::NAN } else { sum / f64::from(n) }
    })
}

/// One less the other, hour by hour.
pub(super) fn less(one: &DayHours, other: &DayHours) -> DayHours {
    std::array::from_fn(|hour| one[hour] - other[hour])
}

/// Mean over the hours that are known.
pub(super) fn level(day: &DayHours) -> Option<f64> {
    let known = day.iter().filter(|z| z.is_finite());
    let (sum, n) = known.fold((0.0, 0), |(sum, n), z| (sum + z, n + 1));
    (n > 0).then(|| sum / f64::from(n))
}
