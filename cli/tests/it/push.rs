//! Pushing: every ref gets its line, in git's words, and the bucket has what it says.

use crate::it::world::{World, on_every_service};
use testkit::git::Output;
use testkit::repo::Repo;

on_every_service!(
    a_push_says_what_a_push_to_a_bare_repository_says,
    a_dry_run_writes_nothing,
    a_dry_run_to_an_empty_bucket_makes_nothing,
    a_lease_is_kept_when_it_fits_and_refused_when_it_is_stale,
    force_if_includes_is_gits_own_check,
    an_atomic_push_is_all_or_nothing,
    a_mirror_push_makes_the_bucket_equal_and_leaves_head,
    push_prune_removes_what_is_gone_here,
    follow_tags_takes_annotated_tags_along,
    push_options_stand_in_the_log,
    sources_can_be_any_expression,
    notes_replacements_and_the_stash_can_be_pushed,
    a_replaced_object_is_pushed_as_it_is,
    a_signed_tag_arrives_signed,
    a_branch_must_be_a_commit,
    names_and_paths_need_not_be_utf8,
    a_name_cannot_be_a_file_and_a_folder,
    a_file_can_give_way_to_a_folder_in_one_push,
    the_branch_of_head_can_be_deleted_with_a_warning,
    a_push_by_url_needs_no_remote,
    a_signed_push_is_refused,
    several_remotes_of_one_bucket_agree,
);

fn tell(out: &Output, url: &str) -> (i32, String, String) {
    let scrub = |text: &str| text.replace(url, "<url>");
    let lines = out.stderr.lines().filter(|line| {
        // Git's own server adds its counting; ours draws nothing for so little.
        !line.starts_with("remote: ") && !line.starts_with("warning: ")
    });
    let said: Vec<_> = lines.map(scrub).collect();
    (out.status, scrub(&out.stdout), said.join("\n"))
}

fn a_push_says_what_a_push_to_a_bare_repository_says(world: &World) {
    let bare = world.text("bare.git");
    world.git().ok(&["init", "-q", "--bare", &bare]);
    let theirs = format!("file://{bare}");
    let source = world.repo("source");
    source.ok(&["config", "push.default", "upstream"]);
    source.commit("a", "one\n");
    source.commit("a", "two\n");
    source.annotated_tag("v1");
    source.branch("side").branch("x/y");
    source.ok(&["branch", "older", "HEAD~1"]);
    let steps: [&[&str]; 14] = [
        &["main"],
        &["main"],
        &["side", "v1", "older"],
        &["older:side"],
        &["+older:side"],
        &["--force", "main:side"],
        &["x/y:newer", ":side", "main"],
        &["--porcelain", "older:main", "main:newest"],
        &["--porcelain", "main", ":newest"],
        &["--delete", "nothing"],
        &["older:refs/tags/v1"],
        &["-v", "main"],
        &["--verbose", "--dry-run", "older:y", ":older"],
        &["main:refs/heads/bad..name"],
    ];
    for (step, args) in steps.into_iter().enumerate() {
        let push = |url: &str| {
            let (options, specs): (Vec<&str>, Vec<&str>) =
                args.iter().partition(|arg| arg.starts_with('-'));
            let words = [&["push"], &options[..], &[url], &specs[..]].concat();
            tell(&source.git().run(&words), url)
        };
        assert_eq!(push(&world.url()), push(&theirs), "step {step}: {args:?}");
    }
    let listed = world.git().ok(&["ls-remote", "--refs", &theirs]);
    assert_eq!(
        world.git().ok(&["ls-remote", "--refs", &world.url()]),
        listed
    );
    world.mirror();
}

fn a_dry_run_writes_nothing(world: &World) {
    let source = world.pushed("source");
    source.branch("old");
    source.ok(&["push", "-q", "origin", "old"]);
    let before = world.bucket().everything();
    source.commit("a", "three\n");
    let out = source
        .git()
        .run(&["push", "--dry-run", "origin", "main", "main:new", ":old"]);
    assert!(out.ok(), "{}", out.stderr);
    for word in ["[new branch]", "[deleted]", "main -> main"] {
        assert!(out.stderr.contains(word), "{}", out.stderr);
    }
    assert_eq!(world.bucket().everything(), before);
    assert_eq!(world.refs().len(), 2);
}

