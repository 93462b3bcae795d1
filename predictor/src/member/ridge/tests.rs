use super::*;

/// Rows whose columns are all the same, or none, or a huge multiple of another.
fn collinear() -> Equations {
    let mut equations = Equations::default();
    for i in 0..200 {
        let x = f64::from(i % 7) - 3.0;
        let mut row = [x; COLUMNS];
        row[3] = 0.0;
        row[4] = 1e-9 * x;
        equations.add(&row, 2.0 * x, 1.0);
    }
    equations
}

#[test]
fn collinear_and_empty_columns_give_small_coefficients_that_still_fit() {
    let model = collinear().solve().unwrap();
    assert!(model.iter().all(|c| c.abs() < 1.0), "{model:?}");
    assert_eq!(model[3], 0.0);
    let mut row = [1.0; COLUMNS];
    (row[3], row[4]) = (0.0, 1e-9);
    let answer: f64 = row.iter().zip(&model).map(|(x, c)| x * c).sum();
    assert!((answer - 2.0).abs() < 0.05, "{answer}");
}

#[test]
fn too_few_rows_and_nothing_but_zeros_are_no_trouble() {
    let mut equations = Equations::default();
    equations.add(&[1.0; COLUMNS], 1.0, 1.0);
    assert_eq!(equations.solve(), None);
    for _ in 0..4 * COLUMNS {
        equations.add(&[0.0; COLUMNS], 0.0, 1.0);
    }
    let mut zeros = Equations::default();
    (0..4 * COLUMNS).for_each(|_| zeros.add(&[0.0; COLUMNS], 0.0, 1.0));
    assert_eq!(zeros.solve(), Some([0.0; COLUMNS]));
}

#[test]
fn heavier_rows_decide() {
    let mut equations = Equations::default();
    for i in 0..200 {
        let mut row = [0.0; COLUMNS];
        row[0] = 1.0;
        let new = i >= 100;
        equations.add(&row, if new { 10.0 } else { 0.0 }, if new { 9.0 } else { 1.0 });
    }
    let level = equations.solve().unwrap()[0];
    assert!((8.0..9.0).contains(&level), "nine tenths of the weight say 10, the penalty takes a tenth: {level}");
}
