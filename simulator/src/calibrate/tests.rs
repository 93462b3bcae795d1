//! Data drawn from known distributions, by the simulator's own draws, are recovered within the stated uncertainty.

use proptest::prelude::*;
use rand_pcg::Pcg64Mcg;

use super::*;
use crate::sample::ServiceSampler;
use crate::scenario::{ServiceDist, ServiceTime};

/// Prometheus' default bounds, in milliseconds.
const BOUNDS_MS: [f64; 11] = [5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1_000.0, 2_500.0, 5_000.0, 10_000.0];

fn drawn(dist: ServiceDist, mean_ms: f64, count: usize, seed: u64) -> Buckets {
    let mut rng = Pcg64Mcg::new(u128::from(seed) * 2 + 1);
    let sampler = ServiceSampler::new(&ServiceTime { dist, mean_ms }, 1.0);
    let mut cumulative = [0.0; 12];
    for _ in 0..count {
        let ms = sampler.draw(&mut rng) as f64 / 1e6;
        let first = BOUNDS_MS.iter().position(|bound| ms <= *bound).unwrap_or(11);
        cumulative[first..].iter_mut().for_each(|count| *count += 1.0);
    }
    Buckets::try_new(&BOUNDS_MS, &cumulative).unwrap()
}

fn holds(estimate: Estimate, truth: f64) -> bool {
    (estimate.low..=estimate.high).contains(&truth)
}

/// Of 60 samples, how many intervals of the true family hold the true mean and scv, and how often that family is the best.
fn recovered(dist: ServiceDist, family: Family, count: usize) -> (usize, usize, usize) {
    let (mut means, mut shapes, mut best) = (0, 0, 0);
    for seed in 0..60 {
        let fit = fit(&drawn(dist.clone(), 80.0, count, 1_000 + seed)).unwrap();
        best += usize::from(fit.candidates[0].family == family);
        let own = fit.candidates.iter().find(|candidate| candidate.family == family).unwrap();
        means += usize::from(holds(own.mean_ms, 80.0));
        shapes += usize::from(own.scv.is_none_or(|scv| holds(scv, dist.scv())));
    }
    (means, shapes, best)
}

#[test]
fn intervals_hold_the_truth_as_often_as_they_say_and_the_family_is_told() {
    for (dist, family) in [
        (ServiceDist::Exponential, Family::Exponential),
        (ServiceDist::Lognormal { scv: 0.8 }, Family::Lognormal),
        (ServiceDist::Lognormal { scv: 4.0 }, Family::Lognormal),
        (ServiceDist::Gamma { scv: 0.4 }, Family::Gamma),
    ] {
        let (means, shapes, best) = recovered(dist.clone(), family, 5_000);
        // 95 % of 60 are 57; fewer than 51 would be a chance below 1 in 1,000.
        assert!(means >= 51 && shapes >= 51, "{dist:?}: {means} means, {shapes} shapes of 60");
        // Akaike prefers a needless parameter in about a sixth of the cases.
        assert!(best >= 42, "{dist:?}: the right family in {best} of 60");
    }
}

#[test]
fn intervals_are_narrow_where_there_are_many_observations_and_wide_where_buckets_are_coarse() {
    let dist = ServiceDist::Lognormal { scv: 1.0 };
    let width = |fit: &Fit| (fit.candidates[0].mean_ms.high - fit.candidates[0].mean_ms.low) / fit.candidates[0].mean_ms.value;
    let (few, many) = (fit(&drawn(dist.clone(), 80.0, 500, 5)).unwrap(), fit(&drawn(dist, 80.0, 50_000, 5)).unwrap());
    assert!(width(&many) < 0.03 && width(&few) > 5.0 * width(&many), "{} {}", width(&few), width(&many));
    let coarse = fit(&Buckets::try_new(&[100.0], &[700.0, 1_000.0]).unwrap()).unwrap();
    assert_eq!(coarse.candidates.len(), 1, "one bound can't tell a shape");
    assert!((coarse.candidates[0].mean_ms.value - 100.0 / -f64::ln(0.3)).abs() < 1e-3);
}

