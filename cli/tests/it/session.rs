//! How a session speaks, stays quiet, and ends before its time.

use crate::it::world::{Talk, World, leftovers, on_every_service, script};
use testkit::repo::Repo;

on_every_service!(
    quiet_commands_print_nothing,
    progress_is_shown_when_it_is_asked_for,
    standard_output_carries_protocol_alone,
    a_pipe_that_closes_ends_the_session_quietly,
    a_batch_that_is_cut_is_not_carried_out,
    a_batch_of_an_unknown_kind_ends_the_session,
    an_interrupted_push_leaves_nothing,
    an_interrupted_fetch_leaves_nothing,
    a_git_that_is_killed_leaves_nothing,
);

fn quiet_commands_print_nothing(world: &World) {
    let nothing = |out: testkit::git::Output| {
        assert_eq!(
            (out.status, out.stdout.as_str(), out.stderr.as_str()),
            (0, "", "")
        );
    };
    let source = world.repo("source");
    source.commit("a", "one\n");
    nothing(source.git().run(&["push", "-q", "origin", "main"]));
    source.commit("a", "two\n");
    nothing(
        source
            .git()
            .run(&["push", "-q", "--progress", "origin", "main"]),
    );
    nothing(
        world
            .git()
            .run(&["clone", "-q", &world.url(), &world.text("clone")]),
    );
    nothing(
        world
            .git()
            .run(&["ls-remote", "-q", &world.url(), "nothing"]),
    );
    source.commit("a", "three\n");
    source.ok(&["push", "-q", "origin", "main"]);
    let clone = Repo::at(world.git(), world.path("clone"));
    nothing(clone.git().run(&["fetch", "-q"]));
    nothing(
        clone
            .git()
            .run(&["fetch", "-q", "--all", "--prune", "--tags"]),
    );
}

fn progress_is_shown_when_it_is_asked_for(world: &World) {
    let source = world.repo("source");
    source.grow("main", 60, 10, 200);
    // Standard error is no terminal here.
    let said = source.git().run(&["push", "origin", "main"]).stderr;
    assert!(!said.contains('%'), "{said}");
    source.grow("more", 20, 10, 200);
    let said = source
        .git()
        .run(&["push", "--progress", "origin", "more"])
        .stderr;
    assert!(said.contains("Writing objects: 100%"), "{said}");
    let target = world.text("clone");
    let said = world
        .git()
        .run(&["clone", "--progress", &world.url(), &target])
        .stderr;
    assert!(said.contains("Receiving objects: 100%"), "{said}");
}

fn standard_output_carries_protocol_alone(world: &World) {
    let source = world.pushed("source");
    source.annotated_tag("v1");
    let tip = source.commit("a", "three\n");
    let mut talk = world.talk(&source.path().join(".git"));
    let names = talk.ask_all("capabilities\n");
    assert_eq!(
        names,
        [
            "fetch",
            "push",
            "option",
            "check-connectivity",
            "object-format"
        ]
    );
    for option in [
        "verbosity 3",
        "progress true",
        "object-format true",
        "followtags true",
    ] {
        assert_eq!(talk.ask(&format!("option {option}\n")), "ok");
    }
    assert_eq!(talk.ask("option never-heard-of it\n"), "unsupported");
    let listed = talk.ask_all("list for-push\n");
    assert_eq!(listed.len(), 2, "{listed:?}");
    assert_eq!(listed[0], ":object-format sha1");
    let answers = talk.ask_all(
        "push refs/heads/main:refs/heads/main\npush refs/tags/v1:refs/tags/v1\npush :refs/heads/none\n\n",
    );
    assert_eq!(
        answers,
        [
            "ok refs/heads/main",
            "ok refs/tags/v1",
            "error refs/heads/none up to date"
        ]
    );
    let out = talk.end();
    assert_eq!((out.status, out.stdout.as_str()), (0, ""));
    let other = world.repo("other");
    let mut talk = world.talk(&other.path().join(".git"));
    assert_eq!(talk.ask("option progress true\n"), "ok");
    let listed = talk.ask_all("list\n");
    let (tag, peeled) = (source.id("v1").unwrap(), source.id("v1^{}").unwrap());
    assert_eq!(
        listed,
        [
            ":object-format sha1".to_owned(),
            "@refs/heads/main HEAD".to_owned(),
            format!("{tip} refs/heads/main"),
            format!("{tag} refs/tags/v1"),
            format!("{peeled} refs/tags/v1^{{}}"),
        ]
    );
    assert_eq!(
        talk.ask_all(&format!(
            "fetch {tip} refs/heads/main\nfetch {tip} HEAD\n\n"
        )),
        [""; 0]
    );
    let out = talk.end();
    assert_eq!((out.status, out.stdout.as_str()), (0, ""));
    assert!(other.id(&format!("{tip}^{{commit}}")).is_some());
}

fn a_pipe_that_closes_ends_the_session_quietly(world: &World) {
    let source = world.pushed("source");
    for said in ["", "capabilities\n", "list\n", "option progress true\n"] {
        let mut talk = world.talk(&source.path().join(".git"));
        talk.stop_listening();
        talk.say(said);
        let out = talk.end();
        assert_eq!((out.status, out.stderr.as_str()), (0, ""), "{said}");
    }
    // `ls-remote` into a reader that stops early.
    let mut shell = source.git().program("sh");
    shell.args(["-c", "git ls-remote origin | head -n 1"]);
    let out = testkit::git::run(shell, b"");
    assert_eq!((out.status, out.stderr.as_str()), (0, ""), "{}", out.stdout);
}

