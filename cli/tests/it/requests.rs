//! What operations cost at the bucket: requests, round trips, dollars, bytes.
//!
//! The real binary and real git work on fixed worlds, and a proxy counts. The table in
//! `docs/costs.md` says the same, or the test fails; `PAIL_UPDATE=1` writes it anew.

mod annexed;
mod table;

use crate::it::proxied::{server, through};
use crate::it::world::World;
use std::path::Path;
use table::{Cost, Row};
use testkit::repo::Repo;
use testkit::services;
use testkit::wire_proxy::{Crowd, Fault, Rule, WireProxy};

#[test]
fn operations_cost_what_the_docs_say() {
    let mut rows = small();
    rows.extend(large());
    rows.extend(an_lfs_object());
    rows.extend(three_hundred_refs());
    rows.extend(ten_thousand_refs());
    rows.extend(sixty_pushes());
    rows.extend(large_files());
    rows.extend(annexed::rows());
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/costs.md");
    table::settle(&docs, &rows);
}

/// A world whose people reach their bucket through a proxy that counts.
struct Site {
    world: World,
    proxy: WireProxy,
    rows: Vec<Row>,
}

impl Site {
    fn new() -> Self {
        Self {
            world: World::s3(),
            proxy: WireProxy::start(server()),
            rows: Vec::new(),
        }
    }

    fn url(&self) -> String {
        through(&self.proxy, &self.world.url())
    }

    fn repo(&self, name: &str) -> Repo {
        let repo = self.world.repo(name);
        repo.ok(&["remote", "set-url", "origin", &self.url()]);
        repo
    }

    fn clone(&self, name: &str) -> Repo {
        Repo::clone_of(self.world.git(), &self.url(), self.world.path(name), &[])
    }

    /// Counts what an operation asks for. An answer that made it ask again spoils the count.
    fn count(&self, operation: &str, act: impl FnOnce()) -> Cost {
        self.proxy.forget();
        act();
        assert!(self.proxy.spent(), "{operation}: a rule was not used");
        self.proxy.heal();
        let records = self.proxy.records();
        let failed: Vec<_> = records
            .iter()
            .filter(|record| record.status.is_none_or(|status| status >= 500))
            .collect();
        assert!(failed.is_empty(), "{operation}: {failed:#?}");
        let mut cost = Cost::of(&records);
        cost.round_trips = self.proxy.round_trips();
        let chain = self.proxy.depth() as u64;
        let made = 2 * self.proxy.connections() as u64;
        assert!((chain..=chain + made).contains(&cost.round_trips));
        cost
    }

    /// Counts it for the table.
    fn row(&mut self, operation: &str, act: impl FnOnce()) -> Cost {
        let cost = self.count(operation, act);
        self.rows.push(Row::new(operation, &cost));
        cost
    }

    /// As [`Site::row`], where so many of the requests may run at the same time: on
    /// loopback some would be over before others begin.
    fn parallel(&mut self, operation: &str, path: &str, many: usize, act: impl FnOnce()) -> Cost {
        let gather = Fault::Gather(Crowd::of(many));
        self.proxy.rule(Rule::new(gather).path(path).always());
        self.row(operation, act)
    }

    /// As [`Site::parallel`], where the bucket is probed: two writers at a time, then one
    /// reads and one lists.
    fn probing(&mut self, operation: &str, act: impl FnOnce()) -> Cost {
        let writers = Fault::Gather(Crowd::of(2));
        let lookers = Fault::Gather(Crowd::of(2));
        for (fault, method, path) in [
            (writers, "PUT", "pail/probe/"),
            (lookers.clone(), "GET", "pail/probe/"),
            (lookers, "GET", "pail%2Fprobe%2F"),
        ] {
            self.proxy
                .rule(Rule::new(fault).method(method).path(path).always());
        }
        self.row(operation, act)
    }

    /// Bytes of all packs, and of the manifest.
    fn stored(&self) -> (u64, u64) {
        let manifest = self.world.bucket().read("pail/manifest.json").unwrap();
        let packs = self.world.bucket().manifest();
        let packs = packs["packs"].as_array().unwrap().iter();
        let packs = packs.map(|pack| pack["size"].as_u64().unwrap()).sum();
        (packs, manifest.len() as u64)
    }

    fn clone_is_lean(&self, cost: &Cost) {
        let (packs, manifest) = self.stored();
        assert!(cost.down <= packs + packs / 20 + manifest, "{cost:?}");
    }
}

