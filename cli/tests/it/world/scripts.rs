//! Programs that stand in for others, and what must not be left in a repository.

use std::path::Path;

use testkit::repo::Repo;

use super::bucket::walk;

/// Writes a program for a hook, or to stand in for another one.
pub(crate) fn script(path: &Path, text: &str) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, format!("#!/bin/sh\n{text}\n")).unwrap();
    std::fs::set_permissions(path, PermissionsExt::from_mode(0o755)).unwrap();
}

/// Lets another clone push between the moment when git reads the refs of the bucket and
/// the moment when it writes them: git runs the pre-push hook exactly there.
pub(crate) fn before_push(repo: &Repo, text: &str) {
    let hooks = repo.ok(&["rev-parse", "--path-format=absolute", "--git-path", "hooks"]);
    // The hook runs with this repository's GIT_DIR, which is not for the other clone.
    script(
        &Path::new(&hooks).join("pre-push"),
        &format!("unset $(git rev-parse --local-env-vars)\nexec >&2\n{text}"),
    );
}

/// What a killed or unhappy transfer must not leave in a repository.
pub(crate) fn leftovers(repo: &Repo) -> Vec<String> {
    let objects = repo.ok(&[
        "rev-parse",
        "--path-format=absolute",
        "--git-path",
        "objects",
    ]);
    let mut keys = Vec::new();
    walk(Path::new(&objects), Path::new(&objects), &mut keys);
    for entry in Path::new(&objects).read_dir().unwrap() {
        keys.push(entry.unwrap().file_name().to_str().unwrap().to_owned());
    }
    keys.retain(|key| key.contains("tmp_") || key.ends_with(".keep"));
    keys
}
