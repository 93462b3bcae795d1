//! An `upstream` block with its servers.

use super::ledger::Ledger;
use super::method::Method;
use super::place::{Place, target};
use super::syntax::{Directive, Tree};
use super::units::time_ms;
use crate::import::ImportError;
use crate::import::Status::NotCarried;

/// Largest weight that a scenario takes.
const WEIGHT_MAX: u64 = balancer::WEIGHT_MAX as u64;

/// A server of an upstream, with nginx's defaults.
#[derive(Debug)]
pub struct Server<'t> {
    pub directive: &'t Directive,
    /// As written, such as `10.0.0.1:8080` or `unix:/run/app.sock`.
    pub address: String,
    pub weight: u32,
    pub backup: bool,
    pub down: bool,
    pub max_fails: u32,
    pub fail_timeout_ms: u64,
    /// 0 is no limit.
    pub max_conns: u32,
    pub slow_start_ms: u64,
}

/// An upstream.
#[derive(Debug)]
pub struct Upstream<'t> {
    pub name: String,
    pub servers: Vec<Server<'t>>,
    pub method: Method,
    /// The directive that says so; round robin has none.
    pub method_said: Option<&'t Directive>,
    /// Idle connections kept per worker.
    pub keepalive: Option<(&'t Directive, u64)>,
    pub keepalive_timeout: Option<(&'t Directive, u64)>,
}

impl<'t> Upstream<'t> {
    /// The upstream of this name, else the first that something proxies to, else the first. Without any block, the address of the first
    /// `proxy_pass` is an upstream with one server, as it is for nginx.
    pub fn choose(tree: &'t Tree, wanted: Option<&str>, ledger: &mut Ledger) -> Result<Self, ImportError> {
        let blocks = blocks(tree);
        let name_of = |directive: &'t Directive| directive.args.first().map_or("", String::as_str);
        let named = |name: &str| blocks.iter().copied().find(|directive| name_of(directive) == name);
        let places = Place::all(tree);
        let error = |what: String| ImportError { file: tree.files.first().cloned().unwrap_or_default(), line: None, what };
        let passed = || places.iter().find_map(|place| target(place.pass).and_then(named));
        let chosen = match wanted {
            Some(name) => named(name),
            None => passed().or(blocks.first().copied()),
        };
        if let Some(directive) = chosen {
            return Self::read(directive, ledger);
        }
        let known: Vec<&str> = blocks.iter().copied().map(name_of).collect();
        let direct = |place: &&Place<'t>| target(place.pass).is_some_and(|host| wanted.is_none_or(|name| name == host));
        match places.iter().find(direct) {
            Some(place) => Ok(Self::direct(place.pass)),
            None if wanted.is_some() && !known.is_empty() => {
                Err(error(format!("--upstream {}: there is none of this name; allowed: {}", wanted.unwrap_or_default(), known.join(", "))))
            }
            None => Err(error("there is no upstream block, and nothing that is proxied to a fixed address".into())),
        }
    }

    fn direct(pass: &'t Directive) -> Self {
        let address = target(pass).unwrap_or_default().to_owned();
        let server = Server::new(pass, address.clone());
        let method = Method::RoundRobin;
        Self { name: address, servers: vec![server], method, method_said: None, keepalive: None, keepalive_timeout: None }
    }

    fn read(block: &'t Directive, ledger: &mut Ledger) -> Result<Self, ImportError> {
        let name = block.args.first().cloned().ok_or_else(|| ledger.error(block, "it has no name"))?;
        let mut upstream =
            Self { name, servers: Vec::new(), method: Method::RoundRobin, method_said: None, keepalive: None, keepalive_timeout: None };
        ledger.carried(block, "[balancer] and [[pools]]");
        for directive in block.block.iter().flatten() {
            if let Some(method) = Method::read(&directive.name, &directive.args) {
                upstream.method = method;
                said_again(upstream.method_said.replace(directive), directive, ledger);
                continue;
            }
            match directive.name.as_str() {
                "server" => upstream.servers.push(Server::read(directive, ledger)?),
                "keepalive" => {
                    let count = directive.args.first().and_then(|text| text.parse().ok());
                    let count = count.ok_or_else(|| ledger.error(directive, "a whole number is allowed"))?;
                    said_again(upstream.keepalive.replace((directive, count)).map(|(before, _)| before), directive, ledger);
                }
                "keepalive_timeout" => {
                    let time = directive.args.first().and_then(|text| time_ms(text));
                    let time = time.ok_or_else(|| ledger.error(directive, TIME))?;
                    said_again(upstream.keepalive_timeout.replace((directive, time)).map(|(before, _)| before), directive, ledger);
                }
                "zone" => ledger.carried(directive, "there is one balancer, whose state all threads share"),
                name => {
                    let why = super::why::of(directive, super::why::Around { upstream: &upstream.name, elsewhere: None, stream: false });
                    ledger.not_carried(directive, if name == "include" { "not followed".to_owned() } else { why });
                }
            }
        }
        if upstream.servers.is_empty() {
            return Err(ledger.error(block, "it has no server"));
        }
        Ok(upstream)
    }
}

/// The last one counts.
fn said_again(before: Option<&Directive>, now: &Directive, ledger: &mut Ledger) {
    if let Some(before) = before {
        ledger.not_carried(before, format!("line {} says it again", now.line));
    }
}

/// All upstreams of requests: in `http`, or at the top of a file that is included there.
fn blocks(tree: &Tree) -> Vec<&Directive> {
    let top = tree.directives.iter();
    let inner = top.clone().filter(|directive| directive.name == "http").flat_map(|http| http.block.iter().flatten());
    top.chain(inner).filter(|directive| directive.name == "upstream" && directive.block.is_some()).collect()
}

const TIME: &str = "a time such as 10s, 1m30s or 500ms is allowed, up to a year";

impl<'t> Server<'t> {
    fn new(directive: &'t Directive, address: String) -> Self {
        let (backup, down) = (false, false);
        Self { directive, address, weight: 1, backup, down, max_fails: 1, fail_timeout_ms: 10_000, max_conns: 0, slow_start_ms: 0 }
    }

    fn read(directive: &'t Directive, ledger: &mut Ledger) -> Result<Self, ImportError> {
        let address = directive.args.first().cloned().ok_or_else(|| ledger.error(directive, "it has no address"))?;
        let mut server = Self::new(directive, address);
        for arg in directive.args.iter().skip(1) {
            let (key, value) = arg.split_once('=').unwrap_or((arg, ""));
            let wrong = |allowed: &str| ledger.error(directive, format!("{arg}: {allowed}"));
            let number = |least: u64, most: u64| {
                let number = value.parse::<u64>().ok().filter(|number| (least..=most).contains(number));
                number.map(|number| number as u32).ok_or_else(|| wrong(&format!("a whole number from {least} to {most} is allowed")))
            };
            match key {
                "weight" => server.weight = number(1, WEIGHT_MAX)?,
                "max_fails" => server.max_fails = number(0, u64::from(u32::MAX))?,
                "max_conns" => server.max_conns = number(0, u64::from(u32::MAX))?,
                "fail_timeout" => server.fail_timeout_ms = time_ms(value).ok_or_else(|| wrong(TIME))?,
                "slow_start" => server.slow_start_ms = time_ms(value).ok_or_else(|| wrong(TIME))?,
                "backup" if value.is_empty() => server.backup = true,
                "down" if value.is_empty() => server.down = true,
                "resolve" => {
                    ledger.note(directive, Some(arg), NotCarried, "addresses are as they stand: nothing is resolved while it runs")
                }
                "drain" => ledger.note(directive, Some(arg), NotCarried, "sessions aren't pinned, so there is nothing to drain"),
                "service" | "route" => ledger.note(directive, Some(arg), NotCarried, "neither DNS services nor session routes are known"),
                _ => ledger.note(directive, Some(arg), NotCarried, "an unknown parameter"),
            }
        }
        Ok(server)
    }
}
