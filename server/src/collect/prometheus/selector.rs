//! Which series a query reads: a scanner for PromQL's tokens, no parser.
//!
//! The answer to an instant query is stamped with the time of its evaluation, so only `timestamp(SELECTOR)` tells how old the samples in it
//! are, and for that the selectors must be known. Scanning suffices: a name that is neither called nor a keyword is a metric. It also copes
//! with MetricsQL, which no PromQL parser accepts; where it is lost (templates), it says so.

/// What a query is made of.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Scan {
    /// Vector selectors with their `offset` and `@`, without ranges; each once.
    pub selectors: Vec<String>,
    /// Functions and aggregations, in lower case.
    pub functions: Vec<String>,
}

/// Followed by a list of labels in parentheses, which are no metrics.
const GROUPING: [&str; 6] = ["by", "without", "on", "ignoring", "group_left", "group_right"];

/// Words that are neither metrics nor functions.
const WORDS: [&str; 13] =
    ["and", "or", "unless", "atan2", "bool", "offset", "default", "if", "ifnot", "limit", "keep_metric_names", "inf", "nan"];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Word,
    Number,
    Text,
    Braces,
    Brackets,
    Open,
    Close,
    Other,
}

#[derive(Debug, Clone, Copy)]
struct Token {
    kind: Kind,
    from: usize,
    to: usize,
}

/// Scans a query; `None` if it can't be told what it reads.
#[must_use]
pub fn scan(query: &str) -> Option<Scan> {
    let tokens = tokens(query)?;
    let word = |at: usize| tokens.get(at).filter(|t| t.kind == Kind::Word).map(|t| query[t.from..t.to].to_ascii_lowercase());
    let is = |at: usize, kind: Kind| tokens.get(at).is_some_and(|token| token.kind == kind);
    let mut found = Scan::default();
    let mut at = 0;
    while at < tokens.len() {
        let name = word(at);
        match name.as_deref() {
            Some("with") => return None,
            Some(grouping) if GROUPING.contains(&grouping) => {
                at = if is(at + 1, Kind::Open) { closing(&tokens, at + 1)? } else { at };
            }
            // MetricsQL's words are Prometheus' metrics: with labels or a range they are meant as such.
            Some(known) if WORDS.contains(&known) && !is(at + 1, Kind::Braces) && !is(at + 1, Kind::Brackets) => {}
            Some(called) if is(at + 1, Kind::Open) || word(at + 1).is_some_and(|next| ["by", "without"].contains(&&*next)) => {
                found.functions.push(called.to_owned());
            }
            Some(_) => at = take(query, &tokens, at, &mut found),
            None if is(at, Kind::Braces) => at = take(query, &tokens, at, &mut found),
            None => {}
        }
        at += 1;
    }
    (!found.selectors.is_empty()).then_some(found)
}

/// Takes the selector that begins at `at`; returns its last token.
fn take(query: &str, tokens: &[Token], at: usize, found: &mut Scan) -> usize {
    let is = |at: usize, kind: Kind| tokens.get(at).is_some_and(|token| token.kind == kind);
    let text = |at: usize| tokens.get(at).map_or("", |token| &query[token.from..token.to]);
    let mut last = if is(at, Kind::Word) && is(at + 1, Kind::Braces) { at + 1 } else { at };
    let mut selector = query[tokens[at].from..tokens[last].to].to_owned();
    if is(last + 1, Kind::Brackets) {
        last += 1;
    }
    loop {
        let end = match text(last + 1) {
            "@" if is(last + 2, Kind::Word) => last + 4,
            "@" => last + 2 + usize::from(text(last + 2) == "-"),
            offset if offset.eq_ignore_ascii_case("offset") => last + 2 + usize::from(text(last + 2) == "-"),
            _ => break,
        };
        let Some(token) = tokens.get(end) else { break };
        selector = format!("{selector} {}", &query[tokens[last + 1].from..token.to]);
        last = end;
    }
    if !found.selectors.contains(&selector) {
        found.selectors.push(selector);
    }
    last
}

/// The parenthesis that closes the one at `open`.
fn closing(tokens: &[Token], open: usize) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate().skip(open) {
        match token.kind {
            Kind::Open => depth += 1,
            Kind::Close if depth == 1 => return Some(at),
            Kind::Close => depth -= 1,
            _ => {}
        }
    }
    None
}

