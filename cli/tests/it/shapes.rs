//! Repositories of every shape that git knows.

use crate::it::world::{World, leftovers, on_every_service};
use testkit::repo::Repo;

on_every_service!(
    a_linked_worktree_pushes_and_fetches,
    a_relative_git_dir_is_found,
    a_subfolder_of_the_work_tree_is_no_obstacle,
    a_bare_repository_pushes_and_fetches,
    a_repository_with_alternates_pushes_and_fetches,
    packed_refs_are_pushed,
    a_reftable_repository_pushes_clones_and_fetches,
    a_submodule_in_a_bucket_needs_leave,
    a_separate_git_dir_is_found,
    sha256_repositories_are_pushed_cloned_and_fetched,
    an_empty_bucket_takes_the_format_of_the_first_push,
    object_formats_are_not_mixed,
    a_folder_name_with_odd_letters_is_found,
);

fn a_linked_worktree_pushes_and_fetches(world: &World) {
    let source = world.pushed("source");
    source.ok(&["worktree", "add", "-q", "-b", "side", &world.text("linked")]);
    let linked = Repo::at(world.git(), world.path("linked"));
    let tip = linked.commit("w", "from a worktree\n");
    linked.ok(&["push", "-q", "-u", "origin", "side"]);
    assert_eq!(world.tip("refs/heads/side"), Some(tip));
    let other = world.clone("other");
    for limit in ["1", "100"] {
        other.commit("x", format!("{limit}\n"));
        other.ok(&["push", "-q"]);
        linked.ok(&["-c", &format!("fetch.unpackLimit={limit}"), "fetch", "-q"]);
        assert_eq!(source.id("origin/main"), Some(other.head()));
        // The objects lie where all worktrees find them.
        source.fsck();
        assert!(!world.path("source/.git/worktrees/linked/objects").exists());
    }
    other.commit("x", "checksum\n");
    other.ok(&["push", "-q"]);
    linked.ok(&["-c", "pail.verify=checksum", "fetch", "-q"]);
    source.fsck();
    assert_eq!(leftovers(&linked), Vec::<String>::new());
}

fn a_relative_git_dir_is_found(world: &World) {
    let source = world.pushed("source");
    let other = world.clone("other");
    other.commit("x", "y\n");
    other.ok(&["push", "-q"]);
    let relative = source.git().with_env("GIT_DIR", ".git");
    relative.ok(&["fetch", "-q"]);
    assert_eq!(source.id("origin/main"), Some(other.head()));
    // From above, with both halves named.
    let above = world
        .git()
        .with_env("GIT_DIR", "source/.git")
        .with_env("GIT_WORK_TREE", "source");
    above.ok(&["push", "-q", "origin", "main~1:refs/heads/older"]);
    above.ok(&["fetch", "-q", "origin"]);
    assert!(world.tip("refs/heads/older").is_some());
    source.fsck();
}

fn a_subfolder_of_the_work_tree_is_no_obstacle(world: &World) {
    let source = world.pushed("source");
    let other = world.clone("other");
    other.commit("x", "y\n");
    other.ok(&["push", "-q"]);
    let inside = source.git().at(source.path().join("b"));
    inside.ok(&["-c", "fetch.unpackLimit=1", "pull", "-q", "--ff-only"]);
    assert_eq!(source.head(), other.head());
    source.commit("z", "z\n");
    inside.ok(&["push", "-q"]);
    assert_eq!(leftovers(&source), Vec::<String>::new());
    world.mirror();
}

fn a_bare_repository_pushes_and_fetches(world: &World) {
    let source = world.pushed("source");
    let bare = world.clone_with("bare.git", &["--bare"]);
    source.commit("a", "three\n");
    source.ok(&["push", "-q"]);
    bare.ok(&["fetch", "-q", "origin", "main:main"]);
    assert_eq!(bare.id("main"), Some(source.head()));
    let tree = bare.ok(&["rev-parse", "main^{tree}"]);
    let made = bare.ok(&["commit-tree", "-p", "main", "-m", "made", &tree]);
    bare.ok(&["push", "-q", "origin", &format!("{made}:refs/heads/main")]);
    assert_eq!(world.tip("refs/heads/main"), Some(made));
    bare.fsck();
    world.mirror();
}

