//! The session with git-lfs: its custom transfer protocol, with no server behind it.
//!
//! Git-lfs starts up to eight of these at once, and many get nothing to do: until the first
//! transfer nothing is read and nobody is asked.

pub mod endpoint;
pub mod message;
pub mod progress;
pub mod reply;
pub mod settings;

use crate::conversation::{self, Stop};
use crate::runtime::{self, Ended};
use crate::{connect, exit};
use endpoint::Direction;
use message::Message;
use pail::large_files::condemned::Watch;
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

/// Longest line; what varies in it is a path.
const MAX_LINE: u64 = 1 << 20;

/// Serves one git-lfs.
#[must_use]
pub fn main() -> ExitCode {
    conversation::end(serve(io::stdin().lock()), exit::HELPER)
}

fn serve(mut input: impl BufRead) -> Result<(), Stop> {
    let mut session = None;
    while let Some(line) = conversation::line(&mut input, MAX_LINE)? {
        match (Message::parse(&line)?, &mut session) {
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
    watch: Watch,
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
    let folder = here.kept(&config);
    let (ids, clock) = (Arc::clone(&context.ids), Arc::clone(&context.clock));
    Ok(Place {
        store: Arc::clone(&context.store),
        limits: context.limits,
        folder: Folder::new(folder, Arc::clone(&ids), Arc::clone(&clock)),
        watch: Watch::new(Arc::clone(&context.store), ids, clock, context.lease),
    })
}

async fn put(place: &Place, object: &Object, file: &Path, told: &dyn Progress) -> Result<()> {
    // Before it is looked for: what is found there then stays.
    place.watch.spare(&object.oid).await?;
    let (store, limits) = (&*place.store, place.limits);
    lfs::put(store, object, file, limits, told, &place.folder).await?;
    Ok(())
}

async fn get(place: &Place, object: &Object, told: &dyn Progress) -> Result<PathBuf> {
    lfs::get(&*place.store, object, place.limits, told, &place.folder).await
}

fn answer(reply: &Reply<'_>) -> Result<(), Stop> {
    conversation::say(&reply.to_bytes())
}
