//! Small repositories, made with words, whose ids are the same in every run.

use crate::git::Git;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// A repository with a work tree, or a bare one.
#[derive(Debug, Clone)]
pub struct Repo {
    git: Git,
    path: PathBuf,
}

impl Repo {
    /// A new repository here, with a git of its own: the same words give the same ids.
    pub fn init(path: impl Into<PathBuf>) -> Self {
        Self::init_with(&Git::new(), path, &[])
    }

    /// A new repository with a given git and more words for `git init` (`--bare`,
    /// `--object-format=sha256`).
    pub fn init_with(git: &Git, path: impl Into<PathBuf>, args: &[&str]) -> Self {
        let path = path.into();
        std::fs::create_dir_all(&path).expect("the folder of a repository can be made");
        let repo = Self::at(git, path);
        repo.git.ok(&[&["init", "-q"], args].concat());
        repo
    }

    /// A repository that is there already: one that a test cloned.
    pub fn at(git: &Git, path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        Self {
            git: git.at(&path),
            path,
        }
    }

    /// Clones `url` into a folder.
    pub fn clone_of(git: &Git, url: &str, path: impl Into<PathBuf>, args: &[&str]) -> Self {
        let path = path.into();
        let target = path.to_str().expect("test paths are text");
        git.ok(&[&["clone", "-q"], args, &[url, target]].concat());
        Self::at(git, path)
    }

    /// Its folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Git, in its folder.
    pub fn git(&self) -> &Git {
        &self.git
    }

    /// The same repository with programs from `bin` first: where remote helpers lie.
    #[must_use]
    pub fn with_bin(&self, bin: impl Into<PathBuf>) -> Self {
        Self {
            git: self.git.with_bin(bin),
            path: self.path.clone(),
        }
    }

    /// Runs git in it, which must end well.
    pub fn ok(&self, args: &[&str]) -> String {
        self.git.ok(args)
    }

    /// Runs git in it, which must fail; returns what it said.
    pub fn fails(&self, args: &[&str]) -> String {
        self.git.fails(args)
    }

    /// Writes a file without committing it.
    pub fn write(&self, file: &str, text: impl AsRef<[u8]>) {
        let path = self.path.join(file);
        let folder = path.parent().expect("a file lies in a folder");
        std::fs::create_dir_all(folder).expect("a folder can be made");
        std::fs::write(path, text).expect("a file can be written");
    }

    /// Commits one file with this text, and returns the commit's id.
    pub fn commit(&self, file: &str, text: impl AsRef<[u8]>) -> String {
        self.write(file, text);
        self.ok(&["add", "--", file]);
        self.ok(&[
            "commit",
            "-q",
            "--allow-empty",
            "-m",
            &format!("write {file}"),
        ]);
        self.head()
    }

    /// Commits nothing; returns the commit's id.
    pub fn empty_commit(&self, message: &str) -> String {
        self.ok(&["commit", "-q", "--allow-empty", "-m", message]);
        self.head()
    }

    /// Adds `count` commits to a branch at once, each changing one of `files` files by a
    /// text of `size` bytes; returns the last id. The work tree stays as it is.
    pub fn grow(&self, branch: &str, count: usize, files: usize, size: usize) -> String {
        let name = format!("refs/heads/{branch}");
        let mut from = self.id(&name).is_some().then(|| format!("{name}^0"));
        let mut chance = crate::seed::Chance::new(count as u64 ^ ((size as u64) << 32));
        let mut stream = String::from("feature done\n");
        for number in 0..count {
            let message = format!("grow {number}\n");
            let file = chance.below(files);
            let mut text = format!("{branch} {number}\n");
            while text.len() < size {
                let _ = writeln!(text, "{:016x}", chance.number());
            }
            let _ = write!(
                stream,
                "commit {name}\ncommitter Carl Keeper <carl@example.org> {} +0000\n\
                 data {}\n{message}",
                1_767_225_600 + number * 60,
                message.len(),
            );
            if let Some(from) = from.take() {
                let _ = writeln!(stream, "from {from}");
            }
            let _ = write!(
                stream,
                "M 100644 inline d{}/f{file}\ndata {}\n{text}\n",
                file % 10,
                text.len()
            );
        }
        stream.push_str("done\n");
        let args = ["fast-import", "--quiet", "--date-format=raw"];
        self.git.ok_with(&args, stream.as_bytes());
        self.id(&name).expect("the branch is there now")
    }

