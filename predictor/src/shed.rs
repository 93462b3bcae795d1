//! What our own shedding made look low is no low demand.
//!
//! While a service turns requests away, its callers give up or come back later, so the load that is offered falls though the demand doesn't.
//! Such a step says how much was wanted at least. As high as the load was before the shedding began, it is worth keeping: it may be the peak
//! of the day. Lower, it is our own failure and becomes a gap: unknown, not low.

use crate::series::Series;

/// `series` without the steps in which `saturated` says that requests were turned away and the load was lower than before that began.
///
/// Steps of which nothing is known before the shedding began have nothing to be compared with: they become gaps too.
#[must_use]
pub fn without_own_shedding(series: &Series, saturated: impl Fn(i64) -> bool) -> Series {
    let mut before = f64::INFINITY;
    let mut kept = series.until(series.start_ms() - series.step_ms());
    for i in 0..series.len() {
        let value = series.value(i);
        let ours = saturated(series.timestamp_ms(i));
        if let Some(value) = value.filter(|_| !ours) {
            before = value;
        }
        kept.push(value.filter(|value| !ours || *value >= before));
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shed(values: &[(f64, bool)]) -> Vec<Option<f64>> {
        let series = Series::try_new(0, 60_000, values.iter().map(|(value, _)| Some(*value)).collect()).unwrap();
        let kept = without_own_shedding(&series, |ts_ms| values[(ts_ms / 60_000) as usize].1);
        assert_eq!((kept.start_ms(), kept.step_ms(), kept.len()), (0, 60_000, values.len()));
        (0..kept.len()).map(|i| kept.value(i)).collect()
    }

    #[test]
    fn what_is_as_high_as_before_stays_and_what_is_lower_is_unknown() {
        let day = [(100.0, false), (120.0, true), (60.0, true), (130.0, true), (20.0, false), (19.0, true), (21.0, false)];
        assert_eq!(shed(&day), [Some(100.0), Some(120.0), None, Some(130.0), Some(20.0), None, Some(21.0)]);
    }

    #[test]
    fn shedding_from_the_first_step_on_leaves_nothing_to_learn_from() {
        assert_eq!(shed(&[(100.0, true), (90.0, true), (80.0, false)]), [None, None, Some(80.0)]);
        assert_eq!(shed(&[]), []);
    }
}
