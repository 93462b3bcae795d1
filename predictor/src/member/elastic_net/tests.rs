use super::*;

/// Two columns that say the same, one that says nothing, and a level.
fn equations(rows: usize) -> Equations {
    let mut equations = Equations::default();
    for i in 0..rows {
        let x = (i * 7 % 11) as f64 - 5.0;
        let noise = (i * 5 % 13) as f64 - 6.0;
        let mut row = [0.0; COLUMNS];
        (row[0], row[1], row[2], row[3]) = (1.0, x, x, noise);
        equations.add(&row, 4.0 * x, 1.0);
    }
    equations
}

#[test]
fn what_says_nothing_is_taken_out_and_twins_share() {
    let model = equations(11 * 13 * 2).elastic_net().unwrap();
    assert_eq!((model[0], model[3]), (0.0, 0.0), "a ridge never gives a whole nothing: {model:?}");
    assert!((model[1] - model[2]).abs() < 1e-3 * model[1], "{model:?}");
    assert!((3.5..4.0).contains(&(model[1] + model[2])), "the penalties take a little: {model:?}");
}

#[test]
fn it_solves_what_it_says() {
    // The same problem by the conditions of its solution: a column's slope is the penalty where it is in, and less where it is out.
    let mut equations = equations(500);
    let model = equations.elastic_net().unwrap();
    let sums = equations.sums().unwrap();
    let full = |i: usize, j: usize| sums.energy(i, j);
    let most = (0..4).map(|i| sums.answer[i].abs() / full(i, i).sqrt()).fold(0.0, f64::max);
    for i in 0..4 {
        let size = full(i, i).sqrt();
        let slope = (sums.answer[i] - (0..COLUMNS).map(|j| full(i, j) * model[j]).sum::<f64>()) / size - SQUARES * model[i] * size;
        let bound = SPARSITY * most;
        let met = if model[i] == 0.0 { slope.abs() <= 1.05 * bound } else { (slope - bound * model[i].signum()).abs() < 0.05 * bound };
        assert!(met, "column {i}: {slope} of {bound}, {model:?}");
    }
}

#[test]
fn too_few_rows_and_nothing_but_zeros_are_no_trouble() {
    assert_eq!(equations(20).elastic_net(), None);
    let mut zeros = Equations::default();
    (0..4 * COLUMNS).for_each(|_| zeros.add(&[0.0; COLUMNS], 0.0, 1.0));
    assert_eq!(zeros.elastic_net(), Some([0.0; COLUMNS]));
}
