//! nginx's balancing methods in our words, and what its hashes go by.

use balancer::Algorithm;

use crate::import::Status::{self, Approximated, Carried};

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
const KEYED: &str = "the same rule; requests of a scenario have no key, and are drawn by weight there";
const RING: &str = "which moves fewer keys when a backend leaves; requests of a scenario have no key, and are drawn by weight there";

impl Method {
    /// Our algorithm for it, how near that comes, and in words.
    pub fn ours(self) -> (Algorithm, Status, &'static str) {
        match self {
            Self::RoundRobin => (Algorithm::WeightedRoundRobin, Carried, EXACT),
            Self::LeastConn => (Algorithm::LeastConnections, Carried, EXACT),
            Self::Random => (Algorithm::WeightedRandom, Carried, EXACT),
            Self::RandomTwoLeastConn => (Algorithm::P2c, Carried, EXACT),
            Self::RandomTwoLeastTime => (Algorithm::RandomTwoLeastTime, Carried, EXACT),
            Self::IpHash => (Algorithm::IpHash, Approximated, KEYED),
            Self::HashConsistent => (Algorithm::RingHash, Approximated, KEYED),
            Self::Hash => (Algorithm::RingHash, Approximated, RING),
            Self::LeastTime => (Algorithm::LeastResponseTime, Carried, EXACT),
        }
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

/// What the proxy goes by for the key of a `hash` (its `hash_by`); `None` for a key that it doesn't know.
pub fn hash_by(key: &str) -> Option<String> {
    let name = key.strip_prefix('$')?.trim_start_matches('{').trim_end_matches('}');
    match name {
        "remote_addr" | "binary_remote_addr" => Some("client".to_owned()),
        _ => match (name.strip_prefix("http_"), name.strip_prefix("cookie_")) {
            // nginx writes a header's name in small letters and its dashes as underscores.
            (Some(header), _) if is_name(header) => Some(format!("header:{}", header.replace('_', "-"))),
            (_, Some(cookie)) if is_name(cookie) => Some(format!("cookie:{cookie}")),
            _ => None,
        },
    }
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_what_the_proxy_knows_or_nothing() {
        let by = |key: &str| hash_by(key).unwrap_or_default();
        assert_eq!((by("$remote_addr"), by("${binary_remote_addr}")), ("client".to_owned(), "client".to_owned()));
        assert_eq!((by("$http_x_user"), by("$cookie_session")), ("header:x-user".to_owned(), "cookie:session".to_owned()));
        for key in ["$request_uri", "$http_", "$scheme$http_x_user", "$http_x$uri", "user", "", "$"] {
            assert_eq!(hash_by(key), None, "{key}");
        }
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
