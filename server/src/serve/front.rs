//! The embedded proxy in front of a service: over backends that the file lists, or over the replicas that its actuator sees.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use balancer::{Nanos, PassiveHealth, PoolConfig};
use parking_lot::Mutex;
use proxy::{Backend, ProxyConfig, ProxyHandle, WeightUpdate};

use crate::act::WeightSink;
use crate::act::weights::ProxyWeights;
use crate::clock::Clock;
use crate::config::file::{self, Proxy};
use crate::secret::Secret;

/// Failures in a row that put a backend out for [`EJECTED`].
const FAILURES: u32 = 3;
const EJECTED: Nanos = Nanos::from_secs(30);

/// A running proxy.
pub struct Front {
    pub proxy: Arc<ProxyHandle>,
    /// What the balancer is told by the planner; `None` when the file lists the backends.
    pub sink: Option<Arc<dyn WeightSink>>,
    listed: Mutex<Listed>,
}

/// The backends of the file, numbered: an id belongs to an address for ever.
#[derive(Default)]
struct Listed {
    ids: BTreeMap<SocketAddr, u32>,
    epoch: u64,
}

impl Listed {
    fn number(&mut self, backends: &[file::Backend]) -> Vec<Backend> {
        let mut number = |address: SocketAddr| {
            let next = u32::try_from(self.ids.len() + 1).unwrap_or(u32::MAX);
            *self.ids.entry(address).or_insert(next)
        };
        backends
            .iter()
            .map(|one| Backend { id: number(one.address()), address: one.address(), weight: one.weight(), place: one.place() })
            .collect()
    }
}

impl Front {
    /// Starts it: from here on it takes requests.
    pub async fn start(settings: &Proxy, clock: &Clock) -> Result<Self, String> {
        let mut listed = Listed::default();
        let backends = settings.backends.as_ref().map(|backends| listed.number(backends));
        let domain = clock.clone();
        let mut passive = PassiveHealth::new(0, EJECTED);
        // Counting failures whatever succeeds between them would eject everybody at hundreds of requests per second.
        passive.consecutive_failures = Some(FAILURES);
        let mut config = ProxyConfig {
            pool: settings.traffic.shape(PoolConfig { passive: Some(passive), ..PoolConfig::new(settings.algorithm.0, Vec::new()) }),
            // The file was checked before; what it says of one key it says here again.
            traffic: settings
                .traffic
                .checked()
                .map_err(|(key, value, allowed)| format!("proxy.traffic.{key} = {value}: allowed is {allowed}"))?,
            limits: settings.limits.checked(),
            clock: Arc::new(move || domain.nanos()),
            seed: seed()?,
            ..ProxyConfig::new(settings.listen)
        };
        let token = token()?;
        match backends {
            Some(backends) => config.backends = backends,
            None => {
                config.admin_listen = Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
                config.admin_token.clone_from(&token);
            }
        }
        let proxy = proxy::start(config).await.map_err(|error| format!("the proxy on {} can't start: {error}", settings.listen))?;
        let sink = proxy.admin_addr().map(|admin| Arc::new(ProxyWeights::new(admin, Secret::new(token))) as Arc<dyn WeightSink>);
        Ok(Self { proxy: Arc::new(proxy), sink, listed: Mutex::new(listed) })
    }

    /// Balances over these backends from now on; those that aren't listed any more are drained.
    pub fn list(&self, backends: &[file::Backend]) {
        let mut listed = self.listed.lock();
        let backends = listed.number(backends);
        listed.epoch += 1;
        let update = WeightUpdate { epoch: listed.epoch, backends };
        if let Err(error) = self.proxy.apply(&update) {
            // The file was checked for everything that the proxy checks.
            tracing::error!(%error, "the proxy refused its backends; the old ones stay");
        }
    }

    /// Finishes what it has.
    pub async fn drain(&self, deadline: Duration) {
        let drained = self.proxy.drain(deadline).await;
        if drained.cut > 0 {
            tracing::warn!(cut = drained.cut, "connections of the proxy were cut off at the deadline");
        }
    }
}

/// Whether a running proxy can become this one: only its backends may differ, and whoever names them must stay the same.
pub fn can_become(before: &Proxy, after: &Proxy) -> bool {
    let rest = |proxy: &Proxy| (proxy.listen, proxy.algorithm, proxy.traffic.clone(), proxy.limits.clone(), proxy.backends.is_some());
    rest(before) == rest(after)
}

fn random<const N: usize>() -> Result<[u8; N], String> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| format!("the system gives no random numbers: {error}"))?;
    Ok(bytes)
}

/// Two proxies must not pick in step.
fn seed() -> Result<u64, String> {
    Ok(u64::from_le_bytes(random()?))
}

/// A secret for the weights API that only this process knows.
fn token() -> Result<String, String> {
    Ok(format!("{:032x}", u128::from_le_bytes(random()?)))
}
