//! The session with git-annex: the external special remote protocol.
//!
//! A parser, replies, and this loop between them. One process serves many jobs where
//! git-annex can number them (ASYNC): all of them share one store and its connections.
//! Nothing is asked of the network before a request needs it.

mod addresses;
mod aside;
mod deeds;
mod ground;
mod info;
mod job;
pub mod request;
mod serve;
mod session;
mod settings;
mod setup;

use crate::conversation::{self, Stop};
use crate::exit;
use crate::runtime::{self, Ended};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use job::Job;
use pail::{Error, ErrorKind};
use request::Request;
use session::Session;
pub(crate) use settings::NOTES;
use std::collections::HashMap;
use std::io::{self, BufReader};
use std::process::ExitCode;
use tokio::sync::mpsc;

/// Longest line: a word, a key and two paths.
const MAX_LINE: u64 = 1 << 16;

/// Answers to one question that may wait: git-annex gives many addresses of a key.
const MAX_ANSWERS: usize = 4096;

/// Lines that may wait while their jobs work.
const MAX_WAITING: usize = 64;

/// Serves one git-annex. It is called without arguments.
#[must_use]
pub fn main() -> ExitCode {
    let served = runtime::build().and_then(|runtime| {
        let lines = read_lines()?;
        runtime::run(&runtime, Box::pin(serve(lines)))
    });
    let ended = match served {
        Ok(Ended::Done(ended)) => ended,
        Ok(Ended::Interrupted) => Err(Stop::Interrupted),
        Err(error) => Err(error.into()),
    };
    conversation::end(ended, exit::FAILED)
}

/// Reads lines on a thread of its own, which ends with standard input or with the process:
/// the runtime would wait for a read that nobody ends.
fn read_lines() -> io::Result<mpsc::Receiver<io::Result<Vec<u8>>>> {
    let (send, receive) = mpsc::channel(MAX_WAITING);
    let read = move || {
        let mut input = BufReader::new(io::stdin());
        loop {
            let line = conversation::line(&mut input, MAX_LINE).transpose();
            let Some(line) = line else { return };
            let last = line.is_err();
            if send.blocking_send(line).is_err() || last {
                return;
            }
        }
    };
    let thread = std::thread::Builder::new().name("stdin".to_owned());
    thread.spawn(read)?;
    Ok(receive)
}

/// Whose an answer without a number is: older versions say that way what they cannot tell.
fn unnumbered<T>(line: &[u8], busy: &HashMap<Option<u64>, T>) -> Option<u64> {
    let mut waiting = busy.keys();
    match (waiting.next(), waiting.next()) {
        (Some(only), None) if line.starts_with(b"ERROR ") => *only,
        _ => None,
    }
}

/// Answers requests until there are no more.
async fn serve(mut lines: mpsc::Receiver<io::Result<Vec<u8>>>) -> Result<(), Stop> {
    let session = Session::default();
    job::say(None, b"VERSION 2")?;
    // What the jobs under way hear of git-annex.
    let mut busy: HashMap<Option<u64>, mpsc::Sender<Vec<u8>>> = HashMap::new();
    // Files of a tree that the next request of each is about.
    let mut names: HashMap<Option<u64>, Vec<u8>> = HashMap::new();
    let mut jobs = FuturesUnordered::new();
    loop {
        // A job that has ended is done with before the next line: that may be its next one.
        let line = tokio::select! {
            biased;
            Some((number, ended)) = jobs.next() => {
                busy.remove(&number);
                ended?;
                continue;
            }
            line = lines.recv() => line,
        };
        let Some(line) = line else { return Ok(()) };
        let line = line?;
        let (number, line) = match request::numbered(&line) {
            Some((number, line)) => (Some(number), line.to_vec()),
            None => (unnumbered(&line, &busy), line),
        };
        if let Some(job) = busy.get(&number) {
            // A job that has just ended hears no more; its number is free in a moment.
            if job.try_send(line).is_err() {
                let what = "git-annex says more than it was asked";
                return Err(Stop::Failed(Error::new(ErrorKind::Invalid, what)));
            }
            continue;
        }
        let request = Request::parse(&line);
        if let Request::Name(name) = request {
            names.insert(number, name);
            continue;
        }
        let (send, answers) = mpsc::channel(MAX_ANSWERS);
        busy.insert(number, send);
        let named = names.remove(&number);
        let session = &session;
        jobs.push(async move {
            let job = Job {
                number,
                named,
                answers,
            };
            (number, Box::pin(session.serve(job, request)).await)
        });
    }
}
