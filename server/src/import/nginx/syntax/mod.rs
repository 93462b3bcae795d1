//! nginx's configuration language: text in, a tree of directives out. Knows no directive but `include`, does no I/O, needs nothing but `std`
//! (the fuzz target compiles these files by themselves).

mod lexer;
mod tree;

pub use tree::{Directive, Includes, NoIncludes, Tree, parse};

/// Text that isn't a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyntaxError {
    /// The file it is in.
    pub file: String,
    /// Its line, counted from 1.
    pub line: usize,
    /// What is wrong, and what is allowed.
    pub what: String,
}

impl std::fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.what)
    }
}

impl std::error::Error for SyntaxError {}
