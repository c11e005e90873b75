//! Files that others have put into the bucket: `importtree=yes`.

use super::site::{Kind, Site, contents, on_every_site, on_the_others};
use std::collections::BTreeMap;
use testkit::repo::Repo;

on_every_site!(
    what_others_put_there_is_imported,
    what_others_change_is_imported_again,
    as_many_other_bytes_are_imported_again,
);
// Git-annex's own remotes do both at once, and want `--force` for it.
super::site::tests!(both_on_folder: folder, ours, one_place_is_exported_to_and_imported_from);
super::site::tests!(both_on_s3: s3, ours, one_place_is_exported_to_and_imported_from);
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

fn as_many_other_bytes_are_imported_again(site: &Site) {
    put(site, &[("a", "one\n")]);
    let repo = ready(site, &[]);
    for text in ["one\n", "two\n", "six\n"] {
        // Most likely within one second, which is as exact as listings of times are.
        put(site, &[("a", text)]);
        assert_eq!(imported(&repo, &[]), files(&[("a", text)]));
    }
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

/// Two remotes, since git-annex does not let an external one be both.
fn one_place_is_exported_to_and_imported_from(site: &Site) {
    let repo = site.repo("work");
    let write = |name: &str, text: &str| {
        super::site::change(&repo, name, text.as_bytes());
    };
    write("a", "one\n");
    write("b", "two\n");
    site.init_remote(&repo, "out", &["encryption=none", "exporttree=yes"]);
    site.init_remote(&repo, "r", &["--sameas=out", "importtree=yes"]);
    let export = || repo.ok(&["annex", "export", "-q", "main", "--to=out"]);
    export();
    // What was exported is nothing new to the one who imports.
    let tree = files(&[("a", "one\n"), ("b", "two\n")]);
    assert_eq!(imported(&repo, &[]), tree);
    let merge = || {
        let words = [
            "merge",
            "-q",
            "--allow-unrelated-histories",
            "-m",
            "both",
            "r/main",
        ];
        repo.ok(&words);
    };
    merge();
    // Somebody works there, and somebody here.
    put(
        site,
        &[("b", "two, changed there\n"), ("c", "made there\n")],
    );
    write("a", "one, changed here\n");
    repo.ok(&["annex", "import", "-q", "main", "--from=r"]);
    merge();
    export();
    let both = files(&[
        ("a", "one, changed here\n"),
        ("b", "two, changed there\n"),
        ("c", "made there\n"),
    ]);
    assert_eq!(contents(&repo), both);
    assert_eq!(site.objects(), both);
    // Once more, with our own export among what is there.
    put(site, &[("c", "changed there once more\n")]);
    repo.ok(&["annex", "import", "-q", "main", "--from=r"]);
    merge();
    let found = contents(&repo);
    assert_eq!(found["a"], b"one, changed here\n");
    assert_eq!(found["c"], b"changed there once more\n");
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
