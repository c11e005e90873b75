//! Who may not: one clear message with what to try, and every ref gets its line.

use crate::it::proxied::{is_clear, main_of, prefix, sound};
use crate::it::world::World;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use testkit::git::{Git, Output};
use testkit::repo::Repo;
use testkit::services;

/// Fetch and push of a repository with a commit, as somebody else.
fn both(world: &World, who: &Git, url: &str) -> (Output, Output) {
    let path = world.path("work");
    let repo = if path.exists() {
        Repo::at(who, path)
    } else {
        let repo = Repo::init_with(world.git(), path, &[]);
        repo.commit("a", "one\n");
        Repo::at(who, repo.path())
    };
    let fetch = repo.git().run(&["fetch", url]);
    let push = repo
        .git()
        .run(&["push", "--porcelain", url, "main", "main:refs/heads/two"]);
    (fetch, push)
}

/// Both fail, say why, and say what to try; each ref of the push has its line.
#[track_caller]
fn refused(outs: &(Output, Output), why: &str, hint: &str) {
    for out in [&outs.0, &outs.1] {
        let said = &out.stderr;
        assert!(!out.ok() && is_clear(out), "{said}");
        assert!(said.contains(why), "'{why}' is not in: {said}");
        assert!(
            said.contains("hint: ") && said.contains(hint),
            "'{hint}' is not in: {said}"
        );
    }
}

fn secrets(git: &Git, id: &str, secret: &str) -> Git {
    git.with_env("AWS_ACCESS_KEY_ID", id)
        .with_env("AWS_SECRET_ACCESS_KEY", secret)
        .with_env("AWS_EC2_METADATA_DISABLED", "true")
}

#[test]
fn a_wrong_secret_is_told_and_not_shown() {
    let world = World::s3();
    let service = services::s3();
    let wrong = "this-is-not-the-secret-of-anybody";
    let who = secrets(world.git(), &service.key, wrong);
    let outs = both(&world, &who, &prefix());
    refused(&outs, "the secret key is wrong", "check the secret key");
    for out in [outs.0, outs.1] {
        assert!(!out.stderr.contains(wrong), "{}", out.stderr);
    }
}

#[test]
fn an_unknown_key_is_told() {
    let world = World::s3();
    let who = secrets(world.git(), "NOBODY", "secret");
    let outs = both(&world, &who, &prefix());
    refused(
        &outs,
        "does not know the access key",
        "check the access key",
    );
}

#[test]
fn missing_credentials_are_told() {
    let world = World::s3();
    // Empty ones are none.
    let who = secrets(world.git(), "", "");
    let outs = both(&world, &who, &prefix());
    refused(&outs, "credentials", "AWS_ACCESS_KEY_ID");
}

#[test]
fn who_may_only_read_fetches_and_is_told_so_on_a_push() {
    let world = World::s3();
    let service = services::s3();
    let url = prefix();
    let writer = world.repo("writer");
    let head = writer.commit("a", "theirs\n");
    writer.ok(&["push", "-q", &url, "main"]);
    let who = secrets(world.git(), &service.readonly_key, &service.readonly_secret);
    let (fetch, push) = both(&world, &who, &url);
    assert!(fetch.ok(), "{}", fetch.stderr);
    let clone = Repo::clone_of(&who, &url, world.path("clone"), &[]);
    assert_eq!(clone.head(), head);
    clone.commit("a", "mine\n");
    let spec = ["main", "main:refs/heads/two"];
    let push_new = clone
        .git()
        .run(&[&["push", "--porcelain", &url], &spec[..]].concat());
    for out in [push, push_new] {
        assert!(!out.ok() && is_clear(&out), "{}", out.stderr);
        assert!(out.stderr.contains("access denied"), "{}", out.stderr);
        assert!(
            out.stderr.contains("must allow s3:PutObject"),
            "{}",
            out.stderr
        );
        for line in [
            "refs/heads/main:refs/heads/main",
            "refs/heads/main:refs/heads/two",
        ] {
            let told = |said: &&str| said.starts_with("!\t") && said.contains(line);
            assert!(
                out.stdout.lines().find(told).is_some(),
                "{line}: {}",
                out.stdout
            );
        }
    }
    assert_eq!(main_of(&world, &url), Some(head));
    sound(&world, &url, "mirror");
}

