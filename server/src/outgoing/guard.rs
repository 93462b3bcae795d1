//! Where requests may go: `http` and `https`, without credentials in the URL, and never to what a cloud keeps for its machines themselves.
//!
//! A URL that reaches the metadata service reads the machine's own credentials, so link-local addresses and the known metadata addresses are
//! refused. Names are judged by what they resolve to at the moment of connecting, in the client's own resolver: a check beforehand would
//! be one that the name's owner can pass and then change. Private addresses are allowed: most receivers have one.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// Names of metadata services, which differ from machine to machine in what they resolve to.
const NAMES: [&str; 4] = ["metadata.google.internal", "metadata.goog", "metadata.azure.internal", "metadata.tencentyun.com"];
/// Metadata addresses that aren't link-local: Alibaba Cloud, Oracle Cloud, Azure.
const ADDRESSES: [Ipv4Addr; 3] = [Ipv4Addr::new(100, 100, 100, 200), Ipv4Addr::new(192, 0, 0, 192), Ipv4Addr::new(168, 63, 129, 16)];
/// AWS.
const ADDRESS_V6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);

/// An address that requests don't go to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0} is a link-local or cloud metadata address, where a machine's own credentials are: nothing is sent there, unless allow_link_local = true"
)]
pub struct Forbidden(String);

/// Why an address can't be used. The address itself isn't repeated: it may hold a password that is the very reason for the refusal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Not an address at all.
    #[error("it is not a URL ({0}); allowed: http:// or https:// and a host")]
    NoUrl(String),
    /// `ftp://`, `file://`, …
    #[error("its scheme is {0:?}; allowed: http:// and https://")]
    Scheme(String),
    /// `user:password@`.
    #[error("it has a user or password in it, and addresses are shown and logged; leave them out")]
    Credentials,
    /// See [`Forbidden`].
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
}

/// An address, checked as far as it can be without asking a name server.
///
/// # Errors
/// See [`Refused`].
pub fn check(text: &str, allow_link_local: bool) -> Result<Url, Refused> {
    let url = Url::parse(text).map_err(|error| Refused::NoUrl(error.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(Refused::Scheme(url.scheme().to_owned()));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Refused::Credentials);
    }
    if !allow_link_local {
        check_host(url.host_str().unwrap_or_default())?;
    }
    Ok(url)
}

/// A host as it stands in a URL: an address there never gets to the resolver.
fn check_host(host: &str) -> Result<(), Forbidden> {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    if NAMES.contains(&host.as_str()) || address.is_ok_and(is_forbidden) { Err(Forbidden(host)) } else { Ok(()) }
}

fn is_forbidden(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_link_local() || ADDRESSES.contains(&v4),
        IpAddr::V6(v6) => v6.is_unicast_link_local() || v6 == ADDRESS_V6 || embedded(v6).is_some_and(|v4| is_forbidden(v4.into())),
    }
}

/// The IPv4 address that an IPv6 address stands for: mapped (`::ffff:a.b.c.d`) or behind the well-known NAT64 prefix (`64:ff9b::/96`).
fn embedded(v6: Ipv6Addr) -> Option<Ipv4Addr> {
    let [.., a, b, c, d] = v6.octets();
    let behind_nat64 = v6.segments().starts_with(&[0x64, 0xff9b, 0, 0, 0, 0]);
    v6.to_ipv4_mapped().or_else(|| behind_nat64.then_some(Ipv4Addr::new(a, b, c, d)))
}

/// The system's resolver, whose answers are judged before anything connects to them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Resolver;

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            // The port is put in by the client.
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            judge(name.as_str(), found)
        })
    }
}

/// All addresses of a name, or none: one that leads to a metadata service among others isn't there by accident.
pub fn judge(name: &str, found: Vec<SocketAddr>) -> Result<Addrs, Box<dyn std::error::Error + Send + Sync>> {
    match found.iter().find(|address| is_forbidden(address.ip())) {
        Some(address) => Err(Box::new(Forbidden(format!("{name} ({})", address.ip())))),
        None => Ok(Box::new(found.into_iter())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_http_urls_pass() {
        for good in ["http://127.0.0.1:9/scale", "https://hooks.example.com/a?b=c", "http://10.0.0.7/", "http://[fd00::1]/"] {
            assert!(check(good, false).is_ok(), "{good}");
        }
        for (bad, word) in [
            ("scale it", "not a URL"),
            ("ftp://example.com/", "scheme"),
            ("file:///etc/passwd", "scheme"),
            ("https://ada:hunter2@example.com/", "user or password"),
            ("https://ada@example.com/", "user or password"),
            ("http://169.254.169.254/latest/", "metadata"),
            // The same address in another spelling.
            ("http://2852039166/", "metadata"),
            ("http://0xa9.0xfe.0xa9.0xfe/", "metadata"),
            ("http://[::ffff:169.254.169.254]/", "metadata"),
            ("http://[64:ff9b::a9fe:a9fe]/", "metadata"),
            ("http://[fe80::1]/", "metadata"),
            ("http://[fd00:ec2::254]/", "metadata"),
            ("http://METADATA.google.internal./", "metadata"),
            ("http://100.100.100.200/", "metadata"),
        ] {
            let error = check(bad, false).unwrap_err().to_string();
            assert!(error.contains(word) && !error.contains("hunter2"), "{bad}: {error}");
            assert_eq!(check(bad, true).is_ok(), word == "metadata", "{bad}: what was allowed by name is let through, and nothing else");
        }
    }

    #[test]
    fn a_name_is_judged_by_all_of_its_addresses() {
        let at = |text: &str| text.parse::<SocketAddr>().unwrap();
        assert_eq!(judge("a.example", vec![at("10.0.0.1:0"), at("[::1]:0")]).ok().unwrap().count(), 2);
        let error = judge("b.example", vec![at("10.0.0.1:0"), at("169.254.169.254:0")]).err().unwrap();
        assert!(error.is::<Forbidden>() && error.to_string().contains("b.example (169.254.169.254)"), "{error}");
    }
}
