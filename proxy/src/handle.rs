//! Starting a proxy, and what its owner can do with it.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use balancer::{Applied, BackendView};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};

use crate::admin::BODY_MAX;
use crate::config::{Limits, ProxyConfig};
use crate::error::StartError;
use crate::health;
use crate::listener::{Listener, Port};
use crate::metrics::Counters;
use crate::shared::{Phase, Shared};
use crate::weights::{Backend, WeightError, WeightUpdate};

/// Connections to the admin port at once: a few control planes and scrapers.
const ADMIN_CONNECTIONS: usize = 64;
/// How long idle clients get, when the proxy leaves, to send one more request and be told to close: closing an idle connection just
/// when its client sends on it would lose that request.
const GOODBYE: Duration = Duration::from_secs(1);

/// A running proxy. Dropping it stops it at once; [`drain`](ProxyHandle::drain) is the polite way.
pub struct ProxyHandle {
    shared: Arc<Shared>,
    data_addr: SocketAddr,
    admin_addr: Option<SocketAddr>,
    phase: watch::Sender<Phase>,
    slots: Arc<Semaphore>,
    /// Closed when the data port has accepted its last connection.
    accepting: watch::Receiver<()>,
    tasks: Vec<JoinHandle<()>>,
}

/// How a [`drain`](ProxyHandle::drain) went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drained {
    /// Connections that were cut off at the deadline; 0 = everybody was served.
    pub cut: usize,
}

/// Starts a proxy on the calling task's runtime.
///
/// # Errors
/// A setting that can't be, or an address that can't be listened on. Nothing runs then.
pub async fn start(config: ProxyConfig) -> Result<ProxyHandle, StartError> {
    let (listen, admin_listen) = (config.listen, config.admin_listen);
    let shared = Arc::new(Shared::try_new(config)?);
    let (phase, watched) = watch::channel(Phase::Open);
    let data = Listener::bind(Port::Data, listen, Arc::clone(&shared), Arc::clone(&shared.limits), watched.clone()).await?;
    let admin = match admin_listen {
        None => None,
        Some(address) => {
            let limits = Limits { connections: ADMIN_CONNECTIONS, body_bytes: BODY_MAX, ..(*shared.limits).clone() };
            Some(Listener::bind(Port::Admin, address, Arc::clone(&shared), Arc::new(limits), watched).await?)
        }
    };
    let data_addr = data.address()?;
    let admin_addr = admin.as_ref().map(Listener::address).transpose()?;
    let slots = data.slots();
    let (done, accepting) = watch::channel(());
    let mut tasks = vec![tokio::spawn(data.run(done)), tokio::spawn(health::run(Arc::clone(&shared)))];
    tasks.extend(admin.map(|admin| tokio::spawn(admin.run(watch::channel(()).0))));
    Ok(ProxyHandle { shared, data_addr, admin_addr, phase, slots, accepting, tasks })
}

impl fmt::Debug for ProxyHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProxyHandle").field("data_addr", &self.data_addr).field("admin_addr", &self.admin_addr).finish_non_exhaustive()
    }
}

impl ProxyHandle {
    /// Where clients connect.
    #[must_use]
    pub fn data_addr(&self) -> SocketAddr {
        self.data_addr
    }

    /// Where the weights API and the metrics are, if anywhere.
    #[must_use]
    pub fn admin_addr(&self) -> Option<SocketAddr> {
        self.admin_addr
    }

    /// What was counted since the start.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.shared.metrics.counters()
    }

    /// The backends as the balancer sees them now.
    #[must_use]
    pub fn pool_view(&self) -> Vec<BackendView> {
        self.shared.view()
    }

    /// The weights in force: their epoch (`None` before the first update) and the list with addresses.
    #[must_use]
    pub fn weights(&self) -> (Option<u64>, Vec<Backend>) {
        self.shared.listed()
    }

    /// Puts new weights in force, as the admin port does.
    ///
    /// # Errors
    /// A stale epoch, or something in the update that can't be; nothing is changed then.
    pub fn apply(&self, update: &WeightUpdate) -> Result<Applied, WeightError> {
        self.shared.apply(update)
    }

    /// Leaves without losing a request: no new connections are accepted, requests in flight are finished, every answer closes its
    /// connection, and idle connections are closed after a moment. What is left at the deadline (wall time from now) is cut off.
    pub async fn drain(&self, deadline: Duration) -> Drained {
        let end = Instant::now() + deadline;
        self.enter(Phase::Draining);
        // Waiting for all slots before would take them from clients that are still in the operating system's queue.
        let _ = timeout_at(end, self.accepting.clone().changed()).await;
        // A connection that is served holds one of the slots.
        let everybody = u32::try_from(self.shared.limits.connections).unwrap_or(u32::MAX);
        let goodbye = Instant::now() + GOODBYE.min(deadline / 4);
        if timeout_at(goodbye, self.slots.acquire_many(everybody)).await.is_err() {
            self.enter(Phase::Closing);
            if timeout_at(end, self.slots.acquire_many(everybody)).await.is_err() {
                let cut = self.shared.limits.connections - self.slots.available_permits();
                self.enter(Phase::Cut);
                return Drained { cut };
            }
        }
        self.enter(Phase::Cut);
        Drained { cut: 0 }
    }

    fn enter(&self, phase: Phase) {
        self.shared.set_phase(phase);
        self.phase.send_if_modified(|current| {
            let later = phase > *current;
            if later {
                *current = phase;
            }
            later
        });
    }
}

impl Drop for ProxyHandle {
    fn drop(&mut self) {
        self.enter(Phase::Cut);
        for task in &self.tasks {
            task.abort();
        }
    }
}
