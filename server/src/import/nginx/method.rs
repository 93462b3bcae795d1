//! nginx's balancing methods in our words: one table, from the best counterpart to the last resort. A counterpart counts once
//! [`Algorithm`] knows its name.

use balancer::Algorithm;

use crate::import::Status::{self, Approximated, Carried, NotCarried};

/// A balancing method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    RoundRobin,
    LeastConn,
    Random,
    RandomTwoLeastConn,
    RandomTwoLeastTime,
    IpHash,
    Hash,
    HashConsistent,
    LeastTime,
}

const EXACT: &str = "the same rule";
const NO_KEYS: &str = "which picks by no key: a client doesn't keep its backend";
const KEYED: &str = "the same rule, where requests have a key; without one (a workload without clients) it draws by weight";

/// (nginx's method, our algorithm, how near it comes, in words)
const METHODS: &[(Method, &str, Status, &str)] = &[
    (Method::RoundRobin, "weighted_round_robin", Carried, EXACT),
    (Method::LeastConn, "least_connections", Carried, EXACT),
    (Method::Random, "weighted_random", Carried, EXACT),
    (Method::RandomTwoLeastConn, "p2c", Carried, EXACT),
    (Method::RandomTwoLeastTime, "random_two_least_time", Carried, EXACT),
    (Method::RandomTwoLeastTime, "p2c", Approximated, "which compares the two by requests in flight, not by time"),
    (Method::IpHash, "ip_hash", Approximated, KEYED),
    (Method::IpHash, "weighted_random", NotCarried, NO_KEYS),
    (Method::HashConsistent, "ring_hash", Approximated, KEYED),
    (Method::HashConsistent, "consistent_hash", Approximated, KEYED),
    (Method::HashConsistent, "weighted_random", NotCarried, NO_KEYS),
    (Method::Hash, "ring_hash", Approximated, "which moves fewer keys when a backend leaves, and without keys draws by weight"),
    (Method::Hash, "consistent_hash", Approximated, "which moves fewer keys when a backend leaves, and without keys draws by weight"),
    (Method::Hash, "weighted_random", NotCarried, NO_KEYS),
    (Method::LeastTime, "least_response_time", Carried, EXACT),
    (Method::LeastTime, "peak_ewma", Approximated, "which weighs the latency by its peaks"),
    (Method::LeastTime, "least_connections", NotCarried, "which looks at requests in flight only, not at time"),
];

impl Method {
    /// Our algorithm for it, how near that comes, and in words.
    pub fn ours(self) -> (Algorithm, Status, &'static str) {
        let rows = METHODS.iter().filter(|(method, ..)| *method == self);
        let known = rows.filter_map(|(_, name, status, why)| Some((name.parse::<Algorithm>().ok()?, *status, *why)));
        // Each method has a row whose algorithm there is today; a test goes through all.
        known.into_iter().next().unwrap_or((Algorithm::default(), NotCarried, "for want of a counterpart"))
    }

    /// From a directive of an upstream; `None` if it is no method.
    pub fn read(name: &str, args: &[String]) -> Option<Self> {
        let second = |text: &str| args.get(1).is_some_and(|arg| arg == text);
        match name {
            "least_conn" => Some(Self::LeastConn),
            "ip_hash" => Some(Self::IpHash),
            "hash" if second("consistent") => Some(Self::HashConsistent),
            "hash" => Some(Self::Hash),
            "least_time" => Some(Self::LeastTime),
            "random" => Some(match (args.first().map(String::as_str), args.get(1).map(String::as_str)) {
                (Some("two"), Some(by)) if by.starts_with("least_time") => Self::RandomTwoLeastTime,
                (Some("two"), _) => Self::RandomTwoLeastConn,
                _ => Self::Random,
            }),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_method_has_a_counterpart_that_there_is() {
        for (method, ..) in METHODS {
            let (_, _, why) = method.ours();
            assert_ne!(why, "for want of a counterpart", "{method:?}");
        }
        assert_eq!(Method::LeastConn.ours().0, Algorithm::LeastConnections);
    }

    #[test]
    fn methods_are_read_with_their_parameters() {
        let read = |text: &str| {
            let words: Vec<String> = text.split(' ').map(str::to_owned).collect();
            Method::read(&words[0], &words[1..])
        };
        assert_eq!(read("random two least_conn"), Some(Method::RandomTwoLeastConn));
        assert_eq!(read("random two"), Some(Method::RandomTwoLeastConn));
        assert_eq!(read("random two least_time=last_byte"), Some(Method::RandomTwoLeastTime));
        assert_eq!(read("hash $request_uri consistent"), Some(Method::HashConsistent));
        assert_eq!(read("hash $request_uri"), Some(Method::Hash));
        assert_eq!(read("keepalive 16"), None);
    }
}
