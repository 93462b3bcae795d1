//! What a receiver's status URL says about its fleet.
//!
//! Either every replica (then start-up times are learnt from it), or only two counts: `{"ready": 3, "desired": 5}`. A fleet that is known by
//! its counts has replicas numbered from 1, the oldest first.

use std::collections::BTreeSet;

use jiff::Timestamp;
use planner::{Replica, ReplicaState};
use serde::Deserialize;

/// Beyond this a count is a mistake.
const REPLICAS_MAX: u32 = 100_000;

#[derive(Deserialize)]
#[serde(untagged)]
enum Status {
    Listed { replicas: Vec<Listed> },
    Counted { ready: u32, desired: u32 },
}

#[derive(Deserialize)]
struct Listed {
    id: u32,
    address: String,
    ready: bool,
    /// It finishes what it has and takes nothing new.
    #[serde(default)]
    draining: bool,
    ordered_at: Option<Timestamp>,
    ready_at: Option<Timestamp>,
}

/// The fleet that a body describes; the text of an error says what is allowed.
pub(super) fn parse(body: &[u8]) -> Result<Vec<Replica>, String> {
    let allowed = "expected {\"replicas\":[{\"id\":1,\"address\":\"10.0.0.7:80\",\"ready\":true}]} or {\"ready\":3,\"desired\":5}";
    match serde_json::from_slice(body) {
        Ok(Status::Listed { replicas }) => {
            let mut ids = BTreeSet::new();
            if let Some(twice) = replicas.iter().find(|one| !ids.insert(one.id)) {
                return Err(format!("replica {} is listed twice", twice.id));
            }
            Ok(replicas.into_iter().map(listed).collect())
        }
        Ok(Status::Counted { ready, desired }) if ready.max(desired) <= REPLICAS_MAX => Ok(counted(ready, desired)),
        Ok(Status::Counted { ready, desired }) => Err(format!("ready {ready}, desired {desired}; allowed: up to {REPLICAS_MAX}")),
        Err(_) => Err(format!("the status is not understood; {allowed}")),
    }
}

fn listed(one: Listed) -> Replica {
    let state = match (one.draining, one.ready) {
        (true, _) => ReplicaState::Draining,
        (false, true) => ReplicaState::Ready,
        (false, false) => ReplicaState::Booting,
    };
    let ms = |at: Option<Timestamp>| at.map(Timestamp::as_millisecond);
    Replica { id: one.id, address: one.address, state, ordered_ms: ms(one.ordered_at), ready_ms: ms(one.ready_at) }
}

/// More ready than desired leave; fewer are on their way.
fn counted(ready: u32, desired: u32) -> Vec<Replica> {
    let replica = |id| {
        let state = match (id <= ready, id <= desired) {
            (true, true) => ReplicaState::Ready,
            (true, false) => ReplicaState::Draining,
            (false, _) => ReplicaState::Booting,
        };
        Replica { id, address: String::new(), state, ordered_ms: None, ready_ms: None }
    };
    (1..=ready.max(desired)).map(replica).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn states(body: &str) -> Vec<ReplicaState> {
        parse(body.as_bytes()).unwrap().iter().map(|replica| replica.state).collect()
    }

    #[test]
    fn a_fleet_is_listed_or_counted() {
        use ReplicaState::{Booting, Draining, Ready};
        assert_eq!(states(r#"{"ready":1,"desired":3}"#), [Ready, Booting, Booting]);
        assert_eq!(states(r#"{"ready":3,"desired":2}"#), [Ready, Ready, Draining]);
        assert_eq!(states(r#"{"ready":0,"desired":0}"#), []);
        let text = r#"{"replicas":[{"id":4,"address":"10.0.0.4:80","ready":true,"ordered_at":"2026-03-01T09:00:00Z",
            "ready_at":"2026-03-01T09:06:00Z"},{"id":5,"address":"10.0.0.5:80","ready":false}]}"#;
        let replicas = parse(text.as_bytes()).unwrap();
        assert_eq!(replicas[0].ready_ms.unwrap() - replicas[0].ordered_ms.unwrap(), 360_000);
        assert_eq!((replicas[1].state, replicas[1].ordered_ms), (Booting, None));
    }

    #[test]
    fn what_is_no_fleet_is_an_error_and_never_an_empty_one() {
        for bad in ["", "null", "[]", "{}", r#"{"ready":3}"#, r#"{"ready":-1,"desired":2}"#, r#"{"ready":1.5,"desired":2}"#, "<html>"] {
            assert!(parse(bad.as_bytes()).unwrap_err().contains("\"desired\":5"), "{bad}");
        }
        assert!(parse(br#"{"ready":1,"desired":4000000000}"#).unwrap_err().contains("4000000000"));
        let twice = r#"{"replicas":[{"id":4,"address":"a","ready":true},{"id":4,"address":"b","ready":true}]}"#;
        assert!(parse(twice.as_bytes()).unwrap_err().contains("twice"));
    }
}
