//! Requests to the API server, each with its own time limit.
//!
//! kube brings configuration, authentication, TLS, and builds the requests; sending is ours, because a refusal's `Retry-After` header and
//! the right that is missing must reach whoever reads the decision.

use std::time::Duration;

use http_body_util::{BodyExt, Limited};
use kube::Client;
use kube::api::{ListParams, Patch, PatchParams, PostParams};
use kube::core::params::GetParams;
use kube::core::{ObjectList, Request};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::failure::{self, Failure};
use super::{MANAGER, Options};
use crate::clock::Clock;

/// Longer answers aren't read: a page of pods has a tenth of it.
const ANSWER_MAX: usize = 64 * 1024 * 1024;
/// Pods asked for at once.
const PAGE: u32 = 500;
/// Pages of one list: more pods than any cluster holds.
const PAGES_MAX: usize = 1_000;

/// The API server, and what every request has in common.
pub(super) struct Api {
    client: Client,
    pub namespace: String,
    timeout: Duration,
    dry_run: bool,
    clock: Clock,
}

/// An object or a collection in the API; empty = that part isn't there.
#[derive(Debug, Clone, Copy)]
pub(super) struct Thing<'a> {
    pub group: &'a str,
    pub version: &'a str,
    pub resource: &'a str,
    pub name: &'a str,
    pub subresource: &'a str,
}

/// What is asked, for the sentence when it fails.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub verb: &'static str,
    /// `deployments/scale`.
    pub resource: String,
    pub group: String,
    pub namespace: String,
    /// Would it have changed something?
    pub writes: bool,
}

impl Thing<'_> {
    /// `deployments/scale`, as a role names it.
    pub fn right(&self) -> String {
        if self.subresource.is_empty() { self.resource.to_owned() } else { format!("{}/{}", self.resource, self.subresource) }
    }

    fn collection(&self, namespace: &str) -> Request {
        let Thing { group, version, resource, .. } = self;
        let root = if group.is_empty() { format!("/api/{version}") } else { format!("/apis/{group}/{version}") };
        Request::new(format!("{root}/namespaces/{namespace}/{resource}"))
    }
}

impl Api {
    pub fn new(client: Client, options: &Options, clock: Clock) -> Self {
        let Options { namespace, timeout, dry_run, .. } = options.clone();
        Self { client, namespace, timeout, dry_run, clock }
    }

    /// Does this API send its writes with `dryRun=All`? Then the same thing as one that does.
    pub fn dry(&self) -> Self {
        Self { client: self.client.clone(), namespace: self.namespace.clone(), dry_run: true, clock: self.clock.clone(), ..*self }
    }

    pub async fn get<T: DeserializeOwned>(&self, thing: Thing<'_>) -> Result<T, Failure> {
        let request = match thing.subresource {
            "" => thing.collection(&self.namespace).get(thing.name, &GetParams::default()),
            subresource => thing.collection(&self.namespace).get_subresource(subresource, thing.name),
        };
        self.send(request, self.asked("get", thing)).await
    }

    /// All of them, page by page. A list that expires on the way (410) fails: the next one is whole.
    pub async fn list<T>(&self, thing: Thing<'_>, selector: Option<&str>) -> Result<Vec<T>, Failure>
    where
        T: DeserializeOwned + Clone,
    {
        let mut params = ListParams { label_selector: selector.map(str::to_owned), limit: Some(PAGE), ..ListParams::default() };
        let mut all = Vec::new();
        for _ in 0..PAGES_MAX {
            let page: ObjectList<T> = self.send(thing.collection(&self.namespace).list(&params), self.asked("list", thing)).await?;
            all.extend(page.items);
            params.continue_token = page.metadata.continue_.filter(|token| !token.is_empty());
            if params.continue_token.is_none() {
                return Ok(all);
            }
        }
        Err(Failure::passing(format!("the list of {} has no end", thing.right())))
    }

    /// A merge patch, as [`MANAGER`].
    pub async fn patch<T: DeserializeOwned>(&self, thing: Thing<'_>, patch: Value) -> Result<T, Failure> {
        let params = PatchParams { dry_run: self.dry_run, field_manager: Some(MANAGER.to_owned()), ..PatchParams::default() };
        let (collection, patch) = (thing.collection(&self.namespace), Patch::Merge(patch));
        let request = match thing.subresource {
            "" => collection.patch(thing.name, &params, &patch),
            subresource => collection.patch_subresource(subresource, thing.name, &params, &patch),
        };
        self.send(request, Asked { writes: true, ..self.asked("patch", thing) }).await
    }

    /// A question that is asked by creating an object which nobody keeps.
    pub async fn question<T: Serialize + DeserializeOwned>(&self, path: &str, question: &T) -> Result<T, Failure> {
        let body = serde_json::to_vec(question).map_err(|error| Failure::passing(error.to_string()))?;
        let request = Request::new(path).create(&PostParams::default(), body);
        self.send(request, Asked { verb: "create", resource: path.to_owned(), ..Asked::of_cluster() }).await
    }

    /// Something outside of any namespace that everybody may read.
    pub async fn look<T: DeserializeOwned>(&self, path: &str, what: &str) -> Result<T, Failure> {
        let request = http::Request::get(path).body(Vec::new()).map_err(kube::core::request::Error::BuildRequest);
        self.send(request, Asked { resource: format!("{path} ({what})"), ..Asked::of_cluster() }).await
    }

    fn asked(&self, verb: &'static str, thing: Thing<'_>) -> Asked {
        Asked { verb, resource: thing.right(), group: thing.group.to_owned(), namespace: self.namespace.clone(), writes: false }
    }

    async fn send<T: DeserializeOwned>(
        &self,
        request: Result<http::Request<Vec<u8>>, kube::core::request::Error>,
        asked: Asked,
    ) -> Result<T, Failure> {
        let request = request.map_err(|error| Failure::passing(format!("the request can't be built: {error}")))?;
        let exchange = async {
            let answer = self.client.send(request.map(Into::into)).await.map_err(|error| failure::no_answer(&asked, &reason(&error)))?;
            let (head, body) = answer.into_parts();
            let body = Limited::new(body, ANSWER_MAX).collect().await.map_err(|error| failure::no_answer(&asked, &reason(&*error)))?;
            Ok((head, body.to_bytes()))
        };
        let within = tokio::time::timeout(self.timeout, exchange).await;
        let (head, body) = within.unwrap_or_else(|_| Err(failure::no_answer(&asked, &format!("none within {:?}", self.timeout))))?;
        if !head.status.is_success() {
            return Err(failure::refused(&asked, head.status, &head.headers, &body, self.clock.now_ms()));
        }
        serde_json::from_slice(&body).map_err(|error| failure::garbage(&asked, &error))
    }
}

impl Asked {
    fn of_cluster() -> Self {
        Self { verb: "get", resource: String::new(), group: String::new(), namespace: String::new(), writes: false }
    }
}

/// An error with its causes: hyper's own say no more than "client error".
fn reason(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(deeper) = cause {
        let more = deeper.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = deeper.source();
    }
    text
}
