//! Answers → bytes for git.

use pail::ObjectFormat;
use pail::refs::{Outcome, RefName, RefValue};
use std::path::Path;

/// What we can do, one line each, then a blank one.
pub const CAPABILITIES: &[u8] = b"fetch\npush\noption\ncheck-connectivity\nobject-format\n\n";

/// The answer to an option.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OptionReply {
    /// Understood, and honoured.
    Ok,
    /// Not known.
    Unsupported,
}

impl OptionReply {
    /// The line.
    #[must_use]
    pub fn to_bytes(self) -> &'static [u8] {
        match self {
            Self::Ok => b"ok\n",
            Self::Unsupported => b"unsupported\n",
        }
    }
}

/// The list of refs. Annotated tags come with what they peel to, so that git follows them.
pub fn list(
    format: Option<ObjectFormat>,
    head: Option<&RefName>,
    refs: impl Iterator<Item = (RefName, RefValue)>,
) -> Vec<u8> {
    let mut out = Vec::new();
    if let Some(format) = format {
        out.extend_from_slice(format!(":object-format {format}\n").as_bytes());
    }
    if let Some(head) = head {
        line(&mut out, &[b"@", head.as_bytes(), b" HEAD"]);
    }
    for (name, value) in refs {
        line(
            &mut out,
            &[value.oid.to_string().as_bytes(), b" ", name.as_bytes()],
        );
        if let Some(peeled) = value.peeled {
            line(
                &mut out,
                &[peeled.to_string().as_bytes(), b" ", name.as_bytes(), b"^{}"],
            );
        }
    }
    out.push(b'\n');
    out
}

fn line(out: &mut Vec<u8>, parts: &[&[u8]]) {
    for part in parts {
        out.extend_from_slice(part);
    }
    out.push(b'\n');
}

/// The end of a fetch: the pack that git unlocks when its refs are there, and whether it
/// need not check that everything came.
#[must_use]
pub fn fetched(keep: Option<&Path>, connected: bool) -> Vec<u8> {
    let mut out = Vec::new();
    if let Some(keep) = keep {
        line(&mut out, &[b"lock ", keep.as_os_str().as_encoded_bytes()]);
    }
    if connected {
        line(&mut out, &[b"connectivity-ok"]);
    }
    out.push(b'\n');
    out
}

/// What became of one ref of a push. Every ref gets a line: git takes one without for
/// up to date.
#[must_use]
pub fn pushed(destination: &[u8], outcome: &Outcome) -> Vec<u8> {
    let mut out = Vec::new();
    match outcome {
        Outcome::Updated => line(&mut out, &[b"ok ", destination]),
        Outcome::UpToDate => line(&mut out, &[b"error ", destination, b" up to date"]),
        Outcome::Refused(why) => line(
            &mut out,
            &[
                b"error ",
                destination,
                b" ",
                one_line(&why.to_string()).as_bytes(),
            ],
        ),
    }
    out
}

/// Text that fits a line of the protocol.
#[must_use]
pub fn one_line(text: &str) -> String {
    text.split(['\n', '\r'])
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use pail::ObjectId;
    use pail::refs::Refusal;

    #[test]
    fn a_list_names_the_format_the_head_the_refs_and_what_tags_peel_to() {
        let oid = |c: char| c.to_string().repeat(40).parse::<ObjectId>().unwrap();
        let name = |text: &str| RefName::new(text).unwrap();
        let refs = vec![
            (name("refs/heads/main"), RefValue::plain(oid('a'))),
            (
                name("refs/tags/v1"),
                RefValue {
                    oid: oid('b'),
                    peeled: Some(oid('a')),
                },
            ),
        ];
        let (a, b) = ("a".repeat(40), "b".repeat(40));
        let text = list(
            Some(ObjectFormat::Sha1),
            Some(&name("refs/heads/main")),
            refs.into_iter(),
        );
        let expected = format!(
            ":object-format sha1\n@refs/heads/main HEAD\n{a} refs/heads/main\n{b} refs/tags/v1\n{a} refs/tags/v1^{{}}\n\n"
        );
        assert_eq!(String::from_utf8(text).unwrap(), expected);
    }

    #[test]
    fn a_refused_ref_is_one_error_line() {
        let dst = b"refs/heads/main";
        assert_eq!(
            pushed(dst, &Outcome::Refused(Refusal::FetchFirst)),
            b"error refs/heads/main fetch first\n"
        );
        assert_eq!(pushed(dst, &Outcome::Updated), b"ok refs/heads/main\n");
        let long = Outcome::Refused(Refusal::Other("one\n two\r\n".into()));
        assert_eq!(pushed(dst, &long), b"error refs/heads/main one; two\n");
    }

    #[test]
    fn a_fetch_ends_with_its_lock_and_a_blank_line() {
        assert_eq!(fetched(None, false), b"\n");
        let keep = Path::new(".git/objects/pack/pack-1.keep");
        assert_eq!(
            fetched(Some(keep), true),
            b"lock .git/objects/pack/pack-1.keep\nconnectivity-ok\n\n"
        );
    }
}
