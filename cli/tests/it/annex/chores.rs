//! Many jobs at once, several remotes of one place, and the words that people type around.

use super::content::verify;
use super::site::{PLACE, Site, believed, change, contents, fill, key};
use crate::it::world::{World, script};
use testkit::google::{Google, Rules};
use testkit::repo::Repo;
use testkit::services;

/// A folder whose `git-annex-remote-pail` writes a line into `starts` and becomes ours.
fn counted(world: &World) -> std::path::PathBuf {
    let folder = world.path("counted");
    let starts = world.text("starts");
    let ours = env!("CARGO_BIN_EXE_git-pail");
    // The name decides what ours is, and a link has it.
    std::fs::create_dir_all(folder.join("link")).unwrap();
    let link = folder.join("link").join("git-annex-remote-pail");
    std::os::unix::fs::symlink(ours, &link).unwrap();
    let text = format!(
        "echo started >>'{starts}'\nexec '{}' \"$@\"",
        link.display()
    );
    script(&folder.join("git-annex-remote-pail"), &text);
    folder
}

#[test]
fn one_process_serves_many_jobs() {
    for world in [World::folder(), World::s3()] {
        let bin = counted(&world);
        let starts = world.path("starts");
        let site = Site::ours(world).with_bin(bin);
        let repo = site.repo("work");
        for number in 0..24 {
            repo.write(&format!("f/{number}"), format!("number {number}\n"));
        }
        repo.ok(&["annex", "add", "-q", "."]);
        repo.ok(&["commit", "-q", "-m", "many"]);
        site.init_remote(&repo, "r", &["encryption=none"]);
        let before = contents(&repo);
        for words in [
            &["copy", "--to=r"][..],
            &["drop"],
            &["get", "--from=r"],
            &["fsck", "--fast", "--from=r"],
            &["drop", "--from=r"],
        ] {
            let _ = std::fs::remove_file(&starts);
            repo.ok(&[&["annex"], words, &["-q", "-J4"]].concat());
            let starts = std::fs::read_to_string(&starts).unwrap();
            assert_eq!(starts.lines().count(), 1, "{words:?}");
        }
        assert_eq!(contents(&repo), before);
        assert_eq!(believed(&repo, "r"), Vec::<String>::new());
        assert_eq!(site.names(), ["annex-uuid"]);
    }
}

#[test]
fn a_second_remote_of_the_same_place_is_the_same() {
    let site = Site::ours(World::s3());
    let repo = site.ready("work", &["encryption=shared", "chunk=1MiB"]);
    let before = contents(&repo);
    repo.ok(&["annex", "copy", "-q", "--to=r"]);
    site.init_remote(&repo, "again", &["--sameas=r"]);
    repo.ok(&["annex", "drop", "-q"]);
    repo.ok(&["annex", "get", "-q", "--from=again"]);
    assert_eq!(contents(&repo), before);
    repo.ok(&["annex", "drop", "-q", "--from=again", "a"]);
    assert_eq!(believed(&repo, "r"), ["b/big.bin", "b/no bytes"]);
    // What another repository has there is not taken over by chance.
    let stranger = site.repo("stranger");
    let out = site.try_remote(&stranger, "r", &["encryption=none"]);
    assert!(!out.ok());
    assert!(out.stderr.contains("it belongs to"), "{}", out.stderr);
}

#[test]
fn who_may_only_read_reads() {
    let site = Site::ours(World::s3());
    let repo = site.ready("work", &["encryption=none"]);
    let before = contents(&repo);
    repo.ok(&["annex", "copy", "-q", "--to=r"]);
    let service = services::s3();
    let git = site
        .git()
        .with_env("AWS_ACCESS_KEY_ID", &service.readonly_key)
        .with_env("AWS_SECRET_ACCESS_KEY", &service.readonly_secret);
    let reader = Repo::at(&git, repo.path());
    reader.ok(&["annex", "drop", "-q"]);
    reader.ok(&["annex", "get", "-q", "--from=r"]);
    reader.ok(&["annex", "fsck", "-q", "--from=r"]);
    assert_eq!(contents(&reader), before);
    change(&reader, "new", b"not for them\n");
    for words in [&["copy", "-q", "--to=r"][..], &["drop", "-q", "--from=r"]] {
        let said = reader.fails(&[&["annex"], words].concat());
        assert!(said.contains("access denied"), "{said}");
    }
    assert_eq!(believed(&reader, "r"), ["a", "b/big.bin", "b/no bytes"]);
}