fn a_repository_with_alternates_pushes_and_fetches(world: &World) {
    let source = world.pushed("source");
    world.git().ok(&[
        "clone",
        "-q",
        "-s",
        &world.text("source"),
        &world.text("shared"),
    ]);
    let shared = Repo::at(world.git(), world.path("shared"));
    shared.ok(&["remote", "set-url", "origin", &world.url()]);
    let tip = shared.commit("s", "shared\n");
    shared.ok(&["push", "-q", "origin", "main", "HEAD~1:refs/heads/older"]);
    assert_eq!(world.mirror().id("main"), Some(tip.clone()));
    source.ok(&["pull", "-q", "--ff-only"]);
    source.commit("a", "more\n");
    source.ok(&["push", "-q"]);
    shared.ok(&["fetch", "-q"]);
    assert_eq!(shared.id("origin/main"), Some(source.head()));
    shared.fsck();
    // A clone that borrows brings nothing that the other one has.
    let borrowed = world.clone_with("borrowed", &["--reference", &world.text("source")]);
    borrowed.fsck();
    assert_eq!(borrowed.head(), source.head());
}

fn packed_refs_are_pushed(world: &World) {
    let source = world.pushed("source");
    source.annotated_tag("v1");
    source.branch("topic");
    source.ok(&["pack-refs", "--all", "--prune"]);
    source.ok(&["gc", "-q"]);
    source.ok(&["push", "-q", "origin", "topic", "v1"]);
    assert_eq!(world.mirror().refs().len(), 3);
}

fn a_reftable_repository_pushes_clones_and_fetches(world: &World) {
    let probe = world.text("probe");
    if !world
        .git()
        .run(&["init", "-q", "--ref-format=reftable", &probe])
        .ok()
    {
        return; // git before 2.45
    }
    let source = world.repo_with("source", &["--ref-format=reftable"]);
    source.commit("a", "one\n");
    source.annotated_tag("v1");
    source.ok(&["push", "-q", "-u", "origin", "main", "v1"]);
    let clone = world.clone_with("clone", &["--ref-format=reftable"]);
    assert_eq!(clone.ok(&["rev-parse", "--show-ref-format"]), "reftable");
    assert_eq!(clone.head(), source.head());
    source.commit("a", "two\n");
    source.ok(&["push", "-q"]);
    clone.ok(&["pull", "-q", "--ff-only"]);
    assert_eq!(clone.head(), source.head());
    clone.fsck();
}

fn a_submodule_in_a_bucket_needs_leave(world: &World) {
    world.pushed("source");
    let outer = Repo::init_with(world.git(), world.path("outer"), &[]);
    outer.commit("o", "outer\n");
    let said = outer.fails(&["submodule", "add", &world.url(), "inner"]);
    assert!(said.contains("transport 'pail' not allowed"), "{said}");
    let allow = ["-c", "protocol.pail.allow=always"];
    outer.ok(&[
        &allow[..],
        &["submodule", "--quiet", "add", &world.url(), "inner"],
    ]
    .concat());
    outer.ok(&["commit", "-q", "-m", "inner"]);
    let (from, to) = (world.text("outer"), world.text("again"));
    let args = [
        "-c",
        "protocol.file.allow=always",
        "clone",
        "-q",
        "--recurse-submodules",
    ];
    assert!(
        !world
            .git()
            .run(&[&args[..], &[&from, &world.text("refused")]].concat())
            .ok()
    );
    world.git().ok(&[&allow[..], &args, &[&from, &to]].concat());
    let again = Repo::at(world.git(), to);
    assert_eq!(
        again.ok(&["submodule", "status"]),
        outer.ok(&["submodule", "status"])
    );
    let inner = Repo::at(world.git(), world.path("again/inner"));
    inner.commit("i", "inner\n");
    inner.ok(&["push", "-q", "origin", "HEAD:main"]);
    again.ok(&["commit", "-q", "-am", "bump"]);
    outer.ok(&["pull", "-q", &world.text("again"), "HEAD"]);
    let update = ["submodule", "--quiet", "update", "--jobs=4"];
    outer.ok(&[&allow[..], &update].concat());
    assert_eq!(
        outer.ok(&["-C", "inner", "rev-parse", "HEAD"]),
        inner.head()
    );
}

