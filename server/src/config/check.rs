//! What one key alone can't tell: values that contradict each other, and what one choice needs of another.

mod events;
mod service;

use std::collections::BTreeMap;
use std::net::SocketAddr;

use super::file::{Prometheus, Server};
use super::problem::{KeyPath, Problem};
use super::value::EnvText;
use super::{Parts, Span};
use crate::auth::address::Network;
use crate::outgoing::{self, Refused};

const DAY_MS: i64 = 86_400_000;
/// Beyond a year a unit was mistaken.
const YEAR_MS: i64 = 365 * DAY_MS;

/// Checks what could be read.
pub fn check(parts: &Parts, problems: &mut Vec<Problem>) {
    let top = KeyPath::default();
    if let Some(server) = &parts.server {
        check_server(server, &top.key("server"), problems);
    }
    if let Some(Some(prometheus)) = &parts.prometheus {
        check_prometheus(prometheus, &top.key("prometheus"), problems);
    }
    if let Some(log) = &parts.log
        && crate::log::filter(&log.level).is_err()
    {
        let allowed = "error, warn, info, debug, trace, and TARGET=LEVEL, separated by commas";
        problems.push(Problem::value(top.key("log.level"), format!("{:?}", log.level), allowed));
    }
    let context = service::Context {
        step: parts.prometheus.as_ref().and_then(|known| known.as_ref().map(|known| known.step)),
        no_prometheus: parts.prometheus == Some(None),
    };
    for (at, service) in parts.services.iter().enumerate() {
        if let Some(service) = service {
            service::check(service, &context, &top.key("services").at(at), problems);
        }
    }
    check_names(parts, problems);
    check_ports(parts, problems);
}

/// The planner checks what it is given once more; whatever it finds that nobody else has found is told too.
pub fn planner_agrees(parts: &Parts, problems: &mut Vec<Problem>) {
    for (at, service) in parts.services.iter().enumerate() {
        let path = KeyPath::default().key("services").at(at);
        let known = problems.iter().any(|problem| problem.path.section() == path);
        if let (Some(service), false) = (service, known)
            && let Err(error) = super::service::checked(service).validate()
        {
            problems.push(Problem::value(path.key(&error.key), error.value, error.allowed));
        }
    }
}

fn check_server(server: &Server, path: &KeyPath, problems: &mut Vec<Problem>) {
    if let Some(url) = &server.public_url
        && !is_origin(url)
    {
        let allowed = "a scheme and a name, with a port or without, such as https://prescale.example.com";
        problems.push(Problem::value(path.key("public_url"), format!("{url:?}"), allowed));
    }
    for (at, proxy) in server.trusted_proxies.iter().enumerate() {
        if proxy.parse::<Network>().is_err() {
            let allowed = "an address or a network, such as 127.0.0.1 or 10.0.0.0/8";
            problems.push(Problem::value(path.key("trusted_proxies").at(at), format!("{proxy:?}"), allowed));
        }
    }
    if let Some(database) = &server.database {
        let path = path.key("database");
        if !["postgres://", "postgresql://"].iter().any(|scheme| database.value().starts_with(scheme)) {
            let value = format!("{:?}", database.written());
            problems.push(Problem::value(
                path,
                value,
                "an address that begins with postgres://; leave it out for SQLite in server.data_dir",
            ));
        } else if has_password(database.written()) {
            problems.push(Problem::value(
                path,
                "an address with its password",
                "${NAME} in place of the password, an environment variable",
            ));
        }
    }
}

fn check_prometheus(prometheus: &Prometheus, path: &KeyPath, problems: &mut Vec<Problem>) {
    let instead = "the address alone; user and password belong in basic_auth, a token in bearer_token_file";
    check_url(&prometheus.url, prometheus.allow_link_local, instead, path.key("url"), problems);
    if let Some(basic) = &prometheus.basic_auth {
        let path = path.key("basic_auth");
        if prometheus.token.is_some() || prometheus.bearer_token_file.is_some() {
            problems.push(Problem::value(path.clone(), "a second way to say who asks", "one of token, bearer_token_file and basic_auth"));
        }
        if basic.username.contains(':') {
            problems.push(Problem::value(path.key("username"), format!("{:?}", basic.username), "a name without a colon, which ends it"));
        }
        if basic.password.is_none() && basic.password_file.is_none() {
            let wanted = "the file that holds the password, or password = \"${NAME}\"";
            problems.push(Problem::missing(path.key("password_file"), wanted).because([path.key("password")]));
        }
    }
    let step = prometheus.step;
    if step.ms() < 1_000 || DAY_MS % step.ms().max(1) != 0 {
        problems.push(Problem::value(path.key("step"), step, "at least 1s, and a whole number of them makes a day: 15s, 30s, 1m, 5m"));
    }
    duration(prometheus.timeout, 1, path.key("timeout"), problems);
}

