//! The `webhook` actuator: somebody else's program scales the fleet, and Prescale tells it to.
//!
//! An order goes out as a signed POST (Standard Webhooks: id, timestamp, signature) with an absolute target. The id is the same on every
//! attempt, so whatever becomes of an answer, asking again is safe as long as the receiver remembers ids: a time-out, a broken connection or
//! a 5xx is an unknown outcome and is tried again. What the fleet looks like comes from the receiver's status URL or from whatever else
//! observes it. Redirects are never followed: a signed order goes where the operator said, or nowhere.

mod answer;
mod sign;
mod status;

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use planner::{Entry, Order, Replica};
use reqwest::{Client, Url, header};
use serde::Serialize;

use super::{ActError, Actuator, Observer};
use crate::BoxFuture;
use crate::outgoing::{self, BodyError, chain};
use crate::secret::Secret;
use crate::store::Store;
use sign::Signer;

/// How long a receiver may take: shorter than a person would notice in a climb, longer than any acknowledgement needs.
const TIMEOUTS: std::ops::RangeInclusive<Duration> = Duration::from_millis(100)..=Duration::from_secs(25);
/// A fleet of ten thousand replicas, listed, fits twice.
const STATUS_MAX: usize = 4 * 1024 * 1024;

/// One receiver.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where orders are sent.
    pub url: String,
    /// Where the fleet can be read; without it something else must observe it.
    pub status_url: Option<String>,
    /// Signs the orders; without it they are not signed.
    pub secret: Option<Secret>,
    /// When an answer is not waited for any more: 100 ms to 25 s.
    pub timeout: Duration,
    /// Also goes to link-local and cloud metadata addresses.
    pub allow_link_local: bool,
}

/// Orders and questions to one receiver.
pub struct Sender {
    client: Client,
    url: Url,
    status_url: Option<Url>,
    signer: Option<Signer>,
    /// What a receiver may repeat and nobody may read: the secret, and the URL's query.
    hidden: Vec<Secret>,
    timeout: Duration,
}

impl Sender {
    /// Checks the options.
    ///
    /// # Errors
    /// A URL, secret or time-out that can't be used; the text names what is allowed and never the secret.
    pub fn new(options: Options) -> Result<Self, ActError> {
        let checked = |key: &str, text: &str| {
            let refused = |why: outgoing::Refused| ActError::lasting(format!("webhook {key}: {why}"));
            outgoing::check(text, options.allow_link_local).map_err(refused)
        };
        let url = checked("url", &options.url)?;
        let status_url = options.status_url.as_deref().map(|text| checked("status_url", text)).transpose()?;
        let signer = options.secret.as_ref().map(Signer::new).transpose().map_err(ActError::lasting)?;
        if !TIMEOUTS.contains(&options.timeout) {
            return Err(ActError::lasting(format!("webhook timeout {:?}; allowed: 100 ms to 25 s", options.timeout)));
        }
        let client = outgoing::client(options.timeout, options.allow_link_local, |builder| builder)
            .map_err(|why| ActError::lasting(format!("no HTTP client for webhooks: {why}")))?;
        let hidden = options.secret.map(sign::bare).into_iter().chain(url.query().map(Secret::new)).collect();
        Ok(Self { client, url, status_url, signer, hidden, timeout: options.timeout })
    }

    /// Sends one message; the second time with the same id it must change nothing at the receiver.
    ///
    /// # Errors
    /// What the receiver answered, or that it didn't.
    pub async fn deliver(&self, id: &str, body: String) -> Result<(), ActError> {
        let now_s = Timestamp::now().as_second();
        let mut request = self
            .client
            .post(self.url.clone())
            .header(header::CONTENT_TYPE, "application/json")
            .header("webhook-id", id)
            .header("webhook-timestamp", now_s.to_string());
        if let Some(signer) = &self.signer {
            request = request.header("webhook-signature", signer.sign(id, now_s, &body));
        }
        let answer = match request.body(body).send().await {
            Ok(response) => answer::read(response, &self.hidden).await,
            Err(error) => Err(self.unanswered(error)),
        };
        answer.map_err(|error| told("webhook", &self.url, error))
    }

