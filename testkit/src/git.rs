//! Real git, sealed off from the machine that it runs on.

use std::ffi::{OsStr, OsString};
use std::fmt::Write as _;
use std::io::Write as _;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::Duration;
use tempfile::TempDir;

/// What the outer world may say to a sealed git: where programs and temporary files are,
/// and where a coverage run writes.
const LET_THROUGH: [&str; 4] = ["PATH", "TMPDIR", "LLVM_PROFILE_FILE", "LD_LIBRARY_PATH"];

/// After this, a git that hangs is killed and its test fails with what it said so far.
const PATIENCE: Duration = Duration::from_secs(300);

/// 2026-01-01 00:00:00 UTC, the date of the first commit.
const FIRST_DATE: i64 = 1_767_225_600;

/// Commands that write a date, and so move the clock on by a minute.
const DATED: [&str; 9] = [
    "commit",
    "commit-tree",
    "merge",
    "tag",
    "cherry-pick",
    "rebase",
    "revert",
    "stash",
    "notes",
];

/// Git with its own home, configuration, identity and dates.
///
/// Clones share home and clock. The global configuration is `<home>/.gitconfig`, a real
/// file that commands under test may write. Nothing of the caller's environment gets in,
/// cloud credentials above all.
#[derive(Debug, Clone)]
pub struct Git {
    home: Arc<TempDir>,
    folder: PathBuf,
    bin: Vec<PathBuf>,
    variables: Vec<(OsString, OsString)>,
    date: Arc<AtomicI64>,
}

/// What a run of git said.
#[derive(Debug, Clone)]
pub struct Output {
    /// Exit code; -1 if a signal ended it.
    pub status: i32,
    /// Standard output as text, without the last line's end.
    pub stdout: String,
    /// Standard error as text, without the last line's end.
    pub stderr: String,
    /// Standard output as it came.
    pub bytes: Vec<u8>,
}

impl Output {
    /// Whether it ended well.
    pub fn ok(&self) -> bool {
        self.status == 0
    }
}

impl Git {
    /// Git in a fresh home.
    pub fn new() -> Self {
        let home = tempfile::tempdir().expect("a temporary folder can be made");
        let folder = home.path().to_owned();
        let config = "[init]\n\tdefaultBranch = main\n[gc]\n\tauto = 0\n\
                      [maintenance]\n\tauto = false\n\
                      [pail]\n\tautoMaintenance = false\n";
        std::fs::write(folder.join(".gitconfig"), config).expect("a home can be written");
        Self {
            home: Arc::new(home),
            folder,
            bin: Vec::new(),
            variables: Vec::new(),
            date: Arc::new(AtomicI64::new(FIRST_DATE)),
        }
    }