/// A repository of a few commits.
fn small() -> Vec<Row> {
    let mut site = Site::new();
    let url = site.url();
    let git = site.world.git().clone();
    site.row("`git ls-remote` of an empty prefix", || {
        git.ok(&["ls-remote", "-q", &url]);
    });
    let source = site.repo("source");
    source.commit("a", "one\n");
    source.commit("b/c", "two\n");
    site.probing("first push into an empty prefix, pack below 1 MiB", || {
        source.ok(&["push", "-q", "-u", "origin", "main"]);
    });
    site.row("`git ls-remote`", || {
        git.ok(&["ls-remote", "-q", &url]);
    })
    .within(1, 3);
    let target = site.world.text("clone");
    let cost = site.row("clone of a repository pushed once, below 8 MiB", || {
        git.ok(&["clone", "-q", &url, &target]);
    });
    site.clone_is_lean(&cost);
    let clone = Repo::at(&git, &target);
    site.row("fetch or pull, nothing new", || {
        clone.ok(&["fetch", "-q"]);
    })
    .within(1, 3);
    site.row("push, nothing new", || {
        source.ok(&["push", "-q"]);
    })
    .within(1, 3);
    source.commit("a", "three\n");
    site.row("push of one commit", || {
        source.ok(&["push", "-q"]);
    })
    .within(4, 5);
    site.row("fetch of one commit", || {
        clone.ok(&["fetch", "-q"]);
    })
    .within(3, 4);
    assert_eq!(clone.id("origin/main"), Some(source.head()));
    site.row("push of a new branch at a commit that is there", || {
        source.ok(&["push", "-q", "origin", "main~1:refs/heads/side"]);
    });
    site.row("delete of a branch", || {
        source.ok(&["push", "-q", "origin", ":side"]);
    });
    source.ok(&["push", "-q", "origin", "main:other"]);
    site.row("`git pail set-head`", || {
        git.ok(&["pail", "set-head", &url, "other"]);
    });
    site.row("`git pail log`", || {
        git.ok(&["pail", "log", &url]);
    });
    site.world.mirror();
    site.rows
}

/// An object of Git LFS that the service copies.
fn an_lfs_object() -> Vec<Row> {
    let mut site = Site::new();
    let url = site.url();
    let (place, query) = url.split_once('?').unwrap();
    let there = format!("{place}/copies?{query}");
    let git = site.world.git().clone();
    // Its name is not looked at, nor are its bytes.
    let key = format!("lfs/{}", "0".repeat(64));
    site.world.bucket().write(&key, &vec![0; 1 << 20]);
    let operation = "`git pail lfs copy` of an object of 1 MiB within a service";
    site.parallel(operation, "list-type=2", 2, || {
        git.ok(&["pail", "lfs", "copy", &url, &there]);
    });
    site.rows
}

/// Packs that have an index, and packs that come and go in parts.
fn large() -> Vec<Row> {
    let mut site = Site::new();
    let url = site.url();
    let git = site.world.git().clone();
    site.probing("`git pail init`", || {
        git.ok(&["pail", "init", &url]);
    });
    let source = site.repo("source");
    source.grow("main", 30, 30, 100_000);
    site.row("push with a pack of 1 to 8 MiB", || {
        source.ok(&["push", "-q", "origin", "main"]);
    });
    let pack = 1 << 20..8 << 20;
    assert!(pack.contains(&site.stored().0), "{:?}", site.stored());
    let target = site.world.text("clone");
    let cost = site.row("clone, one pack of 1 to 8 MiB", || {
        git.ok(&["clone", "-q", "--no-checkout", &url, &target]);
    });
    site.clone_is_lean(&cost);
    let clone = Repo::at(&git, &target);
    source.grow("main", 24, 24, 900_000);
    let operation = "push with a pack of 8 to 16 MiB (two parts)";
    site.parallel(operation, "partNumber=", 2, || {
        source.ok(&["push", "-q", "origin", "main"]);
    });
    let operation = "fetch of a pack of 8 to 16 MiB (two ranges)";
    site.parallel(operation, "objects/pack/", 2, || {
        clone.ok(&["fetch", "-q"]);
    });
    clone.fsck();
    site.rows
}

const BRANCHES: &str = "refs/heads/*:refs/heads/*";
const TAGS: &str = "refs/tags/*:refs/tags/*";

/// Names that a team could have given.
fn create(source: &Repo, kind: &str, count: usize) {
    let tip = source.head();
    let line = |at| format!("create refs/{kind}/team-{:02}/{at:05} {tip}\n", at / 100);
    let lines: String = (0..count).map(line).collect();
    let args = ["update-ref", "--stdin"];
    source.git().ok_with(&args, lines.as_bytes());
}

