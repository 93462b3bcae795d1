//! The `kubernetes` actuator: moves a Deployment, a StatefulSet, a ReplicaSet, or any custom resource with a `scale` subresource.
//!
//! **Two ways, one writer.** Where a HorizontalPodAutoscaler targets the resource, an order raises the HPA's `minReplicas` (`floor`): the
//! HPA stays the only writer of replicas, and goes higher when its own metrics say so. Where none does, an order patches the `scale`
//! subresource (`scale`), but only after it is clear that nobody else writes the number: afterwards the former owner has vanished from
//! `managedFields`. KEDA's ScaledObjects are left to KEDA.
//!
//! **Read, judge, write, every time.** Each attempt at an order reads what is there, judges who owns it, and writes only what differs. That
//! makes repeated deliveries harmless without a memory of ours:
//! - Orders are absolute. A second attempt that finds the target in place acknowledges without another PATCH, whether the first answer was
//!   lost on the way or together with this process.
//! - Each PATCH carries the `resourceVersion` that was judged. If somebody wrote in between, the server answers 409, and the next attempt
//!   judges anew. This also takes care of a PATCH that was still under way when the process was killed: if the restarted process has
//!   written, the late one is refused; if it has only read, one of the two loses, and both carry the same order or the loser is the older.
//! - Within the process orders are executed one at a time, and one older than the last is ignored.
//!
//! The id of the last order is *not* kept on the object. It would protect against nothing more, and an installation that starts with an
//! empty data folder counts from 1 again: it would be ignored in silence, which is the one thing that must not happen at a peak.
//!
//! **The client's own retries are off.** kube repeats a request that was answered 429, 503 or 504 up to fifteen times by itself. When to come
//! back is the planner's business, which knows by then whether the order is still wanted.
//!
//! **The fleet is watched** (`watch`), and believed only as long as the API server keeps saying that it is so. A list on each beat would be
//! simpler, and as true; it would also cost the API server a page of pods every few seconds for each service, most of them unchanged.

mod api;
mod check;
mod connect;
mod events;
mod failure;
mod fleet;
mod floor;
mod held;
mod owner;
mod scale;
mod startup;
mod target;
mod watch;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use planner::{Order, Replica};
use serde::{Deserialize, Serialize};
use tokio::sync::watch::Receiver;

use super::{ActError, Actuator};
use crate::BoxFuture;
use crate::clock::Clock;
use api::Api;
use fleet::Known;
use floor::Floor;
use target::Resource;
use watch::{Pace, Seen};

pub use check::Finding;
pub use held::Held;
pub use target::{Target, TargetError};

/// The name under which our writes appear in `managedFields`.
const MANAGER: &str = "prescale";

/// How to reach a cluster, and what to move there.
#[derive(Debug, Clone)]
pub struct Options {
    /// A kubeconfig; without one the pod's own service account is used, and outside of a cluster `KUBECONFIG` or `~/.kube/config`.
    pub kubeconfig: Option<PathBuf>,
    /// A context of the kubeconfig; without one its current context.
    pub context: Option<String>,
    /// Where the target lives.
    pub namespace: String,
    /// What is moved.
    pub target: Target,
    /// How.
    pub way: Way,
    /// Also patch `scale` when somebody else has set the number of replicas before (by an update, not by an apply).
    pub take_over: bool,
    /// Send writes with `dryRun=All`: everything but the effect.
    pub dry_run: bool,
    /// A request without an answer for so long has failed.
    pub timeout: Duration,
    /// Where the replicas listen, if a balancer of ours is in front of them; without it they have no address.
    pub port: Option<u16>,
}

/// How an order is carried out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// The HPA's floor if an HPA targets the resource, else its `scale` subresource.
    #[default]
    Auto,
    /// Only by raising the `minReplicas` of the HPA.
    HpaFloor,
    /// Only by the `scale` subresource.
    Scale,
}

/// One resource in one cluster.
pub struct Kubernetes {
    api: Arc<Api>,
    options: Options,
    /// Where the target is in the API; a custom resource is looked up once.
    resource: tokio::sync::OnceCell<Resource>,
    /// The last order; held while one is executed.
    last: tokio::sync::Mutex<Option<u64>>,
    /// The watch of the pods, from the first look on; it ends with this.
    seen: Mutex<Option<Receiver<Seen>>>,
    pace: Pace,
    known: Mutex<Known>,
    /// Was the last order one for an HPA?
    floored: AtomicBool,
}