fn a_dry_run_to_an_empty_bucket_makes_nothing(world: &World) {
    let source = world.repo("source");
    source.commit("a", "one\n");
    source.ok(&["push", "-n", "origin", "main"]);
    assert!(world.bucket().keys().is_empty());
}

fn a_lease_is_kept_when_it_fits_and_refused_when_it_is_stale(world: &World) {
    let source = world.pushed("source");
    let other = world.clone("other");
    let seen = source.head();
    source.ok(&["reset", "-q", "--hard", "HEAD~1"]);
    source.commit("a", "rewritten\n");
    let out = source.git().run(&["push", "--force-with-lease"]);
    assert!(
        out.ok() && out.stderr.contains("(forced update)"),
        "{}",
        out.stderr
    );
    // The other clone still sees the old tip: its lease is stale.
    other.commit("d", "three\n");
    let said = other.fails(&["push", "--force-with-lease"]);
    assert!(said.contains("(stale info)"), "{said}");
    let said = other.fails(&[
        "push",
        &format!("--force-with-lease=main:{seen}"),
        "origin",
        "main",
    ]);
    assert!(said.contains("(stale info)"), "{said}");
    let lease = format!("--force-with-lease=main:{}", source.head());
    other.ok(&["push", "-q", &lease, "origin", "main"]);
    assert_eq!(world.tip("refs/heads/main"), Some(other.head()));
    // A lease on nothing: the ref must not be there.
    other.ok(&[
        "push",
        "-q",
        "--force-with-lease=new:",
        "origin",
        "main:new",
    ]);
    let said = other.fails(&["push", "--force-with-lease=new:", "origin", "HEAD~1:new"]);
    assert!(said.contains("(stale info)"), "{said}");
}

fn force_if_includes_is_gits_own_check(world: &World) {
    let source = world.pushed("source");
    let other = world.clone("other");
    other.commit("d", "three\n");
    other.ok(&["push", "-q"]);
    // Fetched, never looked at: the lease fits, and what is there is not included here.
    source.ok(&["fetch", "-q"]);
    source.commit("e", "four\n");
    let args = [
        "push",
        "--force-with-lease",
        "--force-if-includes",
        "origin",
        "main",
    ];
    let said = source.fails(&args);
    assert!(said.contains("remote ref updated since checkout"), "{said}");
    source.ok(&["pull", "-q", "--rebase"]);
    source.ok(&["commit", "-q", "--amend", "-m", "again"]);
    source.ok(&args);
    assert_eq!(world.tip("refs/heads/main"), Some(source.head()));
}

fn an_atomic_push_is_all_or_nothing(world: &World) {
    let source = world.pushed("source");
    let other = world.clone("other");
    other.commit("d", "three\n");
    other.ok(&["push", "-q"]);
    let before = world.bucket().everything();
    source.commit("e", "four\n");
    let said = source.fails(&["push", "--atomic", "origin", "main", "main:new"]);
    assert!(
        said.contains("[rejected]") && said.contains("atomic push failed"),
        "{said}"
    );
    // What only the bucket can refuse: a name beside a folder of that name.
    let said = source.fails(&["push", "--atomic", "origin", "main:main/sub", "main:new"]);
    assert!(said.contains("atomic push failed"), "{said}");
    assert_eq!(world.bucket().everything(), before);
    source.ok(&["push", "-q", "--atomic", "origin", "main:one", "main:two"]);
    assert_eq!(world.refs().len(), 3);
    world.mirror();
}