fn three_hundred_refs() -> Vec<Row> {
    let mut site = Site::new();
    let source = site.repo("source");
    source.commit("a", "one\n");
    source.ok(&["push", "-q", "-u", "origin", "main"]);
    source.commit("a", "two\n");
    create(&source, "heads", 150);
    create(&source, "tags", 150);
    let operation = "push of 150 new branches, 150 tags and a commit at once";
    site.row(operation, || {
        source.ok(&["push", "-q", "origin", BRANCHES, TAGS]);
    })
    .within(4, 5);
    site.rows
}

fn ten_thousand_refs() -> Vec<Row> {
    let mut site = Site::new();
    let source = site.repo("source");
    source.commit("a", "one\n");
    source.ok(&["push", "-q", "-u", "origin", "main"]);
    source.commit("a", "two\n");
    create(&source, "heads", 10_000);
    site.row("push of 10,000 new branches and a commit at once", || {
        source.ok(&["push", "-q", "origin", BRANCHES]);
    });
    // The pusher keeps no copy of the table, or the next line would not be what it says.
    let _ = std::fs::remove_dir_all(site.world.git().home().join(".cache"));
    let url = site.url();
    let git = site.world.git().clone();
    for cache in ["not yet in the cache", "in the cache"] {
        let operation = format!("`git ls-remote` of 10,000 refs, base table {cache}");
        site.row(&operation, || {
            let listed = git.ok(&["ls-remote", "-q", "--refs", &url]);
            assert_eq!(listed.lines().count(), 10_001);
        });
    }
    site.rows
}

fn sixty_pushes() -> Vec<Row> {
    let mut site = Site::new();
    let url = site.url();
    let git = site.world.git().clone();
    let source = site.repo("source");
    let push = |number: usize| {
        source.commit("a", format!("{number}\n"));
        source.ok(&["push", "-q", "origin", "main"]);
    };
    (1..=48).for_each(push);
    let target = site.world.text("clone");
    let operation = "clone of a repository of 48 small pushes";
    let cost = site.parallel(operation, "objects/pack/", 16, || {
        git.ok(&["clone", "-q", &url, &target]);
    });
    site.clone_is_lean(&cost);
    (49..=50).for_each(push);
    let ten_behind = site.clone("ten-behind");
    (51..=59).for_each(push);
    let one_behind = site.clone("one-behind");
    push(60);
    site.row("fetch, 1 push behind of 60", || {
        one_behind.ok(&["fetch", "-q"]);
    });
    let operation = "fetch, 10 pushes behind of 60";
    site.parallel(operation, "objects/pack/", 10, || {
        ten_behind.ok(&["fetch", "-q"]);
    });
    for reader in [one_behind, ten_behind] {
        assert_eq!(reader.id("origin/main"), Some(source.head()));
        reader.fsck();
    }
    site.rows
}

/// Locks and objects of Git LFS.
fn large_files() -> Vec<Row> {
    let mut site = Site::new();
    let [lfs, _] = services::git_lfs();
    let git = site.world.git().with_bin(lfs);
    git.ok(&["lfs", "install", "--skip-repo"]);
    let bin = site.world.text("bin");
    git.ok(&["pail", "install", "--no-man", "--dir", &bin]);
    let source = site.repo("source");
    let source = Repo::at(&git, source.path());
    source.commit("a", "one\n");
    source.ok(&["push", "-q", "-u", "origin", "main"]);
    source.ok(&["pail", "lock", "a"]);
    source.commit("b", "two\n");
    site.row("push of one commit, where a path is locked", || {
        source.ok(&["push", "-q"]);
    })
    .within(4, 6);
    source.ok(&["pail", "unlock", "a"]);
    source.ok(&["pail", "config", "origin", "locks", "off"]);
    source.ok(&["lfs", "track", "*.bin"]);
    source.ok(&["add", ".gitattributes"]);
    source.commit("c.bin", "three\n");
    site.row("push of one commit and an LFS object", || {
        source.ok(&["push", "-q"]);
    });
    source.ok(&["rm", "-q", "c.bin"]);
    source.ok(&["commit", "-q", "-m", "gone"]);
    source.ok(&["push", "-q"]);
    source.commit("d.bin", "three\n");
    site.row("push of one commit whose LFS object is there", || {
        source.ok(&["push", "-q"]);
    });
    site.rows
}
