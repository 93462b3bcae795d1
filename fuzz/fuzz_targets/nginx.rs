//! Any text is a configuration of nginx or an error with a line of it. Compiles the parser's own files, without the rest of the server.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[allow(dead_code)]
#[path = "../../server/src/import/nginx/syntax/mod.rs"]
mod syntax;

fuzz_target!(|text: &str| {
    let lines = text.matches('\n').count() + 1;
    match syntax::parse("fuzz", text, &syntax::NoIncludes) {
        Ok(tree) => assert!(tree.directives.iter().all(|directive| (1..=lines).contains(&directive.line))),
        Err(error) => assert!((1..=lines).contains(&error.line), "{error}"),
    }
});
