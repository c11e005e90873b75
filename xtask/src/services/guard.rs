//! Runs a server for as long as somebody holds its standard input open.
//!
//! `xtask` starts itself a second time as the guard of a server, and the guard starts the
//! server. When the first `xtask` ends, in whatever way (an error, Ctrl-C, a kill that
//! nobody can catch), the system closes the pipe between the two; the guard sees that,
//! kills the server, which is its own child, and removes the server's folder.

use super::server::{self, Server};
use crate::process;
use crate::tools;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

/// The command that starts a guard; nobody types it.
pub const COMMAND: &str = "guard-service";

/// A guard that is running. Dropping it stops the server and waits until it is gone.
#[derive(Debug)]
pub struct Guard {
    process: Child,
    held: Option<ChildStdin>,
}

impl Guard {
    /// Starts a guard, and it the server in `folder`.
    pub fn start(
        server: &dyn Server,
        program: &[PathBuf],
        folder: &Path,
        ports: &[u16],
    ) -> Result<Self, String> {
        let itself = std::env::current_exe()
            .map_err(|error| format!("cannot find the path of xtask: {error}"))?;
        let mut command = Command::new(itself);
        command.arg(COMMAND).arg(server.name()).arg(folder);
        command.arg(words_of(ports)).args(program);
        process::own_group(&mut command);
        let mut process = command
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .map_err(|error| format!("cannot start the guard of {}: {error}", server.name()))?;
        let held = process.stdin.take();
        Ok(Self { process, held })
    }

    /// Whether the server still runs: its guard ends with it.
    pub fn is_running(&mut self) -> bool {
        matches!(self.process.try_wait(), Ok(None))
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        drop(self.held.take());
        if let Err(error) = self.process.wait() {
            eprintln!("warning: cannot wait for the guard of a server: {error}");
        }
    }
}

/// The guard itself.
pub fn run(arguments: &[&str]) -> Result<(), String> {
    let [name, folder, ports, program @ ..] = arguments else {
        return Err(format!("{COMMAND} is started by xtask itself"));
    };
    let (server, folder, ports) = (server::named(name)?, Path::new(folder), ports_in(ports)?);
    let program: Vec<PathBuf> = program.iter().map(PathBuf::from).collect();
    let mut process = server::spawn(server, &program, folder, &ports)?;
    let released = released();
    let ended_by_itself = loop {
        match released.recv_timeout(Duration::from_millis(100)) {
            Err(RecvTimeoutError::Timeout) => {}
            Ok(()) | Err(RecvTimeoutError::Disconnected) => break false,
        }
        if !matches!(process.try_wait(), Ok(None)) {
            break true;
        }
    };
    server::kill(process.id());
    let stopped = process.wait();
    server.clean(&ports);
    let last_words = server::log_tail(folder);
    let removed = tools::remove(folder);
    stopped.map_err(|error| format!("cannot stop {name}: {error}"))?;
    removed?;
    if ended_by_itself {
        return Err(format!("{name} ended by itself\n{last_words}"));
    }
    Ok(())
}

/// Ports as one word of a command line.
pub fn words_of(ports: &[u16]) -> String {
    let words: Vec<String> = ports.iter().map(u16::to_string).collect();
    words.join(",")
}

/// Reads what [`words_of`] wrote.
pub fn ports_in(word: &str) -> Result<Vec<u16>, String> {
    let ports: Result<Vec<u16>, _> = word.split(',').map(str::parse).collect();
    ports.map_err(|_| format!("cannot read the ports `{word}`"))
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

#[cfg(test)]
mod tests {
    use super::{ports_in, words_of};

    #[test]
    fn ports_survive_a_command_line() {
        assert_eq!(words_of(&[1, 20, 300]), "1,20,300");
        assert_eq!(ports_in("1,20,300"), Ok(vec![1, 20, 300]));
        assert!(ports_in("1,x").is_err());
        assert!(ports_in("").is_err());
    }
}
