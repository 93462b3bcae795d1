//! The embedded reverse proxy in front of a service.

use std::net::SocketAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::traffic::Traffic;
use crate::config::value::{AlgorithmName, Span};

/// The embedded reverse proxy in front of this service. Backends change while it runs; the other keys take effect at the next start.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Proxy {
    /// Address that the clients talk to.
    #[schemars(with = "String", extend("x-kind" = "address"))]
    pub listen: SocketAddr,
    /// How the next backend is chosen.
    #[serde(default)]
    pub algorithm: AlgorithmName,
    /// The backends, each an address or a table with a weight. Absent with `act.kind = "kubernetes"` and its `port`: the pods are the backends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub backends: Option<Vec<Backend>>,
    /// Limits, stickiness, hashes and rules in front of the backends.
    #[serde(default)]
    pub traffic: Traffic,
    /// How big and how slow things may be.
    #[serde(default)]
    pub limits: Limits,
}

/// A backend: its address, or a table with its weight.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Backend {
    /// An IP address and a port, with the weight 100.
    Address(#[schemars(with = "String", extend("x-kind" = "address"))] SocketAddr),
    /// The same with a weight.
    Table(BackendTable),
}

/// A backend with a weight.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct BackendTable {
    /// An IP address and a port.
    #[schemars(with = "String", extend("x-kind" = "address"))]
    pub address: SocketAddr,
    /// Its share relative to the others; 0 gets nothing.
    #[serde(default = "full")]
    #[schemars(range(min = 0, max = 65_535))]
    pub weight: u32,
    /// Whether it gets requests only while nobody else can take them.
    #[serde(default)]
    pub backup: bool,
    /// Priority or distance, 0 first; traffic spills to the next level as this one fails or fills.
    #[serde(default)]
    #[schemars(range(min = 0, max = 255))]
    pub level: u8,
    /// Which variant of the service it runs, for `traffic.splits` and rules.
    #[serde(default)]
    #[schemars(range(min = 0, max = 255))]
    pub group: u8,
}

fn full() -> u32 {
    planner::weights::FULL
}

impl Backend {
    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        match self {
            Self::Address(address) => *address,
            Self::Table(table) => table.address,
        }
    }

    /// Its level, group and role.
    #[must_use]
    pub fn place(&self) -> balancer::Place {
        match self {
            Self::Address(_) => balancer::Place::default(),
            Self::Table(table) => balancer::Place { group: table.group, backup: table.backup, level: table.level },
        }
    }

    /// Its share.
    #[must_use]
    pub fn weight(&self) -> u32 {
        match self {
            Self::Address(_) => full(),
            Self::Table(table) => table.weight,
        }
    }
}

/// How big and how slow things may be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
#[serde(default)]
pub struct Limits {
    /// Connections at once; more wait in the operating system's queue.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub connections: usize,
    /// Bytes of the request line and the headers together.
    #[schemars(range(min = 1_024, max = 1_048_576))]
    pub head_bytes: usize,
    /// Headers of a request.
    #[schemars(range(min = 1, max = 100))]
    pub headers: usize,
    /// Bytes of a request's body.
    #[schemars(range(min = 0, max = 1_099_511_627_776_i64))]
    pub body_bytes: u64,
    /// Bodies of idempotent requests up to so many bytes are kept, so that the request can be tried again.
    #[schemars(range(min = 0, max = 1_048_576))]
    pub replay_bytes: u64,
    /// From the first byte of a request's head to its last.
    pub head_time: Span,
    /// Without a byte moving, in the middle of a body or of an answer.
    pub stall_time: Span,
    /// A kept-alive connection of a client without a request.
    pub idle_time: Span,
    /// From the request's head to the head of the answer, retries included.
    pub request_time: Span,
    /// To open a connection to a backend.
    pub connect_time: Span,
    /// Idle connections kept per backend.
    #[schemars(range(min = 0, max = 100_000))]
    pub upstream_idle: usize,
    /// How long an idle connection to a backend is kept; below the backends' own limit.
    pub upstream_idle_time: Span,
}

impl Default for Limits {
    fn default() -> Self {
        let of = proxy::Limits::default();
        let span = |duration: std::time::Duration| Span(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX));
        Self {
            connections: of.connections,
            head_bytes: of.head_bytes,
            headers: of.headers,
            body_bytes: of.body_bytes,
            replay_bytes: of.replay_bytes,
            head_time: span(of.head_time),
            stall_time: span(of.stall_time),
            idle_time: span(of.idle_time),
            request_time: span(of.request_time),
            connect_time: span(of.connect_time),
            upstream_idle: of.upstream_idle,
            upstream_idle_time: span(of.upstream_idle_time),
        }
    }
}

impl Limits {
    /// As the proxy takes them.
    #[must_use]
    pub fn checked(&self) -> proxy::Limits {
        proxy::Limits {
            connections: self.connections,
            head_bytes: self.head_bytes,
            headers: self.headers,
            body_bytes: self.body_bytes,
            replay_bytes: self.replay_bytes,
            head_time: self.head_time.duration(),
            stall_time: self.stall_time.duration(),
            idle_time: self.idle_time.duration(),
            request_time: self.request_time.duration(),
            connect_time: self.connect_time.duration(),
            upstream_idle: self.upstream_idle,
            upstream_idle_time: self.upstream_idle_time.duration(),
        }
    }
}
