//! Content by its key: there, back, checked, dropped.

use super::site::{
    Kind, Site, believed, change, contents, files, key, on_every_site, on_the_others,
};
use std::collections::BTreeMap;
use testkit::repo::Repo;

on_every_site!(
    content_goes_there_and_comes_back,
    what_is_dropped_is_gone,
    what_is_unused_is_found_and_dropped,
    what_is_missing_is_noticed,
    a_clone_enables_the_remote,
);
// Git-annex's `directory` has names of its own.
super::site::tests!(named_on_folder: folder, ours, the_objects_have_the_names_of_their_keys);
super::site::tests!(named_on_s3: s3, ours, the_objects_have_the_names_of_their_keys);
super::site::tests!(named_as_builtin: s3, builtin, the_objects_have_the_names_of_their_keys);
on_the_others!(
    content_goes_there_and_comes_back,
    what_is_dropped_is_gone,
    the_objects_have_the_names_of_their_keys,
);

fn content_goes_there_and_comes_back(site: &Site) {
    let repo = site.ready("work", &["encryption=none"]);
    let before = contents(&repo);
    repo.ok(&["annex", "copy", "-q", "--to=r"]);
    assert_eq!(believed(&repo, "r"), ["a", "b/big.bin", "b/no bytes"]);
    repo.ok(&["annex", "fsck", "-q", "--from=r"]);
    repo.ok(&["annex", "fsck", "-q", "--fast", "--from=r"]);
    // Only after it has asked the remote whether it has them.
    repo.ok(&["annex", "drop", "-q"]);
    assert!(!repo.path().join("a").exists());
    repo.ok(&["annex", "get", "-q", "--from=r"]);
    assert_eq!(contents(&repo), before);
    let whereis = repo.ok(&["annex", "whereis", "a"]);
    assert!(whereis.contains("[r]"), "{whereis}");
    let info = repo.ok(&["annex", "info", "r"]);
    assert!(info.contains("encryption: none"), "{info}");
    // What is there already is left there, and moving takes it away here.
    repo.ok(&["annex", "move", "-q", "--to=r", "a"]);
    assert!(!repo.path().join("a").exists());
    repo.ok(&["annex", "move", "-q", "--from=r", "a"]);
    assert_eq!(contents(&repo), before);
    assert_eq!(believed(&repo, "r"), ["b/big.bin", "b/no bytes"]);
}

fn what_is_dropped_is_gone(site: &Site) {
    let repo = site.ready("work", &["encryption=none"]);
    let empty = site.names();
    repo.ok(&["annex", "copy", "-q", "--to=r"]);
    repo.ok(&["annex", "drop", "-q", "--from=r"]);
    assert_eq!(believed(&repo, "r"), Vec::<String>::new());
    assert_eq!(site.names(), empty);
    // Once more, by somebody who has not heard of it.
    let key = key(&repo, "a");
    let uuid = repo.ok(&["config", "remote.r.annex-uuid"]);
    repo.ok(&["annex", "setpresentkey", &key, &uuid, "1"]);
    repo.ok(&["annex", "drop", "-q", "--from=r", "a"]);
    assert_eq!(believed(&repo, "r"), Vec::<String>::new());
}

fn what_is_unused_is_found_and_dropped(site: &Site) {
    let repo = site.ready("work", &["encryption=none"]);
    let old = key(&repo, "a");
    repo.ok(&["annex", "copy", "-q", "--to=r"]);
    let new = change(&repo, "a", b"two\n");
    repo.ok(&["annex", "copy", "-q", "--to=r"]);
    let has = |key: &str| site.names().iter().any(|name| name.contains(key));
    assert!(has(&old) && has(&new));
    let unused = repo.ok(&["annex", "unused", "--from=r"]);
    assert!(unused.contains(&old) && !unused.contains(&new), "{unused}");
    repo.ok(&["annex", "dropunused", "-q", "--force", "--from=r", "1"]);
    assert!(!has(&old) && has(&new));
    let unused = repo.ok(&["annex", "unused", "--from=r"]);
    assert!(!unused.contains(&old), "{unused}");
}

