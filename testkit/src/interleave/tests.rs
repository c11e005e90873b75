use super::{Client, Explore, Explored, client};
use bytes::Bytes;
use futures_util::TryStreamExt;
use pail::Key;
use pail::store::adapter::memory::Memory;
use pail::store::{Got, Precondition, Put, Store, Want};
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

fn key(name: &str) -> Key {
    Key::new(name).unwrap()
}

async fn text(store: &dyn Store, name: &str) -> (String, Option<pail::store::Version>) {
    match store.get(&key(name), Want::all()).await.unwrap() {
        Got::Found(body) => {
            let version = body.info.version.clone();
            let chunks: Vec<Bytes> = body.bytes.try_collect().await.unwrap();
            let text = String::from_utf8(chunks.concat()).unwrap();
            (text, Some(version))
        }
        _ => (String::new(), None),
    }
}

/// Adds a letter to a file, with or without looking whether it changed meanwhile.
async fn add(store: Arc<dyn Store>, letter: char, careful: bool) {
    let own = key(&format!("own/{letter}"));
    let body = Bytes::from_static(b"x");
    let _ = store.put(&own, body, Precondition::Always).await.unwrap();
    loop {
        let (mut content, version) = text(&*store, "log").await;
        content.push(letter);
        let when = match &version {
            _ if !careful => Precondition::Always,
            None => Precondition::Absent,
            Some(version) => Precondition::Unchanged(version),
        };
        let put = store.put(&key("log"), content.into(), when).await.unwrap();
        if put != Put::Lost {
            return;
        }
    }
}

/// Lets clients add, and returns every end that was seen.
async fn ends(explore: &Explore, letters: &str, careful: bool) -> (Explored, BTreeSet<String>) {
    let seen = RefCell::new(BTreeSet::new());
    let clients: Vec<Client<'_, (), ()>> = letters
        .chars()
        .map(|letter| client(move |store, _| add(store, letter, careful)))
        .collect();
    let setup = async || (Arc::new(Memory::new()) as Arc<dyn Store>, ());
    let explored = explore
        .run(setup, &clients, async |store, _, results, schedule| {
            assert_eq!(results.len(), letters.len());
            assert!(schedule.steps().len() >= 3 * letters.len());
            let (end, _) = text(&*store, "log").await;
            seen.borrow_mut().insert(end);
        })
        .await;
    (explored, seen.into_inner())
}

fn set(ends: &[&str]) -> BTreeSet<String> {
    ends.iter().map(|end| (*end).to_owned()).collect()
}

#[tokio::test]
async fn every_end_of_two_careless_writers_is_seen() {
    let (explored, seen) = ends(&Explore::up_to(1000), "ab", false).await;
    assert!(explored.exhaustive);
    assert_eq!(seen, set(&["a", "b", "ab", "ba"]));
    let (all, seen_by_all) = ends(&Explore::up_to(1000).every_order(), "ab", false).await;
    assert!(all.exhaustive);
    assert_eq!(all.runs, 20, "3 steps and 3 steps: 6 over 3");
    assert_eq!(seen_by_all, seen);
    assert!(explored.runs < all.runs / 3, "{explored:?}");
}

#[tokio::test]
async fn careful_writers_lose_nothing_in_any_order() {
    let (explored, seen) = ends(&Explore::up_to(1000), "ab", true).await;
    assert!(explored.exhaustive);
    assert_eq!(seen, set(&["ab", "ba"]));
    let (explored, seen) = ends(&Explore::up_to(5000), "abc", true).await;
    assert!(explored.exhaustive, "{explored:?}");
    assert_eq!(seen, set(&["abc", "acb", "bac", "bca", "cab", "cba"]));
}

#[tokio::test]
async fn a_bound_is_kept_and_the_rest_is_drawn() {
    let explore = Explore::up_to(40).every_order().seed(3);
    let (explored, seen) = ends(&explore, "abc", false).await;
    assert!(!explored.exhaustive);
    assert_eq!(explored.runs, 40);
    assert_eq!((explored, seen), ends(&explore, "abc", false).await);
}

#[tokio::test]
async fn a_failing_order_can_be_replayed() {
    use futures_util::FutureExt;
    let failing = RefCell::new(Vec::new());
    let clients: Vec<Client<'_, (), ()>> = vec![
        client(|store, _| add(store, 'a', false)),
        client(|store, _| add(store, 'b', false)),
    ];
    let setup = async || (Arc::new(Memory::new()) as Arc<dyn Store>, ());
    let explore = Explore::up_to(100);
    let run = explore.run(
        setup,
        &clients,
        async |store, _, _, schedule: &super::Schedule| {
            *failing.borrow_mut() = schedule.choices();
            assert_eq!(text(&*store, "log").await.0.len(), 2, "a letter is lost");
        },
    );
    let failed = AssertUnwindSafe(run).catch_unwind().await;
    assert!(failed.is_err(), "careless writers lose letters");
    let choices = failing.borrow().clone();
    let explored = Explore::up_to(100)
        .replay(choices.clone())
        .run(
            setup,
            &clients,
            async |store, _, _, schedule: &super::Schedule| {
                assert_eq!(schedule.choices(), choices);
                assert_eq!(text(&*store, "log").await.0.len(), 1);
            },
        )
        .await;
    assert_eq!(explored.runs, 1);
}

#[tokio::test]
async fn a_client_may_make_several_calls_at_once_and_wait_for_other_things() {
    let clients: Vec<Client<'_, (), ()>> = vec![
        client(|store: Arc<dyn Store>, _| async move {
            let names = [key("x"), key("y"), key("z")];
            let puts = names.iter().map(|name| {
                let store = Arc::clone(&store);
                async move {
                    let put = store.put(name, Bytes::new(), Precondition::Always);
                    put.await.unwrap()
                }
            });
            let _ = futures_util::future::join_all(puts).await;
            tokio::task::spawn_blocking(|| ()).await.unwrap();
            assert!(store.head(&key("z")).await.unwrap().is_some());
        }),
        client(|store, _| add(store, 'b', true)),
    ];
    let setup = async || (Arc::new(Memory::new()) as Arc<dyn Store>, ());
    let explored = Explore::up_to(1000)
        .every_order()
        .run(setup, &clients, async |_, _, _, _| {})
        .await;
    assert!(explored.exhaustive);
    assert_eq!(explored.runs, 35, "4 steps and 3 steps: 7 over 3");
}