fn a_batch_that_is_cut_is_not_carried_out(world: &World) {
    let source = world.pushed("source");
    let before = world.bucket().everything();
    let git_dir = source.path().join(".git");
    for rest in ["", "push refs/heads/main:refs/heads/tw"] {
        let mut talk = world.talk(&git_dir);
        assert_eq!(talk.ask("option atomic true\n"), "ok");
        talk.ask_all("list for-push\n");
        talk.say(&format!("push refs/heads/main:refs/heads/one\n{rest}"));
        let out = talk.end();
        assert_eq!(out.stdout, "");
        assert!(!out.stderr.contains("panicked"), "{}", out.stderr);
        assert_eq!(world.bucket().everything(), before);
    }
    let other = world.repo("other");
    let mut talk = world.talk(&other.path().join(".git"));
    talk.ask_all("list\n");
    talk.say(&format!("fetch {} refs/heads/main\n", source.head()));
    assert_eq!(talk.end().stdout, "");
    assert_eq!(other.id(&format!("{}^{{commit}}", source.head())), None);
}

fn a_batch_of_an_unknown_kind_ends_the_session(world: &World) {
    let source = world.pushed("source");
    let git_dir = source.path().join(".git");
    let before = world.bucket().everything();
    for said in [
        "import refs/heads/main\n",
        "fetch zz refs/heads/main\n\n",
        "push nothing\n\n",
        "push refs/heads/main:refs/heads/x\nfetch 00 x\n\n",
        "\u{0}\n",
        "option cas refs/heads/main:zz\n",
    ] {
        let mut talk = world.talk(&git_dir);
        talk.say(said);
        let out = talk.end();
        assert_eq!((out.status, out.stdout.as_str()), (128, ""), "{said:?}");
        assert!(
            out.stderr.starts_with("error: "),
            "{said:?}: {}",
            out.stderr
        );
    }
    let mut talk = world.talk(&git_dir);
    talk.say(&"x".repeat(2 << 20));
    let out = talk.end();
    assert_eq!(out.status, 128);
    assert!(out.stderr.len() < 1000, "{}", out.stderr.len());
    assert_eq!(world.bucket().everything(), before);
}

/// A helper whose git stops for ever when it is asked for `verb`, and says so in a file.
fn stuck(world: &World, repo: &Repo, verb: &str) -> Talk {
    let bin = world.path("stuck");
    let real = world.git().ok(&["--exec-path"]);
    let started = world.text("started");
    let text = format!(
        "case \" $* \" in *' {verb} '*) trap '' INT; echo >'{started}'; exec sleep 1000 ;; esac\n\
         exec '{real}/git' \"$@\""
    );
    script(&bin.join("git"), &text);
    let url = world.url();
    let mut command = world.git().with_bin(&bin).program("git-remote-pail");
    command
        .args(["origin", url.strip_prefix("pail::").unwrap()])
        .env("GIT_DIR", repo.path().join(".git"));
    Talk::start(command)
}

/// Waits until the stuck git runs; a test that waits for ever is ended by its runner.
fn wait_for(path: &std::path::Path) {
    while !path.exists() {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
}

fn signal(world: &World, name: &str, id: u32) {
    let mut kill = world.git().program("kill");
    kill.args([name, &id.to_string()]);
    assert!(testkit::git::run(kill, b"").ok());
}

fn an_interrupted_push_leaves_nothing(world: &World) {
    for name in ["-INT", "-TERM", "-HUP"] {
        let source = world.repo("source");
        source.commit("a", "one\n");
        let mut talk = stuck(world, &source, "pack-objects");
        talk.ask_all("list for-push\n");
        talk.say("push refs/heads/main:refs/heads/main\n\n");
        wait_for(&world.path("started"));
        assert_ne!(leftovers(&source), Vec::<String>::new());
        signal(world, name, talk.id());
        let out = talk.end();
        assert_eq!(
            (out.status, out.stdout.as_str(), out.stderr.as_str()),
            (130, "", "")
        );
        assert_eq!(leftovers(&source), Vec::<String>::new());
        assert!(
            !world
                .bucket()
                .keys()
                .contains(&"pail/manifest.json".to_owned())
        );
        std::fs::remove_file(world.path("started")).unwrap();
        std::fs::remove_dir_all(source.path()).unwrap();
    }
}

fn an_interrupted_fetch_leaves_nothing(world: &World) {
    let source = world.pushed("source");
    let other = world.repo("other");
    other.ok(&["config", "fetch.unpackLimit", "1"]);
    let mut talk = stuck(world, &other, "--stdin");
    talk.ask_all("list\n");
    talk.say(&format!("fetch {} refs/heads/main\n\n", source.head()));
    wait_for(&world.path("started"));
    signal(world, "-INT", talk.id());
    let out = talk.end();
    assert_eq!(
        (out.status, out.stdout.as_str(), out.stderr.as_str()),
        (130, "", "")
    );
    assert_eq!(leftovers(&other), Vec::<String>::new());
}

fn a_git_that_is_killed_leaves_nothing(world: &World) {
    // Git goes away in the middle of a session, with packs installed and refs not moved.
    let source = world.pushed("source");
    let other = world.repo("other");
    other.ok(&["config", "fetch.unpackLimit", "1"]);
    let mut talk = world.talk(&other.path().join(".git"));
    talk.ask_all("list\n");
    let said = talk.ask_all(&format!("fetch {} refs/heads/main\n\n", source.head()));
    assert_eq!(said.len(), 1, "{said:?}");
    let keep = said[0].strip_prefix("lock ").unwrap();
    assert!(other.path().join(keep).exists(), "{keep}");
    assert_eq!(talk.end().status, 0);
}
