//! What git-annex asks for through our special remote.

use super::table::Row;
use super::{Site, World};
use testkit::git::Git;
use testkit::programs;
use testkit::repo::Repo;

/// The small and the large file of each count: some bytes, and two parts of 8 MiB.
const SMALL: usize = 10 << 10;
const LARGE: usize = 12 << 20;

pub(super) fn rows() -> Vec<Row> {
    let mut rows = by_key();
    rows.extend(as_tree());
    rows
}

fn git(world: &World) -> Git {
    let git = world.git().with_bin(programs::annex());
    let git = git.with_env("LC_ALL", "C.UTF-8");
    git.config("annex.diskreserve", "1mb");
    git.config("annex.stalldetection", "false");
    git
}

/// A repository whose special remote is reached through the proxy.
fn repository(site: &mut Site, more: &[&str]) -> Repo {
    let git = git(&site.world);
    let repo = Repo::init_with(&git, site.world.path("work"), &[]);
    repo.ok(&["annex", "init", "-q", "work"]);
    let url = format!("url={}", site.url().trim_start_matches("pail::"));
    let init = [
        "annex",
        "initremote",
        "-q",
        "r",
        "type=external",
        "externaltype=pail",
    ];
    let words = [&init[..], &[&url, "encryption=none"], more].concat();
    let what = match more {
        [] => "`git annex initremote`",
        _ => "`git annex initremote` with `exporttree=yes`",
    };
    site.row(what, || {
        repo.ok(&words);
    });
    for (name, size) in [("small", SMALL), ("large", LARGE)] {
        repo.write(name, testkit::seed::Chance::new(size as u64).bytes(size));
    }
    repo.ok(&["annex", "add", "-q", "."]);
    repo.ok(&["commit", "-q", "-m", "two files"]);
    repo
}

fn by_key() -> Vec<Row> {
    let mut site = Site::new();
    let repo = repository(&mut site, &[]);
    let annex = |words: &[&str]| {
        repo.ok(&[&["annex"], words].concat());
    };
    site.row(
        "`git annex copy --to`, 10 KiB, which asks first whether it is there",
        || {
            annex(&["copy", "-q", "--to=r", "small"]);
        },
    );
    site.parallel(
        "`git annex copy --to`, 12 MiB (two parts)",
        "partNumber=",
        2,
        || {
            annex(&["copy", "-q", "--to=r", "large"]);
        },
    );
    site.row("`git annex fsck --fast --from`, one file", || {
        annex(&["fsck", "-q", "--fast", "--from=r", "small"]);
    });
    site.row("`git annex drop`, which asks whether it is there", || {
        annex(&["drop", "-q", "small"]);
    });
    annex(&["drop", "-q", "large"]);
    site.row("`git annex get`, 10 KiB", || {
        annex(&["get", "-q", "--from=r", "small"]);
    });
    site.parallel("`git annex get`, 12 MiB (two ranges)", "--", 2, || {
        annex(&["get", "-q", "--from=r", "large"]);
    });
    site.row("`git annex drop --from`", || {
        annex(&["drop", "-q", "--from=r", "small"]);
    });
    site.rows
}

fn as_tree() -> Vec<Row> {
    let mut site = Site::new();
    let repo = repository(&mut site, &["exporttree=yes"]);
    let export = || {
        repo.ok(&["annex", "export", "-q", "main", "--to=r"]);
    };
    let operation = "`git annex export` of two files, 10 KiB and 12 MiB";
    site.parallel(operation, "partNumber=", 2, export);
    repo.ok(&["mv", "small", "moved"]);
    repo.ok(&["commit", "-q", "-m", "another name"]);
    site.row(
        "`git annex export` when a file of 10 KiB has got another name",
        export,
    );
    repo.ok(&["rm", "-q", "moved"]);
    repo.ok(&["commit", "-q", "-m", "gone"]);
    site.row("`git annex export` when a file is gone", export);
    let more = ["--sameas=r", "importtree=yes"];
    let url = format!("url={}", site.url().trim_start_matches("pail::"));
    let init = [
        "annex",
        "initremote",
        "-q",
        "in",
        "type=external",
        "externaltype=pail",
    ];
    repo.ok(&[&init[..], &[&url], &more].concat());
    let import = || {
        repo.ok(&["annex", "import", "-q", "main", "--from=in"]);
    };
    import();
    site.row("`git annex import`, nothing new", import);
    site.world.bucket().write("new", b"of somebody else\n");
    site.row("`git annex import` of one new file, 17 bytes", import);
    site.rows
}
