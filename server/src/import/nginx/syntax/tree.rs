//! Directives within blocks, with `include` replaced by what it names.

use super::SyntaxError;
use super::lexer::{Lexer, Token};

/// Blocks within blocks: nginx itself has no use for more than a handful.
const DEPTH_MAX: usize = 64;
/// Files that include files: a circle ends here.
const INCLUDES_MAX: usize = 16;
/// Files in all: a file that includes itself twice would double at each level.
const FILES_MAX: usize = 1_000;

/// A directive, with where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directive {
    /// Unique in the tree.
    pub id: usize,
    /// Its first word.
    pub name: String,
    /// The words after it.
    pub args: Vec<String>,
    /// Its file, as index into [`Tree::files`].
    pub file: usize,
    /// Its line, counted from 1.
    pub line: usize,
    /// What is between its braces; `None` for a directive that ends with a semicolon.
    pub block: Option<Vec<Directive>>,
}

/// A whole configuration.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tree {
    /// Names of the files that it was read from.
    pub files: Vec<String>,
    /// What is outside of all blocks.
    pub directives: Vec<Directive>,
    /// Includes that weren't followed, by the directive's id, with the reason.
    pub unfollowed: Vec<(usize, String)>,
}

/// Brings the files that `include` names.
pub trait Includes {
    /// Each file that the pattern (with `*` and `?`) names, as (name, text), in nginx's order; empty if a pattern matches none.
    ///
    /// # Errors
    /// A sentence that says why it can't be followed.
    fn read(&self, pattern: &str) -> Result<Vec<(String, String)>, String>;
}

/// Follows none.
pub struct NoIncludes;

impl Includes for NoIncludes {
    fn read(&self, _pattern: &str) -> Result<Vec<(String, String)>, String> {
        Err("includes are not followed here".to_owned())
    }
}

/// Reads a configuration.
///
/// # Errors
/// The first place that isn't one, with file and line.
pub fn parse(file: &str, text: &str, includes: &dyn Includes) -> Result<Tree, SyntaxError> {
    let mut parser = Parser { tree: Tree::default(), next_id: 0, includes };
    parser.tree.directives = parser.file(file, text, 0)?;
    Ok(parser.tree)
}

struct Parser<'i> {
    tree: Tree,
    next_id: usize,
    includes: &'i dyn Includes,
}

impl Parser<'_> {
    fn file(&mut self, name: &str, text: &str, nesting: usize) -> Result<Vec<Directive>, SyntaxError> {
        let file = self.tree.files.len();
        self.tree.files.push(name.to_owned());
        let mut lexer = Lexer::new(text.trim_start_matches('\u{feff}'));
        self.block(&mut lexer, file, nesting, 0)
    }

    fn error(&self, file: usize, line: usize, what: impl Into<String>) -> SyntaxError {
        SyntaxError { file: self.tree.files.get(file).cloned().unwrap_or_default(), line, what: what.into() }
    }

    /// Directives up to the closing brace, or at depth 0 to the end of the file.
    fn block(&mut self, lexer: &mut Lexer, file: usize, nesting: usize, depth: usize) -> Result<Vec<Directive>, SyntaxError> {
        let mut found = Vec::new();
        loop {
            let token = lexer.next().map_err(|(line, what)| self.error(file, line, what))?;
            let (name, line) = match token {
                None if depth == 0 => return Ok(found),
                None => return Err(self.error(file, lexer.line(), "the text ends within a block: a } is missing")),
                Some((Token::Close, _)) if depth > 0 => return Ok(found),
                Some((Token::Close, line)) => return Err(self.error(file, line, "a } that closes nothing")),
                Some((Token::Open, line)) => return Err(self.error(file, line, "a { without a directive before it")),
                Some((Token::End, line)) => return Err(self.error(file, line, "a ; without a directive before it")),
                Some((Token::Word(name), line)) => (name, line),
            };
            let id = self.next_id;
            self.next_id += 1;
            let (args, opened) = self.args(lexer, file, &name)?;
            let block = match opened {
                true if depth >= DEPTH_MAX => return Err(self.error(file, line, format!("more than {DEPTH_MAX} blocks within blocks"))),
                true => Some(self.block(lexer, file, nesting, depth + 1)?),
                false => None,
            };
            let directive = Directive { id, name, args, file, line, block };
            match self.include(&directive, nesting)? {
                Some(included) => found.extend(included),
                None => found.push(directive),
            }
        }
    }

    /// The words up to `;` or `{`, and whether it was the latter.
    fn args(&mut self, lexer: &mut Lexer, file: usize, name: &str) -> Result<(Vec<String>, bool), SyntaxError> {
        let mut args = Vec::new();
        loop {
            match lexer.next().map_err(|(line, what)| self.error(file, line, what))? {
                Some((Token::Word(word), _)) => args.push(word),
                Some((Token::End, _)) => return Ok((args, false)),
                Some((Token::Open, _)) => return Ok((args, true)),
                Some((Token::Close, line)) => {
                    return Err(self.error(file, line, format!("a }} within {name:?}: a ; is missing before it")));
                }
                None => return Err(self.error(file, lexer.line(), format!("the text ends within {name:?}: a ; is missing"))),
            }
        }
    }

    /// What an `include` stands for; `None` for any other directive, and for an include that isn't followed.
    fn include(&mut self, directive: &Directive, nesting: usize) -> Result<Option<Vec<Directive>>, SyntaxError> {
        let ("include", [pattern], None) = (directive.name.as_str(), directive.args.as_slice(), &directive.block) else { return Ok(None) };
        let read = if nesting >= INCLUDES_MAX {
            Err(format!("more than {INCLUDES_MAX} files that include files"))
        } else {
            self.includes.read(pattern)
        };
        let files = match read {
            Ok(files) if self.tree.files.len() + files.len() <= FILES_MAX => files,
            Ok(_) => return Err(self.error(directive.file, directive.line, format!("more than {FILES_MAX} files in all"))),
            Err(why) => {
                self.tree.unfollowed.push((directive.id, why));
                return Ok(None);
            }
        };
        let mut found = Vec::new();
        for (name, text) in files {
            found.extend(self.file(&name, &text, nesting + 1)?);
        }
        Ok(Some(found))
    }
}
