//! Ten thousand pushes by twenty clients, and what push, fetch and clone cost on the way.
//!
//! ```sh
//! cargo build --release -p git-pail
//! cargo xtask services up; eval "$(cargo xtask env)"
//! cargo run --release -p testkit --example many_pushes -- --pushes 10000 --out docs/measurements
//! ```
//!
//! Each client pushes one commit at a time to a branch of its own, all at once, with the
//! maintenance that pushes leave behind. The ten pushes around 100, 1,000, … go one by one
//! through a proxy that counts. Readers that stopped 1, 10, 100 and 1,000 pushes before the end catch up
//! through the proxy, and beside them readers of the same history over stock git's smart
//! HTTP. In the end the bucket is compared with the same repository after `git gc`.
//!
//! With `--refs 1000000` it measures a repository of so many refs instead.

mod bucket;
mod history;
mod measure;
mod plot;
mod refs;
mod smart_http;

use bucket::Bucket;
use measure::{Cost, Counter};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use testkit::git::Git;
use testkit::repo::Repo;

/// What the command line asks for.
struct Plan {
    pushes: usize,
    clients: usize,
    /// So many refs, instead of pushes.
    refs: Option<usize>,
    /// Where the programs are.
    bin: PathBuf,
    /// Where the figures go.
    out: PathBuf,
}

impl Plan {
    fn from_args() -> Self {
        let mut plan = Self {
            pushes: 1_000,
            clients: 20,
            refs: None,
            bin: std::env::current_dir()
                .expect("there is a current folder")
                .join("target/release"),
            out: PathBuf::from("docs/measurements"),
        };
        let mut args = std::env::args().skip(1);
        while let Some(name) = args.next() {
            let value = args
                .next()
                .unwrap_or_else(|| panic!("{name} needs a value"));
            match name.as_str() {
                "--pushes" => plan.pushes = value.parse().expect("a number"),
                "--clients" => plan.clients = value.parse().expect("a number"),
                "--refs" => plan.refs = Some(value.parse().expect("a number")),
                "--bin" => plan.bin = PathBuf::from(value),
                "--out" => plan.out = PathBuf::from(value),
                other => panic!("there is no option {other}"),
            }
        }
        plan
    }

    /// The pushes that are told of: every power of ten from 100, and the last.
    fn told(&self) -> Vec<usize> {
        let powers = std::iter::successors(Some(100), |n| Some(n * 10));
        let mut out: Vec<usize> = powers.take_while(|n| *n < self.pushes).collect();
        out.push(self.pushes);
        out
    }

    /// The ten pushes around one of them that are counted.
    fn around(&self, push: usize) -> std::ops::Range<usize> {
        let end = (push + 5).min(self.pushes + 1);
        end - 10..end
    }

    /// How far behind the readers are.
    fn behind(&self) -> Vec<usize> {
        let powers = std::iter::successors(Some(1), |n| Some(n * 10));
        powers
            .take_while(|n| *n <= 1_000 && *n * 2 <= self.pushes)
            .collect()
    }
}

/// One look at the bucket between two pushes.
struct Sample {
    push: usize,
    packs: usize,
    /// How many more lie aside.
    aside: u64,
    manifest: u64,
    /// The parts of the manifest, with the bytes of each before it is packed.
    sections: String,
    stored: u64,
}

