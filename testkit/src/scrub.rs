//! Makes output comparable between runs.

/// Replaces each text by its name, then every run of 40 or 64 hex digits by `<id>`.
pub fn scrub(output: &str, names: &[(&str, &str)]) -> String {
    let mut text = output.to_owned();
    for (what, name) in names {
        text = text.replace(what, name);
    }
    let hex = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
    let mut out = String::new();
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let run = rest.find(|c| !hex(c)).unwrap_or(rest.len());
        if matches!(run, 40 | 64) {
            out.push_str("<id>");
        } else {
            out.push_str(&rest[..run]);
        }
        let plain = rest[run..].find(hex).map_or(rest.len(), |at| run + at);
        out.push_str(&rest[run..plain]);
        rest = &rest[plain..];
    }
    out
}

#[cfg(test)]
mod tests {
    use super::scrub;

    #[test]
    fn ids_and_given_texts_are_replaced() {
        let id = "0123456789abcdef0123456789abcdef01234567";
        let out = scrub(
            &format!("at /tmp/x: {id} ab12 é{id}"),
            &[("/tmp/x", "<dir>")],
        );
        assert_eq!(out, "at <dir>: <id> ab12 é<id>");
    }
}
