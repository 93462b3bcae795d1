//! Way 1: the floor of a HorizontalPodAutoscaler.
//!
//! The owner's `minReplicas` is kept in an annotation of the HPA itself, in the patch that raises it, beside the value that we wrote last. So
//! it survives the loss of our data folder, and on release it is clear whether the field is still ours: somebody who changed it meanwhile
//! keeps his value. Our floor never goes below the owner's.

use k8s_openapi::api::autoscaling::v1::Scale;
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler as Hpa;
use serde_json::json;

use super::api::{Api, Thing};
use super::failure::Failure;
use super::owner::{self, MIN_REPLICAS};
use super::scale;
use super::target::Resource;
use crate::act::ActError;

/// The owner's `minReplicas`.
const OWNERS: &str = "prescale/owner-min-replicas";
/// The `minReplicas` that we wrote last.
const OURS: &str = "prescale/min-replicas";

/// What to do instead where KEDA is the owner.
pub(super) const KEDA: &str = "KEDA would set it back. Either let KEDA follow Prescale (a trigger on the gauge prescale_desired_replicas), or pause \
                               the ScaledObject (annotation autoscaling.keda.sh/paused: \"true\")";

pub(super) const HPAS: Thing<'static> =
    Thing { group: "autoscaling", version: "v2", resource: "horizontalpodautoscalers", name: "", subresource: "" };

/// The HPA of the target.
#[derive(Debug)]
pub(super) struct Floor {
    hpa: Hpa,
}

/// The HPA that targets this resource, if there is one.
pub(super) async fn find(api: &Api, resource: &Resource) -> Result<Option<Floor>, ActError> {
    let all: Vec<Hpa> = api.list(HPAS, None).await.map_err(too_old)?.items;
    let targets = |hpa: &Hpa| {
        let target = &hpa.spec.scale_target_ref;
        resource.is(target.api_version.as_deref().unwrap_or_default(), &target.kind, &target.name)
    };
    let mut found: Vec<Floor> = all.into_iter().filter(targets).map(|hpa| Floor { hpa }).collect();
    if found.len() > 1 {
        let names: Vec<&str> = found.iter().map(Floor::name).collect();
        return Err(ActError::lasting(format!("{resource} is moved by several HPAs, {names:?}, which fight each other: keep one")));
    }
    Ok(found.pop())
}

/// Whether an HPA moves the target can't be known where HPAs of this version don't exist.
fn too_old(failure: Failure) -> ActError {
    match failure.status {
        Some(404) => {
            ActError::lasting("the cluster has no API autoscaling/v2, by which its HPAs are read: Kubernetes 1.23 and later have it")
        }
        _ => failure.error,
    }
}

impl Floor {
    pub fn name(&self) -> &str {
        self.hpa.metadata.name.as_deref().unwrap_or_default()
    }

    fn thing(&self) -> Thing<'_> {
        Thing { name: self.name(), ..HPAS }
    }

    /// `minReplicas`, which the API server sets to 1 when nobody does.
    pub fn now(&self) -> i64 {
        i64::from(self.hpa.spec.min_replicas.unwrap_or(1))
    }

    pub fn max(&self) -> i32 {
        self.hpa.spec.max_replicas
    }

    fn annotation(&self, key: &str) -> Option<&str> {
        self.hpa.metadata.annotations.as_ref()?.get(key).map(String::as_str)
    }

    fn number(&self, key: &str) -> Option<i64> {
        self.annotation(key)?.parse().ok()
    }

    /// Is the present value the one that we wrote, and nobody else's too?
    fn is_ours(&self) -> bool {
        self.number(OURS) == Some(self.now()) && owner::others(&self.hpa.metadata, MIN_REPLICAS).is_empty()
    }

    /// The owner's value: the kept one while the field is ours, else what is there.
    pub fn owners(&self) -> i64 {
        self.number(OWNERS).filter(|_| self.is_ours()).unwrap_or_else(|| self.now())
    }

    /// Who would set the floor back at the next apply.
    pub fn applied_by(&self) -> Option<String> {
        owner::others(&self.hpa.metadata, MIN_REPLICAS).into_iter().find(|other| other.applies).map(|other| other.name)
    }

    /// Refuses an HPA that KEDA has made.
    pub fn judge(&self) -> Result<(), ActError> {
        let keda = self.hpa.metadata.owner_references.iter().flatten().find(|owner| owner.kind == "ScaledObject");
        match keda {
            Some(owner) => Err(ActError::lasting(format!("HPA {:?} belongs to ScaledObject {:?}: {KEDA}", self.name(), owner.name))),
            None => Ok(()),
        }
    }

    /// Raises (or lowers) the floor to `target`, at least to the owner's value.
    pub async fn raise(&self, api: &Api, resource: &Resource, target: u32) -> Result<(), ActError> {
        self.judge()?;
        let scale: Scale = api.get(resource.scale()).await?;
        if scale::replicas(&scale) == Some(0) && target > 0 {
            let name = self.name();
            return Err(ActError::lasting(format!(
                "{resource} has 0 replicas, where HPA {name:?} and its floor do nothing: scale it to at least 1 by hand first"
            )));
        }
        let wanted = i64::from(target).max(self.owners());
        if self.number(OURS).is_some_and(|ours| ours != self.now()) {
            let others = owner::others(&self.hpa.metadata, MIN_REPLICAS);
            tracing::warn!(
                hpa = self.name(),
                floor = self.now(),
                ?others,
                "somebody else has changed the floor, and is taken for its owner"
            );
        }
        if wanted == self.now() {
            tracing::debug!(hpa = self.name(), wanted, "the floor is there already");
            return Ok(());
        }
        self.write(api, wanted).await
    }

    /// The patch itself, against the version that was judged.
    pub async fn write(&self, api: &Api, wanted: i64) -> Result<(), ActError> {
        let annotations = json!({ OWNERS: self.owners().to_string(), OURS: wanted.to_string() });
        let version = &self.hpa.metadata.resource_version;
        let patch = json!({ "metadata": { "resourceVersion": version, "annotations": annotations }, "spec": { "minReplicas": wanted } });
        let written: Hpa = api.patch(self.thing(), patch).await.map_err(|failure| {
            let mut error = failure.error;
            if failure.status == Some(422) {
                error.text = format!("a floor of {wanted} for HPA {:?}, whose maxReplicas is {}: {}", self.name(), self.max(), error.text);
            }
            error
        })?;
        match written.spec.min_replicas.map(i64::from) {
            Some(set) if set == wanted => Ok(()),
            set => {
                let (name, set) = (self.name(), set.map_or("nothing".to_owned(), |set| set.to_string()));
                Err(ActError::lasting(format!(
                    "HPA {name:?}: a floor of {wanted} was asked for and {set} set: an admission webhook changes it"
                )))
            }
        }
    }

    /// Gives the owner's value back if the field is still ours, and takes our annotations away in any case.
    pub async fn release(&self, api: &Api) -> Result<(), ActError> {
        if self.annotation(OWNERS).is_none() && self.annotation(OURS).is_none() {
            return Ok(());
        }
        let mut patch = json!({
            "metadata": { "resourceVersion": self.hpa.metadata.resource_version, "annotations": { OWNERS: null, OURS: null } }
        });
        if self.is_ours() {
            patch["spec"] = json!({ "minReplicas": self.owners() });
        } else {
            tracing::warn!(hpa = self.name(), floor = self.now(), "somebody else has changed the floor; it is left as it is");
        }
        let _: Hpa = api.patch(self.thing(), patch).await?;
        Ok(())
    }
}
