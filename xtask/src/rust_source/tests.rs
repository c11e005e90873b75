//! What the reader of Rust must not be fooled by.

use super::{LITERAL, production, tokens};

fn words(source: &str) -> Vec<&str> {
    tokens(source).iter().map(|token| token.text).collect()
}

#[test]
fn comments_and_literals_hide_their_insides() {
    let source = r##"a /* b /* c */ d */ "e\" f" r#"g"h"# b'\'' 'i' '\n' // j
        k"##;
    let expected = ["a", LITERAL, LITERAL, LITERAL, LITERAL, LITERAL, "k"];
    assert_eq!(words(source), expected);
}

#[test]
fn lifetimes_do_not_open_a_character() {
    assert_eq!(
        words("fn f<'a>(x: &'a str) { 'b': loop {} }"),
        [
            "fn", "f", "<", LITERAL, ">", "(", "x", ":", "&", LITERAL, "str", ")", "{", LITERAL,
            ":", "loop", "{", "}", "}"
        ]
    );
    assert_eq!(words("'{' x"), [LITERAL, "x"]);
    assert_eq!(words("'outer: loop"), [LITERAL, ":", "loop"]);
}

#[test]
fn raw_identifiers_lose_their_prefix_and_lines_are_counted() {
    let found = tokens("r#type\n\"two\nlines\"\nx::y");
    let seen: Vec<_> = found.iter().map(|t| (t.text, t.line)).collect();
    let expected = [("type", 1), (LITERAL, 2), ("x", 4), ("::", 4), ("y", 4)];
    assert_eq!(seen, expected);
}

#[test]
fn an_unfinished_literal_or_comment_ends_with_the_file() {
    for source in ["\"abc", "r#\"abc\"", "/* abc", "'", "b'", "'\\"] {
        let _ = words(source);
    }
}

#[test]
fn test_items_are_taken_out_and_counted() {
    let source =
        "fn a() {}\n#[cfg(test)]\n#[allow(x)]\nmod tests {\n    fn b() { '}'; }\n}\nfn c() {}\n";
    let rest = production(source);
    let kept: Vec<_> = rest.tokens.iter().map(|t| t.text).collect();
    assert_eq!(kept.join(" "), "fn a ( ) { } fn c ( ) { }");
    assert_eq!(rest.test_lines, 5);
}

#[test]
fn test_items_without_braces_end_at_their_semicolon() {
    let rest = production("#[cfg(test)] use a::{b, c}; #[cfg(test)] mod tests; d");
    let kept: Vec<_> = rest.tokens.iter().map(|t| t.text).collect();
    // A brace ends an item too: what is left of the import names nothing.
    assert_eq!(kept.join(" "), "; d");
}

#[test]
fn only_what_needs_test_is_test() {
    let kept = |attribute: &str| {
        let source = format!("{attribute} fn x() {{}}");
        production(&source).tokens.iter().any(|t| t.text == "x")
    };
    assert!(!kept("#[cfg(test)]"));
    assert!(!kept("#[cfg(all(unix, test))]"));
    assert!(!kept("#![cfg(test)]"));
    assert!(kept("#[cfg(not(test))]"));
    assert!(kept("#[cfg(any(test, unix))]"));
    assert!(kept("#[cfg(all(unix, not(test)))]"));
    assert!(kept("#[derive(Debug)]"));
}
