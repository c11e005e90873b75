//! What goes wrong: told so that somebody who knows git-annex can act on it.

use super::behind::{Behind, refusal, told};
use super::site::{Site, believed, key};
use crate::it::world::{Bucket, World};
use testkit::services;
use testkit::wire_proxy::{Fault, Rule};

#[test]
fn a_wrong_secret_is_told() {
    let wrong = "this-is-not-the-secret-of-anybody";
    let site = Site::ours(World::s3()).with_env("AWS_SECRET_ACCESS_KEY", wrong);
    let repo = site.repo("work");
    let out = site.try_remote(&repo, "r", &["encryption=none"]);
    assert!(!out.ok());
    told(
        &out.stderr,
        &["the secret key is wrong", "check the secret key"],
    );
    assert!(!out.stderr.contains(wrong), "{}", out.stderr);
}

#[test]
fn missing_credentials_are_told() {
    let site = Site::ours(World::s3())
        .with_env("AWS_ACCESS_KEY_ID", "")
        .with_env("AWS_SECRET_ACCESS_KEY", "")
        .with_env("AWS_EC2_METADATA_DISABLED", "true");
    let repo = site.repo("work");
    let out = site.try_remote(&repo, "r", &["encryption=none"]);
    assert!(!out.ok());
    told(&out.stderr, &["credentials", "AWS_ACCESS_KEY_ID"]);
}

#[test]
fn a_bucket_that_went_away_is_told() {
    let site = Site::ours(World::s3());
    let repo = site.ready("work", &["encryption=none"]);
    repo.ok(&["annex", "copy", "-q", "--to=r"]);
    let words = site.words();
    let url = words.iter().find(|word| word.starts_with("url=")).unwrap();
    let gone = url.replace(&services::s3().bucket, "there-is-no-such-bucket");
    assert_ne!(url, &gone);
    // As git-annex keeps it; enabling it would ask the bucket.
    let out = repo.git().run(&["annex", "enableremote", "r", &gone]);
    assert!(!out.ok());
    told(
        &format!("{}{}", out.stdout, out.stderr),
        &["there-is-no-such-bucket"],
    );
}

#[test]
fn another_repositorys_place_is_refused() {
    let site = Site::ours(World::s3());
    let first = site.ready("first", &["encryption=none"]);
    first.ok(&["annex", "copy", "-q", "--to=r"]);
    let there = site.objects();
    let second = site.repo("second");
    let out = site.try_remote(&second, "r", &["encryption=none"]);
    assert!(!out.ok());
    let uuid = first.ok(&["config", "remote.r.annex-uuid"]);
    told(
        &out.stderr,
        &["it belongs to", &uuid, "fileprefix=", "--sameas"],
    );
    assert_eq!(site.objects(), there);
}

#[test]
fn a_full_store_is_told() {
    let behind = Behind::new();
    let full = refusal!("507 Insufficient Storage", "QuotaExceeded");
    behind
        .proxy
        .rule(Rule::new(Fault::Say(full)).method("PUT").always());
    behind
        .proxy
        .rule(Rule::new(Fault::Say(full)).method("POST").always());
    let said = behind.repo.fails(&["annex", "copy", "-q", "--to=r"]);
    told(&said, &["quota"]);
    assert_eq!(believed(&behind.repo, "r"), Vec::<String>::new());
    behind.proxy.heal();
    behind.repo.ok(&["annex", "copy", "-q", "--to=r"]);
    behind.repo.ok(&["annex", "fsck", "-q", "--from=r"]);
}

#[test]
fn a_server_that_says_yes_to_everything_is_found_out() {
    let yes = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    let page = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 7\r\n\
                Connection: close\r\n\r\n<html/>";
    for answer in [yes, page] {
        let behind = Behind::new();
        behind.proxy.rule(Rule::new(Fault::Say(answer)).always());
        let said = behind.repo.fails(&["annex", "copy", "-q", "--to=r", "a"]);
        told(&said, &[]);
        assert_eq!(believed(&behind.repo, "r"), Vec::<String>::new());
        let other = behind.site.repo("other");
        let words = behind.repo.ok(&["show", "git-annex:remote.log"]);
        let url = words
            .split(' ')
            .find(|word| word.starts_with("url="))
            .unwrap();
        let init = [
            "annex",
            "initremote",
            "-q",
            "s",
            "type=external",
            "externaltype=pail",
        ];
        let said = other.fails(&[&init[..], &[url, "encryption=none"]].concat());
        told(&said, &[]);
    }
}

#[test]
fn content_that_was_cut_short_in_the_store_is_not_there() {
    for site in [Site::ours(World::folder()), Site::ours(World::s3())] {
        let repo = site.ready("work", &["encryption=none"]);
        repo.ok(&["annex", "copy", "-q", "--to=r"]);
        let big = key(&repo, "b/big.bin");
        site.write(&big, b"not nearly all of it");
        repo.fails(&["annex", "fsck", "-q", "--fast", "--from=r"]);
        assert_eq!(believed(&repo, "r"), ["a", "b/no bytes"]);
        repo.ok(&["annex", "copy", "-q", "--to=r"]);
        repo.ok(&["annex", "fsck", "-q", "--from=r"]);
        assert!(matches!(site.bucket(), Bucket::Folder(_) | Bucket::S3(_)));
    }
}
