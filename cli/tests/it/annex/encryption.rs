//! What git-annex encrypts and cuts into chunks on its way to the store.

use super::content::clone_of;
use super::site::{Site, contents, files, on_every_site};
use std::path::Path;
use tempfile::TempDir;
use testkit::git::{Git, run};

on_every_site!(chunks_come_back_whole, what_everybody_may_read_comes_back,);
// To the store it is the same, and GnuPG takes its time.
super::site::tests!(on_s3_for_some: s3, ours, what_some_may_read_comes_back);

/// A ring with one key, of `ada@example.org`. Its agent ends with it.
#[derive(Debug)]
pub(super) struct Keyring {
    home: TempDir,
    git: Git,
}

impl Keyring {
    /// Makes the key.
    pub(super) fn new(site: &Site) -> Self {
        use std::os::unix::fs::PermissionsExt;
        // Short: the path of a socket has some hundred bytes at most.
        let home = tempfile::Builder::new().prefix("gpg").tempdir().unwrap();
        std::fs::set_permissions(home.path(), PermissionsExt::from_mode(0o700)).unwrap();
        let git = site.git().with_env("GNUPGHOME", home.path());
        let ring = Self { home, git };
        let words = ["-q", "--batch", "--passphrase", "", "--quick-gen-key"];
        let mut command = ring.git.program("gpg");
        command
            .args(words)
            .args(["ada@example.org", "future-default"]);
        let out = run(command, b"");
        assert!(out.ok(), "{}", out.stderr);
        ring
    }

    /// Where it lies.
    pub(super) fn home(&self) -> &Path {
        self.home.path()
    }
}

impl Drop for Keyring {
    fn drop(&mut self) {
        let mut command = self.git.program("gpgconf");
        command.args(["--kill", "all"]);
        run(command, b"");
    }
}

/// There and back, by a clone that knows what is in git; nothing lies there in clear.
fn there_and_back(site: &Site, more: &[&str]) {
    let repo = site.ready("work", more);
    let before = contents(&repo);
    repo.ok(&["annex", "copy", "-q", "--to=r"]);
    repo.ok(&["annex", "fsck", "-q", "--fast", "--from=r"]);
    let clone = clone_of(site, &repo, "clone");
    clone.ok(&["annex", "get", "-q", "--from=r"]);
    assert_eq!(contents(&clone), before);
    if !more.contains(&"encryption=none") {
        for (name, bytes) in site.objects() {
            let key = name.rsplit('/').next().unwrap();
            assert!(key.starts_with("GPGHMAC") || key == "annex-uuid", "{name}");
            // Nothing begins as a file or a chunk of one does.
            let [(_, small), _, (_, big)] = files();
            let starts = big.chunks(1 << 20).map(|chunk| &chunk[..4]);
            let clear = starts.chain([&small[..]]);
            let clear = clear.filter(|start| bytes.starts_with(start)).count();
            assert_eq!(clear, 0, "{name}");
        }
    }
    clone.ok(&["annex", "drop", "-q", "--force", "--from=r"]);
    let left = site.names();
    assert!(left.iter().all(|name| name == "annex-uuid"), "{left:?}");
}

fn chunks_come_back_whole(site: &Site) {
    there_and_back(site, &["encryption=none", "chunk=1MiB"]);
}

fn what_everybody_may_read_comes_back(site: &Site) {
    there_and_back(site, &["encryption=shared", "chunk=1MiB"]);
}

/// Those for whom there are keys; each of the three kinds.
fn what_some_may_read_comes_back(site: &Site) {
    let ring = Keyring::new(site);
    let git = site.git().with_env("GNUPGHOME", ring.home());
    let repo = site.repo("work");
    let repo = testkit::repo::Repo::at(&git, repo.path());
    super::site::fill(&repo);
    let before = contents(&repo);
    for kind in ["hybrid", "pubkey", "sharedpubkey"] {
        let place = format!("{}/{kind}", super::site::PLACE);
        let words = site.words_at(&place);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let encryption = format!("encryption={kind}");
        let more = [
            encryption.as_str(),
            "keyid=ada@example.org",
            "mac=HMACSHA256",
        ];
        repo.ok(&[&["annex", "initremote", "-q", kind], &words[..], &more].concat());
        repo.ok(&["annex", "copy", "-q", &format!("--to={kind}")]);
        repo.ok(&["annex", "drop", "-q"]);
        repo.ok(&["annex", "get", "-q", &format!("--from={kind}")]);
        assert_eq!(contents(&repo), before, "{kind}");
        let part = format!("{kind}/");
        let names = site.names().into_iter();
        let names: Vec<_> = names.filter(|name| name.starts_with(&part)).collect();
        let hidden = names
            .iter()
            .filter(|name| name.contains("/GPGHMACSHA256--"));
        assert_eq!(hidden.count(), 3, "{names:?}");
        repo.ok(&["annex", "drop", "-q", &format!("--from={kind}")]);
    }
}
