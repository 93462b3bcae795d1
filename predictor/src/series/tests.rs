use super::*;

const MINUTE_MS: i64 = 60_000;

fn minutes(values: &[Option<f64>]) -> Series {
    Series::try_new(0, MINUTE_MS, values.to_vec()).unwrap()
}

#[test]
fn a_gap_is_none_and_so_is_what_lies_beyond_the_end() {
    let mut series = minutes(&[Some(1.0), None, Some(f64::NAN), Some(f64::INFINITY)]);
    series.push(Some(0.0));
    let values: Vec<_> = (0..6).map(|i| series.value(i)).collect();
    assert_eq!(values, [Some(1.0), None, None, None, Some(0.0), None]);
    assert_eq!((series.len(), series.observed(), series.end_ms()), (5, 2, 5 * MINUTE_MS));
}

#[test]
fn until_keeps_rows_at_the_origin_and_since_those_from_the_time_on() {
    let series = minutes(&[Some(0.0), Some(1.0), Some(2.0), Some(3.0)]);
    assert_eq!(series.until(2 * MINUTE_MS).len(), 3);
    assert_eq!(series.until(2 * MINUTE_MS - 1).len(), 2);
    assert_eq!(series.until(-1).len(), 0);
    assert_eq!(series.until(i64::MAX / 2).len(), 4);
    let late = series.since(MINUTE_MS + 1);
    assert_eq!((late.start_ms(), late.value(0)), (2 * MINUTE_MS, Some(2.0)));
    assert_eq!(series.since(-5), series);
    assert!(series.since(i64::MAX / 2).is_empty());
}

#[test]
fn the_most_frequent_distance_is_the_step_and_missing_rows_are_gaps() {
    let points = [(0, 1.0), (60_000, 2.0), (120_000, 3.0), (300_000, 6.0), (360_000, 7.0)];
    let (series, notes) = Series::try_from_points(&points, None).unwrap();
    assert_eq!((series.step_ms(), series.len(), series.observed()), (MINUTE_MS, 7, 5));
    assert_eq!(series.value(3), None);
    assert!(notes.is_empty());
}

#[test]
fn absurd_input_is_refused_with_what_is_allowed() {
    assert_eq!(Series::try_from_points(&[(0, 1.0)], None), Err(SeriesError::TooFewRows { rows: 1, need: 2 }));
    assert_eq!(Series::try_from_points(&[(0, 1.0), (0, 2.0)], None), Err(SeriesError::TooFewRows { rows: 1, need: 2 }));
    let centuries = [(0, 1.0), (60_000, 1.0), (120_000, 1.0), (9_000_000_000_000, 1.0)];
    assert!(matches!(Series::try_from_points(&centuries, None), Err(SeriesError::TooLong { .. })));
    let words = Series::try_new(0, 0, Vec::new()).unwrap_err().to_string();
    assert!(words.contains("step = 0 ms") && words.contains("1 s to 1 h"), "{words}");
}

#[test]
fn resampling_averages_what_was_observed_on_whole_multiples_of_the_step() {
    let series = Series::try_new(2 * MINUTE_MS, MINUTE_MS, vec![Some(2.0), Some(4.0), None, None, Some(9.0)]).unwrap();
    let coarse = series.resample(4 * MINUTE_MS).unwrap();
    assert_eq!((coarse.start_ms(), coarse.len()), (0, 2));
    assert_eq!((coarse.value(0), coarse.value(1)), (Some(3.0), None));
    assert!(series.resample(90_000).is_err());
}

#[test]
fn a_series_is_stored_with_nulls_for_gaps_and_checked_when_read() {
    let series = minutes(&[Some(1.5), None]);
    let text = serde_json::to_string(&series).unwrap();
    assert_eq!(text, r#"{"start_ms":0,"step_ms":60000,"values":[1.5,null]}"#);
    assert_eq!(serde_json::from_str::<Series>(&text).unwrap(), series);
    assert!(serde_json::from_str::<Series>(r#"{"start_ms":0,"step_ms":0,"values":[]}"#).is_err());
}