#[test]
fn what_is_no_histogram_is_refused_with_what_is_allowed() {
    let said = |bounds: &[f64], counts: &[f64]| Buckets::try_new(bounds, counts).unwrap_err().to_string();
    assert!(said(&[], &[1.0]).contains("at least one bound"));
    assert!(said(&[5.0, 5.0], &[1.0, 2.0, 3.0]).starts_with("bucket 1: the bound 5 ms after 5 ms"));
    assert!(said(&[5.0, 9.0], &[3.0, 2.0, 3.0]).starts_with("bucket 1: the count 2 after 3"));
    assert!(said(&[5.0], &[f64::NAN, 2.0]).contains("the count NaN"));
    let one = fit(&Buckets::try_new(&[5.0, 10.0], &[0.0, 9.0, 9.0]).unwrap()).unwrap_err().to_string();
    assert!(one.starts_with("9 observations in 1 of 3 buckets"), "{one}");
}

/// The law with 2 % of noise.
fn law(seed: u64, most: u32, contention: f64, coherency: f64) -> Vec<LoadPoint> {
    let mut rng = Pcg64Mcg::new(u128::from(seed) * 2 + 1);
    let sampler = ServiceSampler::new(&ServiceTime { dist: ServiceDist::Gamma { scv: 0.000_4 }, mean_ms: 1.0 }, 1.0);
    (0..120)
        .map(|minute| {
            let n = 1.0 + f64::from(minute * 37 % most);
            let noise = sampler.draw(&mut rng) as f64 / 1e6;
            let throughput = 25.0 * n / (1.0 + contention * (n - 1.0) + coherency * n * (n - 1.0));
            LoadPoint { concurrency: n, throughput_rps: throughput * noise }
        })
        .collect()
}

#[test]
fn the_scalability_law_is_recovered_within_its_intervals() {
    let mut held = [0; 4];
    for seed in 0..40 {
        let usl = fit_usl(&law(seed, 40, 0.05, 0.001), 7).unwrap();
        let peak_at = f64::sqrt(0.95 / 0.001);
        let peak = 25.0 * peak_at / (1.0 + 0.05 * (peak_at - 1.0) + 0.001 * peak_at * (peak_at - 1.0));
        for (slot, (estimate, truth)) in
            held.iter_mut().zip([(usl.single_rps, 25.0), (usl.contention, 0.05), (usl.coherency, 0.001), (usl.peak_rps, peak)])
        {
            *slot += usize::from(holds(estimate, truth));
        }
        assert!((usl.peak_rps.value / peak - 1.0).abs() < 0.03, "{usl:?}");
    }
    // A bootstrap's intervals are a little narrow: 33 of 40 where 38 are promised.
    assert!(held.iter().all(|held| *held >= 33), "{held:?}");
}

#[test]
fn a_curve_that_does_not_bend_has_no_peak_and_says_so() {
    let straight = fit_usl(&law(3, 6, 0.0, 0.0), 7).unwrap();
    assert!(straight.peak_rps.high > 1_000.0, "{straight:?}");
    let points = [LoadPoint { concurrency: 1.0, throughput_rps: 10.0 }, LoadPoint { concurrency: 0.0, throughput_rps: 0.0 }];
    assert_eq!(
        fit_usl(&points, 1).unwrap_err().to_string(),
        "1 usable points with 1 different concurrencies: at least 3 different ones are needed for a scalability curve"
    );
}

proptest! {
    #[test]
    fn any_histogram_gives_finite_numbers_or_an_error(counts in prop::collection::vec(0.0..1e9_f64, 2..14), scale in 1e-3..1e5_f64) {
        let bounds: Vec<f64> = (1..counts.len()).map(|at| scale * at as f64 * at as f64).collect();
        let cumulative: Vec<f64> = counts.iter().scan(0.0, |sum, count| { *sum += count; Some(*sum) }).collect();
        if let Ok(fit) = fit(&Buckets::try_new(&bounds, &cumulative).unwrap()) {
            for candidate in &fit.candidates {
                let mean = candidate.mean_ms;
                prop_assert!(mean.value.is_finite() && mean.value > 0.0 && mean.low <= mean.value && mean.value <= mean.high, "{candidate:?}");
                prop_assert!((0.0..=1.0).contains(&candidate.largest_gap) && candidate.aic_behind >= 0.0);
            }
        }
    }

    #[test]
    fn any_points_give_a_law_or_an_error(points in prop::collection::vec((-1.0..1e6_f64, -1.0..1e6_f64), 0..30)) {
        let points: Vec<LoadPoint> = points.into_iter().map(|(concurrency, throughput_rps)| LoadPoint { concurrency, throughput_rps }).collect();
        if let Ok(usl) = fit_usl(&points, 1) {
            prop_assert!(usl.single_rps.value > 0.0 && usl.contention.value >= 0.0 && usl.coherency.value >= 0.0, "{usl:?}");
        }
    }
}
