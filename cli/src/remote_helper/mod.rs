//! The session with git: a parser, a printer, and this loop between them.

pub mod command;
mod edits;
pub mod options;
pub mod reply;

use crate::conversation::{self, Stop, say as answer};
use crate::lfs_agent::endpoint;
use crate::runtime::{self, Ended};
use crate::{config, connect, detached, exit, ui};
use command::{Command, PushLine};
use options::{Answer, Options};
use pail::local::{Check, Config, Git, Repository};
use pail::maintenance;
use pail::refs::{Outcome, RefValue, Refusal};
use pail::transaction::Snapshot;
use pail::transfer::{FetchRequest, Fetched, PushRequest, Verify};
use pail::{Error, ErrorKind, ObjectFormat, ObjectId, Remote, Result};
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::future::Future;
use std::io::{self, BufRead};
use std::path::PathBuf;
use std::process::ExitCode;
use tokio::runtime::Runtime;

/// Longest line; refs are bounded, and so is a push option by git's own line buffer.
const MAX_LINE: u64 = 1 << 20;

/// Serves one git. It is called as `git-remote-<scheme> <remote> <url>`.
#[must_use]
pub fn main(args: &[OsString]) -> ExitCode {
    let Some(url) = args.get(2).or(args.get(1)) else {
        ui::error(
            "this program is called by git, as git-remote-<scheme> <remote> <url>",
            Some("see `git pail --help`"),
        );
        return ExitCode::from(exit::USAGE);
    };
    let name = args.get(1).filter(|name| *name != url);
    let name = name.map(|name| name.to_string_lossy().into_owned());
    let ended = Session::new(name, url.to_string_lossy().into_owned())
        .and_then(|mut session| session.serve(io::stdin().lock()));
    conversation::end(ended, exit::HELPER)
}

/// One conversation.
struct Session {
    runtime: Runtime,
    /// The remote's name, if it has one.
    name: Option<String>,
    url: String,
    options: Options,
    remote: Option<Remote>,
    config: Config,
    /// The repository as git was told it.
    told: Option<Snapshot>,
    /// Whether a push has left packs to be merged.
    due: bool,
    /// `.keep` files beyond the one that git removes itself.
    keeps: Vec<PathBuf>,
}

impl Drop for Session {
    fn drop(&mut self) {
        for keep in &self.keeps {
            // A keep file that stays costs disk space on the next gc and nothing else.
            let _ = std::fs::remove_file(keep);
        }
    }
}

impl Session {
    fn new(name: Option<String>, url: String) -> Result<Self, Stop> {
        let runtime = runtime::build()?;
        Ok(Self {
            runtime,
            name,
            url,
            options: Options::new(),
            remote: None,
            config: Config::default(),
            told: None,
            due: false,
            keeps: Vec::new(),
        })
    }

    fn serve(&mut self, mut input: impl BufRead) -> Result<(), Stop> {
        loop {
            match next(&mut input)? {
                None | Some(Command::Blank) => return Ok(()),
                Some(Command::Capabilities) => answer(reply::CAPABILITIES)?,
                Some(Command::Option(name, value)) => match self.options.set(&name, &value) {
                    Answer::Reply(reply) => answer(reply.to_bytes())?,
                    Answer::Die(why) => {
                        let hint = "fetch the whole history: leave these options out";
                        return Err(Error::new(ErrorKind::Unsupported, why)
                            .with_hint(hint)
                            .into());
                    }
                },
                Some(Command::List { for_push }) => self.list(for_push)?,
                Some(Command::Fetch(first)) => {
                    let batch = batch(first, &mut input, |command| match command {
                        Command::Fetch(oid) => Some(oid),
                        _ => None,
                    })?;
                    self.fetch(&batch)?;
                }
                Some(Command::Push(first)) => {
                    let batch = batch(first, &mut input, |command| match command {
                        Command::Push(line) => Some(line),
                        _ => None,
                    })?;
                    self.push(&batch)?;
                }
                Some(Command::Unknown(line)) => return Err(unknown(&line).into()),
            }
        }
    }

    /// Runs an operation that a signal may end.
    fn run<T>(&self, operation: impl Future<Output = Result<T>>) -> Result<T, Stop> {
        match runtime::run(&self.runtime, operation)? {
            Ended::Done(done) => Ok(done?),
            Ended::Interrupted => Err(Stop::Interrupted),
        }
    }

    /// The remote, opened when it is first needed: by then the options are known.
    fn remote(&mut self) -> Result<Remote, Stop> {
        if let Some(remote) = &self.remote {
            return Ok(remote.clone());
        }
        self.config = self.run(Config::read_default())?;
        let (name, progress) = (self.name.as_deref(), self.options.shows_progress());
        let remote = connect::open(&self.url, name, &self.config, progress)?;
        self.remote = Some(remote.clone());
        Ok(remote)
    }

