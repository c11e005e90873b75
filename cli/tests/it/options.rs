//! Options of stores: where they are said, and what the service gets to see of them.

use crate::it::proxied::{is_clear, server, through};
use crate::it::world::World;
use testkit::repo::Repo;
use testkit::wire_proxy::{Record, WireProxy};

/// A repository with a commit whose origin is the bucket behind a proxy.
fn behind(world: &World, proxy: &WireProxy) -> Repo {
    let repo = world.repo("work");
    repo.ok(&["remote", "set-url", "origin", &through(proxy, &world.url())]);
    repo.commit("a", "one\n");
    repo
}

fn writes<'a>(records: &'a [Record], end: &str) -> Vec<&'a Record> {
    let wanted = |record: &&Record| record.method == "PUT" && record.path.ends_with(end);
    records.iter().filter(wanted).collect()
}

#[test]
fn what_is_configured_goes_with_each_file_and_is_signed() {
    let world = World::s3();
    let proxy = WireProxy::start(server());
    let repo = behind(&world, &proxy);
    repo.ok(&["config", "remote.origin.pail-storage-class", "standard_ia"]);
    repo.ok(&["config", "remote.origin.pail-tags", "team=core,stage=a b"]);
    repo.ok(&["config", "pail.metadata", "origin=git"]);
    // What is said of the remote comes before what is said of all.
    repo.ok(&["config", "pail.storageClass", "ONEZONE_IA"]);
    repo.ok(&["push", "-q", "origin", "main"]);

    let records = proxy.records();
    let packs = writes(&records, ".pack");
    let manifests = writes(&records, "manifest.json");
    assert!(!packs.is_empty() && !manifests.is_empty());
    for record in &packs {
        assert_eq!(record.header("x-amz-storage-class"), Some("STANDARD_IA"));
    }
    for record in &manifests {
        // It is written anew with every push.
        assert_eq!(record.header("x-amz-storage-class"), None);
    }
    for record in packs.iter().chain(&manifests) {
        assert_eq!(record.header("x-amz-tagging"), Some("team=core&stage=a+b"));
        assert_eq!(record.header("x-amz-meta-origin"), Some("git"));
        let signature = record.header("authorization").unwrap();
        for name in ["x-amz-tagging", "x-amz-meta-origin"] {
            assert!(signature.contains(name), "{signature}");
        }
    }
    // The server has them, by its own word.
    let bucket = world.bucket();
    let keys = bucket.keys();
    let pack = keys.iter().find(|key| key.ends_with(".pack")).unwrap();
    let headers = bucket.headers(pack).to_ascii_lowercase();
    for line in [
        "x-amz-storage-class: standard_ia",
        "x-amz-meta-origin: git",
        "x-amz-tagging-count: 2",
    ] {
        assert!(headers.contains(line), "{line} is not in {headers}");
    }
}

#[test]
fn files_under_a_key_of_the_customer_are_read_with_it_alone() {
    let world = World::s3();
    let (key, other) = (world.text("key"), world.text("other"));
    std::fs::write(&key, [7; 32]).unwrap();
    std::fs::write(&other, [8; 32]).unwrap();
    let with = |key: &str| {
        world
            .git()
            .with_env("PAIL_SSE", "customer")
            .with_env("PAIL_SSE_CUSTOMER_KEY_FILE", key)
    };
    let repo = world.repo("work");
    repo.commit("a", "one\n");
    let repo = Repo::at(&with(&key), repo.path());
    repo.ok(&["push", "-q", "origin", "main"]);
    repo.commit("a", "two\n");
    repo.ok(&["push", "-q", "origin", "main"]);

    let clone = Repo::clone_of(&with(&key), &world.url(), world.path("clone"), &[]);
    assert_eq!(clone.head(), repo.head());
    for git in [world.git().clone(), with(&other)] {
        let out = git.run(&["clone", &world.url(), &world.text("none")]);
        assert!(!out.ok() && is_clear(&out), "{}", out.stderr);
    }
}

#[test]
fn the_commands_and_git_take_the_same_options() {
    let world = World::s3();
    let repo = world.pushed("work");
    // The name of the bucket alone, and the rest from the configuration.
    let url = world.url();
    let (_, rest) = url.split_once("s3+http://").unwrap();
    let (host, path) = rest.split_once('/').unwrap();
    let bare = format!("pail::s3://{}", path.split('?').next().unwrap());
    repo.ok(&["remote", "add", "named", &bare]);
    let endpoint = format!("http://{host}");
    repo.ok(&["config", "remote.named.pail-endpoint", &endpoint]);
    repo.ok(&["config", "remote.named.pail-addressing", "path"]);
    let told = repo.ok(&["ls-remote", "named", "refs/heads/main"]);
    assert!(told.contains(&repo.head()), "{told}");
    let told = repo.ok(&["pail", "ls", "named"]);
    assert!(told.contains("refs/heads/main"), "{told}");
}

#[test]
fn a_wrong_option_is_told_by_git_and_by_the_commands() {
    let world = World::folder();
    let repo = world.repo("work");
    repo.ok(&["remote", "set-url", "origin", "s3://team-bucket/x"]);
    repo.ok(&["config", "remote.origin.pail-stroage-class", "STANDARD"]);
    for args in [
        ["ls-remote", "origin"].as_slice(),
        &["pail", "ls", "origin"],
    ] {
        let out = repo.git().run(args);
        assert!(!out.ok() && is_clear(&out), "{}", out.stderr);
        let said = &out.stderr;
        assert!(said.contains("remote.origin.pail-stroage-class"), "{said}");
        assert!(said.contains("did you mean storage-class?"), "{said}");
    }
    repo.ok(&["config", "--unset", "remote.origin.pail-stroage-class"]);
    repo.ok(&["config", "remote.origin.pail-storage-class", "deep_archive"]);
    let said = repo.fails(&["ls-remote", "origin"]);
    assert!(
        said.contains("DEEP_ARCHIVE") && said.contains("GLACIER_IR"),
        "{said}"
    );
}

#[test]
fn no_password_of_a_url_is_shown_by_git_or_by_the_commands() {
    let world = World::folder();
    let repo = world.repo("work");
    repo.commit("a", "one\n");
    for url in [
        // Nobody listens on port 1.
        "pail::s3+http://somebody:hush%2Fhush@127.0.0.1:1/team/x",
        "pail::s3+http://127.0.0.1:2/team/x?proxy=http://me:hush@127.0.0.1:1",
        "pail::az+http://acct:hush@127.0.0.1:1/acct/team/x",
        "pail::s3+https://somebody:hush@host/te am",
        "pail::s3+https://somebody:hush@host/team?colour=hush",
        "pail::gs://somebody:hush@team/x",
    ] {
        repo.ok(&["remote", "set-url", "origin", url]);
        for args in [
            ["ls-remote", "origin"].as_slice(),
            &["push", "origin", "main"],
            &["fetch", "origin"],
            &["pail", "ls", "origin"],
            &["pail", "ls", url],
            &["pail", "log", "origin"],
        ] {
            let out = repo.git().with_env("PAIL_CONNECT_TIMEOUT", "1").run(args);
            assert!(!out.ok(), "{args:?} of {url}");
            // Git itself names the remote that it fetches from or pushes to.
            let ours = |line: &&str| !line.starts_with("fatal: ") && !line.starts_with("To ");
            let said: Vec<_> = out.stderr.lines().filter(ours).collect();
            let said = said.join("\n") + &out.stdout;
            assert!(!said.contains("hush"), "{args:?} of {url}: {said}");
        }
    }
}
