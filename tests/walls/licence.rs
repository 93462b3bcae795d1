//! What we may ship: every package has a licence that we accept, and comes from crates.io. `deny.toml` says the same to cargo-deny, which
//! also looks at other platforms; this test needs nothing but cargo and runs everywhere.

use super::workspace::{Graph, read};

/// Licences that ask for no more than to be named. As in `deny.toml`.
const ALLOWED: [&str; 12] = [
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// Whether an SPDX expression can be met with what is [`ALLOWED`]: of `OR` one side, of `AND` both.
fn acceptable(expression: &str) -> bool {
    // Some old packages write "MIT/Apache-2.0" for OR.
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut rest = words.as_slice();
    either(&mut rest) && rest.is_empty()
}

fn either(words: &mut &[&str]) -> bool {
    let mut met = both(words);
    while take(words, "OR") {
        met |= both(words);
    }
    met
}

fn both(words: &mut &[&str]) -> bool {
    let mut met = single(words);
    while take(words, "AND") {
        met &= single(words);
    }
    met
}

fn single(words: &mut &[&str]) -> bool {
    if take(words, "(") {
        let met = either(words);
        return take(words, ")") && met;
    }
    let Some((licence, rest)) = words.split_first() else { return false };
    *words = rest;
    let mut name = (*licence).to_owned();
    if take(words, "WITH")
        && let Some((exception, rest)) = words.split_first()
    {
        *words = rest;
        name = format!("{name} WITH {exception}");
    }
    ALLOWED.contains(&name.as_str())
}

fn take(words: &mut &[&str], word: &str) -> bool {
    let found = words.first() == Some(&word);
    if found {
        *words = &words[1..];
    }
    found
}

#[test]
fn every_package_has_a_licence_that_we_accept() {
    let graph = Graph::load();
    let refused = graph.packages().filter(|package| !package.licence.as_deref().is_some_and(acceptable));
    let refused: Vec<String> = refused.map(|package| format!("{} {}: {:?}", package.name, package.version, package.licence)).collect();
    assert!(refused.is_empty(), "not on the list:\n{}", refused.join("\n"));
}

#[test]
fn every_package_is_ours_or_comes_from_crates_io() {
    let graph = Graph::load();
    assert!(graph.packages().count() > 100, "the graph is too small to be true");
    let ours: Vec<&str> = graph.members().map(|package| package.name.as_str()).collect();
    for package in graph.packages() {
        match package.source.as_deref() {
            Some(source) => assert_eq!(source, CRATES_IO, "{}", package.name),
            None => assert!(ours.contains(&package.name.as_str()), "{} is a path outside of the workspace", package.name),
        }
    }
}

#[test]
fn expressions_are_read_as_they_are_meant() {
    for good in ["MIT", "MIT OR GPL-3.0", "GPL-2.0 OR (MIT AND ISC)", "MIT/Apache-2.0", "Apache-2.0 WITH LLVM-exception OR X", "(MIT)"] {
        assert!(acceptable(good), "{good}");
    }
    for bad in ["", "GPL-3.0", "MIT AND GPL-3.0", "MIT WITH Odd-exception", "(MIT", "MIT)", "OR MIT", "MIT AND (ISC OR", "MIT ISC"] {
        assert!(!acceptable(bad), "{bad}");
    }
}

#[test]
fn cargo_deny_has_the_same_list() {
    let deny: toml::Table = read("deny.toml").parse().expect("deny.toml is TOML");
    let allowed = deny["licenses"]["allow"].as_array().expect("licenses.allow is a list");
    let allowed: Vec<&str> = allowed.iter().filter_map(toml::Value::as_str).collect();
    assert_eq!(allowed, ALLOWED);
}
