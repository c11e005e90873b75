//! What goes wrong: told so that somebody who knows git-annex can act on it.

use super::site::{Site, believed, change, contents, key};
use crate::it::proxied::server;
use crate::it::world::{Bucket, World};
use testkit::repo::Repo;
use testkit::services;
use testkit::wire_proxy::{Fault, Rule, WireProxy};

/// An S3 service's refusal of this status and code.
macro_rules! refusal {
    ($status:literal, $code:literal) => {
        concat!(
            "HTTP/1.1 ",
            $status,
            "\r\nContent-Type: application/xml\r\nConnection: close\r\n\r\n",
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>",
            $code,
            "</Code><Message>said by the test</Message></Error>"
        )
    };
}

/// Whether it is told, in a few lines, without a secret.
#[track_caller]
fn told(said: &str, words: &[&str]) {
    for word in words {
        assert!(said.contains(word), "'{word}' is not in: {said}");
    }
    assert!(!said.contains("panicked") && said.len() < 4000, "{said}");
    assert!(!said.contains(&services::s3().secret), "{said}");
}

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

/// A repository whose remote is reached through a proxy.
struct Behind {
    site: Site,
    repo: Repo,
    proxy: WireProxy,
}

impl Behind {
    fn new() -> Self {
        let site = Site::ours(World::s3());
        let proxy = WireProxy::start(server());
        let repo = site.repo("work");
        super::site::fill(&repo);
        let words = site.words().join(" ");
        let words = words.replace(&server().to_string(), &proxy.address().to_string());
        assert!(words.contains(&proxy.address().to_string()));
        let words: Vec<&str> = words.split(' ').collect();
        let init = ["annex", "initremote", "-q", "r"];
        repo.ok(&[&init[..], &words, &["encryption=none"]].concat());
        // Once is enough: how often git-annex itself tries is not what is told here.
        repo.ok(&["config", "annex.retry", "0"]);
        repo.ok(&["config", "annex.forward-retry", "0"]);
        Self { site, repo, proxy }
    }

    fn filled() -> Self {
        let this = Self::new();
        this.repo.ok(&["annex", "copy", "-q", "--to=r"]);
        this
    }
}

#[test]
fn archived_content_is_told() {
    let behind = Behind::filled();
    behind.repo.ok(&["annex", "drop", "-q", "a"]);
    let archived = refusal!("403 Forbidden", "InvalidObjectState");
    behind
        .proxy
        .rule(Rule::new(Fault::Say(archived)).method("GET").always());
    let said = behind.repo.fails(&["annex", "get", "-q", "--from=r", "a"]);
    told(&said, &["archive", "restore"]);
    behind.proxy.heal();
    behind.repo.ok(&["annex", "get", "-q", "--from=r", "a"]);
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
fn a_transfer_that_is_cut_goes_on_where_it_was() {
    let behind = Behind::new();
    let repo = &behind.repo;
    // Part by part, so that it is known which of them came.
    repo.ok(&["config", "remote.r.pail-parallel", "1"]);
    repo.ok(&["config", "remote.r.pail-part-size", "5M"]);
    let bytes = testkit::seed::Chance::new(7).bytes(12_000_000);
    let key = change(repo, "huge", &bytes);
    repo.ok(&["annex", "copy", "-q", "--to=r", "huge"]);
    repo.ok(&["annex", "drop", "-q", "huge"]);
    let refused = refusal!("403 Forbidden", "AccessDenied");
    let second = Rule::new(Fault::Say(refused))
        .method("GET")
        .path(&key)
        .nth(2);
    behind.proxy.rule(second.always());
    let said = repo.fails(&["annex", "get", "-q", "--from=r", "huge"]);
    told(&said, &["access denied"]);
    behind.proxy.heal();
    behind.proxy.forget();
    repo.ok(&["annex", "get", "-q", "--from=r", "huge"]);
    assert_eq!(contents(repo)["huge"], bytes);
    let (_, down) = behind.proxy.bytes();
    assert!(down < 7_000_000, "only what was missing: {down}");
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