#[test]
fn everyone_reads_over_http_without_our_program() {
    let google = Google::start(Rules {
        public: true,
        ..Rules::default()
    });
    let site = Site::ours(World::folder())
        .with_env("GOOGLE_OAUTH_ACCESS_TOKEN", google.token())
        .with_env("NO_GCE_CHECK", "true");
    let repo = site.repo("work");
    fill(&repo);
    let place = format!("{}/{}", google.address(), google.bucket());
    let url = format!("url=gs+http://{place}");
    let init = [
        "annex",
        "initremote",
        "-q",
        "r",
        "type=external",
        "externaltype=pail",
    ];
    repo.ok(&[&init[..], &[&url, "encryption=none"]].concat());
    let address = format!("url=http://{place}/annex");
    let same = [
        "annex",
        "initremote",
        "-q",
        "mirror",
        "--sameas=r",
        "type=httpalso",
    ];
    repo.ok(&[&same[..], &[&address]].concat());
    repo.ok(&["annex", "copy", "-q", "--to=r"]);
    let before = contents(&repo);
    // Who has git-annex and nothing else. Both remotes are one to it, so one copy is one.
    let git = site.git().with_env("GOOGLE_OAUTH_ACCESS_TOKEN", "");
    let from = repo.path().to_str().unwrap();
    let clone = Repo::clone_of(&git, from, site.world().path("clone"), &[]);
    clone.ok(&["config", "remote.origin.annex-ignore", "true"]);
    clone.ok(&["annex", "init", "-q", "clone"]);
    clone.ok(&["annex", "enableremote", "-q", "mirror"]);
    verify(&clone, "mirror");
    clone.ok(&["annex", "get", "-q", "--from=mirror"]);
    assert_eq!(contents(&clone), before);
    let known = clone.ok(&["annex", "find", "--copies=3", "--in=here"]);
    assert_eq!(known.lines().count(), 3);
    assert_eq!(clone.ok(&["annex", "find", "--copies=4"]), "");
    clone.fails(&["annex", "drop", "-q", "--from=mirror"]);
    assert_eq!(google.names().len(), 4);
}

#[test]
fn the_parameters_are_known_by_name() {
    let site = Site::ours(World::folder());
    let repo = site.repo("work");
    let told = repo.ok(&[
        "annex",
        "initremote",
        "r",
        "--whatelse",
        "type=external",
        "externaltype=pail",
    ]);
    for name in [
        "url",
        "bucket",
        "fileprefix",
        "host",
        "port",
        "storageclass",
        "partsize",
    ] {
        assert!(
            told.lines().any(|line| line.trim() == name),
            "{name}: {told}"
        );
    }
    // Reserved by git-annex, which dies of it.
    assert!(
        !told.lines().any(|line| line.trim() == "versioning"),
        "{told}"
    );
    let out = site.try_remote(&repo, "r", &["encryption=none", "fileprefx=a/"]);
    assert!(!out.ok());
    assert!(out.stderr.contains("fileprefx"), "{}", out.stderr);
}

#[test]
fn a_repository_can_lie_in_git_annexes_own_way() {
    let site = Site::ours(World::s3());
    let repo = site.repo("work");
    fill(&repo);
    site.init_remote(&repo, "r", &["encryption=none", "--with-url"]);
    let before = contents(&repo);
    repo.ok(&["annex", "copy", "-q", "--to=r"]);
    repo.ok(&["push", "-q", "r", "main", "git-annex"]);
    // The list of bundles is written anew by each push.
    change(&repo, "a", b"two\n");
    repo.ok(&["push", "-q", "r", "main", "git-annex"]);
    let uuid = repo.ok(&["config", "remote.r.annex-uuid"]);
    let words = site
        .words()
        .into_iter()
        .chain(["encryption=none".to_owned()]);
    let query: Vec<String> = words
        .map(|word| {
            let (name, value) = word.split_once('=').unwrap();
            let value = value
                .replace('%', "%25")
                .replace('?', "%3F")
                .replace('=', "%3D");
            format!("{name}={}", value.replace('&', "%26"))
        })
        .collect();
    let url = format!("annex::{uuid}?{}", query.join("&"));
    let path = site.world().path("clone");
    let clone = Repo::clone_of(site.git(), &url, path, &["-q", "-b", "main"]);
    assert_eq!(clone.head(), repo.head());
    assert_ne!(contents(&repo), before);
}

#[test]
fn the_newest_words_of_a_remote_are_those_it_was_given() {
    let site = Site::ours(World::s3());
    let repo = site.ready("work", &["encryption=none"]);
    repo.ok(&["annex", "copy", "-q", "--to=r"]);
    let moved = format!("{PLACE}-moved");
    for (name, bytes) in site.objects() {
        site.bucket().write(&format!("{moved}/{name}"), &bytes);
        site.remove(&name);
    }
    repo.fails(&["annex", "fsck", "-q", "--fast", "--from=r", "a"]);
    let prefix = format!("fileprefix={moved}/");
    repo.ok(&["annex", "enableremote", "-q", "r", &prefix]);
    verify(&repo, "r");
    repo.ok(&["annex", "fsck", "-q", "--fast", "--from=r"]);
    let key = key(&repo, "a");
    assert!(believed(&repo, "r").contains(&"a".to_owned()), "{key}");
}