    /// Tells git-lfs to take this remote's URL as it is, where it cannot read it: after a
    /// fetch comes a checkout, and before a push git-lfs's hook. Costs a spawn once, for such
    /// a URL only.
    fn help_lfs(&mut self) -> Result<(), Stop> {
        let told = self.config.get("lfs.customtransfer.pail.path").is_some();
        let Some(name) = self.name.clone().filter(|_| told) else {
            return Ok(());
        };
        if !endpoint::is_unreadable(&self.config, &name) {
            return Ok(());
        }
        let key = format!("remote.{name}.lfsurl");
        match self.run(Git::new().set_config(&key, endpoint::SAME_AS_URL)) {
            Err(Stop::Failed(error)) => ui::warn(&format!("no LFS with this remote: {error}")),
            done => done?,
        }
        // Once is enough.
        self.config = self.run(Config::read_default())?;
        Ok(())
    }

    fn list(&mut self, for_push: bool) -> Result<(), Stop> {
        let remote = self.remote()?;
        if for_push {
            self.help_lfs()?;
        }
        self.told = self.run(remote.snapshot())?;
        let Some(told) = &self.told else {
            // What a first push makes takes the format of the repository that is pushed.
            let format = if for_push {
                Some(self.run(async { Ok(Repository::open(Git::new()).await?.format()) })?)
            } else {
                None
            };
            if !for_push && self.options.verbosity > 0 {
                ui::warn(&format!(
                    "there is no repository at {} yet; the first push makes it",
                    remote.context().store.describe()
                ));
            }
            return answer(&reply::list(format, None, std::iter::empty()));
        };
        // HEAD is not told before a push: a mirror would delete it. Nor is one that dangles:
        // a clone would ask for the null id.
        let head = told
            .manifest
            .head
            .as_ref()
            .filter(|head| !for_push && told.refs.get(head).is_some());
        // Nor are peeled tags: a mirror would delete `refs/tags/v1^{}`.
        let refs = told.refs.iter().map(|(name, value)| {
            let peeled = value.peeled.filter(|_| !for_push);
            (name, RefValue { peeled, ..value })
        });
        answer(&reply::list(Some(told.manifest.object_format), head, refs))
    }

    fn fetch(&mut self, batch: &[Vec<u8>]) -> Result<(), Stop> {
        let remote = self.remote()?;
        self.help_lfs()?;
        let wants: Option<BTreeSet<ObjectId>> =
            batch.iter().map(|hex| ObjectId::from_hex(hex)).collect();
        let wants = wants.ok_or_else(|| {
            Error::new(
                ErrorKind::Invalid,
                "git asked for something that is no object id",
            )
        })?;
        let at = match self.told.clone() {
            Some(told) => told,
            None => self.run(remote.existing())?,
        };
        let (options, config) = (self.options.clone(), self.config.clone());
        let fetched: Fetched = self.run(async {
            let local = Repository::open(Git::new()).await?;
            same_format(at.manifest.object_format, local.format())?;
            remote
                .fetch(&local, at, &fetch_request(wants, &options, &config)?)
                .await
        })?;
        // Git unlocks the first; each further one would stay for ever.
        let mut keeps = fetched.keeps.into_iter();
        let first = keeps.next();
        self.keeps.extend(keeps);
        let connected = fetched.connected && self.options.check_connectivity;
        answer(&reply::fetched(first.as_deref(), connected))
    }

    fn push(&mut self, batch: &[PushLine]) -> Result<(), Stop> {
        let outcomes = match self.try_push(batch) {
            Ok(outcomes) => outcomes,
            Err(Stop::Failed(error)) => {
                // Every ref gets its line, also now: git takes a ref without one for done.
                ui::show(&error);
                vec![Outcome::Refused(Refusal::Other(error.to_string())); batch.len()]
            }
            Err(stop) => return Err(stop),
        };
        let mut out = Vec::new();
        for (line, outcome) in batch.iter().zip(&outcomes) {
            out.extend(reply::pushed(&line.destination, outcome));
        }
        out.push(b'\n');
        self.warn_about_head(batch, &outcomes);
        answer(&out)?;
        self.leave_maintenance();
        Ok(())
    }

    /// Starts maintenance that goes on by itself, if the push left work for it. Git has been
    /// answered already. What goes wrong here is left to the next push.
    fn leave_maintenance(&mut self) {
        let asked = self.config.flag(&config::AUTO_MAINTENANCE.listed());
        if std::mem::take(&mut self.due) && asked != Some(false) {
            let _ = detached::maintenance(self.name.as_deref(), &self.url);
        }
    }

