//! What git has told us to do, and how to answer each telling.

use super::reply::OptionReply;
use pail::ObjectId;
use std::collections::HashMap;

/// The options of a session.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// 0 with `-q`, 1 without anything, one more for each `-v`.
    pub verbosity: u32,
    /// Whether to show progress.
    pub progress: bool,
    /// Whether the local repository is being cloned.
    pub cloning: bool,
    /// Whether git wants to know if everything came.
    pub check_connectivity: bool,
    /// Whether to bring everything again.
    pub refetch: bool,
    /// Whether a push is only to be tried.
    pub dry_run: bool,
    /// Whether a push is all or nothing.
    pub atomic: bool,
    /// Leases: the value that a ref must have; the null id if it must not exist.
    pub leases: HashMap<Vec<u8>, ObjectId>,
    /// Push options, as given.
    pub push_options: Vec<String>,
}

/// What an option comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// This line.
    Reply(OptionReply),
    /// What git asks for cannot be done, and it would go on as if it had not asked: the
    /// session must end, with this reason.
    Die(String),
}

impl Options {
    /// The options before git has said anything.
    #[must_use]
    pub fn new() -> Self {
        Self {
            verbosity: 1,
            ..Self::default()
        }
    }

    /// Whether git's plumbing shows its progress.
    #[must_use]
    pub fn shows_progress(&self) -> bool {
        self.progress && self.verbosity > 0
    }

    /// Takes one option.
    pub fn set(&mut self, name: &str, value: &[u8]) -> Answer {
        let text = String::from_utf8_lossy(value);
        let on = !matches!(&*text, "false" | "no" | "0");
        match name {
            "verbosity" => self.verbosity = text.trim().parse().unwrap_or(1),
            "progress" => self.progress = on,
            "cloning" => self.cloning = on,
            "check-connectivity" => self.check_connectivity = on,
            "refetch" => self.refetch = on,
            "dry-run" => self.dry_run = on,
            "atomic" => self.atomic = on,
            "push-option" => self.push_options.push(pail::format::names::encode(value)),
            "cas" => return self.lease(value),
            // Tags come with their peeled values, a bucket is never shallow, and the rest
            // concerns git alone.
            "object-format" | "followtags" | "force-if-includes" | "update-shallow"
            | "updateshallow" | "rejectshallow" | "servpath" | "family" | "force"
            | "no-dependents" => {}
            // Git sends these before it fetches missing tags: nothing is to be cut.
            "depth" if text == "0" => {}
            "deepen-relative" if !on => {}
            "depth" | "deepen-since" | "deepen-not" | "deepen-relative" => {
                return Answer::Die(format!(
                    "shallow fetches (--depth, --shallow-since, --shallow-exclude, --deepen) are not served yet: {name} {text}"
                ));
            }
            "filter" | "from-promisor" => {
                return Answer::Die(format!(
                    "partial clones (--filter) are not served yet: {name} {text}"
                ));
            }
            // Signed pushes need a receiver that checks them; `if-asked` lets git go on without.
            "pushcert" if text == "if-asked" => {}
            _ => return Answer::Reply(OptionReply::Unsupported),
        }
        Answer::Reply(OptionReply::Ok)
    }

    /// `<ref>:<id>`
    fn lease(&mut self, value: &[u8]) -> Answer {
        let parsed = value
            .iter()
            .rposition(|byte| *byte == b':')
            .and_then(|colon| {
                let oid = ObjectId::from_hex(&value[colon + 1..])?;
                Some((value[..colon].to_vec(), oid))
            });
        match parsed {
            Some((name, oid)) => {
                self.leases.insert(name, oid);
                Answer::Reply(OptionReply::Ok)
            }
            // To go on would push without the lease.
            None => Answer::Die(format!(
                "the lease '{}' cannot be read",
                String::from_utf8_lossy(value)
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OK: Answer = Answer::Reply(OptionReply::Ok);

    #[test]
    fn what_git_would_silently_go_without_ends_the_session() {
        let mut options = Options::new();
        assert_eq!(options.set("depth", b"0"), OK);
        assert_eq!(options.set("deepen-relative", b"false"), OK);
        for (name, value) in [
            ("depth", "1"),
            ("deepen-since", "1.week"),
            ("filter", "blob:none"),
            ("from-promisor", "1"),
        ] {
            assert!(
                matches!(options.set(name, value.as_bytes()), Answer::Die(_)),
                "{name}"
            );
        }
        assert!(matches!(
            options.set("cas", b"refs/heads/main:zz"),
            Answer::Die(_)
        ));
    }

    #[test]
    fn booleans_come_in_several_spellings() {
        let mut options = Options::new();
        assert_eq!(options.set("atomic", b"true"), OK);
        assert_eq!(options.set("object-format", b""), OK);
        assert_eq!(options.set("progress", b"false"), OK);
        assert_eq!((options.atomic, options.progress), (true, false));
        assert_eq!(
            options.set("pushcert", b"true"),
            Answer::Reply(OptionReply::Unsupported)
        );
        assert_eq!(options.set("pushcert", b"if-asked"), OK);
        assert_eq!(
            options.set("unheard-of", b"1"),
            Answer::Reply(OptionReply::Unsupported)
        );
    }

    #[test]
    fn a_lease_names_a_ref_and_a_value() {
        let mut options = Options::new();
        let value = format!("refs/heads/main:{}", "0".repeat(40));
        assert_eq!(options.set("cas", value.as_bytes()), OK);
        assert!(options.leases[&b"refs/heads/main"[..]].is_null());
    }
}
