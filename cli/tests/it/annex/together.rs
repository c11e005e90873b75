//! One bucket for everything: git's own data and git-annex's content.

use super::site::{Site, change, contents, fill, on_sites_like_a_bucket, on_the_others};
use crate::it::world::World;
use testkit::repo::Repo;

on_sites_like_a_bucket!(the_bucket_alone_restores_a_repository);
on_the_others!(the_bucket_alone_restores_a_repository);

/// A clone, and then its content, with nothing known but the bucket's URL.
fn the_bucket_alone_restores_a_repository(site: &Site) {
    let repo = site.repo("work");
    fill(&repo);
    site.init_remote(&repo, "r", &["encryption=none", "autoenable=true"]);
    repo.ok(&["annex", "copy", "-q", "--to=r"]);
    repo.ok(&["push", "-q", "origin", "main", "git-annex"]);
    let before = contents(&repo);
    let clone = Repo::clone_of(
        site.git(),
        &site.world().url(),
        site.world().path("clone"),
        &[],
    );
    clone.ok(&["annex", "get", "-q"]);
    assert_eq!(contents(&clone), before);
}

#[test]
fn git_and_content_share_one_place() {
    // The same URL for both.
    for world in [World::folder(), World::s3()] {
        let site = Site::ours(world);
        let repo = site.repo("work");
        fill(&repo);
        let url = site.world().url();
        let url = format!("url={}", url.trim_start_matches("pail::"));
        let init = [
            "annex",
            "initremote",
            "-q",
            "r",
            "type=external",
            "externaltype=pail",
        ];
        let more = [url.as_str(), "encryption=none", "autoenable=true"];
        repo.ok(&[&init[..], &more].concat());
        repo.ok(&["annex", "copy", "-q", "--to=r"]);
        repo.ok(&["push", "-q", "origin", "main", "git-annex"]);
        change(&repo, "a", b"two\n");
        repo.ok(&["annex", "copy", "-q", "--to=r"]);
        repo.ok(&["push", "-q", "origin", "main", "git-annex"]);
        let before = contents(&repo);
        // Neither takes the other's files for garbage.
        let mut gc = site.git().at(site.world().path(".")).program("git-pail");
        gc.args(["maintenance", "run", "--all", &site.world().url()]);
        testkit::git::run(gc, b"");
        repo.ok(&["annex", "fsck", "-q", "--from=r"]);
        let path = site.world().path("clone");
        let clone = Repo::clone_of(site.git(), &site.world().url(), path, &[]);
        clone.ok(&["annex", "get", "-q"]);
        assert_eq!(contents(&clone), before);
        clone.fsck();
    }
}
