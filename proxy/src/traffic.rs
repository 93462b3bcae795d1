//! What the proxy reads from a request to decide by: the key of a hash, a session, facts for rules.

use std::net::IpAddr;

use balancer::{BackendId, ConcurrencyConfig, Facts, Nanos, QueueConfig, Rule, TokenBucketConfig, hash_client, hash_key};
use http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::error::InvalidConfig;

/// Limits, stickiness and rules in front of the pool. By default there is none of it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Traffic {
    /// What the hashes go by. Requests that don't have it are drawn by weight. `None`: the client's address, if the algorithm is a hash.
    pub hash_by: Option<HashBy>,
    /// How a session stays on its backend.
    pub sticky: Option<Sticky>,
    /// Requests per second; the others get a 429 with Retry-After.
    pub rate_limit: Option<TokenBucketConfig>,
    /// Requests at once; the others wait in the queue, or get a 503.
    pub concurrency: Option<ConcurrencyConfig>,
    /// Where requests wait while the limit of requests at once is reached.
    pub queue: Option<QueueConfig>,
    /// Business rules.
    pub rules: Vec<Rule>,
}

/// A part of a request that a hash can go by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HashBy {
    /// The client's address; of IPv4 the first three bytes, as nginx's `ip_hash`. Behind a trusted proxy, the address that it names.
    Client,
    /// A header's value.
    Header(HeaderName),
    /// A cookie's value.
    Cookie(String),
}

/// How a session is recognised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sticky {
    /// By a cookie that the proxy sets and that holds the backend's id. A client that makes one up chooses among the backends that serve
    /// anyway.
    Cookie {
        /// Its name.
        name: String,
    },
    /// By a header that the clients send; the proxy remembers where its value was served last.
    Header {
        /// Its name.
        name: HeaderName,
        /// How long a quiet session is remembered. Domain time.
        ttl: Nanos,
        /// Sessions that are remembered at most.
        capacity: usize,
    },
}

impl Traffic {
    /// Says what is wrong, if anything; [`start`](crate::start) asks this.
    ///
    /// # Errors
    /// Names the key, its value and what is allowed.
    pub fn validate(&self) -> Result<(), InvalidConfig> {
        let cookies = [
            ("traffic.hash_by", if let Some(HashBy::Cookie(name)) = &self.hash_by { Some(name) } else { None }),
            ("traffic.sticky", if let Some(Sticky::Cookie { name }) = &self.sticky { Some(name) } else { None }),
        ];
        for (key, name) in cookies {
            // RFC 6265: a cookie's name is a token, as a header's is.
            if let Some(name) = name
                && HeaderName::from_bytes(name.as_bytes()).is_err()
            {
                return Err(InvalidConfig::new(key, name, "a cookie's name of letters, digits and !#$%&'*+-.^_`|~"));
            }
        }
        if self.queue.is_some() && self.concurrency.is_none() {
            return Err(InvalidConfig::new("traffic.queue", "a queue", "a queue only with a limit of requests at once"));
        }
        self.rate_limit.map_or(Ok(()), |limit| limit.validate())?;
        self.concurrency.map_or(Ok(()), |limit| limit.validate())?;
        self.queue.map_or(Ok(()), |queue| queue.validate())?;
        Ok(())
    }
}

/// What a request's pick goes by.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Selection {
    pub(crate) key: Option<u64>,
    pub(crate) sticky: Option<BackendId>,
    /// The session's name, hashed, if sessions are remembered here.
    pub(crate) session: Option<u64>,
    pub(crate) group: Option<u8>,
}

/// A cookie's value. Of several with its name, the first: the browser sends the one with the longest path first.
fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let pairs = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(';'));
    pairs.filter_map(|pair| pair.trim().split_once('=')).find(|(key, _)| *key == name).map(|(_, value)| value.trim_matches('"'))
}

/// The client's address as far as it is known: the peer's, or what a trusted peer says.
fn client(headers: &HeaderMap, peer: IpAddr, trusted: bool) -> IpAddr {
    let said = headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok()).next_back();
    let last = said.and_then(|list| list.rsplit(',').next()).and_then(|address| address.trim().parse().ok());
    last.filter(|_| trusted).unwrap_or(peer).to_canonical()
}

/// The key by which a request is hashed, if it has what the key is made of.
pub(crate) fn key_of(by: &HashBy, headers: &HeaderMap, peer: IpAddr, trusted: bool) -> Option<u64> {
    match by {
        HashBy::Client => Some(match client(headers, peer, trusted) {
            IpAddr::V4(address) => hash_client(&address.octets()),
            IpAddr::V6(address) => hash_client(&address.octets()),
        }),
        HashBy::Header(name) => headers.get(name).map(|value| hash_key(value.as_bytes())),
        HashBy::Cookie(name) => cookie(headers, name).map(|value| hash_key(value.as_bytes())),
    }
}

/// Where a cookie says that the session is.
pub(crate) fn stuck_to(headers: &HeaderMap, name: &str) -> Option<BackendId> {
    cookie(headers, name)?.parse().ok().map(BackendId)
}

/// The cookie that keeps a session on this backend. It ends with the browser's session.
pub(crate) fn stick(name: &str, backend: BackendId) -> Option<HeaderValue> {
    HeaderValue::from_str(&format!("{name}={backend}; Path=/; HttpOnly; SameSite=Lax")).ok()
}

/// What rules see of a request; kept until its end, for what they learn from it.
pub(crate) struct Seen {
    path: String,
    headers: HeaderMap,
}

impl Seen {
    pub(crate) fn of(path: &str, headers: &HeaderMap) -> Self {
        Self { path: path.to_owned(), headers: headers.clone() }
    }
}

impl Facts for Seen {
    fn path(&self) -> &str {
        &self.path
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn cookies_are_found_among_others() {
        let headers = headers(&[("cookie", "a=1; sid=\"x y\"; lb=7"), ("x-user", "u")]);
        assert_eq!((cookie(&headers, "sid"), cookie(&headers, "si"), stuck_to(&headers, "lb")), (Some("x y"), None, Some(BackendId(7))));
        assert_eq!(stuck_to(&headers, "sid"), None, "not one of ours");
    }

    #[test]
    fn only_a_trusted_peer_says_who_the_client_is() {
        let headers = headers(&[("x-forwarded-for", "9.9.9.9, 8.8.8.8")]);
        let peer: IpAddr = "10.0.0.1".parse().unwrap();
        assert_eq!(client(&headers, peer, true), "8.8.8.8".parse::<IpAddr>().unwrap());
        assert_eq!(client(&headers, peer, false), peer);
        assert_eq!(client(&HeaderMap::new(), peer, true), peer);
    }
}
