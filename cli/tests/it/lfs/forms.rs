//! Every form that a URL may have, and every place where one may stand.

use super::{Lfs, file, objects, oid};
use crate::it::world::{World, script};
use testkit::repo::Repo;

/// Pushes one object from a new repository, and clones it from there.
fn there_and_back(lfs: &Lfs<'_>, url: &str, name: &str) -> [Repo; 2] {
    let text = format!("{name}\n");
    let repo = lfs.repo(&format!("{name}-work"), url);
    repo.commit("a.bin", &text);
    repo.ok(&["push", "-q", "origin", "main"]);
    // A relative path counts from elsewhere when a repository is cloned.
    let here = lfs.world.text("");
    let url = url.replace("pail::../", &format!("pail::{here}"));
    let clone = lfs.clone(&format!("{name}-clone"), &url);
    assert_eq!(file(&clone, "a.bin"), text.as_bytes(), "{url}");
    [repo, clone]
}

#[test]
fn a_folder_may_be_named_in_every_way() {
    let world = World::folder();
    let lfs = Lfs::new(&world);
    let root = world.text("stores");
    for (name, url) in [
        ("path", format!("pail::{root}/path")),
        ("url", format!("pail://{root}/url")),
        ("file", format!("pail::file://{root}/file")),
        ("relative", "pail::../stores/relative".to_owned()),
    ] {
        std::fs::create_dir_all(&root).unwrap();
        let [repo, _] = there_and_back(&lfs, &url, name);
        let lies = |text: &str| {
            let object = format!("stores/{name}/lfs/{}", oid(text.as_bytes()));
            world.path(&object).is_file()
        };
        assert!(lies(&format!("{name}\n")), "{url}");
        // From a folder below, too.
        repo.write("below/b.bin", "below\n");
        repo.ok(&["add", "."]);
        repo.ok(&["commit", "-q", "-m", "below"]);
        let below = Repo::at(&lfs.git, repo.path().join("below"));
        below.ok(&["lfs", "push", "origin", "main"]);
        assert!(lies("below\n"), "{url}");
    }
}

/// Git-lfs takes the scheme of a URL that it does not know for a host, and asks that first.
#[test]
fn no_host_is_asked_by_ssh() {
    let world = World::folder();
    let lfs = Lfs::new(&world);
    let (ssh, asked) = (world.path("ssh"), world.path("asked"));
    let stand_in = format!("echo \"$@\" >>'{}'\nexit 255", asked.display());
    script(&ssh, &stand_in);
    let git = lfs.git.with_env("GIT_SSH", &ssh);
    let lfs = Lfs { world: &world, git };
    let url = format!("pail://{}", world.text("bucket"));
    there_and_back(&lfs, &url, "quiet");
    assert!(!asked.exists(), "{:?}", std::fs::read_to_string(&asked));
    // Without that setting it does.
    lfs.git.ok(&[
        "config",
        "--global",
        "--unset-all",
        "lfs.ssh://pail.sshtransfer",
    ]);
    there_and_back(&lfs, &format!("{url}-2"), "asking");
    assert!(asked.exists());
}

#[test]
fn a_url_with_a_port_works_without_a_word() {
    let world = World::s3();
    let lfs = Lfs::new(&world);
    let url = world.url();
    let plain = url.strip_prefix("pail::").unwrap();
    let [repo, clone] = there_and_back(&lfs, plain, "port");
    for repo in [repo, clone] {
        let set = repo.ok(&["config", "--local", "remote.origin.lfsurl"]);
        assert_eq!(set, "pail::same-as-url");
    }
    // Who only looks changes nothing.
    let looker = lfs.repo("looker", plain);
    looker.ok(&["ls-remote", "-q", "origin"]);
    looker.fails(&["config", "--local", "remote.origin.lfsurl"]);
    // Nor does a URL that git-lfs can read.
    let wrapped = url.replace("?region", "-wrapped?region");
    let [repo, _] = there_and_back(&lfs, &wrapped, "wrapped");
    repo.fails(&["config", "--local", "remote.origin.lfsurl"]);
}

#[test]
fn objects_may_lie_elsewhere_than_the_commits() {
    let world = World::folder();
    let lfs = Lfs::new(&world);
    let place = format!("pail::{}", world.text("elsewhere"));
    // The commits on an ordinary host, and in a bucket; the objects in a bucket of their own.
    let host = world.text("host.git");
    lfs.git.ok(&["init", "-q", "--bare", &host]);
    for (name, url, key) in [
        ("host", host.clone(), "lfs.url"),
        ("bucket", world.url(), "remote.origin.lfsurl"),
    ] {
        let text = format!("{name}\n");
        let repo = lfs.repo(&format!("{name}-work"), &url);
        repo.ok(&["config", key, &place]);
        repo.commit("a.bin", &text);
        repo.ok(&["push", "-q", "origin", "main"]);
        let object = format!("elsewhere/lfs/{}", oid(text.as_bytes()));
        assert!(world.path(&object).is_file());
        let path = world.text(&format!("{name}-clone"));
        let setting = format!("{key}={place}");
        lfs.git.ok(&["clone", "-q", "-c", &setting, &url, &path]);
        let clone = Repo::at(&lfs.git, path);
        assert_eq!(file(&clone, "a.bin"), text.as_bytes());
    }
    assert!(objects(world.bucket()).is_empty());
}

