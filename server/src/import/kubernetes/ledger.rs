//! Who has been heard: every field is accounted for once, and at the end the rest is listed.

use super::yaml::{Node, Value};
use crate::import::{ImportError, Note, Status};

/// Fields that say nothing about scaling, by the beginning of their path; the first that fits.
const REASONS: [(&str, &str); 9] = [
    ("status", "what the cluster has made of it"),
    ("metadata", "says nothing about scaling"),
    ("spec.pollingInterval", "KEDA asks so often whether to leave zero replicas; above that its HPA asks every 15s"),
    ("spec.cooldownPeriod", "it delays the last step, to zero replicas, and the planner keeps at least one"),
    ("spec.initialCooldownPeriod", "it delays the last step, to zero replicas, and the planner keeps at least one"),
    ("spec.idleReplicaCount", "the planner keeps at least one replica"),
    ("spec.fallback", "metrics don't fail in a simulation; live, Prescale holds capacity while a metric is unknown"),
    ("spec.advanced.scalingModifiers", "formulas over several triggers are not evaluated"),
    ("spec.advanced.restoreToOriginalReplicaCount", "nothing is deleted in a simulation"),
];

/// Notes in the making, by path.
pub struct Ledger<'o> {
    file: String,
    object: &'o Node,
    heard: Vec<(String, Note)>,
    others: Vec<Note>,
}

impl<'o> Ledger<'o> {
    pub fn new(file: &str, object: &'o Node) -> Self {
        Self { file: file.to_owned(), object, heard: Vec::new(), others: Vec::new() }
    }

    /// Says what became of a field, and of all below it. A path is like `spec.metrics[0].resource`.
    pub fn note(&mut self, path: &str, status: Status, why: impl Into<String>) {
        let Some(node) = find(self.object, path) else { return };
        let note =
            Note { file: self.file.clone(), line: node.line, what: shorten(&format!("{path}: {}", node.shown())), status, why: why.into() };
        self.heard.push((path.to_owned(), note));
    }

    pub fn carried(&mut self, path: &str, to: impl Into<String>) {
        self.note(path, Status::Carried, to);
    }

    pub fn not_carried(&mut self, path: &str, why: impl Into<String>) {
        self.note(path, Status::NotCarried, why);
    }

    /// Something that isn't in the file.
    pub fn assumed(&mut self, what: &str, why: &str) {
        self.others.push(Note { file: self.file.clone(), line: 0, what: what.into(), status: Status::Assumed, why: why.into() });
    }

    /// Another object of the file.
    pub fn other(&mut self, node: &Node, what: String, why: &str) {
        self.others.push(Note { file: self.file.clone(), line: node.line, what, status: Status::NotCarried, why: why.into() });
    }

    pub fn error(&self, at: &Node, what: impl Into<String>) -> ImportError {
        ImportError { file: self.file.clone(), line: Some(at.line), what: what.into() }
    }

    /// All notes by line; what nobody asked for is listed with the reason.
    pub fn finish(mut self) -> Vec<Note> {
        let mut rest = Vec::new();
        self.rest("", self.object, &mut rest);
        rest.extend(self.heard.drain(..).map(|(_, note)| note));
        rest.append(&mut self.others);
        // Assumptions, which have no line, come last.
        rest.sort_by_key(|note| (note.line == 0, note.line));
        rest
    }

    fn rest(&self, path: &str, node: &Node, found: &mut Vec<Note>) {
        if self.heard.iter().any(|(heard, _)| heard == path) {
            return;
        }
        let reason = REASONS.iter().find(|(start, _)| path.starts_with(start)).map(|(_, reason)| *reason);
        // Below a field that somebody has heard of, or that has no reason of its own, the parts are told one by one.
        let partly = self.heard.iter().any(|(heard, _)| heard.starts_with(path));
        match &node.value {
            Value::Map(map) if partly || reason.is_none() => {
                for (key, inner) in map {
                    self.rest(&if path.is_empty() { key.clone() } else { format!("{path}.{key}") }, inner, found);
                }
            }
            Value::List(list) if partly || reason.is_none() => {
                for (at, inner) in list.iter().enumerate() {
                    self.rest(&format!("{path}[{at}]"), inner, found);
                }
            }
            _ => found.push(Note {
                file: self.file.clone(),
                line: node.line,
                what: shorten(&format!("{path}: {}", node.shown())),
                status: Status::NotCarried,
                why: reason.unwrap_or("neither a scenario nor a configuration has anything like it").to_owned(),
            }),
        }
    }
}

/// The node at a path like `spec.metrics[0].resource`; keys with a dot aren't found.
fn find<'n>(node: &'n Node, path: &str) -> Option<&'n Node> {
    path.split('.').try_fold(node, |node, step| {
        let (key, at) = step.split_once('[').map_or((step, None), |(key, at)| (key, at.trim_end_matches(']').parse::<usize>().ok()));
        let inner = node.get(key)?;
        at.map_or(Some(inner), |at| inner.items().get(at))
    })
}

fn shorten(text: &str) -> String {
    const SHOWN: usize = 160;
    text.char_indices().nth(SHOWN).map_or_else(|| text.to_owned(), |(at, _)| format!("{}…", &text[..at]))
}
