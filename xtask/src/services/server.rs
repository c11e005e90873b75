//! What every server of the tests is: installed, started, asked whether it serves, stopped.

use super::{
    azurite::Azurite, ceph::Ceph, ministack::MiniStack, rclone::WebDav, seaweedfs::SeaweedFs,
};
use crate::process;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// What the usual run starts.
pub const USUAL: &[&dyn Server] = &[&SeaweedFs, &Azurite];

/// S3 servers of other makes, each for a run of its own in the place of the usual one.
pub const OTHER_S3: &[&dyn Server] = &[&Ceph, &MiniStack];

/// What the run on the long tail starts.
pub const LONG_TAIL: &[&dyn Server] = &[&WebDav];

/// How long a start may take on a machine that is busy with other things.
const PATIENCE: Duration = Duration::from_secs(90);

/// A server that listens on loopback only and keeps all it writes in one folder.
pub trait Server: Sync {
    /// Its name, one word.
    fn name(&self) -> &'static str;

    /// Installs it below `target`, if it is not there. The words that start it: its program,
    /// or an interpreter and a script.
    fn install(&self, target: &Path) -> Result<Vec<PathBuf>, String>;

    /// How many ports it opens. None is left to a default: a second server on the same
    /// machine would die of it.
    fn ports(&self) -> usize;

    /// The arguments, and what else of the command is its own; writes into `folder`, which
    /// is there, what it reads at its start. The environment is empty but for what is set
    /// here.
    fn configure(&self, command: &mut Command, folder: &Path, ports: &[u16]) -> Result<(), String>;

    /// Whether it keeps what it is given and refuses strangers; or why not yet.
    fn probe(&self, ports: &[u16]) -> Result<(), String>;

    /// The variables by which the tests find it.
    fn settings(&self, ports: &[u16]) -> Vec<(&'static str, String)>;

    /// The tests that a run on it leaves out, as nextest's filter: those of what it does not
    /// claim to do.
    fn left_out(&self) -> &'static str {
        "none()"
    }

    /// Removes what it leaves outside of its folder when it is killed.
    fn clean(&self, _ports: &[u16]) {}
}

/// The server of that name.
pub fn named(name: &str) -> Result<&'static dyn Server, String> {
    let mut all = USUAL.iter().chain(OTHER_S3).chain(LONG_TAIL);
    let found = all.find(|server| server.name().eq_ignore_ascii_case(name));
    found
        .copied()
        .ok_or_else(|| format!("there is no server '{name}'"))
}

/// Starts a server in `folder`, which keeps everything that it writes. The process leads a
/// group of its own.
pub fn spawn(
    server: &dyn Server,
    program: &[PathBuf],
    folder: &Path,
    ports: &[u16],
) -> Result<Child, String> {
    let name = server.name();
    let fail = |act: &str, error: std::io::Error| {
        format!("cannot {act} {name} in {}: {error}", folder.display())
    };
    let (first, rest) = program
        .split_first()
        .ok_or_else(|| format!("cannot start {name}: it has no program"))?;
    fs::create_dir_all(folder).map_err(|error| fail("set up", error))?;
    let log = File::create(folder.join("log")).map_err(|error| fail("set up", error))?;
    let copy = log.try_clone().map_err(|error| fail("set up", error))?;
    let mut command = Command::new(first);
    command
        .args(rest)
        .current_dir(folder)
        // Nothing from outside: credentials in the environment would become its own, and
        // settings lie below the home folder.
        .env_clear()
        .env("HOME", folder)
        .env("TMPDIR", folder)
        .stdin(Stdio::null())
        .stdout(log)
        .stderr(copy);
    server.configure(&mut command, folder, ports)?;
    process::own_group(&mut command);
    command.spawn().map_err(|error| fail("start", error))
}

/// Kills a server that [`spawn`] started, and every process of its group.
pub fn kill(pid: u32) {
    // Not politely: the data is thrown away, and SeaweedFS takes up to seventeen seconds to
    // leave when it is asked to. The standard library can kill nothing but its own children;
    // every shell can. The group may have ended by itself.
    let group = pid.to_string();
    let _ = process::output(Command::new("sh").args(["-c", "kill -s KILL -- \"-$0\"", &group]));
}

/// Waits until a server serves.
///
/// `is_running` is asked between attempts, so that a server that died is not waited for.
pub fn wait_until_ready(
    server: &dyn Server,
    ports: &[u16],
    mut is_running: impl FnMut() -> bool,
) -> Result<(), String> {
    let name = server.name();
    let start = Instant::now();
    loop {
        let reason = match server.probe(ports) {
            Ok(()) => return Ok(()),
            Err(reason) => reason,
        };
        if !is_running() {
            return Err(format!("{name} ended while it was starting; {reason}"));
        }
        if start.elapsed() > PATIENCE {
            let seconds = PATIENCE.as_secs();
            return Err(format!("{name} was not ready after {seconds} s; {reason}"));
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// The end of what a server had to say.
pub fn log_tail(folder: &Path) -> String {
    let path = folder.join("log");
    match fs::read(&path) {
        Err(error) => format!("cannot read {}: {error}", path.display()),
        Ok(bytes) => {
            let text = String::from_utf8_lossy(&bytes);
            let lines: Vec<&str> = text.lines().collect();
            lines[lines.len().saturating_sub(20)..].join("\n")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{LONG_TAIL, OTHER_S3, Server, USUAL, named};
    use std::collections::BTreeSet;
    use std::process::Command;

    fn all() -> impl Iterator<Item = &'static dyn Server> {
        USUAL.iter().chain(OTHER_S3).chain(LONG_TAIL).copied()
    }

    #[test]
    fn a_server_is_found_by_its_name_and_no_other_is() -> Result<(), String> {
        for server in all() {
            assert_eq!(named(server.name())?.name(), server.name());
        }
        assert!(named("none").is_err());
        Ok(())
    }

    #[test]
    fn no_variable_is_set_by_two_servers() {
        let mut seen = BTreeSet::new();
        for server in USUAL {
            let ports = vec![1; server.ports()];
            for (name, _) in server.settings(&ports) {
                assert!(seen.insert(name), "{name}");
            }
        }
    }

    #[test]
    fn every_port_is_named_once() -> Result<(), String> {
        let folder = std::env::temp_dir().join(format!("pail-xtask-{}", std::process::id()));
        for server in all() {
            std::fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
            let ports: Vec<u16> = (17_001..).take(server.ports()).collect();
            let mut command = Command::new("server");
            server.configure(&mut command, &folder, &ports)?;
            let words: Vec<String> = command
                .get_args()
                .map(|word| word.to_string_lossy().into_owned())
                .collect();
            let told = command.get_envs().filter_map(|(_, value)| value);
            let words: Vec<String> = words
                .into_iter()
                .chain(told.map(|value| value.to_string_lossy().into_owned()))
                .collect();
            for port in ports {
                let port = port.to_string();
                let named = words.iter().filter(|word| word.contains(&port));
                assert_eq!(named.count(), 1, "{}: {port} in {words:?}", server.name());
            }
            std::fs::remove_dir_all(&folder).map_err(|error| error.to_string())?;
        }
        Ok(())
    }
}
