//! Rust source as words: comments and the insides of literals gone, test code set apart.
//!
//! Not a parser. It knows as much of Rust as is needed to follow braces, attributes and
//! paths through any file that compiles.

/// An identifier, `::`, one character of punctuation, or a literal (as [`LITERAL`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token<'a> {
    /// What is written there.
    pub text: &'a str,
    /// Where, from 1.
    pub line: usize,
}

/// What stands for any string, character or number.
pub const LITERAL: &str = "\"\"";

/// The words of a file.
pub fn tokens(source: &str) -> Vec<Token<'_>> {
    let mut reader = Reader {
        rest: source,
        line: 1,
        found: Vec::new(),
    };
    while !reader.rest.is_empty() {
        reader.step();
    }
    reader.found
}

struct Reader<'a> {
    rest: &'a str,
    line: usize,
    found: Vec<Token<'a>>,
}

impl<'a> Reader<'a> {
    fn step(&mut self) {
        let rest = self.rest;
        let Some(first) = rest.chars().next() else {
            return;
        };
        if rest.starts_with("//") {
            self.skip(rest.find('\n').unwrap_or(rest.len()));
        } else if rest.starts_with("/*") {
            self.skip(block_comment(rest));
        } else if let Some(length) = literal(rest) {
            self.push(LITERAL, length);
        } else if rest.starts_with("::") {
            self.push("::", 2);
        } else if let Some(raw) = rest.strip_prefix("r#").filter(|raw| word(raw) > 0) {
            self.skip(2);
            let length = word(raw);
            self.push(&raw[..length], length);
        } else if first.is_whitespace() {
            self.skip(first.len_utf8());
        } else {
            let length = word(rest).max(first.len_utf8());
            self.push(&rest[..length], length);
        }
    }

    fn push(&mut self, text: &'a str, length: usize) {
        let line = self.line;
        self.found.push(Token { text, line });
        self.skip(length);
    }

    fn skip(&mut self, length: usize) {
        let (skipped, rest) = self.rest.split_at(length);
        self.line += skipped.matches('\n').count();
        self.rest = rest;
    }
}

/// The length of the identifier or keyword at the start.
fn word(text: &str) -> usize {
    text.find(|c: char| !c.is_alphanumeric() && c != '_')
        .unwrap_or(text.len())
}

/// The length of the block comment at the start; they nest.
fn block_comment(text: &str) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < text.len() {
        if text[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if text[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += text[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    text.len()
}

/// The length of the literal at the start, if there is one.
///
/// A lifetime counts as one: it is nothing that any check looks at.
fn literal(text: &str) -> Option<usize> {
    if text.starts_with(|c: char| c.is_ascii_digit()) {
        return Some(word(text));
    }
    if text.starts_with('\'') {
        return Some(character(text));
    }
    for prefix in ["", "b", "c"] {
        let Some(rest) = text.strip_prefix(prefix) else {
            continue;
        };
        if rest.starts_with('"') {
            return Some(prefix.len() + quoted(rest, '"'));
        }
        if prefix == "b" && rest.starts_with('\'') {
            return Some(prefix.len() + character(rest));
        }
        if let Some(length) = raw_string(rest) {
            return Some(prefix.len() + length);
        }
    }
    None
}

/// The length of `'x'`, `'\n'` or `'lifetime`.
fn character(text: &str) -> usize {
    let mut inside = text[1..].chars();
    let first = inside.next();
    if first != Some('\\') && inside.next() != Some('\'') {
        return 1 + word(&text[1..]);
    }
    quoted(text, '\'')
}

fn quoted(text: &str, end: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if c == end => return at + c.len_utf8(),
            _ => {}
        }
    }
    text.len()
}

fn raw_string(text: &str) -> Option<usize> {
    let rest = text.strip_prefix('r')?;
    let hashes = rest.len() - rest.trim_start_matches('#').len();
    let body = rest[hashes..].strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(hashes));
    let start = text.len() - body.len();
    Some(
        body.find(&end)
            .map_or(text.len(), |at| start + at + end.len()),
    )
}

/// What a file holds besides its tests.
#[derive(Debug)]
pub struct Production<'a> {
    /// Its words.
    pub tokens: Vec<Token<'a>>,
    /// How many lines the tests take, attributes included.
    pub test_lines: usize,
}

/// Takes out every item under `#[cfg(test)]`.
pub fn production(source: &str) -> Production<'_> {
    let all = tokens(source);
    let mut kept = Vec::with_capacity(all.len());
    let mut test_lines = 0;
    let mut at = 0;
    while at < all.len() {
        let Some(end) = attribute(&all, at) else {
            kept.push(all[at]);
            at += 1;
            continue;
        };
        if !means_test(&all[at..end]) {
            kept.extend_from_slice(&all[at..end]);
            at = end;
            continue;
        }
        let inner = all[at + 1].text == "!";
        let end = if inner { all.len() } else { item(&all, end) };
        let last = all.get(end.saturating_sub(1)).map_or(0, |token| token.line);
        test_lines += (last + 1).saturating_sub(all[at].line);
        at = end;
    }
    Production {
        tokens: kept,
        test_lines,
    }
}

/// Where the attribute that starts at `at` ends, if one starts there.
fn attribute(tokens: &[Token<'_>], at: usize) -> Option<usize> {
    let text = |at: usize| tokens.get(at).map_or("", |token| token.text);
    if text(at) != "#" {
        return None;
    }
    let open = if text(at + 1) == "!" { at + 2 } else { at + 1 };
    (text(open) == "[").then(|| close(tokens, open))
}

/// Just past the bracket that closes the one at `open`.
fn close(tokens: &[Token<'_>], open: usize) -> usize {
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate().skip(open) {
        match token.text {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return at + 1;
        }
    }
    tokens.len()
}

/// Just past the item that starts at `at`, after its other attributes.
fn item(tokens: &[Token<'_>], mut at: usize) -> usize {
    while let Some(end) = attribute(tokens, at) {
        at = end;
    }
    while let Some(token) = tokens.get(at) {
        match token.text {
            ";" => return at + 1,
            "{" => return close(tokens, at),
            "(" | "[" => at = close(tokens, at),
            // A field or an arm: what encloses it ends here.
            "}" | ")" | "]" => return at,
            _ => at += 1,
        }
    }
    tokens.len()
}

/// `cfg(test)`, or `cfg(all(…))` with `test` among its own conditions.
fn means_test(attribute: &[Token<'_>]) -> bool {
    let words: Vec<&str> = attribute
        .iter()
        .map(|token| token.text)
        .filter(|text| *text != "!")
        .collect();
    match words.as_slice() {
        ["#", "[", "cfg", "(", "test", ..] => true,
        ["#", "[", "cfg", "(", "all", "(", conditions @ ..] => {
            let mut depth = 0_usize;
            conditions.iter().any(|word| {
                match *word {
                    "(" => depth += 1,
                    ")" => depth = depth.saturating_sub(1),
                    _ => {}
                }
                depth == 0 && *word == "test"
            })
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests;