/// Tokens of a query, without blanks and comments; `None` if a quote or brace stays open.
fn tokens(query: &str) -> Option<Vec<Token>> {
    let bytes = query.as_bytes();
    let while_in =
        |from: usize, allowed: fn(u8) -> bool| bytes[from..].iter().position(|byte| !allowed(*byte)).map_or(bytes.len(), |n| from + n);
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(&byte) = bytes.get(from) {
        let (kind, to) = match byte {
            b'#' => {
                from = while_in(from, |byte| byte != b'\n');
                continue;
            }
            _ if byte.is_ascii_whitespace() => {
                from += 1;
                continue;
            }
            b'"' | b'\'' | b'`' => (Kind::Text, text_end(bytes, from)?),
            b'{' => (Kind::Braces, group_end(bytes, from, b'}')?),
            b'[' => (Kind::Brackets, group_end(bytes, from, b']')?),
            b'(' => (Kind::Open, from + 1),
            b')' => (Kind::Close, from + 1),
            b'0'..=b'9' | b'.' => (Kind::Number, while_in(from, |byte| byte.is_ascii_alphanumeric() || byte == b'.')),
            _ if is_name(byte) => (Kind::Word, while_in(from, |byte| is_name(byte) || byte.is_ascii_digit() || byte == b'.')),
            _ => (Kind::Other, from + 1),
        };
        found.push(Token { kind, from, to });
        from = to;
    }
    // A token of one byte may have been the first of a longer character, which no text can be cut at.
    found.iter().all(|token| query.is_char_boundary(token.from) && query.is_char_boundary(token.to)).then_some(found)
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_' || byte == b':'
}

/// Behind the quote that closes the one at `from`. Backquotes know no escapes.
fn text_end(bytes: &[u8], from: usize) -> Option<usize> {
    let quote = bytes[from];
    let mut at = from + 1;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'\\' if quote != b'`' => at += 2,
            _ if byte == quote => return Some(at + 1),
            _ => at += 1,
        }
    }
    None
}

/// Behind the bracket that closes the one at `from`; quoted ones don't count.
fn group_end(bytes: &[u8], from: usize, close: u8) -> Option<usize> {
    let mut at = from + 1;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'"' | b'\'' | b'`' => at = text_end(bytes, at)?,
            _ if byte == close => return Some(at + 1),
            _ => at += 1,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn reads(query: &str, selectors: &[&str]) {
        let found = scan(query).map(|scan| scan.selectors).unwrap_or_default();
        assert_eq!(found, selectors, "{query}");
    }

    #[test]
    fn selectors_are_found_in_what_people_write() {
        reads("up", &["up"]);
        reads("sum(rate(http_requests_total[2m]))", &["http_requests_total"]);
        reads(r#"sum by (job, code) (rate(a{job="x"}[2m])) / on(job) group_left(code) sum(b) by (job)"#, &[r#"a{job="x"}"#, "b"]);
        reads(r#"sum(rate({__name__=~"a|b"}[5m]))"#, &[r#"{__name__=~"a|b"}"#]);
        reads("job:http_requests:rate1m offset 5m", &["job:http_requests:rate1m offset 5m"]);
        reads("rate(a[2m] offset -1h) + a @ 1609746000", &["a offset -1h", "a @ 1609746000"]);
        reads("rate(a[2m] @ end() OFFSET 1h30m)", &["a @ end() OFFSET 1h30m"]);
        reads("max_over_time(sum(rate(a[1m]))[5m:15s]) > bool 0.5e-3 or vector(0)", &["a"]);
        reads("a AND ON (x) a unless c", &["a", "c"]);
        reads("1e3 * +Inf + NaN", &[]);
        reads("time()", &[]);
        reads("rate(limit[1m]) limit 1", &["limit"]);
    }

    #[test]
    fn strings_and_comments_hide_nothing_and_show_nothing() {
        reads(r#"a{x="}\"{b", y='#', z=`\`} # c{d="e"}"#, &[r#"a{x="}\"{b", y='#', z=`\`}"#]);
        reads("label_replace(a, \"dst\", \"$1\", \"src\", \"b(.*)\")", &["a"]);
        reads("# sum(b)\nsum(a # [2m]\n[3m])", &["a"]);
        reads(r#"count_values("version", a)"#, &["a"]);
        reads("a{x=\"ü\"} + b", &["a{x=\"ü\"}", "b"]);
    }

    #[test]
    fn what_cannot_be_told_is_not_guessed() {
        for query in ["", "WITH (x = a) x", "a{x=\"", "sum(rate(a[2m)", "a{", "'a", "sum(b) by (x", "ü", "1"] {
            assert_eq!(scan(query), None, "{query}");
        }
    }

    #[test]
    fn functions_are_told_from_metrics() {
        let scan = scan("sum without (rate) (increase(rate[1m])) / count(rate)").unwrap();
        assert_eq!((scan.functions, scan.selectors), (vec!["sum".into(), "increase".into(), "count".into()], vec!["rate".to_owned()]));
    }
}
