//! Who is asking, and may they? Asked before every operation.
//!
//! A program shows a token, a browser the cookie of its session, and on the loopback address nobody needs to show anything, unless the
//! configuration says so. What the page does with its cookie must also carry the session's CSRF token: the cookie is `SameSite=Strict`, and
//! this is the second line behind it.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{ConnectInfo, FromRequestParts, MatchedPath, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::guard::AllowedHosts;
use super::problem::Problem;
use super::roles::{Needs, needs};
use crate::auth::address::{Network, client};
use crate::auth::{Access, Credentials, Principal, Role, Via, same};
use crate::secret::Secret;

/// The cookie's name; behind TLS `__Host-` goes before it, so that no neighbouring site can set it.
pub const COOKIE: &str = "prescale";
/// What the page sends along with every change.
const CSRF: &str = "x-csrf-token";
/// Set by proxies. A request that has one doesn't come from whoever sits at this machine.
const FORWARDED: [&str; 3] = ["x-forwarded-for", "forwarded", "x-real-ip"];
/// Longer is no secret of ours.
const SECRET_BYTES_MAX: usize = 256;
/// How often an answer that goes on for hours is asked again who it is for.
const ASK_AGAIN: Duration = Duration::from_secs(5);

/// What the server's address, and the proxies before it, mean for who may come in.
pub struct Gate {
    /// Accounts, tokens, sessions.
    pub access: Arc<Access>,
    /// The names this server is known by.
    pub hosts: AllowedHosts,
    /// Browsers reach us by TLS.
    pub tls: bool,
    /// `/metrics` is for everybody.
    pub open_metrics: bool,
    /// Whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<Network>,
}

impl Gate {
    /// On the loopback address, with nothing in front.
    pub fn loopback(access: Arc<Access>, port: u16) -> Self {
        Self { access, hosts: AllowedHosts::loopback(port), tls: false, open_metrics: false, trusted_proxies: Vec::new() }
    }

    /// Ready when whoever sent these headers isn't known any more: signed out, revoked or expired, or idle for too long, which reading on
    /// doesn't prevent.
    pub async fn forgets(self: Arc<Self>, headers: HeaderMap) {
        let (shown, local) = (self.shown(&headers), is_local(&headers));
        loop {
            tokio::time::sleep(ASK_AGAIN).await;
            if self.access.forgot(&shown, local).await {
                return;
            }
        }
    }

    fn cookie_name(&self) -> String {
        if self.tls { format!("__Host-{COOKIE}") } else { COOKIE.to_owned() }
    }

    /// The header that gives a browser its session, or (`None`) takes it away.
    pub fn cookie(&self, session: Option<(&Secret, i64)>) -> HeaderValue {
        let (value, seconds) = session.map_or(("", 0), |(session, seconds)| (session.expose(), seconds));
        let secure = if self.tls { "; Secure" } else { "" };
        let text = format!("{}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}", self.cookie_name());
        // Letters, digits and punctuation only; a header that can't be made gives nobody a session.
        let mut cookie = HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static(""));
        cookie.set_sensitive(true);
        cookie
    }

    fn shown(&self, headers: &HeaderMap) -> Credentials {
        let usable = |secret: &str| !secret.is_empty() && secret.len() <= SECRET_BYTES_MAX;
        if let Some(value) = headers.get(header::AUTHORIZATION) {
            let token =
                value.to_str().ok().and_then(|text| text.split_once(' ')).filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
            // Whatever else it is, it isn't nothing: it is answered as a token that doesn't count.
            let token = token.map(|(_, token)| token.trim()).filter(|token| usable(token)).unwrap_or_default();
            return Credentials::Token(Secret::new(token));
        }
        self.session(headers).map_or(Credentials::None, Credentials::Session)
    }

    fn session(&self, headers: &HeaderMap) -> Option<Secret> {
        let name = self.cookie_name();
        let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
        let mut cookies = lines.flat_map(|line| line.split(';')).filter_map(|cookie| cookie.trim().split_once('='));
        let value = cookies.find(|(key, _)| *key == name)?.1;
        (!value.is_empty() && value.len() <= SECRET_BYTES_MAX).then(|| Secret::new(value))
    }

    fn address(&self, request: &Request) -> IpAddr {
        let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |info| info.0.ip());
        let lines = request.headers().get_all("x-forwarded-for").iter().filter_map(|line| line.to_str().ok());
        let forwarded: Vec<&str> = lines.flat_map(|line| line.split(',')).collect();
        client(peer, forwarded.into_iter(), &self.trusted_proxies)
    }
}

/// Who a request is from.
#[derive(Clone)]
pub struct Caller {
    /// `None` = nobody knows.
    pub principal: Option<Principal>,
    /// From where.
    pub address: IpAddr,
    /// The session that the browser showed, whether it counts or not.
    pub session: Option<Secret>,
}

/// Lets through who may.
pub async fn known_callers_only(State(gate): State<Arc<Gate>>, mut request: Request, next: Next) -> Response {
    let path = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let (needs, lenient) = match path.as_deref() {
        // The page's files, the document, and the answer that nothing is there: they hold nothing of anybody's.
        None | Some("/healthz" | "/openapi.json") => return next.run(request).await,
        // Open to whoever decides about restarts; what is wrong is told to those who are known.
        Some("/readyz") => (Needs::Nothing, true),
        Some("/metrics") if gate.open_metrics => (Needs::Nothing, true),
        Some("/metrics") => (Needs::A(Role::Viewer), false),
        Some(path) => (needs(request.method(), path), false),
    };
    let local = is_local(request.headers());
    let shown = gate.shown(request.headers());
    let principal = match gate.access.identify(&shown, local).await {
        Ok(principal) => principal,
        Err(_) if lenient => None,
        Err(error) => return Problem::from(error).into_response(),
    };
    if let Err(problem) = check(needs, principal.as_ref(), &request) {
        return problem.into_response();
    }
    let caller = Caller { principal, address: gate.address(&request), session: gate.session(request.headers()) };
    request.extensions_mut().insert(caller);
    next.run(request).await
}

/// Sent by whoever sits at this machine, as far as the headers say.
fn is_local(headers: &HeaderMap) -> bool {
    !FORWARDED.iter().any(|name| headers.contains_key(*name))
}

fn check(needs: Needs, principal: Option<&Principal>, request: &Request) -> Result<(), Problem> {
    if let Needs::A(needed) = needs {
        let Some(principal) = principal else { return Err(Problem::NotSignedIn) };
        if principal.role < needed {
            return Err(Problem::NotAllowed { role: principal.role, needed });
        }
    }
    // Signing in needs none: there is no session yet, or one that is being left.
    let signs_in = needs == Needs::Nothing && request.method() == axum::http::Method::POST;
    if let Some(Principal { via: Via::Session { csrf, .. }, .. }) = principal
        && !request.method().is_safe()
        && !signs_in
        && !request.headers().get(CSRF).and_then(|value| value.to_str().ok()).is_some_and(|sent| same(csrf, sent))
    {
        return Err(Problem::NoCsrfToken);
    }
    Ok(())
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        // Whoever wasn't asked at the gate isn't known.
        parts.extensions.get::<Caller>().cloned().ok_or(Problem::NotSignedIn)
    }
}

/// The name of whoever orders something, for the journal.
pub struct Who(pub String);

impl<S: Send + Sync> FromRequestParts<S> for Who {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let caller = Caller::from_request_parts(parts, state).await?;
        caller.principal.map(|principal| Who(principal.who)).ok_or(Problem::NotSignedIn)
    }
}
