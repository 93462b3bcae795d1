//! The history as the members see it: regular bins that end at the origin, on a log scale, gaps bridged but remembered.

use crate::{calendar, log::ln, request::DAY_MS, series::Series};

/// One hour [ms].
pub(crate) const HOUR_MS: i64 = 3_600_000;

/// Gaps up to this length are bridged by a straight line, longer ones by the same time of an earlier day.
const STRAIGHT_GAP_MS: i64 = 2 * HOUR_MS;

/// Lags of fewer days than this are told from a table.
const TOLD_DAYS: usize = 48;

/// Bins of z = ln(1 + y / scale). Bin `i` ends `(len − 1 − i) · bin_ms` before the origin.
pub(crate) struct Grid {
    pub bin_ms: i64,
    /// Slots of the series in a bin.
    pub slots: usize,
    /// End of the last bin [epoch ms].
    pub end_ms: i64,
    /// Bridged means; every entry is finite.
    pub z: Vec<f64>,
    /// Whether the bin was observed.
    pub seen: Vec<bool>,
    /// How much an error there counts: (1 + y/scale) / (3 + y/scale), between a linear and a logarithmic scale; 0 for gaps.
    pub importance: Vec<f64>,
    /// Bins of an hour, at least 1.
    pub hour: usize,
    /// Bins of so many days: asked for at every step of everything, and a division is slow.
    days: [usize; TOLD_DAYS],
    sums: Vec<f64>,
    /// Bins at which nobody is judged; empty if there are none.
    left_out: Vec<bool>,
}

fn bins_of_days(days: usize, bin_ms: i64) -> usize {
    ((days as i64 * DAY_MS + bin_ms / 2) / bin_ms) as usize
}

impl Grid {
    /// Bins of `slots` values each, counted backwards from the series' end.
    pub fn build(series: &Series, slots: usize, scale: f64) -> Self {
        let values = series.raw();
        let bin_ms = series.step_ms() * slots as i64;
        let bins = values.len() / slots;
        let skipped = values.len() - bins * slots;
        // Values relative to the scale first; then logarithms in their place, many at once.
        let (mut z, mut seen) = (Vec::with_capacity(bins), Vec::with_capacity(bins));
        for bin in values[skipped..].chunks_exact(slots) {
            let (sum, n) = bin.iter().filter(|v| v.is_finite()).fold((0.0, 0_usize), |(sum, n), v| (sum + v, n + 1));
            let known = n * 2 >= slots && n > 0;
            seen.push(known);
            z.push(if known { sum / n as f64 / scale } else { 0.0 });
        }
        let importance = z.iter().zip(&seen).map(|(ratio, known)| if *known { (1.0 + ratio) / (3.0 + ratio) } else { 0.0 }).collect();
        z.iter_mut().for_each(|z| *z = ln(1.0 + *z));
        let mut grid = Self {
            bin_ms,
            slots,
            end_ms: series.end_ms() - series.step_ms(),
            z,
            seen,
            importance,
            days: std::array::from_fn(|days| bins_of_days(days, bin_ms)),
            hour: ((HOUR_MS + bin_ms / 2) / bin_ms).max(1) as usize,
            sums: Vec::new(),
            left_out: Vec::new(),
        };
        grid.bridge();
        grid.sums = vec![0.0; bins + 1];
        let mut sum = 0.0;
        for (so_far, z) in grid.sums[1..].iter_mut().zip(&grid.z) {
            sum += z;
            *so_far = sum;
        }
        grid
    }

    /// Nobody is judged at bins whose middle [epoch ms] is such.
    pub fn leave_out(&mut self, such: impl Fn(i64) -> bool) {
        self.left_out = (0..self.len()).map(|i| such(self.middle_ms(i))).collect();
        for i in (0..self.len()).filter(|&i| self.left_out[i]) {
            self.seen[i] = false;
            self.importance[i] = 0.0;
        }
    }

    /// Whether all of some bins that are known are such.
    pub fn is_left_out(&self, from: usize, bins: usize) -> bool {
        !self.left_out.is_empty() && self.left_out[from.min(self.len())..].iter().take(bins).all(|left_out| *left_out)
    }

