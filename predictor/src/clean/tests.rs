use super::*;

fn cleaned(values: &[f64]) -> (Vec<Option<f64>>, Vec<CleaningKind>) {
    let series = Series::try_new(0, 60_000, values.iter().map(|v| Some(*v)).collect()).unwrap();
    let (series, notes) = clean(series.clone());
    ((0..series.len()).map(|i| series.value(i)).collect(), notes.iter().map(|note| note.kind).collect())
}

#[test]
fn negative_values_become_gaps_and_zeros_stay() {
    assert_eq!(cleaned(&[1.0, -1.0, 0.0]), (vec![Some(1.0), None, Some(0.0)], vec![CleaningKind::Negative]));
}

#[test]
fn only_a_single_absurd_value_is_a_spike() {
    assert_eq!(cleaned(&[1.0, 1.0, 101.0, 1.0, 1.0]).1, [CleaningKind::Spike]);
    assert!(cleaned(&[1.0, 1.0, 99.0, 1.0, 1.0]).1.is_empty(), "below a hundred medians");
    assert!(cleaned(&[1.0, 1.0, 101.0, 101.0, 1.0, 1.0]).1.is_empty(), "two in a row are a burst");
    assert!(cleaned(&[1.0, 1.0, 1.0, 101.0]).1.is_empty(), "the newest may be the first of a burst");
}

#[test]
fn a_note_says_how_many_rows_where_and_what_was_done() {
    let series = Series::try_new(0, 60_000, vec![Some(1.0), None, Some(2.0), None]).unwrap();
    let (_, notes) = clean(series.clone());
    assert_eq!(notes, [Cleaning { kind: CleaningKind::Gap, rows: 2, first_ms: 60_000, last_ms: 180_000 }]);
    assert_eq!(notes[0].to_string(), "2 row(s) missing");
}