fn what_is_missing_is_noticed(site: &Site) {
    let repo = site.ready("work", &["encryption=none"]);
    repo.ok(&["annex", "copy", "-q", "--to=r"]);
    let wanted = key(&repo, "a");
    let names = site.names();
    let lost = names.iter().find(|name| name.ends_with(&wanted));
    site.remove(lost.unwrap());
    // The last copy but for that one, which is not there: it is kept.
    let said = repo.fails(&["annex", "drop", "-q", "a"]);
    assert!(repo.path().join("a").exists(), "{said}");
    repo.fails(&["annex", "fsck", "-q", "--fast", "--from=r"]);
    assert_eq!(believed(&repo, "r"), ["b/big.bin", "b/no bytes"]);
    repo.ok(&["annex", "copy", "-q", "--to=r"]);
    repo.ok(&["annex", "fsck", "-q", "--from=r"]);
    assert_eq!(site.names(), names);
}

fn a_clone_enables_the_remote(site: &Site) {
    let repo = site.ready("work", &["encryption=none"]);
    let before = contents(&repo);
    repo.ok(&["annex", "copy", "-q", "--to=r"]);
    let clone = clone_of(site, &repo, "clone");
    clone.ok(&["annex", "get", "-q", "--from=r"]);
    assert_eq!(contents(&clone), before);
    let key = change(&clone, "c", b"of the clone\n");
    clone.ok(&["annex", "copy", "-q", "--to=r", "c"]);
    assert!(site.names().iter().any(|name| name.contains(&key)));
}

/// A clone by git alone that knows the remote of the same place.
pub(super) fn clone_of(site: &Site, repo: &Repo, name: &str) -> Repo {
    let from = repo.path().to_str().unwrap();
    let clone = Repo::clone_of(site.git(), from, site.world().path(name), &[]);
    // Or the content would come from there.
    clone.ok(&["config", "remote.origin.annex-ignore", "true"]);
    clone.ok(&["annex", "init", "-q", name]);
    // A folder is the one thing that git-annex's own remote has to be told again.
    let place = match site.kind() {
        Kind::Directory => site.words().pop(),
        Kind::Ours | Kind::Builtin => None,
    };
    let words = ["annex", "enableremote", "-q", "r"];
    let words = [
        &words[..],
        &place.as_deref().into_iter().collect::<Vec<_>>(),
    ]
    .concat();
    clone.ok(&words);
    verify(&clone, "r");
    clone
}

/// Says, as a person would who has read it, that the remote's configuration is safe: newer
/// versions of git-annex want that in each clone.
pub(super) fn verify(repo: &Repo, remote: &str) {
    let asked = repo.git().run(&["annex", "verifyremote", remote]);
    // An older version does not ask; and who has changed it has seen it.
    if asked.stderr.contains("Invalid argument") || asked.stdout.contains("no changes") {
        return;
    }
    let words = asked.stdout.split_whitespace();
    let number = words.skip_while(|word| *word != "--safe").nth(1);
    let number = number.unwrap_or_else(|| panic!("{asked:?}"));
    repo.ok(&["annex", "verifyremote", "-q", remote, "--safe", number]);
}

fn the_objects_have_the_names_of_their_keys(site: &Site) {
    let repo = site.ready("work", &["encryption=none"]);
    repo.ok(&["annex", "copy", "-q", "--to=r"]);
    let files = files().into_iter();
    let mut objects: BTreeMap<String, Vec<u8>> = files
        .map(|(name, bytes)| (key(&repo, name), bytes))
        .collect();
    let uuid = repo.ok(&["config", "remote.r.annex-uuid"]);
    objects.insert("annex-uuid".to_owned(), uuid.into_bytes());
    assert_eq!(site.objects(), objects);
}
