//! `init`, `ls`, `log` and `set-head`, on a folder that serves as a bucket.

use super::World;

#[test]
fn init_makes_an_empty_repository_once() {
    let world = World::installed();
    let url = world.url();
    let shown = world.shown(&["init", &url, "--object-format", "sha256", "--head", "trunk"]);
    assert!(
        shown.starts_with("made an empty sha256 repository"),
        "{shown}"
    );
    let ls = world.json(&["ls", &url, "--json"]);
    assert_eq!(ls["object_format"], "sha256");
    assert_eq!(ls["head"], "refs/heads/trunk");
    assert_eq!(ls["generation"], 1);
    assert_eq!(ls["refs"].as_array().map(Vec::len), Some(0));

    let again = world.shown(&["init", &url, "--object-format", "sha256"]);
    assert!(again.contains("already; nothing was changed"), "{again}");
    let other = world.fails(2, &["init", &url]);
    assert!(other.contains("names objects by sha256"), "{other}");
    let bad = world.fails(2, &["init", &url, "--head", "refs/tags/v1"]);
    assert!(bad.contains("is no branch"), "{bad}");
}

#[test]
fn ls_shows_what_git_sees_and_what_lies_there() {
    let world = World::installed();
    let repo = world.repo();
    repo.commit("a", "one\n");
    repo.annotated_tag("v1");
    repo.ok(&["push", "-q", "-u", "origin", "main", "v1"]);
    repo.commit("a", "two\n");
    repo.ok(&["push", "-q"]);

    let refs = world.pail_in(repo.path(), &["ls", "--refs"]);
    assert_eq!(refs.stdout, repo.ok(&["ls-remote", "origin"]));

    let ls = world.json(&["ls", &world.url(), "--json"]);
    assert_eq!(ls["layout"], 1);
    assert_eq!(ls["totals"]["refs"], 2);
    assert_eq!(ls["totals"]["packs"], 2);
    assert_eq!(
        ls["totals"]["objects"], 7,
        "two commits, trees, blobs; one tag"
    );
    assert_eq!(ls["refs"][1]["name"], "refs/tags/v1");
    assert_eq!(ls["refs"][1]["peeled"], repo.id("v1^{}").unwrap());
    let covers: Vec<_> = [0, 1]
        .map(|at| {
            (
                ls["packs"][at]["from"].clone(),
                ls["packs"][at]["to"].clone(),
            )
        })
        .to_vec();
    assert_eq!(covers, [(0.into(), 1.into()), (1.into(), 2.into())]);
    let bytes = ["bytes", "index_bytes"]
        .iter()
        .flat_map(|field| [0, 1].map(|at| ls["packs"][at][field].as_u64().unwrap_or(0)))
        .sum::<u64>();
    assert_eq!(ls["totals"]["bytes"], bytes);

    let packs_only = world.json(&["ls", &world.url(), "--json", "--packs"]);
    assert!(packs_only.get("refs").is_none());
    let text = world.pail_in(repo.path(), &["ls", "origin"]).stdout;
    for part in [
        "generation  2 (epoch 0)",
        "HEAD        refs/heads/main",
        "refs/tags/v1^{}",
        "push  all",
        "2 refs, 2 packs, 7 objects",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
}

#[test]
fn log_tells_who_moved_what_and_why() {
    let world = World::installed();
    let repo = world.repo();
    let one = repo.commit("a", "one\n");
    repo.ok(&["push", "-q", "-u", "origin", "main"]);
    let two = repo.commit("a", "two\n");
    repo.ok(&[
        "push",
        "-q",
        "-o",
        "ci.skip",
        "origin",
        "main",
        "main:topic",
    ]);
    repo.ok(&["push", "-q", "origin", ":topic"]);

    let log = world.json(&["log", &world.url(), "--json"]);
    let entries = log["entries"].as_array().unwrap();
    let generations: Vec<_> = entries
        .iter()
        .map(|one| one["generation"].clone())
        .collect();
    assert_eq!(generations, [3, 2, 1], "newest first");
    assert_eq!(entries[1]["options"][0], "ci.skip");
    assert_eq!(entries[1]["who"], "Carl Keeper <carl@example.org>");
    assert_eq!(entries[1]["what"], "push");
    let moved = &entries[1]["moves"][0];
    assert_eq!(moved["ref"], "refs/heads/main");
    assert_eq!(
        (&moved["old"], &moved["new"]),
        (&one.into(), &two.clone().into())
    );
    let time = entries[0]["time"].as_str().unwrap();
    assert!(time.ends_with('Z') && time.len() == "2026-01-01T00:00:00Z".len());

    let topic = world.json(&["log", &world.url(), "--ref", "topic", "--json"]);
    let topic = topic["entries"].as_array().unwrap();
    assert_eq!(topic.len(), 2);
    assert!(topic[0]["moves"][0]["new"].is_null(), "it was deleted");
    assert_eq!(
        topic[1]["moves"].as_array().map(Vec::len),
        Some(1),
        "only what was asked for"
    );

    let text = world.pail_in(repo.path(), &["log", "-n", "2"]).stdout;
    assert_eq!(text.matches("generation").count(), 2, "{text}");
    let short = &two[..12];
    assert!(
        text.contains(&format!("refs/heads/topic  {short} -> (deleted)")),
        "{text}"
    );
    assert!(text.contains("push option: ci.skip"), "{text}");
    assert!(!world.shown(&["log", &world.url(), "--all"]).is_empty());
}

#[test]
fn moves_that_lie_in_a_file_of_their_own_are_shown_too() {
    let world = World::installed();
    let repo = world.repo();
    repo.commit("a", "one\n");
    let head = repo.head();
    let refs: String = (0..1500)
        .map(|n| format!("create refs/heads/branch-{n:04} {head}\n"))
        .collect();
    repo.git()
        .ok_with(&["update-ref", "--stdin"], refs.as_bytes());
    repo.ok(&["push", "-q", "--all", "origin"]);
    let log = world.json(&["log", &world.url(), "--json"]);
    assert_eq!(
        log["entries"][0]["moves"].as_array().map(Vec::len),
        Some(1501)
    );
    let text = world.shown(&["log", &world.url()]);
    assert!(text.contains("and 1481 refs more"), "{text}");
    let one = world.shown(&["log", &world.url(), "--ref", "branch-0007"]);
    assert_eq!(one.matches("branch-").count(), 1, "{one}");
    assert_eq!(
        world.json(&["ls", &world.url(), "--json"])["totals"]["refs"],
        1501
    );
}

#[test]
fn set_head_decides_what_a_clone_checks_out() {
    let world = World::installed();
    let repo = world.repo();
    repo.commit("a", "one\n");
    repo.ok(&["push", "-q", "origin", "main", "main:trunk"]);
    let set = world.pail_in(repo.path(), &["set-head", "origin", "trunk"]);
    assert!(set.ok() && !set.stdout.contains("note:"), "{}", set.stdout);
    world.git.ok(&["clone", "-q", &world.url(), "clone"]);
    let clone = world.git.at(world.path("clone"));
    assert_eq!(clone.ok(&["branch", "--show-current"]), "trunk");

    let set = world.shown(&["set-head", &world.url(), "refs/heads/later"]);
    assert!(set.contains("does not exist yet"), "{set}");
    let bad = world.fails(2, &["set-head", &world.url(), "refs/tags/v1"]);
    assert!(bad.contains("hint: name a branch"), "{bad}");
}

#[test]
fn without_a_url_the_remote_of_the_branch_is_meant_then_origin_then_the_only_one() {
    let world = World::installed();
    let repo = world.repo();
    repo.commit("a", "one\n");
    repo.ok(&["push", "-q", "origin", "main"]);
    let ls = |args: &[&str]| world.pail_in(repo.path(), args);
    assert!(ls(&["ls"]).ok(), "origin");

    repo.ok(&["remote", "rename", "origin", "bucket"]);
    assert!(ls(&["ls"]).ok(), "the only one of ours");
    assert!(ls(&["ls", "bucket"]).ok());
    repo.ok(&["remote", "add", "origin", "https://example.org/x.git"]);
    assert!(
        ls(&["ls"]).ok(),
        "an origin that is none of ours is passed over"
    );

    let other = format!("{}-2", world.url());
    repo.ok(&["remote", "add", "second", &other]);
    let out = ls(&["ls"]);
    assert_eq!(out.status, 2);
    assert!(
        out.stderr.contains("more than one remote"),
        "{}",
        out.stderr
    );
    repo.ok(&["config", "branch.main.remote", "second"]);
    let out = ls(&["ls"]);
    assert!(
        out.stderr.contains("bucket-2"),
        "it follows the branch: {}",
        out.stderr
    );

    let typo = ls(&["ls", "buket"]);
    assert_eq!(typo.status, 2);
    assert!(
        typo.stderr.contains("'buket' is no remote"),
        "{}",
        typo.stderr
    );
    let none = world.fails(2, &["log"]);
    assert!(none.contains("hint: give a URL"), "{none}");
    let missing = world.fails(1, &["ls", &world.path("nowhere").display().to_string()]);
    assert!(missing.contains("there is no repository"), "{missing}");
}

#[test]
fn ls_adds_up_what_a_clone_takes_and_tells_the_rest_apart() {
    let world = World::installed();
    let repo = world.repo();
    for number in 0..12 {
        repo.commit("f", format!("{number}\n"));
        repo.ok(&["push", "-q", "origin", "main"]);
    }
    world.shown(&["maintenance", "run", &world.url()]);
    let ls = world.json(&["ls", &world.url(), "--json"]);
    let objects = repo.ok(&["rev-list", "--objects", "--all"]).lines().count();
    assert_eq!(ls["totals"]["objects"], objects, "each once: {ls}");
    let packs = ls["packs"].as_array().unwrap();
    let (beside, clone): (Vec<_>, Vec<_>) = packs.iter().partition(|pack| pack["beside"] == true);
    assert!(!beside.is_empty(), "{ls}");
    assert_eq!(ls["totals"]["packs"], clone.len());
    assert_eq!(ls["totals"]["beside"]["packs"], beside.len());
    let text = world.shown(&["ls", &world.url()]);
    assert!(text.contains("in all      1 ref, "), "{text}");
    assert!(text.contains("for who is slightly behind"), "{text}");
    // Those that lie aside are counted by what the manifest says of their list.
    let manifest = std::fs::read(world.path("bucket/pail/manifest.json")).unwrap();
    let manifest = pail::format::manifest::text(&manifest).unwrap();
    let manifest: serde_json::Value = serde_json::from_slice(&manifest).unwrap();
    let aside = manifest["aside"]["count"].as_u64().unwrap();
    assert_eq!(ls["totals"]["aside"]["packs"], aside);
    assert!(text.contains("aside       "), "{text}");
}

#[test]
fn the_log_tells_which_branch_became_the_default_one() {
    let world = World::installed();
    let repo = world.repo();
    repo.commit("a", "one\n");
    repo.ok(&["push", "-q", "origin", "main"]);
    world.shown(&["set-head", &world.url(), "trunk"]);
    let log = world.json(&["log", &world.url(), "--json"]);
    assert_eq!(log["entries"][0]["what"], "set-head");
    assert_eq!(log["entries"][0]["options"][0], "refs/heads/trunk");
}

#[test]
fn init_above_a_repository_is_refused() {
    let world = World::installed();
    let above = format!("{}/team", world.path("buckets").display());
    let below = format!("{above}/repo");
    std::fs::create_dir_all(&above).unwrap();
    world.shown(&["init", &below]);
    let said = world.fails(2, &["init", &above]);
    assert!(
        said.contains(&format!("one lies below it, at {below}")),
        "{said}"
    );
    world.shown(&["init", &format!("{above}/other")]);
}
