//! A network that breaks: every push and every fetch ends in success or in one clear error,
//! never in a wrong result, and the next one goes through.

use crate::it::proxied::{is_clear, main_of, prefix, server, sound, through};
use crate::it::world::World;
use testkit::git::Output;
use testkit::repo::Repo;
use testkit::seed::Chance;
use testkit::wire_proxy::{Fault, Rule, WireProxy};

/// What must become of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Must {
    /// It waits the fault out.
    Succeed,
    /// It cannot, and says so.
    Fail,
    /// Either.
    End,
}

/// A fault and what must become of an operation that meets it.
type Case = (&'static str, Must, Vec<Rule>);

fn get(fault: Fault) -> Rule {
    Rule::new(fault).method("GET")
}

fn put(fault: Fault) -> Rule {
    Rule::new(fault).method("PUT")
}

fn judge(what: &str, must: Must, out: &Output) {
    match must {
        Must::Succeed => assert!(out.ok(), "{what}: {}", out.stderr),
        Must::Fail => assert!(!out.ok(), "{what}: it went well"),
        Must::End => {}
    }
    assert!(out.ok() || is_clear(out), "{what}: {}", out.stderr);
}

/// A repository whose newest commit is not pushed yet; `base` is.
fn ready(world: &World) -> (Repo, String) {
    let repo = world.repo("work");
    repo.commit("a", "one\n");
    repo.tag("base");
    repo.commit("b", Chance::new(3).bytes(40_000));
    let head = repo.head();
    (repo, head)
}

/// What every request can meet, on its way or on the way back.
fn anywhere() -> Vec<Case> {
    let every = |fault: Fault| Rule::new(fault).times(2);
    vec![
        (
            "two are throttled",
            Must::Succeed,
            vec![every(Fault::Answer(503))],
        ),
        (
            "two meet too many requests",
            Must::Succeed,
            vec![every(Fault::Answer(429))],
        ),
        (
            "two meet an error",
            Must::Succeed,
            vec![every(Fault::Answer(500))],
        ),
        (
            "two are reset",
            Must::Succeed,
            vec![every(Fault::ResetBefore)],
        ),
        (
            "one reply is lost",
            Must::Succeed,
            vec![Rule::new(Fault::LoseReply)],
        ),
        (
            "more are throttled than anybody waits out",
            Must::End,
            (1..=12)
                .map(|nth| Rule::new(Fault::Answer(503)).nth(nth))
                .collect(),
        ),
    ]
}

#[test]
fn heavy_a_push_meets_every_fault_and_is_never_wrong() {
    let manifest = |rule: Rule| rule.path("manifest.json");
    let pack = |rule: Rule| rule.path(".pack");
    let mut cases = anywhere();
    cases.extend([
        (
            "the pack is throttled",
            Must::Succeed,
            vec![pack(put(Fault::Answer(503)).times(3))],
        ),
        (
            "the pack is reset",
            Must::Succeed,
            vec![pack(put(Fault::ResetBefore).times(2))],
        ),
        (
            "the reply to the pack is lost",
            Must::Succeed,
            vec![pack(put(Fault::LoseReply))],
        ),
        (
            "the manifest is throttled",
            Must::Succeed,
            vec![manifest(put(Fault::Answer(503)).times(2))],
        ),
        (
            "the manifest meets a conflict",
            Must::Succeed,
            vec![manifest(put(Fault::Answer(409)))],
        ),
        (
            "the manifest is reset",
            Must::Succeed,
            vec![manifest(put(Fault::ResetBefore).times(2))],
        ),
        (
            "the reply to the manifest is lost",
            Must::Succeed,
            vec![manifest(put(Fault::LoseReply))],
        ),
        (
            "the manifest is written and 500 answered",
            Must::Succeed,
            vec![manifest(put(Fault::AnswerAfter(500)))],
        ),
        (
            "the manifest is written and 503 answered",
            Must::Succeed,
            vec![manifest(put(Fault::AnswerAfter(503)))],
        ),
        (
            "the manifest is written and 412 answered",
            Must::Succeed,
            vec![manifest(put(Fault::AnswerAfter(412)))],
        ),
        (
            "the reply to the manifest is lost, and the look at it is throttled",
            Must::Succeed,
            vec![
                manifest(put(Fault::LoseReply)),
                manifest(get(Fault::Answer(503)).nth(2).times(3)),
            ],
        ),
        (
            "the reply to the manifest is lost, and the look at it is cut",
            Must::Succeed,
            vec![
                manifest(put(Fault::LoseReply)),
                manifest(get(Fault::CutBody(100)).nth(2)),
            ],
        ),
        (
            "the manifest is cut",
            Must::Succeed,
            vec![manifest(get(Fault::CutBody(100)))],
        ),
        (
            "the pack is denied",
            Must::Fail,
            vec![pack(put(Fault::Answer(403)))],
        ),
        (
            "the manifest is denied",
            Must::Fail,
            vec![manifest(put(Fault::Answer(403)))],
        ),
        (
            "the manifest is never written",
            Must::Fail,
            vec![manifest(put(Fault::Answer(503)).always())],
        ),
    ]);
    let world = World::s3();
    let (repo, head) = ready(&world);
    let proxy = WireProxy::start(server());
    let mut met = 0;
    for first in [false, true] {
        for (what, must, rules) in &cases {
            let what = format!("{what}, first push: {first}");
            let url = prefix();
            if !first {
                repo.ok(&["push", "-q", &url, "base:refs/heads/main"]);
            }
            let old = main_of(&world, &url);
            rules.iter().for_each(|rule| proxy.rule(rule.clone()));
            // A first push sees no manifest that could be cut, or looked at again.
            let spoils = rules
                .iter()
                .any(|rule| format!("{rule:?}").contains("CutBody"));
            let out = repo.git().run(&["push", &through(&proxy, &url), "main"]);
            judge(&what, *must, &out);
            let faulty = proxy
                .records()
                .iter()
                .filter(|record| record.faulty)
                .count();
            assert!(faulty > 0 || (first && spoils), "{what}: no fault was met");
            met += faulty;
            let now = main_of(&world, &url);
            if out.ok() {
                assert_eq!(now.as_ref(), Some(&head), "{what}: a false acknowledgement");
            } else if out.stderr.contains("cannot tell") {
                assert!(now == old || now.as_ref() == Some(&head), "{what}: {now:?}");
            } else {
                assert_eq!(now, old, "{what}: a false refusal: {}", out.stderr);
                // Where git was told the refs, each has its line.
                let told = out.stderr.contains("main -> main");
                assert!(told || out.stderr.contains("cannot read"), "{}", out.stderr);
            }
            proxy.heal();
            proxy.forget();
            repo.ok(&["push", "-q", &through(&proxy, &url), "main"]);
            sound(&world, &url, "mirror");
            std::fs::remove_dir_all(world.path("mirror")).unwrap();
            proxy.forget();
        }
    }
    eprintln!(
        "faults: {} cases of a push, {met} requests spoilt",
        2 * cases.len()
    );
}

#[test]
fn heavy_a_fetch_meets_every_fault_and_is_never_wrong() {
    let manifest = |rule: Rule| rule.path("manifest.json");
    let pack = |rule: Rule| rule.path(".pack");
    let mut cases = anywhere();
    cases.extend([
        (
            "a pack is throttled",
            Must::Succeed,
            vec![pack(get(Fault::Answer(503)).times(3))],
        ),
        (
            "a pack is reset",
            Must::Succeed,
            vec![pack(get(Fault::ResetBefore).times(2))],
        ),
        (
            "a pack is cut",
            Must::Succeed,
            vec![pack(get(Fault::CutBody(100)).times(2))],
        ),
        (
            "a pack is cut at once",
            Must::Succeed,
            vec![pack(get(Fault::CutBody(0)).times(2))],
        ),
        (
            "a pack is denied",
            Must::Fail,
            vec![pack(get(Fault::Answer(403)).always())],
        ),
        (
            "a pack is not there",
            Must::Fail,
            vec![pack(get(Fault::Answer(404)).always())],
        ),
        (
            "packs never come",
            Must::Fail,
            vec![pack(get(Fault::Answer(503)).always())],
        ),
        (
            "the manifest is cut",
            Must::Succeed,
            vec![manifest(get(Fault::CutBody(100)))],
        ),
        (
            "the manifest is denied",
            Must::Fail,
            vec![manifest(get(Fault::Answer(403)))],
        ),
        (
            "the manifest never comes",
            Must::Fail,
            vec![manifest(get(Fault::CutBody(9)).always())],
        ),
    ]);
    // Header, object data, and the checksum at the end.
    for bit in [
        3,
        8 * 9,
        8 * 60 + 1,
        8 * 300 + 7,
        8 * 20_000,
        8 * 30_000 + 5,
    ] {
        cases.push((
            "a bit of a pack is turned over",
            Must::Fail,
            vec![pack(get(Fault::FlipBit(bit)).always())],
        ));
    }
    let world = World::s3();
    let (repo, head) = ready(&world);
    let url = prefix();
    repo.ok(&["push", "-q", &url, "base:refs/heads/main"]);
    repo.ok(&["push", "-q", &url, "main"]);
    let proxy = WireProxy::start(server());
    let mut met = 0;
    for cloning in [false, true] {
        for (what, must, rules) in &cases {
            let what = format!("{what} ({rules:?}), cloning: {cloning}");
            let local = Repo::init_with(world.git(), world.path("local"), &["--bare"]);
            if !cloning {
                local.ok(&["fetch", "-q", &world.text("work"), "base:refs/heads/base"]);
            }
            rules.iter().for_each(|rule| proxy.rule(rule.clone()));
            let from = through(&proxy, &url);
            let target = world.text("clone");
            let out = if cloning {
                world.git().run(&["clone", "-q", "--bare", &from, &target])
            } else {
                local.git().run(&["fetch", &from, "main:refs/heads/main"])
            };
            judge(&what, *must, &out);
            met += proxy
                .records()
                .iter()
                .filter(|record| record.faulty)
                .count();
            let result = if cloning {
                Repo::at(world.git(), &target)
            } else {
                local.clone()
            };
            if out.ok() {
                assert_eq!(result.id("refs/heads/main").as_ref(), Some(&head), "{what}");
                result.fsck();
            } else if cloning {
                assert!(!result.path().exists(), "{what}");
            } else {
                assert_eq!(local.id("refs/heads/main"), None, "{what}");
                local.fsck();
                let keep = local.path().join("objects/pack");
                let keep = std::fs::read_dir(keep).unwrap();
                assert_eq!(keep.count(), 0, "{what}: nothing half done");
            }
            proxy.heal();
            proxy.forget();
            if !cloning {
                local.ok(&["fetch", "-q", &from, "main:refs/heads/main"]);
                local.fsck();
            }
            let _ = std::fs::remove_dir_all(&target);
            std::fs::remove_dir_all(local.path()).unwrap();
        }
    }
    assert!(met >= 2 * cases.len(), "{met}");
    eprintln!(
        "faults: {} cases of a fetch, {met} requests spoilt",
        2 * cases.len()
    );
}

/// Through plain HTTP nothing vouches for the manifest but what stands in it.
#[test]
fn heavy_a_flipped_bit_of_the_manifest_is_never_taken_for_the_truth() {
    let world = World::s3();
    let (repo, _) = ready(&world);
    let url = prefix();
    repo.ok(&["push", "-q", &url, "base:refs/heads/main"]);
    let truth = world.git().ok(&["ls-remote", "-q", &url]);
    let proxy = WireProxy::start(server());
    let from = through(&proxy, &url);
    world.git().ok(&["ls-remote", "-q", &from]);
    let bytes = proxy.bytes().1;
    let mut chance = Chance::new(testkit::seed::seed(11));
    let (mut refused, mut harmless, mut wrong) = (0, 0, Vec::new());
    for _ in 0..60 {
        let bit = chance.below(usize::try_from(bytes * 8).unwrap()) as u64;
        let flip = Rule::new(Fault::FlipBit(bit)).method("GET");
        proxy.rule(flip.path("manifest.json"));
        let out = world.git().run(&["ls-remote", "-q", &from]);
        proxy.heal();
        if !out.ok() {
            assert!(is_clear(&out), "bit {bit}: {}", out.stderr);
            refused += 1;
        } else if out.stdout == truth {
            harmless += 1;
        } else {
            wrong.push(bit);
        }
    }
    // Who believes it and pushes writes it down for everybody.
    let (old, mut written) = (main_of(&world, &url), 0);
    for bit in &wrong {
        let other = prefix();
        repo.ok(&["push", "-q", &other, "base:refs/heads/main"]);
        let flip = Rule::new(Fault::FlipBit(*bit)).method("GET");
        proxy.rule(flip.path("manifest.json"));
        let spec = "base:refs/heads/two";
        let out = repo
            .git()
            .run(&["push", "-q", &through(&proxy, &other), spec]);
        proxy.heal();
        written += usize::from(out.ok() && main_of(&world, &other) != old);
    }
    eprintln!(
        "faults: 60 bits of a manifest of {bytes} bytes: {refused} refused, {harmless} \
         without effect, {} believed, {written} of them then written by a push",
        wrong.len()
    );
    assert_eq!(wrong, [0; 0], "taken for the truth");
}
