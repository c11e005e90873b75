//! Buckets that move between git-annex's own remote for S3 and ours, in both directions.

use super::encryption::Keyring;
use super::site::{PLACE, Site, change, contents, fill};
use crate::it::world::World;
use testkit::repo::Repo;

/// The two remotes of one place.
const BUILTIN: &str = "builtin";
const OURS: &str = "ours";

/// Makes one of the two, as the first or as another one of the same place.
fn make(site: &Site, repo: &Repo, name: &str, more: &[&str]) {
    let kind: &[&str] = match name {
        BUILTIN => &["type=S3"],
        _ => &["type=external", "externaltype=pail"],
    };
    let words = site.s3_words_at(PLACE);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    repo.ok(&[&["annex", "initremote", "-q", name], kind, &words, more].concat());
}

/// Two sites, in which one of the two remotes is the first.
fn both_firsts(test: impl Fn(&Site, &Repo, &str, &str)) {
    for (first, second) in [(BUILTIN, OURS), (OURS, BUILTIN)] {
        let site = Site::ours(World::s3());
        let repo = site.repo("work");
        fill(&repo);
        test(&site, &repo, first, second);
    }
}

/// What one stores the other reads, checks and drops; then the other way round.
fn content_moves(site: &Site, repo: &Repo, (first, second): (&str, &str), more: &[&str]) {
    make(site, repo, first, more);
    make(site, repo, second, &[&format!("--sameas={first}")]);
    let before = contents(repo);
    for (writer, reader) in [(first, second), (second, first)] {
        repo.ok(&["annex", "copy", "-q", &format!("--to={writer}")]);
        repo.ok(&["annex", "fsck", "-q", "--fast", &format!("--from={reader}")]);
        repo.ok(&["annex", "drop", "-q"]);
        repo.ok(&["annex", "get", "-q", &format!("--from={reader}")]);
        assert_eq!(contents(repo), before, "{writer} to {reader}");
        repo.ok(&["annex", "drop", "-q", &format!("--from={reader}")]);
        assert_eq!(site.names(), ["annex-uuid"], "{writer} to {reader}");
    }
}

#[test]
fn plain_content_moves_both_ways() {
    both_firsts(|site, repo, first, second| {
        content_moves(site, repo, (first, second), &["encryption=none"]);
    });
}

#[test]
fn chunks_move_both_ways() {
    both_firsts(|site, repo, first, second| {
        let more = ["encryption=none", "chunk=1MiB"];
        content_moves(site, repo, (first, second), &more);
    });
}

#[test]
fn shared_encryption_moves_both_ways() {
    both_firsts(|site, repo, first, second| {
        let more = ["encryption=shared", "chunk=1MiB"];
        content_moves(site, repo, (first, second), &more);
    });
}

#[test]
fn hybrid_encryption_moves_both_ways() {
    both_firsts(|site, repo, first, second| {
        let ring = Keyring::new(site);
        let git = site.git().with_env("GNUPGHOME", ring.home());
        let repo = Repo::at(&git, repo.path());
        let more = ["encryption=hybrid", "keyid=ada@example.org", "chunk=1MiB"];
        content_moves(site, &repo, (first, second), &more);
    });
}

#[test]
fn exported_trees_move_both_ways() {
    exports_both_ways(&["encryption=none", "exporttree=yes"]);
}

#[test]
fn exported_trees_with_objects_move_both_ways() {
    exports_both_ways(&["encryption=none", "exporttree=yes", "annexobjects=yes"]);
}

/// One exports, the other goes on; what is there is the tree, whoever wrote it.
fn exports_both_ways(more: &[&str]) {
    both_firsts(|site, repo, first, second| {
        make(site, repo, first, more);
        // Encryption is inherited; what kind of a tree it is must be said again.
        let same = format!("--sameas={first}");
        make(site, repo, second, &[&[same.as_str()], &more[1..]].concat());
        let turns = [(first, second), (second, first), (first, second)];
        for (round, (writer, reader)) in turns.into_iter().enumerate() {
            repo.ok(&["annex", "export", "-q", "main", &format!("--to={writer}")]);
            let before = contents(repo);
            let mut there = site.objects();
            there.retain(|name, _| name != "annex-uuid" && !name.starts_with(".git/"));
            assert_eq!(there, before, "{writer}, {round}");
            repo.ok(&["annex", "drop", "-q", "--force"]);
            repo.ok(&["annex", "get", "-q", &format!("--from={reader}")]);
            assert_eq!(contents(repo), before, "{reader}, {round}");
            change(repo, "a", format!("round {round}\n").as_bytes());
            change(repo, &format!("new {round}"), b"new\n");
            let big = repo.ok(&["ls-files", "*big*"]);
            repo.ok(&["mv", &big, &format!("big {round}")]);
            repo.ok(&["commit", "-q", "-m", "another name"]);
        }
    });
}
