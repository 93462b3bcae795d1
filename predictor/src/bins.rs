//! The bins in which the blends see a series, and the unit of their log scale.

use crate::{clean, grid::HOUR_MS, series::Series};

/// The near blend's finest bin.
const NEAR_BIN_MS: i64 = 60_000;
/// The near blend looks so far.
pub(crate) const NEAR_END_MS: i64 = HOUR_MS * 3 / 2;
/// The far blend's bin.
pub(crate) const FAR_BIN_MS: i64 = 15 * 60_000;
/// Unit of the log scale, as a share of the median of the positive values.
const SCALE_OF_MEDIAN: f64 = 0.2;
/// Counts up to this in a step are low.
const LOW_COUNT: f64 = 20.0;
/// A finer unit would make ratios that no number can hold.
const LEAST_SCALE: f64 = 1e-12;

/// Unit of the log scale.
pub(crate) fn scale_of(series: &Series) -> f64 {
    scale_at(clean::positive_median(series.raw()))
}

/// Unit of the log scale for a series with that median; 1 without a positive value.
pub(crate) fn scale_at(median: Option<f64>) -> f64 {
    median.map_or(1.0, |median| six_digits(unit_of(median)))
}

/// Unit of the log scale for a series with that median.
pub(crate) fn unit_of(median: f64) -> f64 {
    (SCALE_OF_MEDIAN * median).max(LEAST_SCALE)
}

/// Whether a step holds a handful of requests: all values are whole multiples of the smallest that isn't zero, and half of the positive ones, so
/// their median, are at most [`LOW_COUNT`] times that.
pub(crate) fn are_low_counts(series: &Series, median: Option<f64>) -> bool {
    let known = || series.raw().iter().copied().filter(|value| *value > 0.0);
    let unit = known().fold(f64::INFINITY, f64::min);
    let whole = |value: f64| (value / unit - libm::round(value / unit)).abs() < 1e-4;
    median.is_some_and(|median| median <= LOW_COUNT * unit) && known().all(whole)
}

/// How many of the series' slots make a bin of about that length.
pub(crate) fn slots(series: &Series, bin_ms: i64) -> usize {
    (bin_ms / series.step_ms()).max(1) as usize
}

/// Slots of a bin, and bins of a horizon, of the near blend.
pub(crate) fn near_bins(series: &Series) -> (usize, usize) {
    let slots = slots(series, NEAR_BIN_MS);
    (slots, (NEAR_END_MS / (series.step_ms() * slots as i64)).max(1) as usize)
}

/// The same of the far blend.
pub(crate) fn far_bins(series: &Series, horizon_ms: i64) -> (usize, usize) {
    let slots = slots(series, FAR_BIN_MS);
    (slots, (horizon_ms as usize).div_ceil(series.step_ms() as usize * slots))
}

/// A number above 0 that survives being written as text and read again.
pub(crate) fn six_digits(value: f64) -> f64 {
    let unit = libm::pow(10.0, f64::from((libm::floor(libm::log10(value)) as i32 - 5).abs()));
    if value < 1e5 { libm::round(value * unit) / unit } else { libm::round(value / unit) * unit }
}
