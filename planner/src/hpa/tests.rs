use super::*;
use crate::config::RatePolicy;
use proptest::prelude::*;

fn plain(current: u32, per_pod: f64, target: f64) -> Option<u32> {
    let pods = PodMetrics { usage: per_pod * f64::from(current), measured: current, unready: 0, missing: 0 };
    recommend(current, &pods, target, 0.1)
}

/// "Horizontal Pod Autoscaling", Algorithm details: `desiredReplicas = ceil[currentReplicas × (currentMetricValue / desiredMetricValue)]`.
#[test]
fn the_documentations_examples() {
    // "if the current metric value is 200m, and the desired value is 100m, the number of replicas will be doubled"
    assert_eq!(plain(3, 200.0, 100.0), Some(6));
    // "If the current value is instead 50m, you'll halve the number of replicas"
    assert_eq!(plain(4, 50.0, 100.0), Some(2));
    // "skips any scaling action if the ratio is sufficiently close to 1.0 (… 0.1 by default)"
    assert_eq!([plain(10, 109.0, 100.0), plain(10, 91.0, 100.0)], [Some(10), Some(10)]);
    assert_eq!([plain(10, 111.0, 100.0), plain(10, 89.0, 100.0)], [Some(12), Some(9)]);
}

/// After replica_calculator_test.go of Kubernetes (names starting with Test), in its milli-units: current, usage summed over the measured
/// pods, measured, unready, missing, target → replicas.
#[test]
fn pods_that_are_not_ready_or_not_measured() {
    type Case = (&'static str, u32, f64, u32, u32, u32, f64, u32);
    let cases: [Case; 11] = [
        ("TestReplicaCalcScaleUp", 3, 300.0 + 500.0 + 700.0, 3, 0, 0, 300.0, 5),
        ("TestReplicaCalcScaleUpUnreadyLessScale", 3, 500.0 + 700.0, 2, 1, 0, 300.0, 4),
        ("TestReplicaCalcScaleUpUnreadyNoScale", 3, 400.0, 1, 2, 0, 300.0, 3),
        ("TestReplicaCalcScaleDown", 5, 100.0 + 300.0 + 500.0 + 250.0 + 250.0, 5, 0, 0, 500.0, 3),
        ("TestReplicaCalcScaleDownIgnoresUnreadyPods", 5, 100.0 + 300.0 + 500.0, 3, 2, 0, 500.0, 2),
        ("TestReplicaCalcTolerance", 3, 1010.0 + 1030.0 + 1020.0, 3, 0, 0, 1000.0, 3),
        ("TestReplicaCalcMissingMetricsHotCpuScaleUp", 3, 2000.0, 1, 1, 1, 500.0, 4),
        ("exactly on target, a missing pod changes nothing", 2, 1000.0, 1, 0, 1, 1000.0, 2),
        ("hot, but a missing pod counts as idle", 2, 1900.0, 1, 0, 1, 1000.0, 2),
        ("cool, but a missing pod counts as on target", 2, 600.0, 1, 0, 1, 1000.0, 2),
        ("on the way down missing pods stay", 4, 100.0 + 200.0 + 300.0, 3, 0, 1, 500.0, 3),
    ];
    for (name, current, usage, measured, unready, missing, target, expected) in cases {
        let pods = PodMetrics { usage, measured, unready, missing };
        assert_eq!(recommend(current, &pods, target, 0.1), Some(expected), "{name}");
    }
}

#[test]
fn without_a_metric_there_is_no_recommendation() {
    let pods = PodMetrics { usage: 0.0, measured: 0, unready: 3, missing: 2 };
    assert_eq!(recommend(5, &pods, 100.0, 0.1), None);
    for usage in [f64::NAN, f64::INFINITY, -1.0] {
        assert_eq!(recommend(5, &PodMetrics { usage, measured: 5, unready: 0, missing: 0 }, 100.0, 0.1), None);
    }
    assert_eq!(plain(5, 1e300, 1e-300), Some(u32::MAX), "absurd, but never small");
}

#[test]
fn stabilisation_keeps_within_the_windows() {
    assert_eq!(stabilise(5, 7, 9), 7);
    assert_eq!(stabilise(5, 3, 4), 4);
    assert_eq!(stabilise(5, 4, 8), 5);
}

/// horizontal_test.go, TestScalingWithRules: the limits of one policy and of several.
#[test]
fn behaviour_policies_limit_the_rate() {
    let pods = |value| RatePolicy { kind: RateKind::Pods, value, period_ms: 60_000 };
    let percent = |value| RatePolicy { kind: RateKind::Percent, value, period_ms: 60_000 };
    let rule = |policies: &[RatePolicy], select| Behaviour { policies: policies.to_vec(), select };
    let any = || rule(&[], Select::Max);
    let check = |current, wanted, up: Behaviour, down: Behaviour, changes: &[(i64, i64)]| {
        let changes: Vec<Change> = changes.iter().map(|&(at_ms, by)| Change { at_ms, by }).collect();
        limit_rate(current, wanted, &changes, &up, &down, 100_000)
    };
    assert_eq!(check(3, 10, rule(&[pods(4)], Select::Max), any(), &[]), 7);
    assert_eq!(check(10, 500, rule(&[percent(400)], Select::Max), any(), &[]), 50);
    assert_eq!(check(10, 500, rule(&[percent(200), pods(4)], Select::Max), any(), &[]), 30);
    assert_eq!(check(10, 500, rule(&[percent(200), pods(4)], Select::Min), any(), &[]), 14);
    assert_eq!(check(1, 500, rule(&[percent(50)], Select::Max), any(), &[]), 2, "rounded up, or it would never grow");
    assert_eq!(check(5, 9, rule(&[], Select::Disabled), any(), &[]), 5);
    assert_eq!(check(10, 3, any(), rule(&[pods(5)], Select::Max), &[]), 5);
    assert_eq!(check(100, 5, any(), rule(&[percent(50)], Select::Max), &[]), 50);
    assert_eq!(check(100, 5, any(), rule(&[percent(50), pods(4)], Select::Min), &[]), 96);
    assert_eq!(check(10, 5, any(), rule(&[], Select::Disabled), &[]), 10);
    // What was changed within the period counts from the fleet's size at its start.
    assert_eq!(check(7, 10, rule(&[pods(4)], Select::Max), any(), &[(70_000, 4)]), 7);
    assert_eq!(check(7, 10, rule(&[pods(4)], Select::Max), any(), &[(40_000, 4)]), 10);
    assert_eq!(check(50, 5, any(), rule(&[percent(50)], Select::Max), &[(99_000, -50)]), 50);
    let default = check(10, 100, Behaviour::default_up(), Behaviour::default_down(), &[]);
    assert_eq!(default, 20, "100 % in 15 s beats 4 pods");
}

proptest! {
    #[test]
    fn missing_metrics_never_scale_down_further_than_all_metrics_would(
        measured in 1u32..20, missing in 0u32..20, unready in 0u32..20, load in 0.0f64..4.0,
    ) {
        let current = measured + missing + unready;
        let pods = PodMetrics { usage: load * f64::from(measured), measured, unready, missing };
        let wanted = recommend(current, &pods, 1.0, 0.1).unwrap();
        prop_assert!(wanted >= missing.min(current), "the pods that don't report are taken as busy");
        if load > 1.0 {
            prop_assert!(wanted >= current, "hot pods never scale down");
        }
    }

    #[test]
    fn the_rate_limit_lies_between_current_and_wanted(
        current in 0u32..50, wanted in 0u32..50, value in 1u32..300, by in -20i64..20, percent in any::<bool>(),
    ) {
        let kind = if percent { RateKind::Percent } else { RateKind::Pods };
        let rule = Behaviour { policies: vec![RatePolicy { kind, value, period_ms: 60_000 }], select: Select::Max };
        let changes = [Change { at_ms: 90_000, by }];
        let limited = limit_rate(current, wanted, &changes, &rule, &rule, 100_000);
        prop_assert!((current.min(wanted)..=current.max(wanted)).contains(&limited));
    }
}