    async fn status(&self, url: &Url) -> Result<Vec<Replica>, ActError> {
        let replicas = async {
            let response = self.client.get(url.clone()).send().await.map_err(|error| self.unanswered(error))?;
            if response.status().as_u16() != 200 {
                return Err(ActError::passing(format!("answered {}", response.status().as_u16())));
            }
            let body = outgoing::body(response, STATUS_MAX).await.map_err(|error| match error {
                BodyError::TooLong => ActError::passing(format!("its answer is longer than {STATUS_MAX} bytes")),
                BodyError::Broken(error) => ActError::passing(format!("its answer broke off: {}", chain(error))),
            })?;
            status::parse(&body).map_err(ActError::passing)
        };
        replicas.await.map_err(|error| told("webhook status", url, error))
    }

    /// Nobody knows whether a request without an answer was carried out; the same id again is safe.
    fn unanswered(&self, error: reqwest::Error) -> ActError {
        if let Some(forbidden) = outgoing::forbidden(&error) {
            return ActError::lasting(forbidden.to_string());
        }
        if error.is_timeout() {
            return ActError::passing(format!("no answer within {:?}; it may have acted all the same", self.timeout));
        }
        ActError::passing(format!("no answer: {}", chain(error)))
    }
}

/// The error with its place. The query stays out: some put a token there.
fn told(what: &str, url: &Url, error: ActError) -> ActError {
    ActError { text: format!("{what} {}{}: {}", url.origin().ascii_serialization(), url.path(), error.text), ..error }
}

/// A fleet that is scaled by a receiver.
pub struct Webhook {
    sender: Sender,
    eyes: Option<Arc<dyn Observer>>,
    journal: Option<Arc<Store>>,
}

/// What an order looks like to a receiver.
#[derive(Serialize)]
struct Delivery<'a> {
    r#type: &'static str,
    service: &'a str,
    order: u64,
    decision: u64,
    target: u32,
    from: u32,
    /// Always with milliseconds, so that texts compare like times.
    issued_at: String,
    attempt: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

impl Webhook {
    /// Sends orders as `options` say. The fleet is read from the status URL, or else by `eyes`; the sentence that explains an order is taken
    /// from the `journal`, which has it before the order goes out.
    ///
    /// # Errors
    /// Options that can't be used, and nothing to observe the fleet with.
    pub fn new(options: Options, eyes: Option<Arc<dyn Observer>>, journal: Option<Arc<Store>>) -> Result<Self, ActError> {
        let sender = Sender::new(options)?;
        if sender.status_url.is_none() && eyes.is_none() {
            return Err(ActError::lasting("a webhook needs to see its fleet; allowed: a status_url, or the service's replicas query"));
        }
        Ok(Self { sender, eyes, journal })
    }

    async fn reason(&self, order: &Order) -> Option<String> {
        let decision = i64::try_from(order.decision.0).ok()?;
        let journal = self.journal.as_ref()?;
        // An order goes out without its reason rather than late.
        let rows = journal.journal(&order.service, "decision", decision.checked_add(1), 1).await.ok()?;
        let row = rows.into_iter().find(|row| row.reference == decision)?;
        match serde_json::from_str(&row.entry) {
            Ok(Entry::Decision(decision)) => Some(decision.sentence),
            _ => None,
        }
    }
}

impl Actuator for Webhook {
    fn scale<'a>(&'a self, order: &'a Order) -> BoxFuture<'a, Result<(), ActError>> {
        Box::pin(async move {
            let issued_at = Timestamp::from_millisecond(order.issued_ms)
                .map_err(|error| ActError::lasting(format!("order {}: its time is out of range: {error}", order.id.0)))?;
            let delivery = Delivery {
                r#type: "scale",
                service: &order.service,
                order: order.id.0,
                decision: order.decision.0,
                target: order.target,
                from: order.from,
                issued_at: format!("{issued_at:.3}"),
                attempt: order.attempt,
                reason: self.reason(order).await,
            };
            let body = serde_json::to_string(&delivery).map_err(|error| ActError::lasting(error.to_string()))?;
            self.sender.deliver(&delivery_id(order), body).await
        })
    }

    fn observe(&self) -> BoxFuture<'_, Result<Vec<Replica>, ActError>> {
        Box::pin(async move {
            match (&self.sender.status_url, &self.eyes) {
                (Some(url), _) => self.sender.status(url).await,
                (None, Some(eyes)) => eyes.observe().await,
                (None, None) => Err(ActError::lasting("nothing observes this fleet")),
            }
        })
    }
}

/// The same on every attempt. With the time, since ids begin again at 1 when a data folder is removed, and a receiver would take the new
/// order 1 for the old one.
fn delivery_id(order: &Order) -> String {
    format!("order-{}-{}", order.id.0, order.issued_ms)
}

#[cfg(test)]
mod tests;
