//! Fetching brings what is new, and what git asked for.

use crate::it::world::{World, leftovers, on_every_service};

on_every_service!(
    a_fetch_brings_new_commits_branches_and_their_tags,
    a_pull_merges_what_others_pushed,
    a_fetch_with_nothing_new_changes_nothing,
    a_forced_update_is_fetched_as_one,
    fetch_prune_drops_what_was_deleted,
    fetch_tags_and_no_tags_are_obeyed,
    a_bare_id_can_be_fetched,
    an_id_that_the_bucket_lacks_is_refused,
    fetch_head_and_refspecs_work_without_a_remote,
    a_stale_clone_catches_up_with_sixty_pushes_in_few_packs,
    objects_that_were_pruned_are_fetched_again,
    a_fetch_into_a_repository_with_other_history_is_whole,
    refetch_brings_everything_again,
    a_transfer_leaves_no_temporary_files,
    depth_and_filter_are_refused,
);

fn a_fetch_brings_new_commits_branches_and_their_tags(world: &World) {
    let source = world.pushed("source");
    let clone = world.clone("clone");
    source.commit("a", "three\n");
    let reachable = source.annotated_tag("v1");
    source.tag("light");
    source.switch("topic").commit("d", "four\n");
    source.ok(&["push", "-q", "origin", "main", "topic", "--tags"]);
    // Its object is new, its commit is not.
    source
        .switch("main")
        .ok(&["tag", "-a", "-m", "late", "late", "HEAD~1"]);
    source.ok(&["push", "-q", "origin", "late"]);
    let said = clone.git().run(&["fetch"]);
    assert!(said.ok(), "{}", said.stderr);
    clone.fsck();
    assert_eq!(clone.id("origin/main"), source.id("main"));
    assert_eq!(clone.id("origin/topic"), source.id("topic"));
    assert_eq!(clone.id("refs/tags/v1"), Some(reachable));
    assert_eq!(clone.id("refs/tags/light"), source.id("main"));
    assert_eq!(clone.id("refs/tags/late"), source.id("refs/tags/late"));
    assert!(
        said.stderr.contains("[new tag]         v1         -> v1"),
        "{}",
        said.stderr
    );
}

fn a_pull_merges_what_others_pushed(world: &World) {
    let source = world.pushed("source");
    let clone = world.clone("clone");
    source.commit("a", "three\n");
    source.ok(&["push", "-q"]);
    clone.commit("d", "four\n");
    clone.ok(&["pull", "-q", "--no-rebase", "--no-edit"]);
    clone.ok(&["push", "-q"]);
    source.ok(&["pull", "-q", "--ff-only"]);
    assert_eq!(source.head(), clone.head());
    assert_eq!(source.ok(&["show", "HEAD:a", "HEAD:d"]), "three\nfour");
    world.mirror();
}

fn a_fetch_with_nothing_new_changes_nothing(world: &World) {
    let source = world.pushed("source");
    let before = world.bucket().everything();
    let out = source.git().run(&["fetch"]);
    assert_eq!(
        (out.status, out.stdout.as_str(), out.stderr.as_str()),
        (0, "", "")
    );
    let out = source.git().run(&["push"]);
    assert_eq!(
        (out.status, out.stderr.as_str()),
        (0, "Everything up-to-date")
    );
    assert_eq!(world.bucket().everything(), before);
}

fn a_forced_update_is_fetched_as_one(world: &World) {
    let source = world.pushed("source");
    let clone = world.clone("clone");
    source.ok(&["reset", "-q", "--hard", "HEAD~1"]);
    let tip = source.commit("a", "other\n");
    let said = source.git().run(&["push", "--force"]);
    assert!(said.stderr.contains("(forced update)"), "{}", said.stderr);
    let said = clone.git().run(&["fetch"]);
    assert!(said.stderr.contains("(forced update)"), "{}", said.stderr);
    assert_eq!(clone.id("origin/main"), Some(tip));
    clone.fsck();
}

fn fetch_prune_drops_what_was_deleted(world: &World) {
    let source = world.pushed("source");
    source.branch("topic");
    source.ok(&["push", "-q", "origin", "topic"]);
    let clone = world.clone("clone");
    source.ok(&["push", "-q", "origin", "--delete", "topic"]);
    clone.ok(&["fetch", "-q"]);
    assert!(clone.id("origin/topic").is_some());
    let said = clone.git().run(&["fetch", "--prune"]);
    assert!(said.stderr.contains("[deleted]"), "{}", said.stderr);
    assert_eq!(clone.id("origin/topic"), None);
}

