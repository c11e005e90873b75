//! Which value did a ref have then? The log, read backwards.

use super::RestoreRequest;
use crate::error::{Error, ErrorKind, Result};
use crate::format::manifest::{LogEntry, RefMove};
use crate::oid::ObjectId;
use crate::refs::RefName;
use crate::transaction::{OlderLog, Snapshot, read_moves};
use crate::transfer::Context;

/// Which of the values that a ref had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// The one before so many of its moves; 1 undoes the last.
    Before(u64),
    /// The one at this generation.
    Generation(u64),
    /// The one at this time, in seconds since 1970, by the clocks of those who wrote.
    Time(i64),
}

/// Reads the log as far back as it takes; the value, and the generation that gave it, if
/// that was seen.
pub(super) async fn value(
    context: &Context,
    at: &Snapshot,
    request: &RestoreRequest,
) -> Result<(ObjectId, Option<u64>)> {
    let (store, cache) = (&*context.store, &context.cache);
    if let When::Generation(asked) = request.when
        && asked > at.manifest.generation
    {
        let message = format!(
            "there is no generation {asked} yet: the newest is {}",
            at.manifest.generation
        );
        return Err(Error::new(ErrorKind::Invalid, message).with_hint("`git pail log` lists them"));
    }
    let now = at.refs.get(&request.name).map(|value| value.oid);
    let mut walk = Walk::new(request.name.clone(), request.when, now);
    let mut entries = at.manifest.log.entries.clone();
    let mut older = OlderLog::new(store, cache, at);
    loop {
        for entry in entries.iter().rev() {
            if walk.given.is_some() {
                break;
            }
            let moves = read_moves(store, cache, entry).await?;
            walk.step(entry, &moves);
        }
        // Which older generation gave the value is not worth a request.
        if walk.complete {
            break;
        }
        match older.next().await? {
            Some(next) => entries = next,
            None => break,
        }
    }
    walk.end()
}

/// Pure: undoes moves, newest first.
#[derive(Debug)]
struct Walk {
    name: RefName,
    when: When,
    value: Option<ObjectId>,
    /// How many moves of the ref were undone.
    undone: u64,
    /// The oldest generation that was seen.
    oldest: u64,
    /// Whether everything newer than what was asked for is undone.
    complete: bool,
    /// The generation that gave the value, if it was seen.
    given: Option<u64>,
}

impl Walk {
    fn new(name: RefName, when: When, value: Option<ObjectId>) -> Self {
        Self {
            name,
            when,
            value,
            undone: 0,
            oldest: u64::MAX,
            complete: when == When::Before(0),
            given: None,
        }
    }

    fn step(&mut self, entry: &LogEntry, moves: &[RefMove]) {
        self.oldest = entry.generation;
        self.complete |= match self.when {
            When::Before(_) => false,
            When::Generation(asked) => entry.generation <= asked,
            When::Time(asked) => entry.time <= asked,
        };
        let Some(one) = moves.iter().find(|one| one.name == self.name) else {
            return;
        };
        if self.complete {
            self.given = Some(entry.generation);
            return;
        }
        self.value = one.old;
        self.undone += 1;
        self.complete |= self.when == When::Before(self.undone);
    }

    fn end(self) -> Result<(ObjectId, Option<u64>)> {
        let name = &self.name;
        let missing = |why: String| {
            let message = format!("cannot restore {name}: {why}");
            let hint = format!("`git pail log --all --ref {name}` shows what it was, and when");
            Err(Error::new(ErrorKind::Missing, message).with_hint(hint))
        };
        // The state before the oldest entry is known, too, and before the first one nothing was.
        let before_oldest =
            matches!(self.when, When::Generation(asked) if asked.saturating_add(1) == self.oldest);
        match self.value {
            None if self.undone == 0 && self.given.is_none() => {
                let message = format!("cannot restore {name}: the log knows no such ref");
                Err(Error::new(ErrorKind::Missing, message).with_hint(
                    "`git pail ls` shows the refs, and `git pail log --all` those that are gone",
                ))
            }
            _ if !self.complete && !before_oldest && self.oldest > 1 => missing(format!(
                "the log reaches back to generation {} only",
                self.oldest
            )),
            Some(value) => Ok((value, self.given)),
            None => missing("it was not there then".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Map;

    fn oid(n: u64) -> ObjectId {
        ObjectId::from_hex(format!("{n:040x}").as_bytes()).unwrap()
    }

    fn name(text: &str) -> RefName {
        RefName::new(format!("refs/heads/{text}")).unwrap()
    }

    /// The generation, the time, and how one ref moved.
    fn entry(generation: u64, text: &str, old: u64, new: u64) -> LogEntry {
        let value = |n: u64| (n > 0).then(|| oid(n));
        LogEntry {
            generation,
            time: 1000 + i64::try_from(generation).unwrap() * 10,
            who: String::new(),
            what: "push".to_owned(),
            write_id: String::new(),
            moves: vec![RefMove {
                name: name(text),
                old: value(old),
                new: value(new),
            }],
            moves_file: None,
            options: Vec::new(),
            unknown: Map::new(),
        }
    }

    /// Made at 1, moved at 3 and 4, deleted at 6; another ref moves at 2 and 5.
    fn history(first: u64) -> Vec<LogEntry> {
        let all = vec![
            entry(1, "main", 0, 1),
            entry(2, "other", 0, 9),
            entry(3, "main", 1, 3),
            entry(4, "main", 3, 4),
            entry(5, "other", 9, 8),
            entry(6, "main", 4, 0),
        ];
        all.into_iter().filter(|e| e.generation >= first).collect()
    }

    fn walked(entries: &[LogEntry], when: When) -> Result<(ObjectId, Option<u64>)> {
        let mut walk = Walk::new(name("main"), when, None);
        for entry in entries.iter().rev() {
            if walk.given.is_none() {
                walk.step(entry, &entry.moves);
            }
        }
        walk.end()
    }

    #[test]
    fn the_log_tells_what_a_ref_was() {
        let value = |when| walked(&history(1), when).unwrap();
        assert_eq!(
            value(When::Before(1)),
            (oid(4), Some(4)),
            "before the deletion"
        );
        assert_eq!(value(When::Before(2)), (oid(3), Some(3)));
        assert_eq!(value(When::Before(3)), (oid(1), Some(1)));
        assert_eq!(value(When::Generation(5)), (oid(4), Some(4)));
        assert_eq!(value(When::Generation(3)), (oid(3), Some(3)));
        assert_eq!(value(When::Generation(2)), (oid(1), Some(1)));
        assert_eq!(value(When::Time(1055)), (oid(4), Some(4)));
        assert_eq!(value(When::Time(1039)), (oid(3), Some(3)));
    }

    #[test]
    fn what_was_not_there_or_is_not_known_is_said() {
        let why = |entries: &[LogEntry], when| walked(entries, when).unwrap_err().to_string();
        for when in [When::Before(4), When::Generation(6), When::Time(1)] {
            assert!(
                why(&history(1), when).contains("it was not there then"),
                "{when:?}"
            );
        }
        let cut = history(4);
        for when in [When::Before(2), When::Generation(3)] {
            let value = walked(&cut, when).unwrap();
            assert_eq!(value, (oid(3), None), "the oldest entry tells it");
        }
        for when in [When::Before(3), When::Generation(2), When::Time(1)] {
            let why = why(&cut, when);
            assert!(
                why.ends_with("back to generation 4 only"),
                "{when:?}: {why}"
            );
        }
        assert!(why(&[], When::Before(1)).ends_with("knows no such ref"));
    }
}
