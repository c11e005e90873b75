//! Answers that no service should give, to every operation, and a large file that moves in
//! parts and ranges over a line that spoils them. What is acknowledged is true, what is not
//! has not happened, and what is read is right or refused.

use crate::it::proxied::{is_clear, main_of, prefix, server, sound, through};
use crate::it::world::World;
use std::time::Duration;
use testkit::git::{Git, Output};
use testkit::repo::Repo;
use testkit::seed::Chance;
use testkit::wire_proxy::{Fault, Rule, WireProxy};

/// Whole answers: not HTTP, bad HTTP, HTTP of somebody else, S3's in the wrong place.
const ODD: &[&str] = &[
    "",
    "SSH-2.0-OpenSSH_9.2\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\nhello",
    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 7\r\n\r\nhello",
    "HTTP/1.1 200 OK\r\n\u{1}\u{7f}: x\r\n\r\n",
    "HTTP/1.1 999 Odd\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 204 No Content\r\n\r\n",
    "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 7-11/4000\r\nETag: \"x\"\r\n\
     Last-Modified: Sat, 21 Nov 2026 00:00:00 GMT\r\nContent-Length: 5\r\n\r\nhello",
    "HTTP/1.1 307 Temporary Redirect\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 302 Found\r\nLocation: /login\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 42\r\n\r\n\
     <html>welcome to the hotel's network</html",
    "HTTP/1.1 200 OK\r\nContent-Type: application/xml\r\nContent-Length: 57\r\n\r\n\
     <Error><Code>InternalError</Code><Message>x</Message></Er",
];

/// What is done through the proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    Look,
    Clone,
    Fetch,
    FirstPush,
    Push,
}

/// A repository whose newest commit is not pushed; `base` is. Both ids.
fn ready(world: &World, bytes: usize) -> (Repo, String, String) {
    let repo = world.repo("work");
    let base = repo.commit("a", "one\n");
    repo.tag("base");
    let head = repo.commit("b", Chance::new(3).bytes(bytes));
    (repo, base, head)
}

/// Does it and holds it to the truth: the bucket at `url` has `base` on main, or nothing
/// before a first push.
fn act(world: &World, git: &Git, proxy: &WireProxy, act: Act, ids: (&str, &str)) -> Output {
    let (base, head) = ids;
    let repo = Repo::at(git, world.path("work"));
    let url = prefix();
    let spec = "base:refs/heads/main";
    if act != Act::FirstPush {
        repo.ok(&["push", "-q", &url, spec]);
    }
    let (from, target) = (through(proxy, &url), world.path("target"));
    let text = world.text("target");
    let out = match act {
        Act::Look => git.run(&["ls-remote", "-q", &from]),
        Act::Clone => git.run(&["clone", "-q", "--bare", &from, &text]),
        Act::Fetch => {
            Repo::init_with(git, &target, &["--bare"]);
            git.run(&["-C", &text, "fetch", "-q", &from, "main:refs/heads/main"])
        }
        Act::FirstPush | Act::Push => repo.git().run(&["push", &from, "main"]),
    };
    match act {
        Act::Look if out.ok() => {
            assert_eq!(out.stdout, git.ok(&["ls-remote", "-q", &url]));
        }
        Act::Clone | Act::Fetch if out.ok() => {
            let copy = Repo::at(git, &target);
            assert_eq!(copy.id("refs/heads/main").as_deref(), Some(base));
            copy.fsck();
        }
        Act::Fetch => assert_eq!(Repo::at(git, &target).id("refs/heads/main"), None),
        Act::Look | Act::Clone => assert!(!target.exists()),
        Act::FirstPush | Act::Push => {
            let before = Some(base).filter(|_| act == Act::Push);
            let now = main_of(world, &url);
            if out.ok() {
                assert_eq!(now.as_deref(), Some(head), "a false acknowledgement");
            } else if !out.stderr.contains("cannot tell") {
                assert_eq!(now.as_deref(), before, "a false refusal: {}", out.stderr);
            }
            repo.ok(&["push", "-q", &url, "main"]);
            sound(world, &url, "mirror");
            std::fs::remove_dir_all(world.path("mirror")).unwrap();
        }
    }
    let _ = std::fs::remove_dir_all(&target);
    assert!(out.ok() || is_clear(&out), "{}", out.stderr);
    out
}

