//! The trace that the demo replays: counts a minute, multiplied by a stated factor and shifted by whole weeks to about now.

use predictor::Series;

use super::world::STEP_MS;
use crate::cli::CliError;
use crate::series_file::SeriesFile;

/// The bundled trace: requests a minute to the World Cup 1998 site (source in NOTICE).
const BUNDLED: &[u8] = include_bytes!("../../assets/wc98_may.csv");
/// Its counts are multiplied by this, so that the last week's highest minute is 493 requests per wall second: enough to measure percentiles
/// in a second, few enough for two cores.
const BUNDLED_SCALE: f64 = 4.9;
/// Where the bundled replay begins unless `--from` says otherwise: a Tuesday's climb in the last week.
const BUNDLED_FROM: &str = "1998-05-26T06:00:00Z";
/// More than this [requests per wall second] the generator, the proxy and the backends can't carry on two cores.
const PEAK_RPS: f64 = 500.0;
/// What comes before the replay, as history.
pub const HISTORY_MS: i64 = 14 * 86_400_000;
const WEEK_MS: i64 = 7 * 86_400_000;

/// Load over domain time.
#[derive(Debug, Clone)]
pub struct Trace {
    /// Requests per wall second, a value a domain minute, in the trace's own time.
    series: Series,
    shift_ms: i64,
    /// The factor on the counts.
    pub scale: f64,
    /// Beginning of the replay, domain time.
    pub from_ms: i64,
    /// End of the measured window, domain time.
    pub until_ms: i64,
}

impl Trace {
    /// Reads the trace and checks that the window is in it, with history before and a load that can be carried.
    ///
    /// # Errors
    /// [`CliError::BadInput`] naming the option, its value and what is allowed.
    pub fn load(file: Option<&std::path::Path>, scale: Option<f64>, from: Option<i64>, for_ms: i64) -> Result<Self, CliError> {
        let bad = CliError::BadInput;
        let (counts, _) = match file {
            None => SeriesFile::parse(BUNDLED, "the bundled trace", "worldcup".into()),
            Some(path) => SeriesFile::read(path),
        }
        .and_then(|file| file.series())
        .map_err(|error| bad(format!("--trace: {error}")))?;
        if counts.step_ms() != STEP_MS {
            return Err(bad(format!("--trace: a step of {} s; allowed: 60 s (a count a minute)", counts.step_ms() / 1_000)));
        }
        let first = counts.start_ms();
        let end = first + counts.len() as i64 * STEP_MS;
        let from = match (from, file) {
            (Some(from), _) => from,
            (None, None) => crate::cli::parse_time(BUNDLED_FROM).map_err(bad)?,
            (None, Some(_)) => first + HISTORY_MS,
        };
        let until = from + for_ms;
        if from.rem_euclid(STEP_MS) != 0 || from <= first || until > end {
            return Err(bad(format!(
                "--from {} --for {}m; allowed: whole minutes inside of the trace, {} to {}",
                crate::cli::show_time(from),
                for_ms / 60_000,
                crate::cli::show_time(first),
                crate::cli::show_time(end)
            )));
        }
        let highest = peak(&counts, from, until);
        let scale = scale.unwrap_or(if file.is_none() { BUNDLED_SCALE } else { PEAK_RPS * 60.0 / highest.max(1.0) });
        if !scale.is_finite() || scale <= 0.0 || highest / 60.0 * scale > PEAK_RPS {
            return Err(bad(format!(
                "--scale {scale}: the window's highest minute has {highest:.0} requests, {:.0} a second when scaled; allowed: up to {PEAK_RPS} a second (--scale {:.2})",
                highest / 60.0 * scale,
                PEAK_RPS * 60.0 / highest.max(1.0)
            )));
        }
        let values = (0..counts.len()).map(|at| counts.value(at).map(|count| count / 60.0 * scale)).collect();
        let series = Series::try_new(first, STEP_MS, values).map_err(|error| bad(format!("--trace: {error}")))?;
        Ok(Self { series, shift_ms: 0, scale, from_ms: from, until_ms: until })
    }

