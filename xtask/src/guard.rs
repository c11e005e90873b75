//! Runs a service for as long as somebody holds its standard input open.
//!
//! `xtask` starts itself a second time as the guard of a service, and the guard starts the
//! service. When the first `xtask` ends, in whatever way (an error, Ctrl-C, a kill that
//! nobody can catch), the system closes the pipe between the two; the guard sees that,
//! kills the service, which is its own child, and removes the service's folder.

use crate::process;
use crate::seaweedfs;
use crate::tools;
use std::io::Read;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

/// The command that starts a guard; nobody types it.
pub const COMMAND: &str = "guard-service";

/// A guard that is running. Dropping it stops the service and waits until it is gone.
#[derive(Debug)]
pub struct Guard {
    process: Child,
    held: Option<ChildStdin>,
}

impl Guard {
    /// Starts a guard, and it the service in `folder` with the program `weed`.
    pub fn start(weed: &Path, folder: &Path, ports: &seaweedfs::Ports) -> Result<Self, String> {
        let itself = std::env::current_exe()
            .map_err(|error| format!("cannot find the path of xtask: {error}"))?;
        let mut command = Command::new(itself);
        command.arg(COMMAND).arg(weed).arg(folder);
        command.args(ports.to_words());
        process::own_group(&mut command);
        let mut process = command
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .map_err(|error| format!("cannot start the guard of a service: {error}"))?;
        let held = process.stdin.take();
        Ok(Self { process, held })
    }

    /// Whether the service still runs: its guard ends with it.
    pub fn is_running(&mut self) -> bool {
        matches!(self.process.try_wait(), Ok(None))
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        drop(self.held.take());
        if let Err(error) = self.process.wait() {
            eprintln!("warning: cannot wait for the guard of a service: {error}");
        }
    }
}

/// The guard itself.
pub fn run(arguments: &[&str]) -> Result<(), String> {
    let [weed, folder, words @ ..] = arguments else {
        return Err(format!("{COMMAND} is started by xtask itself"));
    };
    let (folder, ports) = (Path::new(folder), seaweedfs::Ports::from_words(words)?);
    let mut service = seaweedfs::spawn(Path::new(weed), folder, &ports)?;
    let released = released();
    let ended_by_itself = loop {
        match released.recv_timeout(Duration::from_millis(100)) {
            Err(RecvTimeoutError::Timeout) => {}
            Ok(()) | Err(RecvTimeoutError::Disconnected) => break false,
        }
        if !matches!(service.try_wait(), Ok(None)) {
            break true;
        }
    };
    // A kill, not a polite request: the data is thrown away, and SeaweedFS takes up to
    // seventeen seconds to leave when it is asked to.
    let stopped = service.kill().and_then(|()| service.wait());
    ports.remove_sockets();
    let last_words = seaweedfs::log_tail(folder);
    let removed = tools::remove(folder);
    stopped.map_err(|error| format!("cannot stop SeaweedFS: {error}"))?;
    removed?;
    if ended_by_itself {
        return Err(format!("SeaweedFS ended by itself\n{last_words}"));
    }
    Ok(())
}

/// A channel that speaks when standard input ends.
fn released() -> mpsc::Receiver<()> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let mut input = std::io::stdin().lock();
        let mut byte = [0];
        while matches!(input.read(&mut byte), Ok(1)) {}
        // Nobody listens any more only if the guard has already ended.
        let _ = sender.send(());
    });
    receiver
}
