//! The rights that the code uses are the rights that it asks for: no more, no less.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::*;

/// Verb, API group, resource with its subresource.
type Right = (String, String, String);

/// What every signed-in user has: `system:discovery`, `system:public-info-viewer`, `system:basic-user`.
const OF_EVERYBODY: [(&str, &str); 4] = [
    ("GET", "/version"),
    ("GET", "/apis/apps/v1"),
    ("GET", "/apis/example.com/"),
    ("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"),
];

/// A kind that can be a target, in the place of whichever it was.
const TARGETS: [(&str, &str); 4] =
    [("apps", "deployments"), ("apps", "statefulsets"), ("apps", "replicasets"), ("example.com", "modelservers")];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Manifest {
    kind: String,
    #[serde(default)]
    rules: Vec<Rule>,
    metadata: Metadata,
    role_ref: Option<Reference>,
    subjects: Option<Vec<Reference>>,
}

#[derive(Deserialize)]
struct Metadata {
    name: String,
}

#[derive(Deserialize)]
struct Reference {
    kind: String,
    name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Rule {
    api_groups: Vec<String>,
    resources: Vec<String>,
    verbs: Vec<String>,
}

fn manifests() -> Vec<Manifest> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/kubernetes/rbac.yaml");
    serde_saphyr::from_multiple(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn asked_for() -> BTreeSet<Right> {
    let mut rights = BTreeSet::new();
    for rule in manifests().iter().filter(|manifest| manifest.kind == "Role").flat_map(|role| &role.rules) {
        for group in &rule.api_groups {
            for resource in &rule.resources {
                rights.extend(rule.verbs.iter().map(|verb| (verb.clone(), group.clone(), resource.clone())));
            }
        }
    }
    rights
}

/// The right behind a call; `None` = one that everybody has.
fn right(call: &Call) -> Option<Right> {
    if OF_EVERYBODY.iter().any(|(method, path)| call.method == *method && call.path.starts_with(path))
        && !call.path.contains("/namespaces/")
    {
        return None;
    }
    let parts: Vec<&str> = call.path.trim_start_matches('/').split('/').collect();
    let (group, rest) = match parts[..] {
        ["api", "v1", "namespaces", _, ref rest @ ..] => ("", rest),
        ["apis", group, _, "namespaces", _, ref rest @ ..] => (group, rest),
        _ => panic!("a call outside of any namespace, which the Role can't allow: {call:?}"),
    };
    let (resource, verb) = match (call.method.as_str(), rest) {
        ("GET", [resource]) if call.query.contains(&("watch".into(), "true".into())) => ((*resource).to_owned(), "watch"),
        ("GET", [resource]) => ((*resource).to_owned(), "list"),
        ("GET", [resource, _]) => ((*resource).to_owned(), "get"),
        ("GET", [resource, _, sub]) => (format!("{resource}/{sub}"), "get"),
        ("PATCH", [resource, _]) => ((*resource).to_owned(), "patch"),
        ("PATCH", [resource, _, sub]) => (format!("{resource}/{sub}"), "patch"),
        _ => panic!("an unknown kind of call: {call:?}"),
    };
    Some((verb.to_owned(), group.to_owned(), resource))
}

/// Whichever target it is about.
fn of_any_target((verb, group, resource): Right) -> Right {
    let main = resource.split('/').next().unwrap_or_default();
    match TARGETS.iter().find(|target| **target == (group.as_str(), main)) {
        Some(_) => (verb, "GROUP".to_owned(), resource.replacen(main, "TARGET", 1)),
        None => (verb, group, resource),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_rights_that_are_used_are_the_rights_that_are_asked_for() {
    let mut calls = Vec::new();
    calls.extend(scale::all().await);
    calls.extend(owners::all().await);
    calls.extend(floor::all().await);
    calls.extend(failures::all().await);
    calls.extend(pods::all().await);
    calls.extend(watch::all().await);
    calls.extend(check::all().await);
    let used: BTreeSet<Right> = calls.iter().filter_map(right).map(of_any_target).collect();
    assert!(used.len() >= 8, "{used:?}");
    assert_eq!(used, asked_for().into_iter().map(of_any_target).collect());
}

#[test]
fn every_built_in_target_has_the_same_rights() {
    let of = |kind: &str| {
        let own = asked_for().into_iter().filter(|(_, _, resource)| resource.split('/').next() == Some(kind));
        own.map(of_any_target).collect::<BTreeSet<_>>()
    };
    assert_eq!(of("deployments").len(), 3);
    assert!(["statefulsets", "replicasets"].into_iter().all(|kind| of(kind) == of("deployments")));
}

#[test]
fn the_role_is_bound_to_the_service_account() {
    let all = manifests();
    let named = |kind: &str| all.iter().find(|manifest| manifest.kind == kind).unwrap_or_else(|| panic!("no {kind}"));
    let binding = named("RoleBinding");
    let role = binding.role_ref.as_ref().unwrap();
    assert_eq!((role.kind.as_str(), &role.name), ("Role", &named("Role").metadata.name));
    let subject = &binding.subjects.as_ref().unwrap()[0];
    assert_eq!((subject.kind.as_str(), &subject.name), ("ServiceAccount", &named("ServiceAccount").metadata.name));
    assert!(all.iter().all(|manifest| !manifest.kind.starts_with("Cluster")), "nothing beyond the namespace");
}
