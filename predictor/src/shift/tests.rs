use super::*;
use crate::series::Series;

const HOURLY_MS: i64 = 3_600_000;
/// Wednesday 2026-03-04.
const START_MS: i64 = 1_772_582_400_000;

fn kept(days: &[f64]) -> Option<usize> {
    let values = days.iter().flat_map(|level| (0..24).map(move |_| Some(*level))).collect();
    let series = Series::try_new(START_MS, HOURLY_MS, values).unwrap();
    days_since_change(&Grid::build(&series, 1, 1.0))
}

#[test]
fn days_at_a_new_level_are_kept_alone() {
    assert_eq!(kept(&[10.0, 11.0, 10.0, 40.0, 41.0, 40.0]), Some(3), "all new days are kept");
    assert_eq!(kept(&[10.0, 10.0, 40.0, 41.0, 200.0, 201.0]), Some(2), "of two changes the latest counts");
    assert_eq!(kept(&[40.0, 41.0, 40.0, 41.0, 10.0, 11.0]), Some(2), "a fall is a change too");
}

#[test]
fn what_happened_before_small_changes_and_single_days_are_none() {
    assert_eq!(kept(&[10.0, 40.0, 10.0, 40.0, 41.0]), None, "one of the older days was at the new level");
    assert_eq!(kept(&[10.0, 10.0, 10.0, 15.0, 15.0]), None);
    assert_eq!(kept(&[10.0, 10.0, 10.0, 10.0, 40.0]), None);
    assert_eq!(kept(&[10.0; 6]), None);
}

#[test]
fn a_first_weekend_is_no_change() {
    // Wednesday, Thursday, Friday; Saturday and Sunday are low.
    assert_eq!(kept(&[40.0, 41.0, 40.0, 10.0, 10.0]), None);
}
