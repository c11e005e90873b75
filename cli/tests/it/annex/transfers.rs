//! Transfers that are cut, and go on where they were.

use super::behind::{Behind, refusal, told};
use super::site::{change, contents};
use testkit::wire_proxy::{Fault, Rule};

#[test]
fn a_download_that_is_cut_goes_on_where_it_was() {
    let behind = Behind::new();
    let repo = &behind.repo;
    // Part by part, so that it is known which of them came.
    repo.ok(&["config", "remote.r.pail-parallel", "1"]);
    repo.ok(&["config", "remote.r.pail-part-size", "5M"]);
    let bytes = testkit::seed::Chance::new(7).bytes(12_000_000);
    let key = change(repo, "huge", &bytes);
    repo.ok(&["annex", "copy", "-q", "--to=r", "huge"]);
    repo.ok(&["annex", "drop", "-q", "huge"]);
    let refused = refusal!("403 Forbidden", "AccessDenied");
    let second = Rule::new(Fault::Say(refused))
        .method("GET")
        .path(&key)
        .nth(2);
    behind.proxy.rule(second.always());
    let said = repo.fails(&["annex", "get", "-q", "--from=r", "huge"]);
    told(&said, &["access denied"]);
    behind.proxy.heal();
    behind.proxy.forget();
    repo.ok(&["annex", "get", "-q", "--from=r", "huge"]);
    assert_eq!(contents(repo)["huge"], bytes);
    let (_, down) = behind.proxy.bytes();
    assert!(down < 7_000_000, "only what was missing: {down}");
}

#[test]
fn an_upload_that_is_cut_goes_on_where_it_was() {
    let behind = Behind::new();
    let repo = &behind.repo;
    repo.ok(&["config", "remote.r.pail-parallel", "1"]);
    repo.ok(&["config", "remote.r.pail-part-size", "5M"]);
    let bytes = testkit::seed::Chance::new(8).bytes(12_000_000);
    let key = change(repo, "huge", &bytes);
    let refused = refusal!("403 Forbidden", "AccessDenied");
    let third = Rule::new(Fault::Say(refused)).method("PUT").path(&key);
    behind.proxy.rule(third.nth(3).always());
    let said = repo.fails(&["annex", "copy", "-q", "--to=r", "huge"]);
    told(&said, &["access denied"]);
    // It is not there before it is there whole.
    repo.ok(&["annex", "drop", "-q", "--force", "--from=r", "a"]);
    assert!(!behind.site.names().contains(&key));
    behind.proxy.heal();
    behind.proxy.forget();
    repo.ok(&["annex", "copy", "-q", "--to=r", "huge"]);
    let (up, _) = behind.proxy.bytes();
    assert!(up < 3_000_000, "only what was missing: {up}");
    repo.ok(&["annex", "drop", "-q", "huge"]);
    repo.ok(&["annex", "get", "-q", "--from=r", "huge"]);
    assert_eq!(contents(repo)["huge"], bytes);
    let notes = repo.path().join(".git/pail/annex");
    assert_eq!(std::fs::read_dir(notes).unwrap().count(), 0);
}

#[test]
fn another_file_of_the_same_name_begins_anew() {
    let tree = ["encryption=none", "exporttree=yes"];
    let behind = Behind::with(&tree);
    let repo = &behind.repo;
    repo.ok(&["config", "remote.r.pail-parallel", "1"]);
    repo.ok(&["config", "remote.r.pail-part-size", "5M"]);
    let mut chance = testkit::seed::Chance::new(9);
    let (first, second) = (chance.bytes(11_000_000), chance.bytes(11_000_000));
    // As old as the other, to the nanosecond: a build that sets all times does that.
    let write = |bytes: &[u8]| {
        let path = repo.path().join("huge");
        let _ = std::fs::remove_file(&path);
        repo.write("huge", bytes);
        let file = std::fs::File::options().write(true).open(&path).unwrap();
        let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_700_000_000);
        file.set_modified(time).unwrap();
        repo.ok(&["annex", "add", "-q", "huge"]);
        repo.ok(&["commit", "-q", "-m", "huge"]);
    };
    write(&first);
    let refused = refusal!("403 Forbidden", "AccessDenied");
    let third = Rule::new(Fault::Say(refused)).method("PUT").path("/huge");
    behind.proxy.rule(third.nth(3).always());
    repo.fails(&["annex", "export", "-q", "main", "--to=r"]);
    behind.proxy.heal();
    write(&second);
    repo.ok(&["annex", "export", "-q", "main", "--to=r"]);
    assert!(behind.site.objects()["huge"] == second);
}