fn fetch_tags_and_no_tags_are_obeyed(world: &World) {
    let source = world.pushed("source");
    let clone = world.clone("clone");
    source.commit("a", "three\n");
    source.annotated_tag("v1");
    source.ok(&["checkout", "-q", "--orphan", "lonely"]);
    source.commit("e", "five\n");
    source.annotated_tag("v2");
    source.ok(&["push", "-q", "origin", "main", "--tags"]);
    clone.ok(&["fetch", "-q", "--no-tags"]);
    assert_eq!(clone.id("origin/main"), source.id("main"));
    assert_eq!((clone.id("v1"), clone.id("v2")), (None, None));
    clone.ok(&["fetch", "-q", "--tags"]);
    assert_eq!(
        (clone.id("v1"), clone.id("v2")),
        (source.id("v1"), source.id("v2"))
    );
    clone.fsck();
    let bare = world.clone_with("no-tags", &["--no-tags"]);
    assert_eq!(bare.id("v1"), None);
    bare.fsck();
}

fn a_bare_id_can_be_fetched(world: &World) {
    let source = world.pushed("source");
    let old = source.id("HEAD~1").unwrap();
    source.ok(&["push", "-q", "origin", "main:gone", "main"]);
    source.switch("topic");
    let lost = source.commit("d", "three\n");
    source.ok(&["push", "-q", "origin", "topic"]);
    source.ok(&["push", "-q", "origin", ":topic"]);
    let empty = world.repo("empty");
    empty.ok(&["fetch", "-q", "origin", &old]);
    assert_eq!(empty.id("FETCH_HEAD"), Some(old));
    empty.fsck();
    // Deleted, and not yet dropped.
    empty.ok(&["fetch", "-q", "origin", &lost]);
    assert_eq!(empty.id("FETCH_HEAD"), Some(lost.clone()));
    assert_eq!(empty.ok(&["show", &format!("{lost}:d")]), "three");
    empty.fsck();
}

fn an_id_that_the_bucket_lacks_is_refused(world: &World) {
    let source = world.pushed("source");
    let absent = "1234567890123456789012345678901234567890";
    let said = source.fails(&["fetch", "origin", absent]);
    assert!(said.contains(absent), "{said}");
    assert!(said.starts_with("error: cannot fetch"), "{said}");
    assert_eq!(leftovers(&source), Vec::<String>::new());
}

fn fetch_head_and_refspecs_work_without_a_remote(world: &World) {
    let source = world.pushed("source");
    let other = world.repo("other");
    other.ok(&["remote", "remove", "origin"]);
    other.ok(&[
        "fetch",
        "-q",
        &world.url(),
        "main:copied",
        "+refs/heads/*:refs/x/*",
    ]);
    assert_eq!(other.id("copied"), Some(source.head()));
    assert_eq!(other.id("refs/x/main"), Some(source.head()));
    other.ok(&["fetch", "-q", &world.url()]);
    assert_eq!(other.id("FETCH_HEAD"), Some(source.head()));
    other.fsck();
}

fn a_stale_clone_catches_up_with_sixty_pushes_in_few_packs(world: &World) {
    let source = world.pushed("source");
    let clone = world.clone("clone");
    for round in 0..60 {
        source.commit(&format!("f{}", round % 7), format!("{round}\n"));
        source.ok(&["push", "-q"]);
        if round == 40 {
            clone.ok(&["fetch", "-q"]);
            assert_eq!(clone.id("origin/main"), Some(source.head()));
        }
    }
    clone.ok(&["-c", "fetch.unpackLimit=1", "fetch", "-q"]);
    assert_eq!(clone.id("origin/main"), Some(source.head()));
    clone.fsck();
    let counts = clone.ok(&["count-objects", "-v"]);
    // One of the clone, one of each fetch at most.
    let packs = counts.lines().find_map(|line| line.strip_prefix("packs: "));
    assert!(packs.unwrap().parse::<u32>().unwrap() <= 3, "{counts}");
    let mirror = world.mirror();
    assert_eq!(mirror.id("main"), Some(source.head()));
}