fn a_mirror_push_makes_the_bucket_equal_and_leaves_head(world: &World) {
    let source = world.pushed("source");
    source.branch("topic").annotated_tag("v1");
    source.ok(&["push", "-q", "origin", "topic", "v1"]);
    source.ok(&["branch", "-D", "-q", "topic"]);
    source.ok(&["remote", "remove", "origin"]);
    source.branch("fresh");
    source.ok(&["notes", "add", "-m", "note"]);
    let out = source.git().run(&["push", "--mirror", &world.url()]);
    assert!(out.ok(), "{}", out.stderr);
    assert!(!out.stderr.contains("HEAD"), "{}", out.stderr);
    assert_eq!(world.refs(), source.refs());
    assert_eq!(
        world.mirror().ok(&["symbolic-ref", "HEAD"]),
        "refs/heads/main"
    );
}

fn push_prune_removes_what_is_gone_here(world: &World) {
    let source = world.pushed("source");
    source.branch("topic");
    source.ok(&["push", "-q", "origin", "topic"]);
    source.ok(&["branch", "-D", "-q", "topic"]);
    source.ok(&[
        "push",
        "-q",
        "--prune",
        "origin",
        "refs/heads/*:refs/heads/*",
    ]);
    assert_eq!(
        world.refs().into_keys().collect::<Vec<_>>(),
        ["refs/heads/main"]
    );
}

fn follow_tags_takes_annotated_tags_along(world: &World) {
    let source = world.pushed("source");
    source.commit("a", "three\n");
    source.annotated_tag("v1");
    source.tag("light");
    source.ok(&["push", "-q", "--follow-tags"]);
    assert_eq!(world.tip("refs/tags/v1"), source.id("v1"));
    assert_eq!(world.tip("refs/tags/light"), None);
}

fn push_options_stand_in_the_log(world: &World) {
    let source = world.pushed("source");
    source.commit("a", "three\n");
    source.ok(&[
        "push",
        "-q",
        "-o",
        "ci.skip",
        "-o",
        "say=\"a b\"\tc%",
        "-o",
        "größe",
    ]);
    let log = world.bucket().manifest()["log"]["entries"].clone();
    let last = log.as_array().unwrap().last().unwrap();
    let options = ["ci.skip", "say=\"a b\"\tc%25", "größe"];
    assert_eq!(last["options"], serde_json::json!(options), "{last}");
    assert_eq!(last["who"], "Carl Keeper <carl@example.org>");
    let ids = [source.id("HEAD~1"), source.id("HEAD")].map(Option::unwrap);
    assert_eq!(
        last["moves"],
        serde_json::json!([["refs/heads/main", ids[0], ids[1]]])
    );
}

fn sources_can_be_any_expression(world: &World) {
    let source = world.pushed("source");
    source.annotated_tag("v1");
    let old = source.id("HEAD~1").unwrap();
    source.ok(&[
        "push",
        "-q",
        "origin",
        "HEAD~1:refs/heads/older",
        &format!("{old}:refs/heads/bare"),
        "HEAD:refs/heads/here",
        "@:refs/heads/at",
        "v1:refs/tags/copied",
        "v1^{commit}:refs/heads/peeled",
        "HEAD:a:refs/blobs/a",
        "HEAD^{tree}:refs/trees/top",
    ]);
    let refs = world.refs();
    assert_eq!(refs["refs/heads/older"], old);
    assert_eq!(refs["refs/heads/bare"], old);
    assert_eq!(refs["refs/heads/peeled"], source.head());
    assert_eq!(Some(&refs["refs/tags/copied"]), source.id("v1").as_ref());
    assert_eq!(Some(&refs["refs/blobs/a"]), source.id("HEAD:a").as_ref());
    assert_eq!(world.mirror().refs(), refs);
    // HEAD stands alone, too.
    source.switch("alone").commit("z", "z\n");
    source.ok(&["push", "-q", "origin", "HEAD"]);
    assert_eq!(world.tip("refs/heads/alone"), Some(source.head()));
}

