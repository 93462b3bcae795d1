use super::*;
use crate::fixtures;
use proptest::prelude::*;

fn fleet(at_ms: i64, replicas: Vec<Replica>) -> FleetSeen {
    FleetSeen { at_ms, replicas }
}

#[test]
fn new_replicas_climb_and_leaving_ones_get_nothing() {
    let mut weights = Weights::default();
    let mut replicas = fixtures::fleet(3, 1, 1);
    replicas[2].ready_ms = Some(1_000);
    assert!(weights.update(&fleet(1_000, replicas.clone()), 0, 10_000, 1_000));
    let listed = |weights: &Weights| weights.plan.backends.iter().map(|b| (b.id, b.weight)).collect::<Vec<_>>();
    assert_eq!(listed(&weights), [(1, 100), (2, 100), (3, 10), (5, 0)], "booting replicas are not listed yet");
    assert_eq!(weights.plan.backends[2].ramp, Some(Ramp { from_ms: 1_000, until_ms: 11_000 }));
    assert!(weights.update(&fleet(1_000, replicas.clone()), 0, 10_000, 6_000));
    assert_eq!(listed(&weights)[2], (3, 55));
    assert!(weights.update(&fleet(1_000, replicas.clone()), 0, 10_000, 11_000));
    assert_eq!((listed(&weights)[2], weights.plan.epoch), ((3, 100), 3));
    assert!(!weights.update(&fleet(2_000, replicas), 0, 10_000, 20_000), "nothing changed, so the epoch stays");
}

#[test]
fn nobody_ready_keeps_the_last_snapshot() {
    let mut weights = Weights::default();
    assert!(!weights.update(&fleet(0, fixtures::fleet(0, 2, 0)), 0, 0, 0));
    assert!(weights.update(&fleet(1, fixtures::fleet(2, 0, 0)), 0, 0, 1));
    assert!(!weights.update(&fleet(2, Vec::new()), 0, 0, 2));
    assert!(!weights.update(&fleet(3, fixtures::fleet(0, 0, 2)), 0, 0, 3));
    assert_eq!(weights.plan.epoch, 1);
}

proptest! {
    #[test]
    fn never_all_zero_while_anybody_is_ready(ready in 0u32..6, booting in 0u32..4, draining in 0u32..4, leaving in 0u32..12, now in 0i64..99) {
        let mut weights = Weights::default();
        let mut replicas = fixtures::fleet(ready, booting, draining);
        for replica in &mut replicas {
            replica.ready_ms = Some(i64::from(replica.id) * 7);
        }
        weights.update(&fleet(0, replicas), leaving, 50, now);
        let sum: u32 = weights.plan.backends.iter().map(|b| b.weight).sum();
        prop_assert_eq!(sum > 0, ready > 0);
    }
}
