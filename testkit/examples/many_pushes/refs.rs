//! A repository of very many refs: what it costs to list them, to push one and to fetch one.

use crate::bucket::Bucket;
use crate::measure::{Cost, Counter};
use std::fmt::Write as _;
use std::path::Path;
use testkit::git::Git;
use testkit::repo::Repo;

/// Measures it; answers a table.
pub(crate) fn measure(bucket: &Bucket, git: &Git, dir: &Path, count: usize) -> String {
    let counter = Counter::new(bucket);
    let work = Repo::init_with(git, dir.join("work"), &[]);
    work.commit("file", "one\n");
    make_refs(&work, count);
    let mut table = String::new();
    let mut row = |what: &str, cost: Cost| {
        println!("{what}: {cost}");
        writeln!(table, "| {what} | {cost} |").expect("text can be written");
    };
    row(
        "push of all of them, `--mirror`",
        counter.count(|url| drop(work.ok(&["push", "-q", "--mirror", url]))),
    );
    // Each reader has its own cache.
    let away = git.with_env("PAIL_CACHE", dir.join("away"));
    for how in ["cold", "warm"] {
        row(
            &format!("`git ls-remote`, {how}"),
            counter.count(|url| drop(away.ok(&["ls-remote", "-q", url]))),
        );
    }
    let reader = Repo::init_with(&away, dir.join("reader"), &["--bare"]);
    let one = format!("refs/heads/many/{:07}", count / 2);
    let spec = format!("+{one}:{one}");
    reader.ok(&["fetch", "-q", &bucket.url(), &spec]);
    work.commit("file", "two\n");
    row(
        "push of one commit",
        counter.count(|url| drop(work.ok(&["push", "-q", url, &format!("HEAD:{one}")]))),
    );
    row(
        "fetch of it, warm",
        counter.count(|url| drop(reader.ok(&["fetch", "-q", url, &spec]))),
    );
    assert_eq!(reader.id(&one), Some(work.head()));
    table
}

/// So many branches at the one commit. Git would take minutes to make them one by one.
fn make_refs(work: &Repo, count: usize) {
    let head = work.head();
    let mut packed = String::from("# pack-refs with: peeled fully-peeled sorted \n");
    for number in 1..=count {
        writeln!(packed, "{head} refs/heads/many/{number:07}").expect("text can be written");
    }
    std::fs::write(work.path().join(".git/packed-refs"), packed).expect("refs can be written");
}