#[test]
fn a_bucket_that_is_not_there_is_told() {
    let world = World::s3();
    let service = services::s3();
    let url = prefix().replace(
        &format!("/{}/", service.bucket),
        "/there-is-no-such-bucket/",
    );
    let outs = both(&world, world.git(), &url);
    let said = &outs.1.stderr;
    assert!(!outs.1.ok() && is_clear(&outs.1), "{said}");
    assert!(
        said.contains("no such bucket") && said.contains("hint: "),
        "{said}"
    );
    let said = &outs.0.stderr;
    assert!(!outs.0.ok() && said.contains("no such bucket"), "{said}");
}

/// A service that answers everything with one error.
fn service_that_says(status: u16, code: &str, more: &str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code>\
         <Message>as the service words it</Message>{more}<RequestId>1</RequestId></Error>"
    );
    let reply = format!(
        "HTTP/1.1 {status} Nope\r\nContent-Type: application/xml\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n{body}",
        body.len()
    );
    // Lives as long as the test's process.
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = Vec::new();
            let mut buffer = [0; 4096];
            while !request.windows(4).any(|end| end == b"\r\n\r\n") {
                match stream.read(&mut buffer) {
                    Ok(count @ 1..) => request.extend_from_slice(&buffer[..count]),
                    _ => break,
                }
            }
            let _ = stream.write_all(reply.as_bytes());
            let _ = stream.shutdown(std::net::Shutdown::Write);
            while matches!(stream.read(&mut buffer), Ok(1..)) {}
        }
    });
    address
}

/// Both operations on such a service.
fn answered(status: u16, code: &str, more: &str) -> (Output, Output) {
    let world = World::s3();
    let address = service_that_says(status, code, more);
    let url = format!("pail::s3+http://{address}/bucket/prefix?region=us-east-1");
    both(&world, world.git(), &url)
}

#[test]
fn a_clock_that_is_wrong_is_told() {
    let times = "<RequestTime>20260101T000000Z</RequestTime>\
                 <ServerTime>2026-03-01T12:00:00Z</ServerTime>";
    let outs = answered(403, "RequestTimeTooSkewed", times);
    refused(
        &outs,
        "the clock of this machine is wrong",
        "it is 2026-03-01T12:00:00Z there",
    );
}

#[test]
fn a_wrong_region_is_told_with_the_right_one() {
    let outs = answered(
        400,
        "AuthorizationHeaderMalformed",
        "<Region>eu-central-1</Region>",
    );
    refused(&outs, "another region", "?region=eu-central-1");
    let outs = answered(
        301,
        "PermanentRedirect",
        "<Endpoint>b.s3.eu-west-3.amazonaws.com</Endpoint>",
    );
    refused(&outs, "another region", "b.s3.eu-west-3.amazonaws.com");
}

#[test]
fn a_session_that_has_ended_is_told() {
    for code in ["ExpiredToken", "InvalidToken", "TokenRefreshRequired"] {
        let outs = answered(400, code, "");
        refused(&outs, "the session has ended", "sign in again");
    }
}

#[test]
fn a_bucket_that_is_full_is_told() {
    let outs = answered(403, "QuotaExceeded", "");
    refused(&outs, "the bucket is full", "make room");
}

