//! Fills in what the file only names: environment variables, and files that hold a secret.

use std::path::{Path, PathBuf};

use super::file::Act;
use super::problem::{KeyPath, Problem};
use super::value::{EnvText, Secret};
use super::{Parts, Sources};

/// Resolves everything; relative paths are relative to the folder of the file. Returns what was read.
pub fn resolve(parts: &mut Parts, folder: &Path, problems: &mut Vec<Problem>) -> Sources {
    let mut resolver = Resolver { folder, problems, read: Vec::new() };
    let top = KeyPath::default();
    if let Some(database) = parts.server.as_mut().and_then(|server| server.database.as_mut()) {
        resolver.text(database, top.key("server.database"));
    }
    if let Some(Some(prometheus)) = &mut parts.prometheus {
        let path = top.key("prometheus");
        resolver.text(&mut prometheus.url, path.key("url"));
        prometheus.bearer =
            resolver.secret((&mut prometheus.token, path.key("token")), (&prometheus.bearer_token_file, path.key("bearer_token_file")));
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
            self.problems.push(Problem::value(path, format!("{:?}", text.written()), allowed));
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
        let full = self.folder.join(file);
        let content = std::fs::read(&full);
        self.read.push((full, content.as_ref().ok().cloned()));
        let secret = content
            .map_err(|error| format!("a file that can be read ({error})"))
            .and_then(|bytes| String::from_utf8(bytes).map_err(|_| "a file with text in UTF-8".to_owned()))
            .and_then(|text| Secret::of_file(&text));
        match secret {
            Ok(secret) => Some(secret),
            Err(allowed) => {
                self.problems.push(Problem::value(path, format!("{:?}", file.display()), allowed));
                None
            }
        }
    }
}
