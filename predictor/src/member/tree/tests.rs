use super::*;

/// High where two columns are.
fn answer(row: &Row) -> f64 {
    if row[1] > 0.3 && row[0] > 2.0 { 9.0 } else { -5.0 }
}

fn rows(count: usize) -> Vec<Row> {
    let row = |i: usize| {
        let mut row = [0.0; COLUMNS];
        (row[0], row[1], row[2]) = ((i * 379 % 601) as f64 / 120.0, (i * 227 % 601) as f64 / 601.0, (i * 3 % 599) as f64);
        row
    };
    (0..count).map(row).collect()
}

#[test]
fn trees_find_where_the_answer_changes_and_say_the_medians_there() {
    let rows = rows(600);
    let columns = Array2::from_shape_fn((rows.len(), COLUMNS), |(i, j)| rows[i][j]);
    let mut left: Vec<f64> = rows.iter().map(answer).collect();
    // Each tree answers a share of what is left.
    for _ in 0..8 {
        let tree = tree(&columns, &rows, &left).unwrap();
        left.iter_mut().zip(&rows).for_each(|(left, row)| *left -= tree.answer(row));
    }
    let furthest = left.iter().map(|left| left.abs()).fold(0.0, f64::max);
    assert!(furthest < 0.1, "{furthest}");
}

#[test]
fn the_same_rows_give_the_same_trees_though_classes_tie() {
    let rows = rows(400);
    let columns = Array2::from_shape_fn((rows.len(), COLUMNS), |(i, j)| rows[i][j]);
    // Half is above and half below in nearly every leaf.
    let left: Vec<f64> = (0..rows.len()).map(|i| if i % 2 == 0 { 1.0 + i as f64 } else { -1.0 - i as f64 }).collect();
    let said = || {
        let tree = tree(&columns, &rows, &left).unwrap();
        rows.iter().map(|row| tree.answer(row)).collect::<Vec<f64>>()
    };
    let first = said();
    assert!((0..20).all(|_| said() == first));
}
