//! Words, braces and semicolons, by the rules of nginx's `ngx_conf_read_token`: a comment begins only where a word could; a quote only at a
//! word's start; `${` within a word belongs to it; a backslash keeps what follows it from meaning anything.

/// A piece of the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Token {
    /// A word, without its quotes and with its escapes resolved.
    Word(String),
    /// `{`
    Open,
    /// `}`
    Close,
    /// `;`
    End,
}

/// Cuts a text into tokens, each with its line.
pub struct Lexer<'t> {
    rest: std::iter::Peekable<std::str::Chars<'t>>,
    line: usize,
}

impl<'t> Lexer<'t> {
    pub fn new(text: &'t str) -> Self {
        Self { rest: text.chars().peekable(), line: 1 }
    }

    /// The line that has been reached.
    pub fn line(&self) -> usize {
        self.line
    }

    /// The next token with its line; `None` at the end.
    ///
    /// # Errors
    /// What is wrong, and the line where it began.
    pub fn next(&mut self) -> Result<Option<(Token, usize)>, (usize, String)> {
        self.skip();
        let line = self.line;
        let Some(first) = self.rest.peek().copied() else { return Ok(None) };
        let token = match first {
            '{' | '}' | ';' => {
                self.take();
                match first {
                    '{' => Token::Open,
                    '}' => Token::Close,
                    _ => Token::End,
                }
            }
            '"' | '\'' => Token::Word(self.quoted(first)?),
            _ => Token::Word(self.bare()),
        };
        Ok(Some((token, line)))
    }

    fn take(&mut self) -> Option<char> {
        let letter = self.rest.next();
        self.line += usize::from(letter == Some('\n'));
        letter
    }

    /// Blanks and comments.
    fn skip(&mut self) {
        while let Some(letter) = self.rest.peek().copied() {
            match letter {
                '#' => {
                    while self.rest.peek().is_some_and(|letter| *letter != '\n') {
                        self.take();
                    }
                }
                ' ' | '\t' | '\r' | '\n' => {
                    self.take();
                }
                _ => return,
            }
        }
    }

    fn quoted(&mut self, quote: char) -> Result<String, (usize, String)> {
        let began = self.line;
        self.take();
        let mut word = String::new();
        loop {
            match self.take() {
                None => return Err((began, format!("a quote {quote} is not closed"))),
                Some('\\') => self.escaped(&mut word),
                Some(letter) if letter == quote => break,
                Some(letter) => word.push(letter),
            }
        }
        match self.rest.peek().copied() {
            // A closing parenthesis, as in if ($x = "y"), goes on with the word.
            Some(')') => word.push_str(&self.bare()),
            None | Some(' ' | '\t' | '\r' | '\n' | ';' | '{') => {}
            Some(other) => return Err((self.line, format!("{other:?} right after a quoted word; a blank, ; or {{ is allowed"))),
        }
        Ok(word)
    }

    fn bare(&mut self) -> String {
        let mut word = String::new();
        while let Some(letter) = self.rest.peek().copied() {
            match letter {
                ' ' | '\t' | '\r' | '\n' | ';' | '{' => break,
                '\\' => {
                    self.take();
                    self.escaped(&mut word);
                }
                '$' => {
                    word.extend(self.take());
                    if self.rest.peek() == Some(&'{') {
                        word.extend(self.take());
                    }
                }
                _ => word.extend(self.take()),
            }
        }
        word
    }

    /// What follows a backslash: nginx resolves quotes, itself and the three blanks, and leaves the rest as it is (regular expressions).
    fn escaped(&mut self, word: &mut String) {
        match self.take() {
            None => word.push('\\'),
            Some(letter @ ('"' | '\'' | '\\')) => word.push(letter),
            Some('t') => word.push('\t'),
            Some('r') => word.push('\r'),
            Some('n') => word.push('\n'),
            Some(letter) => word.extend(['\\', letter]),
        }
    }
}
