//! Why a directive isn't carried over.

use super::syntax::Directive;

/// Where the directive is.
#[derive(Debug, Clone, Copy)]
pub struct Around<'a> {
    /// The upstream that is imported.
    pub upstream: &'a str,
    /// Line of the block that has nothing to do with it.
    pub elsewhere: Option<usize>,
    /// In `stream` or `mail`.
    pub stream: bool,
}

/// By the beginning of the name; the first that fits.
const REASONS: [(&str, &str); 21] = [
    ("limit_req_status", "a rate limit isn't carried over, so neither is its answer"),
    ("limit_req_log_level", "nothing is logged in a simulation"),
    ("limit_req_dry_run", "a rate limit isn't carried over"),
    ("limit_conn", "connections aren't limited per key: `limits.connections` of the proxy limits them in all"),
    ("limit_rate", "bandwidth is not simulated"),
    ("split_clients", "requests aren't split by key: give [[pools]] weights"),
    ("proxy_cache", "caches are not simulated: import the load that reaches the upstream"),
    ("proxy_buffer", "sizes of requests and answers are not simulated"),
    ("proxy_request_buffering", "sizes of requests and answers are not simulated"),
    ("proxy_http_version", "connections to backends are kept alive anyway"),
    ("proxy_set_header", "headers are rebuilt by the proxy's own rules"),
    ("proxy_ssl", "TLS to backends isn't there"),
    ("proxy_bind", "the source address of connections isn't chosen"),
    ("ssl", "TLS is not simulated, and needs its own certificate settings"),
    ("worker_", "there is one balancer, whatever the number of threads"),
    ("resolver", "addresses are as they stand: nothing is resolved while it runs"),
    ("health_check", "active checks of nginx Plus: write `[balancer] active = { … }` by hand"),
    ("sticky", "sessions aren't pinned to backends"),
    ("queue", "a queue of nginx Plus in front of the upstream: [[pools]] have one per replica"),
    ("keepalive_requests", "connections are kept whatever number of requests they have carried"),
    ("server_name", "every request is one for this upstream"),
];

pub fn of(directive: &Directive, around: Around) -> String {
    let name = directive.name.as_str();
    if around.stream {
        return "balancing of connections (stream, mail): requests are what is balanced here".into();
    }
    if name == "upstream" {
        return format!("another upstream than {}: import it with --upstream {}", around.upstream, directive.args.join(" "));
    }
    if let Some(line) = around.elsewhere {
        return format!("in the block of line {line}, which has nothing to do with the upstream {}", around.upstream);
    }
    let reason = REASONS.iter().find(|(start, _)| name.starts_with(start));
    reason.map_or("no part of balancing: neither a scenario nor the proxy has anything like it", |(_, reason)| *reason).to_owned()
}
