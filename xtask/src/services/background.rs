//! Servers that stay up between the commands of a developer.

use super::guard::{ports_in, words_of};
use super::server::{self, Server};
use super::{ATTEMPTS, own_accounts, ports};
use crate::process;
use crate::programs::{self, Need};
use crate::tools;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// A server in the background, as the file `state` in its folder remembers it.
struct Background {
    server: &'static dyn Server,
    pid: u32,
    ports: Vec<u16>,
}

/// Where the servers of `up` have their folders.
fn root() -> Result<PathBuf, String> {
    Ok(process::target()?.join("services").join("up"))
}

impl Background {
    /// The one that is up, if there is one.
    fn find(server: &'static dyn Server, folder: &Path) -> Option<Self> {
        let state = fs::read_to_string(folder.join("state")).ok()?;
        let (pid, ports) = state.trim().split_once(' ')?;
        let found = Self {
            server,
            pid: pid.parse().ok()?,
            ports: ports_in(ports).ok()?,
        };
        found.is_running().then_some(found)
    }

    fn remember(&self, folder: &Path) -> Result<(), String> {
        let path = folder.join("state");
        fs::write(&path, format!("{} {}\n", self.pid, words_of(&self.ports)))
            .map_err(|error| format!("cannot write {}: {error}", path.display()))
    }

    /// Whether the process of that id is still our server: ids are used again.
    fn is_running(&self) -> bool {
        let port = self.ports[0].to_string();
        command_line(self.pid).is_some_and(|line| {
            let mut words = line.split([' ', '\0', '=']);
            words.any(|word| word == port)
        })
    }

    fn stop(&self) -> Result<(), String> {
        server::kill(self.pid);
        let start = Instant::now();
        while self.is_running() {
            if start.elapsed() > Duration::from_secs(10) {
                let pid = self.pid;
                return Err(format!("cannot stop process {pid}: it is still there"));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        self.server.clean(&self.ports);
        Ok(())
    }
}

/// The command line of a process, words parted by blanks or zero bytes.
fn command_line(pid: u32) -> Option<String> {
    let proc = Path::new("/proc");
    if proc.join("self").exists() {
        let bytes = fs::read(proc.join(pid.to_string()).join("cmdline")).ok()?;
        return Some(String::from_utf8_lossy(&bytes).into_owned());
    }
    process::output(Command::new("ps").args(["-o", "args=", "-p", &pid.to_string()])).ok()
}

/// `cargo xtask services up`
pub fn up() -> Result<(), String> {
    let root = root()?;
    let _lock = tools::lock(&root.with_extension("lock"))?;
    programs::install(Need::Usual)?;
    for &server in server::USUAL {
        start(server, &root.join(server.name()))?;
    }
    eprintln!("hint: eval \"$(cargo xtask env)\", and cargo xtask services down");
    Ok(())
}

fn start(server: &'static dyn Server, folder: &Path) -> Result<(), String> {
    let name = server.name();
    if let Some(found) = Background::find(server, folder) {
        eprintln!("{name} is already up on 127.0.0.1:{}", found.ports[0]);
        return Ok(());
    }
    let program = server.install(&process::target()?)?;
    let mut attempt = 1;
    loop {
        tools::remove(folder)?;
        let ports = ports::free(server.ports())?;
        let mut process = server::spawn(server, &program, folder, &ports)?;
        let started = Background {
            server,
            pid: process.id(),
            ports,
        };
        // Before it answers, so that `down` can stop a start that was interrupted.
        started.remember(folder)?;
        let ports = &started.ports;
        let mut is_running = || matches!(process.try_wait(), Ok(None));
        let ready = server::wait_until_ready(server, ports, &mut is_running);
        let Err(error) = ready else {
            eprintln!("{name} answers on 127.0.0.1:{}", ports[0]);
            return Ok(());
        };
        let is_running = is_running();
        server::kill(process.id());
        // It may have ended by itself.
        let _ = process.wait();
        server.clean(ports);
        if is_running || attempt == ATTEMPTS {
            return Err(format!("{error}\n{}", server::log_tail(folder)));
        }
        eprintln!("{error}; trying again");
        attempt += 1;
    }
}

/// `cargo xtask services down`
pub fn down() -> Result<(), String> {
    let root = root()?;
    let _lock = tools::lock(&root.with_extension("lock"))?;
    for &server in server::USUAL {
        let name = server.name();
        match Background::find(server, &root.join(name)) {
            Some(found) => {
                found.stop()?;
                eprintln!("stopped {name}, process {}", found.pid);
            }
            None => eprintln!("{name} is not up"),
        }
    }
    tools::remove(&root)
}

/// `cargo xtask env`
pub fn print_env() -> Result<(), String> {
    let root = root()?;
    let mut settings = Vec::new();
    for &server in server::USUAL {
        let found = Background::find(server, &root.join(server.name())).ok_or_else(|| {
            let name = server.name();
            format!("cannot print the environment: {name} is not up; run `cargo xtask services up`")
        })?;
        settings.extend(server.settings(&found.ports));
    }
    settings.extend(programs::settings()?);
    for name in own_accounts() {
        if !settings.iter().any(|(ours, _)| *ours == name) {
            println!("unset {name}");
        }
    }
    for (name, value) in &settings {
        println!("export {name}='{value}'");
    }
    Ok(())
}