#[test]
fn heavy_no_answer_is_too_odd_for_any_operation() {
    let world = World::s3();
    let (_, base, head) = ready(&world, 40_000);
    let proxy = WireProxy::start(server());
    let (mut cases, mut survived) = (0, 0);
    for what in [Act::Look, Act::Clone, Act::Fetch, Act::FirstPush, Act::Push] {
        for odd in ODD {
            for nth in 1..=3 {
                for fault in [Fault::Say(odd), Fault::SayAfter(odd)] {
                    let after = matches!(fault, Fault::SayAfter(_));
                    let only_reads = !matches!(what, Act::FirstPush | Act::Push);
                    // Every operation begins with a read, and a read does nothing.
                    let same = after && nth == 1 || only_reads && (after || nth > 2);
                    // Who does it and says that it is elsewhere lies; nobody can tell.
                    if same || after && odd.contains(" 30") {
                        continue;
                    }
                    eprintln!("{what:?}, request {nth}: {fault:?}");
                    proxy.rule(Rule::new(fault).nth(nth));
                    let out = act(&world, world.git(), &proxy, what, (&base, &head));
                    proxy.heal();
                    cases += 1;
                    survived += usize::from(out.ok());
                }
            }
        }
    }
    eprintln!("odd answers: {cases} cases, {survived} of them without consequence");
}

#[test]
fn heavy_a_drip_without_end_ends() {
    let world = World::s3();
    let (_, base, head) = ready(&world, 40_000);
    let proxy = WireProxy::start(server());
    let hasty = world.git().with_env("PAIL_TIMEOUT", "1");
    let drip = || Rule::new(Fault::Drip(Duration::from_millis(50))).method("GET");
    for what in [Act::Look, Act::Clone] {
        proxy.rule(drip().path("manifest.json").always());
        let out = act(&world, &hasty, &proxy, what, (&base, &head));
        assert!(
            !out.ok() && out.stderr.contains("next to nothing came"),
            "{}",
            out.stderr
        );
        proxy.heal();
        // Once is waited out.
        proxy.rule(drip().path("manifest.json"));
        let out = act(&world, &hasty, &proxy, what, (&base, &head));
        assert!(out.ok(), "{}", out.stderr);
        proxy.heal();
    }
}

#[test]
fn heavy_a_slow_line_is_no_fault() {
    let world = World::s3();
    let (_, base, head) = ready(&world, 40_000);
    let proxy = WireProxy::start(server());
    for what in [Act::Look, Act::Clone, Act::Fetch, Act::FirstPush, Act::Push] {
        proxy.rule(Rule::new(Fault::Delay(Duration::from_millis(100))).always());
        let out = act(&world, world.git(), &proxy, what, (&base, &head));
        assert!(out.ok(), "{what:?}: {}", out.stderr);
        proxy.heal();
    }
}

const BROKEN_200: &str = "HTTP/1.1 200 OK\r\nContent-Type: application/xml\r\n\
    Content-Length: 62\r\n\r\n<Error><Code>InternalError</Code><Message>x</Message></Error>  ";

#[test]
fn heavy_a_push_in_parts_meets_faults_and_is_never_wrong() {
    let world = World::s3();
    let (_, base, head) = ready(&world, 20 << 20);
    let proxy = WireProxy::start(server());
    let part = |fault| Rule::new(fault).method("PUT").path("partNumber");
    let begin = |fault| Rule::new(fault).method("POST").path("?uploads");
    let end = |fault| Rule::new(fault).method("POST").path("uploadId");
    for (what, must, rules) in [
        (
            "parts are throttled",
            true,
            vec![part(Fault::Answer(503)).times(4)],
        ),
        (
            "parts are reset",
            true,
            vec![part(Fault::ResetBefore).times(2)],
        ),
        (
            "the reply to a part is lost",
            true,
            vec![part(Fault::LoseReply)],
        ),
        ("a part is not HTTP", true, vec![part(Fault::Say(ODD[1]))]),
        (
            "a part is redirected",
            false,
            vec![part(Fault::Say(ODD[8]))],
        ),
        (
            "a part is denied",
            false,
            vec![part(Fault::Answer(403)).always()],
        ),
        (
            "the reply to the beginning is lost",
            true,
            vec![begin(Fault::LoseReply)],
        ),
        (
            "the beginning is throttled",
            true,
            vec![begin(Fault::Answer(503)).times(2)],
        ),
        (
            "the beginning is an error that says 200",
            true,
            vec![begin(Fault::Say(BROKEN_200))],
        ),
        (
            "the reply to the end is lost",
            true,
            vec![end(Fault::LoseReply)],
        ),
        (
            "the end is done and 500 answered",
            true,
            vec![end(Fault::AnswerAfter(500))],
        ),
        (
            "the end is an error that says 200",
            true,
            vec![end(Fault::Say(BROKEN_200))],
        ),
        (
            "the end is done and an error says 200",
            true,
            vec![end(Fault::SayAfter(BROKEN_200))],
        ),
        (
            "the end is denied",
            false,
            vec![end(Fault::Answer(403)).always()],
        ),
    ] {
        eprintln!("{what}");
        rules.into_iter().for_each(|rule| proxy.rule(rule));
        let out = act(&world, world.git(), &proxy, Act::Push, (&base, &head));
        assert_eq!(out.ok(), must, "{what}: {}", out.stderr);
        assert!(proxy.records().iter().any(|record| record.faulty), "{what}");
        proxy.heal();
        proxy.forget();
    }
}

