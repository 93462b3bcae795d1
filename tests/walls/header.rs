//! Every crate says at its top what it is.

use super::workspace::{Graph, read};

#[test]
fn every_crate_opens_with_its_documentation() {
    let graph = Graph::load();
    let mut seen = 0;
    for package in graph.members() {
        for file in package.roots.iter().filter(|file| file.ends_with("src/lib.rs") || file.ends_with("src/main.rs")) {
            assert!(read(file).starts_with("//! "), "{file} must open with `//! ` and what the crate does");
            seen += 1;
        }
    }
    assert!(seen >= 6, "only {seen} crates were found");
}
