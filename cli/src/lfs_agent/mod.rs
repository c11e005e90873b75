//! The session with git-lfs: its custom transfer protocol, with no server behind it.
//!
//! Git-lfs starts up to eight of these at once, and many get nothing to do: until the first
//! transfer nothing is read and nobody is asked.

pub mod endpoint;
pub mod message;
pub mod progress;
pub mod reply;
pub mod settings;

use crate::runtime::{self, Ended};
use crate::{connect, exit, stdio, ui};
use endpoint::Direction;
use message::Message;
use pail::large_files::lfs::{self, Folder, Object};
use pail::local::{Config, Git, LfsRepository};
use pail::progress::Progress;
use pail::store::{Limits, Store};
use pail::{Error, ErrorKind, Result};
use progress::Told;
use reply::Reply;
use std::future::Future;
use std::io::{self, BufRead};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use tokio::runtime::Runtime;

/// Why a session ends before git-lfs ends it.
#[derive(Debug)]
enum Stop {
    /// What was said makes no sense; the reason was not told yet.
    Failed(Error),
    /// Git-lfs went away.
    Closed,
    /// A signal came.
    Interrupted,
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        let message = format!("cannot speak with git-lfs: {error}");
        Self::Failed(Error::new(ErrorKind::Local, message).with_source(error))
    }
}

/// Serves one git-lfs.
#[must_use]
pub fn main() -> ExitCode {
    match serve(io::stdin().lock()) {
        Ok(()) | Err(Stop::Closed) => ExitCode::SUCCESS,
        Err(Stop::Interrupted) => ExitCode::from(exit::INTERRUPTED),
        Err(Stop::Failed(error)) => {
            ui::show(&error);
            ExitCode::from(exit::HELPER)
        }
    }
}

fn serve(mut input: impl BufRead) -> Result<(), Stop> {
    let mut session = None;
    while let Some(message) = next(&mut input)? {
        match (message, &mut session) {
            (Message::Terminate, _) => break,
            (Message::Init { remote }, _) => {
                session = Some(Session::new(remote));
                answer(&Reply::Ready)?;
            }
            (_, None) => {
                let why = "git-lfs began without a word of what is to come (init)";
                return Err(Error::new(ErrorKind::Invalid, why).into());
            }
            (Message::Upload { oid, size, path }, Some(session)) => {
                session.transfer(&oid, size, Some(path))?;
            }
            (Message::Download { oid, size }, Some(session)) => {
                session.transfer(&oid, size, None)?;
            }
        }
    }
    Ok(())
}

/// One conversation.
struct Session {
    /// The name of the remote, or its URL.
    remote: String,
    runtime: Option<Runtime>,
    /// For which way it was opened, and what is there; opened with the first transfer.
    place: Option<(Direction, Arc<Place>)>,
}

/// Where objects go or come from.
#[derive(Debug)]
struct Place {
    store: Arc<dyn Store>,
    limits: Limits,
    folder: Folder,
}

impl Session {
    fn new(remote: String) -> Self {
        Self {
            remote,
            runtime: None,
            place: None,
        }
    }

    /// Moves one object and says what became of it. A transfer that fails ends nothing else.
    fn transfer(&mut self, oid: &str, size: i64, file: Option<PathBuf>) -> Result<(), Stop> {
        match self.try_transfer(oid, size, file) {
            Ok(path) => answer(&Reply::Complete {
                oid,
                path: path.as_deref(),
            }),
            Err(Stop::Failed(error)) => answer(&Reply::Failed { oid, error: &error }),
            Err(stop) => Err(stop),
        }
    }

    fn try_transfer(
        &mut self,
        oid: &str,
        size: i64,
        file: Option<PathBuf>,
    ) -> Result<Option<PathBuf>, Stop> {
        let object = Object {
            oid: oid.parse()?,
            size: u64::try_from(size).map_err(|_| {
                Error::new(ErrorKind::Invalid, format!("an object has no {size} bytes"))
            })?,
        };
        let told = Told::new(oid, object.size);
        match file {
            Some(file) => {
                let place = self.place(Direction::Upload)?;
                self.run(put(&place, &object, &file, &told))?;
                Ok(None)
            }
            None => {
                let place = self.place(Direction::Download)?;
                Ok(Some(self.run(get(&place, &object, &told))?))
            }
        }
    }

    /// Where objects that go this way lie.
    fn place(&mut self, direction: Direction) -> Result<Arc<Place>, Stop> {
        if let Some((_, place)) = self
            .place
            .as_ref()
            .filter(|(opened, _)| *opened == direction)
        {
            return Ok(Arc::clone(place));
        }
        if self.runtime.is_none() {
            self.runtime = Some(runtime::build()?);
        }
        let remote = self.remote.clone();
        let place = Arc::new(self.run(open(&remote, direction))?);
        self.place = Some((direction, Arc::clone(&place)));
        Ok(place)
    }

    /// Runs an operation that a signal may end.
    fn run<T>(&self, operation: impl Future<Output = Result<T>>) -> Result<T, Stop> {
        let runtime = self.runtime.as_ref().ok_or(Stop::Closed)?;
        match runtime::run(runtime, operation)? {
            Ended::Done(done) => Ok(done?),
            Ended::Interrupted => Err(Stop::Interrupted),
        }
    }
}

/// Asks git where objects go, and opens the bucket. No request.
async fn open(remote: &str, direction: Direction) -> Result<Place> {
    let git = Git::new();
    let (config, here) = tokio::try_join!(Config::read(&git), LfsRepository::open(&git))?;
    let found = endpoint::find(&config, here.shipped(), remote, direction)?;
    let url = here.from_its_top(&found.url);
    let opened = connect::open(&url, found.remote.as_deref(), &config, false)?;
    let context = opened.context();
    let folder = here.storage(&config).join("pail");
    Ok(Place {
        store: Arc::clone(&context.store),
        limits: context.limits,
        folder: Folder::new(folder, Arc::clone(&context.ids), Arc::clone(&context.clock)),
    })
}

async fn put(place: &Place, object: &Object, file: &Path, told: &dyn Progress) -> Result<()> {
    let (store, limits) = (&*place.store, place.limits);
    lfs::put(store, object, file, limits, told, &place.folder).await?;
    Ok(())
}

async fn get(place: &Place, object: &Object, told: &dyn Progress) -> Result<PathBuf> {
    lfs::get(&*place.store, object, place.limits, told, &place.folder).await
}

fn answer(reply: &Reply<'_>) -> Result<(), Stop> {
    if stdio::write(&reply.to_bytes())? {
        Ok(())
    } else {
        Err(Stop::Closed)
    }
}

fn next(input: &mut impl BufRead) -> Result<Option<Message>, Stop> {
    /// Longest line; what varies in it is a path.
    const MAX_LINE: u64 = 1 << 20;
    let mut line = Vec::new();
    let count = io::Read::take(&mut *input, MAX_LINE).read_until(b'\n', &mut line)?;
    if count == 0 {
        return Ok(None);
    }
    if line.pop() != Some(b'\n') {
        let why = "git-lfs sent a line that is cut or too long";
        return Err(Error::new(ErrorKind::Invalid, why).into());
    }
    Ok(Some(Message::parse(&line)?))
}
