//! Conditional writes with rivals: one winner, nothing lost.

use super::{bytes, key, promise, read, text, write};
use futures_util::future::join_all;
use pail::ErrorKind;
use pail::store::{Precondition, Put, Store, Version};
use std::collections::BTreeSet;
use std::sync::Arc;

const ROUNDS: usize = 10;
/// Beyond some ten SeaweedFS waits for its own lock in steps of a second.
const RIVALS: usize = 8;
const WRITERS: usize = 8;
const LINES_EACH: usize = 25;

pub(super) async fn all(make: &impl Fn() -> Arc<dyn Store>) {
    of_many_creators_one_wins(make()).await;
    of_many_writers_over_one_version_one_wins(make()).await;
    a_shared_file_loses_no_line(make()).await;
}

async fn of_many_creators_one_wins(store: Arc<dyn Store>) {
    promise("of many that create one file, exactly one wins");
    for round in 0..ROUNDS {
        let name = format!("d/f{round}");
        let answers = race(&store, &name, None, round).await;
        one_won(&*store, &name, &answers).await;
    }
}

async fn of_many_writers_over_one_version_one_wins(store: Arc<dyn Store>) {
    promise("of many that write over one version, exactly one wins");
    let mut version = write(&*store, "f", bytes("start")).await;
    for round in 0..ROUNDS {
        let answers = race(&store, "f", Some(version), round).await;
        version = one_won(&*store, "f", &answers).await;
    }
}

/// What became of one rival's write.
#[derive(Debug, PartialEq)]
enum Answer {
    Won,
    Lost,
    /// The bucket did not say. It may do that, but what it says must be true.
    Doubt,
}

/// No two writes have the same bytes: a service whose versions are hashes would take the
/// second for the first, and the port promises nothing for that case.
async fn race(
    store: &Arc<dyn Store>,
    name: &str,
    over: Option<Version>,
    round: usize,
) -> Vec<Answer> {
    let rivals = (0..RIVALS).map(|rival| {
        let (store, name, over) = (Arc::clone(store), name.to_owned(), over.clone());
        tokio::spawn(async move {
            let when = over
                .as_ref()
                .map_or(Precondition::Absent, Precondition::Unchanged);
            attempt(&*store, &name, &format!("rival {rival} {round}"), when).await
        })
    });
    let answers = join_all(rivals).await;
    answers
        .into_iter()
        .map(|answer| answer.expect("a rival met no error"))
        .collect()
}

async fn attempt(store: &dyn Store, name: &str, body: &str, when: Precondition<'_>) -> Answer {
    match store.put(&key(name), bytes(body), when).await {
        Ok(Put::Written(_)) => Answer::Won,
        Ok(Put::Lost) => Answer::Lost,
        Err(error) if matches!(error.kind(), ErrorKind::InDoubt | ErrorKind::Unavailable) => {
            Answer::Doubt
        }
        Err(error) => panic!("put {name}: {error}"),
    }
}

/// Checks that one rival won and the file is its; returns the new version.
async fn one_won(store: &dyn Store, name: &str, answers: &[Answer]) -> Version {
    let (content, version) = read(store, name).await.expect("somebody wrote it");
    let content = String::from_utf8_lossy(&content).into_owned();
    let writer = content
        .strip_prefix("rival ")
        .and_then(|rest| rest.split(' ').next())
        .and_then(|number| number.parse::<usize>().ok())
        .unwrap_or_else(|| panic!("{name} holds '{content}', which no rival of it wrote"));
    let winners = answers.iter().filter(|a| **a == Answer::Won).count();
    let doubts = answers.contains(&Answer::Doubt);
    assert!(
        winners == 1 || (winners == 0 && doubts),
        "{name}: {winners} winners of one race: {answers:?}"
    );
    let said = &answers[writer];
    assert!(
        *said == Answer::Won || (winners == 0 && *said == Answer::Doubt),
        "{name} is of rival {writer}, who was told {said:?}: {answers:?}"
    );
    version
}

async fn a_shared_file_loses_no_line(store: Arc<dyn Store>) {
    promise("a file that many add to, each over what it read, loses nothing");
    write(&*store, "log", bytes("")).await;
    let writers = (0..WRITERS).map(|writer| {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            for line in 0..LINES_EACH {
                add(&*store, &format!("{writer}.{line}\n")).await;
            }
        })
    });
    for writer in join_all(writers).await {
        writer.expect("a writer met no error");
    }
    let log = text(&*store, "log").await.expect("it was written");
    let lines: BTreeSet<&str> = log.lines().collect();
    assert_eq!(lines.len(), log.lines().count(), "a line was added twice");
    let lost: Vec<String> = (0..WRITERS)
        .flat_map(|writer| (0..LINES_EACH).map(move |line| format!("{writer}.{line}")))
        .filter(|line| !lines.contains(line.as_str()))
        .collect();
    assert!(lost.is_empty(), "{} lines were lost: {lost:?}", lost.len());
}

/// Adds a line until it is there.
async fn add(store: &dyn Store, line: &str) {
    loop {
        let (content, version) = read(store, "log").await.expect("never absent");
        let mut content = String::from_utf8_lossy(&content).into_owned();
        if content.split_inclusive('\n').any(|there| there == line) {
            return; // a write that was in doubt had landed
        }
        content.push_str(line);
        let when = Precondition::Unchanged(&version);
        if attempt(store, "log", &content, when).await == Answer::Won {
            return;
        }
        tokio::task::yield_now().await;
    }
}
