//! Fills in what the file only names: environment variables, and files that hold a secret.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use predictor::boosted::Models;

use super::file::Act;
use super::problem::{KeyPath, Problem};
use super::value::{EnvText, Secret};
use super::{Parts, Sources};
use crate::outgoing;

/// Resolves everything; relative paths are relative to the folder of the file. Returns what was read.
pub fn resolve(parts: &mut Parts, folder: &Path, problems: &mut Vec<Problem>) -> Sources {
    let mut resolver = Resolver { folder, problems, read: Vec::new() };
    let top = KeyPath::default();
    if let Some(database) = parts.server.as_mut().and_then(|server| server.database.as_mut()) {
        resolver.text(database, top.key("server.database"));
    }
    if let Some(server) = &mut parts.server
        && let Some(file) = &server.trees_file
    {
        server.trees = resolver.trees(file, top.key("server.trees_file"));
    }
    if let Some(Some(prometheus)) = &mut parts.prometheus {
        let path = top.key("prometheus");
        resolver.text(&mut prometheus.url, path.key("url"));
        prometheus.bearer =
            resolver.secret((&mut prometheus.token, path.key("token")), (&prometheus.bearer_token_file, path.key("bearer_token_file")));
        if let Some(basic) = &mut prometheus.basic_auth {
            let path = path.key("basic_auth");
            basic.key = resolver.secret((&mut basic.password, path.key("password")), (&basic.password_file, path.key("password_file")));
        }
        if let Some(file) = &prometheus.ca_file {
            prometheus.ca_pem = resolver.authorities(file, path.key("ca_file"));
        }
    }
    for (at, service) in parts.services.iter_mut().enumerate() {
        if let Some(Act::Webhook(webhook)) = service.as_mut().and_then(|service| service.act.as_mut()) {
            let path = top.key("services").at(at).key("act");
            resolver.text(&mut webhook.url, path.key("url"));
            if let Some(status_url) = &mut webhook.status_url {
                resolver.text(status_url, path.key("status_url"));
            }
            webhook.key = resolver.secret((&mut webhook.secret, path.key("secret")), (&webhook.secret_file, path.key("secret_file")));
        }
    }
    resolver.read
}

struct Resolver<'a> {
    folder: &'a Path,
    problems: &'a mut Vec<Problem>,
    read: Sources,
}

impl Resolver<'_> {
    fn text(&mut self, text: &mut EnvText, path: KeyPath) {
        if let Err(allowed) = text.resolve() {
            self.problems.push(Problem::value(path, format!("{:?}", text.written()), allowed).not_to_be_used());
        }
    }

    /// From the environment or from a file; both is a contradiction.
    fn secret(&mut self, named: (&mut Option<Secret>, KeyPath), file: (&Option<PathBuf>, KeyPath)) -> Option<Secret> {
        match (named, file) {
            ((Some(_), _), (Some(_), path)) => {
                self.problems.push(Problem::value(path, "a second source", "one source of the secret"));
                None
            }
            ((Some(secret), path), (None, _)) => match secret.resolve() {
                Ok(()) => Some(secret.clone()),
                Err(allowed) => {
                    self.problems.push(Problem::value(path, "***", allowed));
                    None
                }
            },
            ((None, _), (Some(file), path)) => self.of_file(file, path),
            ((None, _), (None, _)) => None,
        }
    }

    fn of_file(&mut self, file: &Path, path: KeyPath) -> Option<Secret> {
        let content = self.content(file);
        let secret = content
            .and_then(|bytes| String::from_utf8(bytes).map_err(|_| "a file with text in UTF-8".to_owned()))
            .and_then(|text| Secret::of_file(&text));
        self.used(secret, file, path)
    }

    /// Certificates of authorities.
    fn authorities(&mut self, file: &Path, path: KeyPath) -> Option<Vec<u8>> {
        let content = self.content(file);
        let pem = content.and_then(|pem| outgoing::authorities(&pem).map(|_| pem));
        self.used(pem, file, path)
    }

    /// Trees of `prescale train`, with the networks in the binary.
    fn trees(&mut self, file: &Path, path: KeyPath) -> Option<Arc<Models>> {
        let read = |bytes: Vec<u8>| Models::from_bytes(&bytes).map_err(|_| "a file that prescale train of this version wrote".to_owned());
        let trees = self.content(file).and_then(read);
        self.used(trees.map(|trees| Arc::new(trees.with_networks(Models::shipped().networks.clone()))), file, path)
    }

    /// What is in a file; it is watched from now on.
    fn content(&mut self, file: &Path) -> Result<Vec<u8>, String> {
        let full = self.folder.join(file);
        let content = std::fs::read(&full);
        self.read.push((full, content.as_ref().ok().cloned()));
        content.map_err(|error| format!("a file that can be read ({error})"))
    }

    fn used<T>(&mut self, found: Result<T, String>, file: &Path, path: KeyPath) -> Option<T> {
        found.map_err(|allowed| self.problems.push(Problem::value(path, format!("{:?}", file.display()), allowed).not_to_be_used())).ok()
    }
}
