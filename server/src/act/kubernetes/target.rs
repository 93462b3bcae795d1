//! What is moved, as it is written in the configuration and as the API server knows it.

use std::fmt;
use std::str::FromStr;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{APIResource, APIResourceList};

use super::api::{Api, Thing};
use crate::act::ActError;

/// A resource with a `scale` subresource: `deployment/chat-api`, `statefulset/x`, `replicaset/x`, or in full
/// `myapps.example.com/v1/widgets/name`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// API group, `apps` for the built-in ones.
    pub group: String,
    /// Version of the group, `v1` and the like.
    pub version: String,
    /// Plural, singular or kind, as it was written.
    pub kind: String,
    /// The object's name.
    pub name: String,
}

/// A target that can't be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "target = {0:?}: allowed are \"deployment/NAME\", \"statefulset/NAME\", \"replicaset/NAME\", and for a custom resource with a scale \
     subresource \"GROUP/VERSION/PLURAL/NAME\", as in \"example.com/v1/widgets/chat\""
)]
pub struct TargetError(String);

/// Kind, and every way to write it that kubectl knows too; the first is the plural.
const BUILT_IN: [(&str, [&str; 3]); 3] = [
    ("Deployment", ["deployments", "deployment", "deploy"]),
    ("StatefulSet", ["statefulsets", "statefulset", "sts"]),
    ("ReplicaSet", ["replicasets", "replicaset", "rs"]),
];

/// A target with its place in the API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Resource {
    pub group: String,
    pub version: String,
    pub plural: String,
    /// As an HPA's `scaleTargetRef` names it.
    pub kind: String,
    pub name: String,
}

impl FromStr for Target {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Self, TargetError> {
        let wrong = || TargetError(text.to_owned());
        let parts: Vec<&str> = text.split('/').collect();
        let (group, version, kind, name) = match parts[..] {
            [kind, name] if built_in(kind).is_some() => ("apps", "v1", kind, name),
            [group, version, kind, name] => (group, version, kind, name),
            _ => return Err(wrong()),
        };
        let word = |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if !(is_name(group) && word(version) && word(kind) && is_name(name)) {
            return Err(wrong());
        }
        Ok(Self { group: group.into(), version: version.into(), kind: kind.into(), name: name.into() })
    }
}

impl fmt::Display for Target {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.group != "apps" {
            write!(out, "{}/{}/", self.group, self.version)?;
        }
        write!(out, "{}/{}", self.kind, self.name)
    }
}

/// A DNS subdomain, what Kubernetes allows as a name; nothing else may get into a path.
pub(super) fn is_name(text: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.');
    let edge = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    let bytes = text.as_bytes();
    bytes.len() <= 253 && bytes.iter().all(|byte| inner(*byte)) && edge(bytes.first()) && edge(bytes.last())
}

fn built_in(kind: &str) -> Option<(&'static str, &'static str)> {
    let kind = kind.to_ascii_lowercase();
    BUILT_IN.iter().find(|(_, names)| names.contains(&kind.as_str())).map(|(kind, names)| (*kind, names[0]))
}

/// Where the target is in the API. The built-in ones are known; of a custom one the server is asked.
pub(super) async fn find(api: &Api, target: &Target) -> Result<Resource, ActError> {
    let known = built_in(&target.kind).filter(|_| target.group == "apps" && target.version == "v1");
    let (kind, plural) = match known {
        Some((kind, plural)) => (kind.to_owned(), plural.to_owned()),
        None => {
            let found = look_up(&resources(api, target).await?, target).map_err(ActError::lasting)?;
            (found.kind, found.name)
        }
    };
    let Target { group, version, name, .. } = target.clone();
    Ok(Resource { group, version, plural, kind, name })
}

/// What the server has in the target's group and version.
pub(super) async fn resources(api: &Api, target: &Target) -> Result<Vec<APIResource>, ActError> {
    let path = format!("/apis/{}/{}", target.group, target.version);
    let list: APIResourceList = api.look(&path, "discovery").await.map_err(|failure| match failure.status {
        Some(404) => ActError::lasting(format!(
            "target = \"{target}\": the cluster has no API group {:?} in version {:?}; `kubectl api-resources` lists what it has",
            target.group, target.version
        )),
        _ => failure.error,
    })?;
    Ok(list.resources)
}

/// The target among them, which must have a `scale` subresource.
pub(super) fn look_up(resources: &[APIResource], target: &Target) -> Result<APIResource, String> {
    let written = target.kind.to_ascii_lowercase();
    let short = built_in(&target.kind).map(|(_, plural)| plural);
    let is_it = |resource: &&APIResource| {
        let main = !resource.name.contains('/');
        main && (resource.name == written
            || resource.singular_name == written
            || resource.kind.to_ascii_lowercase() == written
            || short == Some(resource.name.as_str()))
    };
    let Target { group, version, kind, .. } = target;
    let found = resources.iter().find(is_it).ok_or_else(|| {
        format!("target = \"{target}\": there is no {kind:?} in {group}/{version}; `kubectl api-resources --api-group={group}` lists what there is")
    })?;
    let scale = format!("{}/scale", found.name);
    if !resources.iter().any(|resource| resource.name == scale) {
        return Err(format!("target = \"{target}\": {} in {group}/{version} have no scale subresource", found.name));
    }
    Ok(found.clone())
}

impl Resource {
    /// The object itself.
    pub fn object(&self) -> Thing<'_> {
        Thing { group: &self.group, version: &self.version, resource: &self.plural, name: &self.name, subresource: "" }
    }

    /// Its `scale` subresource.
    pub fn scale(&self) -> Thing<'_> {
        Thing { subresource: "scale", ..self.object() }
    }

    /// Is this what such a reference points to? The version may differ: it is the same object.
    pub fn is(&self, api_version: &str, kind: &str, name: &str) -> bool {
        let group = api_version.split_once('/').map_or("", |(group, _)| group);
        group == self.group && kind == self.kind && name == self.name
    }
}

impl fmt::Display for Resource {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/{}", self.kind.to_ascii_lowercase(), self.name)
    }
}