fn a_separate_git_dir_is_found(world: &World) {
    world.pushed("source");
    let args = ["--separate-git-dir", &world.text("elsewhere")];
    let clone = world.clone_with("clone", &args);
    clone.commit("x", "y\n");
    clone.ok(&["push", "-q"]);
    clone.ok(&["fetch", "-q"]);
    clone.fsck();
    world.mirror();
}

fn sha256_repositories_are_pushed_cloned_and_fetched(world: &World) {
    let source = world.repo_with("source", &["--object-format=sha256"]);
    source.commit("a", "one\n");
    source.annotated_tag("v1");
    source.ok(&["push", "-q", "-u", "origin", "main", "v1"]);
    let clone = world.clone("clone");
    assert_eq!(clone.ok(&["rev-parse", "--show-object-format"]), "sha256");
    assert_eq!(clone.head().len(), 64);
    clone.fsck();
    for round in 0..3 {
        source.commit("a", format!("{round}\n"));
        source.ok(&["push", "-q"]);
    }
    clone.ok(&["pull", "-q", "--ff-only"]);
    assert_eq!(clone.head(), source.head());
    // Several packs joined into one, and taken as they are.
    world.mirror();
    let args = ["-c", "pail.verify=checksum"];
    world.clone_with("trusting", &args).fsck();
    let lease = format!("--force-with-lease=main:{}", source.head());
    clone.ok(&["push", "-q", &lease, "origin", "HEAD~1:main"]);
    clone.ok(&["push", "-q", "origin", ":v1"]);
    assert_eq!(world.refs().len(), 1);
}

fn an_empty_bucket_takes_the_format_of_the_first_push(world: &World) {
    let clone = world.clone("clone");
    clone.commit("a", "one\n");
    let modern = world.repo_with("modern", &["--object-format=sha256"]);
    let tip = modern.commit("a", "one\n");
    modern.ok(&["push", "-q", "origin", "main"]);
    for spec in ["main", "main:new", "+main"] {
        let said = clone.fails(&["push", "origin", spec]);
        assert!(
            said.contains("sha1") && said.contains("sha256"),
            "{spec}: {said}"
        );
    }
    assert_eq!(world.tip("refs/heads/main"), Some(tip));
}

fn object_formats_are_not_mixed(world: &World) {
    let source = world.pushed("source");
    let before = world.bucket().everything();
    let modern = world.repo_with("modern", &["--object-format=sha256"]);
    modern.commit("a", "one\n");
    for args in [&["push", "origin", "main:new"][..], &["fetch", "origin"]] {
        let said = modern.fails(args);
        assert!(
            said.contains("sha1") && said.contains("sha256"),
            "{args:?}: {said}"
        );
        assert!(!said.contains("panicked"), "{said}");
    }
    assert_eq!(world.bucket().everything(), before);
    assert_eq!(world.mirror().head(), source.head());
}

fn a_folder_name_with_odd_letters_is_found(world: &World) {
    let source = world.pushed("a b 'c' \"d\" größe");
    let clone = world.clone("e f$g");
    source.commit("x", "y\n");
    source.ok(&["push", "-q"]);
    clone.ok(&["-c", "fetch.unpackLimit=1", "fetch", "-q"]);
    assert_eq!(leftovers(&clone), Vec::<String>::new());
    clone.fsck();
}
