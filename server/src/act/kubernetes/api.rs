//! Requests to the API server, each with its own time limit.
//!
//! kube brings configuration, authentication, TLS, and builds the requests; sending is ours, because a refusal's `Retry-After` header and
//! the right that is missing must reach whoever reads the decision.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Limited};
use kube::Client;
use kube::api::{ListParams, Patch, PatchParams, PostParams, WatchParams};
use kube::client::Body;
use kube::core::params::GetParams;
use kube::core::{ObjectList, Request};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::events::Events;
use super::failure::{self, Failure};
use super::{MANAGER, Options};
use crate::clock::Clock;

/// Longer answers aren't read: a page of pods has a tenth of it.
const ANSWER_MAX: usize = 64 * 1024 * 1024;
/// Pods asked for at once.
const PAGE: u32 = 500;
/// Pages of one list: more pods than any cluster holds.
const PAGES_MAX: usize = 1_000;

/// A request, or why there is none.
type Built = Result<http::Request<Vec<u8>>, kube::core::request::Error>;

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

/// All of a collection at one moment.
pub(super) struct Listed<T> {
    pub items: Vec<T>,
    /// Where a watch goes on from.
    pub version: String,
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
    pub async fn list<T>(&self, thing: Thing<'_>, selector: Option<&str>) -> Result<Listed<T>, Failure>
    where
        T: DeserializeOwned + Clone,
    {
        let mut params = ListParams { label_selector: selector.map(str::to_owned), limit: Some(PAGE), ..ListParams::default() };
        let mut items = Vec::new();
        for _ in 0..PAGES_MAX {
            let page: ObjectList<T> = self.send(thing.collection(&self.namespace).list(&params), self.asked("list", thing)).await?;
            items.extend(page.items);
            params.continue_token = page.metadata.continue_.filter(|token| !token.is_empty());
            if params.continue_token.is_none() {
                return Ok(Listed { items, version: page.metadata.resource_version.unwrap_or_default() });
            }
        }
        Err(Failure::passing(format!("the list of {} has no end", thing.right())))
    }

    /// What changes from `version` on, for `seconds`; with bookmarks, by which the server says that nothing did.
    pub async fn watch(&self, thing: Thing<'_>, selector: &str, version: &str, seconds: u32) -> Result<Events, Failure> {
        let params = WatchParams::default().labels(selector).timeout(seconds);
        let asked = self.asked("watch", thing);
        let answer = self.ask(thing.collection(&self.namespace).watch(&params, version), &asked);
        let answer = tokio::time::timeout(self.timeout, answer).await.unwrap_or_else(|_| Err(self.silence(&asked)))?;
        Ok(Events::new(answer.into_body(), asked, self.clock.clone()))
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

    async fn send<T: DeserializeOwned>(&self, request: Built, asked: Asked) -> Result<T, Failure> {
        let exchange = async { whole(self.ask(request, &asked).await?.into_body(), &asked).await };
        let body = tokio::time::timeout(self.timeout, exchange).await.unwrap_or_else(|_| Err(self.silence(&asked)))?;
        serde_json::from_slice(&body).map_err(|error| failure::garbage(&asked, &error))
    }

    /// An answer that says yes, still without its body.
    async fn ask(&self, request: Built, asked: &Asked) -> Result<http::Response<Body>, Failure> {
        let request = request.map_err(|error| Failure::passing(format!("the request can't be built: {error}")))?;
        let answer = self.client.send(request.map(Into::into)).await.map_err(|error| failure::no_answer(asked, &reason(&error)))?;
        if answer.status().is_success() {
            return Ok(answer);
        }
        let (head, body) = answer.into_parts();
        Err(failure::refused(asked, head.status, &head.headers, &whole(body, asked).await?, self.clock.now_ms()))
    }

    fn silence(&self, asked: &Asked) -> Failure {
        failure::no_answer(asked, &format!("none within {:?}", self.timeout))
    }
}

async fn whole(body: Body, asked: &Asked) -> Result<Bytes, Failure> {
    let body = Limited::new(body, ANSWER_MAX).collect().await.map_err(|error| failure::no_answer(asked, &reason(&*error)))?;
    Ok(body.to_bytes())
}

impl Asked {
    fn of_cluster() -> Self {
        Self { verb: "get", resource: String::new(), group: String::new(), namespace: String::new(), writes: false }
    }
}

/// An error with its causes: hyper's own say no more than "client error".
pub(super) fn reason(error: &dyn std::error::Error) -> String {
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
