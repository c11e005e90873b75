//! Rights that allow no more than files to come and go: no listing, no buckets.

use super::behind::refusal;
use super::site::{Site, change, contents, fill};
use crate::it::care::own_bucket::OwnBucket;
use crate::it::proxied::{server, through};
use crate::it::world::World;
use serde_json::json;
use testkit::services::s3_limited;
use testkit::wire_proxy::{Fault, Rule, WireProxy};

const INIT: [&str; 6] = [
    "annex",
    "initremote",
    "-q",
    "r",
    "type=external",
    "externaltype=pail",
];

#[test]
fn files_may_come_and_go_and_nothing_else() {
    let (key, secret) = s3_limited();
    let world = World::s3();
    let bucket = OwnBucket::make(&world);
    // What somebody asked for on git-annex's page of its S3 remote.
    let policy = json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow",
            "Principal": "*",
            "Action": [
                "s3:GetObject",
                "s3:PutObject",
                "s3:DeleteObject",
                "s3:AbortMultipartUpload",
            ],
            "Resource": [format!("arn:aws:s3:::{}/mine/*", bucket.name())],
        }],
    });
    bucket.put("?policy=", policy.to_string().as_bytes());
    let url = bucket.url("mine");
    let site = Site::ours(World::s3())
        .with_env("AWS_ACCESS_KEY_ID", &key)
        .with_env("AWS_SECRET_ACCESS_KEY", &secret);
    let repo = site.repo("work");
    fill(&repo);
    let before = contents(&repo);
    let url = format!("url={}", url.trim_start_matches("pail::"));
    repo.ok(&[&INIT[..], &[&url, "encryption=none"]].concat());
    repo.ok(&["annex", "copy", "-q", "--to=r"]);
    repo.ok(&["annex", "fsck", "-q", "--from=r"]);
    repo.ok(&["annex", "drop", "-q"]);
    repo.ok(&["annex", "get", "-q", "--from=r"]);
    assert_eq!(contents(&repo), before);
    repo.ok(&["annex", "drop", "-q", "--from=r"]);
    let beside = url.replace("/mine", "/other");
    let other = site.repo("other");
    let said = other.fails(&[&INIT[..], &[&beside, "encryption=none"]].concat());
    assert!(said.contains("access denied"), "{said}");
}

#[test]
fn a_tree_can_lie_where_what_is_absent_is_denied() {
    // So says S3 of what is not there to those who may not list.
    let denied = Fault::Say(refusal!("403 Forbidden", "AccessDenied"));
    let site = Site::ours(World::s3());
    let proxy = WireProxy::start(server());
    proxy.rule(
        Rule::new(denied.clone())
            .method("GET")
            .path("manifest")
            .always(),
    );
    let url = through(&proxy, &site.world().url());
    let url = format!("url={}", url.trim_start_matches("pail::"));
    let repo = site.repo("work");
    let tree = [url.as_str(), "encryption=none", "exporttree=yes"];
    repo.ok(&[&INIT[..], &tree].concat());
    change(&repo, "a", b"one\n");
    repo.ok(&["annex", "export", "-q", "main", "--to=r"]);
    assert_eq!(site.bucket().keys(), ["a"]);
    // Who may not write there either is told so now and not later.
    proxy.rule(Rule::new(denied).method("PUT").always());
    let other = site.repo("other");
    let said = other.fails(&[&INIT[..], &tree].concat());
    assert!(said.contains("access denied"), "{said}");
}
