//! Exact queueing theory, the rows that are cheap to hold. The dear ones are in `oracle_long.rs`.

#[path = "oracle/mod.rs"]
mod oracle;

use oracle::control;
use oracle::plan::{FAST, LONG, checks};
use simulator::stats::t_interval;

#[test]
fn cheap_rows_of_the_oracle_hold_at_half_a_per_cent() {
    let wrong = oracle::violations(&FAST, checks(), |_| ());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_row_that_a_report_can_express_is_planned() {
    let rows = oracle::rows();
    assert!(rows.len() > 170, "{}", rows.len());
    for plan in FAST.iter().chain(&LONG) {
        assert!(rows.iter().any(|row| row.model == plan.model && row.params == plan.params), "{plan:?} plans nothing");
    }
    let mut wide = Vec::new();
    for row in &rows {
        let plans = FAST.iter().chain(&LONG).filter(|plan| plan.model == row.model && plan.params == row.params);
        let best = plans.map(|plan| plan.half_width(&row.quantity)).fold(f64::INFINITY, f64::min);
        assert!(best.is_finite(), "{row:?} isn't planned");
        if best > oracle::HALF_WIDTH {
            wide.push(format!("{} {} {}", row.model, row.params, row.quantity));
        }
    }
    // A ratchet: rows that aren't held to ± 0.5 % may only get fewer.
    assert_eq!(wide.len(), 6, "{}", wide.join("\n"));
}

#[test]
fn a_control_takes_out_what_it_explains_and_nothing_else() {
    let noise: Vec<f64> = (0..64).map(|i| f64::from((i * 37 + 11) % 64) / 64.0 - 0.5).collect();
    let control: Vec<f64> = (0..64).map(|i| f64::from((i * 29 + 3) % 64) / 64.0 - 0.4).collect();
    let values: Vec<f64> = noise.iter().zip(&control).map(|(noise, control)| 5.0 + 0.1 * noise + 3.0 * control).collect();
    let plain = t_interval(&values, 0.99).expect("64 values");
    assert_eq!(control::interval(&values, &[], 0.99), Some(plain));
    // The control's mean happens to be 0.09 here: the plain mean is off by three times that, the intercept isn't.
    let found = control::interval(&values, std::slice::from_ref(&control), 0.99).expect("64 values");
    assert!(found.contains(5.0) && found.half_width() < plain.half_width() / 10.0, "{found:?} {plain:?}");
    // One that doesn't vary and one that says nothing new change nothing.
    let twice = control.iter().map(|value| 2.0 * value).collect();
    assert_eq!(control::interval(&values, &[vec![0.0; 64], control.clone(), twice], 0.99), Some(found));
    assert_eq!(control::interval(&values[..2], &[control[..2].to_vec()], 0.99), None);
}
