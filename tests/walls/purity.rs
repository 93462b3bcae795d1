//! Who may know whom, and what must not appear below a pure crate.

use super::workspace::Graph;
use std::collections::BTreeSet;

/// Crates without clock, global randomness, I/O and async.
pub const PURE: [&str; 4] = ["balancer", "predictor", "simulator", "planner"];

/// The arrows of the house: each crate and what of our own it may depend on. A new crate needs a line here, which is a decision.
const ARROWS: [(&str, &[&str]); 7] = [
    ("balancer", &[]),
    ("predictor", &[]),
    ("simulator", &["balancer"]),
    ("planner", &["predictor", "simulator", "balancer"]),
    ("proxy", &["balancer"]),
    ("tables", &[]),
    ("server", &["balancer", "predictor", "simulator", "planner", "proxy", "tables"]),
];

/// Runtimes, sockets, databases: the first name is banned as it is and as a prefix with a dash (`tokio`, `tokio-rustls`).
const BANNED: [&str; 16] = [
    "tokio",
    "async-std",
    "smol",
    "mio",
    "socket2",
    "hyper",
    "h2",
    "reqwest",
    "axum",
    "tonic",
    "sqlx",
    "kube",
    "rustls",
    "rusqlite",
    "libsqlite3-sys",
    "futures-executor",
];

fn is_banned(name: &str) -> bool {
    BANNED.iter().any(|banned| name.strip_prefix(banned).is_some_and(|rest| rest.is_empty() || rest.starts_with(['-', '_'])))
}

#[test]
fn nothing_with_a_runtime_or_a_socket_is_below_a_pure_crate() {
    let graph = Graph::load();
    let mut offences = Vec::new();
    for name in PURE {
        let package = graph.members().find(|package| package.name == name).unwrap_or_else(|| panic!("crate {name} is gone"));
        offences.extend(graph.below(package).into_iter().filter(|(name, _)| is_banned(name)).map(|(_, chain)| chain));
    }
    assert!(offences.is_empty(), "below pure crates:\n{}", offences.join("\n"));
}

#[test]
fn the_search_below_a_crate_finds_what_is_there() {
    // Guards the test above: if the shape of cargo's answer changed, it would find nothing and pass.
    let graph = Graph::load();
    let server = graph.members().find(|package| package.name == "server").expect("server is a member");
    let below = graph.below(server);
    assert!(["tokio", "hyper", "mio", "libm"].iter().all(|name| below.contains_key(name)), "{:?}", below.keys());
    assert!(is_banned("tokio") && is_banned("tokio-rustls") && is_banned("sqlx-core") && !is_banned("smoltext") && !is_banned("libm"));
}

#[test]
fn crates_depend_only_along_the_arrows() {
    let graph = Graph::load();
    let listed: BTreeSet<&str> = ARROWS.iter().map(|(name, _)| *name).collect();
    let members: BTreeSet<&str> = graph.members().map(|package| package.name.as_str()).collect();
    assert_eq!(members, listed, "each crate of the workspace has its line in ARROWS");
    for (name, allowed) in ARROWS {
        let package = graph.members().find(|package| package.name == name).expect("checked above");
        let forbidden: Vec<&str> = graph.neighbours(package).into_iter().filter(|other| !allowed.contains(other)).collect();
        assert!(forbidden.is_empty(), "{name} must not depend on {forbidden:?}; allowed is {allowed:?}");
    }
    // A crate may only look down the list, so there can be no circle.
    for (position, (name, allowed)) in ARROWS.iter().enumerate() {
        let above: Vec<&str> = ARROWS[..position].iter().map(|(name, _)| *name).collect();
        let ok = allowed.iter().all(|other| above.contains(other));
        assert!(ok, "{name} is allowed {allowed:?}, but above it are {above:?}");
    }
}
