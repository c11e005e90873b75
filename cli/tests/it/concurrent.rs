//! Many processes on one bucket: what was acknowledged is there, and nobody gives up.

use crate::it::world::{Bucket, World};
use std::sync::Barrier;
use std::thread;
use std::time::Duration;
use testkit::repo::Repo;

const PROCESSES: usize = 16;
const COMMITS: usize = 20;
const RIVALS: usize = 8;
const ROUNDS: usize = 4;

/// Runs this for each number at the same time.
fn at_once<T: Send>(count: usize, run: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let (start, run) = (&Barrier::new(count), &run);
    thread::scope(|scope| {
        let threads: Vec<_> = (0..count)
            .map(|number| {
                scope.spawn(move || {
                    start.wait();
                    run(number)
                })
            })
            .collect();
        threads.into_iter().map(|one| one.join().unwrap()).collect()
    })
}

/// Each process has a repository of its own and pushes its branch, commit by commit.
fn branches_of_their_own(world: &World, processes: usize, commits: usize) {
    let repos: Vec<Repo> = (0..processes)
        .map(|number| {
            let repo = world.repo(&format!("p{number}"));
            repo.grow(&format!("b{number}"), commits, 3, 100);
            repo
        })
        .collect();
    let refused: Vec<String> = at_once(processes, |number| {
        let pushes = (0..commits).rev().map(|back| {
            let spec = format!("b{number}~{back}:refs/heads/b{number}");
            repos[number].git().run(&["push", "-q", "origin", &spec])
        });
        let failed = pushes.filter(|out| !out.ok());
        failed.map(|out| out.stderr).collect::<Vec<_>>()
    })
    .concat();
    assert_eq!(
        refused,
        Vec::<String>::new(),
        "of {} pushes",
        processes * commits
    );
    let mirror = world.mirror();
    for (number, repo) in repos.iter().enumerate() {
        let branch = format!("refs/heads/b{number}");
        assert_eq!(mirror.id(&branch), repo.id(&branch));
        let count = mirror.ok(&["rev-list", "--count", &branch]);
        assert_eq!(count, commits.to_string());
    }
    let pushes = (processes * commits) as u64;
    assert_eq!(world.bucket().manifest()["generation"], pushes);
    eprintln!("concurrent: {pushes} pushes of {processes} processes acknowledged, all there");
}

#[test]
fn heavy_sixteen_processes_on_branches_of_their_own_all_get_in_on_s3() {
    branches_of_their_own(&World::s3(), PROCESSES, COMMITS);
}

#[test]
fn heavy_sixteen_processes_on_branches_of_their_own_all_get_in_on_a_folder() {
    branches_of_their_own(&World::folder(), PROCESSES, COMMITS);
}

/// Fewer pushes: Azurite takes about ten conditional writes a second.
#[test]
fn heavy_twenty_processes_on_branches_of_their_own_all_get_in_on_azure() {
    branches_of_their_own(&World::azure(), 20, 2);
}

#[test]
fn heavy_sixteen_processes_on_branches_of_their_own_all_get_in_on_google() {
    branches_of_their_own(&World::google(), PROCESSES, COMMITS);
}

/// Google takes about one write a second to one file, and the manifest is one file. A tenth
/// of that pause is enough to refuse most attempts.
#[test]
fn all_get_in_where_one_file_is_written_seldom() {
    let world = World::google();
    world.pushed("seed");
    let Bucket::Google(google) = world.bucket() else {
        panic!("{:?}", world.bucket());
    };
    google.set_pause(Some(Duration::from_millis(100)));
    let repos: Vec<Repo> = (0..4)
        .map(|number| {
            let repo = world.repo(&format!("p{number}"));
            repo.grow(&format!("b{number}"), 5, 3, 100);
            repo
        })
        .collect();
    at_once(repos.len(), |number| {
        for back in (0..5).rev() {
            let spec = format!("b{number}~{back}:refs/heads/b{number}");
            repos[number].ok(&["push", "-q", "origin", &spec]);
        }
    });
    let mirror = world.mirror();
    for (number, repo) in repos.iter().enumerate() {
        let branch = format!("refs/heads/b{number}");
        assert_eq!(mirror.id(&branch), repo.id(&branch));
    }
    assert_eq!(world.bucket().manifest()["generation"], 21);
}

fn rivals(world: &World) -> Vec<Repo> {
    world.pushed("seed");
    let name = |number| format!("c{number}");
    (0..RIVALS)
        .map(|number| world.clone(&name(number)))
        .collect()
}

fn one_branch(world: &World) {
    let repos = rivals(world);
    let mut acknowledged = Vec::new();
    for round in 0..ROUNDS {
        for (number, repo) in repos.iter().enumerate() {
            repo.ok(&["fetch", "-q"]);
            repo.ok(&["reset", "-q", "--hard", "origin/main"]);
            repo.commit(&format!("f{number}"), format!("{round}\n"));
        }
        let outs = at_once(RIVALS, |number| {
            repos[number].git().run(&["push", "origin", "main"])
        });
        let winners: Vec<_> = (0..RIVALS).filter(|number| outs[*number].ok()).collect();
        assert_eq!(winners.len(), 1, "round {round}: {outs:?}");
        for out in outs.iter().filter(|out| !out.ok()) {
            let words = "! [rejected]        main -> main (fetch first)";
            assert!(out.stderr.contains(words), "{}", out.stderr);
        }
        acknowledged.push(repos[winners[0]].head());
    }
    let mirror = world.mirror();
    for commit in &acknowledged {
        mirror.ok(&["merge-base", "--is-ancestor", commit, "main"]);
    }
    let count = mirror.ok(&["rev-list", "--count", "main"]);
    assert_eq!(count, (2 + ROUNDS).to_string(), "one winner a round");
    eprintln!("concurrent: {ROUNDS} rounds of {RIVALS} rivals, one winner each");
}

#[test]
fn heavy_of_eight_on_one_branch_one_wins_a_round_on_s3() {
    one_branch(&World::s3());
}

#[test]
fn heavy_of_eight_on_one_branch_one_wins_a_round_on_azure() {
    one_branch(&World::azure());
}

#[test]
fn heavy_of_eight_on_one_branch_one_wins_a_round_on_a_folder() {
    one_branch(&World::folder());
}

#[test]
fn heavy_of_eight_on_one_branch_one_wins_a_round_on_google() {
    one_branch(&World::google());
}

#[test]
fn heavy_with_retries_all_eight_get_in() {
    let world = World::s3();
    let repos = rivals(&world);
    let attempts = at_once(RIVALS, |number| {
        let repo = &repos[number];
        repo.commit(&format!("f{number}"), "mine\n");
        for attempt in 1..=100 {
            if repo.git().run(&["push", "-q", "origin", "main"]).ok() {
                return attempt;
            }
            let join = if number % 2 == 0 {
                "--rebase"
            } else {
                "--no-rebase"
            };
            repo.ok(&["pull", "-q", join, "--no-edit", "origin", "main"]);
        }
        panic!("client {number} never got in");
    });
    let mirror = world.mirror();
    for (number, repo) in repos.iter().enumerate() {
        mirror.ok(&["merge-base", "--is-ancestor", &repo.head(), "main"]);
        mirror.ok(&["cat-file", "-e", &format!("main:f{number}")]);
    }
    eprintln!("concurrent: {RIVALS} rivals with retries, attempts {attempts:?}");
}
