//! The limits that no decision passes, whatever a policy wants.

use crate::config::ServiceConfig;
use crate::decision::{Rail, RailHit};
use crate::hpa::Change;

/// What is left of a wish, and the limit that bound it (the last one that did).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Railed {
    /// Always within `[min, max]`.
    pub target: u32,
    /// `None` = the wish passed as it was.
    pub hit: Option<RailHit>,
}

/// Applies minimum and maximum first, then the rate: at most `step_up` more or `step_down` fewer per decision, where decisions that follow
/// each other within half a tick share that allowance, and no step down within the cool-down of any change. The minimum and maximum are
/// hard: a fleet outside of them is brought back at once, not step by step.
pub fn apply(config: &ServiceConfig, current: u32, wanted: u32, changes: &[Change], now_ms: i64) -> Railed {
    let rails = &config.rails;
    let mut railed = Railed { target: wanted, hit: None };
    let bind = |railed: &mut Railed, rail, allowed| {
        if railed.target != allowed {
            railed.target = allowed;
            railed.hit = Some(RailHit { rail, wanted, allowed });
        }
    };
    if wanted < rails.min {
        bind(&mut railed, Rail::Minimum, rails.min);
    } else if wanted > rails.max {
        bind(&mut railed, Rail::Maximum, rails.max);
    }
    let share_ms = config.tick_ms / 2;
    if railed.target > current {
        let used = moved(changes, now_ms, share_ms, 1);
        let limit = current.saturating_add(rails.step_up.saturating_sub(used)).max(rails.min);
        let allowed = railed.target.min(limit);
        bind(&mut railed, Rail::StepUp, allowed);
    } else if railed.target < current {
        let ceiling = current.min(rails.max);
        let cooling = changes.iter().any(|c| c.at_ms > now_ms.saturating_sub(rails.cool_down_ms));
        if cooling {
            bind(&mut railed, Rail::CoolDown, ceiling);
        } else {
            let used = moved(changes, now_ms, share_ms, -1);
            let limit = current.saturating_sub(rails.step_down.saturating_sub(used)).min(ceiling);
            let allowed = railed.target.max(limit);
            bind(&mut railed, Rail::StepDown, allowed);
        }
    }
    railed
}

/// How many replicas the changes younger than `within_ms` moved in one direction.
fn moved(changes: &[Change], now_ms: i64, within_ms: i64, sign: i64) -> u32 {
    let recent = changes.iter().filter(|c| c.at_ms > now_ms.saturating_sub(within_ms));
    let sum: i64 = recent.map(|c| (c.by * sign).max(0)).sum();
    u32::try_from(sum).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures;
    use proptest::prelude::*;

    fn check(current: u32, wanted: u32, changes: &[(i64, i64)]) -> (u32, Option<Rail>) {
        let mut config = fixtures::service("a");
        config.rails =
            crate::Rails { min: 2, max: 20, step_up: 5, step_down: 2, stabilisation_ms: 0, cool_down_ms: 60_000, max_jump_factor: None };
        config.tick_ms = 10_000;
        let changes: Vec<Change> = changes.iter().map(|&(at_ms, by)| Change { at_ms, by }).collect();
        let railed = apply(&config, current, wanted, &changes, 1_000_000);
        assert_eq!(railed.hit.is_some(), railed.target != wanted);
        (railed.target, railed.hit.map(|hit| hit.rail))
    }

    #[test]
    fn each_rail_binds_where_it_should() {
        assert_eq!(check(6, 8, &[]), (8, None));
        assert_eq!(check(6, 14, &[]), (11, Some(Rail::StepUp)));
        assert_eq!(check(18, 40, &[]), (20, Some(Rail::Maximum)));
        assert_eq!(check(6, 8, &[(998_000, 4)]), (7, Some(Rail::StepUp)));
        assert_eq!(check(6, 8, &[(990_000, 4)]), (8, None));
        assert_eq!(check(6, 3, &[]), (4, Some(Rail::StepDown)));
        assert_eq!(check(6, 3, &[(950_000, 1)]), (6, Some(Rail::CoolDown)));
        assert_eq!(check(3, 0, &[]), (2, Some(Rail::Minimum)));
    }

    #[test]
    fn a_fleet_outside_of_the_limits_is_brought_back_at_once() {
        assert_eq!(check(0, 1, &[]), (2, Some(Rail::Minimum)));
        assert_eq!(check(0, 12, &[]), (5, Some(Rail::StepUp)));
        assert_eq!(check(40, 30, &[(999_999, 9)]), (20, Some(Rail::Maximum)));
        assert_eq!(check(40, 3, &[]), (20, Some(Rail::StepDown)));
    }

    proptest! {
        #[test]
        fn no_wish_passes_the_rails(
            current in 0u32..60, wanted in 0u32..200, step_up in 1u32..9, step_down in 1u32..9, min in 1u32..6, more in 0u32..30,
            cool_down_ms in 0i64..100_000, past in prop::collection::vec((0i64..200_000, -5i64..6), 0..6),
        ) {
            let mut config = fixtures::service("a");
            config.rails = crate::Rails { min, max: min + more, step_up, step_down, stabilisation_ms: 0, cool_down_ms, max_jump_factor: None };
            let changes: Vec<Change> = past.iter().map(|&(ago, by)| Change { at_ms: 500_000 - ago, by }).collect();
            let target = apply(&config, current, wanted, &changes, 500_000).target;
            prop_assert!((min..=min + more).contains(&target));
            if (min..=min + more).contains(&current) {
                prop_assert!(target <= current + step_up && target + step_down >= current);
                prop_assert!((target >= current) || wanted < current, "never against the wish's direction");
                prop_assert!((target <= current) || wanted > current);
                let cooling = changes.iter().any(|c| c.at_ms > 500_000 - cool_down_ms);
                prop_assert!(!(cooling && target < current));
            }
        }
    }
}
