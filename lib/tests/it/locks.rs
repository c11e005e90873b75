//! Two who lock and unlock at once, in every order of their store calls, and lost replies.

use pail::large_files::Swapper;
use pail::large_files::locks::{Lock, LockList, Locked, Locks, Unlocked};
use pail::store::Store;
use pail::store::adapter::memory::Memory;
use pail::{ErrorKind, Result};
use std::sync::Arc;
use testkit::fault::{Fault, FaultStore, Rule};
use testkit::ids::SeededIds;
use testkit::interleave::{Client, Explore, client};
use testkit::tap::Verb;

const ADA: &str = "Ada <ada@example.org>";
const BOB: &str = "Bob <bob@example.org>";

async fn lock(store: &dyn Store, seed: u64, path: &str, who: &str) -> Result<Locked> {
    let ids = SeededIds::new(seed);
    keeper(store, &ids).lock(path, who, 7, false).await
}

async fn unlock(store: &dyn Store, seed: u64, id: &str, who: &str) -> Result<Unlocked> {
    let ids = SeededIds::new(seed);
    keeper(store, &ids).unlock(id, who, false).await
}

async fn all(store: &dyn Store) -> Vec<Lock> {
    let ids = SeededIds::new(9);
    let list = keeper(store, &ids).read().await.unwrap();
    list.map_or_else(Vec::new, |list: LockList| list.locks)
}

fn keeper<'a>(store: &'a dyn Store, ids: &'a SeededIds) -> Locks<'a> {
    Locks(Swapper {
        store,
        ids,
        lease: false,
    })
}

/// What goes wrong for one client.
fn faults() -> [Vec<Rule>; 3] {
    let lost = Rule::new(Fault::After).verb(Verb::Put);
    let throttled = Rule::new(Fault::Before(ErrorKind::Unavailable)).verb(Verb::Put);
    [vec![], vec![lost], vec![throttled]]
}

#[tokio::test(start_paused = true)]
async fn of_two_who_lock_one_path_one_gets_it_and_the_other_hears_of_whom() {
    for rules in faults() {
        let clients: Vec<Client<'_, (), Locked>> = [(1, ADA), (2, BOB)]
            .map(|(seed, who)| {
                let rules = if seed == 1 { rules.clone() } else { Vec::new() };
                client(move |store, _| {
                    let store = FaultStore::scripted(store, rules.clone());
                    async move { lock(&store, seed, "a/b", who).await.unwrap() }
                })
            })
            .into();
        let explored = Explore::up_to(5_000)
            .run(
                async || (Arc::new(Memory::new()) as Arc<dyn Store>, ()),
                &clients,
                async |store, (), answers, _| {
                    let now = all(&*store).await;
                    let [only] = &now[..] else {
                        panic!("{now:?}");
                    };
                    let whose = answers.iter().zip([ADA, BOB]);
                    for (answer, who) in whose {
                        match answer {
                            Locked::Taken(lock) => assert_eq!((lock, who), (only, &*only.owner)),
                            Locked::Held(lock) => assert_eq!(lock, only),
                        }
                    }
                    let taken = answers.iter().filter(|one| matches!(one, Locked::Taken(_)));
                    assert_eq!(taken.count(), 1);
                },
            )
            .await;
        assert!(explored.exhaustive && explored.runs > 1, "{explored:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_lock_and_an_unlock_of_other_paths_both_hold() {
    for rules in faults() {
        let clients: Vec<Client<'_, String, bool>> = vec![
            client(|store, _| async move {
                let done = lock(&*store, 1, "new", ADA).await.unwrap();
                matches!(done, Locked::Taken(_))
            }),
            client(move |store, id: std::rc::Rc<String>| {
                let store = FaultStore::scripted(store, rules.clone());
                async move {
                    let done = unlock(&store, 2, &id, BOB).await.unwrap();
                    matches!(done, Unlocked::Freed(_))
                }
            }),
        ];
        let setup = async || {
            let memory = Arc::new(Memory::new());
            let done = lock(&*memory, 3, "old", BOB).await.unwrap();
            let Locked::Taken(old) = done else {
                panic!("nobody else is there");
            };
            (memory as Arc<dyn Store>, old.id)
        };
        let explored = Explore::up_to(5_000)
            .run(setup, &clients, async |store, _, answers, _| {
                assert_eq!(answers, [true, true]);
                let now = all(&*store).await;
                assert_eq!(now.len(), 1, "{now:?}");
                assert_eq!((&*now[0].path, &*now[0].owner), ("new", ADA));
            })
            .await;
        assert!(explored.exhaustive && explored.runs > 1, "{explored:?}");
    }
}

#[tokio::test]
async fn somebody_elses_lock_goes_by_force_alone() {
    let store = Memory::new();
    let Locked::Taken(held) = lock(&store, 1, "a", ADA).await.unwrap() else {
        panic!("nobody else is there");
    };
    let theirs = unlock(&store, 2, &held.id, BOB).await.unwrap();
    assert_eq!(theirs, Unlocked::Theirs(held.clone()));
    assert_eq!(all(&store).await, std::slice::from_ref(&held));
    let ids = SeededIds::new(3);
    let forced = keeper(&store, &ids).unlock(&held.id, BOB, true).await;
    assert_eq!(forced.unwrap(), Unlocked::Freed(held.clone()));
    assert!(all(&store).await.is_empty());
    let again = unlock(&store, 4, &held.id, ADA).await.unwrap();
    assert_eq!(again, Unlocked::Absent);
}
