//! The services of the tests: for one test run, or in the background for a developer.

use crate::guard::Guard;
use crate::process;
use crate::seaweedfs::{self, ADMIN, BUCKET, Ports, READ_ONLY};
use crate::tools;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// How often a start is tried: another program may take a port that was free just before.
const ATTEMPTS: usize = 3;

/// The services of one test run. Dropping them stops them.
#[derive(Debug)]
pub struct Services {
    guard: Guard,
    ports: Ports,
}

impl Services {
    /// Installs what is missing, starts everything and waits until it answers.
    pub fn start() -> Result<Self, String> {
        let target = process::target()?;
        let weed = seaweedfs::install(&target)?;
        let mut attempt = 1;
        loop {
            let name = format!("test-{}-{attempt}", std::process::id());
            let folder = target.join("services").join(name);
            let ports = Ports::free()?;
            let mut guard = Guard::start(&weed, &folder, &ports)?;
            match seaweedfs::wait_until_ready(&ports, || guard.is_running()) {
                Ok(()) => {
                    eprintln!("SeaweedFS answers on 127.0.0.1:{}", ports.s3());
                    return Ok(Self { guard, ports });
                }
                Err(error) if guard.is_running() => {
                    return Err(format!("{error}\n{}", seaweedfs::log_tail(&folder)));
                }
                Err(error) if attempt == ATTEMPTS => return Err(error),
                Err(error) => eprintln!("{error}; trying again"),
            }
            attempt += 1;
        }
    }

    /// Says so if a service has ended since the start: what passed may have passed without.
    pub fn still_there(&mut self) -> Result<(), String> {
        if self.guard.is_running() {
            Ok(())
        } else {
            Err("SeaweedFS did not live to the end of the tests".to_owned())
        }
    }

    /// Tells a command where the services are, and hides the developer's own accounts.
    pub fn show_to(&self, command: &mut Command) {
        for name in own_accounts() {
            command.env_remove(name);
        }
        command.envs(settings(&self.ports));
    }
}

/// The variables by which tests and AWS's own programs find the services.
fn settings(ports: &Ports) -> Vec<(&'static str, String)> {
    let port = ports.s3().to_string();
    vec![
        ("PAIL_TEST_S3_ENDPOINT", format!("http://127.0.0.1:{port}")),
        ("PAIL_TEST_S3_PORT", port),
        ("PAIL_TEST_S3_BUCKET", BUCKET.to_owned()),
        ("PAIL_TEST_S3_KEY", ADMIN.key.to_owned()),
        ("PAIL_TEST_S3_SECRET", ADMIN.secret.to_owned()),
        ("PAIL_TEST_S3_READONLY_KEY", READ_ONLY.key.to_owned()),
        ("PAIL_TEST_S3_READONLY_SECRET", READ_ONLY.secret.to_owned()),
        // A program that finds no credentials would ask the metadata address and wait.
        ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
        ("AWS_ACCESS_KEY_ID", ADMIN.key.to_owned()),
        ("AWS_SECRET_ACCESS_KEY", ADMIN.secret.to_owned()),
        ("AWS_REGION", "us-east-1".to_owned()),
        ("AWS_CONFIG_FILE", "/dev/null".to_owned()),
        ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null".to_owned()),
    ]
}

/// The variables of the developer's own accounts, which no test may touch.
fn own_accounts() -> Vec<String> {
    env::vars_os()
        .filter_map(|(name, _)| name.into_string().ok())
        .filter(|name| name.starts_with("AWS_"))
        .collect()
}

/// A server in the background, as the file `state` remembers it.
#[derive(Debug)]
struct Background {
    pid: u32,
    ports: Ports,
}

impl Background {
    fn folder() -> Result<PathBuf, String> {
        Ok(process::target()?.join("services").join("up"))
    }

    /// The one that is up, if there is one.
    fn find(folder: &Path) -> Option<Self> {
        let state = fs::read_to_string(folder.join("state")).ok()?;
        let words: Vec<&str> = state.split_whitespace().collect();
        let (pid, ports) = words.split_first()?;
        let found = Self {
            pid: pid.parse().ok()?,
            ports: Ports::from_words(ports).ok()?,
        };
        found.is_running().then_some(found)
    }

    fn remember(&self, folder: &Path) -> Result<(), String> {
        let words = self.ports.to_words().join(" ");
        let path = folder.join("state");
        fs::write(&path, format!("{} {words}\n", self.pid))
            .map_err(|error| format!("cannot write {}: {error}", path.display()))
    }

    /// Whether the process of that id is still our server: ids are used again.
    fn is_running(&self) -> bool {
        let ours = format!("-s3.port={}", self.ports.s3());
        command_line(self.pid).is_some_and(|line| line.split([' ', '\0']).any(|w| w == ours))
    }

    fn stop(&self) -> Result<(), String> {
        // Not politely, for the reason that the guard gives. The standard library can kill
        // nothing but its own children; every shell can.
        let pid = self.pid.to_string();
        process::output(Command::new("sh").args(["-c", "kill -KILL \"$0\"", &pid]))?;
        let start = Instant::now();
        while self.is_running() {
            if start.elapsed() > Duration::from_secs(10) {
                return Err(format!("cannot stop process {pid}: it is still there"));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        self.ports.remove_sockets();
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
    let folder = Background::folder()?;
    let _lock = tools::lock(&folder.with_extension("lock"))?;
    if let Some(found) = Background::find(&folder) {
        eprintln!("already up on 127.0.0.1:{}", found.ports.s3());
        return Ok(());
    }
    let weed = seaweedfs::install(&process::target()?)?;
    let mut attempt = 1;
    loop {
        tools::remove(&folder)?;
        let ports = Ports::free()?;
        let mut server = seaweedfs::spawn(&weed, &folder, &ports)?;
        let started = Background {
            pid: server.id(),
            ports,
        };
        // Before it answers, so that `down` can stop a start that was interrupted.
        started.remember(&folder)?;
        let ready = seaweedfs::wait_until_ready(&ports, || matches!(server.try_wait(), Ok(None)));
        let Err(error) = ready else {
            eprintln!("SeaweedFS answers on 127.0.0.1:{}", ports.s3());
            eprintln!("hint: eval \"$(cargo xtask env)\", and cargo xtask services down");
            return Ok(());
        };
        let is_running = matches!(server.try_wait(), Ok(None));
        // It may have ended by itself.
        let _ = server.kill().and_then(|()| server.wait());
        ports.remove_sockets();
        if is_running || attempt == ATTEMPTS {
            return Err(format!("{error}\n{}", seaweedfs::log_tail(&folder)));
        }
        eprintln!("{error}; trying again");
        attempt += 1;
    }
}

/// `cargo xtask services down`
pub fn down() -> Result<(), String> {
    let folder = Background::folder()?;
    let _lock = tools::lock(&folder.with_extension("lock"))?;
    match Background::find(&folder) {
        Some(found) => {
            found.stop()?;
            eprintln!("stopped SeaweedFS, process {}", found.pid);
        }
        None => eprintln!("nothing is up"),
    }
    tools::remove(&folder)
}

/// `cargo xtask env`
pub fn print_env() -> Result<(), String> {
    let found = Background::find(&Background::folder()?)
        .ok_or("cannot print the environment: nothing is up; run `cargo xtask services up`")?;
    let settings = settings(&found.ports);
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
