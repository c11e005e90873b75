//! Content that lies in an archive. No server at hand has one: a proxy gives the answers that
//! S3 documents for GetObject, HeadObject and RestoreObject.

use super::behind::{Behind, refusal, told};
use super::site::{Site, believed, contents, key};
use crate::it::world::World;
use testkit::wire_proxy::{Fault, Record, Rule};

const ARCHIVED: &str = refusal!("403 Forbidden", "InvalidObjectState");
const GOING: &str = refusal!("409 Conflict", "RestoreAlreadyInProgress");
const ACCEPTED: &str = "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
const READABLE: &str = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

/// What lies there can be seen and not be read; asking for it back gets this answer.
fn archive(behind: &Behind, answer: &'static str) {
    behind.proxy.heal();
    behind.proxy.forget();
    let reads = Rule::new(Fault::Say(ARCHIVED)).method("GET").path("--");
    behind.proxy.rule(reads.always());
    let asks = Rule::new(Fault::Say(answer))
        .method("POST")
        .path("?restore");
    behind.proxy.rule(asks.always());
}

/// The files that were asked for.
fn asked(behind: &Behind) -> Vec<Record> {
    let records = behind.proxy.records().into_iter();
    records
        .filter(|record| record.path.contains("?restore"))
        .collect()
}

#[test]
fn archived_content_is_told() {
    let behind = Behind::filled(&["encryption=none"]);
    behind.repo.ok(&["annex", "drop", "-q", "a"]);
    archive(&behind, ACCEPTED);
    let said = behind.repo.fails(&["annex", "get", "-q", "--from=r", "a"]);
    told(&said, &["archive", "restore=yes"]);
    assert_eq!(asked(&behind), []);
    behind.proxy.heal();
    behind.repo.ok(&["annex", "get", "-q", "--from=r", "a"]);
}

#[test]
fn what_is_wanted_is_asked_back() {
    let behind = Behind::filled(&["encryption=none", "restore=yes"]);
    let (repo, before) = (&behind.repo, contents(&behind.repo));
    repo.ok(&["annex", "drop", "-q", "a"]);
    let get = ["annex", "get", "-q", "--from=r", "a"];
    archive(&behind, ACCEPTED);
    told(
        &repo.fails(&get),
        &["archive", "asked for now", "try again in 3 to 15 hours"],
    );
    let requests = asked(&behind);
    assert_eq!(requests.len(), 1);
    assert!(requests[0].path.contains(&key(repo, "a")), "{requests:?}");
    archive(&behind, GOING);
    told(
        &repo.fails(&get),
        &["archive", "asked for before", "try again"],
    );
    // It is there, as everybody can see.
    archive(&behind, ACCEPTED);
    repo.ok(&["annex", "fsck", "-q", "--fast", "--from=r"]);
    assert_eq!(believed(repo, "r"), ["a", "b/big.bin", "b/no bytes"]);
    assert_eq!(asked(&behind), []);
    // As who set it up for git-annex's own remote has it.
    repo.ok(&["config", "annex.s3-restore-tier", "bulk"]);
    told(&repo.fails(&get), &["try again in 5 to 48 hours"]);
    behind.proxy.heal();
    repo.ok(&get);
    assert_eq!(contents(repo), before);
}

#[test]
fn what_has_just_come_back_is_read() {
    let behind = Behind::filled(&["encryption=none", "restore=yes"]);
    let (repo, before) = (&behind.repo, contents(&behind.repo));
    repo.ok(&["annex", "drop", "-q", "a"]);
    behind
        .proxy
        .rule(Rule::new(Fault::Say(ARCHIVED)).method("GET").path("--"));
    let asks = Rule::new(Fault::Say(READABLE))
        .method("POST")
        .path("?restore");
    behind.proxy.rule(asks);
    repo.ok(&["annex", "get", "-q", "--from=r", "a"]);
    assert_eq!(contents(repo), before);
}

#[test]
fn all_chunks_are_asked_for_at_once() {
    let behind = Behind::filled(&["encryption=none", "restore=yes", "chunk=1MiB"]);
    let repo = &behind.repo;
    repo.ok(&["annex", "drop", "-q", "b/big.bin"]);
    archive(&behind, ACCEPTED);
    let said = repo.fails(&["annex", "get", "-q", "--from=r", "b/big.bin"]);
    told(&said, &["with the 2 chunks that follow"]);
    let requests = asked(&behind);
    for chunk in ["-C1--", "-C2--", "-C3--"] {
        let one = requests.iter().filter(|record| record.path.contains(chunk));
        assert!(one.count() > 0, "{chunk}: {requests:?}");
    }
}

#[test]
fn who_may_not_ask_is_told_so() {
    let behind = Behind::filled(&["encryption=none", "restore=yes"]);
    behind.repo.ok(&["annex", "drop", "-q", "a"]);
    archive(&behind, refusal!("403 Forbidden", "AccessDenied"));
    let said = behind.repo.fails(&["annex", "get", "-q", "--from=r", "a"]);
    told(&said, &["access denied", "s3:RestoreObject"]);
}

#[test]
fn azure_moves_what_is_wanted_to_another_tier() {
    let site = Site::ours(World::azure());
    let more = ["encryption=none", "restore=yes", "storageclass=Archive"];
    let repo = site.ready("work", &more);
    let before = contents(&repo);
    repo.ok(&["annex", "copy", "-q", "--to=r", "a"]);
    repo.ok(&["annex", "fsck", "-q", "--fast", "--from=r", "a"]);
    repo.ok(&["annex", "drop", "-q", "a"]);
    let get = ["annex", "get", "-q", "--from=r", "a"];
    told(&repo.fails(&get), &["archive", "asked for now"]);
    // Azure takes hours for it; the service of the tests has done it.
    repo.ok(&get);
    assert_eq!(contents(&repo), before);
}