    pub fn len(&self) -> usize {
        self.z.len()
    }

    /// Bins of `days` days.
    pub fn lag(&self, days: usize) -> usize {
        self.days.get(days).copied().unwrap_or_else(|| bins_of_days(days, self.bin_ms))
    }

    /// Whole days that lie at or before bin `at`.
    pub fn days_before(&self, at: usize) -> usize {
        ((at as i64 + 1) * self.bin_ms / DAY_MS) as usize
    }

    /// Mean of bins `from..to` (`to` excluded), which must not be empty.
    pub fn mean(&self, from: usize, to: usize) -> f64 {
        (self.sums[to] - self.sums[from]) / (to - from) as f64
    }

    /// Mean of the hour that ends with bin `at`.
    pub fn hour_mean(&self, at: usize) -> f64 {
        self.mean((at + 1).saturating_sub(self.hour), at + 1)
    }

    /// The middle of bin `i`, which may lie after the origin [epoch ms].
    pub fn middle_ms(&self, i: usize) -> i64 {
        self.end_ms + (i as i64 - self.len() as i64 + 1) * self.bin_ms - self.bin_ms / 2
    }

    /// Weekday (0 = Monday, UTC) of bin `i`.
    pub fn weekday(&self, i: usize) -> u8 {
        calendar::weekday(self.middle_ms(i))
    }

    /// Lead of the `h`-th bin after a bin (`h` ≥ 1) [h].
    pub fn lead_hours(&self, h: usize) -> f64 {
        h as f64 * self.bin_ms as f64 / HOUR_MS as f64
    }

    /// Centred means over `2 · half + 1` bins, shorter at the ends.
    pub fn smoothed(&self, half: usize) -> Vec<f64> {
        let (n, width) = (self.len(), 2 * half + 1);
        let short = |i: usize| self.mean(i.saturating_sub(half), (i + half + 1).min(n));
        let whole = self.sums.iter().zip(self.sums.iter().skip(width)).map(|(before, after)| (after - before) / width as f64);
        (0..half.min(n)).map(short).chain(whole).chain((n.saturating_sub(half).max(half.min(n))..n).map(short)).collect()
    }

    /// Fills what was not observed, for features only. Never with less than what earlier days had at that time.
    fn bridge(&mut self) {
        let n = self.len();
        let mut i = 0;
        while i < n {
            if self.seen[i] {
                i += 1;
                continue;
            }
            let end = (i..n).find(|&j| self.seen[j]).unwrap_or(n);
            self.bridge_gap(i, end);
            i = end;
        }
    }

    fn bridge_gap(&mut self, from: usize, to: usize) {
        let n = self.len();
        let day = self.lag(1);
        let before = from.checked_sub(1).map(|i| self.z[i]);
        if let (Some(before), true) = (before, to < n && (to - from) as i64 * self.bin_ms <= STRAIGHT_GAP_MS) {
            let slope = (self.z[to] - before) / (to - from + 1) as f64;
            for (k, i) in (from..to).enumerate() {
                self.z[i] = before + slope * (k + 1) as f64;
            }
            return;
        }
        for i in from..to {
            self.z[i] = if i >= day {
                // As the day before, moved to the level of the last observation; that knowledge fades over four hours.
                let moved = before.filter(|_| from > day).map_or(0.0, |before| before - self.z[from - 1 - day]);
                let since_hours = self.lead_hours(i + 1 - from);
                (self.z[i - day] + moved * libm::exp(-since_hours / 4.0)).max(0.0)
            } else {
                self.first_day_stand_in(i, day, to)
            };
        }
    }

    /// A later day's value at the time of bin `i`, or the nearest observed one.
    fn first_day_stand_in(&self, i: usize, day: usize, to: usize) -> f64 {
        let later = (1..).map(|k| i + k * day).take_while(|&j| j < self.len()).find(|&j| self.seen[j]);
        let nearest = later.or_else(|| (to < self.len()).then_some(to)).or_else(|| i.checked_sub(1));
        nearest.map_or(0.0, |j| self.z[j])
    }
}
