//! What a bucket does with files by itself, and does not let us do.

/// Something that a bucket may tell, or why it does not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen<T> {
    /// It is so.
    Is(T),
    /// It cannot be seen: the reason, in words.
    Hidden(String),
}

/// The rules of a bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// What it does with files as they grow old; of rules that are in force, those that touch
    /// the prefix.
    pub lifecycle: Seen<Vec<Lifecycle>>,
    /// Whether files that were deleted or replaced stay as old versions.
    pub versions: Seen<bool>,
    /// What keeps files from being deleted or replaced for some time.
    pub lock: Seen<Option<Lock>>,
}

impl Rules {
    /// Those of a place that has none.
    pub fn none() -> Self {
        Self {
            lifecycle: Seen::Is(Vec::new()),
            versions: Seen::Is(false),
            lock: Seen::Is(None),
        }
    }

    /// Those of a place that tells nothing, and why.
    pub fn hidden(why: &str) -> Self {
        Self {
            lifecycle: Seen::Hidden(why.to_owned()),
            versions: Seen::Hidden(why.to_owned()),
            lock: Seen::Hidden(why.to_owned()),
        }
    }
}

/// One rule about what grows old.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lifecycle {
    /// Its name, or its number if it has none.
    pub name: String,
    /// It is about keys that start with this text, below our prefix.
    pub below: String,
    /// Whether it is about some of those only: by size, tag, class or the end of the key.
    pub some: bool,
    /// After how many days, if it counts any.
    pub days: Option<u64>,
    /// What happens then.
    pub does: Does,
}

#[cfg(test)]
impl Lifecycle {
    /// All of it, to be compared with a line.
    pub(crate) fn told(&self) -> (&str, &str, bool, Option<u64>, Does) {
        let does = self.does.clone();
        (&self.name, &self.below, self.some, self.days, does)
    }
}

/// What a rule does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Does {
    /// Deletes files.
    Deletes,
    /// Moves files where they cannot be read at once: the class.
    Archives(String),
    /// Throws unfinished uploads away.
    Aborts,
    /// Deletes old versions of files.
    DeletesVersions,
}

/// What keeps files from being changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lock {
    /// It, in words.
    pub words: String,
    /// Whether a file can be replaced all the same, as with versions.
    pub replaces: bool,
}

/// The part of our prefix that a rule for `prefix` touches, as text below our prefix
/// `root` (which is empty or ends with a slash); `None` if it touches nothing of ours.
pub(in crate::store) fn below(prefix: &str, root: &str) -> Option<String> {
    match prefix.strip_prefix(root) {
        Some(rest) => Some(rest.to_owned()),
        None => root.starts_with(prefix).then(String::new),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_touches_what_its_prefix_and_ours_have_in_common() {
        let all = Some(String::new());
        assert_eq!(below("", ""), all);
        assert_eq!(below("", "team/repo/"), all);
        assert_eq!(below("team/re", "team/repo/"), all);
        assert_eq!(
            below("team/repo/objects/", "team/repo/").as_deref(),
            Some("objects/")
        );
        assert_eq!(below("team/other/", "team/repo/"), None);
        assert_eq!(below("tmp/", "").as_deref(), Some("tmp/"));
    }
}