    /// Makes a branch at the current commit without going there.
    pub fn branch(&self, name: &str) -> &Self {
        self.ok(&["branch", name]);
        self
    }

    /// Goes to a branch, which is made if need be.
    pub fn switch(&self, name: &str) -> &Self {
        if self.id(&format!("refs/heads/{name}")).is_some() {
            self.ok(&["checkout", "-q", name]);
        } else {
            self.ok(&["checkout", "-q", "-b", name]);
        }
        self
    }

    /// Merges a branch into the current one with a merge commit; returns its id.
    pub fn merge(&self, name: &str) -> String {
        self.ok(&[
            "merge",
            "-q",
            "--no-ff",
            "-m",
            &format!("merge {name}"),
            name,
        ]);
        self.head()
    }

    /// A lightweight tag at the current commit.
    pub fn tag(&self, name: &str) -> &Self {
        self.ok(&["tag", name]);
        self
    }

    /// An annotated tag at the current commit; returns the id of the tag object.
    pub fn annotated_tag(&self, name: &str) -> String {
        self.ok(&["tag", "-a", "-m", &format!("tag {name}"), name]);
        self.id(&format!("refs/tags/{name}")).expect("it was made")
    }

    /// The id of the current commit.
    pub fn head(&self) -> String {
        self.ok(&["rev-parse", "HEAD"])
    }

    /// What a name stands for, if it stands for anything.
    pub fn id(&self, name: &str) -> Option<String> {
        let out = self.git.run(&["rev-parse", "-q", "--verify", name]);
        out.ok().then_some(out.stdout)
    }

    /// Adds refs, all at once: as the file that `git pack-refs` writes, since making (and
    /// deleting) them one by one costs git a lock file each. Names in order, objects that have
    /// nothing to peel.
    pub fn pack_refs<'a>(&self, refs: impl Iterator<Item = (String, &'a str)>) {
        self.ok(&["pack-refs", "--all"]);
        let path = self.path.join(".git/packed-refs");
        let mut all = self.refs();
        all.extend(refs.map(|(name, id)| (name, id.to_owned())));
        let lines = all.iter().map(|(name, id)| format!("{id} {name}\n"));
        let text: String = std::iter::once("# pack-refs with: sorted \n".to_owned())
            .chain(lines)
            .collect();
        std::fs::write(path, text).unwrap();
    }

    /// All refs with their ids.
    pub fn refs(&self) -> BTreeMap<String, String> {
        self.ok(&["for-each-ref", "--format=%(refname) %(objectname)"])
            .lines()
            .filter_map(|line| line.split_once(' '))
            .map(|(name, id)| (name.to_owned(), id.to_owned()))
            .collect()
    }

    /// The ids of all objects that the refs reach.
    pub fn reachable(&self) -> Vec<String> {
        let out = self.ok(&["rev-list", "--objects", "--no-object-names", "--all"]);
        out.lines().map(str::to_owned).collect()
    }

    /// Lets git check every object and every link between them.
    pub fn fsck(&self) {
        self.ok(&[
            "fsck",
            "--full",
            "--strict",
            "--no-dangling",
            "--no-progress",
        ]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_words_give_the_same_ids() {
        let build = || {
            let dir = tempfile::tempdir().expect("a temporary folder");
            let repo = Repo::init(dir.path().join("r"));
            repo.commit("a", "one\n");
            repo.switch("side").commit("b", "two\n");
            repo.switch("main").commit("a", "three\n");
            repo.merge("side");
            repo.tag("light").annotated_tag("v1");
            repo.grow("grown", 20, 5, 100);
            repo.grow("grown", 3, 5, 100);
            repo.fsck();
            assert_eq!(repo.ok(&["rev-list", "--count", "grown"]), "23");
            repo.refs()
        };
        let refs = build();
        assert_eq!(refs.len(), 5, "{refs:?}");
        assert_eq!(refs, build());
    }

    #[test]
    fn git_is_sealed() {
        let git = Git::new().with_env("LEFT", "in");
        let out = super::super::git::run(git.program("env"), b"");
        assert!(out.stdout.contains("LEFT=in"));
        assert!(!out.stdout.contains("CARGO"), "{}", out.stdout);
        assert!(git.fails(&["no-such-command"]).contains("no-such-command"));
        assert_eq!(git.fails(&["config", "user.name"]), "");
    }
}
