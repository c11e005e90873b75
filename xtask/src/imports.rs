//! Which modules and crates a file names.

use crate::rust_source::Token;

/// A path that a file names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Import {
    /// From the root of the crate, or from a foreign name.
    pub path: Vec<String>,
    /// Whether it starts at the root of the crate.
    pub is_local: bool,
    /// The name that it gets, if it is imported under one.
    pub name: Option<String>,
    /// The line.
    pub line: usize,
}

/// The paths that a file names, in `use` or in the open, of which the first segment says
/// where they start. `module` is the file's own.
pub fn find(tokens: &[Token<'_>], module: &[String]) -> Vec<Import> {
    let mut finder = Finder {
        tokens,
        at: 0,
        module: module.to_vec(),
        found: Vec::new(),
    };
    finder.run();
    finder.found
}

struct Finder<'a> {
    tokens: &'a [Token<'a>],
    at: usize,
    module: Vec<String>,
    found: Vec<Import>,
}

impl Finder<'_> {
    fn run(&mut self) {
        let mut depth = 0_usize;
        // The depths at which a module within the file was opened.
        let mut opened = Vec::new();
        while self.at < self.tokens.len() {
            match self.text(0) {
                "{" => depth += 1,
                "}" => {
                    if opened.last() == Some(&depth) {
                        opened.pop();
                        self.module.pop();
                    }
                    depth = depth.saturating_sub(1);
                }
                "mod" if self.text(2) == "{" => {
                    self.module.push(self.text(1).to_owned());
                    opened.push(depth + 1);
                }
                // Not the `use<…>` of a return type.
                "use" if self.text(1) != "<" => {
                    self.at += 1;
                    self.tree(&[]);
                    continue;
                }
                _ if self.starts_path() => {
                    self.path();
                    continue;
                }
                _ => {}
            }
            self.at += 1;
        }
    }

    /// The word that many places further on.
    fn text(&self, ahead: usize) -> &str {
        self.tokens.get(self.at + ahead).map_or("", |t| t.text)
    }

    fn before(&self, back: usize) -> &str {
        let at = self.at.checked_sub(back);
        at.and_then(|at| self.tokens.get(at)).map_or("", |t| t.text)
    }

    fn line(&self) -> usize {
        self.tokens.get(self.at).map_or(0, |token| token.line)
    }

    fn starts_path(&self) -> bool {
        let goes_on = self.before(1) == "::" && is_word(self.before(2));
        // `pub(in crate::a)` says who may see, not what is seen.
        let is_visibility = self.before(1) == "in" && self.before(2) == "(";
        is_word(self.text(0)) && self.text(1) == "::" && !goes_on && !is_visibility
    }

    /// `a::b::c` in the open.
    fn path(&mut self) {
        let line = self.line();
        let mut path = Vec::new();
        while is_word(self.text(0)) {
            path.push(self.text(0).to_owned());
            self.at += 1;
            if self.text(0) != "::" {
                break;
            }
            self.at += 1;
        }
        self.push(path, None, line);
    }

    /// `a::{b, c::*, d as e}` after `use`, `prefix` before it.
    fn tree(&mut self, prefix: &[String]) {
        let mut path = prefix.to_vec();
        loop {
            let line = self.line();
            match self.text(0) {
                "::" => self.at += 1,
                "{" => {
                    self.at += 1;
                    while !matches!(self.text(0), "}" | "") {
                        let before = self.at;
                        self.tree(&path);
                        if self.text(0) == "," || self.at == before {
                            self.at += 1;
                        }
                    }
                    self.at += 1;
                    return;
                }
                "*" => {
                    self.at += 1;
                    path.push("*".to_owned());
                    return self.push(path, None, line);
                }
                word if is_word(word) => {
                    // `{self}` is the prefix itself.
                    if word != "self" || path.is_empty() {
                        path.push(word.to_owned());
                    }
                    self.at += 1;
                    if self.text(0) == "::" {
                        continue;
                    }
                    let mut name = path.last().cloned();
                    if self.text(0) == "as" {
                        name = Some(self.text(1).to_owned());
                        self.at += 2;
                    }
                    return self.push(path, name, line);
                }
                _ => return,
            }
        }
    }

    fn push(&mut self, mut path: Vec<String>, name: Option<String>, line: usize) {
        let first = path.first().map_or("", String::as_str);
        let is_local = matches!(first, "crate" | "self" | "super");
        if is_local {
            let mut base = match first {
                "crate" => Vec::new(),
                _ => self.module.clone(),
            };
            let mut rest = path.split_off(usize::from(first != "super"));
            while rest.first().is_some_and(|word| word == "super") {
                rest.remove(0);
                base.pop();
            }
            base.append(&mut rest);
            path = base;
        }
        self.found.push(Import {
            path,
            is_local,
            name,
            line,
        });
    }
}

fn is_word(text: &str) -> bool {
    text.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::find;
    use crate::rust_source::tokens;

    /// `module` and the source; each path found, local ones with a leading `::`.
    fn paths(module: &[&str], source: &str) -> Vec<String> {
        let module: Vec<String> = module.iter().map(|word| (*word).to_owned()).collect();
        find(&tokens(source), &module)
            .iter()
            .map(|import| {
                let start = if import.is_local { "::" } else { "" };
                format!("{start}{}", import.path.join("::"))
            })
            .collect()
    }

    #[test]
    fn a_nested_use_is_every_path_in_it() {
        assert_eq!(
            paths(&["store"], "use crate::{a::{self, B}, c::*, d::E as F}; x"),
            ["::a", "::a::B", "::c::*", "::d::E"]
        );
    }

    #[test]
    fn paths_in_the_open_count() {
        assert_eq!(
            paths(
                &["store"],
                "fn f(a: crate::oid::ObjectId) -> std::io::Error { $crate::x::y!() }"
            ),
            ["::oid::ObjectId", "std::io::Error", "::x::y"]
        );
    }

    #[test]
    fn super_and_self_are_followed_through_modules_of_the_file() {
        assert_eq!(
            paths(
                &["store", "put"],
                "use super::super::format::X; mod m { use super::self_; } use self::y;"
            ),
            ["::format::X", "::store::put::self_", "::store::put::y"]
        );
    }

    #[test]
    fn visibility_and_captures_are_no_imports() {
        assert!(paths(&["a"], "pub(in crate::b) fn f() -> impl X + use<'a> {}").is_empty());
        assert!(paths(&["a"], "pub(crate) fn f() {}").is_empty());
    }

    #[test]
    fn lines_and_names_are_kept() {
        let found = find(&tokens("use a::{\n b as c,\n d };"), &[]);
        let seen: Vec<_> = found.iter().map(|i| (i.line, i.name.as_deref())).collect();
        assert_eq!(seen, [(2, Some("c")), (3, Some("d"))]);
    }

    #[test]
    fn what_does_not_compile_ends_all_the_same() {
        for source in [
            "use",
            "use {",
            "use a::",
            "use a::{b,",
            "use a::{;",
            "mod x {",
            "}}}",
        ] {
            let _ = find(&tokens(source), &[]);
        }
    }
}
