//! `prescale check`: everything that an order would need, tried without changing anything.

use k8s_openapi::api::authorization::v1::{ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec};
use k8s_openapi::api::autoscaling::v1::Scale;
use k8s_openapi::apimachinery::pkg::version::Info;
use planner::ReplicaState;

use super::api::{Api, Listed, Thing};
use super::fleet::{self, PODS};
use super::floor::HPAS;
use super::scale::{self, SCALED_OBJECTS};
use super::startup::{self, StartUp};
use super::target::{self, Resource};
use super::{Found, Kubernetes};
use crate::act::ActError;

/// Something that was tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What was found, or what is wrong and how to mend it.
    pub text: String,
    /// Is it as it should be?
    pub ok: bool,
}

const REVIEWS: &str = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";

fn good(text: impl Into<String>) -> Finding {
    Finding { text: text.into(), ok: true }
}

fn bad(text: impl Into<String>) -> Finding {
    Finding { text: text.into(), ok: false }
}

/// An error only where nobody answers at all; whatever is wrong beyond that is a finding.
pub(super) async fn run(kubernetes: &Kubernetes) -> Result<Vec<Finding>, ActError> {
    let Kubernetes { api, options, .. } = kubernetes;
    let version: Info = api.look("/version", "version").await?;
    let mut findings = vec![good(format!("the Kubernetes API answers: {}", version.git_version))];
    let found =
        target::resources(api, &options.target).await.and_then(|all| target::look_up(&all, &options.target).map_err(ActError::lasting));
    let resource = match found {
        Ok(_) => kubernetes.resource().await?,
        Err(error) => {
            findings.push(bad(error.text));
            return Ok(findings);
        }
    };
    rights(api, resource, &mut findings).await?;
    let scale: Scale = match api.get(resource.scale()).await {
        Ok(scale) => scale,
        Err(failure) => {
            findings.push(bad(failure.error.text));
            return Ok(findings);
        }
    };
    let replicas = scale::replicas(&scale).unwrap_or(0);
    findings.push(good(format!("{resource} is there with a scale subresource: {replicas} replicas are set")));
    findings.push(match trial(kubernetes, resource, replicas).await {
        Ok(text) => good(text),
        Err(error) => bad(error.text),
    });
    findings.push(fleet_of(kubernetes, resource).await);
    Ok(findings)
}

/// Every right that any order or observation needs, each asked of the server.
async fn rights(api: &Api, resource: &Resource, findings: &mut Vec<Finding>) -> Result<(), ActError> {
    let needed: [(&str, Thing<'_>); 8] = [
        ("get", resource.object()),
        ("get", resource.scale()),
        ("patch", resource.scale()),
        ("list", HPAS),
        ("patch", HPAS),
        ("list", SCALED_OBJECTS),
        ("list", PODS),
        ("watch", PODS),
    ];
    let mut missing = Vec::new();
    for (verb, thing) in needed {
        if !allowed(api, verb, thing).await? {
            missing.push(format!("{verb} {} (API group {:?})", thing.right(), thing.group));
        }
    }
    findings.push(match missing.is_empty() {
        true => good(format!("all rights are there in namespace {:?}", api.namespace)),
        false => {
            bad(format!("rights are missing in namespace {:?}, see deploy/kubernetes/rbac.yaml: {}", api.namespace, missing.join(", ")))
        }
    });
    Ok(())
}

async fn allowed(api: &Api, verb: &str, thing: Thing<'_>) -> Result<bool, ActError> {
    let attributes = ResourceAttributes {
        group: Some(thing.group.to_owned()),
        namespace: Some(api.namespace.clone()),
        resource: Some(thing.resource.to_owned()),
        subresource: Some(thing.subresource.to_owned()),
        verb: Some(verb.to_owned()),
        ..ResourceAttributes::default()
    };
    let spec = SelfSubjectAccessReviewSpec { resource_attributes: Some(attributes), ..SelfSubjectAccessReviewSpec::default() };
    let review = SelfSubjectAccessReview { spec, ..SelfSubjectAccessReview::default() };
    let answer = api.question(REVIEWS, &review).await?;
    Ok(answer.status.is_some_and(|status| status.allowed))
}

/// Judges the owner and sends what an order would send, with the value that is there already and `dryRun=All`.
async fn trial(kubernetes: &Kubernetes, resource: &Resource, replicas: i64) -> Result<String, ActError> {
    let dry = kubernetes.api.dry();
    match kubernetes.found().await? {
        Found::Hpa(hpa) => {
            hpa.judge()?;
            hpa.write(&dry, hpa.now()).await?;
            let (name, floor, owners, max) = (hpa.name(), hpa.now(), hpa.owners(), hpa.max());
            if replicas == 0 {
                return Err(ActError::lasting(format!(
                    "HPA {name:?} moves {resource}, but its floor does nothing at 0 replicas: scale it to 1 first"
                )));
            }
            let applied = hpa.applied_by().map_or(String::new(), |who| {
                format!("; {who:?} applies it, see docs/kubernetes.md on how to keep it from setting it back")
            });
            Ok(format!(
                "orders raise minReplicas of HPA {name:?} (now {floor}, its owner's {owners}, at most {max}); a dry run works{applied}"
            ))
        }
        Found::Bare => {
            scale::not_kedas(&dry, resource).await?;
            let judged = scale::judge(&dry, resource, kubernetes.options.take_over).await?;
            scale::write(&dry, resource, &judged, u32::try_from(replicas).unwrap_or(0)).await?;
            let others: Vec<&str> = judged.others.iter().map(|other| other.name.as_str()).collect();
            let from = if others.is_empty() { "nobody else sets it".to_owned() } else { format!("they take it over from {others:?}") };
            Ok(format!("orders patch the scale of {resource}: {from}; a dry run works"))
        }
    }
}

async fn fleet_of(kubernetes: &Kubernetes, resource: &Resource) -> Finding {
    let seen = async {
        let selector = fleet::selector(&kubernetes.api, resource).await?;
        let Listed { items: pods, .. } = kubernetes.api.list(PODS, Some(&selector)).await?;
        let replicas = fleet::Known::default().replicas(&pods, kubernetes.options.port)?;
        Ok::<_, ActError>((pods, replicas))
    };
    let (pods, replicas) = match seen.await {
        Ok(seen) => seen,
        Err(error) => return bad(error.text),
    };
    let ready = replicas.iter().filter(|replica| replica.state == ReplicaState::Ready).count();
    let first: Vec<StartUp> = pods.iter().filter(|pod| !startup::is_not_the_first(pod)).map(startup::measure).collect();
    let chain = startup::medians(&first).to_string();
    let chain = if chain.is_empty() { String::new() } else { format!("; their start-up, in the median: {chain}") };
    good(format!("{} pods, {ready} of them ready{chain}", replicas.len()))
}
