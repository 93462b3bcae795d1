//! The upstream as a service with the embedded proxy, for `prescale.toml`.

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::Found;
use super::ledger::Ledger;
use super::method::{self, Method};
use super::place::Place;
use super::units::{bytes, time_ms};
use crate::import::ImportError;
use crate::import::Status::NotCarried;
use crate::import::text::{quoted, service_name, span};

/// Largest weight of a backend of the proxy.
const WEIGHT_MAX: u32 = 65_535;
/// Largest number of idle connections that it keeps.
const IDLE_MAX: u64 = 100_000;
/// Largest body that it can be told to take.
const BODY_MAX: u64 = 1 << 40;

/// `None` when no server has an address that the proxy could use.
pub fn write(found: &Found, ledger: &mut Ledger) -> Result<Option<String>, ImportError> {
    let upstream = &found.upstream;
    let mut backends = Vec::new();
    for server in &upstream.servers {
        match address(&server.address) {
            Some(address) => {
                if server.weight > WEIGHT_MAX {
                    let why = format!("the proxy's largest weight is {WEIGHT_MAX}");
                    ledger.note(server.directive, Some(&format!("weight={}", server.weight)), NotCarried, why);
                }
                let weight = if server.down { 0 } else { server.weight.min(WEIGHT_MAX) };
                let backup = if server.backup { ", backup = true" } else { "" };
                backends.push(format!("  {{ address = \"{address}\", weight = {weight}{backup} }},"));
            }
            None => {
                let why = "no backend of the proxy: it takes IP addresses with a port, no names and no sockets of files";
                ledger.note(server.directive, Some("(its address)"), NotCarried, why);
            }
        }
    }
    if backends.is_empty() {
        return Ok(None);
    }
    let algorithm = upstream.method.ours().0;
    let name = quoted(&service_name(&upstream.name));
    let mut out = format!("[[services]]\nname = {name}\nmode = \"observe\"\n\n[services.proxy]\nlisten = \"{}\"\n", listen(found, ledger));
    // Writing to a String can't fail, here and below.
    let _ = writeln!(out, "algorithm = \"{}\"\nbackends = [\n{}\n]", algorithm, backends.join("\n"));
    if let Some(by) = hashed_by(found, ledger) {
        let _ = writeln!(out, "\n[services.proxy.traffic]\nhash_by = {}", quoted(&by));
    }
    let limits = limits(found, ledger)?;
    if !limits.is_empty() {
        let _ = writeln!(out, "\n[services.proxy.limits]\n{}", limits.join("\n"));
    }
    Ok(Some(out))
}

/// What a `hash` goes by.
fn hashed_by(found: &Found, ledger: &mut Ledger) -> Option<String> {
    let said = found.upstream.method_said.filter(|_| matches!(found.upstream.method, Method::Hash | Method::HashConsistent))?;
    let key = said.args.first().map_or("", String::as_str);
    let by = method::hash_by(key);
    if by.is_none() {
        let why = "the proxy hashes by a client's address, a header or a cookie, and takes the address here";
        ledger.note(said, Some(&format!("(its key {key})")), NotCarried, why);
    }
    by
}

fn address(text: &str) -> Option<SocketAddr> {
    let bare = || text.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>().ok().map(|ip| SocketAddr::new(ip, 80));
    text.parse::<SocketAddr>().ok().filter(|address| address.port() > 0).or_else(bare)
}

/// Where the server around the location listens; the first address counts.
fn listen(found: &Found, ledger: &mut Ledger) -> SocketAddr {
    let otherwise = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8_000);
    let all = found.place.as_ref().map(|place| place.in_force("listen")).unwrap_or_default();
    let mut chosen = None;
    for directive in all {
        let tls = directive.args.iter().any(|arg| arg == "ssl" || arg == "quic");
        let said = directive.args.first().and_then(|text| listens_at(text));
        match said {
            Some(address) if chosen.is_none() => {
                chosen = Some(address);
                match tls {
                    true => ledger.approximated(directive, format!("proxy.listen = \"{address}\", without TLS")),
                    false => ledger.carried(directive, "proxy.listen"),
                }
            }
            Some(_) => ledger.not_carried(directive, "the proxy of a service listens at one address"),
            None => ledger.not_carried(directive, "the proxy listens at an IP address with a port"),
        }
    }
    chosen.unwrap_or(otherwise)
}

fn listens_at(text: &str) -> Option<SocketAddr> {
    let any = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
    if let Ok(port) = text.parse::<u16>() {
        return Some(SocketAddr::new(any, port)).filter(|address| address.port() > 0);
    }
    match text.strip_prefix("*:") {
        Some(port) => port.parse().ok().map(|port| SocketAddr::new(any, port)),
        None if text == "[::]" => Some(SocketAddr::new(IpAddr::V6(Ipv6Addr::UNSPECIFIED), 80)),
        None => address(text),
    }
}

fn limits(found: &Found, ledger: &mut Ledger) -> Result<Vec<String>, ImportError> {
    let (upstream, tries) = (&found.upstream, &found.tries);
    let mut lines = Vec::new();
    let mut time = |key: &str, ms: Option<u64>| lines.extend(ms.filter(|ms| *ms > 0).map(|ms| format!("{key} = {}", span(ms))));
    time("connect_time", tries.connect_ms);
    time("request_time", tries.all_ms);
    time("stall_time", Some(tries.silence_ms));
    time("upstream_idle_time", upstream.keepalive_timeout.map(|(_, ms)| ms));
    lines.extend(upstream.keepalive.map(|(_, count)| format!("upstream_idle = {}", count.min(IDLE_MAX))));
    let Some(place) = &found.place else { return Ok(lines) };
    for (name, key) in [("client_header_timeout", "head_time"), ("keepalive_timeout", "idle_time")] {
        let Some(directive) = place.in_force(name).first().copied() else { continue };
        let ms = directive.args.first().and_then(|text| time_ms(text));
        match ms.ok_or_else(|| ledger.error(directive, "a time such as 10s or 500ms is allowed"))? {
            0 => ledger.not_carried(directive, format!("limits.{key} of the proxy can't be 0")),
            ms => {
                lines.push(format!("{key} = {}", span(ms)));
                ledger.carried(directive, format!("limits.{key} of the proxy"));
            }
        }
    }
    lines.extend(body(place, ledger)?);
    Ok(lines)
}

fn body(place: &Place, ledger: &mut Ledger) -> Result<Option<String>, ImportError> {
    let Some(directive) = place.in_force("client_max_body_size").first().copied() else { return Ok(None) };
    let size = directive.args.first().and_then(|text| bytes(text));
    let size = size.ok_or_else(|| ledger.error(directive, "a size such as 512, 8k, 10m or 1g is allowed"))?;
    // For nginx, 0 is no limit.
    let size = if size == 0 { BODY_MAX } else { size.min(BODY_MAX) };
    ledger.carried(directive, "limits.body_bytes of the proxy");
    Ok(Some(format!("body_bytes = {size}")))
}
