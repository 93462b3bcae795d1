use super::*;
use crate::fixtures;

fn fleet(concurrency: u32) -> Fleet {
    Fleet { concurrency, service_time_ms: 100.0, queue: 64, algorithm: balancer::Algorithm::LeastConnections }
}

/// 95 % within 300 ms.
const SLO: Slo = Slo { latency_ms: 300.0, percentile: 95.0, errors: 0.001 };

#[test]
fn the_curve_never_falls_and_rewards_pooling() {
    let mut curve = CapacityCurve::new(fleet(4), SLO);
    let rps: Vec<f64> = (0..=12).map(|n| curve.rps(n)).collect();
    assert_eq!(rps[0], 0.0);
    assert!(rps.windows(2).all(|pair| pair[0] <= pair[1]), "{rps:?}");
    // One replica is an M/M/4 with mean 100 ms: the load whose 95th percentile is 300 ms lies close to saturation (40 rps), not at it.
    assert!((8.0..38.0).contains(&rps[1]), "{rps:?}");
    assert!(rps[12] / 12.0 > rps[1], "least connections pools: {rps:?}");
    assert!(rps[12] < 12.0 * 40.0);
}

#[test]
fn an_slo_that_nobody_can_hold_is_not_a_division_by_zero() {
    let slo = Slo { latency_ms: 50.0, ..SLO };
    let mut curves = Curves::default();
    let mut config = fixtures::service("a");
    config.slo = slo;
    config.capacity = Capacity::Modelled { concurrency: 4, service_time_ms: 100.0, queue: 64, algorithm: balancer::Algorithm::P2c };
    config.rails.max = 4;
    let mut capacities = curves.of(&config).unwrap();
    assert!(capacities.of(4) > 0.0);
    assert!(capacities.needed(100.0) > 1_000_000, "absurdly many, so the maximum and a breach");
}

#[test]
fn needed_is_the_inverse_of_what_holds() {
    let mut curves = Curves::default();
    let mut config = fixtures::service("a");
    config.slo = SLO;
    config.capacity =
        Capacity::Modelled { concurrency: 4, service_time_ms: 100.0, queue: 64, algorithm: balancer::Algorithm::LeastConnections };
    let mut capacities = curves.of(&config).unwrap();
    for load in [1.0, 30.0, 100.0, 333.0, 600.0] {
        let n = capacities.needed(load);
        assert!(capacities.of(n) >= load, "{load}");
        assert!(n == 1 || capacities.of(n - 1) < load, "{load}");
    }
    let beyond = capacities.needed(2_000.0);
    assert!(beyond > 20 && (capacities.of(beyond) >= 1_999.0), "{beyond}");
    let check = capacities.check(8, 100.0);
    assert!(check.holds && check.source == CheckSource::Simulated && check.p_latency_ms.is_some_and(|p| p < 300.0));
    assert!(!capacities.check(2, 100.0).holds);
    assert_eq!(serde_json::from_str::<Curves>(&serde_json::to_string(&curves).unwrap()).unwrap().by_shape.len(), 1);
}

#[test]
fn declared_capacity_is_a_straight_line() {
    let mut curves = Curves::default();
    let config = fixtures::service("a");
    let mut capacities = curves.of(&config).unwrap();
    assert_eq!([0.0, 1.0, 100.0, 100.1, 2_000.0, 2_001.0].map(|rps| capacities.needed(rps)), [1, 1, 1, 2, 20, 21]);
    assert!(capacities.check(3, 300.0).holds && !capacities.check(3, 301.0).holds);
    assert_eq!(curves, Curves::default(), "nothing is simulated");
}

#[test]
fn the_grid_brackets_every_number() {
    assert_eq!(
        [1, 4, 5, 6, 7, 9, 13, 16, 17, 33].map(neighbours),
        [(1, 1), (4, 4), (4, 6), (6, 6), (6, 8), (8, 12), (12, 16), (16, 16), (16, 24), (32, 48)]
    );
    assert!(neighbours(u32::MAX).1 >= neighbours(u32::MAX).0);
}
