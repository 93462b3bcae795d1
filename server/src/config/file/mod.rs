//! The file as it is written: one struct per table, with what is taken where a key is absent. The docs of the fields are the reference
//! (`docs/configuration.md`) and the JSON Schema (`prescale schema config`); the ranges in their schema are what the file is checked against.

mod act;
mod event;
mod proxy;
mod server;
mod service;
mod traffic;
mod tuning;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use act::{Act, Kubernetes, Webhook};
pub use event::{Event, HolidayList};
pub use proxy::{Backend, BackendTable, Limits, Proxy};
pub use server::{BasicAuth, Log, LogFormat, Prometheus, Retention, Server, SignIn};
pub use service::{Capacity, Mode, Rails, Service, Slo};
pub use traffic::{RuleTable, SplitTable, Traffic};
pub use tuning::{Hpa, Policy, Predictive, Timing};

/// The whole file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields, title = "prescale.toml")]
pub struct File {
    /// Where the page, the API and the data are.
    #[serde(default)]
    pub server: Server,
    /// The Prometheus (or VictoriaMetrics) that the queries of the services are asked of. Needed as soon as a service has a query.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prometheus: Option<Prometheus>,
    /// What is logged, on standard error. Read at the start only.
    #[serde(default)]
    pub log: Log,
    /// The services, one `[[services]]` table each.
    #[schemars(length(min = 1))]
    pub services: Vec<Service>,
}
