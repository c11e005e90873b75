//! Trees of files under their own names: `exporttree=yes`.

use super::site::{Kind, Site, change, contents, fill, key, on_every_site, on_the_others};
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use testkit::repo::Repo;

on_every_site!(
    an_export_is_the_tree_itself,
    an_export_follows_the_tree,
    files_that_change_places_are_told_apart,
    exported_content_comes_back,
    what_was_taken_away_is_noticed,
    older_content_is_kept_as_objects,
);
on_the_others!(an_export_is_the_tree_itself, an_export_follows_the_tree,);

const EXPORT: [&str; 2] = ["encryption=none", "exporttree=yes"];

/// The files of the special remote, but for the mark of whose it is.
fn exported(site: &Site) -> BTreeMap<String, Vec<u8>> {
    let mut objects = site.objects();
    objects.remove("annex-uuid");
    objects
}

fn export(repo: &Repo) {
    repo.ok(&["annex", "export", "-q", "main", "--to=r"]);
}

fn an_export_is_the_tree_itself(site: &Site) {
    let repo = site.ready("work", &EXPORT);
    change(&repo, "sub dir/uni #1+&%25.txt", b"a name of many kinds\n");
    change(&repo, "größe/ü", b"a name beyond ASCII\n");
    change(&repo, " blanks around ", b"a name with blanks\n");
    // Files of git itself are exported, too.
    repo.write("plain", "of git\n");
    repo.ok(&["-c", "annex.largefiles=nothing", "add", "plain"]);
    repo.ok(&["commit", "-q", "-m", "plain"]);
    export(&repo);
    assert_eq!(exported(site), contents(&repo));
    // Once more is nothing to do.
    export(&repo);
    assert_eq!(exported(site), contents(&repo));
}

fn an_export_follows_the_tree(site: &Site) {
    let repo = site.ready("work", &EXPORT);
    export(&repo);
    repo.ok(&["mv", "b/big.bin", "moved"]);
    repo.ok(&["rm", "-q", "b/no bytes"]);
    change(&repo, "a", b"two\n");
    change(&repo, "deep/er/c", b"three\n");
    export(&repo);
    assert_eq!(exported(site), contents(&repo));
    // A file in the place of a folder, and a folder in the place of a file.
    repo.ok(&["rm", "-q", "-r", "deep", "a"]);
    change(&repo, "deep", b"a file now\n");
    change(&repo, "a/b", b"a folder now\n");
    export(&repo);
    assert_eq!(exported(site), contents(&repo));
    repo.ok(&["rm", "-q", "-r", "."]);
    repo.ok(&["commit", "-q", "-m", "nothing"]);
    export(&repo);
    assert_eq!(exported(site), BTreeMap::new());
    let folders = |path| std::fs::read_dir(path).into_iter().flatten().count();
    if let crate::it::world::Bucket::Folder(root) = site.bucket() {
        let left = folders(root.join(super::site::PLACE));
        assert_eq!(left, 0, "empty folders go with their last file");
    }
}

fn files_that_change_places_are_told_apart(site: &Site) {
    let repo = site.ready("work", &EXPORT);
    for (name, text) in [("x", "of x\n"), ("y", "of y\n"), ("z", "of z\n")] {
        change(&repo, name, text.as_bytes());
    }
    export(&repo);
    for (from, to) in [("x", "t"), ("y", "x"), ("z", "y"), ("t", "z")] {
        repo.ok(&["mv", from, to]);
    }
    repo.ok(&["commit", "-q", "-m", "a round of names"]);
    export(&repo);
    assert_eq!(exported(site), contents(&repo));
    // Twice the same content, and then once.
    change(&repo, "again", b"of x\n");
    export(&repo);
    assert_eq!(exported(site), contents(&repo));
    repo.ok(&["rm", "-q", "again"]);
    repo.ok(&["commit", "-q", "-m", "once"]);
    export(&repo);
    assert_eq!(exported(site), contents(&repo));
}

