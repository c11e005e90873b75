//! A pack stream in, verified objects out: `git index-pack` and `git unpack-objects`.

use super::command::{failed, missing};
use super::config::Config;
use super::migrate::migrate;
use super::pipe::Pipe;
use super::repository::Repository;
use super::spool::Spool;
use crate::error::{Error, ErrorKind, IoContext, Result};
use crate::ids::Ids;
use std::path::PathBuf;
use std::process::Stdio;
use tokio::io::AsyncReadExt;
use tokio::process::{Child, ChildStderr};
use tokio::task::JoinHandle;

/// How a mark of ours beside a pack begins; the id of the process follows.
pub(crate) const KEEP_MARK: &str = "pail ";

/// How closely objects are looked at before they become visible. Their ids are always
/// checked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Check {
    /// Ids only, as git does by default.
    #[default]
    Ids,
    /// Also what git-fsck(1) checks of one object, with these `<message>=<severity>`
    /// overrides, joined by commas, from `fetch.fsck.*`.
    Fsck(String),
}

impl Check {
    /// What `fetch.fsckObjects`, `transfer.fsckObjects` and `fetch.fsck.*` ask for. Git
    /// does not apply them to the fetch of a remote helper: the helper must.
    pub fn from_config(config: &Config) -> Self {
        let asked = config
            .flag("fetch.fsckobjects")
            .or_else(|| config.flag("transfer.fsckobjects"));
        if asked != Some(true) {
            return Self::Ids;
        }
        let mut overrides: Vec<_> = config
            .under("fetch.fsck.")
            .map(|(key, value)| format!("{key}={value}"))
            .collect();
        overrides.sort();
        Self::Fsck(overrides.join(","))
    }

    /// Whether several packs may be installed as one. Git up to 2.44 takes overrides with
    /// `--strict` only, and that refuses an object that stands twice: two clients may have
    /// pushed it at once, or one pushed it again after its branch was deleted.
    pub fn joined(&self) -> bool {
        !matches!(self, Self::Fsck(list) if !list.is_empty())
    }
}

/// What to do with a pack that comes in.
#[derive(Debug, Clone)]
pub struct Install {
    /// Whether to keep it as a pack, with an index, or to unpack it into loose objects.
    pub keep: bool,
    /// How closely to look at the objects.
    pub check: Check,
    /// Whether to find out if everything that the pack names is in it. Only for one whole
    /// pack in which no object stands twice.
    pub connected: bool,
    /// Whether git shows its progress on standard error.
    pub progress: bool,
}

/// A pack whose objects are visible now.
#[derive(Debug)]
pub struct Installed {
    /// The `.keep` file that protects a kept pack from a concurrent `git repack`, until
    /// the refs are there.
    pub keep: Option<PathBuf>,
    /// Whether everything that the pack names is known to be in it.
    pub connected: bool,
}

/// A git that reads a pack.
#[derive(Debug)]
pub struct Sink {
    child: Child,
    stdin: Option<Pipe>,
    said: Option<JoinHandle<Vec<u8>>>,
    objects: PathBuf,
    install: Install,
    /// After the child: that one is killed first when both are dropped.
    quarantine: Spool,
}