/// What an order has to deal with.
enum Found {
    /// This HPA moves the target.
    Hpa(Box<Floor>),
    /// Nothing does.
    Bare,
}

impl Kubernetes {
    /// Reads the configuration and prepares the client. Nothing is asked of the cluster yet, so that a start while it is away works.
    ///
    /// # Errors
    /// A kubeconfig, context or namespace that can't be used.
    pub async fn connect(options: Options, clock: Clock) -> Result<Self, ActError> {
        let client = connect::client(&options).await?;
        let api = Arc::new(Api::new(client, &options, clock));
        let (resource, last) = (tokio::sync::OnceCell::new(), tokio::sync::Mutex::default());
        let (seen, pace, known, floored) = (Mutex::default(), Pace::default(), Mutex::default(), AtomicBool::default());
        Ok(Self { api, options, resource, last, seen, pace, known, floored })
    }

    /// Asks the cluster everything that an order would need, without changing anything: for `prescale check`.
    ///
    /// # Errors
    /// The API server can't be reached at all.
    pub async fn test(&self) -> Result<Vec<Finding>, ActError> {
        check::run(self).await
    }

    async fn resource(&self) -> Result<&Resource, ActError> {
        self.resource.get_or_try_init(|| target::find(&self.api, &self.options.target)).await
    }

    /// Who moves the target now, and may we have our say in the configured way?
    async fn found(&self) -> Result<Found, ActError> {
        let resource = self.resource().await?;
        let hpa = floor::find(&self.api, resource).await?;
        let target = &self.options.target;
        match (hpa, self.options.way) {
            (Some(hpa), Way::Auto | Way::HpaFloor) => Ok(Found::Hpa(Box::new(hpa))),
            (Some(hpa), Way::Scale) => {
                let name = hpa.name();
                Err(ActError::lasting(format!(
                    "HPA {name:?} moves {target}, and two writers of its replicas would fight: use way = \"hpa_floor\" (or \"auto\"), or delete the HPA"
                )))
            }
            (None, Way::HpaFloor) => {
                let namespace = &self.options.namespace;
                Err(ActError::lasting(format!("no HPA in namespace {namespace:?} targets {target}: create one, or use way = \"scale\"")))
            }
            (None, Way::Auto | Way::Scale) => Ok(Found::Bare),
        }
    }

    /// What is seen of the pods; the first look begins the watch.
    fn looking(&self, resource: &Resource) -> Receiver<Seen> {
        let mut seen = self.seen.lock();
        seen.get_or_insert_with(|| watch::begin(self.api.clone(), resource.clone(), self.pace)).clone()
    }

    async fn bring_to(&self, target: u32) -> Result<(), ActError> {
        let found = self.found().await?;
        self.floored.store(matches!(found, Found::Hpa(_)), Ordering::Relaxed);
        match found {
            Found::Hpa(hpa) => hpa.raise(&self.api, self.resource().await?, target).await,
            Found::Bare => scale::bring_to(&self.api, self.resource().await?, self.options.take_over, target).await,
        }
    }
}

impl Actuator for Kubernetes {
    fn scale<'a>(&'a self, order: &'a Order) -> BoxFuture<'a, Result<(), ActError>> {
        Box::pin(async move {
            let mut last = self.last.lock().await;
            if last.is_some_and(|last| order.id.0 < last) {
                tracing::info!(order = order.id.0, last = *last, "an order older than the last is ignored");
                return Ok(());
            }
            *last = Some(order.id.0);
            self.bring_to(order.target).await
        })
    }

    fn observe(&self) -> BoxFuture<'_, Result<Vec<Replica>, ActError>> {
        Box::pin(async move {
            let mut looking = self.looking(self.resource().await?);
            let seen = looking.wait_for(Seen::is_answered).await;
            let seen = seen.map_err(|_| ActError::passing("the watch of the pods has ended"))?;
            self.known.lock().replicas(seen.pods(self.pace.fresh)?, self.options.port)
        })
    }

    fn sets_floor(&self) -> bool {
        self.floored.load(Ordering::Relaxed)
    }

    /// Gives an HPA's owner the floor back. Replicas that were set by `scale` stay as they are: there is no earlier wish to return to.
    fn release(&self) -> BoxFuture<'_, Result<(), ActError>> {
        Box::pin(async move {
            let _one = self.last.lock().await;
            match floor::find(&self.api, self.resource().await?).await? {
                Some(hpa) => hpa.release(&self.api).await,
                None => Ok(()),
            }
        })
    }
}

#[cfg(test)]
mod tests;
