//! The pusher, killed before and after every request that it makes (`kill -9` of git and of
//! all that it started).

use crate::it::proxied::{main_of, sound};
use crate::it::world::World;
use std::sync::{Arc, Mutex, PoisonError};
use testkit::git::kill_group;
use testkit::repo::Repo;
use testkit::wire_proxy::{Fault, Rule, WireProxy};

/// Pushes main again and again, killed at another request each time; `prepare` makes the
/// bucket. Returns the number of requests and of the deaths after which the push had landed.
fn everywhere(world: &World, repo: &Repo, prepare: impl Fn(&str)) -> (usize, usize) {
    let proxy = WireProxy::start(world.server());
    let (mut landed, mut points) = (0, 0);
    for nth in 1.. {
        let mut reached = false;
        for after in [false, true] {
            let url = world.fresh();
            prepare(&url);
            let old = main_of(world, &url);
            let group = Arc::new(Mutex::new(None));
            let call = {
                let group = Arc::clone(&group);
                Arc::new(move || {
                    // Held while git is started: its id is known then.
                    let group = group.lock().unwrap_or_else(PoisonError::into_inner);
                    kill_group(group.expect("git was started"));
                })
            };
            let fault = if after {
                Fault::CallAfter(call)
            } else {
                Fault::CallBefore(call)
            };
            proxy.heal();
            proxy.rule(Rule::new(fault).nth(nth));
            let mut push = {
                let mut group = group.lock().unwrap_or_else(PoisonError::into_inner);
                let server = world.server().to_string();
                let through = url.replace(&server, &proxy.address().to_string());
                assert_ne!(through, url);
                let args = ["push", "-q", &through, "main"];
                let push = repo.git().start(&args);
                *group = Some(push.id());
                push
            };
            let ended = push.wait().unwrap();
            let met = proxy.spent();
            reached |= met;
            assert_ne!(
                ended.success(),
                met,
                "killed at request {nth}, after: {after}"
            );
            if !met {
                continue;
            }
            points += 1;
            let now = main_of(world, &url);
            let new = Some(repo.head());
            assert!(now == old || now == new, "{nth}, {after}: {now:?}");
            landed += usize::from(now == new);
            // Nothing is in the way of the first plain retry.
            repo.ok(&["push", "-q", &url, "main"]);
            assert_eq!(main_of(world, &url), new);
            let name = format!("mirror-{nth}-{after}");
            sound(world, &url, &name);
            std::fs::remove_dir_all(world.path(&name)).unwrap();
        }
        if !reached {
            break;
        }
    }
    assert!(landed > 0, "the manifest was written in none of them");
    (points, landed)
}

fn told(what: &str, (points, landed): (usize, usize), least: usize) {
    eprintln!("kill: {points} points, {landed} of them after the commit: {what}");
    assert!(points >= 2 * least, "{what}: {points}");
}

#[test]
fn heavy_a_first_push_killed_at_every_request_leaves_nothing_in_the_way() {
    let world = World::s3();
    let repo = world.repo("work");
    repo.commit("a", "one\n");
    // Manifest, listing, the probe's writes and its removal, pack, manifest.
    told("first push", everywhere(&world, &repo, |_| {}), 7);
}

#[test]
fn heavy_a_first_push_to_google_killed_at_every_request_leaves_nothing_in_the_way() {
    let world = World::google();
    let repo = world.repo("work");
    repo.commit("a", "one\n");
    told("first push", everywhere(&world, &repo, |_| {}), 7);
}

#[test]
fn heavy_a_push_in_parts_to_google_killed_at_every_request_leaves_nothing_in_the_way() {
    let world = World::google();
    let repo = world.repo("work");
    repo.ok(&["config", "core.compression", "0"]);
    repo.commit("a", "one\n");
    repo.tag("base");
    repo.commit("large", testkit::seed::Chance::new(9).bytes(9_000_000));
    let base = |url: &str| {
        repo.ok(&["push", "-q", url, "base^{commit}:refs/heads/main"]);
    };
    told("push in parts", everywhere(&world, &repo, base), 7);
}

fn a_push(world: &World) {
    let repo = world.repo("work");
    repo.commit("a", "one\n");
    repo.tag("base");
    repo.commit("a", "two\n");
    let base = |url: &str| {
        repo.ok(&["push", "-q", url, "base^{commit}:refs/heads/main"]);
    };
    told("push of one commit", everywhere(world, &repo, base), 3);
}

#[test]
fn heavy_a_push_killed_at_every_request_leaves_nothing_in_the_way() {
    a_push(&World::s3());
}

#[test]
fn heavy_a_push_killed_at_every_request_leaves_nothing_in_the_way_on_azure() {
    a_push(&World::azure());
}

fn a_push_in_parts(world: &World) {
    let repo = world.repo("work");
    repo.ok(&["config", "core.compression", "0"]);
    repo.commit("a", "one\n");
    repo.tag("base");
    repo.commit("large", testkit::seed::Chance::new(9).bytes(9_000_000));
    let base = |url: &str| {
        repo.ok(&["push", "-q", url, "base^{commit}:refs/heads/main"]);
    };
    // Manifest; begin, two parts, complete; index; manifest.
    told("push in parts", everywhere(world, &repo, base), 7);
}

#[test]
fn heavy_a_push_in_parts_killed_at_every_request_leaves_nothing_in_the_way() {
    a_push_in_parts(&World::s3());
}

#[test]
fn heavy_a_push_in_parts_killed_at_every_request_leaves_nothing_in_the_way_on_azure() {
    a_push_in_parts(&World::azure());
}