    /// The home, which lives as long as any clone.
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// The folder that commands run in.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The same git, in another folder.
    #[must_use]
    pub fn at(&self, folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
            ..self.clone()
        }
    }

    /// Looks for programs (remote helpers) in this folder first.
    #[must_use]
    pub fn with_bin(&self, bin: impl Into<PathBuf>) -> Self {
        let mut git = self.clone();
        git.bin.insert(0, bin.into());
        git
    }

    /// Sets a variable of the environment.
    #[must_use]
    pub fn with_env(&self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        let mut git = self.clone();
        let variable = (name.as_ref().to_owned(), value.as_ref().to_owned());
        git.variables.push(variable);
        git
    }

    /// Sets a key of the global configuration, for all clones.
    pub fn config(&self, key: &str, value: &str) {
        self.ok(&["config", "--global", key, value]);
    }

    /// Any program in this environment, not yet started.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place where tests start programs, sealed off from what is read here"
    )]
    pub fn program(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.folder).env_clear();
        for name in LET_THROUGH {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        let rest = std::env::var_os("PATH").unwrap_or_default();
        let path = self.bin.iter().cloned().chain(std::env::split_paths(&rest));
        let path = std::env::join_paths(path).expect("folders of programs hold no colon");
        let date = format!("{} +0000", self.date.load(Ordering::SeqCst));
        command
            .env("PATH", path)
            .env("HOME", self.home.path())
            .env("XDG_CONFIG_HOME", self.home.path().join(".config"))
            .env("XDG_CACHE_HOME", self.home.path().join(".cache"))
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", self.home.path().join(".gitconfig"))
            .env("GIT_CEILING_DIRECTORIES", self.home.path())
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_EDITOR", "true")
            .env("GIT_AUTHOR_NAME", "Ada Writer")
            .env("GIT_AUTHOR_EMAIL", "ada@example.org")
            .env("GIT_AUTHOR_DATE", &date)
            .env("GIT_COMMITTER_NAME", "Carl Keeper")
            .env("GIT_COMMITTER_EMAIL", "carl@example.org")
            .env("GIT_COMMITTER_DATE", &date)
            .env("LC_ALL", "C")
            .env("TZ", "UTC")
            .envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    /// A git command, not yet started.
    pub fn command<S: AsRef<OsStr>>(&self, args: &[S]) -> Command {
        let word = args
            .iter()
            .filter_map(|arg| arg.as_ref().to_str())
            .find(|arg| DATED.contains(arg));
        if word.is_some() {
            self.date.fetch_add(60, Ordering::SeqCst);
        }
        let mut command = self.program("git");
        command.args(args);
        command
    }

    /// Starts git and does not wait: for killing it, or for racing two of them. It leads
    /// a process group of its own; see [`kill`].
    pub fn start<S: AsRef<OsStr>>(&self, args: &[S]) -> Child {
        self.command(args)
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("git can be started")
    }

    /// Runs git to its end, whatever that is.
    pub fn run<S: AsRef<OsStr>>(&self, args: &[S]) -> Output {
        run(self.command(args), b"")
    }

    /// Runs git with this on its standard input.
    pub fn run_with<S: AsRef<OsStr>>(&self, args: &[S], input: &[u8]) -> Output {
        run(self.command(args), input)
    }

    /// Runs git, which must end well, and returns its standard output.
    pub fn ok<S: AsRef<OsStr>>(&self, args: &[S]) -> String {
        self.ok_with(args, b"")
    }

    /// As [`Git::ok`], with this on standard input.
    pub fn ok_with<S: AsRef<OsStr>>(&self, args: &[S], input: &[u8]) -> String {
        let out = self.run_with(args, input);
        assert!(out.ok(), "{}", self.told("failed", args, &out));
        out.stdout
    }

    /// Runs git, which must end badly, and returns its standard error.
    pub fn fails<S: AsRef<OsStr>>(&self, args: &[S]) -> String {
        let out = self.run(args);
        assert!(!out.ok(), "{}", self.told("ended well", args, &out));
        out.stderr
    }

    fn told<S: AsRef<OsStr>>(&self, what: &str, args: &[S], out: &Output) -> String {
        let mut text = String::from("git");
        for arg in args {
            let _ = write!(text, " {}", arg.as_ref().display());
        }
        let _ = write!(text, "\n{what} with {}", out.status);
        let _ = write!(text, " in {}", self.folder.display());
        let _ = write!(text, "\n-- stdout\n{}", out.stdout);
        let _ = write!(text, "\n-- stderr\n{}\n--", out.stderr);
        text
    }
}

impl Default for Git {
    fn default() -> Self {
        Self::new()
    }
}

/// Runs a program to its end with this input, and kills it and its children if it hangs.
pub fn run(command: Command, input: &[u8]) -> Output {
    run_within(PATIENCE, command, input)
}

/// The same for a program that may take long.
pub fn run_within(patience: Duration, mut command: Command, input: &[u8]) -> Output {
    let mut child = command
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
    let group = child.id();
    let mut stdin = child.stdin.take().expect("it was piped");
    let input = input.to_owned();
    // In a thread of its own: a child may fill its output before it reads its input.
    let feeder = std::thread::spawn(move || {
        // A child that ends early closes the pipe, which is no failure of the test.
        let _ = stdin.write_all(&input);
    });
    let (ended, end) = sync_channel(1);
    let waiter = std::thread::spawn(move || {
        let out = child.wait_with_output();
        let _ = ended.send(());
        out
    });
    let hung = end.recv_timeout(patience) == Err(RecvTimeoutError::Timeout);
    if hung {
        kill_group(group);
    }
    let out = waiter
        .join()
        .expect("the waiting thread does not panic")
        .unwrap_or_else(|error| panic!("cannot wait for {command:?}: {error}"));
    feeder.join().expect("the feeding thread does not panic");
    let text = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes).into_owned();
        text.strip_suffix('\n').map_or(text.clone(), str::to_owned)
    };
    let out = Output {
        status: out.status.code().unwrap_or(-1),
        stdout: text(&out.stdout),
        stderr: text(&out.stderr),
        bytes: out.stdout,
    };
    assert!(!hung, "{command:?} hung\n{}\n{}", out.stdout, out.stderr);
    out
}

/// Kills a child of [`Git::start`] and all that it started, at once (`kill -9`), and
/// waits for it.
pub fn kill(child: &mut Child) {
    kill_group(child.id());
    let _ = child.wait();
}

/// Kills a process group that a child of ours leads.
#[expect(
    clippy::disallowed_methods,
    reason = "the standard library kills one process; git has children"
)]
pub fn kill_group(leader: u32) {
    let _ = Command::new("kill")
        .args(["-9", "--", &format!("-{leader}")])
        .stderr(Stdio::null())
        .status();
}
