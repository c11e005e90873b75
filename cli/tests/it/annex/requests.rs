//! What goes over the wire, and when.

use super::site::{PLACE, Site, change, contents, key};
use crate::it::proxied::server;
use crate::it::world::World;
use testkit::repo::Repo;
use testkit::wire_proxy::WireProxy;

/// A special remote that is reached through a proxy.
fn through(site: &Site, repo: &Repo, more: &[&str]) -> WireProxy {
    let proxy = WireProxy::start(server());
    let port = format!("port={}", proxy.address().port());
    let words = site.s3_words_at(PLACE);
    let words = words.iter().map(String::as_str);
    let words: Vec<&str> = words
        .map(|word| {
            if word.starts_with("port=") {
                port.as_str()
            } else {
                word
            }
        })
        .collect();
    let init = [
        "annex",
        "initremote",
        "-q",
        "r",
        "type=external",
        "externaltype=pail",
    ];
    repo.ok(&[&init[..], &words, more].concat());
    proxy
}

#[test]
fn a_remote_that_is_not_used_asks_nothing() {
    // git-annex starts the program of each such remote for nearly every command.
    let site = Site::ours(World::s3());
    let repo = site.repo("work");
    let proxy = through(&site, &repo, &["encryption=none", "exporttree=yes"]);
    proxy.forget();
    change(&repo, "a", b"one\n");
    for words in [
        &["info", "--fast"][..],
        &["whereis"],
        &["find"],
        &["fsck", "-q"],
        &["status"],
    ] {
        repo.ok(&[&["annex"], words].concat());
    }
    assert_eq!(proxy.records(), []);
}

#[test]
fn what_is_asked_for_is_sent_along() {
    let site = Site::ours(World::s3());
    let repo = site.repo("work");
    let more = [
        "encryption=none",
        "storageclass=STANDARD_IA",
        "metadata=project=x,owner=ada",
        "x-amz-tagging=kind=annex",
    ];
    let proxy = through(&site, &repo, &more);
    super::site::fill(&repo);
    repo.ok(&["annex", "copy", "-q", "--to=r"]);
    let records = proxy.records();
    for name in ["a", "b/big.bin"] {
        let path = format!("/{}", key(&repo, name));
        // Small ones with one request, large ones with some.
        let start = records.iter().find(|record| {
            let begins = record.method == "PUT" || record.path.contains("?uploads");
            begins && record.path.contains(&path)
        });
        let start = start.unwrap_or_else(|| panic!("{name}: {records:?}"));
        for (header, value) in [
            ("x-amz-storage-class", "STANDARD_IA"),
            ("x-amz-meta-project", "x"),
            ("x-amz-meta-owner", "ada"),
            ("x-amz-tagging", "kind=annex"),
        ] {
            assert_eq!(
                start.header(header),
                Some(value),
                "{name}: {}",
                start.headers
            );
        }
    }
}

#[test]
fn a_small_file_is_one_request_each_way() {
    let site = Site::ours(World::s3());
    let repo = site.repo("work");
    let proxy = through(&site, &repo, &["encryption=none"]);
    change(&repo, "a", b"one\n");
    let before = contents(&repo);
    proxy.forget();
    // Without asking first whether it is there.
    repo.ok(&["annex", "copy", "-q", "--fast", "--to=r", "a"]);
    assert_eq!(methods(&proxy), ["PUT"]);
    repo.ok(&["annex", "drop", "-q", "--force", "a"]);
    proxy.forget();
    repo.ok(&["annex", "get", "-q", "--from=r", "a"]);
    assert_eq!(methods(&proxy), ["GET"]);
    assert_eq!(contents(&repo), before);
    proxy.forget();
    repo.ok(&["annex", "fsck", "-q", "--fast", "--from=r", "a"]);
    assert_eq!(methods(&proxy), ["HEAD"]);
}

#[test]
fn a_file_of_a_tree_gets_another_name_without_coming_here() {
    let site = Site::ours(World::s3());
    let repo = site.repo("work");
    let proxy = through(&site, &repo, &["encryption=none", "exporttree=yes"]);
    let content = testkit::seed::Chance::new(5).bytes(1 << 20);
    change(&repo, "before", &content);
    let export = || repo.ok(&["annex", "export", "-q", "main", "--to=r"]);
    export();
    repo.ok(&["mv", "before", "after"]);
    repo.ok(&["commit", "-q", "-m", "another name"]);
    proxy.forget();
    export();
    let records = proxy.records();
    let moved: u64 = records.iter().map(|it| it.sent + it.received).sum();
    assert!(moved < 4096, "{moved} bytes: {records:#?}");
    let copies = records
        .iter()
        .filter(|it| it.header("x-amz-copy-source").is_some());
    // Git-annex goes by way of a third name.
    assert_ne!(copies.count(), 0, "{records:#?}");
    repo.ok(&["annex", "drop", "-q", "--force", "after"]);
    repo.ok(&["annex", "get", "-q", "--from=r", "after"]);
    assert!(std::fs::read(repo.path().join("after")).unwrap() == content);
}

/// The methods of all requests that were answered well.
fn methods(proxy: &WireProxy) -> Vec<String> {
    let records = proxy.records().into_iter();
    let well = records.filter(|record| record.status.is_some_and(|status| status < 300));
    well.map(|record| record.method).collect()
}

#[test]
fn embedded_credentials_serve_a_clone() {
    let site = Site::ours(World::s3());
    let repo = site.ready("work", &["encryption=none", "embedcreds=yes"]);
    let before = contents(&repo);
    repo.ok(&["annex", "copy", "-q", "--to=r"]);
    // Under the name that git-annex's own remote has for them.
    let log = repo.ok(&["show", "git-annex:remote.log"]);
    assert!(log.contains(" s3creds="), "{log}");
    let site = site
        .with_env("AWS_ACCESS_KEY_ID", "")
        .with_env("AWS_SECRET_ACCESS_KEY", "")
        .with_env("AWS_EC2_METADATA_DISABLED", "true");
    let clone = super::content::clone_of(&site, &repo, "clone");
    clone.ok(&["annex", "get", "-q", "--from=r"]);
    assert_eq!(contents(&clone), before);
    // Who has others uses those.
    let git = clone.git().with_env("AWS_ACCESS_KEY_ID", "NOBODY");
    let git = git.with_env("AWS_SECRET_ACCESS_KEY", "nothing");
    let other = Repo::at(&git, clone.path());
    other.ok(&["annex", "drop", "-q", "--force", "a"]);
    let said = other.fails(&["annex", "get", "-q", "--from=r", "a"]);
    assert!(said.contains("access key"), "{said}");
}