fn notes_replacements_and_the_stash_can_be_pushed(world: &World) {
    let source = world.pushed("source");
    source.ok(&["notes", "add", "-m", "note"]);
    source.ok(&["replace", "HEAD", "HEAD~1"]);
    source.write("a", "stashed\n");
    source.ok(&["stash", "-q"]);
    let all = [
        "refs/notes/*:refs/notes/*",
        "refs/replace/*:refs/replace/*",
        "refs/stash",
    ];
    source.ok(&[&["push", "-q", "origin"], &all[..]].concat());
    let mirror = world.mirror();
    assert_eq!(mirror.id("refs/stash"), source.id("refs/stash"));
    assert_eq!(mirror.refs().len(), 4);
    let clone = world.clone("clone");
    clone.ok(&["fetch", "-q", "origin", "refs/notes/*:refs/notes/*"]);
    assert_eq!(clone.ok(&["notes", "show"]), "note");
}

fn a_replaced_object_is_pushed_as_it_is(world: &World) {
    let source = world.pushed("source");
    let real = source.commit("a", "three\n");
    // Here this commit looks as if it had no parents at all.
    let orphan = source.ok(&["commit-tree", "-m", "fake", "HEAD^{tree}"]);
    source.ok(&["replace", &real, &orphan]);
    source.ok(&["push", "-q", "origin", "main:again"]);
    let mirror = world.mirror();
    assert_eq!(mirror.id("again"), Some(real));
    assert_eq!(mirror.ok(&["rev-list", "--count", "again"]), "3");
}

fn a_signed_tag_arrives_signed(world: &World) {
    let source = world.pushed("source");
    let key = world.text("key");
    let mut keygen = source.git().program("ssh-keygen");
    keygen.args([
        "-q",
        "-t",
        "ed25519",
        "-N",
        "",
        "-C",
        "carl@example.org",
        "-f",
        &key,
    ]);
    assert!(testkit::git::run(keygen, b"").ok());
    let public = std::fs::read_to_string(format!("{key}.pub")).unwrap();
    let signers = world.text("signers");
    std::fs::write(&signers, format!("carl@example.org {public}")).unwrap();
    for (name, value) in [
        ("gpg.format", "ssh"),
        ("user.signingKey", &key),
        ("gpg.ssh.allowedSignersFile", &signers),
    ] {
        source.git().config(name, value);
    }
    source.ok(&["tag", "-s", "-m", "signed", "v1"]);
    source.write("a", "signed\n");
    source.ok(&["commit", "-q", "-S", "-am", "signed"]);
    source.ok(&["push", "-q", "origin", "main", "v1"]);
    let clone = world.clone("clone");
    clone.ok(&["verify-tag", "v1"]);
    clone.ok(&["verify-commit", "HEAD"]);
}

fn a_branch_must_be_a_commit(world: &World) {
    let source = world.pushed("source");
    source.annotated_tag("v1");
    let before = world.bucket().everything();
    for (what, spec) in [
        ("a tag", "v1:refs/heads/bad"),
        ("a blob", "HEAD:a:refs/heads/bad"),
        ("a tree", "HEAD^{tree}:refs/heads/bad"),
    ] {
        let said = source.fails(&["push", "origin", spec]);
        assert!(said.contains("[remote rejected]"), "{what}: {said}");
    }
    assert_eq!(world.bucket().everything(), before);
}

fn names_and_paths_need_not_be_utf8(world: &World) {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let source = world.pushed("source");
    let file = OsStr::from_bytes(b"caf\xe9 \xff");
    std::fs::write(source.path().join(file), "x\n").unwrap();
    source.ok(&["add", "-A"]);
    source.ok(&["commit", "-q", "-m", "latin"]);
    let branch = OsStr::from_bytes(b"caf\xe9");
    source.git().ok(&[OsStr::new("branch"), branch]);
    let percent = "100%41";
    source.branch(percent).branch("größe");
    let all = ["push", "-q", "origin", "main", percent, "größe"].map(OsStr::new);
    source.git().ok(&[&all[..], &[branch]].concat());
    let clone = world.clone("clone");
    clone.fsck();
    assert!(clone.path().join(file).exists());
    let listed = clone.git().run(&["ls-remote", "--heads", "origin"]).bytes;
    let has = |name: &[u8]| listed.windows(name.len()).any(|part| part == name);
    assert!(has(b"refs/heads/caf\xe9\n") && has(b"refs/heads/100%41\n"));
    assert!(has("refs/heads/größe\n".as_bytes()));
    let gone = OsStr::from_bytes(b":refs/heads/caf\xe9");
    clone
        .git()
        .ok(&[&["push", "-q", "origin"].map(OsStr::new)[..], &[gone]].concat());
    assert_eq!(world.refs().len(), 3);
}

