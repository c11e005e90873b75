//! Random histories of several clients, seeded: pushes, forces, deletions, tags and fetches,
//! from what a client saw long ago too, through stores that fail and lose replies, while
//! maintenance merges packs, joins the log, drops what nothing reaches and deletes it.
//!
//! `PAIL_SEED=<n>` repeats a history, `PAIL_ROUNDS=<n>` makes more of them.

use crate::it::world::{
    MONTH, WHO, collect, edits, fetch, late, leftovers, local, maintain, remote, request, sound,
};
use pail::format::manifest::MAX_LOG_TAIL;
use pail::maintenance::join_log;
use pail::refs::Outcome;
use pail::store::adapter::memory::Memory;
use pail::store::{Limits, Store};
use pail::transaction::Snapshot;
use pail::{ErrorKind, ObjectId};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use testkit::fault::FaultStore;
use testkit::history::{History, Told};
use testkit::repo::Repo;
use testkit::seed::{Chance, rounds, seed};

const CLIENTS: usize = 3;
const STEPS: usize = 24;

/// So many pushes come first where the log is long: most of them leave a segment.
const SEGMENTS: usize = 16;

/// One call in so many is turned away or has its reply lost.
const FAULTS: usize = 7;

/// A push, by its number, and one of its refs.
type Event = (u64, String);

struct Client {
    repo: Repo,
    store: FaultStore,
    /// What it read of the bucket, perhaps long ago.
    seen: Option<Option<Snapshot>>,
}

/// What happened in one history.
#[derive(Debug, Default)]
struct Counts {
    pushes: u64,
    fetches: u64,
    maintenances: u64,
    merges: u64,
    collections: u64,
    /// Segments of the log that became one with others.
    joined: usize,
    faults: usize,
    told: (usize, usize, usize),
}

struct World {
    memory: Memory,
    clients: Vec<Client>,
    chance: Chance,
    history: History<Event>,
    /// What each push wanted of each ref.
    wanted: BTreeMap<Event, Option<ObjectId>>,
    counts: Counts,
    seed: u64,
    /// Whether each push fills the log of the manifest, so that there is something to join.
    long_log: bool,
}

impl World {
    fn new(seed: u64, dir: &Path) -> Self {
        let memory = Memory::new();
        let clients = (0..CLIENTS).map(|number| {
            let repo = Repo::init(dir.join(format!("client{number}")));
            repo.commit("base", format!("{number}\n"));
            let store = Arc::new(memory.clone());
            Client {
                repo,
                store: FaultStore::seeded(store, seed + number as u64, FAULTS),
                seen: None,
            }
        });
        Self {
            clients: clients.collect(),
            memory,
            chance: Chance::new(seed),
            history: History::new(),
            wanted: BTreeMap::new(),
            counts: Counts::default(),
            seed,
            long_log: seed.is_multiple_of(2),
        }
    }

    async fn step(&mut self) {
        let client = self.chance.below(CLIENTS);
        match self.chance.below(12) {
            0..6 => self.push(client).await,
            6 | 7 => self.fetch(client).await,
            8 => {
                let number = client as u64;
                let store = Arc::new(self.clients[client].store.clone());
                let snapshot = remote(store, self.seed + number, Limits::default())
                    .snapshot()
                    .await;
                self.clients[client].seen = snapshot.ok();
            }
            _ => self.maintain(client).await,
        }
    }