#[test]
fn transfers_of_an_ordinary_host_are_left_alone() {
    let world = World::folder();
    let lfs = Lfs::new(&world);
    let host = world.text("host.git");
    lfs.git.ok(&["init", "-q", "--bare", &host]);
    // Where git-lfs calls an agent of its own.
    let [_, clone] = there_and_back(&lfs, &format!("file://{host}"), "host");
    let digits = oid(b"host\n");
    let place = format!(
        "host.git/lfs/objects/{}/{}/{digits}",
        &digits[..2],
        &digits[2..4]
    );
    assert!(world.path(&place).is_file());
    assert!(!clone.path().join(".git/lfs/pail").exists());
    // What a web server's are to git-lfs, with all that is set.
    let clone = lfs.repo("web", "https://git.example/team/repo");
    let env = clone.ok(&["lfs", "env"]);
    assert!(
        env.contains("Endpoint=https://git.example/team/repo.git/info/lfs"),
        "{env}"
    );
    let url = "https://git.example/team/repo.git/info/lfs";
    let match_of = [
        "config",
        "--get-urlmatch",
        "lfs.standalonetransferagent",
        url,
    ];
    clone.fails(&match_of);
}

#[test]
fn submodules_and_worktrees_have_their_objects() {
    let world = World::folder();
    let lfs = Lfs::new(&world);
    lfs.git.config("protocol.pail.allow", "always");
    let inner = format!("pail::{}", world.text("inner"));
    let repo = lfs.repo("inner-work", &inner);
    repo.commit("a.bin", "inner\n");
    repo.ok(&["push", "-q", "origin", "main"]);

    let outer = lfs.repo("outer", &world.url());
    outer.commit("a.bin", "outer\n");
    outer.ok(&["submodule", "--quiet", "add", &inner, "sub"]);
    outer.ok(&["commit", "-q", "-m", "a submodule"]);
    outer.ok(&[
        "push",
        "-q",
        "--recurse-submodules=on-demand",
        "origin",
        "main",
    ]);
    let path = world.text("clone");
    let url = world.url();
    lfs.git
        .ok(&["clone", "-q", "--recurse-submodules", &url, &path]);
    let clone = Repo::at(&lfs.git, &path);
    assert_eq!(file(&clone, "a.bin"), b"outer\n");
    assert_eq!(file(&clone, "sub/a.bin"), b"inner\n");

    let tree = world.text("tree");
    clone.ok(&["worktree", "add", "-q", "-b", "side", &tree]);
    let tree = Repo::at(&lfs.git, &tree);
    assert_eq!(file(&tree, "a.bin"), b"outer\n");
    tree.commit("b.bin", "side\n");
    tree.ok(&["push", "-q", "origin", "side"]);
    assert!(objects(world.bucket()).contains(&oid(b"side\n")));
}

#[test]
fn a_file_of_the_repository_may_name_no_server() {
    let world = World::folder();
    let lfs = Lfs::new(&world);
    let place = format!("pail::{}", world.text("elsewhere"));
    let repo = lfs.repo("work", &world.url());
    repo.write(".lfsconfig", format!("[lfs]\n\turl = {place}\n"));
    repo.ok(&["add", ".lfsconfig"]);
    repo.commit("a.bin", "a\n");
    let said = repo.fails(&["push", "origin", "main"]);
    assert!(said.contains(".lfsconfig must not say"), "{said}");
    assert!(!world.path("elsewhere").exists());
    // Nor where the work tree has lost it.
    std::fs::remove_file(repo.path().join(".lfsconfig")).unwrap();
    let said = repo.fails(&["push", "origin", "main"]);
    assert!(said.contains(".lfsconfig must not say"), "{said}");
    // Unless the user says the same.
    repo.ok(&["config", "lfs.url", &place]);
    repo.ok(&["push", "-q", "origin", "main"]);
    let object = format!("elsewhere/lfs/{}", oid(b"a\n"));
    assert!(world.path(&object).is_file());
}

#[test]
fn a_push_to_a_url_takes_its_objects_there() {
    let world = World::folder();
    let lfs = Lfs::new(&world);
    // Git-lfs finds the agent by `origin`, and tells it the URL.
    let repo = lfs.repo("work", &format!("pail::{}", world.text("other")));
    repo.commit("a.bin", "a\n");
    let url = world.url();
    repo.ok(&["push", "-q", &url, "main"]);
    assert_eq!(objects(world.bucket()), [oid(b"a\n")]);
    assert_eq!(file(&lfs.clone("clone", &url), "a.bin"), b"a\n");
}
