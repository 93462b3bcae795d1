//! What can go wrong before the proxy serves. Each message names the key, the value and what is allowed.

use std::fmt;
use std::io;
use std::net::SocketAddr;

use balancer::ConfigError;

/// A setting that can't be: names the key, its value and what is allowed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{key} = {value}: allowed is {allowed}")]
pub struct InvalidConfig {
    /// Where, as a path (`limits.head_bytes`).
    pub key: String,
    /// What was given.
    pub value: String,
    /// What would have been accepted.
    pub allowed: String,
}

impl InvalidConfig {
    pub(crate) fn new(key: impl Into<String>, value: impl fmt::Display, allowed: impl Into<String>) -> Self {
        Self { key: key.into(), value: value.to_string(), allowed: allowed.into() }
    }
}

impl From<ConfigError> for InvalidConfig {
    fn from(error: ConfigError) -> Self {
        Self { key: error.key, value: error.value, allowed: error.allowed }
    }
}

/// Why the proxy didn't start. The operator has to change something; trying again as it is doesn't help.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Another program, or another copy of this one, listens there.
    #[error("address {0} is already in use: stop the other program or choose another address")]
    AddressInUse(SocketAddr),
    /// The operating system refuses to listen there.
    #[error("can't listen on {address}: {source}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why not.
        source: io::Error,
    },
    /// A setting that can't be.
    #[error(transparent)]
    Invalid(#[from] InvalidConfig),
}

impl StartError {
    pub(crate) fn listen(address: SocketAddr, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::AddrInUse => Self::AddressInUse(address),
            _ => Self::Listen { address, source },
        }
    }
}
