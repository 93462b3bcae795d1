use super::*;
use crate::series::Series;

const MINUTE_MS: i64 = 60_000;
const DAY: usize = 1440;
const SCALE: f64 = 40.0;

/// Eight calm days between 100 and 300, and then `minutes` of a ninth day's morning times the factor.
fn grid(minutes: usize, factor: impl Fn(usize) -> f64) -> Grid {
    let calm = |i: usize| 200.0 - 100.0 * libm::cos((i % DAY) as f64 / DAY as f64 * std::f64::consts::TAU) + (i * 7 % 5) as f64;
    let (start, end) = (8 * DAY + 600, 8 * DAY + 600 + minutes);
    let value = |i: usize| calm(i) * if i < start { 1.0 } else { factor(i - start) };
    let series = Series::try_new(0, MINUTE_MS, (0..end).map(|i| Some(value(i))).collect()).unwrap();
    Grid::build(&series, 1, SCALE)
}

fn ramp(minute: usize) -> f64 {
    1.0 + 4.0 * (minute as f64 / 10.0).min(1.0)
}

fn natural(z: f64) -> f64 {
    SCALE * libm::expm1(z)
}

#[test]
fn a_calm_day_is_no_crowd_and_neither_is_the_first_one() {
    assert!(Crowd::find(&grid(60, |_| 1.0), SCALE, 60, &[0.5]).is_none());
    let first = Series::try_new(0, MINUTE_MS, (0..DAY).map(|i| Some(if i < 1400 { 100.0 } else { 900.0 })).collect()).unwrap();
    assert!(Crowd::find(&Grid::build(&first, 1, SCALE), SCALE, 60, &[0.5]).is_none(), "one day knows no expected level");
}

#[test]
fn a_rise_goes_on_for_some_minutes_and_not_for_ever() {
    let grid = grid(6, ramp);
    let crowd = Crowd::find(&grid, SCALE, 90, &[0.5]).unwrap();
    let (now, soon) = (natural(grid.z[grid.len() - 1]), natural(crowd.path[4]));
    assert!(soon > 1.05 * now, "{soon:.0} in five minutes after {now:.0}");
    assert!(crowd.path.iter().all(|z| natural(*z) < 3.0 * now));
}

#[test]
fn a_crowd_that_holds_is_expected_to_hold_for_now() {
    let grid = grid(40, ramp);
    let crowd = Crowd::find(&grid, SCALE, 60, &[0.5]).unwrap();
    let now = natural(grid.z[grid.len() - 1]);
    assert!((natural(crowd.path[9]) / now - 1.0).abs() < 0.1);
}

#[test]
fn a_crowd_that_falls_goes_on_falling_but_not_below_what_is_expected() {
    let grid = grid(80, |minute| if minute < 50 { ramp(minute) } else { 5.0 - 4.0 * (minute - 50) as f64 / 60.0 });
    let crowd = Crowd::find(&grid, SCALE, 60, &[0.5]).unwrap();
    let calm = 290.0;
    assert!((natural(crowd.path[20]) - calm * (5.0 - 4.0 * 51.0 / 60.0)).abs() < 60.0, "{}", natural(crowd.path[20]));
    assert!(crowd.path.iter().all(|z| natural(*z) > 0.8 * calm));
}

#[test]
fn a_jump_neither_rises_nor_falls_on_once_it_is_over() {
    let jumped = grid(4, |_| 8.0);
    let crowd = Crowd::find(&jumped, SCALE, 60, &[0.5]).unwrap();
    let now = natural(jumped.z[jumped.len() - 1]);
    assert!((0.85..1.15).contains(&(natural(crowd.path[9]) / now)), "{:.0} ten minutes after {now:.0}", natural(crowd.path[9]));
    // A burst within the crowd, eight minutes ago.
    let burst = grid(40, |minute| ramp(minute) * if (26..32).contains(&minute) { 4.0 } else { 1.0 });
    let crowd = Crowd::find(&burst, SCALE, 60, &[0.5]).unwrap();
    let now = natural(burst.z[burst.len() - 1]);
    assert!((0.85..1.15).contains(&(natural(crowd.path[9]) / now)), "{:.0} ten minutes after {now:.0}", natural(crowd.path[9]));
}

#[test]
fn its_levels_ascend_and_its_mean_lies_between_them() {
    let levels = [0.01, 0.25, 0.5, 0.9, 0.99];
    for minutes in [6, 40, 80] {
        let crowd = Crowd::find(&grid(minutes, ramp), SCALE, 60, &levels).unwrap();
        for (lead, path) in crowd.path.iter().enumerate() {
            let q: Vec<f64> = crowd.quantiles(*path, lead).collect();
            assert!(q.windows(2).all(|pair| pair[0] <= pair[1]), "{q:?}");
            let mean = libm::log(crowd.growth(*path, lead));
            assert!(q[0] <= mean && mean <= q[4]);
        }
    }
}

#[test]
fn what_comes_every_day_some_minutes_earlier_or_later_is_no_crowd() {
    let spike = |i: usize| if (600 + (i / DAY) % 4..640).contains(&(i % DAY)) { 900.0 } else { 100.0 };
    let series = Series::try_new(0, MINUTE_MS, (0..8 * DAY + 606).map(|i| Some(spike(i))).collect()).unwrap();
    assert!(Crowd::find(&Grid::build(&series, 1, SCALE), SCALE, 60, &[0.5]).is_none());
}

#[test]
fn what_may_be_a_crowd_raises_the_upper_quantiles_before_the_median() {
    let belief = |factor: f64| Crowd::find(&grid(6, |_| factor), SCALE, 60, &[0.5, 0.99]).map(|crowd| (crowd.belief, crowd));
    let (doubt, crowd) = belief(1.4).unwrap();
    assert!(doubt > 0.0 && doubt < 0.5, "{doubt}");
    assert_eq!(crowd.share(0), doubt);
    assert!(crowd.share(1) > 0.9, "{}", crowd.share(1));
    assert!(belief(1.1).is_none());
    let (sure, crowd) = belief(3.0).unwrap();
    assert_eq!((sure, crowd.share(0), crowd.share(1)), (1.0, 1.0, 1.0));
}

#[test]
fn a_burst_is_expected_to_end_where_higher_ones_before_it_did() {
    let series = |bursts: bool| {
        let end = 8 * DAY + 650;
        let value = |i: usize| match end - i {
            1..=8 => 500.0,
            _ if bursts && i % 1009 < 20 => 900.0,
            _ => 100.0,
        };
        Series::try_new(0, MINUTE_MS, (0..end).map(|i| Some(value(i))).collect()).unwrap()
    };
    let later = |bursts: bool| natural(Crowd::find(&Grid::build(&series(bursts), 1, SCALE), SCALE, 60, &[0.5]).unwrap().path[50]);
    let (without, with) = (later(false), later(true));
    assert!(with < 0.7 * without, "{with:.0} against {without:.0} without earlier bursts");
}
