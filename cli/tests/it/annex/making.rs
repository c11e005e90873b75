//! Places that are not there yet, and are made for a new remote.

use super::content::clone_of;
use super::site::{Site, change, contents, fill};
use crate::it::world::World;
use pail::ids::{Ids, SystemIds};
use testkit::git::Output;
use testkit::google::{Google, Rules};
use testkit::repo::Repo;
use testkit::services;

fn init(repo: &Repo, words: &[&str]) -> Output {
    let init = [
        "annex",
        "initremote",
        "r",
        "type=external",
        "externaltype=pail",
    ];
    repo.git()
        .run(&[&init[..], words, &["encryption=none"]].concat())
}

/// There and back.
fn serves(repo: &Repo) {
    fill(repo);
    let before = contents(repo);
    repo.ok(&["annex", "copy", "-q", "--to=r"]);
    repo.ok(&["annex", "drop", "-q"]);
    repo.ok(&["annex", "get", "-q", "--from=r"]);
    assert_eq!(contents(repo), before);
}

/// A name that no bucket has.
fn fresh() -> String {
    format!("pail-{}", &SystemIds.hex().unwrap()[..16])
}

/// A URL with another bucket, whose own is named `old`.
fn moved(site: &Site, old: &str, new: &str) -> String {
    let url = site.world().url();
    let url = url.trim_start_matches("pail::");
    assert!(url.contains(old), "{url}");
    format!("url={}", url.replace(old, new))
}

#[test]
fn a_bucket_is_made_for_a_new_remote() {
    let site = Site::ours(World::s3());
    let repo = site.repo("work");
    let name = fresh();
    let url = moved(&site, &services::s3().bucket, &name);
    let out = init(&repo, &[&url]);
    assert!(out.ok(), "{}{}", out.stdout, out.stderr);
    assert!(
        out.stdout.contains("made ") && out.stdout.contains(&name),
        "{}",
        out.stdout
    );
    serves(&repo);
    // The second one finds it there.
    let second = site.repo("second");
    let out = init(&second, &[&url, "fileprefix=second/"]);
    assert!(out.ok() && !out.stdout.contains("made "), "{}", out.stdout);
}

#[test]
fn a_bucket_is_made_for_a_tree() {
    let site = Site::ours(World::s3());
    for (name, more) in [
        ("work", &["exporttree=yes"][..]),
        ("other", &["exporttree=yes", "fileprefix=tree/"]),
    ] {
        let repo = site.repo(name);
        let url = moved(&site, &services::s3().bucket, &fresh());
        let out = init(&repo, &[&[url.as_str()], more].concat());
        assert!(out.ok(), "{}{}", out.stdout, out.stderr);
        assert!(out.stdout.contains("made "), "{}", out.stdout);
    }
}

#[test]
fn a_container_is_made_for_a_new_remote() {
    let site = Site::ours(World::azure());
    let repo = site.repo("work");
    let url = moved(&site, &services::azure().container, &fresh());
    let out = init(&repo, &[&url]);
    assert!(out.ok(), "{}{}", out.stdout, out.stderr);
    serves(&repo);
}

#[test]
fn a_bucket_of_google_is_made_in_the_project_that_is_named() {
    let site = Site::ours(World::folder());
    let google = Google::start(Rules {
        absent: true,
        ..Rules::default()
    });
    let site = site
        .with_env("GOOGLE_OAUTH_ACCESS_TOKEN", google.token())
        .with_env("NO_GCE_CHECK", "true");
    let repo = site.repo("work");
    let url = format!("url=gs+http://{}/{}", google.address(), google.bucket());
    let out = init(&repo, &[&url]);
    assert!(!out.ok());
    for word in ["no such bucket", "no project", "?project="] {
        assert!(out.stderr.contains(word), "{word}: {}", out.stderr);
    }
    let out = init(&repo, &[&format!("{url}?project=p-1")]);
    assert!(out.ok(), "{}{}", out.stdout, out.stderr);
    serves(&repo);
}

#[test]
fn who_may_not_make_buckets_is_told_so() {
    let service = services::s3();
    let site = Site::ours(World::s3())
        .with_env("AWS_ACCESS_KEY_ID", &service.readonly_key)
        .with_env("AWS_SECRET_ACCESS_KEY", &service.readonly_secret);
    let repo = site.repo("work");
    let name = fresh();
    let out = init(&repo, &[&moved(&site, &service.bucket, &name)]);
    assert!(!out.ok());
    for word in [name.as_str(), "no such bucket", "s3:CreateBucket"] {
        assert!(out.stderr.contains(word), "{word}: {}", out.stderr);
    }
}

#[test]
fn a_folder_is_made_and_none_around_it() {
    let site = Site::ours(World::folder());
    let repo = site.repo("work");
    let disk = site.world().path("disk");
    let url = format!("url={}", disk.join("annex").display());
    let out = init(&repo, &[&url]);
    assert!(!out.ok());
    assert!(
        out.stderr.contains("the folder around it is not there"),
        "{}",
        out.stderr
    );
    std::fs::create_dir(&disk).unwrap();
    let out = init(&repo, &[&url]);
    assert!(out.ok(), "{}{}", out.stdout, out.stderr);
    serves(&repo);
    // A clone on another machine, where the disk is not in: nothing is made there.
    std::fs::rename(disk.join("annex"), site.world().path("elsewhere")).unwrap();
    let from = repo.path().to_str().unwrap();
    let clone = Repo::clone_of(site.git(), from, site.world().path("clone"), &[]);
    clone.ok(&["annex", "init", "-q", "clone"]);
    let said = clone.fails(&["annex", "enableremote", "r"]);
    assert!(said.contains("is its disk mounted?"), "{said}");
    assert!(!disk.join("annex").exists());
    std::fs::rename(site.world().path("elsewhere"), disk.join("annex")).unwrap();
    let clone = clone_of(&site, &repo, "again");
    change(&clone, "more", b"more\n");
    clone.ok(&["annex", "copy", "-q", "--to=r", "more"]);
}