/// A git whose one credential helper knows this login, and writes down what it is asked.
fn with_helper(world: &World, id: &str, secret: &str) -> Git {
    let (script, log) = (world.text("helper.sh"), world.text("helper.log"));
    let text = format!(
        "#!/bin/sh\necho \"$1\" >> '{log}'\nif [ \"$1\" = get ]; then\n\
         printf 'username={id}\\npassword={secret}\\n'\nfi\n"
    );
    std::fs::write(&script, text).unwrap();
    secrets(world.git(), "", "")
        .with_env("GIT_TERMINAL_PROMPT", "0")
        .with_env("GIT_CONFIG_COUNT", "1")
        .with_env("GIT_CONFIG_KEY_0", "credential.helper")
        .with_env("GIT_CONFIG_VALUE_0", format!("!sh '{script}'"))
}

fn helper_was_asked(world: &World) -> Vec<String> {
    let log = std::fs::read_to_string(world.path("helper.log")).unwrap();
    log.lines().map(str::to_owned).collect()
}

#[test]
fn gits_credential_helpers_are_asked_last_and_told_how_it_went() {
    let world = World::s3();
    let service = services::s3();
    let who = with_helper(&world, &service.key, &service.secret);
    let outs = both(&world, &who, &prefix());
    assert!(outs.1.ok(), "{}", outs.1.stderr);
    // One for the fetch, one for the push; each is told once that it was right.
    assert_eq!(helper_was_asked(&world), ["get", "store", "get", "store"]);
    let world = World::s3();
    let wrong = "this-is-not-the-secret-of-anybody";
    let who = with_helper(&world, &service.key, wrong);
    let outs = both(&world, &who, &prefix());
    refused(&outs, "the secret key is wrong", "check the secret key");
    assert_eq!(helper_was_asked(&world), ["get", "erase", "get", "erase"]);
    for out in [outs.0, outs.1] {
        assert!(!out.stderr.contains(wrong), "{}", out.stderr);
    }
}

/// The command lines of all processes, while `act` runs.
#[cfg(target_os = "linux")]
fn command_lines_during(act: impl FnOnce()) -> std::collections::BTreeSet<String> {
    use std::sync::atomic::{AtomicBool, Ordering};
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            let mut seen = std::collections::BTreeSet::new();
            while !over.load(Ordering::Relaxed) {
                for process in std::fs::read_dir("/proc").unwrap().flatten() {
                    // Processes end while they are looked at.
                    let line = std::fs::read(process.path().join("cmdline"));
                    seen.extend(line.map(|line| String::from_utf8_lossy(&line).into_owned()));
                }
            }
            seen
        });
        act();
        over.store(true, Ordering::Relaxed);
        watcher.join().unwrap()
    })
}

#[cfg(target_os = "linux")]
#[test]
fn no_secret_is_in_a_trace_or_on_a_command_line() {
    let world = World::s3();
    let service = services::s3();
    let from_git = with_helper(&world, &service.key, &service.secret);
    let from_env = secrets(world.git(), &service.key, &service.secret);
    for who in [from_git, from_env] {
        let traced = [
            "GIT_TRACE",
            "GIT_TRACE_CURL",
            "GIT_TRACE_SETUP",
            "GIT_TRACE2_EVENT",
        ]
        .iter()
        .fold(who, |git, name| git.with_env(name, "1"))
        .with_env("RUST_LOG", "trace")
        .with_env("RUST_BACKTRACE", "1");
        let mut outs = None;
        let lines = command_lines_during(|| outs = Some(both(&world, &traced, &prefix())));
        let (fetch, push) = outs.unwrap();
        assert!(push.ok(), "{}", push.stderr);
        assert!(
            lines.iter().any(|line| line.contains("pail::s3+http")),
            "the watcher saw nothing"
        );
        assert!(!lines.iter().any(|line| line.contains(&service.secret)));
        for out in [fetch, push] {
            assert!(out.stderr.contains("trace") || out.stderr.contains("cmd_name"));
            for text in [&out.stdout, &out.stderr] {
                assert!(!text.contains(&service.secret), "{text}");
                assert!(!text.contains("Signature="), "{text}");
            }
        }
    }
}