#[test]
fn heavy_a_clone_in_ranges_meets_faults_and_is_never_wrong() {
    let world = World::s3();
    let (repo, _, head) = ready(&world, 20 << 20);
    let url = prefix();
    repo.ok(&["push", "-q", &url, "main"]);
    let proxy = WireProxy::start(server());
    let hasty = world.git().with_env("PAIL_TIMEOUT", "1");
    let (pack, index) = (".pack", ".idx");
    let get = |what, fault| Rule::new(fault).method("GET").path(what);
    let drip = Fault::Drip(Duration::from_millis(50));
    for (checksum, what, must, rule) in [
        (
            false,
            "ranges are cut",
            true,
            get(pack, Fault::CutBody(3 << 20)).times(3),
        ),
        (
            false,
            "a range is reset",
            true,
            get(pack, Fault::ResetBefore).times(2),
        ),
        (
            false,
            "a range is shorter than asked",
            true,
            get(pack, Fault::Shorten(1 << 20)),
        ),
        (
            false,
            "ranges are always shorter",
            false,
            get(pack, Fault::Shorten(9)).always(),
        ),
        (false, "a range drips once", true, get(pack, drip.clone())),
        (false, "ranges drip", false, get(pack, drip).always()),
        (
            false,
            "a bit of a range is turned over",
            false,
            get(pack, Fault::FlipBit(8 << 20)),
        ),
        (
            true,
            "a bit of a range is turned over",
            false,
            get(pack, Fault::FlipBit(8 << 20)),
        ),
        (
            true,
            "a bit of an index is turned over",
            false,
            get(index, Fault::FlipBit(8 * 1100)),
        ),
        (
            true,
            "an index is shorter",
            false,
            get(index, Fault::Shorten(64)).always(),
        ),
        (
            true,
            "an index is another's",
            false,
            get(index, Fault::Say(ODD[10])).always(),
        ),
    ] {
        eprintln!("{what}");
        proxy.rule(rule);
        let config = format!(
            "pail.verify={}",
            if checksum { "checksum" } else { "objects" }
        );
        let target = world.text("target");
        let out = hasty.run(&[
            "-c",
            &config,
            "clone",
            "-q",
            "--bare",
            &through(&proxy, &url),
            &target,
        ]);
        assert_eq!(out.ok(), must, "{what}: {}", out.stderr);
        assert!(out.ok() || is_clear(&out), "{what}: {}", out.stderr);
        assert!(proxy.records().iter().any(|record| record.faulty), "{what}");
        proxy.heal();
        proxy.forget();
        if out.ok() {
            let copy = Repo::at(world.git(), &target);
            assert_eq!(copy.id("refs/heads/main").as_ref(), Some(&head));
            copy.fsck();
            std::fs::remove_dir_all(target).unwrap();
        } else {
            assert!(!world.path("target").exists(), "{what}");
        }
    }
}

/// More refs than stand in the manifest: the rest lies in a table of its own.
#[test]
fn heavy_a_flipped_bit_of_a_table_of_refs_is_refused() {
    let world = World::s3();
    let repo = world.repo("work");
    let head = repo.commit("a", "one\n");
    let refs: String = (0..3000)
        .map(|n| format!("create refs/heads/b/{n:04} {head}\n"))
        .collect();
    repo.git()
        .ok_with(&["update-ref", "--stdin"], refs.as_bytes());
    let url = prefix();
    repo.ok(&["push", "-q", &url, "refs/heads/*:refs/heads/*"]);
    let truth = world.git().ok(&["ls-remote", "-q", &url]);
    assert_eq!(truth.lines().count(), 3002, "with main and HEAD");
    let proxy = WireProxy::start(server());
    let from = through(&proxy, &url);
    for bit in [0, 8 * 20 + 3, 8 * 900 + 7] {
        // A table that is kept here is not asked for again.
        let cache = world.path(&format!("cache-{bit}"));
        let git = world.git().with_env("XDG_CACHE_HOME", &cache);
        for fault in [Fault::FlipBit(bit), Fault::Shorten(1 + bit / 8)] {
            proxy.rule(Rule::new(fault).path("/pail/refs/").always());
            let out = git.run(&["ls-remote", "-q", &from]);
            assert!(!out.ok() && is_clear(&out), "bit {bit}: {}", out.stderr);
            assert!(proxy.records().iter().any(|record| record.faulty));
            proxy.heal();
            proxy.forget();
        }
        assert_eq!(git.ok(&["ls-remote", "-q", &from]), truth);
    }
}
