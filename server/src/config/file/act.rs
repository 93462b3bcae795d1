//! How replicas are started and stopped.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::act::kubernetes::{Held, Way};
use crate::config::value::{EnvText, Secret, Span};

/// How replicas are started and stopped.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[schemars(deny_unknown_fields)]
pub enum Act {
    /// Through the Kubernetes API: the floor of the HPA where there is one, else the scale subresource.
    Kubernetes(Kubernetes),
    /// A signed request to an address of yours.
    Webhook(Webhook),
    /// Nobody is told: the gauge `prescale_desired_replicas` on `/metrics` has the number, as it has in mode `recommend` without any `act`.
    Gauge,
}

impl Act {
    /// Where its orders may hold something that belongs to somebody else: see [`planner::ServiceConfig::holds_at`].
    #[must_use]
    pub fn holds_at(&self) -> Option<String> {
        let Self::Kubernetes(said) = self else { return None };
        let Kubernetes { kubeconfig, context, namespace, target, dry_run, .. } = said.clone();
        // Replicas that were set by the scale subresource stay as they are: there is no floor.
        (said.way != Way::Scale).then(|| Held { kubeconfig, context, namespace, target, dry_run }.text())
    }
}

/// Through the Kubernetes API.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Kubernetes {
    /// Namespace of the target.
    #[serde(default = "default_namespace")]
    #[schemars(length(min = 1))]
    pub namespace: String,
    /// What is scaled: `deployment/NAME`, `statefulset/NAME`, `replicaset/NAME`, or `GROUP/VERSION/PLURAL/NAME` for a custom resource with a
    /// scale subresource.
    #[schemars(length(min = 1))]
    pub target: String,
    /// `hpa_floor` raises the `minReplicas` of the HPA, `scale` writes the scale subresource, `auto` finds out which.
    #[serde(default)]
    pub way: Way,
    /// Write replicas although somebody else has written them before. An HPA or a GitOps tool that owns the field is never taken over.
    #[serde(default)]
    pub take_over: bool,
    /// Ask the API server to check each write and not to do it.
    #[serde(default)]
    pub dry_run: bool,
    /// The kubeconfig file. Absent: inside of a cluster the service account, else `$KUBECONFIG` or `~/.kube/config`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kubeconfig: Option<PathBuf>,
    /// Which context of the kubeconfig. Absent: its current one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<String>,
    /// Port of the pods, for the embedded proxy: with it, and without `proxy.backends`, the proxy balances over the pods.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 65_535))]
    pub port: Option<u16>,
    /// An answer that takes longer has failed.
    #[serde(default = "ten_seconds")]
    pub timeout: Span,
}

fn default_namespace() -> String {
    "default".into()
}

fn ten_seconds() -> Span {
    Span::seconds(10)
}

/// A signed request to an address of yours. What the fleet looks like is read at `status_url`, or by the service's `replicas` query.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Webhook {
    /// Where orders are sent (POST, JSON).
    pub url: EnvText,
    /// Where the fleet can be read (GET, JSON). Absent: the `replicas` query counts it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status_url: Option<EnvText>,
    /// The key of the signature, as the name of an environment variable: `${NAME}`. This or `secret_file`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<Secret>,
    /// The file that holds the key. It is read again when it changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_file: Option<PathBuf>,
    /// An answer that takes longer counts as unknown, and the order is sent again.
    #[serde(default = "ten_seconds")]
    pub timeout: Span,
    /// Also go to link-local and cloud metadata addresses (169.254.0.0/16, fe80::/10 and the like), where a machine's own credentials are.
    #[serde(default)]
    pub allow_link_local: bool,
    /// The key, wherever it comes from.
    #[serde(skip)]
    pub key: Option<Secret>,
}
