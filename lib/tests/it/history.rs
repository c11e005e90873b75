//! Random histories of several clients, seeded: pushes, forces, deletions, tags and fetches,
//! from what a client saw long ago too, through stores that fail and lose replies, while gc
//! packs everything anew and drops what nothing reaches.
//!
//! `PAIL_SEED=<n>` repeats a history, `PAIL_ROUNDS=<n>` makes more of them.

use crate::it::commit_world::rewrite;
use crate::it::ledger;
use crate::it::world::{clone, edits, fetch, leftovers, local, remote, request, sound};
use pail::format::keys;
use pail::format::manifest::{Condemned, Holds, PackEntry, PackSource, Why};
use pail::refs::Outcome;
use pail::store::adapter::memory::Memory;
use pail::store::{Limits, Precondition, Store};
use pail::transaction::Snapshot;
use pail::{ErrorKind, Key, ObjectId};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use testkit::fault::FaultStore;
use testkit::history::{History, Told};
use testkit::repo::Repo;
use testkit::seed::{Chance, rounds, seed};

const CLIENTS: usize = 3;
const STEPS: usize = 16;

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
    collections: u64,
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
        }
    }

    async fn step(&mut self) {
        let client = self.chance.below(CLIENTS);
        match self.chance.below(10) {
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
            _ => self.collect().await,
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

    /// What gc does, without waiting: one pack of all that the refs reach takes the place of
    /// every other, the epoch rises, and the files of the packs before are deleted at once.
    async fn collect(&mut self) {
        let store: Arc<dyn Store> = Arc::new(self.memory.clone());
        let Some(ledger) = ledger::read(&*store).await else {
            return;
        };
        if ledger.refs().is_empty() {
            return;
        }
        self.counts.collections += 1;
        let dir = tempfile::tempdir().unwrap();
        let whole = clone(&store, &dir.path().join("whole")).await;
        let files = |end: &str| -> Vec<_> {
            let folder = std::fs::read_dir(whole.path().join("objects/pack")).unwrap();
            let files = folder.map(|entry| entry.unwrap().path());
            files
                .filter(|path| path.extension().is_some_and(|is| is == end))
                .collect()
        };
        // The mark of a fetch that is under way would keep its pack out of it.
        for keep in files("keep") {
            std::fs::remove_file(keep).unwrap();
        }
        whole.ok(&["repack", "-q", "-a", "-d", "-f"]);
        let [path] = &files("pack")[..] else {
            panic!("one pack is left");
        };
        let body = std::fs::read(path).unwrap();
        let name = path
            .file_stem()
            .unwrap()
            .to_str()
            .unwrap()
            .strip_prefix("pack-")
            .unwrap();
        let covered = ledger.snapshot.manifest.covered();
        let entry = PackEntry {
            name: name.to_owned(),
            size: body.len() as u64,
            index: None,
            objects: u64::from(u32::from_be_bytes(body[8..12].try_into().unwrap())),
            from: 0,
            to: covered,
            holds: Holds::All,
            source: PackSource::Base,
            unknown: serde_json::Map::new(),
        };
        let key = keys::pack(name).unwrap();
        let put = store.put(&key, body.into(), Precondition::Absent).await;
        if put.unwrap() == pail::store::Put::Lost {
            return; // nothing was pushed since the last time
        }
        let swapped = rewrite(
            &*store,
            self.seed ^ self.counts.collections << 40,
            "gc",
            |manifest| {
                manifest.epoch += 1;
                let gone = std::mem::replace(&mut manifest.packs, vec![entry.clone()]);
                manifest
                    .condemned
                    .extend(gone.into_iter().map(|pack| Condemned {
                        key: keys::pack(&pack.name).unwrap().to_string(),
                        generation: manifest.generation,
                        time: 0,
                        why: Why::Dropped,
                    }));
                true
            },
        );
        assert!(swapped.await.unwrap(), "nobody else is at work");
        let now = ledger::read(&*store).await.unwrap();
        for gone in &now.snapshot.manifest.condemned {
            store
                .delete(&Key::new(gone.key.clone()).unwrap())
                .await
                .unwrap();
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
        for _ in 0..STEPS {
            world.step().await;
        }
        world.check().await;
        let counts = world.counts;
        all.pushes += counts.pushes;
        all.fetches += counts.fetches;
        all.collections += counts.collections;
        all.faults += counts.faults;
        all.told.0 += counts.told.0;
        all.told.1 += counts.told.1;
        all.told.2 += counts.told.2;
    }
    let (acknowledged, refused, open) = all.told;
    eprintln!(
        "histories: {rounds} from seed {first}: {} pushes ({acknowledged} edits acknowledged, \
         {refused} refused, {open} open), {} fetches, {} collections, {} faults",
        all.pushes, all.fetches, all.collections, all.faults
    );
    assert!(acknowledged > 0 && refused > 0 && all.faults > 0);
    assert!(rounds < 5 || all.collections > 0);
}
