//! Who has been heard: every directive is accounted for once, and at the end the rest is listed.

use std::collections::BTreeMap;

use super::place::Place;
use super::syntax::{Directive, Tree};
use super::why;
use crate::import::{ImportError, Note, Status};

/// Notes in the making.
pub struct Ledger<'t> {
    tree: &'t Tree,
    /// By directive, in the order of the tree; a directive with several parts has several.
    notes: BTreeMap<usize, Vec<Note>>,
}

impl<'t> Ledger<'t> {
    pub fn new(tree: &'t Tree) -> Self {
        Self { tree, notes: BTreeMap::new() }
    }

    /// Says what became of a directive, or of a part of it.
    pub fn note(&mut self, directive: &Directive, part: Option<&str>, status: Status, why: impl Into<String>) {
        let what = match part {
            Some(part) if directive.name == "server" => format!("{} {part}", shown("server", directive.args.get(..1).unwrap_or_default())),
            Some(part) => format!("{} {part}", directive.name),
            None => shown(&directive.name, &directive.args),
        };
        let note = Note { file: self.file(directive), line: directive.line, what, status, why: why.into() };
        self.notes.entry(directive.id).or_default().push(note);
    }

    pub fn carried(&mut self, directive: &Directive, to: impl Into<String>) {
        self.note(directive, None, Status::Carried, to);
    }

    pub fn approximated(&mut self, directive: &Directive, why: impl Into<String>) {
        self.note(directive, None, Status::Approximated, why);
    }

    pub fn not_carried(&mut self, directive: &Directive, why: impl Into<String>) {
        self.note(directive, None, Status::NotCarried, why);
    }

    /// An error at a directive.
    pub fn error(&self, directive: &Directive, what: impl Into<String>) -> ImportError {
        let said = shown(&directive.name, &directive.args);
        ImportError { file: self.file(directive), line: Some(directive.line), what: format!("{said}: {}", what.into()) }
    }

    fn file(&self, directive: &Directive) -> String {
        self.tree.files.get(directive.file).cloned().unwrap_or_default()
    }

    /// All notes, in the order of the tree; what nobody asked for is listed with the reason.
    pub fn finish(mut self, place: Option<&Place>, upstream: &str) -> Vec<Note> {
        let ours: Vec<usize> = place.map(|place| place.blocks.clone()).unwrap_or_default();
        let tree = self.tree;
        self.rest(&tree.directives, &ours, why::Around { upstream, elsewhere: None, stream: false });
        self.notes.into_values().flatten().collect()
    }

    fn rest(&mut self, directives: &[Directive], ours: &[usize], around: why::Around) {
        for directive in directives {
            if self.notes.contains_key(&directive.id) {
                continue;
            }
            if let Some((_, why)) = self.tree.unfollowed.iter().find(|(id, _)| *id == directive.id) {
                self.not_carried(directive, format!("not followed: {why}"));
                continue;
            }
            match (&directive.block, directive.name.as_str()) {
                (Some(block), "http" | "events") => self.rest(block, ours, around),
                (Some(block), "stream" | "mail") => self.rest(block, ours, why::Around { stream: true, ..around }),
                // A block that the upstream's own location is in, or one that has nothing to do with it.
                (Some(block), "server" | "location" | "if" | "limit_except") => {
                    let elsewhere = if ours.contains(&directive.id) { around.elsewhere } else { Some(directive.line) };
                    self.rest(block, ours, why::Around { elsewhere, ..around });
                }
                (Some(block), "upstream") => {
                    self.not_carried(directive, why::of(directive, around));
                    self.rest(block, ours, why::Around { elsewhere: Some(directive.line), ..around });
                }
                _ => self.not_carried(directive, why::of(directive, around)),
            }
        }
    }
}

/// A directive as text, not too long.
pub fn shown(name: &str, args: &[String]) -> String {
    const SHOWN: usize = 120;
    let whole = std::iter::once(name).chain(args.iter().map(String::as_str)).collect::<Vec<_>>().join(" ");
    match whole.char_indices().nth(SHOWN) {
        Some((at, _)) => format!("{}…", &whole[..at]),
        None => whole,
    }
}
