//! The upstream as a scenario.

use std::fmt::Write as _;

use super::Found;
use super::ledger::Ledger;
use super::upstream::{Server, Upstream};
use crate::import::ImportError;
use crate::import::Status::{Approximated, Carried, NotCarried};
use crate::import::text::{quoted, span};

/// The most failures that passive health counts.
const MAX_FAILS_MAX: u32 = 1_000;

pub fn write(found: &Found, ledger: &mut Ledger) -> Result<String, ImportError> {
    let (upstream, tries) = (&found.upstream, &found.tries);
    let mut out = format!("name = {}\nseed = 1\nduration = \"10m\"\nwarmup = \"60s\"\n\n", quoted(&upstream.name));
    // Writing to a String can't fail, here and below.
    let _ = writeln!(out, "[workload]\narrivals = {{ kind = \"poisson\", rate_rps = {:?} }}\n", found.assumed.rate_rps);
    let (algorithm, near, why) = upstream.method.ours();
    if let Some(directive) = upstream.method_said {
        ledger.note(directive, None, near, format!("algorithm = \"{algorithm}\": {why}"));
    }
    let _ = writeln!(
        out,
        "[balancer]\nalgorithm = \"{algorithm}\"\n# nginx has no threshold below which it trusts failing backends again.\npanic_threshold = 0.0"
    );
    out += &passive(found, ledger);
    out += &slow_start(upstream, ledger);
    if tries.attempts > 1 {
        let _ = writeln!(
            out,
            "\n[retries]\nmax_attempts = {}\ntimeouts = {}\nserver_errors = {}\noverloads = {}\n# nginx has no budget: the largest that there is.\nbudget = {{ ratio = 10.0, min_per_second = 1000000 }}",
            tries.attempts, tries.timeouts, tries.server_errors, tries.overloads
        );
    }
    if tries.silence_ms > 0 {
        let _ = writeln!(out, "\n[timeouts]\nrequest = {}", span(tries.silence_ms));
    }
    for server in &upstream.servers {
        out += &pool(found, server, ledger);
    }
    if let Some((directive, _)) = upstream.keepalive {
        ledger
            .approximated(directive, "limits.upstream_idle of the proxy, per backend and not per worker; a scenario opens no connections");
    }
    if let Some((directive, _)) = upstream.keepalive_timeout {
        ledger.approximated(directive, "limits.upstream_idle_time of the proxy; a scenario opens no connections");
    }
    limits(found, ledger);
    Ok(out)
}

/// `max_fails` and `fail_timeout` are one rule for all our backends: that of most servers.
fn passive(found: &Found, ledger: &mut Ledger) -> String {
    let upstream = &found.upstream;
    let rule = |server: &Server| (server.max_fails.min(MAX_FAILS_MAX), server.fail_timeout_ms);
    let serving = || upstream.servers.iter().filter(|server| !server.down && !server.backup);
    let votes = |wanted: (u32, u64)| serving().filter(|server| rule(server) == wanted).count();
    let Some(common) = serving().map(rule).rev().max_by_key(|wanted| votes(*wanted)) else { return String::new() };
    for server in serving() {
        if server.max_fails > MAX_FAILS_MAX {
            let why = format!("{MAX_FAILS_MAX} is the most that is counted");
            ledger.note(server.directive, Some(&format!("max_fails={}", server.max_fails)), Approximated, why);
        }
        if rule(server) != common {
            let what = format!("max_fails={} fail_timeout={}ms", server.max_fails, server.fail_timeout_ms);
            let why = format!("the rule is one for all backends: max_fails = {}, fail_timeout = {}", common.0, span(common.1));
            ledger.note(server.directive, Some(&what), NotCarried, why);
        }
    }
    let (max_fails, fail_timeout_ms) = common;
    // nginx doesn't count the failures of a server that is alone, and none with a time of 0.
    if max_fails == 0 || fail_timeout_ms == 0 || upstream.servers.len() == 1 {
        return String::new();
    }
    let tries = &found.tries;
    format!(
        "passive = {{ max_fails = {max_fails}, fail_timeout = {}, server_errors = {}, overloads = {} }}\n",
        span(fail_timeout_ms),
        tries.server_errors,
        tries.overloads
    )
}

fn slow_start(upstream: &Upstream, ledger: &mut Ledger) -> String {
    let Some(longest) = upstream.servers.iter().map(|server| server.slow_start_ms).max().filter(|ms| *ms > 0) else { return String::new() };
    for server in &upstream.servers {
        let what = format!("slow_start={}ms", server.slow_start_ms);
        if server.slow_start_ms == longest {
            let why =
                "balancer.slow_start, which begins at a hundredth of the weight: without a floor a backend would see nothing for a while";
            ledger.note(server.directive, Some(&what), Approximated, why);
        } else {
            ledger.note(server.directive, Some(&what), NotCarried, format!("the ramp is one for all backends: {}", span(longest)));
        }
    }
    format!("slow_start = {{ duration = {}, minimum_percent = 1 }}\n", span(longest))
}

fn pool(found: &Found, server: &Server, ledger: &mut Ledger) -> String {
    let off = server.down || server.backup;
    let mut concurrency = found.assumed.concurrency;
    let mut queue = "\"unbounded\"".to_owned();
    if server.max_conns > 0 {
        concurrency = concurrency.min(server.max_conns);
        queue = (server.max_conns - concurrency).to_string();
        let what = format!("max_conns={}", server.max_conns);
        let why = "concurrency and queue of its pool: a full backend turns requests away, where nginx looks for another one first; nginx \
                   counts per worker unless there is a zone";
        ledger.note(server.directive, Some(&what), Approximated, why);
    }
    if server.backup {
        let why = "weight 0 in a scenario, where no backend waits for the others to fail; the proxy has backups";
        ledger.note(server.directive, Some("backup"), NotCarried, why);
    }
    let named = server.directive.name == "server";
    if named && !server.backup {
        ledger.note(server.directive, None, Carried, if server.down { "a pool with weight 0" } else { "a pool" });
    }
    let weight = if off { 0 } else { server.weight };
    let mut out =
        format!("\n[[pools]]\nname = {}\nweight = {weight}\nconcurrency = {concurrency}\nqueue = {queue}\n", quoted(&server.address));
    let _ = writeln!(out, "service_time = {{ dist = \"exponential\", mean_ms = {:?} }}", found.assumed.service_ms);
    out
}

/// Rate limits in force where the upstream is proxied to.
fn limits(found: &Found, ledger: &mut Ledger) {
    let Some(place) = &found.place else { return };
    for directive in place.in_force("limit_req") {
        let zone = directive.args.iter().find_map(|arg| arg.strip_prefix("zone=")).unwrap_or_default();
        let zones = place.in_force("limit_req_zone");
        let said = zones.iter().find(|said| said.args.get(1).is_some_and(|arg| arg.split(':').next() == Some(&format!("zone={zone}"))));
        let rate = said.and_then(|said| said.args.iter().find_map(|arg| arg.strip_prefix("rate="))).unwrap_or("a rate that isn't here");
        let key = said.and_then(|said| said.args.first()).map_or("?", String::as_str);
        ledger.not_carried(
            directive,
            format!("{rate} per {key}: neither scenario nor proxy has a limit per key; import the load that gets through"),
        );
        if let Some(said) = said {
            ledger.not_carried(said, format!("the limit of line {}", directive.line));
        }
    }
}
