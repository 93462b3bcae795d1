//! Way 4: the `scale` subresource, where no HPA is.

use k8s_openapi::api::autoscaling::v1::Scale;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::Deserialize;
use serde_json::json;

use super::api::{Api, Thing};
use super::owner::{self, Other};
use super::target::Resource;
use crate::act::ActError;

/// What matters of any object.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Object {
    pub metadata: ObjectMeta,
}

/// What matters of a ScaledObject. <https://keda.sh/docs/latest/reference/scaledobject-spec/>
#[derive(Debug, Clone, Deserialize)]
pub(super) struct ScaledObject {
    metadata: ObjectMeta,
    spec: ScaledObjectSpec,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ScaledObjectSpec {
    scale_target_ref: ScaleTargetRef,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ScaleTargetRef {
    #[serde(default)]
    api_version: String,
    #[serde(default)]
    kind: String,
    name: String,
}

pub(super) const SCALED_OBJECTS: Thing<'static> =
    Thing { group: "keda.sh", version: "v1alpha1", resource: "scaledobjects", name: "", subresource: "" };

/// An object whose number of replicas we may write.
pub(super) struct Judged {
    /// The version that was judged.
    version: Option<String>,
    /// Who has written it before.
    pub others: Vec<Other>,
}

/// Refuses what KEDA moves.
pub(super) async fn not_kedas(api: &Api, resource: &Resource) -> Result<(), ActError> {
    match scaled_by(api, resource).await? {
        Some(name) => Err(ActError::lasting(format!("{resource} belongs to ScaledObject {name:?}: {}", super::floor::KEDA))),
        None => Ok(()),
    }
}

/// Refuses while anybody else writes the number of replicas. To be called right before the write: a rollout changes the object's version
/// with every pod, and each change after this read costs an attempt.
pub(super) async fn judge(api: &Api, resource: &Resource, take_over: bool) -> Result<Judged, ActError> {
    let object: Object = api.get(resource.object()).await?;
    let others = owner::judge(&object.metadata, take_over).map_err(|why| ActError::lasting(format!("{resource}: {why}")))?;
    Ok(Judged { version: object.metadata.resource_version, others })
}

/// A paused ScaledObject writes nothing, unless it is paused *at* a number.
/// <https://keda.sh/docs/latest/concepts/scaling-deployments/#pause-autoscaling>
fn is_paused(object: &ScaledObject) -> bool {
    let annotation = |key: &str| object.metadata.annotations.as_ref().and_then(|all| all.get(key)).map(String::as_str);
    annotation("autoscaling.keda.sh/paused") == Some("true") && annotation("autoscaling.keda.sh/paused-replicas").is_none()
}

/// The ScaledObject that moves it. Its HPA doesn't always exist.
async fn scaled_by(api: &Api, resource: &Resource) -> Result<Option<String>, ActError> {
    let all: Vec<ScaledObject> = match api.list(SCALED_OBJECTS, None).await {
        Ok(all) => all.items,
        // No KEDA in this cluster.
        Err(failure) if failure.status == Some(404) => return Ok(None),
        Err(failure) => return Err(failure.error),
    };
    let targets = |object: &ScaledObject| {
        let ScaleTargetRef { api_version, kind, name } = &object.spec.scale_target_ref;
        // KEDA's defaults.
        let api_version = if api_version.is_empty() { "apps/v1" } else { api_version };
        let kind = if kind.is_empty() { "Deployment" } else { kind };
        resource.is(api_version, kind, name) && !is_paused(object)
    };
    Ok(all.into_iter().find(targets).map(|object| object.metadata.name.unwrap_or_default()))
}

/// Brings the resource to `target` replicas, if it isn't there already and nobody else moves it.
pub(super) async fn bring_to(api: &Api, resource: &Resource, take_over: bool, target: u32) -> Result<(), ActError> {
    not_kedas(api, resource).await?;
    let now = replicas(&api.get(resource.scale()).await?);
    let judged = judge(api, resource, take_over).await?;
    if now == Some(i64::from(target)) {
        tracing::debug!(%resource, target, "the scale has the target already");
        return Ok(());
    }
    for Other { name, .. } in &judged.others {
        tracing::warn!(%resource, from = name, "takes over the number of replicas");
    }
    write(api, resource, &judged, target).await
}

/// The patch itself, against the version that was judged.
pub(super) async fn write(api: &Api, resource: &Resource, judged: &Judged, target: u32) -> Result<(), ActError> {
    let patch = json!({ "metadata": { "resourceVersion": judged.version }, "spec": { "replicas": target } });
    let written: Scale = api.patch(resource.scale(), patch).await?;
    match replicas(&written) {
        Some(set) if set == i64::from(target) => Ok(()),
        set => {
            let set = set.map_or("nothing".to_owned(), |set| set.to_string());
            Err(ActError::lasting(format!("{resource}: {target} replicas were asked for and {set} set: an admission webhook changes them")))
        }
    }
}

/// `spec.replicas`; absent means 0 in this API.
pub(super) fn replicas(scale: &Scale) -> Option<i64> {
    scale.spec.as_ref().map(|spec| i64::from(spec.replicas.unwrap_or(0)))
}
