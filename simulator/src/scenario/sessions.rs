//! Who sends requests, and the store that keeps their sessions.

use serde::Serialize;

use super::{Arrivals, FaultKind, Reader, Scenario, ScenarioError, ServiceTime, read_pool::read_service};

/// The users behind the requests.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Users {
    /// How many.
    pub count: u32,
    /// Zipf's exponent: the k-th user sends in proportion to k^-skew; 0 = all alike.
    pub skew: f64,
}

/// A store that is asked for the session of each request, such as a Redis behind the replicas.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Sessions {
    /// How long it takes to answer; the worker waits.
    pub store: ServiceTime,
    /// What becomes of the first request of a user whose session is gone.
    pub lost: LostSession,
}

/// What becomes of the first request of a user whose session is gone.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LostSession {
    /// It is refused (401) after the look-up, and has failed; the user logs in elsewhere, and the next request is well.
    Error,
    /// It makes a new session, which takes the worker this long.
    Login(ServiceTime),
}

/// Most users: each has a word of memory.
const MOST_USERS: u64 = 10_000_000;

pub(super) fn read_users(mut users: Reader) -> Result<Users, ScenarioError> {
    users.only(&["count", "skew"])?;
    let count = users.integer("count", 1, MOST_USERS)?;
    let count = users.required(count, "count", "a whole number from 1 to 10000000")? as u32;
    let skew = users.number("skew", "Zipf's exponent, from 0 to 10", |skew| (0.0..=10.0).contains(&skew))?.unwrap_or(0.0);
    users.finish()?;
    Ok(Users { count, skew })
}

pub(super) fn read_sessions(mut sessions: Reader) -> Result<Sessions, ScenarioError> {
    const TIME: &str = "a table like { dist = \"exponential\", mean_ms = 1.0 }";
    const LOST: &str = "\"error\" or \"login\" (with login = { dist, mean_ms })";
    sessions.only(&["store", "lost", "login"])?;
    let store = sessions.table("store")?;
    let store = read_service(sessions.required(store, "store", TIME)?)?;
    let login = sessions.table("login")?.map(read_service).transpose()?;
    let lost = match (sessions.string("lost", LOST)?.unwrap_or(if login.is_some() { "login" } else { "error" }), login) {
        ("error", None) => LostSession::Error,
        ("error", Some(_)) => return Err(sessions.error("login", "nothing with lost = \"error\"")),
        ("login", Some(login)) => LostSession::Login(login),
        ("login", None) => return Err(sessions.error("login", TIME)),
        _ => return Err(sessions.error("lost", LOST)),
    };
    sessions.finish()?;
    Ok(Sessions { store, lost })
}

pub(super) fn check_sessions(scenario: &Scenario) -> Result<(), ScenarioError> {
    let closed = matches!(scenario.arrivals, Arrivals::Closed { .. });
    if closed && scenario.users.is_some() {
        return Err(ScenarioError::new("users", "there", "no [users] with closed arrivals: their sessions are the users"));
    }
    if scenario.sessions.is_some() && scenario.users.is_none() && !closed {
        return Err(ScenarioError::new("sessions", "there", "[users] beside it: whose sessions are kept?"));
    }
    for (key, set) in [("key", scenario.balancing.key_by_user), ("sticky", scenario.balancing.sticky)] {
        if set && scenario.users.is_none() && !closed {
            return Err(ScenarioError::new(format!("balancer.{key}"), "there", "[users] beside it: whose requests belong together?"));
        }
    }
    let store = scenario.faults.iter().position(|fault| fault.kind == FaultKind::Store);
    match store {
        Some(place) if scenario.sessions.is_none() => {
            Err(ScenarioError::new(format!("faults[{place}].kind"), "\"store\"", "\"store\" with [sessions] only: there is no store"))
        }
        _ => Ok(()),
    }
}