fn exported_content_comes_back(site: &Site) {
    let repo = site.ready("work", &EXPORT);
    let before = contents(&repo);
    export(&repo);
    repo.ok(&["annex", "drop", "-q", "--force"]);
    repo.ok(&["annex", "get", "-q", "--from=r"]);
    assert_eq!(contents(&repo), before);
    repo.ok(&["annex", "fsck", "-q", "--from=r"]);
    // What had been cut off half way is done by the next export.
    let missing = key(&repo, "b/big.bin");
    repo.ok(&["annex", "drop", "-q", "--force", "b/big.bin"]);
    repo.ok(&["mv", "b/big.bin", "elsewhere"]);
    repo.ok(&["commit", "-q", "-m", "move"]);
    export(&repo);
    repo.ok(&["annex", "get", "-q", "--from=r"]);
    assert_eq!(key(&repo, "elsewhere"), missing);
    assert_eq!(exported(site), contents(&repo));
}

fn what_was_taken_away_is_noticed(site: &Site) {
    let repo = site.ready("work", &EXPORT);
    export(&repo);
    site.remove("a");
    repo.fails(&["annex", "fsck", "-q", "--fast", "--from=r"]);
    export(&repo);
    assert_eq!(exported(site), contents(&repo));
    repo.ok(&["annex", "fsck", "-q", "--from=r"]);
}

fn older_content_is_kept_as_objects(site: &Site) {
    let repo = site.repo("work");
    fill(&repo);
    site.init_remote(&repo, "r", &[&EXPORT[..], &["annexobjects=yes"]].concat());
    export(&repo);
    let old = key(&repo, "a");
    change(&repo, "a", b"two\n");
    export(&repo);
    let trees = |site: &Site| {
        let mut all = exported(site);
        all.retain(|name, _| !name.starts_with(".git/annex/objects/"));
        all
    };
    assert_eq!(trees(site), contents(&repo));
    let kept = format!("/{old}/{old}");
    let names = site.names();
    let kept = names.iter().find(|name| name.ends_with(&kept));
    assert_eq!(site.objects()[kept.unwrap()], b"one\n");
    repo.ok(&["annex", "drop", "-q", "--force", "--key", &old]);
    repo.ok(&["annex", "get", "-q", "--from=r", "--key", &old]);
    repo.ok(&["annex", "drop", "-q", "--force", "--from=r", "--key", &old]);
    // Content of no exported tree goes there, too, as to any special remote.
    repo.ok(&["checkout", "-q", "-b", "side"]);
    let aside = change(&repo, "aside", b"not exported\n");
    repo.ok(&["annex", "copy", "-q", "--to=r", "aside"]);
    let names = site.names();
    assert!(!names.iter().any(|name| name.ends_with(&old)), "{names:?}");
    assert!(names.iter().any(|name| name.ends_with(&aside)), "{names:?}");
    repo.ok(&["checkout", "-q", "main"]);
    export(&repo);
    assert_eq!(trees(site), contents(&repo));
}

#[test]
fn names_need_not_be_text() {
    for site in [
        Site::ours(crate::it::world::World::folder()),
        Site::ours(crate::it::world::World::s3()),
    ] {
        names_that_are_no_text_come_back(&site);
    }
}

/// What a store cannot hold as a name it holds under another; git-annex need not know.
fn names_that_are_no_text_come_back(site: &Site) {
    assert_eq!(site.kind(), Kind::Ours);
    let repo = site.ready("work", &EXPORT);
    for (number, name) in [&b"bytes \xff\xfe"[..], b"cr\r", b"back\\slash", b"..."]
        .into_iter()
        .enumerate()
    {
        let path = repo.path().join(OsStr::from_bytes(name));
        std::fs::write(path, format!("number {number}\n")).unwrap();
    }
    repo.ok(&["annex", "add", "-q", "."]);
    repo.ok(&["commit", "-q", "-m", "odd names"]);
    export(&repo);
    assert_eq!(exported(site).len(), 7);
    repo.ok(&["annex", "drop", "-q", "--force"]);
    repo.ok(&["annex", "get", "-q", "--from=r"]);
    repo.ok(&["annex", "fsck", "-q", "--from=r"]);
    repo.ok(&["rm", "-q", "-r", "."]);
    repo.ok(&["commit", "-q", "-m", "nothing"]);
    export(&repo);
    assert_eq!(exported(site), BTreeMap::new());
}
