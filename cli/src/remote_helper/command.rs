//! A line from git → a [`Command`]. The words are those of gitremote-helpers(7).

/// What git asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// `capabilities`
    Capabilities,
    /// `option <name> <value>`; a value that is missing is empty.
    Option(String, Vec<u8>),
    /// `list`, or `list for-push`.
    List {
        /// Whether git is about to push.
        for_push: bool,
    },
    /// `fetch <id> <name>`
    Fetch(Vec<u8>),
    /// `push [+]<source>:<destination>`
    Push(PushLine),
    /// The blank line that ends a batch, or the session.
    Blank,
    /// Anything else.
    Unknown(Vec<u8>),
}

/// One refspec of a push.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushLine {
    /// Whether it may be no fast-forward.
    pub force: bool,
    /// The local name or id; `None` deletes.
    pub source: Option<Vec<u8>>,
    /// The ref in the bucket.
    pub destination: Vec<u8>,
}

impl Command {
    /// Reads a line without its line feed.
    #[must_use]
    pub fn parse(line: &[u8]) -> Self {
        let (word, rest) = split(line, b' ');
        match (word, rest) {
            (b"", None) => Self::Blank,
            (b"capabilities", None) => Self::Capabilities,
            (b"list", None) => Self::List { for_push: false },
            (b"list", Some(b"for-push")) => Self::List { for_push: true },
            (b"fetch", Some(rest)) => Self::Fetch(split(rest, b' ').0.to_vec()),
            (b"push", Some(rest)) => {
                PushLine::parse(rest).map_or_else(|| Self::Unknown(line.to_vec()), Self::Push)
            }
            (b"option", Some(rest)) => {
                let (name, value) = split(rest, b' ');
                Self::Option(
                    String::from_utf8_lossy(name).into_owned(),
                    unquote(value.unwrap_or_default()),
                )
            }
            _ => Self::Unknown(line.to_vec()),
        }
    }
}

impl PushLine {
    fn parse(text: &[u8]) -> Option<Self> {
        let (force, text) = text
            .strip_prefix(b"+")
            .map_or((false, text), |text| (true, text));
        // A ref holds no colon; a source such as HEAD:file does.
        let colon = text.iter().rposition(|byte| *byte == b':')?;
        let (source, destination) = (&text[..colon], &text[colon + 1..]);
        let source = (!source.is_empty()).then(|| source.to_vec());
        Some(Self {
            force,
            source,
            destination: destination.to_vec(),
        })
    }
}

fn split(text: &[u8], at: u8) -> (&[u8], Option<&[u8]>) {
    match text.iter().position(|byte| *byte == at) {
        Some(place) => (&text[..place], Some(&text[place + 1..])),
        None => (text, None),
    }
}

/// Undoes git's C-style quotes, where a value has them.
fn unquote(text: &[u8]) -> Vec<u8> {
    let Some(inner) = text
        .strip_prefix(b"\"")
        .and_then(|text| text.strip_suffix(b"\""))
    else {
        return text.to_vec();
    };
    let mut out = Vec::with_capacity(inner.len());
    let mut bytes = inner.iter().copied();
    while let Some(byte) = bytes.next() {
        if byte != b'\\' {
            out.push(byte);
            continue;
        }
        match bytes.next() {
            Some(b'a') => out.push(7),
            Some(b'b') => out.push(8),
            Some(b't') => out.push(b'\t'),
            Some(b'n') => out.push(b'\n'),
            Some(b'v') => out.push(11),
            Some(b'f') => out.push(12),
            Some(b'r') => out.push(b'\r'),
            Some(first @ b'0'..=b'3') => {
                let mut digit = || bytes.next().map_or(0, |byte| byte.wrapping_sub(b'0') & 7);
                let (second, third) = (digit(), digit());
                out.push(((first - b'0') << 6) | (second << 3) | third);
            }
            Some(other) => out.push(other),
            None => out.push(b'\\'),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_as_gitremote_helpers_describes_them() {
        assert_eq!(Command::parse(b"capabilities"), Command::Capabilities);
        assert_eq!(Command::parse(b"list"), Command::List { for_push: false });
        assert_eq!(
            Command::parse(b"list for-push"),
            Command::List { for_push: true }
        );
        assert_eq!(Command::parse(b""), Command::Blank);
        assert_eq!(
            Command::parse(b"fetch abc refs/heads/a b"),
            Command::Fetch(b"abc".to_vec())
        );
        assert_eq!(
            Command::parse(b"option verbosity 1"),
            Command::Option("verbosity".into(), b"1".to_vec())
        );
        // Git up to 2.44 sends this option without a value.
        assert_eq!(
            Command::parse(b"option object-format"),
            Command::Option("object-format".into(), Vec::new())
        );
        assert_eq!(
            Command::parse(b"bogus"),
            Command::Unknown(b"bogus".to_vec())
        );
        assert_eq!(
            Command::parse(b"push nothing"),
            Command::Unknown(b"push nothing".to_vec())
        );
    }

    #[test]
    fn a_push_line_has_a_source_a_destination_and_perhaps_a_plus() {
        let line = |force, source: Option<&[u8]>, destination: &[u8]| {
            Command::Push(PushLine {
                force,
                source: source.map(<[u8]>::to_vec),
                destination: destination.to_vec(),
            })
        };
        assert_eq!(
            Command::parse(b"push refs/heads/a:refs/heads/b"),
            line(false, Some(b"refs/heads/a"), b"refs/heads/b")
        );
        assert_eq!(
            Command::parse(b"push +HEAD~1:refs/heads/b"),
            line(true, Some(b"HEAD~1"), b"refs/heads/b")
        );
        assert_eq!(
            Command::parse(b"push :refs/heads/b"),
            line(false, None, b"refs/heads/b")
        );
        assert_eq!(
            Command::parse(b"push HEAD:f:refs/x"),
            line(false, Some(b"HEAD:f"), b"refs/x")
        );
    }

    #[test]
    fn quoted_values_lose_their_quotes() {
        // As sent by `git push -o 'a "b"'` and one with a tab and a Latin-1 letter.
        let value = |line: &[u8]| match Command::parse(line) {
            Command::Option(_, value) => value,
            other => panic!("{other:?}"),
        };
        assert_eq!(value(br#"option push-option "a \"b\"""#), b"a \"b\"");
        assert_eq!(value(br#"option push-option "a\tb\351""#), b"a\tb\xe9");
        assert_eq!(value(b"option push-option plain words"), b"plain words");
    }
}
