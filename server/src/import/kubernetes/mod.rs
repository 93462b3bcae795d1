//! HorizontalPodAutoscaler (autoscaling/v1, v2) and KEDA's ScaledObject (keda.sh/v1alpha1).
//!
//! The rule that a scenario then runs is the planner's own implementation of the HPA (`policy = "hpa"`): KEDA leaves everything above the
//! first replica to an HPA that it makes.

mod behaviour;
mod goal;
mod hpa;
mod ledger;
mod scaledobject;
mod write;
mod yaml;

use super::{Assumed, Draft, ImportError};
use goal::Goal;
use ledger::Ledger;
use yaml::Node;

/// Which kind of object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// HorizontalPodAutoscaler.
    Hpa,
    /// ScaledObject.
    ScaledObject,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Hpa => "HorizontalPodAutoscaler",
            Self::ScaledObject => "ScaledObject",
        }
    }

    fn versions(self) -> &'static [&'static str] {
        match self {
            Self::Hpa => &["autoscaling/v2", "autoscaling/v1", "autoscaling/v2beta2"],
            Self::ScaledObject => &["keda.sh/v1alpha1"],
        }
    }
}

/// What both kinds say, in our words.
struct Scaler {
    name: String,
    namespace: Option<String>,
    /// Kind and name of what is scaled.
    target: Option<(String, String)>,
    min: u32,
    max: u32,
    goal: Goal,
    behaviour: behaviour::Both,
    /// Address and query of a Prometheus trigger.
    prometheus: Option<(String, String)>,
}

/// Imports the object of this kind that is called `wanted`, or the first.
///
/// # Errors
/// [`ImportError`] with file and line: text that isn't YAML, no object of this kind, none of that name (with those that there are), a
/// version that isn't known, a field whose value can't be.
pub fn import(kind: Kind, file: &str, text: &str, wanted: Option<&str>, assumed: Assumed) -> Result<Draft, ImportError> {
    let documents = yaml::documents(file, text)?;
    let objects: Vec<&Node> = documents.iter().flat_map(members).collect();
    let is_ours = |object: &&Node| object.get("kind").and_then(Node::text).as_deref() == Some(kind.name());
    let ours: Vec<&Node> = objects.iter().copied().filter(is_ours).collect();
    let name_of = |object: &Node| object.at(&["metadata", "name"]).and_then(Node::text).unwrap_or_default();
    let error = |what: String| ImportError { file: file.to_owned(), line: None, what };
    let chosen = match wanted {
        Some(name) => ours.iter().copied().find(|object| name_of(object) == name),
        None => ours.first().copied(),
    };
    let Some(chosen) = chosen else {
        let names: Vec<String> = ours.iter().map(|object| name_of(object)).collect();
        return Err(error(match wanted {
            Some(name) if !names.is_empty() => format!("--name {name}: there is none of this name; allowed: {}", names.join(", ")),
            _ => format!("there is no {} among its {} objects", kind.name(), objects.len()),
        }));
    };
    let mut ledger = Ledger::new(file, chosen);
    version(kind, chosen, &mut ledger)?;
    let scaler = match kind {
        Kind::Hpa => hpa::read(chosen, assumed, &mut ledger)?,
        Kind::ScaledObject => scaledobject::read(chosen, assumed, &mut ledger)?,
    };
    let scenario = write::scenario(&scaler, assumed);
    let config = write::config(&scaler, &mut ledger);
    for other in objects.iter().filter(|object| !std::ptr::eq(**object, chosen)) {
        let what = format!("{} {}", other.get("kind").and_then(Node::text).unwrap_or_default(), name_of(other));
        let why = if is_ours(other) { "another object: import it with --name" } else { "another kind of object" };
        ledger.other(other, what, why);
    }
    let mut notes = ledger.finish();
    notes.extend(assumed.notes(file));
    notes.extend(write::notes(file));
    Ok(Draft { scenario, config, notes })
}

/// The objects of a document: one, or those of a `List`.
fn members(document: &Node) -> Vec<&Node> {
    match document.get("items") {
        Some(items) if document.get("kind").and_then(Node::text).is_some_and(|kind| kind.ends_with("List")) => {
            items.items().iter().collect()
        }
        _ => vec![document],
    }
}

fn version(kind: Kind, object: &Node, ledger: &mut Ledger) -> Result<(), ImportError> {
    let said = object.get("apiVersion");
    let version = said.and_then(Node::text).unwrap_or_default();
    if !kind.versions().contains(&version.as_str()) {
        let at = said.unwrap_or(object);
        return Err(ledger.error(at, format!("apiVersion {version}: allowed: {}", kind.versions().join(", "))));
    }
    ledger.carried("apiVersion", "the rule's version");
    ledger.carried("kind", "the rule");
    Ok(())
}

/// A field that is a whole number; `most` as the Kubernetes API has it.
fn whole(object: &Node, path: &[&str], least: u32, most: u32, ledger: &Ledger) -> Result<Option<u32>, ImportError> {
    let Some(node) = object.at(path) else { return Ok(None) };
    let number = node.number().filter(|number| number.fract() == 0.0 && (f64::from(least)..=f64::from(most)).contains(number));
    let wrong = || ledger.error(node, format!("{} {}: a whole number from {least} to {most} is allowed", path.join("."), node.shown()));
    number.map(|number| Some(number as u32)).ok_or_else(wrong)
}

/// The largest number of replicas that Kubernetes can hold.
const REPLICAS_MAX: u32 = i32::MAX as u32;
