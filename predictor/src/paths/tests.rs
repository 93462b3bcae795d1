use super::*;

fn past(actual: &[i16]) -> Past {
    Past { weight: 1.0, predicted: vec![1000; actual.len()], actual: actual.to_vec() }
}

fn maxima(path: &[i16], past: Vec<Past>) -> Maxima {
    Maxima { scale: 1.0, blocks: vec![Block { bin_ms: 100, path: path.to_vec(), past }], stretches: Vec::new() }
}

fn z(max: Option<f64>) -> f64 {
    libm::log1p(max.unwrap())
}

#[test]
fn quantiles_of_weighted_samples_lie_between_the_middles_of_their_weights() {
    let samples = [(1.0, 1.0), (2.0, 2.0), (3.0, 1.0)];
    assert_eq!(weighted_quantile(&samples, 0.5), Some(2.0));
    assert_eq!(weighted_quantile(&samples, 0.01), Some(1.0));
    assert_eq!(weighted_quantile(&samples, 0.99), Some(3.0));
    assert!((weighted_quantile(&samples, 0.3125).unwrap() - 1.5).abs() < 1e-12);
    assert_eq!(weighted_quantile(&[], 0.5), None);
}

#[test]
fn a_window_is_as_high_as_its_path_and_the_errors_that_whole_stretches_had() {
    let calm = maxima(&[1000, 2000, 1500], vec![past(&[1000, 1000, 1000])]);
    assert!((z(calm.quantile(0, 300, 0.5)) - 2.0).abs() < 1e-9);
    assert!((z(calm.quantile(200, 300, 0.5)) - 1.5).abs() < 1e-9);
    // One past stretch was 0.6 above its path in the second bin: there the path is at its highest as well.
    let burst = maxima(&[1000, 2000, 1500], vec![past(&[1000, 1600, 1000])]);
    assert!((z(burst.quantile(0, 300, 0.5)) - 2.6).abs() < 1e-9);
}

#[test]
fn bins_without_an_observation_say_nothing_and_a_window_out_of_reach_is_none() {
    let gaps = maxima(&[1000, 2000], vec![past(&[ABSENT, 1200]), past(&[ABSENT, ABSENT])]);
    assert!((z(gaps.quantile(0, 200, 0.9)) - 2.2).abs() < 1e-9);
    assert!((z(gaps.quantile(0, 100, 0.9)) - 1.2).abs() < 1e-9, "no past stretch saw the first bin, so the error of the next one speaks");
    let blind = maxima(&[1000, 2000], vec![past(&[ABSENT, ABSENT])]);
    assert_eq!(blind.quantile(0, 100, 0.9), None);
    assert_eq!(gaps.quantile(0, 201, 0.5), None);
    assert_eq!(Maxima::default().quantile(0, 1, 0.5), None);
}

#[test]
fn the_block_with_the_finest_bins_that_reaches_far_enough_answers() {
    let near = Block { bin_ms: 100, path: vec![1000; 2], past: vec![past(&[1000; 2])] };
    let far = Block { bin_ms: 500, path: vec![2000; 2], past: vec![past(&[1000; 2])] };
    let both = Maxima { scale: 1.0, blocks: vec![near, far], ..Maxima::default() };
    assert!((z(both.quantile(0, 200, 0.5)) - 1.0).abs() < 1e-9);
    assert!((z(both.quantile(0, 201, 0.5)) - 2.0).abs() < 1e-9);
}

#[test]
fn a_window_is_as_high_as_the_part_of_it_that_a_finer_block_knows() {
    let near = Block { bin_ms: 100, path: vec![3000; 2], past: vec![past(&[1000; 2])] };
    let far = Block { bin_ms: 500, path: vec![2000; 2], past: vec![past(&[1000; 2])] };
    let both = Maxima { scale: 1.0, blocks: vec![near, far], ..Maxima::default() };
    assert!((z(both.quantile(0, 900, 0.5)) - 3.0).abs() < 1e-9);
    assert!((z(both.quantile(200, 900, 0.5)) - 2.0).abs() < 1e-9, "the finer block ends before this window");
}

#[test]
fn a_narrow_window_learns_from_the_errors_at_similar_leads() {
    // The one past stretch had a burst just where the window lies, and none around it.
    let mut actual = [1000; 30];
    actual[12] = 1600;
    let once =
        Maxima { scale: 1.0, blocks: vec![Block { bin_ms: 60_000, path: vec![1000; 30], past: vec![past(&actual)] }], ..Maxima::default() };
    let minute = |q| z(once.quantile(12 * 60_000, 13 * 60_000, q));
    assert!((minute(0.5) - 1.0).abs() < 1e-9, "one burst in a quarter of an hour isn't what to expect of any minute: {}", minute(0.5));
    assert!(minute(0.99) > 1.5, "but it may come");
    // A window as wide as the block has only itself to learn from.
    assert!((z(once.quantile(0, 30 * 60_000, 0.5)) - 1.6).abs() < 1e-9);
}

#[test]
fn quantiles_of_a_maximum_never_cross_whatever_each_level_is_moved_by() {
    let levels = [0.05, 0.25, 0.5, 0.9, 0.95];
    let record = Maxima { stretches: vec![(600_000, vec![0.8, 1.4, 1.0, 1.5, 0.9])], ..Maxima::default() };
    let factor = |above: usize, share_below: f64| record.stretch(600_000, &levels, &Between { above, share_below });
    assert_eq!([0, 1, 2, 3, 4].map(|above| factor(above, 0.0)), [1.4, 1.4, 1.0, 1.5, 1.5]);
    assert_eq!(factor(3, 0.5), 1.25, "between the median and q.90");
    assert_eq!(Maxima::default().stretch(600_000, &levels, &Between { above: 4, share_below: 0.0 }), 1.0, "no record");
}