impl Repository {
    /// Starts the git that will read a pack, into a quarantine: a folder of its own that
    /// knows the repository's objects as alternates. One spawn.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Local`] if git cannot be run.
    pub fn install(&self, install: Install, ids: &dyn Ids) -> Result<Sink> {
        let mut args: Vec<String> = Vec::new();
        let strict = |list: &str| {
            if list.is_empty() {
                "--strict".to_owned()
            } else {
                format!("--strict={list}")
            }
        };
        if install.keep {
            args.extend(["index-pack", "--stdin"].map(str::to_owned));
            // Git's own words: `fetch-pack <pid> on <host>`; any text will do.
            args.push(format!("--keep={KEEP_MARK}{}", std::process::id()));
            match &install.check {
                Check::Ids => {}
                Check::Fsck(list) if list.is_empty() => args.push("--fsck-objects".to_owned()),
                Check::Fsck(list) => args.push(strict(list)),
            }
            if install.connected {
                args.push("--check-self-contained-and-connected".to_owned());
            }
            if install.progress {
                args.push("-v".to_owned());
            }
        } else {
            args.push("unpack-objects".to_owned());
            if let Check::Fsck(list) = &install.check {
                args.push(strict(list));
            }
            if !install.progress {
                args.push("-q".to_owned());
            }
        }
        let quarantine = Spool::new(self, ids)?;
        let mut command = self.git.command(args);
        quarantine.shelter(&mut command);
        command.stdin(Stdio::piped());
        if install.progress {
            command.stderr(Stdio::inherit());
        }
        let mut child = command.spawn().map_err(missing)?;
        let stdin = child.stdin.take().map(Pipe::new).transpose();
        let stdin = stdin.map_err(missing)?;
        let said = child
            .stderr
            .take()
            .map(|stderr| tokio::spawn(listen(stderr)));
        Ok(Sink {
            child,
            stdin,
            said,
            objects: self.objects().to_owned(),
            install,
            quarantine,
        })
    }
}

impl Sink {
    /// Feeds the next bytes.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Corrupt`] if git has stopped reading, with its reason.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let written = match &mut self.stdin {
            Some(stdin) => stdin.write_all(bytes).await,
            None => Err(std::io::ErrorKind::BrokenPipe.into()),
        };
        if written.is_ok() {
            Ok(())
        } else {
            Err(self.refusal().await)
        }
    }

    /// Ends the pack and waits until its objects are visible.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Corrupt`] if the pack is broken; then none of its objects is visible.
    pub async fn finish(mut self) -> Result<Installed> {
        // Git sees the end of the pack when the pipe is closed.
        self.stdin = None;
        let mut out = Vec::new();
        if let Some(stdout) = &mut self.child.stdout {
            stdout.read_to_end(&mut out).await.map_err(missing)?;
        }
        let status = self.child.wait().await.map_err(missing)?;
        // 1 says: sound, but not self-contained.
        let connected = self.install.connected && status.success();
        let sound = status.success() || (self.install.connected && status.code() == Some(1));
        if !sound {
            return Err(self.refusal().await);
        }
        migrate(self.quarantine.path(), &self.objects)
            .during(|| "move the objects that came into the object database".to_owned())?;
        let text = String::from_utf8_lossy(&out);
        let name = text.trim_end().strip_prefix("keep\t");
        let keep = name.map(|name| self.objects.join(format!("pack/pack-{name}.keep")));
        Ok(Installed { keep, connected })
    }

    /// Why git stopped.
    async fn refusal(&mut self) -> Error {
        self.stdin = None;
        let said = match self.said.take() {
            Some(said) => said.await.unwrap_or_default(),
            None => Vec::new(),
        };
        match self.child.wait().await {
            Ok(status) => {
                let error = failed("install the pack that came from the bucket", status, &said);
                let full = String::from_utf8_lossy(&said).contains("No space left");
                let kind = if full {
                    ErrorKind::Local
                } else {
                    ErrorKind::Corrupt
                };
                Error::new(kind, error.to_string())
            }
            Err(error) => missing(error),
        }
    }
}

/// Collects what git says, up to a bound, and drains the rest: a git whose standard error
/// is full would stop reading the pack.
async fn listen(mut stderr: ChildStderr) -> Vec<u8> {
    const KEPT: usize = 64 << 10;
    let mut kept = Vec::new();
    let mut chunk = [0; 4096];
    while let Ok(count @ 1..) = stderr.read(&mut chunk).await {
        let room = KEPT.saturating_sub(kept.len());
        kept.extend_from_slice(&chunk[..count.min(room)]);
    }
    kept
}
