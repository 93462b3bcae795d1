//! Where an order may hold somebody's floor, in words that outlive the configuration: a service that is taken out of it, perhaps while
//! Prescale doesn't run, is still released.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Kubernetes, Options, TargetError, Way};
use crate::act::ActError;
use crate::clock::Clock;

/// The cluster and the target, as they were configured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// See [`Options::kubeconfig`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kubeconfig: Option<PathBuf>,
    /// See [`Options::context`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<String>,
    /// See [`Options::namespace`].
    pub namespace: String,
    /// See [`Options::target`].
    pub target: String,
    /// What was never written can't be held, and must not be given up.
    pub dry_run: bool,
}

impl Held {
    /// As text, the same for the same place.
    #[must_use]
    pub fn text(&self) -> String {
        // Plain data always serialises, but for a path that isn't UTF-8; a configuration file can't have one.
        serde_json::to_string(self).unwrap_or_default()
    }
}

impl Kubernetes {
    /// An actuator for a place where something is held, by [`Held::text`].
    ///
    /// # Errors
    /// A text of another kind, or a kubeconfig, context or namespace that can't be used any more.
    pub async fn at(text: &str, clock: Clock) -> Result<Self, ActError> {
        let held: Held = serde_json::from_str(text)
            .map_err(|error| ActError::lasting(format!("{text} is no place in a Kubernetes cluster: {error}")))?;
        let Held { kubeconfig, context, namespace, target, dry_run } = held;
        let target = target.parse().map_err(|error: TargetError| ActError::lasting(error.to_string()))?;
        let (way, timeout) = (Way::HpaFloor, Duration::from_secs(10));
        Self::connect(Options { kubeconfig, context, namespace, target, way, take_over: false, dry_run, timeout, port: None }, clock).await
    }
}