fn main() {
    let plan = Plan::from_args();
    let dir = tempfile::tempdir().expect("a temporary folder can be made");
    let bin = dir.path().join("bin");
    std::fs::create_dir(&bin).expect("a folder can be made");
    for name in ["git-pail", "git-remote-pail"] {
        let program = plan
            .bin
            .join("git-pail")
            .canonicalize()
            .expect("git-pail is built");
        std::os::unix::fs::symlink(program, bin.join(name)).expect("a link can be made");
    }
    let bucket = Bucket::fresh();
    let git = bucket.sealed(Git::new().with_bin(bin));
    if let Some(count) = plan.refs {
        println!("{}", refs::measure(&bucket, &git, dir.path(), count));
        return;
    }
    git.config("pail.autoMaintenance", "true");
    let history = history::make(&git, dir.path(), plan.clients, plan.pushes);
    println!("{} pushes by {} clients", plan.pushes, plan.clients);

    let first = history.client(0);
    first.ok(&["push", "-q", &bucket.url(), "main:refs/heads/main"]);
    let counter = Counter::new(&bucket);
    let mut samples = vec![bucket.sample(0)];
    let mut costs: Vec<(usize, Cost)> = Vec::new();
    let mut readers: Vec<(usize, Repo)> = Vec::new();

    let counted: Vec<usize> = plan
        .told()
        .into_iter()
        .flat_map(|n| plan.around(n))
        .collect();
    let behind = plan.behind();
    let mut stops: Vec<usize> = (1..=plan.pushes / 100).map(|n| n * 100).collect();
    stops.extend(counted.iter().flat_map(|n| [n - 1, *n]));
    stops.extend(behind.iter().map(|n| plan.pushes - n));
    stops.push(plan.pushes);
    stops.sort_unstable();
    stops.dedup();
    let mut done = 0;
    for stop in stops {
        let one = stop == done + 1 && counted.contains(&stop);
        if one {
            bucket.settle();
            let cost = counter.count(|url| history.push(done, url));
            println!("push {stop}: {cost}");
            costs.push((stop, cost));
        } else {
            push(&history, &bucket.url(), plan.clients, done..stop);
        }
        done = stop;
        if let Some(behind) = behind.iter().find(|n| plan.pushes - *n == stop) {
            let path = dir.path().join(format!("reader-{behind}"));
            readers.push((
                *behind,
                Repo::clone_of(&git, &bucket.url(), path, &["--mirror"]),
            ));
        }
        if stop % 100 == 0 {
            samples.push(bucket.sample(stop));
        }
    }
    bucket.settle();

    let mut report = String::new();
    let told = &mut report;
    writeln!(
        told,
        "| push | requests / round trips / bytes up / bytes down |"
    )
    .unwrap();
    writeln!(told, "|---|---|").unwrap();
    for push in plan.told() {
        let around = plan.around(push);
        let of = |range: &std::ops::Range<usize>| -> Vec<Cost> {
            let within = costs.iter().filter(|(push, _)| range.contains(push));
            within.map(|(_, cost)| *cost).collect()
        };
        for cost in of(&(push..push + 1)) {
            writeln!(told, "| {push} | {cost} |").unwrap();
        }
        let (first, last) = (around.start, around.end - 1);
        let median = Cost::median(&of(&around));
        writeln!(told, "| median of {first} to {last} | {median} |").unwrap();
    }
    let last = bucket.sample(plan.pushes);
    writeln!(
        told,
        "\nAfter {} pushes: {} packs in the manifest of {} bytes ({}, not packed), {} more aside, {} \
         bytes in the bucket.\n",
        plan.pushes, last.packs, last.manifest, last.sections, last.aside, last.stored
    )
    .unwrap();

    let mirror = dir.path().join("mirror");
    let mirror = Repo::clone_of(&git, &bucket.url(), mirror, &["--mirror"]);
    mirror.fsck();
    history.assert_whole(&mirror);
    mirror.ok(&["gc", "-q", "--prune=now"]);
    let packed = disk(&mirror.path().join("objects/pack"));
    let web = smart_http::serve(&git, dir.path());
    let web = Counter::of(web, "mirror");
    writeln!(told, "| reader | git-pail | smart HTTP | bytes, ratio |").unwrap();
    writeln!(told, "|---|---|---|---|").unwrap();
    for (behind, reader) in &readers {
        let twin = dir.path().join(format!("twin-{behind}"));
        git.ok(&[
            "clone",
            "-q",
            "--mirror",
            &reader.path().display().to_string(),
            &twin.display().to_string(),
        ]);
        let twin = Repo::at(&git, twin);
        let ours = counter.count(|url| fetch(reader, url));
        let theirs = web.count(|url| fetch(&twin, url));
        assert_eq!(reader.refs(), mirror.refs(), "reader {behind}");
        row(told, &format!("{behind} behind"), &ours, &theirs);
    }
    let clone = |name: &str, url: &str| {
        let path = dir.path().join(name).display().to_string();
        git.ok(&["clone", "-q", "--mirror", url, &path]);
    };
    let theirs = web.count(|url| clone("clone-http", url));
    let ours = counter.count(|url| clone("clone-before", url));
    row(told, "clone", &ours, &theirs);
    for task in ["base", "gc"] {
        git.ok(&[
            "pail",
            "maintenance",
            "run",
            &format!("--task={task}"),
            &bucket.url(),
        ]);
    }
    let ours = counter.count(|url| clone("clone-after", url));
    row(told, "clone after base and gc", &ours, &theirs);
    let mut stored = |when: &str| {
        let after = bucket.sample(plan.pushes);
        let ratio = after.stored as f64 / packed as f64;
        writeln!(
            told,
            "\n{when}: {} packs, {} more aside, a manifest of {} bytes, {} bytes in the bucket: \
             {ratio:.2} times the {packed} bytes of the packs after `git gc`.",
            after.packs, after.aside, after.manifest, after.stored,
        )
        .unwrap();
    };
    stored("After base and gc, with what the retention time keeps");
    git.ok(&["pail", "config", &bucket.url(), "retention", "0s"]);
    for _ in 0..2 {
        let url = bucket.url();
        git.ok(&[
            "pail",
            "maintenance",
            "run",
            "--task=merge",
            "--task=gc",
            &url,
        ]);
    }
    stored("With a retention time of 0, after two more runs");
    println!("{report}");
    std::fs::create_dir_all(&plan.out).expect("the folder for the figures can be made");
    let name = format!("{}-pushes", plan.pushes);
    std::fs::write(plan.out.join(format!("{name}.md")), report).expect("figures can be written");
    let drawing = plot::draw(&samples);
    std::fs::write(plan.out.join(format!("{name}.svg")), drawing).expect("a plot can be written");
}

/// Pushes the commits of this range, each client as fast as it can.
fn push(history: &history::History, url: &str, clients: usize, range: std::ops::Range<usize>) {
    let next = AtomicUsize::new(range.start);
    std::thread::scope(|scope| {
        for _ in 0..clients {
            scope.spawn(|| {
                loop {
                    let push = next.fetch_add(1, Ordering::SeqCst);
                    if push >= range.end {
                        break;
                    }
                    history.push(push, url);
                }
            });
        }
    });
}

fn fetch(reader: &Repo, url: &str) {
    reader.ok(&["fetch", "-q", "--prune", url, "+refs/*:refs/*"]);
}

fn row(out: &mut String, what: &str, ours: &Cost, theirs: &Cost) {
    let ratio = ours.bytes() as f64 / theirs.bytes() as f64;
    writeln!(out, "| {what} | {ours} | {theirs} | {ratio:.2} |").unwrap();
}

/// Bytes of the files in a folder.
fn disk(folder: &Path) -> u64 {
    let files = std::fs::read_dir(folder).expect("the folder can be read");
    files
        .map(|file| {
            file.and_then(|file| file.metadata())
                .expect("a file can be looked at")
                .len()
        })
        .sum()
}
