//! Where an upstream is proxied to, and which directives are in force there.

use super::syntax::{Directive, Tree};

/// A location (or server) that proxies to the upstream, with the blocks around it.
#[derive(Debug)]
pub struct Place<'t> {
    /// The directives of each block from the outermost to the location itself.
    chain: Vec<&'t [Directive]>,
    /// The ids of the blocks' own directives.
    pub blocks: Vec<usize>,
    /// The `proxy_pass` or its like.
    pub pass: &'t Directive,
    /// What its module's directives begin with: `proxy_`, `grpc_`, `fastcgi_`, …
    pub prefix: &'t str,
}

impl<'t> Place<'t> {
    /// The first location that proxies to this upstream.
    pub fn find(tree: &'t Tree, upstream: &str) -> Option<Self> {
        Self::all(tree).into_iter().find(|place| target(place.pass) == Some(upstream))
    }

    /// All locations that proxy anywhere, in the order of the file.
    pub fn all(tree: &'t Tree) -> Vec<Self> {
        let mut found = Vec::new();
        walk(&tree.directives, &mut Vec::new(), &mut Vec::new(), &mut found);
        found
    }

    /// The directives of this name that are in force: those of the innermost block that has any, as nginx inherits them.
    pub fn in_force(&self, name: &str) -> Vec<&'t Directive> {
        let named = |block: &'t [Directive]| block.iter().filter(|directive| directive.name == name).collect::<Vec<_>>();
        self.chain.iter().rev().map(|block| named(block)).find(|found| !found.is_empty()).unwrap_or_default()
    }

    /// The one of this name that is in force, of the location's own module (`next_upstream` → `proxy_next_upstream`).
    pub fn of_module(&self, name: &str) -> Option<&'t Directive> {
        self.in_force(&format!("{}{name}", self.prefix)).first().copied()
    }
}

fn walk<'t>(block: &'t [Directive], chain: &mut Vec<&'t [Directive]>, blocks: &mut Vec<usize>, found: &mut Vec<Place<'t>>) {
    chain.push(block);
    for directive in block {
        if let Some(prefix) = directive.name.strip_suffix("pass").filter(|prefix| PREFIXES.contains(prefix)) {
            found.push(Place { chain: chain.clone(), blocks: blocks.clone(), pass: directive, prefix });
        }
        if let (Some(inner), "http" | "server" | "location" | "if" | "limit_except") = (&directive.block, directive.name.as_str()) {
            blocks.push(directive.id);
            walk(inner, chain, blocks, found);
            blocks.pop();
        }
    }
    chain.pop();
}

/// Modules with an upstream.
const PREFIXES: [&str; 5] = ["proxy_", "grpc_", "fastcgi_", "uwsgi_", "scgi_"];

/// The host (with its port) that is proxied to; `None` where a variable says it.
pub fn target(pass: &Directive) -> Option<&str> {
    let address = pass.args.first()?;
    let rest = address.split_once("://").map_or(address.as_str(), |(_, rest)| rest);
    // A socket's path has slashes of its own.
    let host = if rest.starts_with("unix:") { rest } else { rest.split('/').next().unwrap_or(rest) };
    (!host.is_empty() && !host.contains('$')).then_some(host)
}
