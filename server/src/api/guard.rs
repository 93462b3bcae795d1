//! Under which names this server is spoken to: a script of another site must not reach it through somebody's browser.
//!
//! Binding to 127.0.0.1 is not enough. A page on any site can make the browser send requests here, and with DNS rebinding it can even read
//! the answers: its own name then resolves to 127.0.0.1. Such a request still carries the foreign name in `Host` or `Origin`, so both are
//! compared with the names this server is known by. A program without a browser sends no `Origin` and is let through.
//!
//! On an address that isn't the loopback, an IP address in `Host` is ours whatever it is: rebinding takes a name, and nobody needs to list
//! the addresses of a pod. A request with a token may come under any name: no browser sends one by itself.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::problem::Problem;

/// The stream, which stays open.
const EVENTS: &str = "/api/v1/events";

/// The names this server answers to.
#[derive(Clone, Debug)]
pub struct AllowedHosts(Arc<Names>);

#[derive(Debug)]
struct Names {
    /// Values of `Host`.
    hosts: Vec<String>,
    /// Values of `Origin`.
    origins: Vec<String>,
    /// Whether any IP address is a name of ours.
    any_address: bool,
}

impl AllowedHosts {
    /// The names of the loopback address at `port`.
    pub fn loopback(port: u16) -> Self {
        Self::listening(SocketAddr::from(([127, 0, 0, 1], port)), None)
    }

    /// The names of a server that listens there, and is reached by browsers at `public_url`.
    pub fn listening(address: SocketAddr, public_url: Option<&str>) -> Self {
        let port = address.port();
        let mut hosts = vec![format!("127.0.0.1:{port}"), format!("localhost:{port}"), format!("[::1]:{port}")];
        if port == 80 {
            // A browser leaves the default port out.
            hosts.extend(["127.0.0.1".to_owned(), "localhost".to_owned(), "[::1]".to_owned()]);
        }
        let mut origins: Vec<String> = hosts.iter().map(|host| format!("http://{host}")).collect();
        if let Some(url) = public_url.map(|url| url.trim_end_matches('/')) {
            hosts.extend(url.split_once("://").map(|(_, host)| host.to_owned()));
            origins.push(url.to_owned());
        }
        AllowedHosts(Arc::new(Names { hosts, origins, any_address: !address.ip().is_loopback() }))
    }

    fn has(&self, host: &str) -> bool {
        self.0.hosts.iter().any(|allowed| allowed.eq_ignore_ascii_case(host)) || (self.0.any_address && is_address(host))
    }

    fn check_host(&self, request: &Request) -> Result<(), Problem> {
        if request.headers().contains_key(header::AUTHORIZATION) {
            return Ok(());
        }
        // RFC 9112: with an absolute-form target, its authority counts instead of Host. Both must be ours.
        let authority = request.uri().authority().map(|authority| authority.as_str());
        let mut named =
            request.headers().get_all(header::HOST).iter().map(|value| value.to_str().ok()).chain(authority.map(Some)).peekable();
        let ours = named.peek().is_some() && named.all(|name| name.is_some_and(|name| self.has(name)));
        if ours { Ok(()) } else { Err(Problem::Foreign { detail: format!("Host must be one of {}", self.0.hosts.join(", ")) }) }
    }

    /// What changes something, and what lasts: a foreign page can't read a stream of events, but it could take all places there are.
    fn check_origin(&self, method: &Method, path: &str, headers: &HeaderMap) -> Result<(), Problem> {
        if method.is_safe() && path != EVENTS {
            return Ok(());
        }
        let host = headers.get(header::HOST).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let of_this_address = |origin: &str| {
            self.0.any_address && is_address(host) && origin.strip_prefix("http://").is_some_and(|name| name.eq_ignore_ascii_case(host))
        };
        let own = |origin: &str| self.0.origins.iter().any(|allowed| allowed.eq_ignore_ascii_case(origin)) || of_this_address(origin);
        let origin_is_foreign = headers.get_all(header::ORIGIN).iter().any(|value| !value.to_str().is_ok_and(own));
        // Browsers that leave Origin out of a request still say where it came from.
        let site = headers.get("sec-fetch-site").and_then(|value| value.to_str().ok());
        let site_is_foreign = site.is_some_and(|site| site != "same-origin" && site != "none") && !headers.contains_key(header::ORIGIN);
        if origin_is_foreign || site_is_foreign {
            let detail = format!(
                "only a page of this server may change something or follow the events; Origin must be one of {}",
                self.0.origins.join(", ")
            );
            return Err(Problem::Foreign { detail });
        }
        Ok(())
    }
}

fn is_address(host: &str) -> bool {
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    host.parse::<SocketAddr>().is_ok() || bare.parse::<IpAddr>().is_ok()
}

/// Refuses foreign names and foreign pages.
pub async fn own_names_only(State(hosts): State<AllowedHosts>, request: Request, next: Next) -> Response {
    let checked = hosts.check_host(&request).and_then(|()| hosts.check_origin(request.method(), request.uri().path(), request.headers()));
    match checked {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}

/// Scripts and styles only from our own files, never inline; nobody frames the page; nobody guesses a type.
const SECURITY_HEADERS: [(&str, &str); 6] = [
    (
        "content-security-policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; font-src 'self'; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
];

/// Adds the security headers, and forbids storing whatever didn't say otherwise.
pub async fn with_security_headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in SECURITY_HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}
