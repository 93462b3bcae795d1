//! What counts as a failure, how often a request is tried, and how long that may take: `proxy_next_upstream` and the time-outs.

use super::ledger::Ledger;
use super::place::Place;
use super::syntax::Directive;
use super::units::time_ms;
use super::upstream::Upstream;
use crate::import::ImportError;

/// In our words, with nginx's defaults.
#[derive(Debug, Clone, Copy)]
pub struct Tries {
    /// Attempts per request; 1 = no retries.
    pub attempts: u32,
    pub timeouts: bool,
    pub server_errors: bool,
    pub overloads: bool,
    /// All tries together [ms].
    pub all_ms: Option<u64>,
    /// To open a connection [ms].
    pub connect_ms: Option<u64>,
    /// Between two reads or writes [ms]; 60 s if nothing is said.
    pub silence_ms: u64,
}

/// The most attempts that a scenario takes.
const ATTEMPTS_MAX: u64 = 100;
const TIME: &str = "a time such as 10s, 1m30s or 500ms is allowed, up to a year";

pub fn read(place: Option<&Place>, upstream: &Upstream, ledger: &mut Ledger) -> Result<Tries, ImportError> {
    // Each server is tried once at most.
    let servers = upstream.servers.iter().filter(|server| !server.down && !server.backup).count() as u64;
    let mut tries = Tries {
        attempts: servers.clamp(1, ATTEMPTS_MAX) as u32,
        timeouts: true,
        server_errors: false,
        overloads: false,
        all_ms: None,
        connect_ms: None,
        silence_ms: 60_000,
    };
    let Some(place) = place else { return Ok(tries) };
    ledger.carried(place.pass, "the upstream that is imported");
    if let Some(directive) = place.of_module("next_upstream") {
        conditions(directive, &mut tries, ledger);
    }
    if let Some(directive) = place.of_module("next_upstream_tries") {
        let number = directive.args.first().and_then(|text| text.parse::<u64>().ok());
        let number = number.ok_or_else(|| ledger.error(directive, "a whole number is allowed"))?;
        if number > 0 {
            tries.attempts = tries.attempts.min(number.min(ATTEMPTS_MAX) as u32);
        }
        ledger.carried(directive, "retries.max_attempts");
    }
    if let Some(directive) = place.of_module("next_upstream_timeout") {
        let ms = time(directive, ledger)?;
        tries.all_ms = (ms > 0).then_some(ms);
        if ms == 0 {
            ledger.carried(directive, "0 is no limit");
        } else {
            ledger.approximated(directive, "limits.request_time of the proxy, which ends the request and not only its retries; a scenario has no limit for all tries together");
        }
    }
    timeouts(place, &mut tries, ledger)?;
    Ok(tries)
}

fn conditions(directive: &Directive, tries: &mut Tries, ledger: &mut Ledger) {
    let said = |words: &[&str]| directive.args.iter().any(|arg| words.contains(&arg.as_str()));
    if said(&["off"]) {
        tries.attempts = 1;
        ledger.carried(directive, "no [retries]");
        return;
    }
    tries.timeouts = said(&["timeout"]);
    tries.server_errors = said(&["http_500", "http_502", "http_504", "invalid_header"]);
    tries.overloads = said(&["http_503", "http_429"]);
    ledger.carried(directive, "[retries] and balancer.passive");
    let mut part = |word: &str, why: &str| {
        if said(&[word]) {
            ledger.note(directive, Some(word), crate::import::Status::NotCarried, why);
        }
    };
    for word in ["http_403", "http_404"] {
        part(word, "a 4xx isn't the backend's fault and is answered as it is");
    }
    part("non_idempotent", "whether requests may be carried out twice is for `retries.idempotent` to say, for all of them");
    part("updating", "caches are not simulated");
    let errors = ["http_500", "http_502", "http_504", "invalid_header"];
    let some = errors.iter().filter(|word| said(&[word])).count();
    if (1..errors.len()).contains(&some) {
        let why = "server_errors = true: all of 5xx but 503 and broken answers are tried again, not only these";
        ledger.note(directive, Some("http_5xx"), crate::import::Status::Approximated, why);
    }
    if !said(&["error"]) && tries.attempts > 1 {
        let why = "a connection that fails is always tried elsewhere: nothing of the request was sent";
        ledger.note(directive, Some("without error"), crate::import::Status::Approximated, why);
    }
}

fn timeouts(place: &Place, tries: &mut Tries, ledger: &mut Ledger) -> Result<(), ImportError> {
    if let Some(directive) = place.of_module("read_timeout") {
        tries.silence_ms = time(directive, ledger)?;
        let why = "timeouts.request is for the whole attempt, limits.stall_time of the proxy for the time between two reads";
        ledger.approximated(directive, why);
    }
    if let Some(directive) = place.of_module("connect_timeout") {
        tries.connect_ms = Some(time(directive, ledger)?);
        ledger.approximated(directive, "limits.connect_time of the proxy; a scenario opens no connections");
    }
    if let Some(directive) = place.of_module("send_timeout") {
        let send_ms = time(directive, ledger)?;
        if place.of_module("read_timeout").is_none() {
            ledger.approximated(
                directive,
                "limits.stall_time of the proxy, which is for both directions: the default of 60s to read is taken",
            );
        } else if send_ms == tries.silence_ms {
            ledger.carried(directive, "limits.stall_time of the proxy");
        } else {
            ledger.not_carried(directive, "limits.stall_time of the proxy is for both directions: the time to read is taken");
        }
    }
    Ok(())
}

fn time(directive: &Directive, ledger: &Ledger) -> Result<u64, ImportError> {
    directive.args.first().and_then(|text| time_ms(text)).ok_or_else(|| ledger.error(directive, TIME))
}
