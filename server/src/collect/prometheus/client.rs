//! The HTTP side: one GET, its time-out, its size, and what each bad answer means.
//!
//! Plain reqwest and not a client crate for this API: those read a body of any size, follow redirects with the token, and show neither the
//! `Date` (the skew of the clocks) nor the warnings.

use std::error::Error as _;
use std::time::Duration;

use reqwest::header::{ACCEPT, DATE, LOCATION};
use reqwest::{Response, StatusCode, Url};
use serde::de::{DeserializeOwned, IgnoredAny};

use super::answer::{ANSWER_BYTES_MAX, Data, Envelope};
use super::credentials::{Credentials, advice};
use super::{Options, Problem, Skew};
use crate::clock::Clock;
use crate::outgoing::{self, BodyError};

/// How much of a server's own words is shown [characters].
const SAID_MAX: usize = 300;

/// A query and what it is for, which errors are named after.
#[derive(Debug, Clone, Copy)]
pub struct Ask<'a> {
    pub name: &'static str,
    pub query: &'a str,
}

/// An answer with what came beside it.
#[derive(Debug)]
pub struct Answer<T> {
    pub data: T,
    pub warnings: Vec<String>,
    /// `None` without a usable `Date`.
    pub skew: Option<Skew>,
}

/// Talks to one server.
#[derive(Debug)]
pub struct Client {
    http: reqwest::Client,
    base: Url,
    credentials: Option<Credentials>,
    timeout: Duration,
    clock: Clock,
}

impl Client {
    pub fn new(options: &Options, clock: Clock) -> Result<Self, Problem> {
        let base = options.check()?;
        let unusable = |_| Problem::Option { key: "ca_file", value: "(its content)".into(), allowed: "certificates in PEM are allowed" };
        let authorities = options.ca_pem.as_deref().map(outgoing::authorities).transpose().map_err(unusable)?;
        let http = outgoing::client(options.timeout, options.allow_link_local, |builder| match authorities {
            Some(authorities) => builder.tls_certs_only(authorities),
            None => builder,
        });
        let http = http.map_err(|why| Problem::Unreachable { url: base.to_string(), why })?;
        Ok(Self { http, base, credentials: options.credentials.clone(), timeout: options.timeout, clock })
    }

    /// The configured address, as errors show it.
    pub fn url(&self) -> String {
        self.base.as_str().trim_end_matches('/').to_owned()
    }

    /// Evaluates a query at the server's own now, whatever our clock shows.
    pub async fn instant(&self, ask: Ask<'_>) -> Result<Answer<Data>, Problem> {
        let timeout = seconds(self.timeout.as_millis() as i64);
        self.get(ask.name, "api/v1/query", &[("query", ask.query), ("timeout", &timeout)]).await
    }

    /// Evaluates a query at each step from `first_ms` to `last_ms`, both included. `nocache` tells VictoriaMetrics to neither move the range
    /// nor answer from what was incomplete when it was first asked; Prometheus ignores it.
    pub async fn range(&self, ask: Ask<'_>, first_ms: i64, last_ms: i64, step_ms: i64) -> Result<Answer<Data>, Problem> {
        let (start, end, step) = (seconds(first_ms), seconds(last_ms), seconds(step_ms));
        let timeout = seconds(self.timeout.as_millis() as i64);
        let params = [("query", ask.query), ("start", &*start), ("end", &*end), ("step", &*step), ("timeout", &*timeout), ("nocache", "1")];
        self.get(ask.name, "api/v1/query_range", &params).await
    }

