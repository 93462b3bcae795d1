//! What of a message's headers concerns only this hop, and who really sent a request.

use std::net::IpAddr;

use http::header::{self, HeaderMap, HeaderName, HeaderValue};

/// RFC 9110, 7.6.1, and what older software understands the same way. Transfer-Encoding is among them: each hop frames its own message.
const HOP_BY_HOP: [HeaderName; 9] = [
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];
/// What a sender can't have removed by naming it in Connection: where the body ends, and whom the request is for.
const KEPT: [HeaderName; 2] = [header::CONTENT_LENGTH, header::HOST];

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
/// What strangers could use to pretend to be somebody else.
const CLAIMS: [HeaderName; 7] = [
    FORWARDED_FOR,
    FORWARDED_PROTO,
    FORWARDED_HOST,
    HeaderName::from_static("x-forwarded-port"),
    HeaderName::from_static("x-forwarded-server"),
    HeaderName::from_static("x-real-ip"),
    header::FORWARDED,
];

/// Removes what concerns only the hop that it came over, in both directions.
pub(crate) fn strip_hop_by_hop(headers: &mut HeaderMap) {
    if let Some(named) = headers.get(header::CONNECTION) {
        // Nearly always one header that says close or keep-alive: no list is built for that.
        let usual = named.as_bytes().eq_ignore_ascii_case(b"close") || named.as_bytes().eq_ignore_ascii_case(b"keep-alive");
        if !usual || headers.get_all(header::CONNECTION).iter().nth(1).is_some() {
            strip_named(headers);
        }
    }
    for name in &HOP_BY_HOP {
        headers.remove(name);
    }
}

fn strip_named(headers: &mut HeaderMap) {
    let values = headers.get_all(header::CONNECTION).iter();
    let words = values.flat_map(|value| value.as_bytes().split(|&byte| byte == b','));
    let named: Vec<HeaderName> = words.filter_map(|word| HeaderName::from_bytes(word.trim_ascii()).ok()).collect();
    for name in named.iter().filter(|name| !KEPT.contains(name)) {
        headers.remove(name);
    }
}

/// Says who sent the request. A trusted peer's claims are carried on, with the peer added to the list; anybody else's are replaced.
pub(crate) fn forward_for(headers: &mut HeaderMap, peer: IpAddr, trusted: bool) {
    let peer = peer.to_canonical().to_string();
    if !trusted {
        for name in &CLAIMS {
            headers.remove(name);
        }
    }
    let mut list = Vec::new();
    for value in headers.get_all(FORWARDED_FOR) {
        list.extend_from_slice(value.as_bytes());
        list.extend_from_slice(b", ");
    }
    list.extend_from_slice(peer.as_bytes());
    // Values that were valid, joined by valid bytes: always a valid value.
    if let Ok(value) = HeaderValue::from_bytes(&list) {
        headers.insert(FORWARDED_FOR, value);
    }
    headers.entry(FORWARDED_PROTO).or_insert(HeaderValue::from_static("http"));
    if let Some(host) = headers.get(header::HOST).cloned() {
        headers.entry(FORWARDED_HOST).or_insert(host);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pairs = pairs.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(name, value);
        }
        headers
    }

    fn names(headers: &HeaderMap) -> Vec<&str> {
        let mut names: Vec<&str> = headers.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        names
    }

    #[test]
    fn hop_by_hop_headers_go_and_framing_stays() {
        let mut headers = map(&[
            ("host", "a"),
            ("content-length", "3"),
            ("connection", "close, X-Mine, Content-Length"),
            ("connection", "Host, x-other"),
            ("keep-alive", "timeout=5"),
            ("te", "trailers"),
            ("upgrade", "websocket"),
            ("proxy-authorization", "x"),
            ("x-mine", "1"),
            ("x-other", "1"),
            ("x-end-to-end", "1"),
        ]);
        strip_hop_by_hop(&mut headers);
        assert_eq!(names(&headers), ["content-length", "host", "x-end-to-end"]);
    }

    #[test]
    fn strangers_claims_are_replaced() {
        let mut headers = map(&[
            ("host", "a"),
            ("x-forwarded-for", "6.6.6.6"),
            ("x-forwarded-proto", "https"),
            ("x-real-ip", "6.6.6.6"),
            ("forwarded", "for=6.6.6.6"),
        ]);
        forward_for(&mut headers, "10.1.2.3".parse().unwrap(), false);
        let expected = map(&[("host", "a"), ("x-forwarded-for", "10.1.2.3"), ("x-forwarded-proto", "http"), ("x-forwarded-host", "a")]);
        assert_eq!(headers, expected);
    }

    #[test]
    fn a_trusted_peers_claims_are_carried_on() {
        let mut headers = map(&[
            ("host", "in"),
            ("x-forwarded-for", "1.1.1.1"),
            ("x-forwarded-for", "2.2.2.2"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-host", "out"),
        ]);
        forward_for(&mut headers, "::ffff:10.1.2.3".parse().unwrap(), true);
        let expected = map(&[
            ("host", "in"),
            ("x-forwarded-for", "1.1.1.1, 2.2.2.2, 10.1.2.3"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-host", "out"),
        ]);
        assert_eq!(headers, expected);
    }
}