fn objects_that_were_pruned_are_fetched_again(world: &World) {
    let source = world.pushed("source");
    let clone = world.clone("clone");
    for round in 0..5 {
        source.commit("a", format!("{round}\n"));
        source.ok(&["push", "-q"]);
    }
    clone.ok(&["fetch", "-q"]);
    // The tip stays, what it stands on goes: the cheapest cover would be too small.
    let tip = clone.id("origin/main").unwrap();
    let lost = clone.id("origin/main~2").unwrap();
    clone.ok(&["update-ref", "-d", "refs/remotes/origin/main"]);
    let file = format!(".git/objects/{}/{}", &lost[..2], &lost[2..]);
    std::fs::remove_file(clone.path().join(file)).unwrap();
    source.commit("a", "six\n");
    source.ok(&["push", "-q"]);
    clone.ok(&["fetch", "-q"]);
    assert_eq!(clone.id("origin/main"), Some(source.head()));
    assert!(clone.id(&format!("{tip}^{{commit}}")).is_some());
    clone.fsck();
}

fn a_fetch_into_a_repository_with_other_history_is_whole(world: &World) {
    let source = world.pushed("source");
    source.grow("wide", 30, 12, 200);
    source.ok(&["push", "-q", "origin", "wide"]);
    let other = world.repo("other");
    other.commit("z", "mine\n");
    other.ok(&["fetch", "-q", "origin", "wide"]);
    other.fsck();
    other.ok(&["fetch", "-q"]);
    assert_eq!(other.id("origin/main"), source.id("main"));
    other.fsck();
    other.ok(&["push", "-q", "origin", "main:mine"]);
    assert_eq!(world.mirror().id("mine"), other.id("main"));
}

fn refetch_brings_everything_again(world: &World) {
    let source = world.pushed("source");
    let clone = world.clone("clone");
    let blob = clone.id("HEAD:a").unwrap();
    // A broken repository is mended by what the bucket has.
    let packs = clone.path().join(".git/objects/pack");
    for entry in packs.read_dir().unwrap() {
        std::fs::remove_file(entry.unwrap().path()).unwrap();
    }
    assert_eq!(clone.id(&format!("{blob}^{{blob}}")), None);
    clone.ok(&["fetch", "-q", "--refetch"]);
    assert_eq!(clone.id("origin/main"), Some(source.head()));
    clone.fsck();
}

fn a_transfer_leaves_no_temporary_files(world: &World) {
    let source = world.pushed("source");
    let clone = world.clone("clone");
    for (limit, text) in [("1", "three\n"), ("100", "four\n")] {
        source.commit("a", text);
        source.ok(&["push", "-q"]);
        clone.ok(&["-c", &format!("fetch.unpackLimit={limit}"), "fetch", "-q"]);
    }
    source.commit("a", "five\n");
    source.ok(&["push", "-q"]);
    clone.ok(&["-c", "pail.verify=checksum", "fetch", "-q"]);
    assert_eq!(leftovers(&source), Vec::<String>::new());
    assert_eq!(leftovers(&clone), Vec::<String>::new());
    let keys = world.bucket().keys();
    assert!(
        !keys
            .iter()
            .any(|key| key.contains("tmp") || key.contains("probe")),
        "{keys:?}"
    );
}

fn depth_and_filter_are_refused(world: &World) {
    let source = world.pushed("source");
    let (url, target) = (world.url(), world.text("clone"));
    let cases: [&[&str]; 5] = [
        &["--depth=1"],
        &["--filter=blob:none"],
        &["--shallow-since=1.week"],
        &["--shallow-exclude=main"],
        &["--filter=tree:0", "--no-checkout"],
    ];
    for args in cases {
        let words = [&["clone"], args, &[&url, &target]].concat();
        let out = world.git().run(&words);
        assert_eq!(out.status, 128, "{args:?}: {}", out.stderr);
        assert!(
            out.stderr.contains("not served yet"),
            "{args:?}: {}",
            out.stderr
        );
        assert!(!world.path("clone").exists(), "{args:?}");
    }
    for args in [&["fetch", "--depth=1"][..], &["fetch", "--deepen=1"]] {
        let said = source.fails(args);
        assert!(said.contains("not served yet"), "{args:?}: {said}");
    }
    assert!(!source.path().join(".git/shallow").exists());
}
