//! The strict reading of a request's head: one meaning or none.
//!
//! hyper by itself refuses unequal Content-Lengths, a final coding other than chunked, and syntax it can't parse. It *accepts*, repairing
//! as it goes: Content-Length beside Transfer-Encoding, repeated equal Content-Lengths, bare LF line ends, a missing or repeated Host, an
//! absolute URI that contradicts Host. Two parties that repair differently disagree on where a request ends, and that is request
//! smuggling. So the raw head is checked here before hyper sees it (RFC 9112, sections 2.2, 3.2, 5, 6.3 and 11.2).

use http::Uri;
use http::uri::Authority;

use crate::refuse::Refusal;

/// How the body of a request is delimited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framing {
    /// This many bytes; 0 also when nothing is said.
    Length(u64),
    /// Chunked.
    Chunked,
}

/// RFC 9110, 5.6.2: what names and methods are made of.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// Visible characters, blanks and bytes above ASCII; no other control character than the tab.
pub(crate) fn is_field_byte(byte: u8) -> bool {
    byte == b'\t' || (byte >= b' ' && byte != 0x7f)
}

fn check_request_line(line: &[u8]) -> Result<bool, Refusal> {
    let mut words = line.split(|&byte| byte == b' ');
    let (method, target, version) = (words.next(), words.next(), words.next());
    let (Some(method), Some(target), Some(version), None) = (method, target, version, words.next()) else {
        return Err(Refusal::Malformed("the request line isn't `METHOD target HTTP/1.1`"));
    };
    if method.is_empty() || !method.iter().copied().all(is_token) {
        return Err(Refusal::Malformed("the method isn't a token"));
    }
    if target.is_empty() || !target.iter().all(u8::is_ascii_graphic) || target.contains(&b'#') {
        return Err(Refusal::Malformed("the request target has characters that aren't allowed"));
    }
    match version {
        b"HTTP/1.1" => Ok(true),
        b"HTTP/1.0" => Ok(false),
        _ if version.starts_with(b"HTTP/") => Err(Refusal::Version),
        _ => Err(Refusal::Malformed("the request line isn't `METHOD target HTTP/1.1`")),
    }
}

#[derive(Default)]
struct Seen {
    hosts: u32,
    length: Option<u64>,
    chunked: bool,
}

impl Seen {
    fn header(&mut self, line: &[u8]) -> Result<(), Refusal> {
        if line.first().is_some_and(|&byte| byte == b' ' || byte == b'\t') {
            return Err(Refusal::Malformed("a header is folded over several lines"));
        }
        let colon = line.iter().position(|&byte| byte == b':').ok_or(Refusal::Malformed("a header has no colon"))?;
        let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
        if name.is_empty() || !name.iter().copied().all(is_token) {
            return Err(Refusal::Malformed("a header's name isn't a token"));
        }
        if !value.iter().copied().all(is_field_byte) {
            return Err(Refusal::Malformed("a header's value has a control character"));
        }
        if name.eq_ignore_ascii_case(b"host") {
            self.hosts += 1;
        } else if name.eq_ignore_ascii_case(b"content-length") {
            self.content_length(value)?;
        } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
            if self.chunked {
                return Err(Refusal::Malformed("Transfer-Encoding is given twice"));
            }
            if !value.eq_ignore_ascii_case(b"chunked") {
                return Err(Refusal::Malformed("the only Transfer-Encoding is chunked"));
            }
            self.chunked = true;
        }
        Ok(())
    }

    fn content_length(&mut self, value: &[u8]) -> Result<(), Refusal> {
        if self.length.is_some() {
            return Err(Refusal::Malformed("Content-Length is given twice"));
        }
        // No sign, no list, at most 18 digits: nothing that another parser could read differently or overflow on.
        let digits = !value.is_empty() && value.len() <= 18 && value.iter().all(u8::is_ascii_digit);
        let length = digits.then(|| value.iter().fold(0u64, |sum, digit| sum * 10 + u64::from(digit - b'0')));
        self.length = Some(length.ok_or(Refusal::Malformed("Content-Length isn't a whole number"))?);
        Ok(())
    }
}

/// Checks a whole head, from the first byte of the request line to the empty line, whose lines are known to end in CR LF.
pub(crate) fn check_head(head: &[u8], headers_max: usize) -> Result<Framing, Refusal> {
    let mut lines = head.split(|&byte| byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let modern = check_request_line(lines.next().unwrap_or_default())?;
    let mut seen = Seen::default();
    let mut headers = 0;
    for line in lines {
        if line.is_empty() {
            break;
        }
        headers += 1;
        if headers > headers_max {
            return Err(Refusal::HeadTooLarge);
        }
        seen.header(line)?;
    }
    match seen.hosts {
        0 if modern => return Err(Refusal::Malformed("Host is missing")),
        0 | 1 => {}
        _ => return Err(Refusal::Malformed("Host is given twice")),
    }
    match (seen.chunked, seen.length) {
        (true, Some(_)) => Err(Refusal::Malformed("Content-Length and Transfer-Encoding exclude each other")),
        (true, None) if !modern => Err(Refusal::Malformed("HTTP/1.0 has no Transfer-Encoding")),
        (true, None) => Ok(Framing::Chunked),
        (false, length) => Ok(Framing::Length(length.unwrap_or(0))),
    }
}

/// A name and a port as in Host, lower case, port 80 left out; `None` if it is no such thing.
fn authority(text: &str) -> Option<(String, u16)> {
    let parsed: Authority = text.parse().ok()?;
    let host = parsed.host();
    // The port's text decides: `http` takes "host:" and "host:99999" for a host without a port.
    let port = match parsed.as_str().strip_prefix(host)? {
        "" => 80,
        rest => rest.strip_prefix(':')?.parse().ok()?,
    };
    let plain = !host.is_empty() && !text.contains('@') && !text.contains(',');
    plain.then(|| (host.to_ascii_lowercase(), port))
}

/// Checks Host by itself and against the request target. `host` is absent only in HTTP/1.0.
pub(crate) fn check_target(uri: &Uri, host: Option<&[u8]>) -> Result<(), Refusal> {
    let said = match host {
        None => None,
        Some(bytes) => {
            let named = std::str::from_utf8(bytes).ok().and_then(authority);
            Some(named.ok_or(Refusal::Malformed("Host isn't a name with an optional port"))?)
        }
    };
    let Some(target) = uri.authority() else { return Ok(()) };
    if uri.scheme_str() != Some("http") {
        return Err(Refusal::Malformed("an absolute request target must start with http://"));
    }
    let target = authority(target.as_str()).ok_or(Refusal::Malformed("the request target names no host"))?;
    match said {
        Some(said) if said != target => Err(Refusal::Malformed("Host contradicts the request target")),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