    /// One to three refs: moved to something new or something old, forced or not, deleted,
    /// tagged; from what the bucket is now or was when the client looked last.
    async fn push(&mut self, client: usize) {
        let number = self.counts.pushes;
        self.counts.pushes += 1;
        let store = Arc::new(self.clients[client].store.clone());
        let remote = remote(store, self.seed ^ (number << 20), Limits::default());
        let stale = self.chance.one_in(2);
        let at = match self.clients[client].seen.take() {
            Some(seen) if stale => seen,
            _ => match remote.snapshot().await {
                Ok(now) => now,
                Err(error) => return assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}"),
            },
        };
        let repo = &self.clients[client].repo;
        repo.commit(&format!("c{client}"), format!("{number}\n"));
        let mut specs = vec![match self.chance.below(6) {
            0 => format!(":refs/heads/b{}", self.chance.below(3)),
            1 => format!("HEAD~1:refs/heads/b{}", self.chance.below(3)),
            _ => format!("HEAD:refs/heads/b{}", self.chance.below(3)),
        }];
        if self.chance.one_in(3) {
            let tag = repo.annotated_tag(&format!("t{number}"));
            specs.push(format!("{tag}:refs/tags/t{}", number / 2));
        }
        if self.chance.one_in(3) {
            specs.push(format!("HEAD:refs/heads/own{client}"));
        }
        let specs: Vec<&str> = specs.iter().map(|spec| &**spec).collect();
        let mut request = request(edits(repo, at.as_ref(), &specs));
        request.atomic = self.chance.one_in(4);
        request.options = vec![number.to_string()];
        if self.long_log {
            request.options.push("x".repeat(MAX_LOG_TAIL));
        }
        let attempts: Vec<_> = request
            .edits
            .iter()
            .map(|edit| {
                let event = (number, edit.name.to_string());
                let new = edit.new.map(|new| new.oid);
                self.wanted.insert(event.clone(), new);
                self.history.begin(event)
            })
            .collect();
        match remote.push(&local(repo).await, at, &request).await {
            Ok(outcomes) => {
                for (attempt, outcome) in attempts.into_iter().zip(outcomes) {
                    match outcome {
                        Outcome::Updated => attempt.told(Told::Acknowledged),
                        Outcome::Refused(_) => attempt.told(Told::Refused),
                        Outcome::UpToDate => {}
                    }
                }
            }
            Err(error) if error.kind() == ErrorKind::InDoubt => {}
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
                attempts
                    .into_iter()
                    .for_each(|attempt| attempt.told(Told::Refused));
            }
        }
        assert_eq!(leftovers(&self.clients[client].repo), [""; 0]);
    }

    /// Takes over what is there, and goes on from one of its branches.
    async fn fetch(&mut self, client: usize) {
        self.counts.fetches += 1;
        let Client { repo, store, .. } = &self.clients[client];
        let remote = remote(Arc::new(store.clone()), self.seed, Limits::default());
        match fetch(&remote, repo, false).await {
            Ok((_, at)) => {
                for (name, value) in at.refs.iter() {
                    let name = name.to_string().replace("refs/", "refs/remotes/");
                    repo.ok(&["update-ref", &name, &value.oid.to_string()]);
                }
                let tips: Vec<_> = at
                    .refs
                    .iter()
                    .filter(|(name, _)| name.is_branch())
                    .collect();
                if let Some((_, value)) = tips.first() {
                    repo.ok(&["reset", "-q", "--hard", &value.oid.to_string()]);
                }
                repo.ok(&["rev-list", "--objects", "--all", "--quiet"]);
            }
            // Nobody has pushed yet, or the store turned it away.
            Err(error) => assert!(
                [ErrorKind::Missing, ErrorKind::Unavailable].contains(&error.kind()),
                "{error}"
            ),
        }
    }

    /// Maintenance of all kinds, sometimes through a store that fails, and without waiting: for
    /// its clock a month is over each time, so that what was condemned before is deleted.
    async fn maintain(&mut self, client: usize) {
        self.counts.maintenances += 1;
        let number = self.counts.maintenances;
        let Client { repo, store, .. } = &self.clients[client];
        let months = i64::try_from(number).unwrap() * MONTH;
        // Long work seldom gets through a store that fails at every seventh call.
        let store: Arc<dyn Store> = if self.chance.one_in(3) {
            Arc::new(store.clone())
        } else {
            Arc::new(self.memory.clone())
        };
        let remote = late(store, self.seed ^ number << 40, months);
        let done = match self.chance.below(3) {
            0 => collect(&remote, repo).await.map(|collected| {
                self.counts.collections += u64::from(collected.packed);
            }),
            1 => maintain(&remote, repo).await.map(|report| {
                self.counts.merges += report.merged.len() as u64;
            }),
            _ => join_log(remote.context(), WHO).await.map(|joined| {
                self.counts.joined += joined;
            }),
        };
        if let Err(error) = done {
            let kinds = [
                ErrorKind::Unavailable,
                ErrorKind::InDoubt,
                ErrorKind::Missing,
            ];
            assert!(kinds.contains(&error.kind()), "{error}");
        }
    }

    /// Holds what was told against what the log says.
    async fn check(&mut self) {
        let store: Arc<dyn Store> = Arc::new(self.memory.clone());
        let mut happened = Vec::new();
        if let Some(ledger) = sound(&store).await {
            for entry in ledger.entries.iter().filter(|entry| entry.what == "push") {
                for one in &entry.moves {
                    let event: Event = (entry.options[0].parse().unwrap(), one.name.to_string());
                    assert_eq!(self.wanted.get(&event), Some(&one.new), "{event:?}");
                    happened.push(event);
                }
            }
        }
        self.history.assert_kept(&happened);
        self.counts.told = self.history.counts();
        self.counts.faults = self
            .clients
            .iter()
            .map(|client| client.store.faults())
            .sum();
    }
}

#[tokio::test(start_paused = true)]
async fn heavy_no_acknowledged_push_is_lost_in_any_history() {
    let first = seed(2026);
    let mut all = Counts::default();
    let rounds = rounds(12);
    for seed in (first..).take(usize::try_from(rounds).unwrap()) {
        println!("history: PAIL_SEED={seed}");
        let dir = tempfile::tempdir().unwrap();
        let mut world = World::new(seed, dir.path());
        for _ in 0..if world.long_log { SEGMENTS } else { 0 } {
            world.push(0).await;
        }
        for _ in 0..STEPS {
            world.step().await;
        }
        world.check().await;
        let counts = world.counts;
        all.pushes += counts.pushes;
        all.fetches += counts.fetches;
        all.merges += counts.merges;
        all.collections += counts.collections;
        all.joined += counts.joined;
        all.faults += counts.faults;
        all.told.0 += counts.told.0;
        all.told.1 += counts.told.1;
        all.told.2 += counts.told.2;
    }
    let (acknowledged, refused, open) = all.told;
    eprintln!(
        "histories: {rounds} from seed {first}: {} pushes ({acknowledged} edits acknowledged, \
         {refused} refused, {open} open), {} fetches, {} merges, {} collections, {} segments \
         joined, {} faults",
        all.pushes, all.fetches, all.merges, all.collections, all.joined, all.faults
    );
    assert!(acknowledged > 0 && refused > 0 && all.faults > 0);
    assert!(rounds < 5 || (all.collections > 0 && all.merges > 0 && all.joined > 0));
}
