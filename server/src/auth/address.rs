//! Where a request really comes from when there are proxies in front: what they say counts only if they are named in the configuration.

use std::net::IpAddr;
use std::str::FromStr;

/// An address with the length of its network: `127.0.0.1`, `10.0.0.0/8`, `fd00::/8`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    bits: u32,
}

impl FromStr for Network {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (address, length) = text.split_once('/').map_or((text, None), |(address, length)| (address, Some(length)));
        let address: IpAddr = address.parse().map_err(|_| ())?;
        let longest = if address.is_ipv4() { 32 } else { 128 };
        let bits = length.map_or(Ok(longest), |length| length.parse().map_err(|_| ()))?;
        (bits <= longest).then_some(Self { address, bits }).ok_or(())
    }
}

impl Network {
    fn has(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(other)) => (own.to_bits() ^ other.to_bits()).checked_shr(32 - self.bits).unwrap_or(0) == 0,
            (IpAddr::V6(own), IpAddr::V6(other)) => (own.to_bits() ^ other.to_bits()).checked_shr(128 - self.bits).unwrap_or(0) == 0,
            _ => false,
        }
    }
}

/// Who made a request that came from `peer` with these `X-Forwarded-For` addresses, the nearest proxy's last. Each proxy appends whom it
/// talked to, so the list is read from its end for as long as it was written by trusted ones; what stands further left anybody may have sent.
#[must_use]
pub fn client<'a>(peer: IpAddr, forwarded: impl DoubleEndedIterator<Item = &'a str>, trusted: &[Network]) -> IpAddr {
    let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.has(address));
    let mut client = peer;
    for before in forwarded.rev() {
        match before.trim().parse() {
            Ok(address) if is_trusted(client) => client = address,
            _ => break,
        }
    }
    client.to_canonical()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(peer: &str, forwarded: &str, trusted: &[&str]) -> String {
        let trusted: Vec<Network> = trusted.iter().map(|text| text.parse().unwrap()).collect();
        client(peer.parse().unwrap(), forwarded.split(','), &trusted).to_string()
    }

    #[test]
    fn a_stranger_says_nothing_about_where_it_is() {
        assert_eq!(seen("203.0.113.9", "10.0.0.1", &[]), "203.0.113.9");
        assert_eq!(seen("203.0.113.9", "10.0.0.1", &["127.0.0.1"]), "203.0.113.9");
    }

    #[test]
    fn behind_trusted_proxies_the_last_stranger_counts() {
        assert_eq!(seen("127.0.0.1", "6.6.6.6, 203.0.113.9", &["127.0.0.1"]), "203.0.113.9");
        assert_eq!(seen("10.1.2.3", "6.6.6.6, 203.0.113.9, 10.9.9.9", &["10.0.0.0/8"]), "203.0.113.9");
        assert_eq!(seen("::ffff:10.1.2.3", "2001:db8::7", &["10.0.0.0/8"]), "2001:db8::7");
        assert_eq!(seen("127.0.0.1", "nonsense", &["127.0.0.1"]), "127.0.0.1");
    }

    #[test]
    fn networks_have_lengths() {
        assert!("10.0.0.0/8".parse::<Network>().unwrap().has("10.255.0.1".parse().unwrap()));
        assert!(!"10.0.0.0/8".parse::<Network>().unwrap().has("11.0.0.1".parse().unwrap()));
        assert!("0.0.0.0/0".parse::<Network>().unwrap().has("11.0.0.1".parse().unwrap()));
        assert!("fd00::/8".parse::<Network>().unwrap().has("fdab::1".parse().unwrap()));
        for wrong in ["", "10.0.0.0/33", "host", "10.0.0.0/", "fd00::/129", "10.0.0.0/-1"] {
            assert!(wrong.parse::<Network>().is_err(), "{wrong}");
        }
    }
}
