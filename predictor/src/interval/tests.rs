use super::*;

#[test]
fn a_path_is_straight_between_the_middles_of_its_bins() {
    let path = [0.0, 4.0, 8.0];
    let at: Vec<f64> = (0..12).map(|i| path_at(&path, 4, i)).collect();
    assert_eq!(at, [0.0, 0.0, 0.5, 1.5, 2.5, 3.5, 4.5, 5.5, 6.5, 7.5, 8.0, 8.0]);
    assert_eq!(path_at(&path, 1, 1), 4.0);
    assert_eq!(path_at(&path, 1, 9), 8.0, "beyond the end the last value holds");
}

#[test]
fn restless_hours_get_a_wider_scale_and_unseen_ones_the_usual() {
    let residual = |slot: usize, value: f64| Residual { value, weight: 1.0, slot, lead: 0 };
    let restless: Vec<Residual> = (0..400).map(|i| residual(i % 24, if i % 24 < 12 { 0.4 } else { -0.1 })).collect();
    let profile = profile(&restless);
    assert!(profile[6] > 1.2 && profile[18] < 0.8, "{profile:?}");
    assert!((profile[36] - 1.0).abs() < 1e-9, "nothing was seen there: {}", profile[36]);
    assert!(self::profile(&[residual(0, 0.0)]).iter().all(|scale| *scale == 1.0));
}

#[test]
fn errors_that_grow_with_the_lead_make_near_leads_surer() {
    let residuals: Vec<Residual> = (0..60).map(|lead| Residual { value: (lead / 10 + 1) as f64, weight: 1.0, slot: 0, lead }).collect();
    let scales = by_lead(&residuals, &[1.0; PROFILE], 60, 1.0);
    assert!(scales.windows(2).all(|pair| pair[0] < pair[1]), "{scales:?}");
    assert!((scales[5] / scales[0] - 6.0).abs() < 1e-9);
    assert_eq!(by_lead(&residuals, &[1.0; PROFILE], 60, 0.0), [1.0; LEADS], "power 0 pools all leads");
    assert_eq!(by_lead(&[], &[1.0; PROFILE], 60, 1.0), [1.0; LEADS], "nothing seen, nothing told apart");
}

#[test]
fn old_errors_count_less_in_the_effective_sample_size() {
    let residual = |weight: f64| Residual { value: 0.1, weight, slot: 0, lead: 0 };
    let alike: Vec<Residual> = (0..8).map(|_| residual(0.5)).collect();
    assert_eq!(Sample::of(&alike), Sample { count: 8, effective: 8.0 });
    assert_eq!(Sample::of(&[residual(1.0), residual(0.5)]), Sample { count: 2, effective: 1.5 * 1.5 / 1.25 });
    assert_eq!(Sample::of(&[]), Sample { count: 0, effective: 0.0 });
}
