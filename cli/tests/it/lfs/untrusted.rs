//! A bucket that holds what it should not, seen through git-lfs.

use super::{Lfs, file, oid};
use crate::it::proxied::{server, through};
use crate::it::world::{World, on_every_bucket};
use testkit::repo::Repo;
use testkit::seed::Chance;
use testkit::wire_proxy::{Fault, Rule, WireProxy};

on_every_bucket!(a_file_in_the_bucket_that_is_not_the_object_is_not_checked_out,);

fn a_file_in_the_bucket_that_is_not_the_object_is_not_checked_out(world: &World) {
    let lfs = Lfs::new(world);
    let url = world.url();
    let repo = lfs.repo("work", &url);
    let bytes = Chance::new(4).bytes(100_000);
    repo.commit("a.bin", &bytes);
    repo.ok(&["push", "-q", "origin", "main"]);
    let key = format!("lfs/{}", oid(&bytes));
    let mut spoilt = bytes.clone();
    spoilt[50_000] ^= 1;
    let git = lfs.git.with_env("GIT_LFS_SKIP_SMUDGE", "1");
    let path = world.path("clone");
    Repo::clone_of(&git, &url, &path, &[]);
    let clone = Repo::at(&lfs.git, &path);
    for bad in [&spoilt[..], &bytes[..99_999], b""] {
        world.bucket().write(&key, bad);
        let said = clone.fails(&["lfs", "pull"]);
        assert!(said.contains("[502]"), "{said}");
        assert!(file(&clone, "a.bin").starts_with(b"version https://git-lfs"));
    }
    world.bucket().remove(&key);
    let said = clone.fails(&["lfs", "pull"]);
    assert!(said.contains("[404]"), "{said}");
    // Who has the object brings it back, and one that is too short is replaced.
    world.bucket().write(&key, &bytes[1..]);
    repo.ok(&["lfs", "push", "--object-id", "origin", &oid(&bytes)]);
    clone.ok(&["lfs", "pull"]);
    assert!(file(&clone, "a.bin") == bytes);
}

#[test]
fn a_bucket_that_lies_is_found_out() {
    let world = World::s3();
    let lfs = Lfs::new(&world);
    let proxy = WireProxy::start(server());
    let url = through(&proxy, &world.url());
    let repo = lfs.repo("work", &url);
    let bytes = Chance::new(5).bytes(50_000);
    repo.commit("a.bin", &bytes);
    repo.ok(&["push", "-q", "origin", "main"]);
    let git = lfs.git.with_env("GIT_LFS_SKIP_SMUDGE", "1");
    let path = world.path("clone");
    Repo::clone_of(&git, &url, &path, &[]);
    let clone = Repo::at(&lfs.git, &path);
    for lie in [
        "HTTP/1.1 200 OK\r\nETag: \"x\"\r\nLast-Modified: Sat, 21 Nov 2026 00:00:00 GMT\r\nContent-Length: 5\r\n\r\nhello",
        "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 7-11/50000\r\nETag: \"x\"\r\n\
         Last-Modified: Sat, 21 Nov 2026 00:00:00 GMT\r\nContent-Length: 5\r\n\r\nhello",
        "HTTP/1.1 204 No Content\r\n\r\n",
    ] {
        proxy.heal();
        proxy.rule(Rule::new(Fault::Say(lie)).always());
        let said = clone.fails(&["lfs", "pull"]);
        assert!(!said.contains("panicked"), "{said}");
        assert!(file(&clone, "a.bin").starts_with(b"version https://git-lfs"));
    }
    proxy.heal();
    clone.ok(&["lfs", "pull"]);
    assert!(file(&clone, "a.bin") == bytes);
}
