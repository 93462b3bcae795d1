//! The names of the picks, and where each comes from.

use crate::config::ConfigError;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// How the next backend is chosen. Every algorithm respects health, drain, exclusion, levels and splits; those without a table of hashes
/// also slow start (a hash sends a warming backend its keys; with `hash.bound_percent` the bound grows with the ramp).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Algorithm {
    /// In turn, weights ignored (0 still means never).
    RoundRobin,
    /// nginx's smooth weighted round robin: 5, 1, 1 gives a a b a c a a, not a burst of five. Among more than 32 backends the next is
    /// found by stride scheduling (Waldspurger and Weihl, 1995), which is as smooth and as exact over a round, in another order.
    WeightedRoundRobin,
    /// Fewest requests in flight (in service and waiting) per weight; ties in (smooth weighted) turn, as nginx's `least_conn`.
    #[default]
    LeastConnections,
    /// The less loaded of two drawn by weight (Mitzenmacher, "The power of two choices in randomized load balancing", 2001).
    P2c,
    /// Uniformly at random, weights ignored (0 still means never).
    Random,
    /// At random in proportion to the weights.
    WeightedRandom,
    /// The least loaded of `choices` drawn by weight (Azar, Broder, Karlin and Upfal, "Balanced allocations", 1994).
    DChoices,
    /// Of two drawn by weight the one with the lower peak-sensitive, decaying mean latency × (requests in flight + 1) (Finagle's and
    /// linkerd's Peak EWMA).
    PeakEwma,
    /// Of all the one with the lowest mean latency × (requests in flight + 1) per weight (nginx's `least_time`, F5's "least response time").
    LeastResponseTime,
    /// nginx's `random two least_time`: the rule of `least_response_time` among two drawn by weight.
    RandomTwoLeastTime,
    /// Consistent hash of the request's key on a ring (Karger et al., 1997; points per weight as ketama and nginx's `hash … consistent`),
    /// with `hash.bound_percent` by bounded load (Mirrokni, Thorup and Zadimoghaddam, 2018).
    RingHash,
    /// Consistent hash of the key in Maglev's table (Eisenbud et al., NSDI 2016; weights as in Envoy).
    Maglev,
    /// Consistent hash of the key by the highest random weight (Thaler and Ravishankar, 1998; weights by Resch's logarithm).
    Rendezvous,
    /// nginx's `ip_hash`: a plain hash of the client's network onto the line of weights; if that backend can't, hashed again. A change of
    /// the fleet moves most clients; a consistent hash doesn't.
    IpHash,
    /// The fewest requests in flight, ties at random (Winston, "Optimality of the shortest line discipline", 1977). Ignores weights.
    JoinShortestQueue,
    /// Probes of requests in flight and latency, and the hot–cold lexicographic rule (Wydrowski et al., "Load is not what you should
    /// balance: introducing Prequal", NSDI 2024).
    Prequal,
}

impl Algorithm {
    /// Every name that files and commands may use.
    pub const NAMES: [&'static str; 16] = [
        "round_robin",
        "weighted_round_robin",
        "least_connections",
        "p2c",
        "random",
        "weighted_random",
        "d_choices",
        "peak_ewma",
        "least_response_time",
        "random_two_least_time",
        "ring_hash",
        "maglev",
        "rendezvous",
        "ip_hash",
        "join_shortest_queue",
        "prequal",
    ];

    /// Every algorithm, in the order of [`Algorithm::NAMES`].
    pub const ALL: [Algorithm; 16] = [
        Algorithm::RoundRobin,
        Algorithm::WeightedRoundRobin,
        Algorithm::LeastConnections,
        Algorithm::P2c,
        Algorithm::Random,
        Algorithm::WeightedRandom,
        Algorithm::DChoices,
        Algorithm::PeakEwma,
        Algorithm::LeastResponseTime,
        Algorithm::RandomTwoLeastTime,
        Algorithm::RingHash,
        Algorithm::Maglev,
        Algorithm::Rendezvous,
        Algorithm::IpHash,
        Algorithm::JoinShortestQueue,
        Algorithm::Prequal,
    ];

    /// The name in files, as in [`Algorithm::NAMES`].
    pub fn name(self) -> &'static str {
        // ALL and NAMES are in the order of the enum.
        Algorithm::NAMES[self as usize]
    }

    /// Whether weights above 0 make a difference.
    pub(crate) fn weighted(self) -> bool {
        !matches!(self, Algorithm::RoundRobin | Algorithm::Random | Algorithm::JoinShortestQueue)
    }

    /// Whether it picks by the request's key ([`PickRequest::key`](crate::PickRequest::key)).
    pub fn hashes(self) -> bool {
        matches!(self, Algorithm::RingHash | Algorithm::Maglev | Algorithm::Rendezvous | Algorithm::IpHash)
    }

    /// Whether it looks at latencies.
    pub(crate) fn times(self) -> bool {
        matches!(self, Algorithm::PeakEwma | Algorithm::LeastResponseTime | Algorithm::RandomTwoLeastTime | Algorithm::Prequal)
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Algorithm {
    type Err = ConfigError;
    fn from_str(name: &str) -> Result<Algorithm, ConfigError> {
        let found = Algorithm::ALL.into_iter().find(|algorithm| algorithm.name() == name);
        found.ok_or_else(|| ConfigError::new("algorithm", name, format!("one of {}", Algorithm::NAMES.join(", "))))
    }
}
