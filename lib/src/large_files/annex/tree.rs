//! The files of a tree, as somebody else may have written them.

use super::content::Content;
use super::guard::MARKER;
use super::name::from_key;
use crate::error::Result;
use crate::store::Listed;
use futures_util::stream::{BoxStream, StreamExt};
use md5::{Digest, Md5};
use std::future::ready;

/// A file of a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreeFile {
    /// Its name, as git has it.
    pub name: Vec<u8>,
    /// Its bytes.
    pub size: u64,
    /// Another one after each change, and for each name: git-annex takes files of one state for
    /// the same content. When it was written, in seconds, its size, a hash of its name, and one
    /// of what the store tells its states apart by, where listings say that.
    pub state: String,
}

impl Content {
    /// Every file of the tree. One request for each thousand.
    ///
    /// What cannot be the name of a file in a work tree is left out: markers of folders, line
    /// feeds, and what lies in a folder `.git`.
    pub fn files(&self) -> BoxStream<'_, Result<TreeFile>> {
        let files = self.store.list(&self.prefix, None);
        let mine = |listed: Result<Listed>| match listed {
            Ok(listed) => tree_file(&self.prefix, &listed).map(Ok),
            Err(error) => Some(Err(error)),
        };
        files.filter_map(move |listed| ready(mine(listed))).boxed()
    }
}

fn tree_file(prefix: &str, listed: &Listed) -> Option<TreeFile> {
    let name = from_key(prefix, &listed.key)?;
    let of_git = |part: &[u8]| part.eq_ignore_ascii_case(b".git");
    let odd = name.contains(&b'\n')
        || name.starts_with(b"/")
        || name == MARKER.as_bytes()
        || name.split(|byte| *byte == b'/').any(of_git);
    let hash = crate::oid::hex(&Md5::digest(&name));
    let mut state = format!("{}-{}-{hash}", listed.modified, listed.size);
    if let Some(told) = &listed.state {
        let told = crate::oid::hex(&Md5::digest(told));
        state = format!("{state}-{told}");
    }
    let size = listed.size;
    (!odd).then_some(TreeFile { name, size, state })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_is_what_can_lie_in_a_work_tree() {
        let told = |key: &str, state: Option<&str>| {
            let listed = Listed {
                key: key.to_owned(),
                size: 3,
                modified: 1_700_000_000,
                state: state.map(str::to_owned),
            };
            tree_file("p/", &listed)
        };
        let file = |key: &str| told(key, None);
        let found = file("p/sub dir/a.txt").expect("a file");
        assert_eq!(found.name, b"sub dir/a.txt");
        // The hash is `printf '%s' 'sub dir/a.txt' | md5sum`.
        assert_eq!(found.size, 3);
        assert_eq!(found.state, "1700000000-3-07f73b54261b1b6dcd3a9765cf7a1202");
        let other = file("p/sub dir/b.txt").expect("a file");
        assert_ne!(other.state, found.state);
        // `printf '%s' '"1"' | md5sum`
        let versioned = told("p/sub dir/a.txt", Some("\"1\"")).expect("a file");
        assert_eq!(
            versioned.state,
            format!("{}-2f7bb230c70819aeb10b45a709bcf48f", found.state)
        );
        assert_eq!(file("p/pail-escaped/a%FF").expect("a file").name, b"a\xff");
        for odd in [
            "q/a",
            "p/folder/",
            "p/.git/config",
            "p/a/.GIT/b",
            "p/pail-escaped/a%0Ab",
            "p/annex-uuid",
        ] {
            assert_eq!(file(odd), None, "{odd}");
        }
    }
}