/// `https://name:port`, with at most a slash behind it.
fn is_origin(url: &str) -> bool {
    let bare = url.strip_suffix('/').unwrap_or(url);
    let name = bare.strip_prefix("https://").or_else(|| bare.strip_prefix("http://"));
    name.is_some_and(|name| !name.is_empty() && !name.contains(['/', '@', '?', '#', ' ', '*'])) && bare.parse::<http::Uri>().is_ok()
}

/// An address that requests may go to, as the client will judge it: told here with its line. `instead` is what to do about credentials in it.
fn check_url(url: &EnvText, allow_link_local: bool, instead: &str, path: KeyPath, problems: &mut Vec<Problem>) {
    let link_local = path.key("allow_link_local");
    // As it is written, too: a variable's value may have a slash in it, which ends what can hold credentials.
    let checked = if authority(url.written()).contains('@') {
        Err(Refused::Credentials)
    } else {
        outgoing::check(url.value(), allow_link_local).map(drop)
    };
    problems.extend(checked.err().map(|refused| match refused {
        Refused::Credentials => Problem::value(path, "an address with a user or password", instead),
        Refused::Forbidden(why) => Problem::value(path, format!("{:?}", url.written()), why).because([link_local]),
        Refused::NoUrl(_) | Refused::Scheme(_) => {
            Problem::value(path, format!("{:?}", url.written()), "an address that begins with http:// or https://")
        }
    }));
}

/// `user:password@` with the password itself, not the name of a variable.
fn has_password(url: &str) -> bool {
    let Some((credentials, _)) = authority(url).rsplit_once('@') else { return false };
    credentials.split_once(':').is_some_and(|(_, password)| !password.is_empty() && !password.starts_with("${"))
}

/// `user:password@host:port` of an address.
fn authority(url: &str) -> &str {
    url.split_once("://").map_or(url, |(_, rest)| rest).split('/').next().unwrap_or_default()
}

fn duration(span: Span, least_ms: i64, path: KeyPath, problems: &mut Vec<Problem>) {
    if !(least_ms..=YEAR_MS).contains(&span.ms()) {
        problems.push(Problem::value(path, span, format!("{} to {}", Span(least_ms), Span(YEAR_MS))));
    }
}

fn check_names(parts: &Parts, problems: &mut Vec<Problem>) {
    let mut first: BTreeMap<&str, usize> = BTreeMap::new();
    for (at, service) in parts.services.iter().enumerate() {
        let Some(service) = service else { continue };
        if let Some(other) = first.get(service.name.as_str()) {
            let allowed = format!("each name once; services[{other}] has it already");
            let name = |at| KeyPath::default().key("services").at(at).key("name");
            problems.push(Problem::value(name(at), format!("{:?}", service.name), allowed).because([name(*other)]));
        } else {
            first.insert(&service.name, at);
        }
    }
}

/// Two listeners can't share a port, unless each has an address of its own. Port 0 is a free one.
fn check_ports(parts: &Parts, problems: &mut Vec<Problem>) {
    let top = KeyPath::default();
    let mut taken: Vec<(SocketAddr, KeyPath)> = Vec::new();
    let of_services = parts.services.iter().enumerate().filter_map(|(at, service)| {
        let proxy = service.as_ref()?.proxy.as_ref()?;
        Some((proxy.listen, top.key("services").at(at).key("proxy.listen")))
    });
    let of_server = parts.server.iter().map(|server| (server.listen, top.key("server.listen")));
    for (address, path) in of_server.chain(of_services) {
        let collides = |other: &SocketAddr| {
            other.port() == address.port() && (other.ip() == address.ip() || other.ip().is_unspecified() || address.ip().is_unspecified())
        };
        match taken.iter().find(|(other, _)| address.port() != 0 && collides(other)) {
            Some((other, owner)) => {
                let allowed = format!("a port that is free; {owner} has {other}");
                problems.push(Problem::value(path, address, allowed).because([owner.clone()]));
            }
            None => taken.push((address, path)),
        }
    }
}