    fn try_push(&mut self, batch: &[PushLine]) -> Result<Vec<Outcome>, Stop> {
        let remote = self.remote()?;
        let told = self.told.clone();
        let options = self.options.clone();
        let (outcomes, due) = self.run(async {
            let local = Repository::open(Git::new()).await?;
            let asked = edits::edits(&local, told.as_ref(), batch, &options).await?;
            if asked.outcomes.iter().any(Option::is_some) && options.atomic {
                return Ok((asked.all_refused(), false));
            }
            let request = PushRequest {
                edits: asked.edits.into(),
                atomic: options.atomic,
                dry_run: options.dry_run,
                prefer_head: local.head().await?,
                options: options.push_options.clone(),
                progress: options.shows_progress(),
            };
            let pushed = remote.publish(&local, told, &request).await?;
            let due = pushed.now.is_some_and(|now| maintenance::is_due(&now));
            Ok((asked.outcomes.merge(pushed.outcomes), due))
        })?;
        self.due = due;
        Ok(outcomes)
    }

    /// A default branch that went leaves clones without a checkout, unless HEAD moved on.
    /// One more GET, in this rare case only.
    fn warn_about_head(&mut self, batch: &[PushLine], outcomes: &[Outcome]) {
        let told = self.told.as_ref();
        let Some(head) = told.and_then(|told| told.manifest.head.clone()) else {
            return;
        };
        let deleted = batch.iter().zip(outcomes).any(|(line, outcome)| {
            line.source.is_none()
                && line.destination == head.as_bytes()
                && *outcome == Outcome::Updated
        });
        if !deleted || self.options.dry_run {
            return;
        }
        let Ok(remote) = self.remote() else { return };
        if let Ok(Some(now)) = self.run(remote.snapshot())
            && let Some(moved) = &now.manifest.head
            && now.refs.get(moved).is_some()
        {
            ui::warn(&format!("{head} was the default branch; it is {moved} now"));
            return;
        }
        ui::warn(&format!(
            "{head} was the default branch; name another one with `git pail set-head <url> <branch>`"
        ));
    }
}

fn same_format(remote: ObjectFormat, local: ObjectFormat) -> Result<()> {
    if remote == local {
        return Ok(());
    }
    let message = format!(
        "cannot fetch: this repository names objects by {local}, the one in the bucket by {remote}"
    );
    Err(Error::new(ErrorKind::Invalid, message).with_hint("the two cannot be mixed; clone it anew"))
}

fn fetch_request(
    wants: BTreeSet<ObjectId>,
    options: &Options,
    config: &Config,
) -> Result<FetchRequest> {
    let verify = match config.get(&config::VERIFY.listed()) {
        None | Some("objects") => Verify::Objects,
        Some("checksum") => Verify::Checksums,
        Some(other) => {
            return Err(Error::new(
                ErrorKind::Invalid,
                format!(
                    "{} is '{other}'; it can be objects or checksum",
                    config::VERIFY.name
                ),
            ));
        }
    };
    // As git reads them: a negative number is as good as none.
    let limits = [config::FETCH_UNPACK_LIMIT, config::TRANSFER_UNPACK_LIMIT];
    let limit = limits
        .iter()
        .filter_map(|key| config.number(&key.listed()))
        .find(|limit| *limit >= 0);
    let limit = limit.unwrap_or(100);
    Ok(FetchRequest {
        wants,
        cloning: options.cloning,
        refetch: options.refetch,
        check: Check::from_config(config),
        verify,
        unpack_limit: u64::try_from(limit).unwrap_or(0),
        partial: config.partial_clone(),
        progress: options.shows_progress(),
    })
}

fn next(input: &mut impl BufRead) -> Result<Option<Command>, Stop> {
    let line = conversation::line(input, MAX_LINE)?;
    Ok(line.map(|line| Command::parse(&line)))
}

/// Reads a batch up to its blank line. Where git dies before that, nothing of it is done:
/// what is missing may be half of an atomic push.
fn batch<T>(
    first: T,
    input: &mut impl BufRead,
    pick: impl Fn(Command) -> Option<T>,
) -> Result<Vec<T>, Stop> {
    let mut all = vec![first];
    loop {
        match next(input)? {
            None => return Err(Stop::Closed),
            Some(Command::Blank) => return Ok(all),
            Some(command) => match pick(command) {
                Some(item) => all.push(item),
                None => {
                    return Err(
                        Error::new(ErrorKind::Invalid, "git mixed commands in one batch").into(),
                    );
                }
            },
        }
    }
}

fn unknown(line: &[u8]) -> Error {
    let shown = String::from_utf8_lossy(&line[..line.len().min(200)]).into_owned();
    Error::new(
        ErrorKind::Invalid,
        format!(
            "git sent a command that this helper does not know: {}",
            shown.escape_debug()
        ),
    )
}