    /// Shifts everything by whole weeks so that the replay begins within the week before `now_ms`: day and weekday stay what they were.
    #[must_use]
    pub fn shifted_to(self, now_ms: i64) -> Self {
        let shift_ms = (now_ms - self.from_ms).div_euclid(WEEK_MS) * WEEK_MS;
        self.shifted_by(shift_ms)
    }

    /// Shifts everything by a known distance (that of an earlier run in the same data folder).
    #[must_use]
    pub fn shifted_by(mut self, shift_ms: i64) -> Self {
        self.from_ms += shift_ms - self.shift_ms;
        self.until_ms += shift_ms - self.shift_ms;
        self.shift_ms = shift_ms;
        self
    }

    /// How far domain time is from the trace's own.
    #[must_use]
    pub fn shift_ms(&self) -> i64 {
        self.shift_ms
    }

    /// Load at a moment of domain time [requests per wall second]: a minute's count held flat over it; 0 where the trace says nothing.
    #[must_use]
    pub fn rate(&self, domain_ms: i64) -> f64 {
        let slot = (domain_ms - self.shift_ms - self.series.start_ms()).div_euclid(STEP_MS);
        usize::try_from(slot).ok().filter(|slot| *slot < self.series.len()).and_then(|slot| self.series.value(slot)).unwrap_or(0.0)
    }

    /// End of the trace, domain time.
    #[must_use]
    pub fn end_ms(&self) -> i64 {
        self.series.start_ms() + self.series.len() as i64 * STEP_MS + self.shift_ms
    }

    /// The fortnight before the replay: `(domain ms, requests per wall second)`.
    #[must_use]
    pub fn history(&self) -> Vec<(i64, f64)> {
        (0..self.series.len())
            .map(|at| (self.series.timestamp_ms(at) + self.shift_ms, self.series.value(at)))
            .filter(|(ts, _)| *ts >= self.from_ms - HISTORY_MS && *ts < self.from_ms)
            .filter_map(|(ts, value)| Some((ts, value?)))
            .collect()
    }
}

fn peak(counts: &Series, from: i64, until: i64) -> f64 {
    (0..counts.len()).filter(|at| (from..until).contains(&counts.timestamp_ms(*at))).filter_map(|at| counts.value(at)).fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000;

    #[test]
    fn the_bundled_window_is_shifted_by_whole_weeks_and_has_its_history() {
        let now_ms = 1_800_000_000_000;
        let plain = Trace::load(None, None, None, 3 * HOUR).unwrap();
        let trace = plain.clone().shifted_to(now_ms);
        assert_eq!(trace.shift_ms() % WEEK_MS, 0);
        assert!((0..WEEK_MS).contains(&(now_ms - trace.from_ms)));
        assert_eq!(trace.until_ms - trace.from_ms, 3 * HOUR);
        assert!((trace.rate(trace.from_ms + 90_000) - plain.rate(plain.from_ms + 60_000)).abs() < 1e-9);
        let history = trace.history();
        assert_eq!(history.first().unwrap().0, trace.from_ms - HISTORY_MS);
        assert_eq!(history.last().unwrap().0, trace.from_ms - STEP_MS);
        assert_eq!(trace.rate(trace.end_ms()), 0.0);
    }

    #[test]
    fn the_last_week_never_passes_what_two_cores_carry() {
        let trace = Trace::load(None, None, Some(crate::cli::parse_time("1998-05-25T00:00:00Z").unwrap()), 7 * 24 * HOUR).unwrap();
        let highest = (0..7 * 1440).map(|minute| trace.rate(trace.from_ms + minute * STEP_MS)).fold(0.0, f64::max);
        assert!((480.0..=PEAK_RPS).contains(&highest), "{highest}");
    }

    #[test]
    fn a_window_outside_of_the_trace_or_too_heavy_is_refused_by_name() {
        let early = Trace::load(None, None, Some(0), HOUR).unwrap_err().to_string();
        assert!(early.contains("--from 1970-01-01T00:00:00Z") && early.contains("1998-05-01T00:00:00Z"), "{early}");
        let heavy = Trace::load(None, Some(40.0), None, HOUR).unwrap_err().to_string();
        assert!(heavy.contains("--scale 40") && heavy.contains("500"), "{heavy}");
    }
}
