//! Files that others have put into the bucket: `importtree=yes`.

use super::site::{Kind, Site, contents, on_every_site, on_the_others};
use std::collections::BTreeMap;
use testkit::repo::Repo;

on_every_site!(
    what_others_put_there_is_imported,
    what_others_change_is_imported_again,
);
on_the_others!(what_others_put_there_is_imported,);

/// A repository with one commit and a remote to import from.
fn ready(site: &Site, more: &[&str]) -> Repo {
    let repo = site.repo("work");
    repo.write("own", "in git\n");
    repo.ok(&["-c", "annex.largefiles=nothing", "add", "own"]);
    repo.ok(&["commit", "-q", "-m", "own"]);
    site.init_remote(
        &repo,
        "r",
        &[&["encryption=none", "importtree=yes"], more].concat(),
    );
    repo
}

/// The content of the branch that an import makes, all of it got.
fn imported(repo: &Repo, more: &[&str]) -> BTreeMap<String, Vec<u8>> {
    repo.ok(&[&["annex", "import", "-q", "main", "--from=r"], more].concat());
    repo.ok(&["checkout", "-q", "--detach", "r/main"]);
    let found = contents(repo);
    repo.ok(&["checkout", "-q", "main"]);
    found
}

fn files(list: &[(&str, &str)]) -> BTreeMap<String, Vec<u8>> {
    let files = list.iter();
    files
        .map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec()))
        .collect()
}

fn put(site: &Site, list: &[(&str, &str)]) {
    for (name, text) in list {
        site.write(name, text.as_bytes());
    }
}

fn what_others_put_there_is_imported(site: &Site) {
    let list = [
        ("a", "one\n"),
        ("sub dir/b.txt", "two\n"),
        ("sub dir/deep/größe", "three\n"),
        ("no bytes", ""),
    ];
    put(site, &list);
    let repo = ready(site, &[]);
    assert_eq!(imported(&repo, &[]), files(&list));
    repo.ok(&[
        "merge",
        "-q",
        "--allow-unrelated-histories",
        "-m",
        "m",
        "r/main",
    ]);
    // It is content of the remote like any other.
    repo.ok(&["annex", "drop", "-q", "--force", "a"]);
    repo.ok(&["annex", "get", "-q", "--from=r", "a"]);
    repo.ok(&["annex", "fsck", "-q", "--from=r"]);
}

fn what_others_change_is_imported_again(site: &Site) {
    put(site, &[("a", "one\n"), ("b", "two\n"), ("c", "three\n")]);
    let repo = ready(site, &[]);
    let first = imported(&repo, &[]);
    assert_eq!(first.len(), 3);
    // The same again makes no other commit.
    let head = repo.id("r/main");
    assert_eq!(imported(&repo, &[]), first);
    assert_eq!(repo.id("r/main"), head);
    put(
        site,
        &[("b", "two, of the same length?\n"), ("d", "four\n")],
    );
    site.remove("c");
    let now = [
        ("a", "one\n"),
        ("b", "two, of the same length?\n"),
        ("d", "four\n"),
    ];
    assert_eq!(imported(&repo, &[]), files(&now));
    // The older tree is history.
    let before = repo.ok(&["ls-tree", "-r", "--name-only", "r/main~1"]);
    assert_eq!(before, "a\nb\nc");
}

#[test]
fn a_file_that_changed_since_it_was_listed_is_not_taken_for_the_other() {
    let site = Site::ours(crate::it::world::World::s3());
    assert_eq!(site.kind(), Kind::Ours);
    put(&site, &[("a", "one\n")]);
    let repo = ready(&site, &[]);
    imported(&repo, &[]);
    repo.ok(&[
        "merge",
        "-q",
        "--allow-unrelated-histories",
        "-m",
        "m",
        "r/main",
    ]);
    repo.ok(&["annex", "drop", "-q", "--force", "a"]);
    site.write("a", b"two\n");
    repo.fails(&["annex", "get", "-q", "--from=r", "a"]);
    assert!(!repo.path().join("a").exists());
}
