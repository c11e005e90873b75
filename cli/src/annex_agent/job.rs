//! One request under way: what we say and ask while we work on it.

use crate::annex_agent::request::split;
use crate::conversation::{self, Stop};
use crate::ui::hints;
use pail::progress::{Phase, Progress};
use pail::{Error, ErrorKind};
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::mpsc::Receiver;

/// What went wrong with a request: it alone, or the session with it.
#[derive(Debug)]
pub(super) enum Fault {
    /// Git-annex is to hear of it.
    Told(Error),
    /// Nobody is there any more.
    Stop(Stop),
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::Told(error)
    }
}

impl From<Stop> for Fault {
    fn from(stop: Stop) -> Self {
        Self::Stop(stop)
    }
}

/// How often progress is told: each time that so many more bytes have moved.
const STEP: u64 = 1 << 18;

/// A request under way.
#[derive(Debug)]
pub(super) struct Job {
    /// Its number, where several are under way.
    pub(super) number: Option<u64>,
    /// The file of a tree that it is about.
    pub(super) named: Option<Vec<u8>>,
    /// What git-annex answers to our questions.
    pub(super) answers: Receiver<Vec<u8>>,
}

impl Job {
    /// Says a line.
    pub(super) fn say(&self, line: &[u8]) -> Result<(), Stop> {
        say(self.number, line)
    }

    /// Says a word and what belongs to it, joined by spaces.
    pub(super) fn reply(&self, parts: &[&[u8]]) -> Result<(), Stop> {
        self.say(&parts.join(&b' '))
    }

    /// Says a word, what belongs to it, and what went wrong.
    pub(super) fn refuse(&self, parts: &[&[u8]], error: &Error) -> Result<(), Stop> {
        let why = in_words(error);
        self.reply(&[parts, &[why.as_bytes()]].concat())
    }

    /// Asks something, and gives the line that answers it.
    pub(super) async fn ask(&mut self, question: &[u8]) -> Result<Vec<u8>, Stop> {
        self.say(question)?;
        self.answers.recv().await.ok_or(Stop::Closed)
    }

    /// The file of a tree that it is about.
    pub(super) fn name(&self) -> Result<Vec<u8>, Error> {
        let lacking = || Error::new(ErrorKind::Invalid, "git-annex named no file before");
        self.named.clone().ok_or_else(lacking)
    }

    /// Asks for several values.
    pub(super) async fn values(&mut self, question: &[u8]) -> Result<Vec<String>, Stop> {
        self.say(question)?;
        let mut out = Vec::new();
        loop {
            let answer = self.answers.recv().await.ok_or(Stop::Closed)?;
            match split(&answer) {
                (b"VALUE", Some(value)) if !value.is_empty() => {
                    out.push(String::from_utf8_lossy(value).into_owned());
                }
                _ => return Ok(out),
            }
        }
    }

    /// Asks for a value. `None` if git-annex has none to give: it is empty, or cannot be
    /// asked for now.
    pub(super) async fn value(&mut self, question: &str) -> Result<Option<String>, Stop> {
        let answer = self.ask(question.as_bytes()).await?;
        let (word, rest) = split(&answer);
        let rest = String::from_utf8_lossy(rest.unwrap_or_default()).into_owned();
        match word {
            b"VALUE" => Ok(Some(rest).filter(|value| !value.is_empty())),
            b"ERROR" => Ok(None),
            _ => Err(odd(question)),
        }
    }
}

/// An answer that does not answer the question.
pub(super) fn odd(question: &str) -> Stop {
    let what = format!("git-annex gave an answer to {question} that makes no sense");
    Stop::Failed(Error::new(ErrorKind::Invalid, what))
}

/// Says a line of a job.
pub(super) fn say(number: Option<u64>, line: &[u8]) -> Result<(), Stop> {
    let mut out = Vec::with_capacity(line.len() + 16);
    if let Some(number) = number {
        out.extend_from_slice(format!("J {number} ").as_bytes());
    }
    out.extend_from_slice(line);
    out.push(b'\n');
    conversation::say(&out)
}

/// An error and what to try, in one line.
pub(super) fn in_words(error: &Error) -> String {
    let hint = hints::hint(error);
    let text = match hint.is_empty() {
        true => error.to_string(),
        false => format!("{error} ({hint})"),
    };
    text.replace(['\n', '\r'], " ")
}

/// Tells git-annex how much of a transfer has moved.
#[derive(Debug)]
pub(super) struct Meter {
    number: Option<u64>,
    phase: Phase,
    moved: AtomicU64,
    told: AtomicU64,
}

impl Meter {
    pub(super) fn new(job: &Job, phase: Phase) -> Self {
        Self {
            number: job.number,
            phase,
            moved: AtomicU64::new(0),
            told: AtomicU64::new(0),
        }
    }
}

impl Progress for Meter {
    fn begin(&self, _: Phase, _: u64) {}

    fn advance(&self, phase: Phase, bytes: u64) {
        if phase != self.phase {
            return;
        }
        let moved = self.moved.fetch_add(bytes, Ordering::Relaxed) + bytes;
        if moved - self.told.load(Ordering::Relaxed) < STEP {
            return;
        }
        self.told.store(moved, Ordering::Relaxed);
        // Who does not hear this will not hear the end either, and that is told.
        let _ = say(self.number, format!("PROGRESS {moved}").as_bytes());
    }

    fn end(&self, _: Phase) {}

    fn warn(&self, message: &str) {
        crate::ui::warn(message);
    }
}
