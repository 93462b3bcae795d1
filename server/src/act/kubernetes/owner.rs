//! Who sets a field, read from an object's `managedFields`.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ManagedFieldsEntry, ObjectMeta};

use super::MANAGER;

/// `spec.replicas`, in the notation of `managedFields`.
pub(super) const REPLICAS: [&str; 2] = ["f:spec", "f:replicas"];
/// `spec.minReplicas`.
pub(super) const MIN_REPLICAS: [&str; 2] = ["f:spec", "f:minReplicas"];

/// Somebody who isn't us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Other {
    pub name: String,
    /// By server-side apply: it will set the field again. An update may have been made once and for all.
    pub applies: bool,
}

/// The others who set this field. Of a custom resource the number of replicas may lie elsewhere, so whoever wrote through the `scale`
/// subresource counts too.
pub(super) fn others(metadata: &ObjectMeta, path: [&str; 2]) -> Vec<Other> {
    let sets = |entry: &&ManagedFieldsEntry| {
        let by_path = entry.fields_v1.as_ref().is_some_and(|fields| fields.0.get(path[0]).and_then(|inner| inner.get(path[1])).is_some());
        by_path || (path == REPLICAS && entry.subresource.as_deref() == Some("scale"))
    };
    let entries = metadata.managed_fields.iter().flatten().filter(sets);
    let others = entries.filter(|entry| entry.manager.as_deref() != Some(MANAGER)).map(|entry| Other {
        name: entry.manager.clone().unwrap_or_else(|| "unknown".to_owned()),
        applies: entry.operation.as_deref() == Some("Apply"),
    });
    others.collect()
}

/// May we write `spec.replicas`? If so, whom we take it over from; if not, why.
pub(super) fn judge(metadata: &ObjectMeta, take_over: bool) -> Result<Vec<Other>, String> {
    let others = others(metadata, REPLICAS);
    if let Some(other) = others.iter().find(|other| other.applies) {
        let name = &other.name;
        return Err(format!(
            "{name:?} applies spec.replicas and would set it back: take the field out of what it applies (docs/kubernetes.md), or let an HPA move it"
        ));
    }
    match others.first() {
        Some(other) if !take_over => {
            let name = &other.name;
            Err(format!("{name:?} has set spec.replicas: set take_over = true if it won't set it again, or let an HPA move it"))
        }
        _ => Ok(others),
    }
}
