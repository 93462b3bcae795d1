//! The workspace as cargo resolves it, and its files.

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Folders that hold nothing of ours.
const NOT_OURS: [&str; 9] =
    ["target", "node_modules", "dist", "data", ".git", ".tools", "test-results", "playwright-report", ".svelte-kit"];

/// The root of the clone.
pub fn root() -> PathBuf {
    // This file is compiled as a test of `server`, whose folder lies in the root.
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("server/ has a parent").to_owned()
}

/// All files below `folder` whose name ends with one of `extensions`, sorted, as paths relative to the root with forward slashes.
pub fn files(folder: &str, extensions: &[&str]) -> Vec<String> {
    let root = root();
    let mut found = Vec::new();
    let mut folders = vec![root.join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
            let path = entry.expect("a readable folder entry").path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if path.is_dir() {
                if !NOT_OURS.contains(&name) && !path.is_symlink() {
                    folders.push(path);
                }
            } else if extensions.iter().any(|extension| name.ends_with(extension)) {
                let relative = path.strip_prefix(&root).expect("below the root").components();
                found.push(relative.map(|part| part.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/"));
            }
        }
    }
    found.sort();
    found
}

/// The text of a file of [`files`].
pub fn read(file: &str) -> String {
    std::fs::read_to_string(root().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// A package of the resolved graph.
pub struct Package {
    pub name: String,
    pub version: String,
    pub licence: Option<String>,
    /// `None` for our own.
    pub source: Option<String>,
    /// `src/lib.rs` and its like, relative to the root; only for our own.
    pub roots: Vec<String>,
    /// Ids of normal dependencies (neither build nor development).
    normal: Vec<String>,
    /// Ids of dependencies of every kind.
    every: Vec<String>,
}

/// Everything that the workspace's build on this platform consists of.
pub struct Graph {
    packages: BTreeMap<String, Package>,
    members: Vec<String>,
}

impl Graph {
    /// Asks cargo. For this platform only: what other platforms need isn't downloaded, and the test must pass without a network.
    pub fn load() -> Graph {
        let output = Command::new(env!("CARGO"))
            .args(["metadata", "--format-version", "1", "--offline", "--locked", "--filter-platform", "host-tuple"])
            .current_dir(root())
            .output()
            .expect("cargo runs");
        assert!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
        let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo metadata writes JSON");
        let nodes: BTreeMap<&str, &Value> = list(&metadata["resolve"]["nodes"]).iter().map(|node| (text(&node["id"]), node)).collect();
        let packages = list(&metadata["packages"]).iter().map(|package| (text(&package["id"]).to_owned(), read_package(package, &nodes)));
        let members = list(&metadata["workspace_members"]).iter().map(|id| text(id).to_owned()).collect();
        Graph { packages: packages.collect(), members }
    }

    /// Every package, ours included.
    pub fn packages(&self) -> impl Iterator<Item = &Package> {
        self.packages.values()
    }

    /// Our own packages.
    pub fn members(&self) -> impl Iterator<Item = &Package> {
        self.members.iter().map(|id| &self.packages[id])
    }

    /// Our own packages that `package` depends on directly, for whatever purpose.
    pub fn neighbours<'a>(&'a self, package: &'a Package) -> BTreeSet<&'a str> {
        package.every.iter().filter(|id| self.members.contains(id)).map(|id| self.packages[id].name.as_str()).collect()
    }

    /// Every package below `package` by normal dependencies, each with the chain of names that leads there.
    pub fn below(&self, package: &Package) -> BTreeMap<&str, String> {
        let mut chains: BTreeMap<&str, String> = BTreeMap::new();
        let mut open = vec![(package, package.name.clone())];
        while let Some((package, chain)) = open.pop() {
            for id in &package.normal {
                let dependency = &self.packages[id];
                let chain = format!("{chain} → {}", dependency.name);
                if !chains.contains_key(dependency.name.as_str()) {
                    chains.insert(&dependency.name, chain.clone());
                    open.push((dependency, chain));
                }
            }
        }
        chains
    }
}

fn read_package(package: &Value, nodes: &BTreeMap<&str, &Value>) -> Package {
    let dependencies = |wanted: fn(&Value) -> bool| {
        let node = nodes.get(text(&package["id"])).expect("every package is a node of the graph");
        let deps = list(&node["deps"]).iter().filter(|dep| list(&dep["dep_kinds"]).iter().any(|kind| wanted(&kind["kind"])));
        deps.map(|dep| text(&dep["pkg"]).to_owned()).collect::<Vec<_>>()
    };
    let source = package["source"].as_str().map(str::to_owned);
    let our_roots = list(&package["targets"]).iter().filter(|_| source.is_none()).filter_map(|target| {
        let path = Path::new(text(&target["src_path"]));
        Some(path.strip_prefix(root()).ok()?.to_string_lossy().replace('\\', "/"))
    });
    Package {
        name: text(&package["name"]).to_owned(),
        version: text(&package["version"]).to_owned(),
        licence: package["license"].as_str().map(str::to_owned),
        roots: our_roots.collect(),
        normal: dependencies(Value::is_null),
        every: dependencies(|_| true),
        source,
    }
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a string in cargo's metadata")
}

fn list(value: &Value) -> &[Value] {
    value.as_array().expect("a list in cargo's metadata")
}
