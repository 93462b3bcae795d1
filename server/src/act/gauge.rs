//! The `gauge` actuator: it tells nobody. Whoever wants to follow reads `prescale_desired_replicas` on `/metrics`, for example an HPA or a KEDA
//! trigger; no permission to write anything is needed, which makes it the best trial.
//!
//! An order is acknowledged as soon as the gauge shows it. Whether anybody follows is seen in the fleet, if something can count it.

use std::sync::Arc;

use planner::{Order, Replica, ReplicaState};

use super::{ActError, Actuator, Observer};
use crate::BoxFuture;

/// Beyond this a count is a mistake.
const REPLICAS_MAX: f64 = 100_000.0;

/// A fleet that somebody else scales.
pub struct Gauge {
    eyes: Option<Arc<dyn Observer>>,
}

impl Gauge {
    /// Sees the fleet through `eyes`; without them it is unknown, and nothing but observing works.
    #[must_use]
    pub fn new(eyes: Option<Arc<dyn Observer>>) -> Self {
        Self { eyes }
    }
}

impl Actuator for Gauge {
    /// The gauge shows what is ordered from the moment the order is journalled: nothing is left to do.
    fn scale<'a>(&'a self, _order: &'a Order) -> BoxFuture<'a, Result<(), ActError>> {
        Box::pin(async { Ok(()) })
    }

    fn observe(&self) -> BoxFuture<'_, Result<Vec<Replica>, ActError>> {
        Box::pin(async {
            match &self.eyes {
                Some(eyes) => eyes.observe().await,
                None => Err(ActError::lasting("the service has no replicas query, and nothing else sees its fleet; give it one")),
            }
        })
    }
}

/// The replicas of a fleet of which only the number is known: numbered from 1, all ready, without an address.
///
/// # Errors
/// A number that can't be one of replicas.
pub fn counted(count: f64) -> Result<Vec<Replica>, ActError> {
    if !(0.0..=REPLICAS_MAX).contains(&count) || count.fract() != 0.0 {
        return Err(ActError::passing(format!("the replicas query says {count}; allowed: a whole number from 0 to {REPLICAS_MAX}")));
    }
    let replica = |id| Replica { id, address: String::new(), state: ReplicaState::Ready, ordered_ms: None, ready_ms: None };
    Ok((1..=count as u32).map(replica).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_numbers_are_fleets() {
        assert_eq!(counted(3.0).unwrap().iter().map(|replica| replica.id).collect::<Vec<_>>(), [1, 2, 3]);
        assert!(counted(0.0).unwrap().is_empty());
        for wrong in [-1.0, 2.5, f64::NAN, f64::INFINITY, 1e9] {
            assert!(counted(wrong).unwrap_err().text.contains("whole number"), "{wrong}");
        }
    }

    #[tokio::test]
    async fn without_eyes_the_fleet_is_unknown_and_not_empty() {
        let error = Gauge::new(None).observe().await.unwrap_err();
        assert!(error.text.contains("replicas query"), "{error}");
    }
}