    /// Any endpoint of the API.
    pub async fn get<T: DeserializeOwned>(&self, name: &'static str, path: &str, params: &[(&str, &str)]) -> Result<Answer<T>, Problem> {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path.split('/'));
        }
        if !params.is_empty() {
            url.query_pairs_mut().extend_pairs(params);
        }
        let mut request = self.http.get(url).header(ACCEPT, "application/json");
        if let Some(credentials) = &self.credentials {
            request = credentials.sign(request);
        }
        let sent_ms = self.clock.now_ms();
        let response = request.send().await.map_err(|error| self.broken(&error))?;
        let received_ms = self.clock.now_ms();
        let header = |key| response.headers().get(key).and_then(|value| value.to_str().ok());
        let skew = header(DATE).and_then(|date| Skew::measure(date, sent_ms, received_ms));
        let status = response.status();
        if status.is_redirection() {
            let to = self.said(header(LOCATION).unwrap_or_default().as_bytes());
            return Err(Problem::Redirected { url: self.url(), to });
        }
        if matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
            return Err(Problem::Denied { url: self.url(), status: status.as_u16(), advice: advice(self.credentials.as_ref()) });
        }
        let body = self.body(name, response).await?;
        let (data, warnings) = self.open(name, status, &body)?;
        Ok(Answer { data, warnings, skew })
    }

    async fn body(&self, name: &'static str, response: Response) -> Result<Vec<u8>, Problem> {
        outgoing::body(response, ANSWER_BYTES_MAX).await.map_err(|error| match error {
            BodyError::TooLong => Problem::TooLarge { name },
            BodyError::Broken(error) => self.broken(&error),
        })
    }

    /// Takes an answer out of its frame. The status in the frame counts: Prometheus explains a wrong query in a 400 and in a 422.
    fn open<T: DeserializeOwned>(&self, name: &'static str, status: StatusCode, body: &[u8]) -> Result<(T, Vec<String>), Problem> {
        let frame = serde_json::from_slice::<Envelope<IgnoredAny>>(body);
        if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
            let said = frame.map_or_else(|_| self.said(body), |frame| self.said(frame.error.unwrap_or_default().as_bytes()));
            return Err(Problem::Failing { url: self.url(), status: status.as_u16(), said });
        }
        let Ok(frame) = frame else {
            return Err(Problem::NoApi { url: self.url(), got: format!("{} with {}", status.as_u16(), self.said(body)) });
        };
        if frame.status != "success" {
            return Err(Problem::Refused { name, said: self.said(frame.error.unwrap_or_default().as_bytes()) });
        }
        let whole: Envelope<T> = serde_json::from_slice(body).map_err(|error| Problem::Malformed { name, why: error.to_string() })?;
        let data = whole.data.ok_or_else(|| Problem::Malformed { name, why: "it has no data".into() })?;
        Ok((data, whole.warnings.unwrap_or_default()))
    }

    /// The server's own words, fit to be shown: one line, not too long, a page of HTML by its name, and never the credentials.
    fn said(&self, body: &[u8]) -> String {
        let text = String::from_utf8_lossy(body);
        let text = match &self.credentials {
            Some(credentials) => credentials.scrub(&text),
            None => text.into_owned(),
        };
        let line = text.split(|letter: char| letter.is_whitespace() || letter.is_control()).filter(|word| !word.is_empty());
        let line: String = line.collect::<Vec<_>>().join(" ");
        match line.chars().next() {
            None => "nothing".to_owned(),
            Some('<') => "a page of HTML".to_owned(),
            Some(_) => line.chars().take(SAID_MAX).collect(),
        }
    }

    fn broken(&self, error: &reqwest::Error) -> Problem {
        if error.is_timeout() {
            return Problem::TimedOut { url: self.url(), limit: self.timeout };
        }
        if let Some(forbidden) = outgoing::forbidden(error) {
            return Problem::Forbidden { url: self.url(), why: forbidden.to_string() };
        }
        let why = innermost(error);
        // The library has no type for it that gets here.
        if why.contains("certificate") {
            return Problem::Untrusted { url: self.url(), why };
        }
        Problem::Unreachable { url: self.url(), why }
    }
}

/// The cause at the bottom, which is what a person can act on: "Connection refused", "invalid peer certificate".
fn innermost(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    if error.source().is_none() { "the connection broke".to_owned() } else { cause.to_string() }
}

/// Milliseconds as the seconds that the API reads.
fn seconds(ms: i64) -> String {
    format!("{}.{:03}", ms.div_euclid(1_000), ms.rem_euclid(1_000))
}