fn a_name_cannot_be_a_file_and_a_folder(world: &World) {
    let source = world.pushed("source");
    source.ok(&["push", "-q", "origin", "main:a", "main:x/y"]);
    for (spec, exists) in [("main:a/b", "refs/heads/a"), ("main:x", "refs/heads/x/y")] {
        let said = source.fails(&["push", "origin", spec]);
        let name = format!("refs/heads/{}", spec.strip_prefix("main:").unwrap());
        let words = format!("'{exists}' exists; cannot create '{name}'");
        assert!(said.contains(&words), "{said}");
    }
    // Within one push as well; one of the two gets in, as with git's own server.
    let said = source.fails(&["push", "origin", "main:z", "main:z/z"]);
    assert!(
        said.contains("[new branch]") && said.contains("cannot create"),
        "{said}"
    );
    world.mirror();
}

fn a_file_can_give_way_to_a_folder_in_one_push(world: &World) {
    let source = world.pushed("source");
    source.ok(&["push", "-q", "origin", "main:a"]);
    source.ok(&["push", "-q", "origin", "main:a/b", ":a"]);
    source.ok(&["push", "-q", "--atomic", "origin", ":a/b", "main:a"]);
    assert_eq!(world.tip("refs/heads/a"), Some(source.head()));
}

fn the_branch_of_head_can_be_deleted_with_a_warning(world: &World) {
    let source = world.pushed("source");
    source.ok(&["push", "-q", "origin", "main:topic"]);
    source.switch("elsewhere");
    let out = source.git().run(&["push", "origin", ":main"]);
    assert!(out.ok(), "{}", out.stderr);
    let warned = out
        .stderr
        .lines()
        .any(|line| line.starts_with("warning: refs/heads/main was the default branch"));
    assert!(warned, "{}", out.stderr);
    // Nothing is left at all: still a repository, still to be cloned and pushed to.
    source.ok(&["push", "-q", "origin", ":topic"]);
    assert!(world.refs().is_empty());
    let clone = world.clone("clone");
    let tip = clone.commit("n", "new\n");
    clone.ok(&["push", "-q", "origin", "HEAD:refs/heads/main"]);
    let again = world.clone("again");
    assert_eq!(again.head(), tip);
}

fn a_push_by_url_needs_no_remote(world: &World) {
    let source = Repo::init_with(world.git(), world.path("source"), &[]);
    source.commit("a", "one\n");
    source.ok(&["push", "-q", &world.url(), "main"]);
    assert_eq!(world.tip("refs/heads/main"), Some(source.head()));
}

fn a_signed_push_is_refused(world: &World) {
    let source = world.pushed("source");
    source.commit("a", "three\n");
    let before = world.bucket().everything();
    source.fails(&["push", "--signed", "origin", "main"]);
    assert_eq!(world.bucket().everything(), before);
    source.ok(&["push", "-q", "--signed=if-asked", "origin", "main"]);
    assert_eq!(world.tip("refs/heads/main"), Some(source.head()));
}

fn several_remotes_of_one_bucket_agree(world: &World) {
    let source = world.pushed("source");
    source.ok(&["remote", "add", "again", &world.url()]);
    source.commit("a", "three\n");
    source.ok(&["push", "-q", "again", "main"]);
    source.ok(&["fetch", "-q", "--all"]);
    assert_eq!(source.id("again/main"), source.id("origin/main"));
}
