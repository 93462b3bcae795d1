//! Pushes weights to the embedded proxy's weights API, over HTTP as any other control plane would.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use planner::WeightPlan;
use serde::Deserialize;
use serde_json::json;

use super::{ActError, WeightSink, WeightsAnswer};
use crate::BoxFuture;
use crate::secret::Secret;

/// A snapshot is a few kilobytes on loopback: a proxy that takes longer than this is stuck.
const PUSH_TIMEOUT: Duration = Duration::from_secs(3);
/// An answer is one line; whatever is longer isn't the weights API.
const ANSWER_MAX: usize = 64 * 1024;

/// A client of one proxy's weights API.
#[derive(Debug, Clone)]
pub struct ProxyWeights {
    client: Client<HttpConnector, Full<Bytes>>,
    url: String,
    token: Secret,
}

#[derive(Debug, Deserialize)]
struct Stale {
    current_epoch: u64,
}

impl ProxyWeights {
    /// Talks to the admin listener at `admin` with this bearer token.
    #[must_use]
    pub fn new(admin: SocketAddr, token: Secret) -> Self {
        let client = Client::builder(TokioExecutor::new()).build(HttpConnector::new());
        Self { client, url: format!("http://{admin}/v1/weights"), token }
    }

    async fn put(&self, plan: &WeightPlan) -> Result<WeightsAnswer, ActError> {
        let backends: Vec<_> =
            plan.backends.iter().map(|backend| json!({"id": backend.id, "address": backend.address, "weight": backend.weight})).collect();
        let body = json!({"epoch": plan.epoch, "backends": backends}).to_string();
        let request = http::Request::put(&self.url)
            .header("authorization", format!("Bearer {}", self.token.expose()))
            .header("content-type", "application/json")
            .body(Full::from(body))
            .map_err(|error| ActError::lasting(format!("weights API {}: {error}", self.url)))?;
        let answer = self.client.request(request).await.map_err(|error| ActError::passing(format!("weights API: {error}")))?;
        let status = answer.status();
        let body = http_body_util::Limited::new(answer.into_body(), ANSWER_MAX)
            .collect()
            .await
            .map_err(|error| ActError::passing(format!("weights API: {error}")))?
            .to_bytes();
        match status.as_u16() {
            200 => Ok(WeightsAnswer::Applied),
            409 => serde_json::from_slice::<Stale>(&body)
                .map(|stale| WeightsAnswer::Refused { current_epoch: stale.current_epoch })
                .map_err(|error| ActError::passing(format!("weights API: 409 without its epoch: {error}"))),
            code => {
                let said = self.token.scrub(&String::from_utf8_lossy(&body));
                let text = format!("weights API answered {code}: {said}");
                Err(if code >= 500 { ActError::passing(text) } else { ActError::lasting(text) })
            }
        }
    }
}

impl WeightSink for ProxyWeights {
    fn push<'a>(&'a self, plan: &'a WeightPlan) -> BoxFuture<'a, Result<WeightsAnswer, ActError>> {
        Box::pin(async move {
            tokio::time::timeout(PUSH_TIMEOUT, self.put(plan))
                .await
                .unwrap_or_else(|_| Err(ActError::passing(format!("weights API didn't answer within {PUSH_TIMEOUT:?}"))))
        })
    }
}
