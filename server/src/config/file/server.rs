//! What concerns the process as a whole: the API, the data, the metrics' source, the log.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use predictor::boosted::Models;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::value::{EnvText, Secret, Span};
use crate::store;

/// Where the page, the API and the data are. A change takes effect at the next start.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
#[serde(default)]
pub struct Server {
    /// Address of the page, the API and `/metrics`. On any but a loopback address people sign in and programs show a token (`docs/access.md`).
    #[schemars(with = "String", extend("x-kind" = "address"))]
    pub listen: SocketAddr,
    /// Folder of the database, and of the lock that keeps a second process out.
    #[schemars(length(min = 1))]
    pub data_dir: PathBuf,
    /// `postgres://user:${PASSWORD}@host/name` keeps history and journal in PostgreSQL instead of SQLite in the folder.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub database: Option<EnvText>,
    /// Where one must sign in.
    pub sign_in: SignIn,
    /// The address at which browsers reach the page, such as `https://prescale.example.com`, where a reverse proxy with TLS is in front. It is a
    /// name that requests may come under, and it makes sign-in needed also if `listen` is a loopback address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub public_url: Option<String>,
    /// Addresses or networks of reverse proxies whose `X-Forwarded-For` is believed, such as `["127.0.0.1", "10.0.0.0/8"]`.
    pub trusted_proxies: Vec<String>,
    /// Whether `/metrics` is answered without a token where sign-in is needed.
    pub open_metrics: bool,
    /// How long what is kept (`docs/history.md`).
    pub retention: Retention,
    /// Boosted trees that `prescale train` wrote, in the place of those in the binary (`docs/forecasting.md`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trees_file: Option<PathBuf>,
    /// What is in `trees_file`.
    #[serde(skip)]
    pub trees: Option<Arc<Models>>,
}

impl Server {
    /// Whether people must sign in and programs show a token.
    #[must_use]
    pub fn sign_in_needed(&self) -> bool {
        self.sign_in == SignIn::Always || self.public_url.is_some() || !self.listen.ip().is_loopback()
    }
}

/// Where one must sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum SignIn {
    /// Everywhere but on a loopback address without a `public_url`, where whoever reaches it may do everything.
    Auto,
    /// On a loopback address too.
    Always,
}

/// How long history and journal are kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
#[serde(default)]
pub struct Retention {
    /// Days of history at its own step. A forecast looks back 28 days.
    #[schemars(range(min = 28, max = 36500))]
    pub fine_days: u32,
    /// Days of history as hourly means.
    #[schemars(range(min = 28, max = 36500))]
    pub hourly_days: u32,
    /// Days of journal; what the present state stands on stays however old it is.
    #[schemars(range(min = 1, max = 36500))]
    pub journal_days: u32,
}

impl Default for Retention {
    fn default() -> Self {
        let store::Retention { fine_days, hourly_days, journal_days } = store::Retention::default();
        Self { fine_days, hourly_days, journal_days }
    }
}

impl Default for Server {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            data_dir: "./data".into(),
            database: None,
            sign_in: SignIn::Auto,
            public_url: None,
            trusted_proxies: Vec::new(),
            open_metrics: false,
            retention: Retention::default(),
            trees_file: None,
            trees: None,
        }
    }
}

/// The Prometheus (or VictoriaMetrics) that the queries of the services are asked of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Prometheus {
    /// Base address, such as `http://127.0.0.1:9090`, without `/api/v1`.
    pub url: EnvText,
    /// Step of the stored series and of the forecast; a whole number of them makes a day.
    #[serde(default = "minute")]
    pub step: Span,
    /// An answer that takes longer has failed.
    #[serde(default = "ten_seconds")]
    pub timeout: Span,
    /// Bearer token, as the name of an environment variable: `${NAME}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<Secret>,
    /// The file that holds the bearer token. It is read again when it changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bearer_token_file: Option<PathBuf>,
    /// User and password, where the server wants these instead of a token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub basic_auth: Option<BasicAuth>,
    /// The file with the certificates (PEM) of the authorities that the server's own may be from, in place of the system's. It is read again when
    /// it changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,
    /// Also ask link-local and cloud metadata addresses (169.254.0.0/16, fe80::/10 and the like), where a machine's own credentials are.
    #[serde(default)]
    pub allow_link_local: bool,
    /// The token, wherever it comes from.
    #[serde(skip)]
    pub bearer: Option<Secret>,
    /// What is in `ca_file`.
    #[serde(skip)]
    pub ca_pem: Option<Vec<u8>>,
}

/// User and password, where the server wants these instead of a token.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct BasicAuth {
    /// The user.
    #[schemars(length(min = 1))]
    pub username: String,
    /// The password, as the name of an environment variable: `${NAME}`. This or `password_file`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<Secret>,
    /// The file that holds the password. It is read again when it changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_file: Option<PathBuf>,
    /// The password, wherever it comes from.
    #[serde(skip)]
    pub key: Option<Secret>,
}

fn minute() -> Span {
    Span::seconds(60)
}

fn ten_seconds() -> Span {
    Span::seconds(10)
}

/// What is logged, on standard error. Read at the start only.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
#[serde(default)]
pub struct Log {
    /// `text` for people, `json` for machines: one object a line.
    pub format: LogFormat,
    /// `error`, `warn`, `info`, `debug` or `trace`; also by module, such as `info,server=debug`. The variable `PRESCALE_LOG` wins.
    #[schemars(length(min = 1))]
    pub level: String,
}

impl Default for Log {
    fn default() -> Self {
        Self { format: LogFormat::Text, level: "info".into() }
    }
}

/// Format of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum LogFormat {
    /// Lines for people.
    Text,
    /// One JSON object a line.
    Json,
}
