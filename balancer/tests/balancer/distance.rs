//! Levels by distance.

use balancer::{Nanos, Site, levels_by_distance};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

fn site() -> impl Strategy<Value = Site> {
    (0..5u16, 0..3u16).prop_map(|(region, zone)| Site { region, zone })
}

/// The rule once more, one pair at a time: whether `one` is nearer than `other`.
fn nearer(here: Site, one: Site, other: Site, latency: &[u64; 5]) -> bool {
    let rank = |site: Site| match site {
        site if site == here => (0, 0),
        site if site.region == here.region => (1, 0),
        site => (2, latency[usize::from(site.region)]),
    };
    rank(one) < rank(other)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, rng_seed: RngSeed::Fixed(17), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn levels_are_the_order_of_distances_without_gaps(
        here in site(),
        sites in prop::collection::vec(site(), 0..20),
        latency in prop::array::uniform5(0..4u64),
    ) {
        let of = |region: u16| Nanos::from_millis(latency[usize::from(region)]);
        let levels = levels_by_distance(here, &sites, of);
        prop_assert_eq!(levels.len(), sites.len());
        for (one, of_one) in sites.iter().zip(&levels) {
            for (other, of_other) in sites.iter().zip(&levels) {
                prop_assert_eq!(of_one < of_other, nearer(here, *one, *other, &latency));
            }
        }
        let most = levels.iter().max().map_or(0, |most| u32::from(*most) + 1);
        prop_assert!((0..most).all(|level| levels.iter().any(|found| u32::from(*found) == level)), "{:?} has a gap", levels);
    }

    #[test]
    fn somebody_more_changes_nothing_about_who_is_nearer(
        here in site(),
        sites in prop::collection::vec(site(), 1..12),
        more in site(),
        latency in prop::array::uniform5(0..4u64),
    ) {
        let of = |region: u16| Nanos::from_millis(latency[usize::from(region)]);
        let before = levels_by_distance(here, &sites, of);
        let mut all = sites.clone();
        all.insert(0, more);
        let after = &levels_by_distance(here, &all, of)[1..];
        for (one, other) in (0..sites.len()).flat_map(|one| (0..sites.len()).map(move |other| (one, other))) {
            prop_assert_eq!(before[one].cmp(&before[other]), after[one].cmp(&after[other]));
        }
    }
}

#[test]
fn the_latency_to_the_own_region_makes_no_difference_and_beyond_the_last_level_all_are_alike() {
    let here = Site { region: 7, zone: 3 };
    let sites = [Site { region: 7, zone: 4 }, Site { region: 1, zone: 3 }, here];
    let far_at_home = |region| if region == 7 { Nanos::from_secs(9) } else { Nanos::ZERO };
    assert_eq!(levels_by_distance(here, &sites, far_at_home), [1, 2, 0]);
    let many: Vec<Site> = (0..300).map(|region| Site { region, zone: 0 }).collect();
    let levels = levels_by_distance(Site { region: 0, zone: 0 }, &many, |region| Nanos(u64::from(region)));
    assert!((0..300).all(|at| levels[at] as usize == at.min(255)));
}
